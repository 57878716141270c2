"""Reading and writing for the door, set by set: one statement a table, however many petitions are moved at once."""



from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from typing import Any

from psycopg.types.json import Jsonb

from models.db import Connection
from models.records import ClockRow, Content, DutyRow, HandoffRow, JournalRow, Letter, PetitionRow, ProposalRow, RefusalRow, Working
from models.seal import Sealer, SealError

# Wakes the resident worker; the payload says which desk has work, never which case.
CHANNEL = "tonglu"

_PETITION = tuple(f.name for f in fields(PetitionRow))
_HANDOFF = tuple(f.name for f in fields(HandoffRow))
_CLOCK = tuple(f.name for f in fields(ClockRow))
_DUTY = tuple(f.name for f in fields(DutyRow))
_JOURNAL = tuple(f.name for f in fields(JournalRow))
_PROPOSAL = tuple(f.name for f in fields(ProposalRow))
_REFUSAL = tuple(f.name for f in fields(RefusalRow))


def _columns(names: Sequence[str], skip: Iterable[str] = ()) -> str:
    return ", ".join(f'"{name}"' for name in names if name not in skip)


def load(connection: Connection, petition_nos: Iterable[str]) -> Working:
    """Lock these petitions (in order of their numbers, so that two calls cannot wait for each other) and read what belongs to them."""
    numbers = sorted(set(petition_nos))
    work = Working()
    if not numbers:
        return work
    rows = connection.execute(f"select {_columns(_PETITION)} from petition where petition_no = any(%s) order by petition_no for update", (numbers,))
    for row in rows:
        work.petitions[row[0]] = PetitionRow(*row)
        work.clocks[row[0]] = []
        work.duties[row[0]] = []
    for row in connection.execute(f"select {_columns(_HANDOFF)} from handoff where petition_no = any(%s) order by handoff_id", (numbers,)):
        work.handoffs[row[0]] = HandoffRow(*row)
    # The last one is the one that is nobody's parent: ids of one instant have no order.
    parents = {handoff.parent_handoff_id for handoff in work.handoffs.values()}
    work.last_handoff = {h.petition_no: h.handoff_id for h in work.handoffs.values() if h.handoff_id not in parents}
    for row in connection.execute(f"select {_columns(_CLOCK)} from clock where petition_no = any(%s) and state = 'OPEN'", (numbers,)):
        work.clocks[row[1]].append(ClockRow(*row))
    for row in connection.execute(f"select {_columns(_DUTY)} from duty where petition_no = any(%s) and closed_at is null", (numbers,)):
        work.duties[row[3]].append(DutyRow(*row))
    return work


def load_content(connection: Connection, work: Working, numbers: Iterable[str], sealer: Sealer) -> None:
    """Unseal what a hand-off request must carry, for these petitions only."""
    wanted = sorted(set(numbers) - work.content.keys())
    if not wanted:
        return
    sql = """select p.petition_no, subject_sealed, text_sealed, channel, received_at, r.sealed
             from petition p left join petitioner r using (petition_no) where p.petition_no = any(%s)"""
    for number, subject, text, channel, received_at, person in connection.execute(sql, (wanted,)):
        work.content[number] = Content(
            sealer.open_text(subject, f"petition.subject:{number}"),
            sealer.open_text(text, f"petition.text:{number}"),
            None if person is None else sealer.open_json(person, f"petitioner:{number}"),
            channel,
            received_at,
        )


def petitioner(connection: Connection, petition_no: str, sealer: Sealer) -> dict[str, Any] | None:
    """The petitioner of this petition, unsealed; None for an anonymous one."""
    row = connection.execute("select sealed from petitioner where petition_no = %s", (petition_no,)).fetchone()
    return None if row is None else sealer.open_json(row[0], f"petitioner:{petition_no}")


def parts(connection: Connection, petition_no: str) -> int:
    """How many petitions were made of this one."""
    row = connection.execute("select count(*) from petition where parent_petition_no = %s", (petition_no,)).fetchone()
    return int(row[0]) if row else 0


def load_proposals(connection: Connection, work: Working, petition_no: str) -> None:
    """Read the proposals of a petition that is loaded already."""
    for row in connection.execute(f"select {_columns(_PROPOSAL)} from proposal where petition_no = %s", (petition_no,)):
        work.proposals.setdefault(row[0], ProposalRow(*row))


def notes(connection: Connection, petition_no: str, sealer: Sealer) -> list[tuple[int, str]]:
    """What people wrote beside the journal of this petition: (number of the row, words). What was erased is not among it.

    Raises SealError for a note that was altered.
    """
    sql = """select j.seq, j.note_sealed, p.note_salt, p.erased_at from journal j join petition p using (petition_no)
             where petition_no = %s and note_sealed is not null order by seq"""
    found = []
    for seq, sealed, salt, erased_at in connection.execute(sql, (petition_no,)).fetchall():
        place = note_place(petition_no, seq)
        # Notes of before each petition had a key of its own are sealed with the installation's.
        for key in (*((sealer.apart(salt),) if salt else ()), sealer):
            with contextlib.suppress(SealError):
                found.append((seq, key.open_text(sealed, place)))
                break
        else:
            if erased_at is None:
                raise SealError(f"the value at {place} was altered or moved")
    return found


def note_place(petition_no: str, seq: int) -> str:
    """Where a note stands, as its seal names it."""
    return f"journal:{petition_no}:{seq}"


_SETTLED = "state not in ('QUEUED', 'RETRY_WAIT', 'UNKNOWN', 'SENDING')"


def erase(cursor: Any, settled: Mapping[str, Collection[str]], sealer: Sealer, now: Any) -> None:
    """Take what was written of these petitions, and of the letters they were split from, out of the ledger (JJ 15). The shell stays.

    Gone are subject, text and petitioner; the bytes of every message to a body that is not on its way any more (or is named in `settled`); the bodies'
    own messages that have been read; the names of attachments; and the salt of the notes, so that nobody can open them.
    Kept are number, states, clocks, duties, the journal's codes, digests and receipts: what shows that it was passed on, and when.
    """
    for number, messages in sorted(settled.items()):
        rows = cursor.execute("select %s union select parent_petition_no from petition where petition_no = %s and parent_petition_no is not null", (number, number))
        for (each,) in rows.fetchall():
            cursor.execute(
                "update petition set subject_sealed = %s, text_sealed = %s, note_salt = null, erased_at = coalesce(erased_at, %s) where petition_no = %s",
                (sealer.seal_text("", f"petition.subject:{each}"), sealer.seal_text("", f"petition.text:{each}"), now, each))
            cursor.execute("delete from petitioner where petition_no = %s", (each,))
            cursor.execute("delete from document where petition_no = %s", (each,))
            cursor.execute(f"update outbox set body_sealed = '' where petition_no = %s and ({_SETTLED} or message_id = any(%s))", (each, sorted(messages)))
            cursor.execute("update inbox set raw_sealed = '' where petition_no = %s and state not in ('RECEIVED', 'HELD')", (each,))


def free_duty(connection: Connection, work: Working, duty_id: str) -> DutyRow | None:
    """An open duty that concerns no petition, locked; None where there is none."""
    if duty_id in work.changed_duties:
        found = work.changed_duties[duty_id]
        return found if found.closed_at is None else None
    sql = f"select {_columns(_DUTY)} from duty where duty_id = %s and petition_no is null and closed_at is null for update"
    row = connection.execute(sql, (duty_id,)).fetchone()
    return DutyRow(*row) if row else None


def last_objection(connection: Connection, handoff: HandoffRow) -> dict[str, Any]:
    """What the journal kept of the last objection to this hand-off (reason code, suggested body); empty where there was none."""
    sql = """select detail from journal where petition_no = %s and handoff_id = %s and act = 'handoff.objected' order by seq desc limit 1"""
    row = connection.execute(sql, (handoff.petition_no, handoff.handoff_id)).fetchone()
    return dict(row[0]) if row else {}


def flush(connection: Connection, work: Working, sealer: Sealer, now: Any) -> None:
    """Write everything that changed. The order keeps the foreign keys and the partial unique indexes content."""
    cursor = connection.cursor()
    old_handoffs = [work.handoffs[i] for i in work.changed_handoffs.difference(work.new_handoffs)]
    _update(cursor, "handoff", "handoff_id", _HANDOFF, old_handoffs, now)
    _copy(cursor, "handoff", [*_HANDOFF, "updated_at"], ((*_values(_HANDOFF, work.handoffs[i]), now) for i in work.new_handoffs))
    _update(cursor, "petition", "petition_no", _PETITION, [work.petitions[n] for n in work.changed_petitions], now)
    closing = list(work.changed_clocks.values())
    if closing:
        cursor.execute(
            """update clock c set due_at = v.due_at, ring_at = v.ring_at, warned = v.warned, paused_at = v.paused_at, state = v.state, closed_at = v.closed_at,
                 owes = v.owes, "limit" = v.limit_, basis = v.basis, label = v.label, provisional = v.provisional
               from unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::int[], %s::timestamptz[], %s::text[], %s::timestamptz[], %s::text[],
                           %s::text[], %s::text[], %s::text[], %s::bool[])
                 as v(id, due_at, ring_at, warned, paused_at, state, closed_at, owes, limit_, basis, label, provisional) where c.id = v.id""",
            [[getattr(c, name) for c in closing]
             for name in ("id", "due_at", "ring_at", "warned", "paused_at", "state", "closed_at", "owes", "limit", "basis", "label", "provisional")],
        )
    names = tuple(name for name in _CLOCK if name != "id")
    _copy(cursor, "clock", names, (_values(names, clock) for clock in work.new_clocks))
    fresh = {duty.duty_id for duty in work.new_duties}
    moved = [duty for duty in work.changed_duties.values() if duty.duty_id not in fresh]
    if moved:
        cursor.executemany(
            "update duty set holder = %s, due_at = %s, escalations = %s, closed_at = %s, closed_by = %s where duty_id = %s",
            [(d.holder, d.due_at, d.escalations, d.closed_at, d.closed_by, d.duty_id) for d in moved],
        )
    insert_duties(connection, work.new_duties)
    _queue(cursor, work.letters, sealer)
    if work.by_hand:
        cursor.execute("update outbox set state = 'DEAD', dead_at = %s where handoff_id = any(%s) and state in ('QUEUED', 'RETRY_WAIT', 'UNKNOWN')",
                       (now, sorted(work.by_hand)))
    if work.silenced:
        # One that is being sent just now is dead as well: whatever comes of it, it is not tried again.
        cursor.execute(
            """update outbox set state = 'DEAD', dead_at = %s, lease_owner = null, lease_until = null
               where handoff_id = any(%s) and state in ('QUEUED', 'RETRY_WAIT', 'UNKNOWN', 'SENDING')""", (now, sorted(work.silenced)))
    _copy(cursor, "proposal", _PROPOSAL, (_values(_PROPOSAL, work.proposals[i]) for i in sorted(work.new_proposals)))
    for proposal in (work.proposals[i] for i in sorted(work.changed_proposals - work.new_proposals)):
        cursor.execute("update proposal set adopted = %s, feedback_on = %s, closed_at = %s where proposal_id = %s",
                       (proposal.adopted, proposal.feedback_on, proposal.closed_at, proposal.proposal_id))
    erase(cursor, work.erase, sealer, now)
    record_refusals(cursor, work.refusals)
    _copy(cursor, "journal", _JOURNAL, (_values(_JOURNAL, row) for row in work.journal))
    if work.letters:
        notify(connection, "outbox")


def record_refusals(cursor: Any, refusals: Sequence[RefusalRow]) -> None:
    """Keep what people of the bureau asked of the door in vain."""
    _copy(cursor, "refusal", _REFUSAL, (_values(_REFUSAL, row) for row in refusals))


def insert_duties(connection: Connection, duties: Sequence[DutyRow]) -> None:
    """A duty is open once per kind and reference, however often its cause is seen; one that was done does not stand in the way of the next."""
    if duties:
        marks = ", ".join(["%s"] * len(_DUTY))
        with connection.cursor() as cursor:
            cursor.executemany(
                f"insert into duty ({_columns(_DUTY)}) values ({marks}) on conflict (kind, ref) where closed_at is null do nothing",
                [_values(_DUTY, duty) for duty in duties],
            )


def _queue(cursor: Any, letters: Sequence[Letter], sealer: Sealer) -> None:
    columns = ["message_id", "handoff_id", "petition_no", "body", "message", "sequence", "round", "partner_state", "body_sealed", "digest",
               "state", "attempts", "next_attempt_at", "created_at"]
    _copy(
        cursor, "outbox", columns,
        ((m.message_id, m.handoff_id, m.petition_no, m.body, m.message, m.sequence, m.round, m.partner_state,
          sealer.seal(m.raw, f"outbox:{m.message_id}"), m.digest, m.state, 0, m.created_at, m.created_at) for m in letters),
    )


def notify(connection: Connection, desk: str) -> None:
    """Wake the resident worker when this transaction commits."""
    connection.execute("select pg_notify(%s, %s)", (CHANNEL, desk))


_getter = lru_cache(maxsize=16)(lambda names: attrgetter(*names))


def _values(names: tuple[str, ...], row: Any) -> tuple[Any, ...]:
    return tuple(Jsonb(value) if isinstance(value, dict) else value for value in _getter(names)(row))


def _copy(cursor: Any, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    rows = list(rows)
    if not rows:
        return
    with cursor.copy(f"copy {table} ({_columns(columns)}) from stdin") as copy:
        for row in rows:
            copy.write_row(row)


_TYPES = {
    "handoffs": "int", "journal_seq": "int", "round": "int", "seq_out": "int", "acked_out": "int", "seq_in": "int", "partner_round": "int",
    "journal_head": "bytea", "facts": "jsonb", "next_due": "timestamptz", "received_at": "timestamptz", "closed_at": "timestamptz",
    "issued_at": "timestamptz", "issued_day": "date", "delivered_at": "timestamptz", "accepted_at": "timestamptz", "answered_on": "date", "told_out": "int",
    "note_salt": "bytea",
}
# Arrays cannot be unnested beside scalars, so word lists travel as JSON text.
_WORDS = ("returned_by", "flags", "refused_grounds", "recused")
_FIXED = ("petition_no", "handoff_id", "division", "received_at", "parent_handoff_id", "way", "basis", "route_row", "parent_petition_no", "track", "set_limit")


def _update(cursor: Any, table: str, key: str, names: Sequence[str], rows: Sequence[Any], now: Any) -> None:
    if not rows:
        return
    moving = [name for name in names if name not in _FIXED]
    params: list[Any] = [[getattr(row, key) for row in rows]]
    casts = ["%s::text[]"]
    sets = []
    for name in moving:
        if name in _WORDS:
            params.append([Jsonb(getattr(row, name)) for row in rows])
            casts.append("%s::jsonb[]")
            sets.append(f'"{name}" = array(select jsonb_array_elements_text(v."{name}"))')
        else:
            values = [getattr(row, name) for row in rows]
            params.append([Jsonb(value) for value in values] if name == "facts" else values)
            casts.append(f"%s::{_TYPES.get(name, 'text')}[]")
            sets.append(f'"{name}" = v."{name}"')
    params.append(now)
    cursor.execute(
        f"with v(the_key, {_columns(moving)}) as (select * from unnest({', '.join(casts)})) "
        f"update {table} t set {', '.join(sets)}, updated_at = %s from v where t.{key} = v.the_key",
        params,
    )
