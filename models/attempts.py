"""Every try to deliver is one row: when it began, by which way, what was asked and sent, what came back, its class, when again.

A try whose sender died has its row too, written by whoever finds it. Rows hold codes, sizes and digests, never content.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.db import Connection
from rules.taxonomy import Klass

SENDER_GONE = "sender-gone"
"""The code of a try whose sender did not live to tell; whether bytes went out nobody knows."""


@dataclass(frozen=True, slots=True)
class Tried:
    """How one try went. `started_at` aware; `took_ms` by a clock that only measures; `asked`: the code of the answer to the question by key, or "".

    `sent_digest` and `sent_bytes` are empty and 0 where nothing went out; `status` is the other side's own code.
    """

    started_at: datetime | None = None
    took_ms: int = 0
    asked: str = ""
    sent_digest: str = ""
    sent_bytes: int = 0
    status: int | None = None
    klass: Klass | None = None


UNTOLD = Tried()


@dataclass(frozen=True, slots=True)
class Row:
    """One attempt as it is kept. `doubt`: whether, after it, the other side may have the message without our having its receipt."""

    message_id: str
    attempt_no: int
    way: int
    outcome: str
    code: str
    detail: str
    next_at: datetime | None
    doubt: bool
    tried: Tried


_COLUMNS = "message_id, attempt_no, at, outcome, code, detail, next_at, way, started_at, took_ms, asked, sent_digest, sent_bytes, status, klass, doubt"


def record(connection: Connection, rows: Sequence[Row], now: datetime, *, again: Sequence[tuple[str, int]] = ()) -> None:
    """Keep these attempts. `again`: those (message, number) that may have a row already, because their sender was given up or is told twice."""
    if again:
        connection.execute(
            """delete from attempt a using unnest(%s::text[], %s::int[]) as v(message_id, attempt_no)
               where a.message_id = v.message_id and a.attempt_no = v.attempt_no""", ([m for m, _ in again], [n for _, n in again]))
    with connection.cursor() as cursor, cursor.copy(f"copy attempt ({_COLUMNS}) from stdin") as copy:
        for r in rows:
            t = r.tried
            copy.write_row((r.message_id, r.attempt_no, now, r.outcome, r.code, r.detail[:500], r.next_at, r.way, t.started_at, t.took_ms, t.asked, t.sent_digest,
                            t.sent_bytes, t.status, t.klass or "", r.doubt))


def given_up(connection: Connection, message_ids: Sequence[str], now: datetime) -> None:
    """A row for the present try of each of these messages, whose sender is gone: it may have arrived. Call it when they are taken from their sender."""
    connection.execute(
        """insert into attempt (message_id, attempt_no, at, outcome, code, detail, next_at, way, started_at, klass, doubt)
           select o.message_id, o.attempts, %s, 'unknown', %s, 'the sender died or took too long', greatest(o.next_attempt_at, %s), o.way, o.leased_at, 'ambiguous', true
           from outbox o where o.message_id = any(%s)
             and not exists (select 1 from attempt a where a.message_id = o.message_id and a.attempt_no = o.attempts)""",
        (now, SENDER_GONE, now, list(message_ids)))


_MESSAGES = """select o.message_id, o.petition_no, o.handoff_id, o.body, o.message, o.sequence, o.state, o.attempts, o.way, o.next_attempt_at, o.created_at,
                      o.receipted_at, o.dead_at, o.digest from outbox o where o.message_id = %s or o.petition_no = %s order by o.created_at, o.handoff_id, o.sequence"""
_ATTEMPTS = f"select {_COLUMNS} from attempt where message_id = any(%s) order by message_id, attempt_no, id"


def history(connection: Connection, key: str) -> list[dict[str, Any]]:
    """The messages of this id or petition number, oldest first, each with its `attempts` in order; empty where there is none."""
    found = _dicts(connection, _MESSAGES, key, key)
    tries: dict[str, list[dict[str, Any]]] = {m["message_id"]: [] for m in found}
    for row in _dicts(connection, _ATTEMPTS, list(tries)):
        tries[row["message_id"]].append(row)
    return [{**m, "tried": m["attempts"], "attempts": tries[m["message_id"]]} for m in found]


def _dicts(connection: Connection, sql: str, *params: Any) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, params)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]
