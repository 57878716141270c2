"""Boxes and wires put on a sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rules.drawing.layout import Box
from rules.drawing.nodes import CHIP, PAD, ROW, Cell, Node, Row
from rules.drawing.svg import Canvas
from rules.drawing.wires import MARGIN, TRACK, Wiring, wire

# Far apart in hue, dark enough to be told from one another on paper.
_COLOURS = ("#1f6feb", "#bc4c00", "#1a7f37", "#8250df", "#bf3989", "#0f766e", "#9a6700", "#57606a", "#cf222e", "#24292f", "#5c7c0f", "#7d4e57", "#d4a72c", "#e85aad")


@dataclass(frozen=True, slots=True)
class Diagram:
    """A laid-out diagram, ready to be put anywhere on a sheet. `lefts`: where each column begins."""

    wiring: Wiring
    lefts: tuple[float, ...]
    widths: tuple[float, ...]
    colours: dict[str, str]
    width: float
    height: float

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        """Draw it with its upper left corner at (x, y)."""
        for net in self.wiring.nets:
            self._net(canvas, x, y, net.target, net.from_left)
        for box in self.wiring.boxes.values():
            self._box(canvas, x + self.lefts[box.column], y, box)

    def _right(self, column: int) -> float:
        return self.lefts[column] + self.widths[column]

    def _net(self, canvas: Canvas, x: float, y: float, target: str, from_left: bool) -> None:
        boxes = self.wiring.boxes
        net = next(net for net in self.wiring.nets if (net.target, net.from_left) == (target, from_left))
        colour = self.colours[target]
        entry = boxes[target].column - 1 if from_left else boxes[target].column
        for channel in net.channels(boxes):
            upright = x + self._right(channel) + MARGIN + TRACK * net.tracks[channel]
            left, right = net.heights(channel, boxes)
            heights = sorted({*left, *right})
            if len(heights) > 1:
                canvas.wire([(upright, y + heights[0]), (upright, y + heights[-1])], colour, to=target)
            near, far = x + self._right(channel), x + (self.lefts[channel + 1] if channel + 1 < len(self.lefts) else self.width)
            goal = boxes[target].entry if channel == entry else None
            for side, border in ((left, near), (right, far)):
                for height in side:
                    into = height == goal and (border == far) == from_left
                    canvas.wire([(upright, y + height), (border, y + height)], colour, head=into, to=target)
        for column, lane in net.lanes.items():
            canvas.wire([(x + self.lefts[column], y + lane), (x + self._right(column), y + lane)], colour, to=target)

    def _box(self, canvas: Canvas, x: float, y: float, box: Box) -> None:
        node, width, top = box.node, self.widths[box.column], y + box.top
        heading = ROW * len(node.head) + ROW / 4
        canvas.rect(x, top, width, node.height, "#ffffff", node.frame, radius=4, line=3 if node.heavy else 1.3, **node.data)
        canvas.rect(x + 1, top + 1, width - 2, heading - 1, node.ground, radius=3)
        for i, row in enumerate((*node.head, *node.rows)):
            middle = y + box.entry + ROW * i
            self._row(canvas, x + PAD, middle, row)
            if row.goes is not None:
                port = next(p for net in self.wiring.nets if net.target == row.goes for p in net.ports if (p.key, p.row) == (node.key, i - len(node.head)))
                from_right = self.wiring.boxes[row.goes].column >= box.column
                canvas.dot(x + width if from_right else x, y + box.port(port.row), self.colours[row.goes])

    @staticmethod
    def _row(canvas: Canvas, x: float, middle: float, row: Row) -> None:
        for cell in row.cells:
            put(canvas, x, middle, cell)
            x += cell.width


def put(canvas: Canvas, x: float, middle: float, cell: Cell) -> None:
    """One cell from x on, its middle at this height."""
    base = middle + cell.size * 0.36
    if cell.chip:
        canvas.rect(x, middle - CHIP / 2 + 0.5, cell.width - 3, CHIP - 1, cell.colour, radius=3)
        canvas.text(x + (PAD - 3) / 2, base, cell.text, cell.size, "#ffffff", bold=True, **cell.data)
        return
    canvas.text(x, base, cell.text, cell.size, cell.colour, bold=cell.bold, **cell.data)


def lay_out(table: Sequence[Sequence[Node]]) -> Diagram:
    """Columns of nodes as a diagram."""
    wiring = wire(table)
    widths = tuple(max((node.width for node in nodes), default=0.0) for nodes in table)
    lefts = [0.0]
    for column, tracks in enumerate(wiring.widths):
        room = 2 * MARGIN + TRACK * max(tracks - 1, 0) if tracks else MARGIN
        lefts.append(lefts[-1] + widths[column] + (room if column + 1 < len(table) or tracks else 0))
    targets = dict.fromkeys(target for nodes in table for node in nodes for target in node.targets)
    colours = {target: _COLOURS[i % len(_COLOURS)] for i, target in enumerate(targets)}
    lanes = [lane for net in wiring.nets for lane in net.lanes.values()]
    height = max([*(box.bottom for box in wiring.boxes.values()), *(lane + ROW / 2 for lane in lanes)])
    return Diagram(wiring, tuple(lefts[:-1]), widths, colours, lefts[-1], height)
