"""How tables, dates and bodies look on an operator's screen."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from cli.faults import Fault

if TYPE_CHECKING:
    from rules.house import House


def local(instant: datetime | None) -> str:
    """An instant as a clerk reads it: Beijing time, minutes; nothing for None."""
    from rules.calendar import SHANGHAI

    return "" if instant is None else instant.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def deadline(instant: datetime | None, now: datetime) -> str:
    """A due date: the last day on which it is still met, marked when it has passed."""
    from rules.calendar import SHANGHAI

    if instant is None:
        return ""
    # A limit ends at 24:00, which is the next day's first moment; people read the day before.
    last = (instant.astimezone(SHANGHAI) - timedelta(microseconds=1)).strftime("%Y-%m-%d")
    return f"{last} 已逾期" if instant <= now else last


def body_name(house: House, code: str | None) -> str:
    """The Chinese name of a holder; codes that are no body (the petitioner) as people say it."""
    if not code:
        return ""
    if code == "petitioner":
        return "信访人"
    return house.bodies.get(code).name if code in house.bodies else code


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """Print a table; plain text, tab-separated with a heading line, where the output is no terminal."""
    cells = [[str(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        print("\t".join(columns))
        for row in cells:
            print("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    shown = Table(title=title)
    for column in columns:
        shown.add_column(column, overflow="fold", justify="right" if column in right else "left")
    for row in cells:
        shown.add_row(*[escape(cell) for cell in row])
    Console().print(shown)


def as_json(value: Any) -> None:
    """Print a value for programs: UTF-8 JSON, instants in ISO 8601."""
    print(json.dumps(value, ensure_ascii=False, indent=1, default=lambda v: v.isoformat() if hasattr(v, "isoformat") else str(v)))


def parse_day(text: str) -> date:
    """`2026-03-16`. Raises Fault."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Fault(f"日期“{text[:20]}”看不懂", "写成 2026-03-16 这样的日期") from None


def parse_moment(text: str) -> datetime:
    """A day (its end, 24:00 in Beijing) or a moment (`2026-03-16T09:30`, Beijing unless it names a zone), as UTC. Raises Fault."""
    from rules.calendar import SHANGHAI

    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text) + timedelta(days=1), time(), SHANGHAI).astimezone(UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Fault(f"时间“{text[:30]}”看不懂", "写成 2026-03-16 或 2026-03-16T09:30") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)).astimezone(UTC)
