"""Where things are asked for, under a partner's base URL. Our own mirror image stands under /hooks/{body}."""

from __future__ import annotations

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


def ledger(from_day: date, to_day: date, cursor: str | None = None, limit: int = 500) -> str:
    """A page of the ledger: hand-offs issued on the Beijing days from `from_day` to `to_day`, both included."""
    query = {"from": from_day.isoformat(), "to": to_day.isoformat(), "limit": str(limit)}
    if cursor is not None:
        query["cursor"] = cursor
    return f"{LEDGER}?{urlencode(query)}"


def digests(from_day: date, to_day: date) -> str:
    """The digests of the Beijing days from `from_day` to `to_day`, both included."""
    return f"{DIGESTS}?{urlencode({'from': from_day.isoformat(), 'to': to_day.isoformat()})}"
