"""A decision table in CSV, read for itself: what a reviewer expects of every combination of facts. Shares no code with the product's routing.

The first line that fits wins. A cell is `*` (anything), or values joined by `|`, where `-` is an unknown fact, `?` a known one and `accuse_*` every
value that begins so; `!` before the list turns it round. The columns from `row` on are what is expected: the row's id (`-`: none), the body's code or
`clerk`, way, clock track, and for a clerk words of the reason. Lines that begin with `#` are headings.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

Value = str | int | bool | None
EXPECTED = ("row", "body", "way", "track", "reason")


@dataclass(frozen=True)
class Line:
    """One line: where it stands in the file, what it asks of each fact, what it expects."""

    number: int
    cells: Mapping[str, str]
    row: str
    body: str
    way: str
    track: str
    reason: str

    @property
    def answer(self) -> tuple[str, str, str, str]:
        return self.row, self.body, self.way, self.track


class Decision:
    """The table, ready to be asked about every combination of the given values."""

    def __init__(self, path: Path, values: Mapping[str, Sequence[Value]]) -> None:
        kept = [(number, text) for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if text and not text.startswith("#")]
        names, *rest = csv.reader(text for _, text in kept)
        assert tuple(names[-len(EXPECTED):]) == EXPECTED
        assert set(names[: -len(EXPECTED)]) <= values.keys(), "a column of a fact that is not varied"
        self.path = path
        self.values = dict(values)
        self.lines = [_line(number, dict(zip(names, cells, strict=True))) for (number, _), cells in zip(kept[1:], rest, strict=True)]
        whole = (1 << len(self.lines)) - 1
        # one bit a line: for each value of each fact, the lines that do not mind it
        self._masks = [
            [(value, whole if name not in names else sum(1 << i for i, line in enumerate(self.lines) if _suits(line.cells[name], value))) for value in several]
            for name, several in values.items()
        ]

    def combinations(self) -> Iterator[tuple[tuple[Value, ...], Line | None]]:
        """Every combination of the values, in the order of `values`, and the first line that fits it (None: no line does)."""
        names = len(self._masks)
        chosen: list[Value] = [None] * names

        def walk(at: int, mask: int) -> Iterator[tuple[tuple[Value, ...], Line | None]]:
            if at == names:
                yield tuple(chosen), self.lines[(mask & -mask).bit_length() - 1] if mask else None
                return
            for value, lines in self._masks[at]:
                chosen[at] = value
                yield from walk(at + 1, mask & lines)

        return walk(0, (1 << len(self.lines)) - 1)


def _line(number: int, cells: dict[str, str]) -> Line:
    expected = {name: cells.pop(name) for name in EXPECTED}
    return Line(number=number, cells=cells, **expected)


def _suits(cell: str, value: Value) -> bool:
    if cell == "*":
        return True
    wanted = cell.removeprefix("!").split("|")
    return any(_is(one, value) for one in wanted) != cell.startswith("!")


def _is(one: str, value: Value) -> bool:
    if value is None:
        return one == "-"
    return one == "?" or fnmatchcase(str(value).lower() if isinstance(value, bool) else str(value), one)
