"""Where things are asked for, under a partner's base URL. Our own mirror image stands under /hooks/{body}."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from urllib.parse import urlencode

MESSAGES = "/handoff/v1/messages"
HANDOFFS = "/handoff/v1/handoffs"
LEDGER = "/handoff/v1/ledger"
DIGESTS = "/handoff/v1/ledger/digests"


def message(message_id: str) -> str:
    """The question by key."""
    return f"{MESSAGES}/{message_id}"


def handoff_messages(handoff_id: str, after: int) -> str:
    """What the other side sent about a hand-off past sequence `after`."""
    return f"{HANDOFFS}/{handoff_id}/messages?after={after}"


def ledger(from_day: date, to_day: date, cursor: str | None = None, limit: int = 500, buckets: Sequence[str] = ()) -> str:
    """A page of the ledger: hand-offs issued on the Beijing days from `from_day` to `to_day`, both included; of the parts that are named only, if any."""
    query = {"from": from_day.isoformat(), "to": to_day.isoformat(), "limit": str(limit)}
    if buckets:
        query |= {"split": str(16 ** len(buckets[0])), "bucket": ",".join(buckets)}
    if cursor is not None:
        query["cursor"] = cursor
    return f"{LEDGER}?{urlencode(query, safe=',')}"


def digests(from_day: date, to_day: date, line: int = 1, split: int = 1) -> str:
    """The digests of the Beijing days from `from_day` to `to_day`, both included; by which form of the line, and cut into how many parts."""
    query = {"from": from_day.isoformat(), "to": to_day.isoformat()}
    if line != 1:
        query["line"] = str(line)
    if split != 1:
        query["split"] = str(split)
    return f"{DIGESTS}?{urlencode(query)}"
