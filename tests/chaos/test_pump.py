"""Long steps go to the night and to the afternoon, and no night is jumped over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cli.chaos.pump import HALF_DAY, next_point
from rules.calendar import SHANGHAI

INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  (hypothesis wants them bare)


@given(INSTANTS)
def test_the_next_point_is_two_or_fourteen_in_beijing_and_the_very_next(now: datetime) -> None:
    point = next_point(now)
    assert timedelta(0) < point - now <= HALF_DAY
    local = point.astimezone(SHANGHAI)
    assert local.hour in (2, 14)
    assert (local.minute, local.second, local.microsecond) == (0, 0, 0)
