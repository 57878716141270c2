"""The end of chaos: everything comes up, time goes on until nothing is due, and both ledgers come to rest."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cli.chaos import disk
from cli.chaos.pump import next_point
from cli.chaos.wire import Wire
from cli.lapse.installation import Installation, wait_until
from cli.lapse.resting import Stalled, rest
from models import outbox
from runtime.supervisor import State

_UP_WITHIN_S = 600.0
# Real seconds for whatever chaos has piled up.
_REST_WITHIN_S = 900.0
_NIGHTS = 2
_GRAIN = timedelta(minutes=10)
_SETTLED_WITHIN = timedelta(days=8)


def calm(installation: Installation, wire: Wire) -> None:
    """No fault from now on: lines honest, clocks right, bodies back, the disk free, every process up. Raises LapseError if that does not come."""
    wire.set_factor(0)
    wait_until(lambda: all(health.state is State.READY for health in installation.health().values()), "没有全部恢复运行", _UP_WITHIN_S)
    with contextlib.suppress(disk.CannotLimit):  # then it was never filled either
        disk.free(installation.settings.data_dir / "postgres" / "cluster" / "data")
    installation.tell_sandbox("skew", {"seconds": 0})
    installation.tell_sandbox("down", {"hours": 0})


def settle(installation: Installation, people: Callable[[], None], tell: Callable[[str], None]) -> None:
    """Let nights pass and `people` do what lies on their desks, then let nothing new begin and everything begun come to its end.

    Raises Stalled where it does not.
    """
    rest(installation, _REST_WITHIN_S)
    for _ in range(_NIGHTS * 2):
        installation.step_to(next_point(installation.now))
        rest(installation, _REST_WITHIN_S)
        people()
        rest(installation, _REST_WITHIN_S)
        tell("夜间对账与期限")
    installation.tell_sandbox("hold_steps", {"hold": True})
    until = installation.now + _SETTLED_WITHIN
    while left := _under_way(installation):
        if installation.now > until:
            raise Stalled(f"{_SETTLED_WITHIN.days} 天之后仍有未了的：{left}")
        tell(str(left))
        installation.step_to(_next(installation, left))
        rest(installation, _REST_WITHIN_S)
    # A message may arrive between the look at one ledger and the look at the other.
    time.sleep(0.2)
    rest(installation, _REST_WITHIN_S)


@dataclass(frozen=True, slots=True)
class _Left:
    """What has begun and not come to its end: our messages to go, theirs to be applied, theirs to come. False when nothing is left."""

    outgoing: int
    incoming: int
    unsent: int

    def __bool__(self) -> bool:
        return bool(self.outgoing or self.incoming or self.unsent)

    def __str__(self) -> str:
        return f"待发文书 {self.outgoing}、待用来文 {self.incoming}、对方待发 {self.unsent}"


def _under_way(installation: Installation) -> _Left:
    with installation.database.transaction() as connection:
        row = connection.execute(
            """select (select count(*) from outbox where state in ('QUEUED', 'RETRY_WAIT', 'UNKNOWN', 'SENDING')),
                      (select count(*) from inbox where state in ('RECEIVED', 'HELD'))""").fetchone()
    ours, theirs = row or (0, 0)
    return _Left(ours, theirs, sum(body["unsent"] for body in installation.ask("state")["bodies"].values()))


def _next(installation: Installation, left: _Left) -> datetime:
    """When something that is left goes on; dates close together are met together."""
    moments = []
    if left.outgoing:
        with installation.database.transaction() as connection:
            moments.append(outbox.next_attempt(connection))
    if left.unsent and (theirs := installation.ask("idle")["next_due"]):
        # It may be the date of a step that is held: then it is only a look too many.
        moments.append(datetime.fromisoformat(theirs))
    return max(installation.now + _GRAIN, min((moment for moment in moments if moment is not None), default=installation.now))
