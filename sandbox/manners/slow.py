"""A body that uses every limit to the last days and extends once."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from sandbox import texts
from sandbox.desk import Desk
from sandbox.kinds import kind_of
from sandbox.manners.base import Manner, Options

# 复查、复核: thirty days from the request, and no extension (信访工作条例 arts 35, 36). Accepting takes days of them.
_REMEDY_DAYS = 14


class SlowOptions(Options):
    """`margin_days` before each limit of the body's kind is when it acts; `extend` asks for the law's one extension."""

    sign_hours: float = Field(20, ge=0)
    margin_days: float = Field(1, ge=0)
    extend: bool = True


class Slow(Manner[SlowOptions]):
    """Acts a day before each limit; where the law knows an extension, takes it once."""

    name: ClassVar[str] = "slow"
    line: ClassVar[str] = "拖到期限将满才动，并依法延期一次"
    options_type: ClassVar[type[Options]] = SlowOptions

    def plan_acceptance(self, desk: Desk) -> None:
        """受理 just inside the limit of the body's kind, which counts from delivery."""
        days = kind_of(desk.case.body).accept_days - self.options.margin_days - self.options.sign_hours / 24
        desk.later("accept", timedelta(days=max(days, 0)))

    def plan_result(self, desk: Desk) -> None:
        """办结 just inside the limit, or inside the extended one."""
        kind = kind_of(desk.case.body)
        remedy = "remedy" in desk.case.memory
        limit = (_REMEDY_DAYS if remedy else kind.result_days) - self.options.margin_days
        if self.options.progress:
            desk.later("progress", timedelta(days=limit / 2))
        if self.options.extend and kind.extension_days and not remedy and "extended" not in desk.case.memory:
            desk.later("extend", timedelta(days=max(limit - 4, 0)))
            limit += kind.extension_days
        desk.later("result", timedelta(days=max(limit, 0)))

    def do_extend(self, desk: Desk) -> None:
        """延期, at most once a case."""
        if desk.remember("extended") == 1:
            self.say(desk, "handoff.extended", texts.extension(kind_of(desk.case.body).extension_days))
