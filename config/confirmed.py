"""What the operator has confirmed: confirmed.yaml. Ids are stable over versions: `clocks.result#X19`, `duties.supervise`, `routing.B3.2-labour`, `gaps.3`."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from config.calendar import Date
from config.gaps import Gaps
from config.roadmap import Case, ClocksFile
from config.routing import RoutingTable
from config.source import Fault, Strict, load_located, raise_if
from config.statutes import Register

FILE = "confirmed.yaml"


class Confirmation(Strict):
    """One point that somebody answers for: `id`, the office that confirmed it (no person's name), the day, a word on the source."""

    id: Annotated[str, Field(min_length=3, max_length=120)]
    by: Annotated[str, Field(min_length=2, max_length=60)]
    on: Date
    note: Annotated[str, Field(max_length=200)] = ""


class Confirmed(Strict):
    """The content of confirmed.yaml."""

    confirmed: tuple[Confirmation, ...] = ()

    @model_validator(mode="after")
    def _once(self) -> Confirmed:
        seen: set[str] = set()
        for i, row in enumerate(self.confirmed):
            if row.id in seen:
                raise Fault(f"{row.id} 确认了两次", "删除其中一处", ("confirmed", i, "id"))
            seen.add(row.id)
        return self

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(row.id for row in self.confirmed)


def case_id(key: str, case: Case, rung: bool = False) -> str:
    """The id of one case of a clock (or of a rung of the ladder)."""
    return f"{'rungs' if rung else 'clocks'}.{key}#{case.name}"


def clock_cases(clocks: ClocksFile) -> Iterator[tuple[str, str, Case]]:
    """Every case with its id and its clock's key: clocks first, then rungs, in the file's order."""
    for rung, table in ((False, clocks.clocks), (True, clocks.rungs)):
        for key, clock in table.items():
            for case in clock.cases:
                yield case_id(key, case, rung), key, case


def every_id(clocks: ClocksFile, table: RoutingTable, register: Register, gaps: Gaps) -> frozenset[str]:
    """All that can be confirmed."""
    return frozenset((
        *(name for name, _, _ in clock_cases(clocks)), *(f"duties.{kind}" for kind in clocks.duties), *(f"routing.{row.id}" for row in table.rows),
        *(f"statutes.{key}" for key in register.rows), *(f"gaps.{key}" for key in gaps.gaps),
    ))


def load_confirmed(path: Path, known: Collection[str] | None = None) -> Confirmed:
    """The confirmations in a YAML file. `known`: all ids there are (None: not asked).

    Raises:
        ConfigError: an id that is nothing of this configuration, with its line and the nearest ids there are; a repeated one; a date that is none.
    """
    found, located = load_located(path, Confirmed)
    if known is not None:
        raise_if([
            located.problem(f"确认了不存在的 {row.id}", _nearest(row.id, known), "confirmed", i, "id") for i, row in enumerate(found.confirmed) if row.id not in known
        ])
    return found


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.5)
    return f"是否想写 {' 或 '.join(near)}？用 tonglu check 查看全部待确认的编号" if near else "用 tonglu check 查看全部待确认的编号；该项已不存在的，删除这一行"
