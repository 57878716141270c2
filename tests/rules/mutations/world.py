"""The shipped configuration as plain data, and one way of damaging it."""

from __future__ import annotations

import atexit
import copy
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import config
from config.yamltree import parse

BUREAU = "bureau-990100"
FILES = ("roadmap", "clocks", "bodies", "routing")
Data = dict[str, Any]


@dataclass
class World:
    """The files as data, and what the product can carry. `touched`: which of the files differ from the shipped ones."""

    roadmap: Data
    clocks: Data
    bodies: Data
    routing: Data
    less_carried: frozenset[str] = frozenset()
    less_heard: frozenset[str] = frozenset()
    less_kinds: frozenset[str] = frozenset()
    touched: set[str] = field(default_factory=set)

    def states(self, machine: str) -> Data:
        return dict(self.roadmap[machine]["states"])

    def edges(self, machine: str) -> list[Data]:
        return list(self.roadmap[machine]["edges"])


@lru_cache(maxsize=1)
def snapshot() -> Path:
    """A copy of the shipped configuration: what is damaged and what it is compared with are read from the same files, however long the run."""
    folder = Path(mkdtemp(prefix="tonglu-shipped-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for path in Path(config.__file__).parent.glob("*.yaml"):
        shutil.copyfile(path, folder / path.name)
    return folder


@lru_cache(maxsize=1)
def shipped() -> World:
    """Do not change what this returns."""
    return World(*(parse((snapshot() / f"{name}.yaml").read_text(encoding="utf-8")).data for name in FILES))


def damaged(*names: str) -> World:
    """A world of which these files may be changed."""
    whole = shipped()
    return World(**{name: copy.deepcopy(getattr(whole, name)) if name in names else getattr(whole, name) for name in FILES}, touched=set(names))


Change = Callable[[World], None]


@dataclass(frozen=True)
class Mutation:
    """One way of damaging the configuration.

    Attributes:
        family, name: name is stable and unique: what was done to what.
        files: which files `change` touches. change: does the damage.
        matters: True or False by what the damage is (see `why`), or None: the second opinion (`oracle`) says it.
    """

    family: str
    name: str
    files: tuple[str, ...]
    change: Change
    matters: bool | None
    why: str

    def world(self) -> World:
        made = damaged(*self.files)
        self.change(made)
        return made


def clocks_of(world: World) -> Iterator[tuple[str, str, Data]]:
    for part in ("clocks", "rungs"):
        for key, clock in world.clocks[part].items():
            yield part, key, clock
