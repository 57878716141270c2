"""Reads a sheet of SVG back, as somebody would who has only the paper: boxes, words, wires, ports."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

_SVG = "{http://www.w3.org/2000/svg}"
Point = tuple[float, float]


@dataclass(frozen=True)
class Area:
    """An upright rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Area, slack: float = 0.0) -> bool:
        return (self.left < other.right - slack and other.left < self.right - slack and self.top < other.bottom - slack and other.top < self.bottom - slack)

    def holds(self, other: Area) -> bool:
        return self.left <= other.left and other.right <= self.right and self.top <= other.top and other.bottom <= self.bottom


@dataclass(frozen=True)
class Words:
    text: str
    area: Area
    data: dict[str, str]


@dataclass(frozen=True)
class Wire:
    """One straight stretch, from left to right or from top to bottom."""

    a: Point
    b: Point
    to: str

    @property
    def upright(self) -> bool:
        return self.a[0] == self.b[0]

    def passes(self, at: Point) -> bool:
        (x, y), (left, top), (right, bottom) = at, self.a, self.b
        return left - 0.01 <= x <= right + 0.01 and top - 0.01 <= y <= bottom + 0.01


class Sheet:
    """What stands on a sheet. A letter is taken to be 1 em wide if it is not ASCII and 0.55 em if it is."""

    def __init__(self, text: str) -> None:
        root = ElementTree.fromstring(text)  # noqa: S314 (our own output)
        left, top, width, height = map(float, root.attrib["viewBox"].split())
        self.paper = Area(left, top, left + width, top + height)
        self.boxes: dict[str, Area] = {}
        self.words: list[Words] = []
        self.wires: list[Wire] = []
        self.dots: list[Point] = []
        for element in root.iter():
            data = {name.removeprefix("data-"): value for name, value in element.attrib.items() if name.startswith("data-")}
            if element.tag == f"{_SVG}rect" and (data.keys() & {"state", "rung"}):
                key = data.get("state") or data["rung"]
                assert key not in self.boxes, f"{key} is drawn twice"
                x, y, w, h = (float(element.attrib[name]) for name in ("x", "y", "width", "height"))
                self.boxes[key] = Area(x, y, x + w, y + h)
            elif element.tag == f"{_SVG}text":
                x, y, size, said = float(element.attrib["x"]), float(element.attrib["y"]), float(element.attrib["font-size"]), element.text or ""
                wide = sum(0.55 if sign.isascii() else 1.0 for sign in said) * size
                self.words.append(Words(said, Area(x, y - 0.8 * size, x + wide, y + 0.15 * size), data))
            elif element.tag == f"{_SVG}path" and "to" in data:
                points = [(float(a), float(b)) for a, b in re.findall(r"([-0-9.]+) ([-0-9.]+)", element.attrib["d"])]
                assert len(points) == 2
                first, last = sorted(points)
                assert first[0] == last[0] or first[1] == last[1], "a wire that is neither level nor upright"
                self.wires.append(Wire(first, last, data["to"]))
            elif element.tag == f"{_SVG}circle":
                self.dots.append((float(element.attrib["cx"]), float(element.attrib["cy"])))

    def box_of(self, words: Words) -> str | None:
        """The box in which these words stand, if any."""
        return next((key for key, area in self.boxes.items() if area.holds(words.area)), None)

    def reached(self, start: Point, to: str) -> set[Point]:
        """Every end of a stretch that can be reached from a point along wires that lead to the same box."""
        mine = [wire for wire in self.wires if wire.to == to]
        seen, line = {start}, [start]
        for at in line:
            for wire in mine:
                joined = wire.passes(at) or any(other.passes(end) for other in mine if other.passes(at) for end in (wire.a, wire.b))
                for end in (wire.a, wire.b):
                    if joined and end not in seen:
                        seen.add(end)
                        line.append(end)
        return seen


def faults(sheet: Sheet) -> list[str]:
    """All that would make a sheet hard to read: overlaps, words off the paper, wires through boxes or upon each other."""
    found = []
    boxes = list(sheet.boxes.items())
    for i, (key, area) in enumerate(boxes):
        if not sheet.paper.holds(area):
            found.append(f"{key} is off the paper")
        found += [f"{key} overlaps {other}" for other, its in boxes[i + 1:] if area.meets(its)]
        inner = Area(area.left + 1, area.top + 1, area.right - 1, area.bottom - 1)
        found += [f"a wire to {wire.to} runs through {key}" for wire in sheet.wires if inner.meets(Area(wire.a[0] - 0.1, wire.a[1] - 0.1, wire.b[0] + 0.1, wire.b[1] + 0.1))]
    for words in sheet.words:
        if not sheet.paper.holds(words.area):
            found.append(f"“{words.text}” is off the paper")
        if sheet.box_of(words) is None:
            found += [f"“{words.text}” sticks out of {key}" for key, area in boxes if area.meets(words.area, 1)]
    for i, one in enumerate(sheet.wires):
        for two in sheet.wires[i + 1:]:
            if one.to != two.to and one.upright == two.upright and _upon(one, two):
                found.append(f"wires to {one.to} and {two.to} run upon each other")
    return found


def _upon(one: Wire, two: Wire) -> bool:
    across, along = (0, 1) if one.upright else (1, 0)
    if abs(one.a[across] - two.a[across]) > 1 or one.a == one.b or two.a == two.b:
        return False
    return min(one.b[along], two.b[along]) - max(one.a[along], two.a[along]) > 0.5
