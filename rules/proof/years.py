"""What is not proved but told: years without a table of holidays. Unconfirmed limits and rows are `rules.register`'s."""

from __future__ import annotations

from rules.calendar import WorkCalendar


def missing_years(calendar: WorkCalendar, year: int) -> list[int]:
    """Which of this year and the next have no holiday table: due dates that touch them are provisional."""
    return [y for y in (year, year + 1) if not calendar.known(y)]
