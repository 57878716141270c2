"""A body that needs more material before it can go on."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from sandbox import texts
from sandbox.desk import Desk
from sandbox.manners.base import Manner, Options


class SupplementsOptions(Options):
    """Asks `ask_days` after accepting; goes on without an answer after `patience_days`."""

    ask_days: float = Field(2, ge=0)
    patience_days: float = Field(15, ge=0)


class Supplements(Manner[SupplementsOptions]):
    """Asks for supplements, suspends, resumes when they come or when its patience ends, then answers."""

    name: ClassVar[str] = "supplements"
    line: ClassVar[str] = "受理后要求补正并中止，材料到齐或等待期满后恢复办理"
    options_type: ClassVar[type[Options]] = SupplementsOptions

    def after_accepting(self, desk: Desk) -> None:
        """Plan the question instead of the result."""
        desk.later("ask", timedelta(days=self.options.ask_days))

    def do_ask(self, desk: Desk) -> None:
        """补正要求 and 中止."""
        if self.say(desk, "supplement.requested", texts.supplement()):
            self.say(desk, "handoff.suspended", {"reason": "等待信访人补充材料。", "party": "petitioner"})
            desk.later("resume", timedelta(days=self.options.patience_days))
