"""Bodies that say nothing while their time runs: one until it is supervised, one until the law speaks for it."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from sandbox.desk import Desk
from sandbox.manners.base import Manner, Options
from sandbox.manners.silent import Silent


class Heeds(Silent):
    """Deaf to 催办, awake at once when supervised (督办); from then on like any other."""

    name: ClassVar[str] = "heeds"
    line: ClassVar[str] = "催办不动，督办后才签收办理"

    def on_supervise(self, desk: Desk) -> None:
        """Wake up."""
        if desk.remember("supervised") == 1:
            desk.later("sign", timedelta(hours=self.options.sign_hours))
        else:
            super().on_supervise(desk)


class SitsOptions(Options):
    """`wake_days` after signing it tells its case number at last; more than its limit to accept."""

    wake_days: float = Field(12, ge=0)


class Sits(Manner[SitsOptions]):
    """Signs and lets the time to accept run out; tells the case number later (行政复议法 art 30: then deemed accepted)."""

    name: ClassVar[str] = "sits"
    line: ClassVar[str] = "签收后在审查期限内不作声，过期才补告案号"
    options_type: ClassVar[type[Options]] = SitsOptions

    def plan_acceptance(self, desk: Desk) -> None:
        """Long after the limit."""
        desk.later("accept", timedelta(days=self.options.wake_days))

    def on_urge(self, desk: Desk) -> None:
        """Only the result is done sooner."""
        desk.hasten("result", timedelta(days=3))
