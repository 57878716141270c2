"""A body whose server is ill."""

from typing import ClassVar

from pydantic import Field

from sandbox.faults import Fault
from sandbox.manners.base import Manner, Options, Visit


class FlakyOptions(Options):
    """The first `tries` arrivals of each message are answered 500, 429 and 503 in turn, the last two with Retry-After
    `retry_after` seconds. `store_first`: the 500 comes after the message was stored."""

    tries: int = Field(3, ge=1)
    retry_after: int = Field(60, ge=0)
    store_first: bool = False


_IN_TURN = (500, 429, 503)


class Flaky(Manner[FlakyOptions]):
    """Fails in turn, then works."""

    name: ClassVar[str] = "flaky"
    line: ClassVar[str] = "系统不稳：前几次依次答500、429、503（带 Retry-After）"
    options_type: ClassVar[type[Options]] = FlakyOptions

    def before_commit(self, visit: Visit) -> Fault | None:
        """Refuse in turn, unless this turn's 500 is to come after storing."""
        fault = self._turn(visit)
        return None if fault is None or self._late(fault) else fault

    def after_commit(self, visit: Visit) -> Fault | None:
        """The 500 that comes too late."""
        fault = self._turn(visit)
        return fault if fault is not None and self._late(fault) else None

    def _late(self, fault: Fault) -> bool:
        return self.options.store_first and fault.status == 500

    def _turn(self, visit: Visit) -> Fault | None:
        earlier = visit.earlier()
        if earlier >= self.options.tries:
            return None
        status = _IN_TURN[earlier % len(_IN_TURN)]
        return Fault(status, "flaky", None if status == 500 else self.options.retry_after)
