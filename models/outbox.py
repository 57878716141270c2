"""Messages on their way: leased in batches, sent with no database session open, settled in batches.

Delivery states: QUEUED → SENDING → RECEIPTED | WEAK_RECEIPT | RETRY_WAIT | UNKNOWN | DEAD. A row found SENDING after its lease is UNKNOWN: it may
have arrived, so it is asked about by its key, or sent again under the same id, never under a new one.
"""


from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from config.body import Rate
from models import attempts, breaker
from models.db import Connection
from models.seal import Sealer
from models.shielding import ERASED


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
    """Messages of one body that may be sent now. `well`: its last answer was a receipt; not so a body that never gave one, or has failed since."""

    body: str
    count: int
    well: bool = True


_HEAD = """not exists (select 1 from outbox p where p.handoff_id = o.handoff_id and p.sequence < o.sequence
                  and p.state not in ('RECEIPTED', 'WEAK_RECEIPT', 'DEAD'))"""
_FREE = f"""o.state in ('QUEUED', 'RETRY_WAIT', 'UNKNOWN') and o.next_attempt_at <= %(now)s
  and not exists (select 1 from body b where b.code = o.body and b.way = 0 and ({breaker.SUSPENDED_NOW} or {breaker.DRY_NOW}))
  and not exists (select 1 from body b where b.code = o.body and b.way = o.way and {breaker.OPEN_NOW})
  and {_HEAD}"""


def bodies_due(connection: Connection, now: datetime) -> list[Waiting]:
    """Bodies with messages that may be sent now, most first.

    One that is suspended, left alone by its breaker or out of tokens, and whatever queues behind an unsettled message, does not count.
    """
    well = "coalesce((select b.failures = 0 and b.last_ok_at is not null from body b where b.code = o.body and b.way = 0), false)"
    rows = connection.execute(f"select o.body, count(*), {well} from outbox o where {_FREE} group by o.body order by 2 desc, 1", {"now": now})
    return [Waiting(*row) for row in rows]


def next_attempt(connection: Connection) -> datetime | None:
    """The earliest instant at which any message may be tried (again), or a lease ends; a next probe, token or end of a suspension is minded.

    What stands behind another in its line has no say, nor what is suspended until somebody resumes it.
    """
    sql = f"""select least((select min(greatest(o.next_attempt_at, b.suspended_until, b.token_at, case when w.breaker <> 'CLOSED' then w.probe_at end)) from outbox o
             left join body b on b.code = o.body and b.way = 0 left join body w on w.code = o.body and w.way = o.way
             where o.state in ('QUEUED', 'RETRY_WAIT', 'UNKNOWN') and not (b.suspended_at is not null and b.suspended_until is null)
               and {_HEAD}),
             (select min(lease_until) from outbox where state = 'SENDING'))"""
    row = connection.execute(sql).fetchone()
    return row[0] if row else None


_LEASE = """
    with due as (select o.message_id, o.state from outbox o where o.body = %(body)s and {ways} and {free}
                 order by {order} o.next_attempt_at, o.message_id limit %(limit)s for update skip locked)
    update outbox o set state = 'SENDING', lease_owner = %(owner)s, lease_until = %(until)s, leased_at = %(now)s,
           attempts = o.attempts + 1, way_attempts = o.way_attempts + 1
    from due where o.message_id = due.message_id
    returning o.message_id, o.handoff_id, o.petition_no, o.body, o.message, o.sequence, o.round, o.partner_state, o.body_sealed, o.digest, o.attempts,
              due.state = 'UNKNOWN', o.way, o.attempts - o.way_attempts"""


def claim(
    connection: Connection, body: str, limit: int, owner: str, now: datetime, lease: timedelta, sealer: Sealer, rate: Rate | None = None,
) -> list[Leased]:
    """Lease up to `limit` due messages of a body, at most one a hand-off (the head of its line). Two processes never get the same row.

    A breaker that is not closed lets one through when its date has come, and none else: rather one in doubt, which may prove to have arrived while only
    answers were lost. `rate` (bodies.yaml) lets through as many as there are tokens.
    """
    admission = breaker.admit(connection, body, limit, now, rate)
    said = {"body": body, "now": now, "owner": owner, "until": now + lease, "not_by": sorted(admission.probes | admission.shut)}
    rows: list[Sequence[Any]] = []
    for way in sorted(admission.probes):
        if len(rows) < admission.count:
            rows += connection.execute(_LEASE.format(ways="o.way = %(way)s", free=_FREE, order="o.state <> 'UNKNOWN',"), {**said, "way": way, "limit": 1}).fetchall()
    if len(rows) < admission.count:
        rows += connection.execute(_LEASE.format(ways="o.way <> all(%(not_by)s::int[])", free=_FREE, order=""), {**said, "limit": admission.count - len(rows)}).fetchall()
    leased = [_leased(row, sealer) for row in sorted(rows, key=lambda row: str(row[0]))]
    breaker.took(connection, body, admission, [(m.message_id, m.way) for m in leased], owner, now, lease, rate)
    return leased


def _leased(row: Sequence[Any], sealer: Sealer) -> Leased:
    message_id, handoff_id, petition_no, body, message, sequence, round_, partner_state, sealed, digest, tried, doubtful, way, before = row
    raw = sealer.open(sealed, f"outbox:{message_id}")
    return Leased(message_id, handoff_id, petition_no, body, message, sequence, round_, partner_state, raw, digest, tried, doubtful, way, before)


# How many senders may die with a message before it is left alone for a while.
_AT_ONCE = 3
# Handed over on paper while it was leased: sent again, the body would have it twice. What must not stay here goes with it (检举控告工作规则 art 15).
ON_PAPER = "exists (select 1 from handoff h where h.handoff_id = o.handoff_id and 'by-hand' = any(h.flags))"
_LEFT = f"""dead_at = case when {ON_PAPER} then %(now)s::timestamptz end,
           body_sealed = case when {ON_PAPER} and exists (select 1 from petition p where p.petition_no = o.petition_no and %(erased)s = any(p.flags))
                              then ''::bytea else o.body_sealed end, lease_owner = null, lease_until = null"""


def release(connection: Connection, leased: Sequence[Leased], owner: str, next_at: datetime, rate: Rate | None = None) -> None:
    """Give back messages that were not tried: the try is not counted, what was doubtful stays so, their tokens and probes are for others."""
    rows = connection.execute(
        f"""update outbox o set state = case when {ON_PAPER} then 'DEAD' when v.doubtful then 'UNKNOWN' when o.attempts > 1 then 'RETRY_WAIT' else 'QUEUED' end,
           attempts = o.attempts - 1, way_attempts = o.way_attempts - 1, next_attempt_at = %(now)s, {_LEFT}
           from unnest(%(ids)s::text[], %(doubts)s::bool[], %(attempts)s::int[]) as v(message_id, doubtful, attempts)
           where o.message_id = v.message_id and o.state = 'SENDING' and o.lease_owner = %(owner)s and o.attempts = v.attempts returning o.body, o.message_id""",
        {"now": next_at, "ids": [m.message_id for m in leased], "doubts": [m.doubtful for m in leased], "attempts": [m.attempts for m in leased],
         "owner": owner, "erased": ERASED},
    ).fetchall()
    back: dict[str, list[str]] = {}
    for body, message_id in rows:
        back.setdefault(body, []).append(message_id)
    for body in sorted(back):
        breaker.give_back(connection, body, back[body], owner, next_at, rate)


def taken_away(connection: Connection, leased: Sequence[Leased], owner: str) -> set[str]:
    """Those of these messages that are not this sender's to send any more: settled or leased by another meanwhile, or stopped for good."""
    rows = connection.execute(
        """select v.message_id from unnest(%s::text[], %s::int[]) as v(message_id, attempts) left join outbox o using (message_id)
           where o.state is distinct from 'SENDING' or o.lease_owner is distinct from %s or o.attempts <> v.attempts""",
        ([m.message_id for m in leased], [m.attempts for m in leased], owner))
    return {message_id for (message_id,) in rows}


def reap(connection: Connection, now: datetime, delays: Sequence[timedelta] = (timedelta(0),)) -> int:
    """Rows whose sender is gone become UNKNOWN, and the try has its row. Returns how many.

    They are due at once; from the fourth try on by these delays of the schedule (`delays[n]` follows n tries), ±20 %: it may be the message that kills its senders.
    """
    sql = f"""update outbox o set state = case when {ON_PAPER} then 'DEAD' else 'UNKNOWN' end,
             next_attempt_at = %(now)s + case when o.way_attempts <= {_AT_ONCE} then interval '0'
               else (%(delays)s::interval[])[least(o.way_attempts + 1, %(last)s)] * (0.8 + 0.4 * random()) end, {_LEFT}
             where message_id in (select message_id from outbox where state = 'SENDING' and lease_until <= %(now)s for update skip locked)
             returning message_id"""
    said = {"now": now, "delays": list(delays), "last": len(delays), "erased": ERASED}
    found = [message_id for (message_id,) in connection.execute(sql, said)]
    attempts.given_up(connection, found, now)
    return len(found)
