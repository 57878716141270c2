"""A body that holds a hearing before it answers (信访工作条例 art 31(6), 36(2))."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from sandbox.desk import Desk
from sandbox.instants import beijing_day
from sandbox.manners.base import Manner, Options


class HearsOptions(Options):
    """The hearing opens `hear_days` after acceptance and lasts `hearing_days`; the result follows `answer_days` after it, in plain days."""

    hear_days: float = Field(1, ge=0)
    hearing_days: float = Field(3, ge=0)
    answer_days: float = Field(2, ge=0)


class Hears(Manner[HearsOptions]):
    """Opens a hearing, closes it, then reports."""

    name: ClassVar[str] = "hears"
    line: ClassVar[str] = "受理后举行听证，听证结束再答复"
    options_type: ClassVar[type[Options]] = HearsOptions

    def plan_result(self, desk: Desk) -> None:
        """Plan the hearing where others plan to work."""
        desk.later("open_hearing", timedelta(days=self.options.hear_days))

    def do_open_hearing(self, desk: Desk) -> None:
        """听证开始."""
        if self.say(desk, "hearing.opened", {"opened_on": beijing_day(desk.now)}):
            desk.later("close_hearing", timedelta(days=self.options.hearing_days))

    def do_close_hearing(self, desk: Desk) -> None:
        """听证结束, then plan the answer."""
        if self.say(desk, "hearing.closed", {"closed_on": beijing_day(desk.now)}):
            desk.later("result", timedelta(days=self.options.answer_days))
