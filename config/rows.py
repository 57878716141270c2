"""The parts of the routing table: a row, its destination, a named situation, a remedy. `config.routing` puts them together."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from config.bodies import Kind, Slug
from config.facts import Branch, Facts
from config.source import Fault, Strict

Way = Literal["转送", "交办", "引导", "导入", "通报"]
Verified = Literal["yes", "quote", "memory", "inference"]
Procedure = Literal[
    "suggestion",
    "accusation",
    "litigation",
    "arbitration",
    "discipline",
    "reconsideration",
    "administrative",
    "performance",
    "petition",
]
Sector = Annotated[str, Field(pattern=r"^(\$sector|[a-z]+(_[a-z]+)*)$")]
Scalar = str | int | bool
Text = Annotated[str, Field(min_length=2)]
Basis = Annotated[list[Text], Field(min_length=1)]
RowId = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9.]*(-[a-z0-9]+)*$")]
Rank = Annotated[int, Field(ge=0, le=999)]

ABSENT = "absent"
"""In `when`: the fact must be unknown."""
KNOWN = "known"
"""In `when`: the fact must be known, whatever it is."""
FROM_FACT = "$"
"""A destination's part that begins with it is taken from the fact of that name."""

PROCEDURES: dict[Procedure, str] = {
    "suggestion": "建议意见",
    "accusation": "检举控告",
    "litigation": "诉讼",
    "arbitration": "仲裁",
    "discipline": "党纪监察与人事申诉",
    "reconsideration": "行政复议",
    "administrative": "行政程序",
    "performance": "履行职责",
    "petition": "信访程序",
}
"""Each kind of procedure as a clerk reads it. 人民调解 is a remedy beside them, never a destination: it needs both sides' consent."""

IMPLIED: dict[str, dict[str, Scalar]] = {
    "B1": {"klass": "suggestion"},
    "B2a": {"klass": "accusation", "accusation": "discipline"},
    "B2b": {"klass": "accusation", "accusation": "law"},
    "B2c": {"klass": "accusation", "accusation": "cadre"},
    "B3.1a": {"klass": "claim", "art31": 1, "organ": "court"},
    "B3.1b": {"klass": "claim", "art31": 1, "organ": "procuratorate"},
    "B3.1c": {"klass": "claim", "art31": 1, "organ": "police"},
    "B3.1d": {"klass": "claim", "art31": 1},
    "B3.2": {"klass": "claim", "art31": 2},
    "B3.3": {"klass": "claim", "art31": 3},
    "B3.4": {"klass": "claim", "art31": 4},
    "B3.5": {"klass": "claim", "art31": 5},
    "B3.6": {"klass": "claim", "art31": 6},
}
"""What a branch says of the other facts (信访工作条例 arts 29-31)."""


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


class Remedy(Strict):
    """Another road the law leaves the petitioner. `limit`: within what time, in the law's words; None where it sets none."""

    zh: Annotated[str, Field(min_length=4, max_length=60)]
    limit: Annotated[str, Field(min_length=2, max_length=60)] | None = None
    basis: Text
    verified: Verified


class Situation(Strict):
    """A named situation: the branch it belongs to and the facts it implies beyond those of its branch.

    `asks`: facts it leaves open although they decide, for a clerk to find out. A fact of `organ` or `sector` that is
    neither implied nor asked does not belong to the situation: told beside it, it contradicts.
    """

    zh: Annotated[str, Field(min_length=2, max_length=40)]
    branch: Branch
    implies: dict[str, Scalar] = Field(default_factory=dict)
    asks: tuple[Literal["organ", "sector", "decided_by", "accused_body"], ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> Situation:
        own = IMPLIED[self.branch]
        for name, value in self.implies.items():
            if name not in Facts.model_fields or name in ("situation", "branch"):
                raise Fault(f"推出的 {name} 不是可推出的事实", f"用以下之一：{fact_names()}", ("implies", name))
            if not fits(name, value):
                raise Fault(f"推出的 {name} 不可能等于 {value}", "改为该事实允许的值", ("implies", name))
            if own.get(name, value) != value:
                raise Fault(f"推出的 {name} 与分支 {self.branch} 相矛盾", "改正分支或推出的值", ("implies", name))
            if name in self.asks:
                raise Fault(f"{name} 既由情形推出又须查明", "在 implies 与 asks 中只留一处", ("asks",))
        return self

    @property
    def facts(self) -> dict[str, Scalar]:
        """Every fact that the situation says: its branch's and its own."""
        return {**IMPLIED[self.branch], **self.implies}


class Visit(Strict):
    """What a row says instead where the petitioner stands at the window (信访工作条例 arts 20(2), 22(2))."""

    way: Literal["引导"] = "引导"
    note: Annotated[str, Field(min_length=4)]


class Row(Strict):
    """One row. `rank`: lower is stronger. Either `to`, `way`, `track` and `procedure`, or `clerk`: why (Chinese) a person decides.

    `also`: bodies that are told as well. `beside`: rows of the same rank that may hold together with this one; a person
    then decides with both reasons. `alternatives`: names of remedies.
    """

    id: RowId
    rank: Rank
    label: Annotated[str, Field(min_length=2, max_length=60)]
    when: dict[str, Scalar | list[Scalar]]
    to: Destination | None = None
    also: list[Destination] = Field(default_factory=list)
    way: Way | None = None
    visit: Visit | None = None
    procedure: Procedure | None = None
    track: Slug | None = None
    clerk: Annotated[str, Field(min_length=4)] | None = None
    candidates: list[Destination] = Field(default_factory=list)
    beside: list[RowId] = Field(default_factory=list)
    basis: Basis
    verified: Verified
    alternatives: list[Slug] = Field(default_factory=list)
    note: Annotated[str, Field(min_length=4)]

    @model_validator(mode="after")
    def _whole(self) -> Row:
        if (self.clerk is None) == (self.to is None):
            raise Fault(f"行 {self.id} 须写去向 to 或 clerk 之一", "只保留其中一项")
        if (self.to is None) != (self.way is None):
            raise Fault(f"行 {self.id} 的 to 与 way 须同时写", "补写 to 与 way，或两项都删除")
        if self.to is None and (self.visit or self.also or self.track):
            raise Fault(f"行 {self.id} 没有去向，不写 visit、also、track", "删除这几项，或补写 to")
        if not self.when:
            raise Fault(f"行 {self.id} 没有条件，会吞掉所有事项", "在 when 中写至少一个条件", ("when",))
        for name, wanted in self.when.items():
            if name not in Facts.model_fields:
                raise Fault(f"行 {self.id} 的条件 {name} 不是已知的事实", f"用以下之一：{fact_names()}", ("when", name))
            for value in wanted if isinstance(wanted, list) else [wanted]:
                if value not in (ABSENT, KNOWN) and not fits(name, value):
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

    def wants(self, name: str) -> tuple[Scalar, ...]:
        """The values that `when` accepts for this fact, `known` and `absent` among them; empty where it does not ask."""
        wanted = self.when.get(name)
        return () if wanted is None else tuple(wanted) if isinstance(wanted, list) else (wanted,)


def suits(value: Scalar | None, wanted: tuple[Scalar, ...]) -> bool:
    """Whether a fact's value (None: unknown) is one of those a row accepts."""
    if value is None:
        return ABSENT in wanted
    # `True == 1`: a fact is either a flag or a number, and `fits` has refused the wrong one
    return value in wanted or KNOWN in wanted


def fits(name: str, value: Scalar) -> bool:
    """Whether a fact may have this value."""
    try:
        Facts.model_validate({name: value}, strict=True)
    except ValidationError:
        return False
    return True


def fact_names() -> str:
    """Every fact's name, for an operator who wrote another."""
    return "、".join(Facts.model_fields)
