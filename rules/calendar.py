"""When a time limit ends, and why: counting by the Civil Code and the State Council's working calendar.

Receipt day is day 0. N 日 end N calendar days later, rolled forward off rest days; N 工作日 end on the N-th
working day; months end on the same date, or on the last day of a month that lacks it; the last day ends at 24:00
in China; hours run from the stated moment (民法典 arts 200-204). 信访工作条例 has no counting rule of its own: that
this one applies to it is our reading (inference).
"""

from __future__ import annotations

import calendar as months
import datetime as dt
import logging
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chinese_calendar import constants  # type: ignore[import-untyped]

from config.calendar import CalendarFile
from rules.limits import Limit, LimitError, parse_limit

SHANGHAI = ZoneInfo("Asia/Shanghai")
_ONE_DAY = dt.timedelta(days=1)
_LOG = logging.getLogger("tonglu.calendar")
_NAMES = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "Mid-autumn Festival": "中秋节",
    "National Day": "国庆节",
}


class CountedDay(NamedTuple):
    """One day of a count: `number` is its place in the count, or 0 where it was passed over; `reason` is Chinese."""

    day: dt.date
    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Due:
    """The end of a limit.

    `instant` is aware and UTC: the first moment after the limit, i.e. the end (24:00 Asia/Shanghai) of `last_day`.
    `provisional`: a year without a holiday table had a say.
    """

    instant: dt.datetime
    last_day: dt.date
    provisional: bool


class WorkCalendar:
    """Which days people work: the published tables, and what calendar.yaml adds to them."""

    def __init__(self, extra: CalendarFile | None = None) -> None:
        extra = extra or CalendarFile()
        self._rest: dict[dt.date, str] = {day: _NAMES.get(name, "节假日") for day, name in constants.holidays.items()}
        self._work: dict[dt.date, str] = dict.fromkeys(constants.workdays, "调休上班")
        # only years the tables really hold a New Year's Day for, whatever lies between the first and the last
        self._years = {day.year for day in constants.holidays if (day.month, day.day) == (1, 1)}
        self._years.update(extra.complete_years)
        for special in extra.days:
            (self._work if special.work else self._rest)[special.date] = special.name
            (self._rest if special.work else self._work).pop(special.date, None)
        self._warned: set[int] = set()

    def known(self, year: int) -> bool:
        """Whether a holiday table for this year is at hand."""
        return year in self._years

    def is_workday(self, day: dt.date) -> bool:
        """Whether people work on this day in China. For a year without a table: by weekends, with one loud warning."""
        if day.year not in self._years and day.year not in self._warned:
            self._warned.add(day.year)
            what = "%d 年没有节假日安排表，只按周末推算，到期日均为暂定。修正：升级 chinesecalendar，或在 %s 中补写该年"
            _LOG.warning(what, day.year, "config/calendar.yaml")
        return day in self._work or (day.weekday() < 5 and day not in self._rest)

    def reason(self, day: dt.date) -> str:
        """Why the day is a working or a rest day, in Chinese."""
        if (name := self._work.get(day) or self._rest.get(day)) is not None:
            return name
        return "工作日" if day.weekday() < 5 else "周末"


def due(start: dt.datetime, limit: Limit | str, calendar: WorkCalendar) -> Due:
    """The end of `limit` counted from `start` (aware; its day in China is day 0).

    Raises `ValueError` for a start without a time zone, `LimitError` for a text that is no limit and for an end past the year 9999.
    """
    limit = _asked(start, limit)
    try:
        if limit.exact:
            span = dt.timedelta(hours=limit.count) if limit.unit == "h" else dt.timedelta(minutes=limit.count)
            end = start.astimezone(dt.UTC) + span
            return Due(end, end.astimezone(SHANGHAI).date(), False)
        return _by_days(start.astimezone(SHANGHAI).date(), limit, calendar)
    except (OverflowError, ValueError):
        raise LimitError(f"期限 {limit} 算到了公历 9999 年之后。修正：缩短期限或改正起算日") from None


def counted(start: dt.datetime, limit: Limit | str, calendar: WorkCalendar) -> tuple[CountedDay, ...]:
    """Every day that `due` passes on its way, with its number and why; empty for hours and minutes. Raises as `due` does."""
    limit = _asked(start, limit)
    if limit.exact:
        return ()
    day0, last = start.astimezone(SHANGHAI).date(), due(start, limit, calendar).last_day
    raw = _raw(day0, limit) if limit.unit != "wd" else last
    days: list[CountedDay] = []
    number = 0
    for offset in range(1, (last - day0).days + 1):
        day = day0 + offset * _ONE_DAY
        works = calendar.is_workday(day)
        if day > raw:
            days.append(CountedDay(day, 0, "顺延至首个工作日" if works else f"{calendar.reason(day)}，顺延"))
            continue
        counts = works or limit.unit != "wd"
        number += counts
        days.append(CountedDay(day, number if counts else 0, calendar.reason(day)))
    return tuple(days)


def resumed(end: dt.datetime, stopped: dt.datetime, now: dt.datetime, limit: Limit | str, calendar: WorkCalendar) -> Due:
    """The end of a limit that would have ended at `end`, stood still from `stopped` and goes on `now` (all aware).

    The days that were left when it stopped are counted again from the day on which it goes on: working days as working days, others as they are, the
    last one rolled off rest days. A day on which it ran at all counts as run. Hours and minutes are added as they are.
    """
    limit = parse_limit(limit) if isinstance(limit, str) else limit
    if limit.exact:
        return _ending(end + (now - stopped))
    away, back = stopped.astimezone(SHANGHAI).date(), now.astimezone(SHANGHAI).date()
    last = _ending(end).last_day
    if limit.unit == "wd":
        left = sum(calendar.is_workday(away + n * _ONE_DAY) for n in range(1, (last - away).days + 1))
        if left:
            return _by_days(back, Limit(left, "wd"), calendar)
    return day_end(last + (back - away), calendar)


def day_end(day: dt.date | dt.datetime, calendar: WorkCalendar) -> Due:
    """The end of this day, or of the first working day after it where people rest. An aware instant means the day that ends with it or is running then."""
    last = _ending(day).last_day if isinstance(day, dt.datetime) else day
    years = {last.year}
    while not calendar.is_workday(last):
        last += _ONE_DAY
        years.add(last.year)
    return Due(_midnight_after(last), last, not all(map(calendar.known, years)))


def fraction(start: dt.datetime, end: Due | dt.datetime, part: float) -> dt.datetime:
    """The moment (aware, UTC, whole seconds) at which `part` (0 to 1) of the time from `start` to `end` has gone.

    Raises `ValueError` for a part outside 0 to 1, or an end before the start.
    """
    last = end.instant if isinstance(end, Due) else end
    if not 0 <= part <= 1 or last < start:
        raise ValueError("part must lie between 0 and 1, and the end not before the start")
    moment = start.astimezone(dt.UTC) + (last - start) * part
    return moment if part in (0, 1) else moment.replace(microsecond=0)


def _asked(start: dt.datetime, limit: Limit | str) -> Limit:
    if start.tzinfo is None:
        raise ValueError("start has no time zone: give an aware datetime")
    return parse_limit(limit) if isinstance(limit, str) else limit


def _ending(instant: dt.datetime) -> Due:
    last = (instant.astimezone(SHANGHAI) - dt.timedelta(microseconds=1)).date()
    return Due(instant.astimezone(dt.UTC), last, False)


def _midnight_after(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day + _ONE_DAY, dt.time(), SHANGHAI).astimezone(dt.UTC)


@lru_cache(maxsize=4096)
def _by_days(day0: dt.date, limit: Limit, calendar: WorkCalendar) -> Due:
    if limit.unit != "wd":
        return day_end(_raw(day0, limit), calendar)
    last, left, known = day0, limit.count, True
    while left:
        last += _ONE_DAY
        left -= calendar.is_workday(last)
        known = known and calendar.known(last.year)
    return Due(_midnight_after(last), last, not known)


def _raw(day0: dt.date, limit: Limit) -> dt.date:
    """Where days or months end before anything is rolled."""
    return day0 + dt.timedelta(days=limit.count) if limit.unit == "d" else _months_later(day0, limit.count)


def _months_later(day0: dt.date, count: int) -> dt.date:
    year, month0 = divmod(day0.year * 12 + day0.month - 1 + count, 12)
    last = months.monthrange(year, month0 + 1)[1]
    return dt.date(year, month0 + 1, min(day0.day, last))
