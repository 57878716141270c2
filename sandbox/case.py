"""A body's own record of one hand-off: what it was asked, where it stands, how many messages went each way."""

import json
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime

from connectors.wire.events import Event
from sandbox.instants import beijing_day, micros
from sandbox.store import count_up


@dataclass
class Case:
    """One row of the ledger's `handoff` table. `issued_at`, `updated_at` and `change` are the ledger's (see
    `sandbox.instants`)."""

    body: str
    handoff_id: str
    petition_no: str
    bureau: str
    state: str
    round: int
    last_seq_in: int
    last_seq_out: int
    case_no: str
    case_no_told: bool
    issued_at: int
    day: str
    request_digest: str
    updated_at: int
    change: int = 0
    memory: dict[str, int] = field(default_factory=dict)


def load(db: sqlite3.Connection, body: str, handoff_id: str) -> Case | None:
    """The body's record of this hand-off, or None where it never heard of it."""
    row = db.execute("SELECT * FROM handoff WHERE body = ? AND handoff_id = ?", (body, handoff_id)).fetchone()
    return None if row is None else from_row(row)


def from_row(row: sqlite3.Row) -> Case:
    """A record from its row."""
    fields = dict(row)
    return Case(**{**fields, "case_no_told": bool(fields["case_no_told"]), "memory": json.loads(fields["memory"])})


def create(db: sqlite3.Connection, body: str, request: Event, state: str, digest: str, now: datetime) -> Case:
    """Open the one case the request's hand-off gets here; `digest` is that of the request's raw bytes. Raises
    sqlite3.IntegrityError for a second one."""
    number = count_up(db, body, "cases")
    case = Case(
        body=body,
        handoff_id=request.subject,
        petition_no=str(request.data["petition_no"]),
        bureau=request.source,
        state=state,
        round=int(request.data["round"]),
        last_seq_in=0,
        last_seq_out=0,
        case_no=case_number(body, number, now),
        case_no_told=False,
        issued_at=micros(request.time),
        day=beijing_day(request.time),
        request_digest=digest,
        updated_at=micros(now),
        change=_next_change(db, body),
    )
    db.execute(
        "INSERT INTO handoff VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            body,
            case.handoff_id,
            case.petition_no,
            case.bureau,
            state,
            case.round,
            0,
            0,
            case.case_no,
            0,
            case.issued_at,
            case.day,
            digest,
            case.updated_at,
            case.change,
            "{}",
        ),
    )
    record_effect(db, body, case.handoff_id, "case", now)
    return case


def save(db: sqlite3.Connection, case: Case, now: datetime) -> None:
    """Write the record back, as the newest change of this body's ledger."""
    case.updated_at, case.change = micros(now), _next_change(db, case.body)
    db.execute(
        "UPDATE handoff SET state = ?, round = ?, last_seq_in = ?, last_seq_out = ?, case_no_told = ?, updated_at = ?, "
        "change = ?, memory = ? WHERE body = ? AND handoff_id = ?",
        (
            case.state,
            case.round,
            case.last_seq_in,
            case.last_seq_out,
            int(case.case_no_told),
            case.updated_at,
            case.change,
            json.dumps(case.memory),
            case.body,
            case.handoff_id,
        ),
    )


def record_effect(db: sqlite3.Connection, body: str, handoff_id: str, kind: str, now: datetime) -> None:
    """Write down that something happened here once more: the audit's own count, never looked at by the business."""
    db.execute("INSERT INTO effect (body, handoff_id, kind, at) VALUES (?, ?, ?, ?)", (body, handoff_id, kind, micros(now)))


def case_number(body: str, number: int, now: datetime) -> str:
    """An invented case number, unique in the body: `(2026)court-990100收字第0001号`."""
    return f"({beijing_day(now)[:4]}){body}收字第{number:04d}号"


def _next_change(db: sqlite3.Connection, body: str) -> int:
    return count_up(db, body, "changes")
