"""Times on the wire: RFC 3339 with an offset in; Beijing time out, because a partner's clerk reads them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))

_RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})")


def format_time(instant: datetime) -> str:
    """An aware datetime as RFC 3339 with +08:00, microseconds only if there are any. Raises ValueError if naive."""
    if instant.tzinfo is None:
        raise ValueError("a time without a time zone cannot be sent; make it aware")
    return instant.astimezone(BEIJING).isoformat()


def parse_time(text: object) -> datetime | None:
    """RFC 3339 text (RFC 3339 §5.6) as an aware datetime in UTC, digits past the microsecond cut off; None if it
    is not one. A leap second is refused."""
    if not isinstance(text, str) or len(text) > 40 or not _RFC3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
