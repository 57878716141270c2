"""Counting time: the worked examples of the statutes, properties, and a slow second opinion."""

import calendar as months
import datetime as dt
import logging
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.calendar import CalendarFile, SpecialDay
from rules.calendar import Due, WorkCalendar, counted, day_end, due, fraction, resumed
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
    assert counted(at(start), limit, CALENDAR)[-1].day == end.last_day


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
    assert end == Due(at("2026-02-15", "23:50").astimezone(dt.UTC), dt.date(2026, 2, 15), False)
    assert counted(at("2026-02-14", "23:50"), "24h", CALENDAR) == ()
    assert due(at("2026-02-14"), "10min", CALENDAR).instant == at("2026-02-14", "10:40")


def test_day_0_is_the_day_in_china() -> None:
    late = dt.datetime(2026, 3, 1, 16, 30, tzinfo=dt.UTC)  # 00:30 on 2 March in China
    assert due(late, "60d", CALENDAR).last_day == dt.date(2026, 5, 6)


def test_the_days_say_why() -> None:
    told = {one.day.isoformat(): (one.number, one.reason) for one in counted(at("2026-02-13"), "5wd", CALENDAR)}
    assert told["2026-02-14"] == (1, "调休上班")
    assert told["2026-02-17"] == (0, "春节")
    assert told["2026-02-24"] == (2, "工作日")
    assert told["2026-02-27"] == (5, "工作日")
    rolled = counted(at("2026-02-14"), "15d", CALENDAR)
    assert [(one.number, one.reason) for one in rolled[-2:]] == [(15, "周末"), (0, "顺延至首个工作日")]


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        due(dt.datetime(2026, 3, 2), "5d", CALENDAR)  # noqa: DTZ001 - the fault under test
    with pytest.raises(LimitError):
        due(at("2026-03-02"), "5 days", CALENDAR)
    with pytest.raises(LimitError, match="9999 年之后"):
        due(at("9999-12-01"), "60d", CALENDAR)
    with pytest.raises(LimitError, match="9999 年之后"):
        due(at("9999-12-01"), "60wd", CALENDAR)
    with pytest.raises(LimitError, match="9999 年之后"):
        due(at("9990-12-01"), "9999mo", CALENDAR)
    with pytest.raises(ValueError, match="time zone"):
        counted(dt.datetime(2026, 3, 2), "5d", CALENDAR)  # noqa: DTZ001 - the fault under test
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


# A second opinion: the days of the State Council's notices for 2022 to 2026, written down apart from any library.
_OFF = [
    ("2022-01-01", 3), ("2022-01-31", 7), ("2022-04-03", 3), ("2022-04-30", 5), ("2022-06-03", 3), ("2022-09-10", 3), ("2022-10-01", 7),
    ("2022-12-31", 3), ("2023-01-21", 7), ("2023-04-05", 1), ("2023-04-29", 5), ("2023-06-22", 3), ("2023-09-29", 8),
    ("2023-12-30", 3), ("2024-02-10", 8), ("2024-04-04", 3), ("2024-05-01", 5), ("2024-06-08", 3), ("2024-09-15", 3), ("2024-10-01", 7),
    ("2025-01-01", 1), ("2025-01-28", 8), ("2025-04-04", 3), ("2025-05-01", 5), ("2025-05-31", 3), ("2025-10-01", 8),
    ("2026-01-01", 3), ("2026-02-15", 9), ("2026-04-04", 3), ("2026-05-01", 5), ("2026-06-19", 3), ("2026-09-25", 3),
    ("2026-10-01", 7),
]  # fmt: skip
_ON = """2022-01-29 2022-01-30 2022-04-02 2022-04-24 2022-05-07 2022-10-08 2022-10-09
    2023-01-28 2023-01-29 2023-04-23 2023-05-06 2023-06-25 2023-10-07 2023-10-08
    2024-02-04 2024-02-18 2024-04-07 2024-04-28 2024-05-11 2024-09-14 2024-09-29 2024-10-12
    2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11
    2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10"""
OFF = {dt.date.fromisoformat(first) + dt.timedelta(i) for first, count in _OFF for i in range(count)}
ON = {dt.date.fromisoformat(day) for day in _ON.split()}


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


starts = st.dates(dt.date(2022, 1, 1), dt.date(2026, 8, 1)).map(lambda day: at(day.isoformat()))
day_limits = st.one_of(
    st.builds(Limit, st.integers(1, 60), st.just("wd")),
    st.builds(Limit, st.integers(1, 120), st.just("d")),
    st.builds(Limit, st.integers(1, 4), st.just("mo")),
)


def test_every_day_of_five_years_agrees_with_the_oracle() -> None:
    day = dt.date(2022, 1, 1)
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


@given(starts, day_limits)
def test_the_days_lead_to_the_end_one_by_one(start: dt.datetime, limit: Limit) -> None:
    end, days = due(start, limit, CALENDAR), counted(start, limit, CALENDAR)
    assert [one.day for one in days] == [start.date() + dt.timedelta(i + 1) for i in range((end.last_day - start.date()).days)]
    numbers = [one.number for one in days if one.number]
    assert numbers == list(range(1, len(numbers) + 1))
    assert limit.unit == "mo" or len(numbers) == limit.count
    if limit.unit == "wd":
        assert all(bool(one.number) == oracle_works(one.day) for one in days)
    else:
        tail = days[len(numbers):]
        assert all(one.number for one in days[:len(numbers)]), "what is rolled over comes last"
        assert not tail or (oracle_works(tail[-1].day) and not any(oracle_works(one.day) for one in (days[len(numbers) - 1], *tail[:-1])))


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
    assert working.instant >= plain.instant or plain.last_day > start.date() + dt.timedelta(count)


@given(starts, day_limits, st.floats(0, 1))
def test_warnings_lie_between_start_and_end(start: dt.datetime, limit: Limit, part: float) -> None:
    end = due(start, limit, CALENDAR)
    moment = fraction(start, end, part)
    assert start - dt.timedelta(seconds=1) < moment <= end.instant
    assert fraction(start, end, 0) == start
    assert fraction(start, end, 1) == end.instant
    assert abs((fraction(start, end, 0.5) - start) - (end.instant - start) / 2) <= dt.timedelta(seconds=1)


# -- clocks that stood still --------------------------------------------------------------------------------------------------


@given(starts, day_limits, st.integers(0, 200), st.integers(0, 400), st.integers(0, 23))
def test_what_was_left_is_counted_again(start: dt.datetime, limit: Limit, ran: int, away: int, hours: int) -> None:
    end = due(start, limit, CALENDAR)
    stopped = min(start + dt.timedelta(days=ran), end.instant - dt.timedelta(hours=1))
    back = min(stopped + dt.timedelta(days=away, hours=hours), at("2026-12-01"))
    if back < stopped:
        return
    again = resumed(end.instant, stopped, back, limit, CALENDAR)
    assert CALENDAR.is_workday(again.last_day)
    assert again.instant == dt.datetime.combine(again.last_day + dt.timedelta(1), dt.time(), CN)
    assert again.instant >= end.instant
    assert again.instant > back
    stop_day, back_day = stopped.astimezone(CN).date(), back.astimezone(CN).date()
    if limit.unit == "wd":
        left = worked(stop_day, end.last_day)
        assert worked(back_day, again.last_day) == left or left == 0
    else:
        whole = end.last_day + (back_day - stop_day)
        assert again.last_day == (whole if oracle_works(whole) else oracle(whole, 1, "wd"))


def worked(after: dt.date, last: dt.date) -> int:
    return sum(oracle_works(after + dt.timedelta(i)) for i in range(1, (last - after).days + 1))


@given(starts, day_limits)
def test_stopped_for_a_moment_ends_as_before(start: dt.datetime, limit: Limit) -> None:
    end = due(start, limit, CALENDAR)
    assert resumed(end.instant, start, start, limit, CALENDAR) == end


def test_hours_that_stood_still_are_added_as_they_are() -> None:
    end = due(at("2026-03-06"), "24h", CALENDAR)
    assert resumed(end.instant, at("2026-03-06", "12:00"), at("2026-03-06", "12:45"), "24h", CALENDAR).instant == at("2026-03-07", "11:15")


def test_a_day_end_is_never_a_rest_day() -> None:
    assert day_end(dt.date(2026, 6, 21), CALENDAR).last_day == dt.date(2026, 6, 22)
    assert day_end(dt.date(2026, 2, 28), CALENDAR).last_day == dt.date(2026, 2, 28)  # a Saturday people work on
    assert day_end(at("2026-03-05", "00:00"), CALENDAR).last_day == dt.date(2026, 3, 4), "0:00 is the end of the day before"
    assert day_end(at("2026-03-05", "00:01"), CALENDAR).last_day == dt.date(2026, 3, 5)
    assert day_end(dt.date(2099, 1, 3), CALENDAR).provisional
