"""One outage played: work is under way, a part goes away, time passes, it comes back, and all is settled; then the account."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from cli.lapse.account import Account, account
from cli.lapse.delays import Delays, Promised, delays, promised
from cli.lapse.feeding import Feeder
from cli.lapse.installation import Installation
from cli.lapse.resting import Stalled, rest
from cli.lapse.rows import BUSY, CALLBACKS, Row
from models import outbox

# The kinds of duty by which people are told of trouble with delivery.
_TOLD = ["undelivered", "security", "difference", "quarantine"]
_SETTLED_WITHIN = timedelta(days=8)
_COMES_BACK_WITHIN_S = 90.0


@dataclass(frozen=True, slots=True)
class Result:
    """What an outage did. `under_way`: what was unsettled at its end; `told`: duties about delivery that it opened; `seconds`: real time."""

    row: Row
    handoffs: int
    under_way: int
    told: int
    delays: Delays
    account: Account
    seconds: float


def play(installation: Installation, feeder: Feeder, row: Row, handoffs: int) -> Result:
    """Play one row on a running installation at rest, with about so many hand-offs; leaves it at rest again.

    Raises:
        Stalled: something does not come to rest, or is not settled after eight virtual days. LapseError: a process does not come back.
    """
    began = time.monotonic()
    # What the row before did shall not be counted again.
    installation.step_to(installation.now + timedelta(seconds=1))
    rest(installation)
    since, before = installation.now, _count(installation)
    third = max(1, handoffs // 3)
    feeder.feed(third)
    rest(installation)
    # The second third is on its way when it happens, the last comes while it lasts.
    feeder.begin(third)
    _something_moves(installation)
    _strike(installation, row)
    feeder.begin(handoffs - 2 * third)
    _endure(installation, row, feeder)
    returned = _return(installation, row)
    feeder.finish()
    rest(installation)
    _settle(installation, row, returned)
    with installation.database.transaction() as connection:
        took = delays(connection, since, returned, row.grain)
    now = _count(installation)
    found = account(installation.database, installation.ask("books"), installation.house, installation.now, client=installation.wanted.name,
                    acknowledged=feeder.acknowledged, contradicted=feeder.contradicted)
    return Result(row, now[0] - before[0], returned.count, now[1] - before[1], took, found, time.monotonic() - began)


def _count(installation: Installation) -> tuple[int, int]:
    with installation.database.transaction() as connection:
        row = connection.execute("select (select count(*) from handoff), (select count(*) from duty where kind = any(%s))", (_TOLD,)).fetchone()
    return row if row is not None else (0, 0)


def _something_moves(installation: Installation, seconds: float = 2.0) -> None:
    """Wait until a message is on the wire, or a while: the outage shall come in the middle of work."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with installation.database.transaction() as connection:
            if connection.execute("select 1 from outbox where state = 'SENDING' limit 1").fetchone():
                return
        time.sleep(0.002)


def _strike(installation: Installation, row: Row) -> None:
    if row.service == CALLBACKS:
        installation.tell_sandbox("drop_callbacks", {"drop": True})
    elif row.service == BUSY:
        installation.tell_sandbox("down", {"hours": row.length / timedelta(hours=1), "mode": "503"})
    else:
        installation.hold(row.service, kill=row.kill)


def _endure(installation: Installation, row: Row, feeder: Feeder) -> None:
    """Let its time pass in steps, each until those that are still there have nothing to do."""
    end = installation.now + row.length
    # Nothing of ours comes to rest without the worker or the ledger, nothing of theirs where they are away.
    ours, theirs = row.service not in ("worker", "postgresql"), row.service != "sandbox"
    taken_in = row.service not in ("gateway", "postgresql")
    while installation.now < end:
        if taken_in:
            feeder.finish()
        rest(installation, ours=ours, theirs=theirs)
        installation.step_to(min(installation.now + row.grain, end))
    if row.length:
        rest(installation, ours=ours, theirs=theirs)


def _return(installation: Installation, row: Row) -> Promised:
    if row.service == CALLBACKS:
        installation.tell_sandbox("drop_callbacks", {"drop": False})
    elif row.service == BUSY:
        installation.tell_sandbox("down", {"hours": 0})
    else:
        installation.release(row.service, _COMES_BACK_WITHIN_S)
    with installation.database.transaction() as connection:
        return promised(connection, installation.ask("books"), installation.now)


def _settle(installation: Installation, row: Row, returned: Promised) -> None:
    """Go on in time until nothing is under way any more, on either side."""
    while (due := _next(installation)) is not None:
        if due > returned.at + _SETTLED_WITHIN:
            raise Stalled(f"{row.zh}：恢复 {_SETTLED_WITHIN.days} 天之后仍有文书没有了结")
        # Dates close together are met together.
        installation.step_to(max(due, installation.now + row.grain) if due > installation.now else installation.now + row.grain)
        rest(installation)


def _next(installation: Installation) -> datetime | None:
    """The next date of whatever is under way; None when nothing is."""
    with installation.database.transaction() as connection:
        waiting = connection.execute("select 1 from outbox where state in ('QUEUED', 'RETRY_WAIT', 'UNKNOWN', 'SENDING') limit 1").fetchone()
        ours = outbox.next_attempt(connection) if waiting else None
    unsent = [datetime.fromisoformat(at) for book in installation.ask("books").values() for _, _, taken, at in book["issued"].values() if not taken]
    return min([*([ours] if ours else []), *unsent], default=None)
