"""What is due now, by the ledger alone: cheap enough to be asked after every notification and every second."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flows.reconcile import bodies_with_handoffs, gone
from flows.watch import gaps
from models import outbox, recon
from models.db import Connection
from models.outbox import Waiting
from rules.calendar import SHANGHAI

# The nightly comparison is due from this hour of the Beijing day on.
NIGHT_HOUR = 2
NIGHT_AGAIN = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Due:
    """Work that waits for a worker now.

    Attributes:
        inbox: stored messages to be applied. registered: petitions to be routed. bodies: with messages to be sent.
        clocks, duties, gaps: that ring now, are past due, or must be asked about. leases: run out.
        sending: messages on the wire at this moment, by any process.
        night: the Beijing day whose nightly comparison is to be made (again) with some body, else None.
    """

    inbox: int
    registered: int
    bodies: tuple[Waiting, ...]
    clocks: int
    duties: int
    leases: int
    gaps: int
    sending: int
    night: date | None

    @property
    def late(self) -> int:
        """How many things the watch has to look at by itself, asking nobody."""
        return self.clocks + self.duties + self.leases

    @property
    def idle(self) -> bool:
        """Whether nothing is to be done before time moves on or somebody says something."""
        return not (self.inbox or self.registered or self.bodies or self.late or self.gaps or self.sending or self.night)


# Counting stops early: the worker needs to know that there is work and roughly how much.
_COUNTS = """select
  (select count(*) from (select 1 from inbox where state = 'RECEIVED' limit 5000) x),
  (select count(*) from (select 1 from petition where state = 'REGISTERED' limit 5000) x),
  (select count(*) from (select 1 from clock where state = 'OPEN' and paused_at is null and ring_at <= %(now)s limit 5000) x),
  (select count(*) from (select 1 from duty where closed_at is null and not state_bound and due_at <= %(now)s limit 5000) x),
  (select count(*) from outbox where state = 'SENDING' and lease_until <= %(now)s),
  (select count(*) from outbox where state = 'SENDING' and lease_until > %(now)s)"""


def look(connection: Connection, now: datetime, hold: timedelta = timedelta(minutes=10), own: str = "") -> Due:
    """What is due at `now` (aware). `hold`: how long a gap in sequence waits before it is asked about; `own`: the name of this process as an owner."""
    row = connection.execute(_COUNTS, {"now": now}).fetchone()
    assert row is not None  # noqa: S101  (a select without from has one row)
    received, registered, clocks, duties, leases, sending = row
    bodies = tuple(outbox.bodies_due(connection, now))
    return Due(received, registered, bodies, clocks, duties, leases, len(gaps(connection, now, hold)), sending, night(connection, now, own))


def night(connection: Connection, now: datetime, own: str = "") -> date | None:
    """The Beijing day for which some body's nightly comparison is to be made now; None before two in the morning.

    One that failed is left alone until NIGHT_AGAIN after it was begun. The ledger remembers that, so a worker that was started since takes it up as
    well. One that is being made is left to its maker for as long as that lives.
    """
    local = now.astimezone(SHANGHAI)
    if local.hour < NIGHT_HOUR:
        return None
    today = local.date()
    bodies = set(bodies_with_handoffs(connection, today - timedelta(days=1)))
    sql = """select body, state, id, owner from reconciliation where for_day = %s and run = 1
             and (state in ('DONE', 'RESTED', 'RUNNING') or state = 'FAILED' and started_at > %s)"""
    rows = connection.execute(sql, (today, now - NIGHT_AGAIN)).fetchall()
    bodies -= {body for body, state, _, _ in rows if state != recon.RUNNING}
    if bodies:
        left = gone(connection, own)
        bodies -= {body for body, state, number, owner in rows if state == recon.RUNNING and not left(number, owner)}
    return today if bodies else None
