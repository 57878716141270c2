"""When a body is away: spans of virtual time, kept in the ledger so that a restart does not bring it back early."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sandbox.faults import Fault
from sandbox.instants import micros
from sandbox.store import note, set_note


@dataclass(frozen=True)
class Span:
    """From `start` until before `end` (microseconds UTC). `mode` is `close` or `503`."""

    start: int
    end: int
    mode: str

    @staticmethod
    def of(start: datetime, length: timedelta, mode: str) -> "Span":
        """A span from an aware instant on."""
        return Span(micros(start), micros(start + length), mode)

    def covers(self, now: datetime) -> bool:
        """Whether the body is away at this instant."""
        return self.start <= micros(now) < self.end

    def fault(self, now: datetime) -> Fault:
        """What a caller gets in it."""
        if self.mode == "close":
            return Fault(None, "down")
        return Fault(503, "down", max(1, ceil((self.end - micros(now)) / 1_000_000)))


def spans(db: sqlite3.Connection, body: str) -> list[Span]:
    """The body's spans, past ones included."""
    return [Span(*entry) for entry in json.loads(note(db, body, "down") or "[]")]


def away(db: sqlite3.Connection, body: str, now: datetime) -> Span | None:
    """The span the body is in now, or None."""
    return next((span for span in spans(db, body) if span.covers(now)), None)


def all_away(db: sqlite3.Connection, now: datetime) -> dict[str, Span]:
    """Every body that is away now."""
    rows = db.execute("SELECT body FROM note WHERE name = 'down'").fetchall()
    found = {str(row[0]): away(db, str(row[0]), now) for row in rows}
    return {body: span for body, span in found.items() if span is not None}


def set_spans(db: sqlite3.Connection, body: str, wanted: list[Span]) -> None:
    """Replace the body's spans."""
    set_note(db, body, "down", json.dumps([[span.start, span.end, span.mode] for span in wanted]))


def plan_once(db: sqlite3.Connection, body: str, wanted: list[Span]) -> bool:
    """Set the spans a manner asks for, the first time only; True if this was it."""
    if note(db, body, "down_planned") is not None:
        return False
    set_note(db, body, "down_planned", "1")
    set_spans(db, body, spans(db, body) + wanted)
    return True
