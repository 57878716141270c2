"""Messages on their way: leased in batches, sent with no database session open, settled in batches.

Delivery states: QUEUED → SENDING → RECEIPTED | WEAK_RECEIPT | RETRY_WAIT | UNKNOWN | DEAD. A row found SENDING after its lease is UNKNOWN: it may
have arrived, so it is asked about by its key, or sent again under the same id, never under a new one.
"""


from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from models.db import Connection
from models.seal import Sealer


@dataclass(frozen=True, slots=True)
class Leased:
    """A message this process may send until its lease ends. `doubtful`: an earlier try may have arrived. `attempts` counts this one.

    `way`: by which of the body's ways it goes (Body.ways); `before`: how many of its attempts went by other ways.
    """

    message_id: str
    handoff_id: str
    petition_no: str
    body: str
    message: str
    sequence: int
    round: int
    partner_state: str
    raw: bytes
    digest: str
    attempts: int
    doubtful: bool
    way: int = 0
    before: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages of one body that may be sent now."""

    body: str
    count: int


_FREE = """o.state in ('QUEUED', 'RETRY_WAIT', 'UNKNOWN') and o.next_attempt_at <= %(now)s
  and not exists (select 1 from body b where b.code = o.body and b.paused_until > %(now)s)
  and not exists (select 1 from outbox p where p.handoff_id = o.handoff_id and p.sequence < o.sequence
                  and p.state not in ('RECEIPTED', 'WEAK_RECEIPT', 'DEAD'))"""


def bodies_due(connection: Connection, now: datetime) -> list[Waiting]:
    """Bodies with messages that may be sent now, most first. A paused body, and whatever queues behind an unsettled message, does not count."""
    rows = connection.execute(f"select o.body, count(*) from outbox o where {_FREE} group by o.body order by 2 desc, 1", {"now": now})
    return [Waiting(*row) for row in rows]


def next_attempt(connection: Connection) -> datetime | None:
    """The earliest instant at which any message may be tried (again), or a lease ends. What stands behind another in its line has no say."""
    sql = """select least((select min(greatest(o.next_attempt_at, coalesce(b.paused_until, o.next_attempt_at))) from outbox o
             left join body b on b.code = o.body where o.state in ('QUEUED', 'RETRY_WAIT', 'UNKNOWN')
               and not exists (select 1 from outbox p where p.handoff_id = o.handoff_id and p.sequence < o.sequence
                               and p.state not in ('RECEIPTED', 'WEAK_RECEIPT', 'DEAD'))),
             (select min(lease_until) from outbox where state = 'SENDING'))"""
    row = connection.execute(sql).fetchone()
    return row[0] if row else None


def claim(connection: Connection, body: str, limit: int, owner: str, now: datetime, lease: timedelta, sealer: Sealer) -> list[Leased]:
    """Lease up to `limit` due messages of a body, at most one a hand-off (the head of its line). Two processes never get the same row."""
    sql = f"""
    with due as (select o.message_id, o.state from outbox o where o.body = %(body)s and {_FREE}
                 order by o.next_attempt_at, o.message_id limit %(limit)s for update skip locked)
    update outbox o set state = 'SENDING', lease_owner = %(owner)s, lease_until = %(until)s, leased_at = %(now)s,
           attempts = o.attempts + 1, way_attempts = o.way_attempts + 1
    from due where o.message_id = due.message_id
    returning o.message_id, o.handoff_id, o.petition_no, o.body, o.message, o.sequence, o.round, o.partner_state, o.body_sealed, o.digest, o.attempts,
              due.state = 'UNKNOWN', o.way, o.attempts - o.way_attempts"""
    rows = connection.execute(sql, {"body": body, "now": now, "limit": limit, "owner": owner, "until": now + lease}).fetchall()
    rows.sort(key=lambda row: row[0])
    return [_leased(row, sealer) for row in rows]


def _leased(row: Sequence[Any], sealer: Sealer) -> Leased:
    message_id, handoff_id, petition_no, body, message, sequence, round_, partner_state, sealed, digest, attempts, doubtful, way, before = row
    raw = sealer.open(sealed, f"outbox:{message_id}")
    return Leased(message_id, handoff_id, petition_no, body, message, sequence, round_, partner_state, raw, digest, attempts, doubtful, way, before)


def release(connection: Connection, leased: Sequence[Leased], owner: str, next_at: datetime) -> None:
    """Give back messages that were not tried: the try is not counted, what was doubtful stays so."""
    connection.execute(
        """update outbox o set state = case when v.doubtful then 'UNKNOWN' when o.attempts > 1 then 'RETRY_WAIT' else 'QUEUED' end,
           attempts = o.attempts - 1, way_attempts = o.way_attempts - 1, next_attempt_at = %s, lease_owner = null, lease_until = null
           from unnest(%s::text[], %s::bool[]) as v(message_id, doubtful)
           where o.message_id = v.message_id and o.state = 'SENDING' and o.lease_owner = %s""",
        (next_at, [m.message_id for m in leased], [m.doubtful for m in leased], owner),
    )


def reap(connection: Connection, now: datetime) -> int:
    """Rows whose sender is gone become UNKNOWN, due at once. Returns how many."""
    sql = """update outbox set state = 'UNKNOWN', next_attempt_at = %s, lease_owner = null, lease_until = null
             where message_id in (select message_id from outbox where state = 'SENDING' and lease_until <= %s for update skip locked)"""
    return connection.execute(sql, (now, now)).rowcount
