"""What a diagram is made of: boxes that are little tables. A row of a box may lead to another box; the wire then leaves beside that row."""

from __future__ import annotations

from dataclasses import dataclass, field

from rules.drawing.measure import text_width

ROW = 16.0
PAD = 8.0
CHIP = 15.0


@dataclass(frozen=True, slots=True)
class Cell:
    """Words in one size and colour. `chip`: white on a coloured ground. `data`: attributes for readers of the file."""

    text: str
    size: float = 12.5
    colour: str = "#1f2328"
    bold: bool = False
    chip: bool = False
    data: dict[str, str] = field(default_factory=dict)

    @property
    def width(self) -> float:
        """With the room after it."""
        return text_width(self.text, self.size) + (PAD if self.chip else 5)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a box; `goes`: key of the box it leads to."""

    cells: tuple[Cell, ...]
    goes: str | None = None

    @property
    def width(self) -> float:
        return sum(cell.width for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Node:
    """A box: heading rows on a coloured ground, then the others. `heavy`: a thick frame (an end, or the beginning)."""

    key: str
    head: tuple[Row, ...]
    rows: tuple[Row, ...]
    ground: str
    frame: str
    heavy: bool = False
    data: dict[str, str] = field(default_factory=dict)

    @property
    def width(self) -> float:
        return max(row.width for row in (*self.head, *self.rows)) + 2 * PAD

    @property
    def height(self) -> float:
        return ROW * (len(self.head) + len(self.rows)) + ROW / 2

    @property
    def targets(self) -> tuple[str, ...]:
        """Where its rows lead, in their order, each once."""
        return tuple(dict.fromkeys(row.goes for row in self.rows if row.goes))


def flow(cells: list[Cell], width: float, lead: Cell | None = None) -> list[Row]:
    """Cells side by side in as many rows as they need; `lead` opens the first."""
    rows: list[Row] = []
    line = [lead] if lead else []
    for cell in cells:
        if line and sum(each.width for each in line) + cell.width > width:
            rows.append(Row(tuple(line)))
            line = []
        line.append(cell)
    return [*rows, Row(tuple(line))] if line else rows
