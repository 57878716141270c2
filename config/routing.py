"""The routing table: which petition goes to which body, how, and by which article. Data; `rules.routing` reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from config.bodies import Bodies, Kind, Slug
from config.facts import Facts
from config.source import Fault, Located, Problem, Strict, load_located, raise_if

Way = Literal["转送", "交办", "引导", "导入", "通报"]
Verified = Literal["yes", "quote", "memory", "inference"]
Sector = Annotated[str, Field(pattern=r"^(\$sector|[a-z]+(_[a-z]+)*)$")]
Scalar = str | int | bool

ABSENT = "absent"
"""In `when`: the fact must be unknown."""
KNOWN = "known"
"""In `when`: the fact must be known, whatever it is."""
FROM_FACT = "$"
"""A destination's part that begins with it is taken from the fact of that name."""


class Destination(Strict):
    """Where a row sends to.

    `kind` and `sector`: literal, or `$fact`. `body`: `$fact` that holds a body's code, instead of a kind.
    `level`: `matter` (属地管理、分级负责: the matter's own level), `above_matter` (one higher), `above_accused` (one
    level above the accused). `missing: climb` goes on to the next higher division where the matter's has no such body;
    `clerk` leaves it to a person.
    """

    kind: Literal[Kind, "$organ"] | None = None
    sector: Sector | None = None
    body: Literal["$decided_by"] | None = None
    level: Literal["matter", "above_matter", "above_accused"] = "matter"
    missing: Literal["climb", "clerk"] = "climb"

    @model_validator(mode="after")
    def _one_way(self) -> Destination:
        if (self.kind is None) == (self.body is None):
            raise Fault("去向须写 kind 或 body 之一", "只保留其中一项")
        if (self.kind == "agency") != (self.sector is not None):
            raise Fault("去向为 agency 时须写 sector，其他去向不写", "补写或删除 sector")
        return self


class Row(Strict):
    """One row. `rank`: lower is stronger. Either `to` and `way`, or `clerk`: why (Chinese) a person decides."""

    id: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9.]*(-[a-z0-9]+)*$")]
    rank: Annotated[int, Field(ge=0, le=999)]
    label: Annotated[str, Field(min_length=2, max_length=60)]
    when: dict[str, Scalar | list[Scalar]]
    to: Destination | None = None
    way: Way | None = None
    clerk: Annotated[str, Field(min_length=4)] | None = None
    candidates: list[Destination] = Field(default_factory=list)
    basis: Annotated[list[Annotated[str, Field(min_length=2)]], Field(min_length=1)]
    verified: Verified
    note: Annotated[str, Field(min_length=4)]

    @model_validator(mode="after")
    def _whole(self) -> Row:
        if (self.clerk is None) == (self.to is None):
            raise Fault(f"行 {self.id} 须写去向 to 或 clerk 之一", "只保留其中一项")
        if (self.to is None) != (self.way is None):
            raise Fault(f"行 {self.id} 的 to 与 way 须同时写", "补写 to 与 way，或两项都删除")
        if not self.when:
            raise Fault(f"行 {self.id} 没有条件，会吞掉所有事项", "在 when 中写至少一个条件", ("when",))
        for name, wanted in self.when.items():
            if name not in Facts.model_fields:
                raise Fault(f"行 {self.id} 的条件 {name} 不是已知的事实", f"用以下之一：{_names()}", ("when", name))
            for value in wanted if isinstance(wanted, list) else [wanted]:
                if value not in (ABSENT, KNOWN) and not _fits(name, value):
                    what = f"行 {self.id} 的条件 {name} 不可能等于 {value}"
                    raise Fault(what, "改为该事实允许的值，或 absent、known", ("when", name))
        return self

    @property
    def branch(self) -> str:
        """The branch of statutes §2 this row belongs to: the first part of its id (A0 for rows that only a clerk can decide)."""
        return self.id.partition("-")[0]

    @property
    def destinations(self) -> list[Destination]:
        """`to` and the candidates."""
        return [*([self.to] if self.to else []), *self.candidates]


class RoutingTable(Strict):
    """The content of routing.yaml, in the file's order. `tracks`: slug of a clock track → its Chinese name (cases in clocks.yaml choose by it)."""

    tracks: dict[Slug, Annotated[str, Field(min_length=2, max_length=30)]] = Field(default_factory=dict)
    rows: Annotated[list[Row], Field(min_length=1)]

    def row(self, row_id: str) -> Row:
        """The row of this id. Raises `KeyError`."""
        for row in self.rows:
            if row.id == row_id:
                return row
        raise KeyError(row_id)


def load_routing(path: Path, bodies: Bodies) -> RoutingTable:
    """The table in a YAML file. Raises `ConfigError`, also for a row that leads to no body of bodies.yaml."""
    table, located = load_located(path, RoutingTable)
    raise_if(list(_faults(table, located, bodies)))
    return table


def _faults(table: RoutingTable, located: Located, bodies: Bodies) -> Iterator[Problem]:
    seats = {(b.kind, b.sector) for b in bodies if b.successor is None}
    kinds = {kind for kind, _ in seats}
    sectors = {sector for _, sector in seats}
    first: dict[str, int] = {}
    for i, row in enumerate(table.rows):
        if row.id in first:
            line = located.of("rows", first[row.id], "id")
            yield located.problem(f"行 {row.id} 重复（第 {line} 行已写过）", "改用另一个编号", "rows", i, "id")
        first.setdefault(row.id, i)
        for to in row.destinations:
            literal = to.kind is not None and not to.kind.startswith(FROM_FACT)
            sector = to.sector if to.sector is not None and not to.sector.startswith(FROM_FACT) else None
            if (literal and to.kind not in kinds) or (sector is not None and (to.kind, sector) not in seats):
                shown = f"{to.kind}（{sector}）" if sector else to.kind
                what = f"行 {row.id} 去向 {shown}，机关目录中没有这样的机关"
                yield located.problem(what, "在 bodies.yaml 中补写该机关，或改正去向", "rows", i, "to")
        wanted = row.when.get("sector")
        for value in wanted if isinstance(wanted, list) else [wanted]:
            if isinstance(value, str) and value not in (ABSENT, KNOWN) and value not in sectors:
                what = f"行 {row.id} 的领域 {value} 没有任何机关"
                yield located.problem(what, "改正领域，或在 bodies.yaml 中补写", "rows", i, "when", "sector")


def _fits(name: str, value: Scalar) -> bool:
    try:
        Facts.model_validate({name: value}, strict=True)
    except ValidationError:
        return False
    return True


def _names() -> str:
    return "、".join(Facts.model_fields)
