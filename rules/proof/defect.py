"""What the proof finds: a defect, where it stands, how to mend it, and the shortest way by which a case comes to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from config.source import ConfigError, Problem
from config.yamltree import Key, Lines, YamlFault, parse

ROADS, CLOCKS, BODIES, ROUTING = "roadmap.yaml", "clocks.yaml", "bodies.yaml", "routing.yaml"


@dataclass(frozen=True, slots=True)
class Defect:
    """A way in which a case could be stranded.

    Attributes:
        code: stable, for programs, e.g. `no-clock`; every code is explained in docs/check.md.
        file, at: the configuration file and the path of the value in it.
        what, cure: Chinese, for the operator.
        way: acts and states from the start to the fault, each in Chinese with its code; empty where no way leads there or none is needed.
        line: from 1; 0 until `locate` has looked it up.
    """

    code: str
    file: str
    at: tuple[Key, ...]
    what: str
    cure: str
    way: tuple[str, ...] = ()
    line: int = 0

    @property
    def key(self) -> str:
        """The path with dots: `handoff.states.SIGNED.clocks`."""
        return ".".join(map(str, self.at))

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        led = f"。走法：{' → '.join(self.way)}" if self.way else ""
        return f"{where}: [{self.code}] {self.what}{led}。修正：{self.cure}"


@dataclass(frozen=True, slots=True)
class Note:
    """No dead end, but something an operator should know: the law leaves it to people, or the directory does not reach that far."""

    code: str
    what: str
    meanwhile: str


def locate(defects: Iterable[Defect], folder: Path) -> list[Defect]:
    """The same defects with the lines at which they stand, in the order of files and lines. A file that cannot be read leaves line 1."""
    lines: dict[str, Lines] = {}
    found = []
    for defect in defects:
        if defect.file not in lines:
            lines[defect.file] = _lines(folder / defect.file)
        found.append(replace(defect, line=lines[defect.file].of(*defect.at)))
    return sorted(found, key=lambda d: (d.file, d.line, d.code, d.what))


def _lines(path: Path) -> Lines:
    try:
        return parse(path.read_text(encoding="utf-8-sig")).lines
    except (OSError, UnicodeDecodeError, YamlFault):
        return Lines({})


def refusal(defects: Iterable[Defect], folder: Path) -> ConfigError:
    """The error with which a start is refused because of these."""
    located = locate(defects, folder)
    return ConfigError(Problem(d.file, d.line, f"[{d.code}] {d.what}" + (f"。走法：{' → '.join(d.way)}" if d.way else ""), d.cure) for d in located)
