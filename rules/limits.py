"""How long: the grammar of a time limit as written in the road map and the clocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast

Unit = Literal["wd", "d", "mo", "h", "min"]

_UNITS = {"wd": "个工作日", "d": "日", "mo": "个月", "h": "小时", "min": "分钟"}
_FORM = re.compile(r"([1-9][0-9]{0,3})(wd|d|mo|h|min)")


class LimitError(ValueError):
    """A text that is no time limit. The message is Chinese and says how to write one."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A number (1 to 9999) of working days (工作日), days (日), months (月), hours (时) or minutes."""

    count: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.unit not in _UNITS or not 1 <= self.count <= 9999:
            raise LimitError(f"期限 {self.count}{self.unit} 不合要求。修正：数字应在 1 至 9999 之间")

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"

    def __add__(self, other: Limit) -> Limit:
        """The limit with an extension, both counted from the same start: 60 日 and 30 日 are 90 日, rolled once.

        Raises `LimitError` when the units differ: no law read by us extends days by months.
        """
        if other.unit != self.unit:
            raise LimitError(f"期限 {self} 不能以 {other} 延长。修正：延长的单位应与原期限相同")
        return Limit(self.count + other.count, self.unit)

    @property
    def zh(self) -> str:
        """As people read it: `5个工作日`, `60日`."""
        return f"{self.count}{_UNITS[self.unit]}"

    @property
    def exact(self) -> bool:
        """True for hours and minutes, which run through nights and rest days."""
        return self.unit in ("h", "min")


@lru_cache(maxsize=1024)
def parse_limit(text: str) -> Limit:
    """`5wd`, `15d`, `3mo`, `24h` or `10min` as a `Limit`. Raises `LimitError`."""
    match = _FORM.fullmatch(text)
    if match is None:
        what = f"期限“{text[:20]}”看不懂。修正：写成 5wd（工作日）、15d（日）、3mo（月）、24h（小时）或 10min（分钟）"
        raise LimitError(what)
    return Limit(int(match[1]), cast(Unit, match[2]))
