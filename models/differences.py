"""Where the ledgers disagree: kept, and acted on in sets. Messages go again, duties are opened; a partner's word is never taken over in silence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import datetime

from psycopg.types.json import Jsonb

from models import resending
from models.comparing import Disagreement
from models.db import Connection
from models.door import advance
from models.moves import SYSTEM, Move
from models.own_acts import MANY_STRANGERS
from models.seal import Sealer
from rules.calendar import due
from rules.house import House
from rules.ledgers import Finding

_EVIDENCE = """select d.handoff_id, r.message_id, r.receipt_id, r.received_at from difference d
               join outbox o on o.handoff_id = d.handoff_id and o.message = 'handoff.request' and o.state = 'RECEIPTED'
               join receipt r on r.message_id = o.message_id
               where d.handoff_id = any(%(ids)s) and (d.kind = 'receipt_without_case' or (d.kind = 'missing_at_partner' and o.receipted_at >= d.found_at))
                 and d.reconciliation_id = (select max(id) from reconciliation where body = %(body)s and state = 'DONE' and id < %(now)s)"""

# What was sent or asked about after the last comparison and receipted before this one began to read, and stands in the partner's ledger as it stood then.
_UNMOVED = """select d.handoff_id, d.kind from difference d join unnest(%(ids)s::text[], %(kinds)s::text[], %(seen)s::numeric[]) v(handoff_id, kind, seen)
              on v.handoff_id = d.handoff_id and v.kind = d.kind
              where (d.action = 'duty' or d.healed_at <= (select started_at from reconciliation where id = %(now)s)) and (d.theirs ->> 'last_seq_in')::numeric = v.seen
              and d.reconciliation_id = (select max(id) from reconciliation where body = %(body)s and state = 'DONE' and id < %(now)s)"""
_MOVES_WITH_RECEIPTS = ("messages_missing_at_partner", "receipt_lost")
# More hand-offs that we never sent than these, in one step, are one fault of the body's and one duty.
MOST_STRANGERS = 1_000


def escalate(connection: Connection, reconciliation: int, body: str, found: Sequence[Disagreement]) -> list[Disagreement]:
    """What the partner's ledger still lacks although it was sent again after the last comparison, and the partner says that it has it, is a person's.

    The signed receipt is the evidence. It is not sent a third time: a partner that answers from its inbox and lists from its registry would
    have us do so every night.
    """
    missing = [d.handoff_id for d in found if d.finding.kind == "missing_at_partner"]
    if not missing:
        return list(found)
    rows = connection.execute(_EVIDENCE, {"ids": missing, "body": body, "now": reconciliation})
    proof = {handoff: {"message_id": message, "receipt_id": receipt, "received_at": at.isoformat()} for handoff, message, receipt, at in rows}
    without_case = Finding("receipt_without_case", "duty")
    return [replace(d, finding=without_case, evidence=proof[d.handoff_id]) if d.finding.kind == "missing_at_partner" and d.handoff_id in proof else d
            for d in found]


def record(
    connection: Connection, reconciliation: int, body: str, found: Sequence[Disagreement], house: House, sealer: Sealer, now: datetime,
) -> list[Disagreement]:
    """Keep these differences and take the action of each that needs no call to the partner: messages queued again, duties opened.

    One that was to heal by itself and is found again after the time a clerk has for a difference is a clerk's as well (handoff-protocol 1.11 W10).

    Returns:
        What was kept: all of them but what the partner lists under another day, which is not missing.
    """
    if not found:
        return []
    # Petitions are locked before their messages, here and everywhere, so that no two callers wait for each other.
    numbers = sorted({d.petition_no for d in found if d.petition_no})
    connection.execute("select 1 from petition where petition_no = any(%s) order by petition_no for update", (numbers,))
    found = _unmoved(connection, reconciliation, body, _without_misplaced(connection, reconciliation, found))
    stuck = _stale(connection, found, house, now) | _again(connection, found, now)
    advance(connection, _duties(body, [d for d in found if d.finding.action == "duty" or d.key in stuck]), house, sealer, now)
    _keep(connection, reconciliation, body, found, now)
    return list(found)


def _without_misplaced(connection: Connection, reconciliation: int, found: Sequence[Disagreement]) -> list[Disagreement]:
    """What the partner lists under another day is not missing, whichever of the two days is read first."""
    misplaced = {d.handoff_id for d in found if d.finding.kind == "day_differs"}
    if misplaced:
        connection.execute("delete from difference where reconciliation_id = %s and kind = 'missing_at_partner' and handoff_id = any(%s)",
                           (reconciliation, sorted(misplaced)))
    missing = [d.handoff_id for d in found if d.finding.kind == "missing_at_partner"]
    if missing:
        rows = connection.execute("select handoff_id from difference where reconciliation_id = %s and kind = 'day_differs' and handoff_id = any(%s)",
                                  (reconciliation, missing))
        misplaced |= {handoff for (handoff,) in rows}
    return [d for d in found if d.finding.kind != "missing_at_partner" or d.handoff_id not in misplaced]


def _unmoved(connection: Connection, reconciliation: int, body: str, found: Sequence[Disagreement]) -> list[Disagreement]:
    """What was sent or asked about again after the last comparison, and receipted, while the partner's ledger has not moved, is a person's: not sent a third time."""
    ours = [d for d in found if d.finding.kind in _MOVES_WITH_RECEIPTS and d.theirs is not None]
    if not ours:
        return list(found)
    rows = connection.execute(_UNMOVED, {
        "ids": [d.handoff_id for d in ours], "kinds": [d.finding.kind for d in ours], "seen": [d.theirs.last_seq_in for d in ours if d.theirs], "body": body,
        "now": reconciliation})
    unmoved = {(handoff, kind) for handoff, kind in rows}
    return [replace(d, finding=Finding(d.finding.kind, "duty")) if d.key in unmoved else d for d in found]


def _duties(body: str, found: Sequence[Disagreement]) -> list[Move]:
    strangers = sum(d.finding.kind == "unknown_to_us" for d in found)
    if strangers <= MOST_STRANGERS:
        return [_duty(body, d) for d in found]
    said = {"kind": "security", "ref": f"{body}:unknown_to_us", "code": "unknown_to_us", "what": MANY_STRANGERS, "parts": strangers, "body": body}
    return [*(_duty(body, d) for d in found if d.finding.kind != "unknown_to_us"), Move("duty.open", SYSTEM, data=said)]


def _duty(body: str, d: Disagreement) -> Move:
    said = {"kind": "difference", "ref": f"{body}:{d.handoff_id}:{d.finding.kind}", "code": d.finding.kind, "body": body}
    if "message_id" in d.evidence:
        said["message_id"] = d.evidence["message_id"]
    if d.petition_no:
        return Move("duty.open", SYSTEM, handoff_id=d.handoff_id, data=said)
    return Move("duty.open", SYSTEM, data={**said, "kind": "security"})


_MESSAGES = """select v.handoff_id, v.kind, v.action, o.message_id, o.state from unnest(%s::text[], %s::text[], %s::text[], %s::numeric[]) v(handoff_id, kind, action, seen)
               join outbox o on o.handoff_id = v.handoff_id and (o.sequence > v.seen or o.state <> 'RECEIPTED')"""


def _again(connection: Connection, found: Sequence[Disagreement], now: datetime) -> set[tuple[str, str]]:
    """Have the messages of these differences sent again, or asked about sooner. Returns those that can do neither: a person must find out what the body has."""
    ours = [d for d in found if d.finding.action in ("resend", "ask")]
    if not ours:
        return set()
    columns = [[d.handoff_id for d in ours], [d.finding.kind for d in ours], [d.finding.action for d in ours], [d.theirs.last_seq_in if d.theirs else 0 for d in ours]]
    rows = connection.execute(_MESSAGES, columns).fetchall()
    shut = set(resending.cannot_go(connection, [r[3] for r in rows]))
    # The partner's own ledger says that it lacks them: asked by key it might answer from its inbox, so they are sent.
    resending.requeue(connection, [r[3] for r in rows if r[2] == "resend"], now, ask=False)
    asked = [r[3] for r in rows if r[2] == "ask"]
    if asked:
        # Already on its way to being asked about; only its next date is brought forward.
        connection.execute(
            "update outbox set next_attempt_at = %s where message_id = any(%s) and state in ('QUEUED', 'RETRY_WAIT', 'UNKNOWN') and next_attempt_at > %s",
            (now, asked, now),
        )
        resending.requeue(connection, [r[3] for r in rows if r[2] == "ask" and r[4] in ("WEAK_RECEIPT", "DEAD")], now)
    return {(r[0], r[1]) for r in rows if r[3] in shut}


def _keep(connection: Connection, reconciliation: int, body: str, found: Sequence[Disagreement], now: datetime) -> None:
    rows = [(d.handoff_id, d.petition_no, d.finding.kind, Jsonb({**(asdict(d.ours) if d.ours else {}), **({"evidence": dict(d.evidence)} if d.evidence else {})}),
             Jsonb(asdict(d.theirs) if d.theirs else {}), d.finding.action) for d in found]
    connection.execute(
        """insert into difference (reconciliation_id, body, handoff_id, petition_no, kind, ours, theirs, action, found_at)
           select %s, %s, v.*, %s from unnest(%s::text[], %s::text[], %s::text[], %s::jsonb[], %s::jsonb[], %s::text[]) v
           on conflict (reconciliation_id, handoff_id, kind) do nothing""",
        (reconciliation, body, now, *([list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(6)])),
    )


def _stale(connection: Connection, found: Sequence[Disagreement], house: House, now: datetime) -> set[tuple[str, str]]:
    """Hand-off and kind of those found before and still not healed when a clerk's time for a difference was over."""
    sql = """select handoff_id, kind, min(found_at) from difference where handoff_id = any(%s) and healed_at is null and action <> 'duty'
             group by handoff_id, kind"""
    limit = house.roads.duty_limit("difference")
    rows = connection.execute(sql, ([d.handoff_id for d in found if d.finding.action != "duty"],)).fetchall()
    ends = {first: due(first, limit, house.calendar).instant for first in {row[2] for row in rows}}
    return {(handoff_id, kind) for handoff_id, kind, first in rows if ends[first] <= now}


def mark_healed(connection: Connection, now: datetime, bodies: Collection[str] | None = None) -> int:
    """Differences (of these bodies, or all) whose cause is gone: everything sent is receipted, everything the partner had said is read. How many."""
    # Rows that another body's reconciliation is marking just now are left to it: two markers must not wait for each other.
    only = "and d.body = any(%s)" if bodies is not None else ""
    sql = f"""update difference set healed_at = %s where id in (
               select d.id from difference d join handoff h using (handoff_id) where d.healed_at is null and d.action <> 'duty' {only}
               and h.seq_in >= coalesce((d.theirs ->> 'last_seq_out')::numeric, 0)
               and not exists (select 1 from outbox o where o.handoff_id = d.handoff_id and o.state not in ('RECEIPTED', 'WEAK_RECEIPT'))
               for update of d skip locked) returning reconciliation_id"""
    healed = [run for (run,) in connection.execute(sql, (now, *([sorted(bodies)] if bodies is not None else [])))]
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
