"""A body that is competent and refuses by law."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from sandbox import texts
from sandbox.desk import Desk
from sandbox.manners.base import Manner, Options


class DeclinesOptions(Options):
    """`decline_days` after signing, in plain days."""

    decline_days: float = Field(3, ge=0)


class Declines(Manner[DeclinesOptions]):
    """不予受理, in writing, with remedy and limit."""

    name: ClassVar[str] = "declines"
    line: ClassVar[str] = "依法不予受理：说明法律依据、理由和救济途径"
    options_type: ClassVar[type[Options]] = DeclinesOptions

    def plan_acceptance(self, desk: Desk) -> None:
        """Plan the refusal where others plan to accept."""
        desk.later("decline", timedelta(days=self.options.decline_days))

    def do_decline(self, desk: Desk) -> None:
        """不予受理."""
        if self.say(desk, "handoff.declined", texts.declined(desk.case)):
            desk.cancel()
