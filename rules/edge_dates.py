"""Days that an act names: none before the petition came, none that has not been yet. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from rules.calendar import SHANGHAI

# What is told is told on a day (Beijing); each is a day of something that has happened.
PAST_DAYS: Mapping[str, str] = {
    "told_on": "告知日期", "filed_on": "立案、受理日期", "feedback_on": "书面反馈日期", "agreed_on": "协议日期", "delivered_on": "送达日期",
    "opened_on": "听证开始日期", "closed_on": "听证结束日期",
}


def wrong_day(data: Mapping[str, Any], received_at: datetime, now: datetime) -> str | None:
    """Why a day that this act names cannot be right, in Chinese for whoever wrote it; None where all can.

    Args:
        received_at, now: aware. A petition whose sender's watch runs ahead was received today at the latest.
    """
    today = now.astimezone(SHANGHAI).date()
    first = min(received_at.astimezone(SHANGHAI).date(), today)
    for name, zh in PAST_DAYS.items():
        if not data.get(name):
            continue
        day = day_of(data[name])
        if day is None:
            return f"{zh}看不懂；请写成 {today.isoformat()} 这样的日期"
        if day > today:
            return f"{zh} {day.isoformat()} 在将来；今天是 {today.isoformat()}，请写实际的日期"
        if day < first:
            return f"{zh} {day.isoformat()} 早于收到信访事项之日 {first.isoformat()}；请核对日期"
    return None


def day_of(value: object) -> date | None:
    """A day written as `2026-03-16`, or None for anything else."""
    if not isinstance(value, str) or len(value) != 10:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
