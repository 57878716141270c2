"""Bodies whose case ends otherwise than by a result: the parties agree, or the organ concludes it by law."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from sandbox import texts
from sandbox.desk import Desk
from sandbox.manners.base import Manner, Options


class EndingOptions(Options):
    """`end_days` after acceptance, in plain days."""

    end_days: float = Field(5, ge=0)


class Settles(Manner[EndingOptions]):
    """Brings the parties to an agreement (信访工作条例 art 33; 人民调解法 art 33)."""

    name: ClassVar[str] = "settles"
    line: ClassVar[str] = "受理后促成调解，报送调解协议"
    options_type: ClassVar[type[Options]] = EndingOptions

    def plan_result(self, desk: Desk) -> None:
        """Plan the agreement where others plan to report."""
        desk.later("settle", timedelta(days=self.options.end_days))

    def do_settle(self, desk: Desk) -> None:
        """调解."""
        self.say(desk, "handoff.settled", texts.settled(desk.case, desk.now))


class Concludes(Manner[EndingOptions]):
    """Concludes a litigation matter by law, as its own act (信访工作条例 art 31(1))."""

    name: ClassVar[str] = "concludes"
    line: ClassVar[str] = "涉法涉诉事项依法终结，报送终结文书"
    options_type: ClassVar[type[Options]] = EndingOptions

    def plan_result(self, desk: Desk) -> None:
        """Plan the conclusion where others plan to report."""
        desk.later("conclude", timedelta(days=self.options.end_days))

    def do_conclude(self, desk: Desk) -> None:
        """依法终结."""
        self.say(desk, "handoff.concluded", texts.concluded(desk.case))
