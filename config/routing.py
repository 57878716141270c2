"""The routing table: which petition goes to which body, how, and by which article. Data; `rules.routing` reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, PrivateAttr

from config.bodies import Bodies, Slug
from config.facts import ACCUSING, NAMES, Facts
from config.overlaps import overlaps
from config.rows import (
    ABSENT,
    FROM_FACT,
    IMPLIED,
    KNOWN,
    PROCEDURES,
    Destination,
    Procedure,
    Remedy,
    Row,
    Scalar,
    Situation,
    Verified,
    Way,
    suits,
)
from config.source import Located, Problem, Strict, load_located, raise_if

__all__ = [
    "ABSENT",
    "FROM_FACT",
    "IMPLIED",
    "KNOWN",
    "PROCEDURES",
    "Destination",
    "Procedure",
    "Remedy",
    "RoutingTable",
    "Row",
    "Scalar",
    "Situation",
    "Verified",
    "Way",
    "load_routing",
    "suits",
]

PROCEDURES_OF: dict[str, tuple[Procedure, ...]] = {
    "B1": ("suggestion",),
    "B2": ("accusation",),
    "B3.1": ("litigation",),
    "B3.2": ("arbitration", "reconsideration"),
    "B3.3": ("discipline",),
    "B3.4": ("administrative", "reconsideration"),
    "B3.5": ("performance",),
    "B3.6": ("petition",),
}
"""The kinds of procedure a branch can lead into; expropriated land in B3.2 leads out of arbitration (NT 2(3))."""

SHELF = ("klass", "situation", "art31")
"""The facts by which rows are shelved: they part the table best."""


class RoutingTable(Strict):
    """The content of routing.yaml, in the file's order.

    `tracks`: slug of a clock track → its Chinese name (cases in clocks.yaml choose by it). `remedies` and `situations` by slug.
    """

    tracks: dict[Slug, Annotated[str, Field(min_length=2, max_length=30)]] = Field(default_factory=dict)
    remedies: dict[Slug, Remedy] = Field(default_factory=dict)
    situations: dict[Slug, Situation] = Field(default_factory=dict)
    rows: Annotated[list[Row], Field(min_length=1)]
    _shelves: dict[tuple[Scalar | None, ...], tuple[Shelved, ...]] = PrivateAttr(default_factory=dict)
    _by_id: dict[str, Row] = PrivateAttr(default_factory=dict)

    def row(self, row_id: str) -> Row:
        """The row of this id. Raises `KeyError`."""
        if not self._by_id:
            self._by_id.update((row.id, row) for row in reversed(self.rows))
        return self._by_id[row_id]

    def remedies_of(self, row: Row) -> tuple[Remedy, ...]:
        """The petitioner's other roads where this row applies."""
        return tuple(self.remedies[name] for name in row.alternatives)

    def shelf(self, facts: Facts) -> tuple[Shelved, ...]:
        """The rows whose wishes for class, situation and item hold, strongest first and then by id, each with its other wishes."""
        key = (facts.klass, facts.situation, facts.art31)
        found = self._shelves.get(key)
        if found is None:
            rows = (row for row in self.rows if all(suits(value, row.wants(name)) for name, value in zip(SHELF, key, strict=True) if name in row.when))
            found = self._shelves[key] = tuple(_shelved(row) for row in sorted(rows, key=lambda row: (row.rank, row.id)))
        return found


@dataclass(frozen=True, slots=True)
class Shelved:
    """A row and what it still asks once the facts of `SHELF` are settled: fact, values it accepts (None: unknown)."""

    row: Row
    wishes: tuple[tuple[str, frozenset[Scalar | None]], ...]
    known: tuple[str, ...]


def _shelved(row: Row) -> Shelved:
    wishes, known = [], []
    for name in row.when.keys() - set(SHELF):
        wanted = row.wants(name)
        if wanted == (KNOWN,):
            known.append(name)
        elif KNOWN not in wanted:
            wishes.append((name, frozenset(None if value == ABSENT else value for value in wanted)))
        elif ABSENT not in wanted:
            known.append(name)
    return Shelved(row, tuple(sorted(wishes, key=lambda wish: wish[0])), tuple(sorted(known)))


def load_routing(path: Path, bodies: Bodies) -> RoutingTable:
    """The table in a YAML file.

    Raises:
        ConfigError: every fault: a row that leads to no body of bodies.yaml, a name (track, remedy, situation, row) that
            is not declared or never used, two rows of one rank that can hold together and do not say so.
    """
    table, located = load_located(path, RoutingTable)
    raise_if([*_row_faults(table, located, bodies), *_name_faults(table, located), *_situation_faults(table, located, bodies), *_rank_faults(table, located)])
    return table


def _row_faults(table: RoutingTable, located: Located, bodies: Bodies) -> Iterator[Problem]:
    seats = {(b.kind, b.sector) for b in bodies if b.successor is None}
    kinds = {kind for kind, _ in seats}
    sectors = {sector for _, sector in seats}
    first: dict[str, int] = {}
    for i, row in enumerate(table.rows):
        if row.id in first:
            line = located.of("rows", first[row.id], "id")
            yield located.problem(f"行 {row.id} 重复（第 {line} 行已写过）", "改用另一个编号", "rows", i, "id")
        first.setdefault(row.id, i)
        for part, to in (("to", row.to), *(("candidates", c) for c in row.candidates), *(("also", c) for c in row.also)):
            if to is None:
                continue
            literal = to.kind is not None and not to.kind.startswith(FROM_FACT)
            sector = to.sector if to.sector is not None and not to.sector.startswith(FROM_FACT) else None
            if (literal and to.kind not in kinds) or (sector is not None and (to.kind, sector) not in seats):
                shown = f"{to.kind}（{sector}）" if sector else to.kind
                what = f"行 {row.id} 去向 {shown}，机关目录中没有这样的机关"
                yield located.problem(what, "在 bodies.yaml 中补写该机关，或改正去向", "rows", i, part)
        for value in row.wants("sector"):
            if value not in (ABSENT, KNOWN) and value not in sectors:
                what = f"行 {row.id} 的领域 {value} 没有任何机关"
                yield located.problem(what, "改正领域，或在 bodies.yaml 中补写", "rows", i, "when", "sector")


def _name_faults(table: RoutingTable, located: Located) -> Iterator[Problem]:
    ids = {row.id for row in table.rows}
    for i, row in enumerate(table.rows):
        if row.to is not None and row.track is None:
            yield located.problem(f"行 {row.id} 没有写期限轨道 track", f"用 tracks 中的名称，例如 {next(iter(table.tracks), 'petition_handling')}", "rows", i)
        elif row.track is not None and row.track not in table.tracks:
            yield located.problem(f"行 {row.id} 的期限轨道 {row.track} 不在 tracks 中", "改正名称，或在 tracks 中补写", "rows", i, "track")
        if row.to is not None and row.procedure is None:
            yield located.problem(f"行 {row.id} 没有写程序种类 procedure", f"用以下之一：{'、'.join(PROCEDURES)}", "rows", i)
        allowed = next((kinds for branch, kinds in PROCEDURES_OF.items() if row.branch.startswith(branch)), None)
        if row.procedure is not None and allowed is not None and row.procedure not in allowed:
            what = f"行 {row.id} 的程序种类 {PROCEDURES[row.procedure]} 与分支 {row.branch} 不符"
            yield located.problem(what, f"改为 {'、'.join(allowed)}，或改正行的编号", "rows", i, "procedure")
        for j, name in enumerate(row.alternatives):
            if name not in table.remedies:
                yield located.problem(f"行 {row.id} 的救济途径 {name} 不在 remedies 中", "改正名称，或在 remedies 中补写", "rows", i, "alternatives", j)
        if row.to is not None and row.branch.startswith("B3") and not row.alternatives:
            yield located.problem(f"行 {row.id} 没有写信访人还有什么途径", "在 alternatives 中写至少一项 remedies 的名称", "rows", i)
        for j, other in enumerate(row.beside):
            if other not in ids or other == row.id:
                yield located.problem(f"行 {row.id} 的 beside 指向不存在的行 {other}", "改正行的编号，或删除", "rows", i, "beside", j)
    used = {row.track for row in table.rows}
    for name in table.tracks.keys() - used:
        yield located.problem(f"期限轨道 {name} 没有任何行使用", "删除，或在相应的行写 track", "tracks", name)
    called = {name for row in table.rows for name in row.alternatives}
    for name in table.remedies.keys() - called:
        yield located.problem(f"救济途径 {name} 没有任何行使用", "删除，或在相应的行写入 alternatives", "remedies", name)


def _situation_faults(table: RoutingTable, located: Located, bodies: Bodies) -> Iterator[Problem]:
    sectors = {body.sector for body in bodies}
    for name, situation in table.situations.items():
        at = ("situations", name)
        accuses = situation.facts.get("klass") == "accusation"
        if accuses != name.startswith(ACCUSING):
            what = f"情形 {name} {'属检举控告而名称不以' if accuses else '不属检举控告而名称以'} {ACCUSING} 开头"
            yield located.problem(what, f"检举控告的情形一律以 {ACCUSING} 开头，其他情形不得如此", *at)
        sector = situation.implies.get("sector")
        if sector is not None and sector not in sectors:
            yield located.problem(f"情形 {name} 的领域 {sector} 没有任何机关", "改正领域，或在 bodies.yaml 中补写", *at, "implies", "sector")
        if not any(name in row.wants("situation") for row in table.rows):
            yield located.problem(f"情形 {name} 没有自己的行", f"补写 when: {{situation: {name}}} 的行，或删除该情形", *at)
    for i, row in enumerate(table.rows):
        for value in row.wants("situation"):
            if value in (ABSENT, KNOWN):
                continue
            known = table.situations.get(str(value))
            if known is None:
                what = f"行 {row.id} 的情形 {value} 不在 situations 中"
                yield located.problem(what, "改正名称，或在 situations 中补写", "rows", i, "when", "situation")
                continue
            if row.branch != known.branch:
                what = f"行 {row.id} 的分支 {row.branch} 与情形 {value} 的分支 {known.branch} 不一致"
                yield located.problem(what, "改正行的编号，或改正情形的 branch", "rows", i, "id")
            for fact in row.when.keys() & known.facts.keys():
                if not suits(known.facts[fact], row.wants(fact)):
                    what = f"行 {row.id} 永不适用：情形 {value} 推出的{NAMES[fact]}与条件不符"
                    yield located.problem(what, "改正条件，或改正情形的 implies", "rows", i, "when", fact)


def _rank_faults(table: RoutingTable, located: Located) -> Iterator[Problem]:
    for i, j in overlaps(table.rows, table.situations):
        one, two = table.rows[i], table.rows[j]
        line = located.of("rows", i, "id")
        what = f"行 {two.id} 与行 {one.id}（第 {line} 行）次序同为 {one.rank}，可能同时适用"
        yield located.problem(what, f"改变其中一行的 rank，或写 beside: [{one.id}]（由经办人看两种理由后决定）", "rows", j, "rank")
