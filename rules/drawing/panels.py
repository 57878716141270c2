"""Tables on a sheet of SVG: cells wrap within their column, rows grow as they need."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rules.drawing.measure import wrap
from rules.drawing.svg import Canvas

Block = tuple[str, Callable[[Canvas, float, float], None], float, float]
"""A part of a sheet: heading, how to draw it at (x, y), width, height."""
SIZE = 12.5
LINE = 16.0
PAD = 5.0


def panel(heading: str, columns: Sequence[tuple[str, float]], rows: Sequence[Sequence[str]], width: float) -> Block:
    """A block for a sheet. `columns`: title and share of the width; every row has as many cells."""
    whole = sum(share for _, share in columns)
    widths = [width * share / whole for _, share in columns]
    laid = [[wrap(cell, SIZE, room - 2 * PAD) for cell, room in zip(row, widths, strict=True)] for row in [[title for title, _ in columns], *rows]]
    heights = [LINE * max(len(cell) for cell in row) + 2 * PAD for row in laid]

    def draw(canvas: Canvas, x: float, y: float) -> None:
        for n, (row, height) in enumerate(zip(laid, heights, strict=True)):
            canvas.rect(x, y, width, height, "#eaeef2" if n == 0 else "#ffffff" if n % 2 else "#f6f8fa", "#d0d7de", line=0.7)
            left = x
            for cell, room in zip(row, widths, strict=True):
                for i, line in enumerate(cell):
                    canvas.text(left + PAD, y + PAD + LINE * i + LINE * 0.76, line, SIZE, bold=n == 0)
                left += room
            y += height

    return heading, draw, width, sum(heights)
