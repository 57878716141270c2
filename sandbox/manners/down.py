"""A body whose line is dead for a while."""

from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field

from sandbox.downtime import Span, plan_once
from sandbox.faults import Fault
from sandbox.manners.base import Manner, Options, Visit


class DownOptions(Options):
    """Down `after_hours` from the first message it gets, for `hours`, `times` times, `every_days` apart (virtual time).
    `mode`: `close` closes the connection without a word, `503` says so, with Retry-After."""

    after_hours: float = Field(0, ge=0)
    hours: float = Field(6, gt=0)
    times: int = Field(1, ge=1)
    every_days: float = Field(10, gt=0)
    mode: Literal["close", "503"] = "close"


class Down(Manner[DownOptions]):
    """The whole body is away: no door, no questions by key, no ledger, no callbacks; then it is back and goes on."""

    name: ClassVar[str] = "down"
    line: ClassVar[str] = "系统停机一段时间（断线或503），恢复后照常办理"
    options_type: ClassVar[type[Options]] = DownOptions

    def before_commit(self, visit: Visit) -> Fault | None:
        """The first message ever fixes the spans; they are looked at before any manner, here only if one begins at
        once."""
        o = self.options
        spans = [Span.of(visit.now + timedelta(hours=o.after_hours, days=n * o.every_days), timedelta(hours=o.hours), o.mode) for n in range(o.times)]
        if not plan_once(visit.db, visit.body, spans):
            return None
        return next((span.fault(visit.now) for span in spans if span.covers(visit.now)), None)
