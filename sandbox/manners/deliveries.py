"""Bodies whose own messages leave the house oddly: twice, or in the wrong order."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from sandbox.desk import Delivery, Desk
from sandbox.manners.base import Manner, Options


class SendsTwice(Manner[Options]):
    """Every message is posted twice under its id, and once more as the same business event under another id."""

    name: ClassVar[str] = "sends_twice"
    line: ClassVar[str] = "每条消息重复发送：同号两次，另换号再发同一事"

    def delivery(self, message: str) -> Delivery:
        """Twice and again."""
        return Delivery(copies=2, again=True)


class OutOfOrderOptions(Options):
    """`late_hours`: how long the messages named in `late` lag behind; the result follows acceptance at once."""

    late_hours: float = Field(4, ge=0)
    late: frozenset[str] = frozenset({"handoff.signed", "handoff.accepted"})


class OutOfOrder(Manner[OutOfOrderOptions]):
    """The result leaves before the acceptance that it follows, acceptance before signature; the gaps fill hours
    later."""

    name: ClassVar[str] = "out_of_order"
    line: ClassVar[str] = "消息乱序：办结报告先到，受理、签收后补"
    options_type: ClassVar[type[Options]] = OutOfOrderOptions

    def delivery(self, message: str) -> Delivery:
        """Late, or past those that are late."""
        late = self.options.late_hours if message in self.options.late else 0
        return Delivery(delay=timedelta(hours=late), ordered=False)

    def plan_acceptance(self, desk: Desk) -> None:
        """Soon enough that the signature is still on its way."""
        desk.later("accept", timedelta(hours=self.options.late_hours / 4))

    def plan_result(self, desk: Desk) -> None:
        """Soon enough that the acceptance is still on its way."""
        desk.later("result", timedelta(hours=self.options.late_hours / 4))
