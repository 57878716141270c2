"""What one body is, and one division: the entries of bodies.yaml, each for itself. `config.bodies` looks at all of them together."""

from __future__ import annotations

import datetime as dt
import math
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from config.source import Fault, Strict

Level = Literal["nation", "province", "city", "district", "township"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""Highest first."""
LEVEL_ZH: dict[Level, str] = {"nation": "国家级", "province": "省级", "city": "市级", "district": "区级", "township": "乡镇级"}

Kind = Literal[
    "bureau",
    "court",
    "procuratorate",
    "discipline",
    "police",
    "labour_arbitration",
    "land_arbitration",
    "commercial_arbitration",
    "mediation",
    "agency",
    "reconsideration",
    "organisation",
    "joint_conference",
    "government",
]
Profile = Literal[
    "bureau",
    "court",
    "procuratorate",
    "discipline",
    "police",
    "labour_arbitration",
    "land_arbitration",
    "commercial_arbitration",
    "mediation",
    "agency",
    "reconsideration",
    "organisation",
    "joint_conference",
]
Division = Annotated[str, Field(pattern=r"^[0-9]{6}([0-9]{3})?$")]
Code = Annotated[str, Field(pattern=r"^[a-z]+(_[a-z]+)*(-[a-z]+(_[a-z]+)*)?-[0-9]{6}([0-9]{3})?$")]
Slug = Annotated[str, Field(pattern=r"^[a-z]+(_[a-z]+)*$")]
Name = Annotated[str, Field(min_length=2, max_length=60)]

ConnectorKind = Literal["desk", "http"]
HTTP_OPTIONS = ("url", "connect_timeout", "read_timeout", "signed_receipts", "ca_file", "max_answer_bytes", "page_limit", "split")
"""What may stand under `options` of an `http` body; connectors/http/options.py holds their limits."""
SANDBOX = "{sandbox}"


def _written(value: object) -> object:
    # pydantic would read the number 20250701 as seconds since 1970, and an instant as its day
    if isinstance(value, str) and len(value) != 10:
        raise Fault(f"“{value[:40]}”不是日期", "写成 2025-07-01 这样的日期")
    if not isinstance(value, str | dt.date | None) or isinstance(value, dt.datetime):
        raise Fault(f"{str(value)[:40]} 不是日期", "写成 2025-07-01 这样的日期")
    return value


Day = Annotated[dt.date, BeforeValidator(_written)]
"""A day in Beijing, written YYYY-MM-DD."""


class Connector(Strict):
    """How a body is reached: the kind of connector and that kind's own options."""

    kind: ConnectorKind
    options: dict[str, str | int | bool] = Field(default_factory=dict)


class Fallback(Connector):
    """Another way to a body, taken when the ways before it are spent.

    `same_system`: it ends in the same system as `connector`, so that a message that may have come in by the one can be asked for by the other.
    """

    same_system: bool = False


class Rate(Strict):
    """How fast a body may be sent to: so many messages a second or a minute on the average, `burst` at once (without it: those of a second, at least one)."""

    per_second: Annotated[float, Field(gt=0, le=10_000)] | None = None
    per_minute: Annotated[float, Field(ge=0.01, le=600_000)] | None = None
    burst: Annotated[int, Field(ge=1, le=100_000)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Rate:
        if (self.per_second is None) == (self.per_minute is None):
            what = "投递速率没有写每秒或每分钟多少件" if self.per_second is None else "投递速率同时写了每秒和每分钟"
            raise Fault(what, "写 per_second: 5 或 per_minute: 30，二者取一")
        return self

    @property
    def each_second(self) -> float:
        """Messages a second."""
        return self.per_second if self.per_second is not None else (self.per_minute or 0.0) / 60

    @property
    def at_once(self) -> int:
        """Messages that may go at once after a rest."""
        return self.burst or max(1, math.ceil(self.each_second))

    @property
    def zh(self) -> str:
        """In Chinese, for a clerk."""
        said = f"每秒 {self.per_second:g} 件" if self.per_second is not None else f"每分钟 {self.per_minute:g} 件"
        return f"{said}，一次至多 {self.at_once} 件"


class Place(Strict):
    """An administrative division and the one above it. Codes are in the style of GB/T 2260: six digits, nine for a township."""

    code: Division
    name: Name
    level: Level
    superior: Division | None = None


class Body(Strict):
    """One body (机关、单位).

    `superior` leads it in its own line; `led_by` names bodies that lead it as well (双重领导, e.g. the local
    government of a police branch). `successor` holds its powers from the day `since` on; a body that was `abolished` on a day
    and has no successor leaves its powers to nobody (信访工作条例 art 24(2)). Days are Beijing days.
    """

    code: Code
    name: Name
    kind: Kind
    sector: Slug | None = None
    level: Level
    division: Division
    superior: Code | None = None
    led_by: tuple[Code, ...] = ()
    profile: Profile
    connector: Connector
    fallbacks: tuple[Fallback, ...] = ()
    rate: Rate | None = None
    aliases: tuple[Name, ...] = ()
    successor: Code | None = None
    since: Day | None = None
    abolished: Day | None = None

    @property
    def urn(self) -> str:
        """The body's name on the wire, e.g. `urn:xf:agency:housing:990102`."""
        return "urn:xf:" + self.code.replace("-", ":")

    @property
    def ways(self) -> tuple[Connector, ...]:
        """How it is reached, in the order in which the ways are taken: 0 is `connector`, the others are its fallbacks."""
        return (self.connector, *self.fallbacks)

    def system(self, way: int) -> int:
        """A number for the system in which this way ends; two ways that end in one have the same. Raises IndexError for a way it has not."""
        return 0 if way == 0 or self.fallbacks[way - 1].same_system else way

    def next_way(self, way: int, *, doubtful: bool) -> int | None:
        """The way after this one by which a message may go; None where there is none.

        A message that may have arrived goes only where it can have arrived: by a way into the same system.
        """
        later = range(way + 1, len(self.ways))
        return next((n for n in later if not doubtful or self.system(n) == self.system(way)), None)

    @property
    def leaders(self) -> tuple[str, ...]:
        """Codes of those directly above it, its own line first."""
        return self.led_by if self.superior is None else (self.superior, *self.led_by)

    @property
    def lasts(self) -> bool:
        """Whether it is there to stay, as far as the file knows: no successor is named and it is not abolished."""
        return self.successor is None and self.abolished is None

    @property
    def until(self) -> dt.date | None:
        """The first day on which it no longer holds its powers; None for one that lasts."""
        return self.since if self.successor is not None else self.abolished

    def holds(self, on: dt.date | None = None) -> bool:
        """Whether it holds its own powers on that day. Without a day: once everything the file foresees has happened."""
        if self.lasts:
            return True
        return on is not None and self.until is not None and on < self.until


class BodiesFile(Strict):
    """The content of bodies.yaml."""

    divisions: Annotated[list[Place], Field(min_length=1)]
    bodies: Annotated[list[Body], Field(min_length=1)]


def code_of(name: str) -> str:
    """The code of a body that was named by its code or its URN. What names no body comes back as it is, to be dropped where it is looked up."""
    return name.removeprefix("urn:xf:").replace(":", "-")
