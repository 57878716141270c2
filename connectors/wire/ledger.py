"""The partner's ledger on the wire: items, their canonical lines, the digest of a day or of a part of it, pages.

An item is always told from the partner's side: `last_seq_in` is the last message in order from the bureau,
`last_seq_out` the last the partner issued, `body_digest` that of the `handoff.request`.

A day may be cut into `split` parts by the last hexadecimal digits of the hand-off id (its `bucket`), so that where a day differs only
the parts that differ are listed. A line has two forms; the second also holds the partner's case number. Who knows neither leaves
`line` and `split` out of the answer and is compared by whole days and the first form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from connectors.wire.ids import is_uuid
from connectors.wire.receipts import is_digest
from connectors.wire.strictjson import BadJson, dumps, loads
from connectors.wire.times import format_time, parse_time

MAX_PAGE_BYTES = 8 * 1024 * 1024
MAX_PAGE_ITEMS = 1000
MAX_CASE_NO = 300

# Into how many parts a day may be cut: by none, one, two or three hexadecimal digits.
SPLITS = (1, 16, 256, 4096)
LINES = (1, 2)
# Days asked about times parts a day: what fits into one answer.
MAX_PARTS = 32_768
# Parts that may be listed by one question: what fits into a request line everywhere.
MAX_BUCKETS = 256

_STATE = re.compile(r"[A-Z_]{1,32}")
_HEX = re.compile(r"[0-9a-f]{64}")


class BadLedger(ValueError):
    """An item, digest or page that breaks the format; says which field."""


@dataclass(frozen=True, slots=True)
class Item:
    """One hand-off as the partner's ledger has it. `updated_at` is aware."""

    handoff_id: str
    petition_no: str
    partner_case_no: str | None
    state: str
    round: int
    last_seq_in: int
    last_seq_out: int
    updated_at: datetime
    body_digest: str


@dataclass(frozen=True, slots=True)
class DayDigest:
    """How many hand-offs were issued on a Beijing day and the digest of their canonical lines (lower-case hex).

    `bucket`: of those only whose ids end in these digits; empty: of the whole day.
    """

    day: date
    count: int
    sha256: str
    bucket: str = ""


@dataclass(frozen=True, slots=True)
class Digests:
    """An answer about some days: by which form of the line, cut into how many parts, and the digest of each part that holds anything."""

    days: list[DayDigest]
    line: int = 1
    split: int = 1


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a ledger; `next_cursor` is opaque and None on the last page, where `complete` is true."""

    items: list[Item]
    next_cursor: str | None
    complete: bool


def width(split: int) -> int:
    """How many digits of the hand-off id name a part of a day that is cut into `split`. Raises BadLedger."""
    if type(split) is not int or split not in SPLITS:
        raise BadLedger(f"split must be one of {', '.join(map(str, SPLITS))}")
    return SPLITS.index(split)


def is_bucket(text: object, digits: int) -> bool:
    """Whether this names a part by so many digits."""
    return isinstance(text, str) and len(text) == digits and not text.strip("0123456789abcdef")


def canonical_line(item: Item, line: int = 1) -> bytes:
    """`handoff_id|round|state|last_seq_in|last_seq_out|body_digest\\n` in UTF-8; in the second form `|partner_case_no` before the line feed,
    with nothing after the bar where none was told. Raises BadLedger."""
    _check(item)
    more = f"|{item.partner_case_no or ''}" if line == 2 else ""
    return f"{item.handoff_id}|{item.round}|{item.state}|{item.last_seq_in}|{item.last_seq_out}|{item.body_digest}{more}\n".encode()


def digest(lines: Iterable[bytes]) -> str:
    """SHA-256 in lower-case hex over the lines sorted bytewise; in any order in, the same out."""
    return sha256(b"".join(sorted(lines))).hexdigest()


def day_digest(day: date, items: Sequence[Item], line: int = 1, bucket: str = "") -> DayDigest:
    """The digest of these items, issued on one Beijing day (and of that part of it). Raises BadLedger."""
    return DayDigest(day, len(items), digest(canonical_line(item, line) for item in items), bucket)


def day_digests(day: date, items: Iterable[Item], line: int = 1, split: int = 1) -> list[DayDigest]:
    """The items of one Beijing day cut into parts, the digest of each part that holds any, in order. Raises BadLedger."""
    digits = width(split)
    parts: dict[str, list[Item]] = {}
    for item in items:
        parts.setdefault(item.handoff_id[len(item.handoff_id) - digits :], []).append(item)
    return [day_digest(day, parts[bucket], line, bucket) for bucket in sorted(parts)]


def encode_page(items: Sequence[Item], next_cursor: str | None) -> bytes:
    """A page as JSON {items, next_cursor, complete}; complete when there is no next cursor. Raises BadLedger."""
    rows = []
    for item in items:
        _check(item)
        rows.append(
            {
                "handoff_id": item.handoff_id,
                "petition_no": item.petition_no,
                "partner_case_no": item.partner_case_no,
                "state": item.state,
                "round": item.round,
                "last_seq_in": item.last_seq_in,
                "last_seq_out": item.last_seq_out,
                "updated_at": format_time(item.updated_at),
                "body_digest": item.body_digest,
            }
        )
    return dumps({"items": rows, "next_cursor": next_cursor, "complete": next_cursor is None})


def decode_page(raw: bytes) -> Page:
    """Read a page. Raises BadLedger, also for too many items or a cursor that contradicts `complete`."""
    value = _object(raw)
    rows, cursor, complete = value.get("items"), value.get("next_cursor"), value.get("complete")
    if not isinstance(rows, list) or len(rows) > MAX_PAGE_ITEMS:
        raise BadLedger(f"items must be a list of at most {MAX_PAGE_ITEMS}")
    if not isinstance(complete, bool) or complete != (cursor is None):
        raise BadLedger("complete must be true on the last page, where next_cursor is null, and false before it")
    if cursor is not None and not (isinstance(cursor, str) and 0 < len(cursor) <= 512):
        raise BadLedger("next_cursor must be null or a text of 1 to 512 characters")
    return Page([_item(row) for row in rows], cursor, complete)


def encode_digests(days: Sequence[DayDigest], line: int = 1, split: int = 1) -> bytes:
    """The days as JSON {line, split, days: [{day, bucket, count, sha256}]}; `line`, `split` and `bucket` only where they say more than
    their absence would. What holds no hand-off may be left out. Raises BadLedger."""
    digits = width(split)
    value: dict[str, Any] = {"line": line} if line != 1 else {}
    if digits:
        value["split"] = split
    rows = [{"day": d.day.isoformat(), "bucket": d.bucket, "count": d.count, "sha256": d.sha256} for d in days]
    if not digits:
        for row in rows:
            del row["bucket"]
    return dumps({**value, "days": rows})


def decode_digests(raw: bytes) -> Digests:
    """Read the days, or parts of days. Raises BadLedger, also when a part stands twice or there are more than MAX_PARTS."""
    value = _object(raw)
    rows, line = value.get("days"), value.get("line", 1)
    if not isinstance(rows, list) or len(rows) > MAX_PARTS:
        raise BadLedger(f"days must be a list of at most {MAX_PARTS}")
    if type(line) is not int or line not in LINES:
        raise BadLedger("line must be 1 or 2")
    split = value.get("split", 1)
    digits = width(split)
    days = [_day(row, digits) for row in rows]
    if len({(day.day, day.bucket) for day in days}) != len(days):
        raise BadLedger("a day, or a part of a day, stands twice")
    return Digests(days, line, split)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        return loads(raw, MAX_PAGE_BYTES)
    except BadJson as error:
        raise BadLedger(str(error)) from None


def _item(row: Any) -> Item:
    if not isinstance(row, dict):
        raise BadLedger("an item must be an object")
    updated = parse_time(row.get("updated_at"))
    if updated is None:
        raise BadLedger("updated_at must be RFC 3339 with an offset")
    item = Item(
        handoff_id=row.get("handoff_id", ""),
        petition_no=row.get("petition_no", ""),
        partner_case_no=row.get("partner_case_no"),
        state=row.get("state", ""),
        round=row.get("round", 0),
        last_seq_in=row.get("last_seq_in", -1),
        last_seq_out=row.get("last_seq_out", -1),
        updated_at=updated,
        body_digest=row.get("body_digest", ""),
    )
    _check(item)
    return item


def _check(item: Item) -> None:
    if not is_uuid(item.handoff_id):
        raise BadLedger("handoff_id must be a lower-case UUID")
    if not isinstance(item.petition_no, str) or not 0 < len(item.petition_no) <= 64:
        raise BadLedger("petition_no must be a text of 1 to 64 characters")
    if item.partner_case_no is not None and not isinstance(item.partner_case_no, str):
        raise BadLedger("partner_case_no must be null or a text")
    if item.partner_case_no is not None and len(item.partner_case_no) > MAX_CASE_NO:
        raise BadLedger(f"partner_case_no must have at most {MAX_CASE_NO} characters")
    if not isinstance(item.state, str) or not _STATE.fullmatch(item.state):
        raise BadLedger("state must be one of the states in capitals")
    if type(item.round) is not int or item.round < 1:
        raise BadLedger("round must be a whole number from 1")
    for name, number in (("last_seq_in", item.last_seq_in), ("last_seq_out", item.last_seq_out)):
        if type(number) is not int or number < 0:
            raise BadLedger(f"{name} must be a whole number from 0")
    if not is_digest(item.body_digest):
        raise BadLedger("body_digest must be sha-256=:<base64>:")


def _day(row: Any, digits: int) -> DayDigest:
    try:
        day = date.fromisoformat(row["day"])
        count, mark = row["count"], row["sha256"]
    except (TypeError, KeyError, ValueError):
        raise BadLedger("a day must be {day: YYYY-MM-DD, count, sha256}") from None
    if type(count) is not int or count < 0 or not isinstance(mark, str) or not _HEX.fullmatch(mark):
        raise BadLedger("count must be a whole number from 0 and sha256 64 lower-case hex digits")
    bucket = row.get("bucket", "")
    if not is_bucket(bucket, digits):
        raise BadLedger(f"bucket must be {digits} lower-case hex digits" if digits else "bucket may stand only where split says into how many parts")
    return DayDigest(day, count, mark, bucket)
