"""What a body's ledger says to the bureau (handoff-protocol §1.12). A ledger with faults overrides `Ledger.items`."""

import binascii
import sqlite3
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import date
from itertools import groupby

from connectors.wire.ledger import DayDigest, Item, day_digest
from connectors.wire.receipts import body_digest, decode
from sandbox.case import from_row
from sandbox.instants import instant


class BadCursor(ValueError):
    """A cursor this ledger never gave."""


class Ledger:
    """The ledger of one body, from its own side. Days are Beijing days of issue, both ends included."""

    def __init__(self, body: str) -> None:
        self.body = body

    def items(self, db: sqlite3.Connection, first: date, last: date, after: int = 0, limit: int = -1) -> Iterator[tuple[str, int, Item]]:
        """(day of issue, change, item), oldest change first, past change `after`. The one place items are made: the
        seam for faults."""
        rows = db.execute(
            "SELECT * FROM handoff WHERE body = ? AND day BETWEEN ? AND ? AND change > ? ORDER BY change LIMIT ?",
            (self.body, first.isoformat(), last.isoformat(), after, limit),
        )
        for row in rows:
            case = from_row(row)
            yield (
                case.day,
                case.change,
                Item(
                    handoff_id=case.handoff_id,
                    petition_no=case.petition_no,
                    partner_case_no=case.case_no if case.case_no_told else None,
                    state=case.state,
                    round=case.round,
                    last_seq_in=case.last_seq_in,
                    last_seq_out=case.last_seq_out,
                    updated_at=instant(case.updated_at),
                    body_digest=case.request_digest,
                ),
            )

    def page(self, db: sqlite3.Connection, first: date, last: date, cursor: str | None, limit: int) -> tuple[list[Item], str | None]:
        """Up to `limit` items and the cursor of the next page, None on the last. The cursor is the change reached: a
        case that changes while it is read comes again later, none is passed over. Raises BadCursor."""
        after = 0 if cursor is None else _open_cursor(cursor)
        found = list(self.items(db, first, last, after, limit + 1))
        page = found[:limit]
        return [item for _, _, item in page], _cursor(page[-1][1]) if len(found) > limit else None

    def digests(self, db: sqlite3.Connection, first: date, last: date) -> list[DayDigest]:
        """The digest of each day that has hand-offs."""
        found = sorted(self.items(db, first, last), key=lambda entry: entry[0])
        return [day_digest(date.fromisoformat(day), [item for _, _, item in entries]) for day, entries in groupby(found, key=lambda entry: entry[0])]

    def messages(self, db: sqlite3.Connection, handoff_id: str, after: int, limit: int) -> tuple[list[bytes], bool] | None:
        """The body's own messages about a hand-off past sequence `after`, exact bytes, and whether these are all;
        None: unknown here."""
        if db.execute("SELECT 1 FROM handoff WHERE body = ? AND handoff_id = ?", (self.body, handoff_id)).fetchone() is None:
            return None
        rows = db.execute(
            "SELECT raw FROM outbox WHERE body = ? AND handoff_id = ? AND sequence > ? AND original = 1 ORDER BY sequence LIMIT ?",
            (self.body, handoff_id, after, limit + 1),
        ).fetchall()
        return [bytes(row["raw"]) for row in rows[:limit]], len(rows) <= limit

    def receipt(self, db: sqlite3.Connection, message_id: str) -> tuple[bytes, str, str] | None:
        """(receipt, hand-off id, receipt id) once given for a message, or None: the question by key."""
        row = db.execute("SELECT receipt, handoff_id FROM inbox WHERE body = ? AND message_id = ?", (self.body, message_id)).fetchone()
        return None if row is None else (bytes(row["receipt"]), row["handoff_id"], decode(row["receipt"]).receipt_id)


def _cursor(change: int) -> str:
    text = str(change).encode()
    return urlsafe_b64encode(text + b"." + body_digest(text)[9:15].encode()).decode().rstrip("=")


def _open_cursor(cursor: str) -> int:
    try:
        number = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).partition(b".")[0]
        change = int(number)
    except (binascii.Error, ValueError):
        raise BadCursor("this cursor was not given here; begin again without one") from None
    if _cursor(change) != cursor:
        raise BadCursor("this cursor was not given here; begin again without one")
    return change
