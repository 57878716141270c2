"""Where the boxes stand: columns from left to right, in each a stack; gaps between boxes are wide enough for the wires that pass through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rules.drawing.nodes import ROW, Node

LANE = 8.0
GAP = 24.0


@dataclass(frozen=True, slots=True)
class Box:
    """A node in its place. `column` counts from 0, `top` from the diagram's own top."""

    node: Node
    column: int
    top: float

    @property
    def entry(self) -> float:
        """The height at which wires come in: the middle of the first heading row."""
        return self.top + ROW / 2 + ROW / 4

    def port(self, row: int) -> float:
        """The height at which the wire of this row leaves."""
        return self.entry + ROW * (len(self.node.head) + row)

    @property
    def bottom(self) -> float:
        return self.top + self.node.height


def ranks(nodes: Sequence[Node], start: str) -> dict[str, int]:
    """The fewest steps from the start to each node; what cannot be reached stands after all others."""
    links = {node.key: node.targets for node in nodes}
    found = {start: 0}
    line = [start]
    for key in line:
        for target in links[key]:
            if target not in found:
                found[target] = found[key] + 1
                line.append(target)
    last = max(found.values()) + 1
    return {node.key: found.get(node.key, last) for node in nodes}


def columns(nodes: Sequence[Node], start: str, ends: frozenset[str], count: int) -> list[list[Node]]:
    """The nodes in at most `count` columns of about equal height, by distance from the start; the ends in the last."""
    rank = ranks(nodes, start)
    going = sorted((node for node in nodes if node.key not in ends), key=lambda node: rank[node.key])
    last = [node for node in nodes if node.key in ends]
    room = count - 1 if last else count
    limit = _fair(going, room)
    found: list[list[Node]] = [[]]
    for node in going:
        if found[-1] and _tall([*found[-1], node]) > limit and len(found) < room:
            found.append([])
        found[-1].append(node)
    return [*found, last] if last else found


def _tall(stack: Sequence[Node]) -> float:
    return sum(node.height + GAP for node in stack)


def _fair(nodes: Sequence[Node], room: int) -> float:
    """The least height at which the nodes, kept in order, fill no more than `room` columns."""
    for limit in sorted({_tall(nodes[i:j]) for i in range(len(nodes)) for j in range(i + 1, len(nodes) + 1)}):
        used, tall = 1, 0.0
        for node in nodes:
            if tall and tall + node.height + GAP > limit:
                used, tall = used + 1, 0.0
            tall += node.height + GAP
        if used <= room and limit >= max(node.height + GAP for node in nodes):
            return limit
    return _tall(nodes)


def stack(table: Sequence[Sequence[Node]], lanes: Mapping[tuple[int, int], int]) -> dict[str, Box]:
    """Every node in its place. `lanes`: how many wires pass through gap i (above box i) of column c. Odd columns stand half a lane lower,

    so that wires that leave neighbouring columns never run on one line.
    """
    boxes: dict[str, Box] = {}
    for column, nodes in enumerate(table):
        top = LANE / 2 * (column % 2)
        for i, node in enumerate(nodes):
            above = lanes.get((column, i), 0)
            top += LANE * (above + 1) if i == 0 and above else 0 if i == 0 else GAP + LANE * above
            boxes[node.key] = Box(node, column, top)
            top += node.height
    return boxes


def gap_tops(table: Sequence[Sequence[Node]], boxes: Mapping[str, Box]) -> dict[tuple[int, int], float]:
    """The height of the first lane in each gap; gap i stands above box i, the last one below them all."""
    tops: dict[tuple[int, int], float] = {}
    for column, nodes in enumerate(table):
        tops[column, 0] = LANE / 2 * (column % 2) + LANE / 2
        for i, node in enumerate(nodes):
            tops[column, i + 1] = boxes[node.key].bottom + LANE + LANE / 2
    return tops
