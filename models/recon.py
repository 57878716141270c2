"""对账: our ledger as the partner should see its own, day by day; differences kept, healed or made a duty.

Our side of a hand-off, told as the partner's ledger tells it: `last_seq_in` is the last message it gave a receipt for, `last_seq_out` the last of
its messages we have read, state and round what it must believe by now. A hand-off without any receipt is no part of our digests: the
partner may have it or not, and its ledger tells which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from psycopg.types.json import Jsonb

from connectors.wire.ledger import DayDigest, Item
from models import resending
from models.db import Connection
from models.door import advance
from models.moves import SYSTEM, Move
from models.seal import Sealer
from rules.calendar import due
from rules.house import House
from rules.ledgers import Finding, Line, compare


def our_digests(connection: Connection, body: str, from_day: date, to_day: date) -> list[DayDigest]:
    """Per Beijing day of issue, both ends included: how many hand-offs and the SHA-256 of their canonical lines, computed in PostgreSQL."""
    sql = """select issued_day, count(*), encode(sha256(convert_to(string_agg(line, '' order by line collate "C"), 'UTF8')), 'hex') from (
               select issued_day, handoff_id || '|' || partner_round || '|' || partner_state || '|' || acked_out || '|' || seq_in || '|' || request_digest
                      || chr(10) as line
               from handoff where body = %s and issued_day between %s and %s and acked_out > 0) lines
             group by issued_day order by issued_day"""
    return [DayDigest(*row) for row in connection.execute(sql, (body, from_day, to_day))]


_ITEM = "handoff_id, petition_no, partner_case_no, partner_state, partner_round, acked_out, seq_in, updated_at, request_digest"


def our_items(connection: Connection, body: str, from_day: date, to_day: date, after: str | None, limit: int) -> list[Item]:
    """Our ledger items for a body, by hand-off id past `after`; what a partner compares its own ledger with."""
    sql = f"""select {_ITEM} from handoff where body = %s and issued_day between %s and %s and acked_out > 0 and handoff_id > %s
              order by handoff_id limit %s"""
    return [Item(*row) for row in connection.execute(sql, (body, from_day, to_day, after or "", limit))]


def oldest_day(connection: Connection, body: str) -> date | None:
    """The first Beijing day on which a hand-off was issued to this body."""
    row = connection.execute("select min(issued_day) from handoff where body = %s", (body,)).fetchone()
    return row[0] if row else None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One hand-off on which the ledgers disagree. `petition_no` is None for one that is not ours."""

    handoff_id: str
    petition_no: str | None
    finding: Finding
    ours: Line | None
    theirs: Line | None


def compare_day(connection: Connection, body: str, day: date, theirs: Sequence[Item]) -> list[Disagreement]:
    """Hold one day of a partner's ledger against ours, row by row."""
    sql = f"select {_ITEM} from handoff where body = %s and (issued_day = %s or handoff_id = any(%s))"
    ours = {row[0]: Item(*row) for row in connection.execute(sql, (body, day, [item.handoff_id for item in theirs]))}
    their = {item.handoff_id: item for item in theirs}
    found: list[Disagreement] = []
    for handoff_id in sorted(ours.keys() | their.keys()):
        mine, other = ours.get(handoff_id), their.get(handoff_id)
        a, b = _line(mine), _line(other)
        found.extend(Disagreement(handoff_id, mine.petition_no if mine else None, finding, a, b) for finding in compare(a, b))
    return found


def _line(item: Item | None) -> Line | None:
    if item is None:
        return None
    return Line(item.state, item.round, item.last_seq_in, item.last_seq_out, item.body_digest, item.partner_case_no)


def begin(connection: Connection, body: str, for_day: date, now: datetime, *, again: bool = False) -> int | None:
    """Open the comparison of a body for a night. None when it has been made already (or is being made) and `again` is not asked for.

    Two flow runs for the same night meet at the unique key (body, night, run): the second gets None.
    """
    if again:
        row = connection.execute("select coalesce(max(run), 0) + 1 from reconciliation where body = %s and for_day = %s", (body, for_day)).fetchone()
        run = row[0] if row else 1
    else:
        run = 1
    made = connection.execute(
        """insert into reconciliation (body, for_day, run, started_at, state, days, days_differing, items, differences, healed, note)
           values (%s, %s, %s, %s, 'RUNNING', 0, 0, 0, 0, 0, '')
           on conflict (body, for_day, run) do update set started_at = excluded.started_at
             where reconciliation.state = 'FAILED' or (reconciliation.state = 'RUNNING' and reconciliation.started_at < excluded.started_at - interval '1 hour')
           returning id""",
        (body, for_day, run, now),
    ).fetchone()
    return int(made[0]) if made else None


def finish(connection: Connection, reconciliation: int, now: datetime, *, state: str, days: int, differing: int, items: int, note: str = "") -> None:
    """Close a comparison: DONE, or FAILED with the cause (the partner could not be reached), which the next attempt takes up again."""
    connection.execute(
        """update reconciliation r set state = %s, ended_at = %s, days = %s, days_differing = %s, items = %s, note = %s,
           differences = (select count(*) from difference d where d.reconciliation_id = r.id),
           healed = (select count(*) from difference d where d.reconciliation_id = r.id and d.healed_at is not null) where r.id = %s""",
        (state, now, days, differing, items, note[:500], reconciliation),
    )


def record(
    connection: Connection, reconciliation: int, body: str, found: Sequence[Disagreement], house: House, sealer: Sealer, now: datetime,
) -> list[Disagreement]:
    """Keep these differences and take the action of each that needs no call to the partner: messages queued again, duties opened.

    One that was to heal by itself and is found again after the time a clerk has for a difference is a clerk's as well (handoff-protocol 1.11 W10).

    Returns:
        Those that need a call: messages to be fetched from the partner.
    """
    moves: list[Move] = []
    # Petitions are locked before their messages, here and everywhere, so that no two callers wait for each other.
    numbers = sorted({d.petition_no for d in found if d.petition_no})
    connection.execute("select 1 from petition where petition_no = any(%s) order by petition_no for update", (numbers,))
    stale = _stale(connection, found, house, now)
    for d in found:
        said = {"kind": "difference", "ref": f"{body}:{d.handoff_id}:{d.finding.kind}", "code": d.finding.kind, "body": body}
        duty = d.finding.action == "duty" or (d.handoff_id, d.finding.kind) in stale
        if duty and d.petition_no:
            moves.append(Move("duty.open", SYSTEM, handoff_id=d.handoff_id, data=said))
        elif duty:
            moves.append(Move("duty.open", SYSTEM, data={**said, "kind": "security"}))
        if d.finding.action in ("resend", "ask"):
            seen = d.theirs.last_seq_in if d.theirs else 0
            rows = connection.execute("select message_id from outbox where handoff_id = %s and (sequence > %s or state <> 'RECEIPTED')", (d.handoff_id, seen))
            ids = [i for (i,) in rows]
            if d.petition_no and not duty and resending.cannot_go(connection, ids):
                # What may not be sent again cannot heal by itself: a person must find out what the body has.
                moves.append(Move("duty.open", SYSTEM, handoff_id=d.handoff_id, data=said))
            _again(connection, ids, d.finding.action, now)
        connection.execute(
            """insert into difference (reconciliation_id, body, handoff_id, petition_no, kind, ours, theirs, action, found_at)
               values (%s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict (reconciliation_id, handoff_id, kind) do nothing""",
            (reconciliation, body, d.handoff_id, d.petition_no, d.finding.kind, Jsonb(asdict(d.ours) if d.ours else {}),
             Jsonb(asdict(d.theirs) if d.theirs else {}), d.finding.action, now),
        )
    advance(connection, moves, house, sealer, now)
    return [d for d in found if d.finding.action == "fetch"]


def _stale(connection: Connection, found: Sequence[Disagreement], house: House, now: datetime) -> set[tuple[str, str]]:
    """Hand-off and kind of those found before and still not healed when a clerk's time for a difference was over."""
    sql = """select handoff_id, kind, min(found_at) from difference where handoff_id = any(%s) and healed_at is null and action <> 'duty'
             group by handoff_id, kind"""
    limit = house.roads.duty_limit("difference")
    rows = connection.execute(sql, ([d.handoff_id for d in found],)).fetchall()
    return {(handoff_id, kind) for handoff_id, kind, first in rows if due(first, limit, house.calendar).instant <= now}


def _again(connection: Connection, message_ids: Sequence[str], action: str, now: datetime) -> None:
    if action == "resend":
        resending.requeue(connection, message_ids, now)
    else:
        # Already on its way to being asked about; only its next date is brought forward.
        connection.execute(
            "update outbox set next_attempt_at = %s where message_id = any(%s) and state in ('QUEUED', 'RETRY_WAIT', 'UNKNOWN') and next_attempt_at > %s",
            (now, list(message_ids), now),
        )
        resending.requeue(connection, _weak(connection, message_ids), now)


def _weak(connection: Connection, message_ids: Sequence[str]) -> list[str]:
    rows = connection.execute("select message_id from outbox where message_id = any(%s) and state in ('WEAK_RECEIPT', 'DEAD')", (list(message_ids),))
    return [i for (i,) in rows]


def mark_healed(connection: Connection, now: datetime) -> int:
    """Differences whose cause is gone: everything sent is receipted, everything the partner had said is read. Returns how many."""
    # Rows that another body's reconciliation is marking just now are left to it: two markers must not wait for each other.
    sql = """update difference set healed_at = %s where id in (
               select d.id from difference d join handoff h using (handoff_id) where d.healed_at is null and d.action <> 'duty'
               and h.seq_in >= coalesce((d.theirs ->> 'last_seq_out')::numeric, 0)
               and not exists (select 1 from outbox o where o.handoff_id = d.handoff_id and o.state not in ('RECEIPTED', 'WEAK_RECEIPT'))
               for update of d skip locked) returning reconciliation_id"""
    healed = [run for (run,) in connection.execute(sql, (now,))]
    if healed:
        connection.execute(
            """with mine as (select id from reconciliation where id = any(%s) order by id for update)
               update reconciliation r set healed = (select count(*) from difference d where d.reconciliation_id = r.id and d.healed_at is not null)
               from mine where r.id = mine.id""", (sorted(set(healed)),))
    return len(healed)


def open_differences(connection: Connection) -> int:
    """Differences neither healed nor given to a person."""
    row = connection.execute("select count(*) from difference where healed_at is null and action <> 'duty'").fetchone()
    return int(row[0]) if row else 0
