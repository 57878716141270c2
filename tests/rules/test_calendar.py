"""Counting time: the worked examples of the statutes, properties, and a slow second opinion."""

import calendar as months
import datetime as dt
import logging
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.calendar import CalendarFile, SpecialDay
from rules.calendar import Due, WorkCalendar, due, fraction
from rules.limits import Limit, LimitError

CN = ZoneInfo("Asia/Shanghai")
CALENDAR = WorkCalendar()


def at(day: str, clock: str = "10:30") -> dt.datetime:
    return dt.datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=CN)


@pytest.mark.parametrize(
    ("start", "limit", "last"),
    [
        ("2026-02-13", "5wd", "2026-02-27"),
        ("2026-02-13", "15d", "2026-02-28"),
        ("2026-02-14", "15d", "2026-03-02"),
        ("2026-04-30", "5wd", "2026-05-11"),
        ("2026-09-18", "5wd", "2026-09-24"),
        ("2026-09-18", "15d", "2026-10-08"),
        ("2026-03-02", "60d", "2026-05-06"),
        ("2026-03-02", "90d", "2026-06-01"),
    ],
)
def test_the_worked_examples(start: str, limit: str, last: str) -> None:
    end = due(at(start), limit, CALENDAR)
    assert end.last_day == dt.date.fromisoformat(last)
    assert end.instant == dt.datetime.combine(end.last_day + dt.timedelta(1), dt.time(), CN)
    assert end.instant.tzinfo is dt.UTC
    assert not end.provisional
    assert end.days[-1].day == end.last_day


@pytest.mark.parametrize(
    ("start", "limit", "last"),
    [
        ("2026-01-31", "1mo", "2026-02-28"),  # no 31 February; the 28th is a Saturday people work on
        ("2024-01-31", "1mo", "2024-02-29"),
        ("2025-11-30", "3mo", "2026-02-28"),
        ("2026-03-15", "6mo", "2026-09-15"),
        ("2026-07-01", "3mo", "2026-10-08"),  # raw 1 October
        ("2025-12-31", "12mo", "2026-12-31"),
    ],
)
def test_months_end_on_the_same_date_or_the_month_s_last_day(start: str, limit: str, last: str) -> None:
    assert due(at(start), limit, CALENDAR).last_day == dt.date.fromisoformat(last)


def test_hours_run_from_the_moment_through_holidays() -> None:
    end = due(at("2026-02-14", "23:50"), "24h", CALENDAR)
    assert end == Due(at("2026-02-15", "23:50").astimezone(dt.UTC), dt.date(2026, 2, 15), False, ())
    assert due(at("2026-02-14"), "10min", CALENDAR).instant == at("2026-02-14", "10:40")


def test_day_0_is_the_day_in_china() -> None:
    late = dt.datetime(2026, 3, 1, 16, 30, tzinfo=dt.UTC)  # 00:30 on 2 March in China
    assert due(late, "60d", CALENDAR).last_day == dt.date(2026, 5, 6)


def test_the_days_say_why() -> None:
    end = due(at("2026-02-13"), "5wd", CALENDAR)
    told = {one.day.isoformat(): (one.number, one.reason) for one in end.days}
    assert told["2026-02-14"] == (1, "调休上班")
    assert told["2026-02-17"] == (0, "春节")
    assert told["2026-02-24"] == (2, "工作日")
    assert told["2026-02-27"] == (5, "工作日")
    rolled = due(at("2026-02-14"), "15d", CALENDAR).days
    assert [(one.number, one.reason) for one in rolled[-2:]] == [(15, "周末"), (0, "顺延至首个工作日")]


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        due(dt.datetime(2026, 3, 2), "5d", CALENDAR)  # noqa: DTZ001 - the fault under test
    with pytest.raises(LimitError):
        due(at("2026-03-02"), "5 days", CALENDAR)
    with pytest.raises(ValueError, match="between 0 and 1"):
        fraction(at("2026-03-02"), at("2026-03-03"), 1.5)
    with pytest.raises(ValueError, match="not before the start"):
        fraction(at("2026-03-02"), at("2026-03-01"), 0.5)


def test_a_year_without_a_table_is_loud_once_and_provisional(caplog: pytest.LogCaptureFixture) -> None:
    calendar = WorkCalendar()
    assert calendar.known(2026)
    assert not calendar.known(2099)
    with caplog.at_level(logging.WARNING, "tonglu.calendar"):
        end = due(at("2098-12-30"), "5wd", calendar)
        due(at("2099-03-02"), "15d", calendar)
    assert end.provisional
    assert end.last_day == dt.date(2099, 1, 6)
    assert [record.getMessage()[:6] for record in caplog.records] == ["2098 年", "2099 年"]
    assert "config/calendar.yaml" in caplog.text


def test_only_days_that_had_a_say_make_a_date_provisional() -> None:
    year = next(y for y in range(2026, 2100) if not CALENDAR.known(y + 1))
    assert not due(at(f"{year}-11-16"), "15d", CALENDAR).provisional
    assert due(at(f"{year}-12-25"), "15d", CALENDAR).provisional
    assert not due(at(f"{year}-12-31"), "24h", CALENDAR).provisional


def special(day: str, work: bool, name: str) -> SpecialDay:
    return SpecialDay(date=dt.date.fromisoformat(day), work=work, name=name)


def test_calendar_yaml_overrides_the_tables() -> None:
    calendar = WorkCalendar(
        CalendarFile(
            days=[special("2026-03-03", False, "全市放假"), special("2026-02-14", False, "取消调休")],
        )
    )
    assert not calendar.is_workday(dt.date(2026, 3, 3))
    assert calendar.reason(dt.date(2026, 3, 3)) == "全市放假"
    assert due(at("2026-03-02"), "1wd", calendar).last_day == dt.date(2026, 3, 4)
    assert due(at("2026-02-13"), "5wd", calendar).last_day == dt.date(2026, 2, 28)
    assert due(at("2026-02-13"), "5wd", CALENDAR).last_day == dt.date(2026, 2, 27)


def test_a_complete_year_is_no_longer_provisional() -> None:
    days = [special("2099-01-01", False, "元旦")]
    assert due(at("2099-03-02"), "15d", WorkCalendar(CalendarFile(days=days))).provisional
    complete = WorkCalendar(CalendarFile(complete_years=[2099], days=days))
    assert not due(at("2099-03-02"), "15d", complete).provisional


# A second opinion: the days of the State Council's notice for 2026 and 2025, written down apart from any library.
_OFF = [
    ("2025-01-01", 1), ("2025-01-28", 8), ("2025-04-04", 3), ("2025-05-01", 5), ("2025-05-31", 3), ("2025-10-01", 8),
    ("2026-01-01", 3), ("2026-02-15", 9), ("2026-04-04", 3), ("2026-05-01", 5), ("2026-06-19", 3), ("2026-09-25", 3),
    ("2026-10-01", 7),
]  # fmt: skip
OFF = {dt.date.fromisoformat(first) + dt.timedelta(i) for first, count in _OFF for i in range(count)}
ON = {dt.date.fromisoformat(day) for day in ("2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11", "2026-01-04", "2026-02-14")} | {
    dt.date.fromisoformat(day) for day in ("2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10")
}


def oracle_works(day: dt.date) -> bool:
    if day in ON:
        return True
    return day not in OFF and day.isoweekday() not in (6, 7)


def oracle(day0: dt.date, count: int, unit: str) -> dt.date:
    """Day by day, in the dullest way."""
    day = day0
    if unit == "wd":
        left = count
        while left:
            day = day + dt.timedelta(1)
            if oracle_works(day):
                left = left - 1
        return day
    if unit == "d":
        for _ in range(count):
            day = day + dt.timedelta(1)
    else:
        year, month = day0.year, day0.month
        for _ in range(count):
            month = month + 1
            if month == 13:
                year, month = year + 1, 1
        day = dt.date(year, month, min(day0.day, months.monthrange(year, month)[1]))
    while not oracle_works(day):
        day = day + dt.timedelta(1)
    return day


starts = st.dates(dt.date(2025, 1, 1), dt.date(2026, 8, 1)).map(lambda day: at(day.isoformat()))
day_limits = st.one_of(
    st.builds(Limit, st.integers(1, 60), st.just("wd")),
    st.builds(Limit, st.integers(1, 120), st.just("d")),
    st.builds(Limit, st.integers(1, 4), st.just("mo")),
)


def test_every_day_of_two_years_agrees_with_the_oracle() -> None:
    day = dt.date(2025, 1, 1)
    while day <= dt.date(2026, 12, 31):
        assert CALENDAR.is_workday(day) == oracle_works(day), day
        day += dt.timedelta(1)


@given(starts, day_limits)
def test_the_oracle_agrees(start: dt.datetime, limit: Limit) -> None:
    assert due(start, limit, CALENDAR).last_day == oracle(start.date(), limit.count, limit.unit)


@given(starts, day_limits)
def test_the_last_day_is_worked_and_later_than_the_start(start: dt.datetime, limit: Limit) -> None:
    end = due(start, limit, CALENDAR)
    assert CALENDAR.is_workday(end.last_day)
    assert end.last_day > start.date()
    assert end.instant > start
    assert max(one.number for one in end.days) == (limit.count if limit.unit != "mo" else len(end.days) - rolled(end))
    assert [one.day for one in end.days] == [start.date() + dt.timedelta(i + 1) for i in range(len(end.days))]


def rolled(end: Due) -> int:
    return sum(one.number == 0 for one in end.days)


@given(starts, starts, day_limits)
def test_a_later_start_never_ends_earlier(one: dt.datetime, two: dt.datetime, limit: Limit) -> None:
    early, late = sorted((one, two))
    assert due(early, limit, CALENDAR).instant <= due(late, limit, CALENDAR).instant


@given(starts, day_limits, st.integers(1, 20))
def test_a_longer_limit_never_ends_earlier(start: dt.datetime, limit: Limit, more: int) -> None:
    assert due(start, limit, CALENDAR).instant <= due(start, limit + Limit(more, limit.unit), CALENDAR).instant


@given(starts, st.integers(1, 60))
def test_working_days_never_end_before_as_many_calendar_days(start: dt.datetime, count: int) -> None:
    working, plain = due(start, Limit(count, "wd"), CALENDAR), due(start, Limit(count, "d"), CALENDAR)
    assert working.last_day >= start.date() + dt.timedelta(count)
    assert working.instant >= plain.instant or plain.days[-1].number == 0


@given(starts, day_limits, st.floats(0, 1))
def test_warnings_lie_between_start_and_end(start: dt.datetime, limit: Limit, part: float) -> None:
    end = due(start, limit, CALENDAR)
    moment = fraction(start, end, part)
    assert start - dt.timedelta(seconds=1) < moment <= end.instant
    assert fraction(start, end, 0) == start
    assert fraction(start, end, 1) == end.instant
    assert abs((fraction(start, end, 0.5) - start) - (end.instant - start) / 2) <= dt.timedelta(seconds=1)
