"""Instants as whole microseconds since 1970 (UTC), so that SQLite orders them as time does, and the Beijing day of
an instant."""

from datetime import UTC, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")  # no summer time since 1991: a fixed offset is exact here
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(instant: datetime) -> int:
    """Microseconds since 1970-01-01 UTC. Raises ValueError for a datetime without time zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone; give an aware datetime, e.g. datetime.now(UTC)")
    return (instant - _EPOCH) // _MICROSECOND


def instant(value: int) -> datetime:
    """The aware UTC datetime of `micros`."""
    return _EPOCH + timedelta(microseconds=value)


def beijing_day(moment: datetime) -> str:
    """The calendar day in Asia/Shanghai, `yyyy-mm-dd`."""
    return moment.astimezone(BEIJING).date().isoformat()
