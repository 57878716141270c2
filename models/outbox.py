"""Messages on their way: leased in batches, sent with no database session open, settled in batches.

Delivery states: QUEUED → SENDING → RECEIPTED | WEAK_RECEIPT | RETRY_WAIT | UNKNOWN | DEAD. A row found SENDING after its lease is UNKNOWN: it may
have arrived, so it is asked about by its key, or sent again under the same id, never under a new one.
"""



from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from models import store
from models.db import Connection
from models.door import advance
from models.moves import SYSTEM, Move
from models.seal import Sealer
from rules.edge_guards import REFUSED
from rules.house import House

Verdict = Literal["receipted", "weak", "retry", "unknown", "dead"]
_STATE = {"receipted": "RECEIPTED", "weak": "WEAK_RECEIPT", "retry": "RETRY_WAIT", "unknown": "UNKNOWN", "dead": "DEAD"}


@dataclass(frozen=True, slots=True)
class Leased:
    """A message this process may send until its lease ends. `doubtful`: an earlier try may have arrived. `attempts` counts this one."""

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


@dataclass(frozen=True, slots=True)
class Evidence:
    """The receipt as it came: its bytes and the signature headers over them."""

    receipt_id: str
    received_at: datetime
    status: str
    raw: bytes
    signature: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one try. `code` and `detail` name causes, never content; `next_at` is needed for retry and unknown.

    `sure`: of a dead one, that the body said no to this very message, so that it surely does not have it.
    """

    leased: Leased
    verdict: Verdict
    code: str
    detail: str = ""
    next_at: datetime | None = None
    evidence: Evidence | None = None
    sure: bool = False


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
    update outbox o set state = 'SENDING', lease_owner = %(owner)s, lease_until = %(until)s, attempts = o.attempts + 1
    from due where o.message_id = due.message_id
    returning o.message_id, o.handoff_id, o.petition_no, o.body, o.message, o.sequence, o.round, o.partner_state, o.body_sealed, o.digest, o.attempts,
              due.state = 'UNKNOWN'"""
    rows = connection.execute(sql, {"body": body, "now": now, "limit": limit, "owner": owner, "until": now + lease}).fetchall()
    rows.sort(key=lambda row: row[0])
    return [_leased(row, sealer) for row in rows]


def _leased(row: Sequence[Any], sealer: Sealer) -> Leased:
    message_id, handoff_id, petition_no, body, message, sequence, round_, partner_state, sealed, digest, attempts, doubtful = row
    raw = sealer.open(sealed, f"outbox:{message_id}")
    return Leased(message_id, handoff_id, petition_no, body, message, sequence, round_, partner_state, raw, digest, attempts, doubtful)


def release(connection: Connection, leased: Sequence[Leased], owner: str, next_at: datetime) -> None:
    """Give back messages that were not tried: the try is not counted, what was doubtful stays so."""
    connection.execute(
        """update outbox o set state = case when v.doubtful then 'UNKNOWN' when o.attempts > 1 then 'RETRY_WAIT' else 'QUEUED' end,
           attempts = o.attempts - 1, next_attempt_at = %s, lease_owner = null, lease_until = null
           from unnest(%s::text[], %s::bool[]) as v(message_id, doubtful)
           where o.message_id = v.message_id and o.state = 'SENDING' and o.lease_owner = %s""",
        (next_at, [m.message_id for m in leased], [m.doubtful for m in leased], owner),
    )


def reap(connection: Connection, now: datetime) -> int:
    """Rows whose sender is gone become UNKNOWN, due at once. Returns how many."""
    sql = """update outbox set state = 'UNKNOWN', next_attempt_at = %s, lease_owner = null, lease_until = null
             where message_id in (select message_id from outbox where state = 'SENDING' and lease_until <= %s for update skip locked)"""
    return connection.execute(sql, (now, now)).rowcount


def settle(connection: Connection, results: Sequence[Result], owner: str, house: House, sealer: Sealer, now: datetime) -> int:
    """Record what became of these tries, in one transaction of the caller's: receipts move hand-offs, spent messages become duties.

    A receipt counts even when the lease has been lost meanwhile (it is the truth); any other result counts only while the lease is ours.

    Returns:
        How many messages this call receipted for the first time.
    """
    if not results:
        return 0
    ids = [r.leased.message_id for r in results]
    # The petitions are locked before the outbox rows, here and everywhere, so that two settlings cannot wait for each other.
    connection.execute("select 1 from petition where petition_no = any(%s) order by petition_no for update", (sorted({r.leased.petition_no for r in results}),))
    state = {i: (s, o) for i, s, o in connection.execute("select message_id, state, lease_owner from outbox where message_id = any(%s) for update", (ids,))}
    taken = [r for r in results if _counts(r, *state[r.leased.message_id], owner)]
    advance(connection, [move for r in taken for move in _moves(r)], house, sealer, now)
    _record(connection, results, taken, now)
    return sum(r.verdict in ("receipted", "weak") for r in taken)


def _counts(result: Result, state: str, lease_owner: str | None, owner: str) -> bool:
    if result.verdict == "receipted":
        return state != "RECEIPTED"
    return state == "SENDING" and lease_owner == owner


def _moves(result: Result) -> list[Move]:
    m = result.leased
    if result.verdict in ("receipted", "weak"):
        said = {"message_id": m.message_id, "message": m.message, "sequence": m.sequence, "round": m.round, "then": m.partner_state,
                "weak": result.verdict == "weak"}
        weak = [Move("flag", SYSTEM, handoff_id=m.handoff_id, data={"code": "weak-receipt"})] if result.verdict == "weak" else []
        return [Move("receipt", SYSTEM, handoff_id=m.handoff_id, data=said), *weak]
    if result.verdict == "dead":
        data = {"kind": "undelivered", "ref": m.message_id, "code": result.code, "attempts": m.attempts, "message_id": m.message_id}
        refused = result.sure and m.message == "handoff.request"
        flag = [Move("flag", SYSTEM, handoff_id=m.handoff_id, data={"code": REFUSED})] if refused else []
        return [Move("duty.open", SYSTEM, handoff_id=m.handoff_id, data=data), *flag]
    return []


def _record(connection: Connection, results: Sequence[Result], taken: Sequence[Result], now: datetime) -> None:
    if taken:
        connection.execute(
            """update outbox o set state = v.state, next_attempt_at = coalesce(v.next_at, o.next_attempt_at), lease_owner = null, lease_until = null,
               receipted_at = case when v.state in ('RECEIPTED', 'WEAK_RECEIPT') then %s end
               from unnest(%s::text[], %s::text[], %s::timestamptz[]) as v(message_id, state, next_at) where o.message_id = v.message_id""",
            (now, [r.leased.message_id for r in taken], [_STATE[r.verdict] for r in taken], [r.next_at for r in taken]),
        )
    cursor = connection.cursor()
    with cursor.copy("copy attempt (message_id, attempt_no, at, outcome, code, detail, next_at) from stdin") as copy:
        for r in results:
            copy.write_row((r.leased.message_id, r.leased.attempts, now, r.verdict, r.code, r.detail[:500], r.next_at))
    proved = [r for r in taken if r.evidence is not None]
    if proved:
        rows = [(r.leased.message_id, e.receipt_id, r.leased.body, e.received_at, e.status, e.raw, e.signature, now) for r in proved if (e := r.evidence)]
        cursor.execute(
            """insert into receipt (message_id, receipt_id, body, received_at, status, raw, signature, stored_at)
               select * from unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::bytea[], %s::text[], %s::timestamptz[])
               on conflict (message_id) do nothing""",
            [list(column) for column in zip(*rows, strict=True)],
        )
    if any(r.verdict in ("receipted", "weak") for r in taken):
        # What stood behind the receipted message in its hand-off's line may go now.
        store.notify(connection, "outbox")


_SHUT = "o.body_sealed = '' or exists (select 1 from handoff h where h.handoff_id = o.handoff_id and 'silenced' = any(h.flags))"


def requeue(connection: Connection, message_ids: Sequence[str], now: datetime) -> int:
    """Messages that a partner turned out not to hold go again, same id, same bytes. Returns how many.

    Not those whose bytes were erased (JJ 15), and none about a hand-off that is `silenced`: its body stands accused by now, or it was taken back.
    """
    sql = """update outbox o set state = 'UNKNOWN', next_attempt_at = %s where message_id = any(%s)
             and state in ('RECEIPTED', 'WEAK_RECEIPT', 'DEAD', 'RETRY_WAIT', 'UNKNOWN') and not (""" + _SHUT + """)
             returning handoff_id, message"""
    ids = list(message_ids)
    # The petitions are locked before the outbox rows: whoever learns of an accusation meanwhile is waited for.
    connection.execute("""select 1 from petition where petition_no in (select petition_no from outbox where message_id = any(%s))
                          order by petition_no for update""", (ids,))
    again = connection.execute(sql, (now, ids)).fetchall()
    requests = [handoff for handoff, message in again if message == "handoff.request"]
    if requests:
        # From now on it is doubtful again whether the body has it.
        connection.execute("update handoff set flags = array_remove(flags, %s) where handoff_id = any(%s) and %s = any(flags)", (REFUSED, requests, REFUSED))
    if again:
        store.notify(connection, "outbox")
    return len(again)


def cannot_go(connection: Connection, message_ids: Sequence[str]) -> list[str]:
    """Those of these messages that may never be sent again, because their bytes were erased or their hand-off is silenced."""
    return [i for (i,) in connection.execute(f"select message_id from outbox o where message_id = any(%s) and ({_SHUT})", (list(message_ids),))]


def pause(connection: Connection, body: str, until: datetime, reason: str, now: datetime, *, fault: bool = True) -> None:
    """Stop calling a body until then; its messages stay queued. A pause for a fault makes the next one longer, and never shortens one that stands."""
    connection.execute(
        """insert into body (code, paused_until, pause_reason, failures, updated_at) values (%s, %s, %s, %s, %s)
           on conflict (code) do update set
           paused_until = case when %s and body.paused_until > excluded.paused_until then body.paused_until else excluded.paused_until end,
           pause_reason = case when %s and body.paused_until > excluded.paused_until then body.pause_reason else excluded.pause_reason end,
           failures = body.failures + excluded.failures, updated_at = excluded.updated_at""",
        (body, until, reason[:200], int(fault), now, fault, fault),
    )


def failures(connection: Connection, body: str) -> int:
    """How many endpoint faults in a row a body has had."""
    row = connection.execute("select failures from body where code = %s", (body,)).fetchone()
    return int(row[0]) if row else 0


def well(connection: Connection, body: str, now: datetime) -> None:
    """The body answered: its faults are over. A pause that began while it was being called is somebody's wish, or a newer fault, and stays."""
    connection.execute(
        """insert into body (code, pause_reason, failures, last_ok_at, updated_at) values (%s, '', 0, %s, %s)
           on conflict (code) do update set paused_until = case when body.paused_until > excluded.last_ok_at then body.paused_until end,
           pause_reason = case when body.paused_until > excluded.last_ok_at then body.pause_reason else '' end, failures = 0,
           last_ok_at = excluded.last_ok_at, updated_at = excluded.updated_at""",
        (body, now, now),
    )


def oldest_day(connection: Connection, body: str) -> date | None:
    """The first Beijing day on which a hand-off was issued to this body."""
    row = connection.execute("select min(issued_day) from handoff where body = %s", (body,)).fetchone()
    return row[0] if row else None
