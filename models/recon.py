"""对账: our ledger as the partner should see its own, and one row a body and night that says how far the comparison has come.

Our side of a hand-off, told as the partner's ledger tells it: `last_seq_in` is the last message it gave a receipt for, `last_seq_out` the last of
its messages we have read, state and round what it must believe by now. A hand-off without any receipt is no part of our digests: the
partner may have it or not, and its ledger tells which.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias

from connectors.wire.ledger import DayDigest, Item, width
from models.db import Connection
from rules.ledgers import WEEK, turn_of

# Tells of a comparison, by its number and the owner it names, whether nobody makes it any more.
Gone: TypeAlias = Callable[[int, str], bool]

# What the comparison of a body found: everything, nothing to compare because it rests this night, or that it could not be made.
DONE, RESTED, FAILED, RUNNING = "DONE", "RESTED", "FAILED", "RUNNING"

# The line of the wire (connectors.wire.ledger.canonical_line), first and second form.
_LINE = "handoff_id || '|' || partner_round || '|' || partner_state || '|' || acked_out || '|' || seq_in || '|' || request_digest"
_LINES = {1: f"{_LINE} || chr(10)", 2: f"{_LINE} || '|' || coalesce(partner_case_no, '') || chr(10)"}


def our_digests(
    connection: Connection, body: str, from_day: date, to_day: date, line: int = 1, split: int = 1, only: Collection[date] | None = None,
) -> list[DayDigest]:
    """Per Beijing day of issue, both ends included, or per part of each: how many hand-offs and the SHA-256 of their canonical lines.

    Computed in PostgreSQL. The ids have one length, so that their order is that of the lines. `only`: these days and no others.
    """
    digits = width(split)
    part = f"right(handoff_id, {digits})" if digits else "''::text"
    days = "and issued_day = any(%(only)s)" if only is not None else ""
    sql = f"""select issued_day, count(*), encode(sha256(convert_to(string_agg({_LINES[line]}, '' order by handoff_id collate "C"), 'UTF8')), 'hex'), {part}
              from handoff where body = %(body)s and issued_day between %(first)s and %(last)s {days} and acked_out > 0
              group by issued_day, {part} order by 1, 4"""
    given = {"body": body, "first": from_day, "last": to_day, "only": sorted(only) if only is not None else None}
    return [DayDigest(*row) for row in connection.execute(sql, given)]


_ITEM = "handoff_id, petition_no, partner_case_no, partner_state, partner_round, acked_out, seq_in, updated_at, request_digest"


def our_items(
    connection: Connection, body: str, from_day: date, to_day: date, after: str | None, limit: int, buckets: Sequence[str] = (),
) -> list[Item]:
    """Our ledger items for a body (of these parts, all named by as many digits, or all), by hand-off id past `after`; what a partner compares its
    own ledger with."""
    parts = f"and right(handoff_id, {len(buckets[0])}) = any(%(buckets)s)" if buckets else ""
    sql = f"""select {_ITEM} from handoff where body = %(body)s and issued_day between %(first)s and %(last)s and acked_out > 0 and handoff_id > %(after)s {parts}
              order by handoff_id limit %(limit)s"""
    given = {"body": body, "first": from_day, "last": to_day, "after": after or "", "limit": limit, "buckets": list(buckets)}
    return [Item(*row) for row in connection.execute(sql, given)]


def oldest_day(connection: Connection, body: str) -> date | None:
    """The first Beijing day on which a hand-off was issued to this body."""
    row = connection.execute("select min(issued_day) from handoff where body = %s", (body,)).fetchone()
    return row[0] if row else None


@dataclass(frozen=True, slots=True)
class Begun:
    """A comparison that this process makes now: its number, and the last day of issue that an earlier try was done with."""

    id: int
    reached: date | None = None


def begin(
    connection: Connection, body: str, for_day: date, now: datetime, owner: str = "", gone: Gone | None = None, *, again: bool = False,
) -> Begun | None:
    """Open the comparison of a body for a night. None when it has been made already (or is being made) and `again` is not asked for.

    Two flow runs for the same night meet at the unique key (body, night, run): the second gets None. One that failed is taken up, and one whose
    maker is `gone` (asked with its number and the owner it names), at the day it had reached.
    """
    run = 1
    if again:
        row = connection.execute("select coalesce(max(run), 0) + 1 from reconciliation where body = %s and for_day = %s", (body, for_day)).fetchone()
        run = row[0] if row else 1
    made = connection.execute(
        """insert into reconciliation (body, for_day, run, started_at, state, owner, days, days_differing, items, differences, healed, note)
           values (%s, %s, %s, %s, 'RUNNING', %s, 0, 0, 0, 0, 0, '') on conflict (body, for_day, run) do nothing returning id""",
        (body, for_day, run, now, owner),
    ).fetchone()
    if made:
        return Begun(int(made[0]))
    found = connection.execute("select id, state, owner, reached from reconciliation where body = %s and for_day = %s and run = %s for update",
                               (body, for_day, run)).fetchone()
    if found is None:
        return None
    number, state, before, reached = found
    if state == FAILED or (state == RUNNING and gone is not None and gone(number, before)):
        connection.execute("update reconciliation set state = 'RUNNING', started_at = %s, owner = %s, note = '' where id = %s", (now, owner, number))
        return Begun(number, reached)
    return None


def reach(connection: Connection, reconciliation: int, day: date, differing: int, listed: int) -> None:
    """All that differs on the days up to this one is in the ledger: whoever takes the comparison up begins after it."""
    connection.execute("update reconciliation set reached = greatest(reached, %s), days_differing = %s, listed = listed + %s where id = %s",
                       (day, differing, listed, reconciliation))


def finish(connection: Connection, reconciliation: int, now: datetime, *, state: str, days: int, differing: int, items: int, note: str = "") -> None:
    """Close a comparison: DONE, or FAILED with the cause (the partner could not be reached), which the next attempt takes up again."""
    connection.execute(
        """update reconciliation r set state = %s, ended_at = %s, days = %s, days_differing = %s, items = %s, note = %s,
           differences = (select count(*) from difference d where d.reconciliation_id = r.id),
           healed = (select count(*) from difference d where d.reconciliation_id = r.id and d.healed_at is not null) where r.id = %s""",
        (state, now, days, differing, items, note[:500], reconciliation),
    )


# After so many nights in which a body's ledger could not be read a person is told.
_NIGHTS_UNREAD = 3
_UNREAD = """select count(*) = %(most)s and not bool_or(was_read) from (
               select bool_or(state in ('DONE', 'RESTED')) as was_read from reconciliation where body = %(body)s and for_day <= %(night)s
               group by for_day order by for_day desc limit %(most)s) last"""


def unread(connection: Connection, body: str, for_day: date) -> bool:
    """Whether the last three nights of this body, up to this one, are there and none of them was compared or rested."""
    row = connection.execute(_UNREAD, {"body": body, "night": for_day, "most": _NIGHTS_UNREAD}).fetchone()
    return bool(row and row[0])


_AT_REST = """select exists (select 1 from reconciliation r where r.body = %(body)s and r.for_day < %(night)s and r.for_day > %(night)s - %(week)s
                             and r.state = 'DONE' and r.differences = 0 and r.items > 0 and r.id = (
                               select max(id) from reconciliation where body = %(body)s and state = 'DONE' and for_day < %(night)s)
                             and not exists (select 1 from handoff h where h.body = %(body)s and (h.closed_at is null or h.closed_at > r.started_at)))
              and not exists (select 1 from handoff h where h.body = %(body)s and (h.closed_at is null or h.closed_at > %(quiet)s))"""


def rest(connection: Connection, body: str, for_day: date, now: datetime, quiet: timedelta) -> bool:
    """Let a body rest this night where nothing can have changed, and keep that it did. False: its night is to be made (or has been).

    It may rest if all its hand-offs ended at least `quiet` ago, both ledgers were equal when they were compared after that, the last comparison is
    less than a week old, and it is not the body's own night of the week.
    """
    if turn_of(body, for_day):
        return False
    given = {"body": body, "night": for_day, "week": WEEK, "quiet": now - quiet}
    row = connection.execute(_AT_REST, given).fetchone()
    if row is None or not row[0]:
        return False
    made = connection.execute(
        """insert into reconciliation (body, for_day, run, started_at, ended_at, state, days, days_differing, items, differences, healed, note)
           values (%s, %s, 1, %s, %s, 'RESTED', 0, 0, 0, 0, 0, '各件均已办结且上次两账相符，本夜不比对') on conflict (body, for_day, run) do nothing""",
        (body, for_day, now, now))
    return made.rowcount > 0
