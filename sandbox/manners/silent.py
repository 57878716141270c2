"""A body that takes everything in and says nothing: the dead-end road itself."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from sandbox.desk import Desk
from sandbox.manners.base import Manner, Options


class SilentOptions(Options):
    """`until_urged`: wakes up after so many 催办; 0 is never."""

    until_urged: int = Field(0, ge=0)


class Silent(Manner[SilentOptions]):
    """Gives the technical receipt and never signs, unless urged often enough."""

    name: ClassVar[str] = "silent"
    line: ClassVar[str] = "只回技术回执，从不签收（可设催办几次后才动）"
    options_type: ClassVar[type[Options]] = SilentOptions

    def opened(self, desk: Desk) -> None:
        """Nothing."""

    def on_urge(self, desk: Desk) -> None:
        """Count; at the set number wake up, from then on be like any other."""
        if desk.remember("urged") == self.options.until_urged:
            desk.later("sign", timedelta(hours=self.options.sign_hours))
        elif self.options.until_urged and desk.case.memory["urged"] > self.options.until_urged:
            super().on_urge(desk)

    def on_withdraw(self, desk: Desk) -> None:
        """No answer either, while it sleeps."""
        if self.options.until_urged and desk.case.memory.get("urged", 0) >= self.options.until_urged:
            super().on_withdraw(desk)
