"""Days that an act names."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.calendar import SHANGHAI
from rules.edge_dates import PAST_DAYS, day_of, wrong_day

RECEIVED = datetime(2026, 3, 2, 9, 30, tzinfo=SHANGHAI)
NOW = datetime(2026, 3, 10, 0, 30, tzinfo=SHANGHAI)


@pytest.mark.parametrize("name", sorted(PAST_DAYS))
@given(days=st.integers(-400, 400))
def test_a_day_lies_between_the_receipt_and_today(name: str, days: int) -> None:
    day = date(2026, 3, 2) + timedelta(days=days)
    wrong = wrong_day({name: day.isoformat()}, RECEIVED, NOW)
    assert (wrong is None) == (date(2026, 3, 2) <= day <= date(2026, 3, 10))
    if wrong is not None:
        assert PAST_DAYS[name] in wrong
        assert ("将来" in wrong) == (day > date(2026, 3, 10))


@pytest.mark.parametrize("value", ["2026-3-5", "20260305", "昨天", "2026-02-30", 20260305, ["2026-03-05"], "2026-03-05T09:00", {"a": 1}])
def test_what_is_no_day_is_said_to_be_none(value: Any) -> None:
    assert day_of(value) is None
    wrong = wrong_day({"told_on": value}, RECEIVED, NOW)
    assert wrong is not None
    assert "2026-03-10" in wrong, "how to write one"
    assert "昨天" not in wrong


@pytest.mark.parametrize("data", [{}, {"told_on": None}, {"told_on": ""}, {"remedy_limit": "2099-01-01"}, {"signed_at": "2099-01-01"}])
def test_what_names_no_day_is_left_to_the_guards(data: dict[str, Any]) -> None:
    assert wrong_day(data, RECEIVED, NOW) is None


def test_days_are_those_of_china_and_a_watch_that_runs_ahead_stops_nobody() -> None:
    late = datetime(2026, 3, 9, 16, 30, tzinfo=SHANGHAI).astimezone() + timedelta(hours=8)  # half past midnight on the tenth in China
    assert wrong_day({"told_on": "2026-03-10"}, RECEIVED, late) is None
    ahead = NOW + timedelta(hours=24)
    assert wrong_day({"told_on": "2026-03-10"}, ahead, NOW) is None
