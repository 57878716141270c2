"""The partner's ledger on the wire: items, their canonical lines, the digest of a day, pages.

An item is always told from the partner's side: `last_seq_in` is the last message in order from the bureau,
`last_seq_out` the last the partner issued, `body_digest` that of the `handoff.request`.
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
    """How many hand-offs were issued on a Beijing day and the digest of their canonical lines (lower-case hex)."""

    day: date
    count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a ledger; `next_cursor` is opaque and None on the last page, where `complete` is true."""

    items: list[Item]
    next_cursor: str | None
    complete: bool


def canonical_line(item: Item) -> bytes:
    """`handoff_id|round|state|last_seq_in|last_seq_out|body_digest\\n` in UTF-8. Raises BadLedger."""
    _check(item)
    return f"{item.handoff_id}|{item.round}|{item.state}|{item.last_seq_in}|{item.last_seq_out}|{item.body_digest}\n".encode()


def digest(lines: Iterable[bytes]) -> str:
    """SHA-256 in lower-case hex over the lines sorted bytewise; in any order in, the same out."""
    return sha256(b"".join(sorted(lines))).hexdigest()


def day_digest(day: date, items: Sequence[Item]) -> DayDigest:
    """The digest of the items issued on one Beijing day. Raises BadLedger."""
    return DayDigest(day, len(items), digest(map(canonical_line, items)))


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


def encode_digests(days: Sequence[DayDigest]) -> bytes:
    """The days as JSON {days: [{day, count, sha256}]}; a day with no hand-off may be left out."""
    return dumps({"days": [{"day": d.day.isoformat(), "count": d.count, "sha256": d.sha256} for d in days]})


def decode_digests(raw: bytes) -> list[DayDigest]:
    """Read the days. Raises BadLedger, also when a day stands twice."""
    rows = _object(raw).get("days")
    if not isinstance(rows, list):
        raise BadLedger("days must be a list")
    days = [_day(row) for row in rows]
    if len({day.day for day in days}) != len(days):
        raise BadLedger("a day stands twice")
    return days


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
    if not isinstance(item.state, str) or not _STATE.fullmatch(item.state):
        raise BadLedger("state must be one of the states in capitals")
    if type(item.round) is not int or item.round < 1:
        raise BadLedger("round must be a whole number from 1")
    for name, number in (("last_seq_in", item.last_seq_in), ("last_seq_out", item.last_seq_out)):
        if type(number) is not int or number < 0:
            raise BadLedger(f"{name} must be a whole number from 0")
    if not is_digest(item.body_digest):
        raise BadLedger("body_digest must be sha-256=:<base64>:")


def _day(row: Any) -> DayDigest:
    try:
        day = date.fromisoformat(row["day"])
        count, mark = row["count"], row["sha256"]
    except (TypeError, KeyError, ValueError):
        raise BadLedger("a day must be {day: YYYY-MM-DD, count, sha256}") from None
    if type(count) is not int or count < 0 or not isinstance(mark, str) or not _HEX.fullmatch(mark):
        raise BadLedger("count must be a whole number from 0 and sha256 64 lower-case hex digits")
    return DayDigest(day, count, mark)
