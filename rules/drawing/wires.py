"""Which way the wires go. All wires into one side of one box are one net: they join on their way, and the net has one upright track a channel.

A channel is the space between two columns; channel c lies right of column c. A wire into a box further right enters from the left, every
other one (the box is further left, or in the same column) from the right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rules.drawing.layout import LANE, Box, gap_tops, stack
from rules.drawing.nodes import Node

TRACK = 9.0
MARGIN = 18.0


@dataclass(frozen=True, slots=True)
class Port:
    """Where a wire begins: row `row` of box `key`."""

    key: str
    row: int


@dataclass(slots=True)
class Net:
    """All wires into one side of `target`. `gaps`: by which gap it passes each column; `tracks`: its place in each channel, from the left."""

    target: str
    from_left: bool
    ports: list[Port] = field(default_factory=list)
    gaps: dict[int, int] = field(default_factory=dict)
    lanes: dict[int, float] = field(default_factory=dict)
    tracks: dict[int, int] = field(default_factory=dict)

    def channels(self, boxes: Mapping[str, Box]) -> range:
        """The channels it runs in."""
        at, all_ = boxes[self.target].column, [boxes[port.key].column for port in self.ports]
        return range(min(all_), at) if self.from_left else range(at, max(at + 1, *all_))

    def heights(self, channel: int, boxes: Mapping[str, Box]) -> tuple[list[float], list[float]]:
        """The heights at which it meets the left and the right border of a channel."""
        left = [boxes[p.key].port(p.row) for p in self.ports if boxes[p.key].column == channel and (self.from_left or channel == boxes[self.target].column)]
        right = [] if self.from_left else [boxes[p.key].port(p.row) for p in self.ports if boxes[p.key].column == channel + 1]
        at = boxes[self.target]
        if channel in self.lanes:
            left.append(self.lanes[channel])
        if channel + 1 in self.lanes:
            right.append(self.lanes[channel + 1])
        if self.from_left and channel + 1 == at.column:
            right.append(at.entry)
        if not self.from_left and channel == at.column:
            left.append(at.entry)
        return left, right


@dataclass(frozen=True, slots=True)
class Wiring:
    """Boxes in their places, nets on their ways, and how many tracks each channel needs."""

    boxes: dict[str, Box]
    nets: tuple[Net, ...]
    widths: tuple[int, ...]


def wire(table: Sequence[Sequence[Node]]) -> Wiring:
    """Ways for all rows that lead somewhere, with the boxes moved apart as the wires need."""
    boxes = stack(table, {})
    nets = _nets(table, boxes)
    lanes: dict[tuple[int, int], int] = {}
    tops = gap_tops(table, boxes)
    for net in nets:
        span = net.channels(boxes)
        wanted = sorted([boxes[net.target].entry, *(boxes[p.key].port(p.row) for p in net.ports)])
        middle = wanted[len(wanted) // 2]
        for column in range(span.start + 1, span.stop):
            gap = min((i for c, i in tops if c == column), key=lambda i: abs(tops[column, i] - middle))
            net.gaps[column] = gap
            lanes[column, gap] = lanes.get((column, gap), 0) + 1
    boxes = stack(table, lanes)
    tops = gap_tops(table, boxes)
    used: dict[tuple[int, int], int] = {}
    for net in sorted(nets, key=lambda net: boxes[net.target].entry):
        for column, gap in net.gaps.items():
            n = used[column, gap] = used.get((column, gap), 0) + 1
            net.lanes[column] = tops[column, gap] + LANE * (n - 1)
    widths = tuple(_tracks(channel, [net for net in nets if channel in net.channels(boxes)], boxes) for channel in range(len(table)))
    return Wiring(boxes, tuple(nets), widths)


def _nets(table: Sequence[Sequence[Node]], boxes: Mapping[str, Box]) -> list[Net]:
    nets: dict[tuple[str, bool], Net] = {}
    for node in (node for nodes in table for node in nodes):
        for i, row in enumerate(node.rows):
            if row.goes is not None:
                from_left = boxes[node.key].column < boxes[row.goes].column
                nets.setdefault((row.goes, from_left), Net(row.goes, from_left)).ports.append(Port(node.key, i))
    return list(nets.values())


def _tracks(channel: int, nets: list[Net], boxes: Mapping[str, Box]) -> int:
    """Give each net a track in this channel, with few crossings. Returns how many there are."""
    order = sorted(nets, key=lambda net: (net.target, net.from_left))
    met = {id(net): net.heights(channel, boxes) for net in nets}
    spans = {key: (min((*left, *right)), max((*left, *right))) for key, (left, right) in met.items()}

    def cost(line: Sequence[Net]) -> int:
        return sum(_crossings(met[id(a)], spans[id(a)], met[id(b)], spans[id(b)]) for i, a in enumerate(line) for b in line[i + 1:])

    best, moved = cost(order), True
    while moved:
        moved = False
        for i in range(len(order)):
            for j in range(len(order)):
                tried = [net for net in order if net is not order[i]]
                tried.insert(j, order[i])
                if (found := cost(tried)) < best:
                    order, best, moved = tried, found, True
    for track, net in enumerate(order):
        net.tracks[channel] = track
    return len(order)


def _crossings(left: tuple[Iterable[float], Iterable[float]], left_span: tuple[float, float],
               right: tuple[Iterable[float], Iterable[float]], right_span: tuple[float, float]) -> int:
    """How often two nets cross in a channel where the first one's upright stands left of the second's."""
    over = sum(right_span[0] < y < right_span[1] for y in left[1])
    return over + sum(left_span[0] < y < left_span[1] for y in right[0])

