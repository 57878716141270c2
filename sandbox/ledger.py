"""What a body's ledger says to the bureau (handoff-protocol §1.12): the truth, or what a fault makes of it (`sandbox.lies`)."""

import binascii
import sqlite3
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby, islice

from connectors.wire.ledger import DayDigest, Item, day_digests
from connectors.wire.receipts import body_digest, decode
from sandbox.case import from_row
from sandbox.instants import instant
from sandbox.lies import Entry, LedgerConfig, kept, told


class BadCursor(ValueError):
    """A cursor this ledger never gave."""


class Ledger:
    """The ledger of one body, from its own side. Days are Beijing days of issue, both ends included. `config`: unless the control says otherwise."""

    def __init__(self, body: str, config: LedgerConfig | None = None) -> None:
        self.body, self._config = body, config or LedgerConfig()

    def config(self, db: sqlite3.Connection) -> LedgerConfig:
        """How it is kept at present."""
        return kept(db, self.body) or self._config

    def true(self, db: sqlite3.Connection, first: date, last: date, after: int = 0, limit: int = -1) -> Iterator[Entry]:
        """(day of issue, change, item) as they are, oldest change first, past change `after`."""
        sql = "SELECT * FROM handoff WHERE body = ? AND day BETWEEN ? AND ? AND change > ? ORDER BY change LIMIT ?"
        return _entries(db.execute(sql, (self.body, first.isoformat(), last.isoformat(), after, limit)))

    def items(self, db: sqlite3.Connection, first: date, last: date, after: int = 0, limit: int = -1, buckets: Sequence[str] = ()) -> Iterable[Entry]:
        """(day of issue, change, item) as it lists them, oldest change first, past change `after`; of these parts of the days, or all."""
        config = self.config(db)
        if not config.fault and not buckets:
            return self.true(db, first, last, after, limit)
        ends = tuple(buckets) or ("",)
        said = sorted(told(lambda a, b: self.true(db, a, b), lambda a, b: self._others(db, a, b), config, first, last), key=lambda entry: entry[1])
        found = (entry for entry in said if entry[1] > after and entry[2].handoff_id.endswith(ends))
        return islice(found, limit if limit >= 0 else None)

    def _others(self, db: sqlite3.Connection, first: date, last: date) -> Iterator[Entry]:
        sql = "SELECT * FROM handoff WHERE body <> ? AND day BETWEEN ? AND ? ORDER BY change"
        return _entries(db.execute(sql, (self.body, first.isoformat(), last.isoformat())))

    def page(
        self, db: sqlite3.Connection, first: date, last: date, cursor: str | None, limit: int, buckets: Sequence[str] = (),
    ) -> tuple[list[Item], str | None]:
        """Up to `limit` items (of some parts of the days) and the cursor of the next page, None on the last. The cursor is the change reached: a
        case that changes while it is read comes again later, none is passed over. Raises BadCursor."""
        after = 0 if cursor is None else _open_cursor(cursor)
        found = list(self.items(db, first, last, after, limit + 5, buckets))
        page = found[:limit]
        # What one change has made several entries of stays on one page.
        page += [entry for entry in found[limit:] if page and entry[1] == page[-1][1]]
        return [item for _, _, item in page], _cursor(page[-1][1]) if len(found) > len(page) else None

    def digests(self, db: sqlite3.Connection, first: date, last: date, line: int = 1, split: int = 1) -> list[DayDigest]:
        """The digest of each day that has hand-offs, or of each part of such a day."""
        config = self.config(db)
        entries = self.true(db, first, last) if config.digests == "true" else self.items(db, first, last)
        found = sorted(entries, key=lambda entry: entry[0])
        days = [digest for day, some in groupby(found, key=lambda entry: entry[0])
                for digest in day_digests(date.fromisoformat(day), [item for _, _, item in some], line, split)]
        return days if config.digests != "wrong" else [DayDigest(d.day, d.count, "0" * 64, d.bucket) for d in days]

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


def _entries(rows: Iterable[sqlite3.Row]) -> Iterator[Entry]:
    for row in rows:
        case = from_row(row)
        item = Item(
            handoff_id=case.handoff_id,
            petition_no=case.petition_no,
            partner_case_no=case.case_no if case.case_no_told else None,
            state=case.state,
            round=case.round,
            last_seq_in=case.last_seq_in,
            last_seq_out=case.last_seq_out,
            updated_at=instant(case.updated_at),
            body_digest=case.request_digest,
        )
        yield case.day, case.change, item


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
