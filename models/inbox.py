"""Messages from bodies: stored before they are answered, applied afterwards, each hand-off's in sequence, each once."""



from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.wire import events
from models import case_numbers, store
from models.db import AsyncConnection, Connection
from models.door import advance
from models.moves import SYSTEM, Actor, Move, Refused
from models.seal import Sealer
from rules.house import House


@dataclass(frozen=True, slots=True)
class Incoming:
    """A verified message from a body, and the receipt it will be (or was) given: `held` if it comes past a gap, `duplicate` if its sequence was told
    before, else `receipt`, which also stands for those that are empty. `petition_no` is what the message names; empty: not to be checked."""

    body: str
    message_id: str
    handoff_id: str
    message: str
    round: int
    sequence: int
    event_at: datetime
    raw: bytes
    fingerprint: bytes
    receipt: bytes
    held: bytes = b""
    duplicate: bytes = b""
    petition_no: str = ""
    via: str = "hook"


@dataclass(frozen=True, slots=True)
class Stored:
    """What the inbox answers: `new`, `same` (the stored receipt goes out again), `other` (same id, other bytes), `stranger` (no such hand-off of this
    body) or `misnamed` (the hand-off belongs to another petition)."""

    verdict: str
    receipt: bytes = b""


# One statement, because it stands between a body and its receipt: whose hand-offs these are, where their messages stand, which are known, the new ones
# stored with the receipt that fits, the worker woken. In autocommit it is a transaction of its own. `before`: sequences that stand earlier in this batch.
_TAKE_IN = """
with v as (
  select v.*, h.petition_no, h.seq_in,
         array_agg(v.sequence) over (partition by v.handoff_id order by v.n rows between unbounded preceding and 1 preceding) as before
  from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::int[], %s::bigint[], %s::timestamptz[], %b::bytea[], %b::bytea[], %b::bytea[],
              %b::bytea[], %b::bytea[], %s::text[])
    with ordinality as v(body, message_id, handoff_id, named, message, round, sequence, event_at, raw_sealed, fingerprint, receipt, held, duplicate, via, n)
  left join handoff h on h.handoff_id = v.handoff_id and h.body = v.body
), put as (
  insert into inbox (body, message_id, handoff_id, petition_no, message, round, sequence, event_at, raw_sealed, fingerprint, receipt, via, state, received_at, note)
  select distinct on (v.body, v.message_id) v.body, v.message_id, v.handoff_id, v.petition_no, v.message, v.round, v.sequence, v.event_at, v.raw_sealed, v.fingerprint,
         case when v.sequence <= v.seq_in or v.sequence = any(v.before)
                   or exists (select 1 from inbox i where i.handoff_id = v.handoff_id and i.sequence = v.sequence) then v.duplicate
              when v.sequence = v.seq_in + 1 or v.sequence - v.seq_in - 1 = (
                select count(distinct s) from (select i.sequence from inbox i where i.handoff_id = v.handoff_id union all select unnest(v.before)) told(s)
                where s > v.seq_in and s < v.sequence) then v.receipt
              else v.held end,
         v.via, 'RECEIVED', %s::timestamptz, ''
  from v where v.petition_no is not null and v.named in ('', v.petition_no)
    and not exists (select 1 from inbox i where i.body = v.body and i.message_id = v.message_id)
  order by v.body, v.message_id, v.n
  on conflict (body, message_id) do nothing returning body, message_id, fingerprint, receipt
), woken as (select pg_notify(%s, 'inbox') from (select 1 from put limit 1) some_new)
select p.fingerprint, p.receipt, i.fingerprint, i.receipt, v.petition_no, (select count(*) from woken)
from v left join put p using (body, message_id) left join inbox i using (body, message_id) order by v.n
"""


def take_in(connection: Connection, messages: Sequence[Incoming], sealer: Sealer, now: datetime) -> list[Stored]:
    """Make these messages durable (when the caller commits) and wake whoever applies them. One answer a message, in order."""
    answers, left = _heard(messages, connection.execute(_TAKE_IN, _said(messages, sealer, now)).fetchall()) if messages else ([], [])
    if left:
        for at, answer in zip(left, take_in(connection, [messages[at] for at in left], sealer, now), strict=True):
            answers[at] = answer
    return answers


async def take_in_async(connection: AsyncConnection, messages: Sequence[Incoming], sealer: Sealer, now: datetime) -> list[Stored]:
    """As `take_in`, for an event loop that must not wait."""
    if not messages:
        return []
    cursor = await connection.execute(_TAKE_IN, _said(messages, sealer, now))
    answers, left = _heard(messages, await cursor.fetchall())
    if left:
        for at, answer in zip(left, await take_in_async(connection, [messages[at] for at in left], sealer, now), strict=True):
            answers[at] = answer
    return answers


_PLAIN = ("body", "message_id", "handoff_id", "petition_no", "message", "round", "sequence", "event_at")


def _said(messages: Sequence[Incoming], sealer: Sealer, now: datetime) -> list[Any]:
    columns: list[Any] = [[getattr(m, name) for m in messages] for name in _PLAIN]
    columns.append([sealer.seal(m.raw, f"inbox:{m.body}:{m.message_id}") for m in messages])
    columns += [[m.fingerprint for m in messages], [m.receipt for m in messages]]
    columns += [[m.held or m.receipt for m in messages], [m.duplicate or m.receipt for m in messages], [m.via for m in messages]]
    return [*columns, now, store.CHANNEL]


def _heard(messages: Sequence[Incoming], rows: Sequence[Sequence[Any]]) -> tuple[list[Stored], list[int]]:
    """The answers; and the places of those that another process stored in this very moment, which only the next statement sees."""
    answers: list[Stored] = []
    missed: list[int] = []
    first: set[tuple[str, str]] = set()
    for at, (m, (put_print, put_receipt, old_print, old_receipt, number, _)) in enumerate(zip(messages, rows, strict=True)):
        if number is not None and m.petition_no not in ("", number):
            answers.append(Stored("misnamed"))
        elif put_print is not None and (m.body, m.message_id) not in first:
            first.add((m.body, m.message_id))
            answers.append(Stored("new", put_receipt))
        elif put_print is not None or old_print is not None:
            answers.append(Stored("same" if (put_print or old_print) == m.fingerprint else "other", put_receipt or old_receipt))
        else:
            answers.append(Stored("stranger"))
            if number is not None:
                missed.append(at)
    return answers, missed


@dataclass(slots=True)
class Applied:
    """What one call of `apply` did; `lines` has one (petition_no, body, message, what) a message, for traces."""

    applied: int = 0
    duplicates: int = 0
    held: int = 0
    quarantined: int = 0
    lines: list[tuple[str, str, str, str]] | None = None

    @property
    def total(self) -> int:
        return self.applied + self.duplicates + self.held + self.quarantined


@dataclass(slots=True)
class _Row:
    id: int
    body: str
    message_id: str
    handoff_id: str
    petition_no: str
    message: str
    round: int
    sequence: int
    state: str
    raw_sealed: bytes
    received_at: datetime


def waiting(connection: Connection) -> int:
    """How many stored messages wait to be applied."""
    row = connection.execute("select count(*) from inbox where state = 'RECEIVED'").fetchone()
    return int(row[0]) if row else 0


def first_waiting(connection: Connection, after: int = 0, body: str | None = None) -> int | None:
    """The inbox number of the first message past `after` that waits to be applied (of one body, or all)."""
    sql = "select min(id) from inbox where state = 'RECEIVED' and id > %s and (%s::text is null or body = %s)"
    row = connection.execute(sql, (after, body, body)).fetchone()
    return row[0] if row else None


def apply(connection: Connection, limit: int, house: House, sealer: Sealer, now: datetime, body: str | None = None, past: int = 0) -> Applied:
    """Apply waiting messages of up to `limit` petitions (of one body, or all; past the inbox number `past`), in one transaction of the caller's.

    Per hand-off: the next in sequence is applied; one at or before the last is a duplicate; one past a gap is held. What the road map
    does not allow is quarantined as a clerk's duty and counted as read, so that what follows is not held for ever.
    """
    only = "and i.body = %(body)s" if body else ""
    # Locking the petitions keeps two appliers off one hand-off, whose messages must stay in order.
    numbers = [n for (n,) in connection.execute(
        f"""select p.petition_no from petition p where p.petition_no in
            (select i.petition_no from inbox i where i.state = 'RECEIVED' and i.id > %(past)s {only} order by i.id limit %(limit)s)
            order by p.petition_no for update skip locked""", {"limit": limit, "body": body, "past": past})]
    tally = Applied(lines=[])
    if not numbers:
        return tally
    # Each of the two states has an index of its own; `in` would fit neither and read every message there ever was.
    rows = [_Row(*r) for r in connection.execute(
        """select id, body, message_id, handoff_id, petition_no, message, round, sequence, state, raw_sealed, received_at from inbox
           where petition_no = any(%s) and (state = 'RECEIVED' or state = 'HELD') order by handoff_id, sequence, id""", (numbers,))]
    last = dict(connection.execute("select handoff_id, seq_in from handoff where handoff_id = any(%s)", ([r.handoff_id for r in rows],)).fetchall())
    marks: dict[int, tuple[str, str]] = {}
    take: list[tuple[_Row, Move]] = []
    before: list[_Row] = []
    for row in rows:
        if row.sequence <= last[row.handoff_id]:
            before.append(row)
        elif row.sequence > last[row.handoff_id] + 1:
            marks[row.id] = ("HELD", "")
        else:
            last[row.handoff_id] = row.sequence
            take.append((row, _move(row, sealer)))
    answers = advance(connection, [move for _, move in take], house, sealer, now)
    after: list[Move] = []
    doubled = case_numbers.second(connection, {row.id: (row.handoff_id, (move or _move(row, sealer)).data.get("partner_case_no"))
                                               for row, move in [*take, *((row, None) for row in before)] if row.message == case_numbers.ACCEPTED})
    for (row, move), answer in zip(take, answers, strict=True):
        if isinstance(answer, Refused):
            marks[row.id] = ("QUARANTINED", f"{answer.code}: {answer.why}")
            after += _two_numbers(row, move) if row.id in doubled else _quarantine(row, move, answer.code)
        else:
            marks[row.id] = ("APPLIED", "")
    for row in before:
        if row.id in doubled:
            marks[row.id] = ("QUARANTINED", f"{case_numbers.CODE}: 同一转送件又报另一案号")
            after += _two_numbers(row, None)
        elif _told_before(connection, row, marks):
            marks[row.id] = ("DUPLICATE", "")
        else:
            marks[row.id] = ("QUARANTINED", "sequence: 顺序号已被另一条消息使用")
            after += _quarantine(row, None, "sequence-reused")
    advance(connection, after, house, sealer, now)
    _mark(connection, rows, marks, now, tally)
    return tally


def _move(row: _Row, sealer: Sealer) -> Move:
    data: dict[str, Any] = events.decode(sealer.open(row.raw_sealed, f"inbox:{row.body}:{row.message_id}")).data
    act = row.message
    if act == "withdraw.answer":
        act = "withdraw.agreed" if data.get("agreed") else "withdraw.refused"
    # What the wire does not know is the sender's own affair; the names that the bureau itself uses (via, register_no, clerk) are not his to say.
    said = {**events.known(row.message, data), "round": row.round, "sequence": row.sequence, "message_id": row.message_id}
    return Move(act, Actor("partner", row.body), handoff_id=row.handoff_id, data=said, sequence=row.sequence, heard_at=row.received_at)


def _quarantine(row: _Row, move: Move | None, code: str) -> list[Move]:
    said = {"kind": "quarantine", "ref": f"{row.body}:{row.message_id}", "code": code, "what": row.message, "message_id": row.message_id, "sequence": row.sequence}
    return [Move("message.quarantined", SYSTEM, handoff_id=row.handoff_id, data=said, sequence=move.sequence if move else None),
            Move("duty.open", SYSTEM, handoff_id=row.handoff_id, data=said)]


def _two_numbers(row: _Row, move: Move | None) -> list[Move]:
    return [Move("flag", SYSTEM, handoff_id=row.handoff_id, data={"code": case_numbers.CODE}), *_quarantine(row, move, case_numbers.CODE)]


def tell_stuck(connection: Connection, number: int, house: House, sealer: Sealer, now: datetime, *, alone: bool = False) -> bool:
    """Open a person's duty for the stored message of this inbox number, which cannot be applied. It stays as it is, to be applied when it can be.

    `alone`: not as a duty of its case, whose rows may be what is damaged. Returns whether the duty is new: seen again, it is the same one.
    """
    row = connection.execute("select body, message_id, handoff_id from inbox where id = %s", (number,)).fetchone()
    if row is None:
        return False
    body, message_id, handoff_id = row
    said = {"kind": "security" if alone else "quarantine", "ref": f"{body}:{message_id}", "code": "cannot-apply", "message_id": message_id, "body": body}
    [answer] = advance(connection, [Move("duty.open", SYSTEM, handoff_id=None if alone else handoff_id, data=said)], house, sealer, now)
    return getattr(answer, "new", False)


def _told_before(connection: Connection, row: _Row, marks: dict[int, tuple[str, str]]) -> bool:
    """Whether the message that holds this sequence number says the same thing (a sender that made a new id for the same event)."""
    sql = """select count(*) filter (where message = %s and round = %s), count(*) from inbox where handoff_id = %s and sequence = %s and id <> %s
             and (state in ('APPLIED', 'QUARANTINED', 'DUPLICATE') or id = any(%s))"""
    done = [i for i, mark in marks.items() if mark[0] in ("APPLIED", "QUARANTINED")]
    found = connection.execute(sql, (row.message, row.round, row.handoff_id, row.sequence, row.id, done)).fetchone()
    return found is None or found[0] > 0 or found[1] == 0


def _mark(connection: Connection, rows: Sequence[_Row], marks: dict[int, tuple[str, str]], now: datetime, tally: Applied) -> None:
    changed = [r for r in rows if marks[r.id][0] != r.state]
    if changed:
        connection.execute(
            """update inbox i set state = v.state, note = v.note, applied_at = case when v.state = 'HELD' then null else %s::timestamptz end
               from unnest(%s::bigint[], %s::text[], %s::text[]) as v(id, state, note) where i.id = v.id""",
            (now, [r.id for r in changed], [marks[r.id][0] for r in changed], [marks[r.id][1] for r in changed]),
        )
    count: dict[str, int] = defaultdict(int)
    for row in changed:
        count[marks[row.id][0]] += 1
        if tally.lines is not None:
            tally.lines.append((row.petition_no, row.body, row.message, marks[row.id][0]))
    tally.applied, tally.duplicates, tally.held, tally.quarantined = (count[k] for k in ("APPLIED", "DUPLICATE", "HELD", "QUARANTINED"))


@dataclass(frozen=True, slots=True)
class Gap:
    """A hand-off whose messages past `after` are missing while a later one is held."""

    body: str
    handoff_id: str
    petition_no: str
    after: int


# A gap that the body cannot fill now is asked about again later; the note on the held message remembers when it was.
ASK_AGAIN = timedelta(hours=1)
_GAPS = """select distinct i.body, i.handoff_id, i.petition_no, h.seq_in from inbox i join handoff h using (handoff_id)
           where i.state = 'HELD' and i.received_at <= %s and i.note < %s order by 1, 2"""


def _asked(at: datetime) -> str:
    return f"asked {at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"


def gaps(connection: Connection, now: datetime, older_than: timedelta) -> list[Gap]:
    """Hand-offs with a message held for longer than that, the missing ones (handoff-protocol 1.9) not asked for within the last hour."""
    return [Gap(*row) for row in connection.execute(_GAPS, (now - older_than, _asked(now - ASK_AGAIN)))]


def note_asked(connection: Connection, handoff_ids: Sequence[str], now: datetime) -> None:
    """Remember that the missing messages of these hand-offs have just been asked for."""
    connection.execute("update inbox set note = %s where handoff_id = any(%s) and state = 'HELD'", (_asked(now), list(handoff_ids)))


def sent_by(connection: Connection, body: str, handoff_id: str, after: int, sealer: Sealer) -> list[bytes] | None:
    """What we sent about a hand-off past that sequence, as raw events; None where the hand-off is not this body's.

    What was erased (JJ 15) is not among them, and a silenced hand-off has nothing to tell: asking is no way round what may not be sent.
    """
    owner = connection.execute("select body, 'silenced' = any(flags) from handoff where handoff_id = %s", (handoff_id,)).fetchone()
    if owner is None or owner[0] != body:
        return None
    if owner[1]:
        return []
    rows = connection.execute("""select message_id, body_sealed from outbox where handoff_id = %s and sequence > %s and body_sealed <> '' order by sequence""",
                              (handoff_id, after))
    return [sealer.open(sealed, f"outbox:{message_id}") for message_id, sealed in rows]
