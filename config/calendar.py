"""What an operator adds to the holiday tables: days of a local notice, or a year the tables do not hold yet."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from config.source import Fault, Strict, load


def _written(value: object) -> object:
    # pydantic would read the number 20270206 as seconds since 1970
    if isinstance(value, int | float):
        raise Fault(f"{value} 不是日期", "写成 2027-02-06 这样的日期")
    return value


Date = Annotated[dt.date, BeforeValidator(_written)]
Year = Annotated[int, Field(ge=2004, le=2199)]


class SpecialDay(Strict):
    """One day that differs from the tables, or from the week: `work` says whether people work on it."""

    date: Date
    work: bool
    name: Annotated[str, Field(min_length=1, max_length=40)]


class CalendarFile(Strict):
    """The content of calendar.yaml. `complete_years`: years whose special days all stand in `days`."""

    complete_years: list[Year] = Field(default_factory=list)
    days: list[SpecialDay] = Field(default_factory=list)

    @model_validator(mode="after")
    def _sound(self) -> CalendarFile:
        seen: set[dt.date] = set()
        for i, day in enumerate(self.days):
            if day.date in seen:
                raise Fault(f"日期 {day.date} 重复", "删除其中一处", ("days", i, "date"))
            seen.add(day.date)
        for i, year in enumerate(self.complete_years):
            if not any(day.date.year == year for day in self.days):
                what = f"{year} 年写为完整，却没有列出任何节假日"
                cure = f"在 days 中补写 {year} 年的节假日与调休，或从 complete_years 中删除"
                raise Fault(what, cure, ("complete_years", i))
        return self


def load_calendar(path: Path) -> CalendarFile:
    """The overrides in a YAML file. Raises `ConfigError`."""
    return load(path, CalendarFile)
