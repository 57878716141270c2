"""What a body wrote on paper, as the bureau types it in, held to the very form that the wire asks of a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.wire.fields import COMMON, OPTIONAL, REQUIRED

_SENT_BY_US = frozenset({"handoff.request", "handoff.urge", "handoff.supervise", "handoff.supplement", "objection.decision", "arbitration.ruling",
                         "result.review", "handoff.withdraw"})
_YES_NO = {"true": True, "false": False, "是": True, "否": False, "同意": True, "不同意": False}


def paper_fields(message: str, data: Mapping[str, Any]) -> dict[str, Any] | str:
    """The fields of `message` as the wire would carry them, or in Chinese what is missing or wrong. Names fields, never what was written.

    What is typed is text: a number, a yes or no, and a list of one are made of it where the field wants them.
    """
    required = REQUIRED.get(message)
    if required is None or message in _SENT_BY_US:
        return f"“{message[:40]}”不是对方可以书写的事项；可用的见 docs/wire.md"
    optional = OPTIONAL.get(message, {})
    unknown = sorted(data.keys() - required.keys() - optional.keys() - COMMON.keys())
    if unknown:
        return f"{message} 没有字段 {'、'.join(name[:40] for name in unknown)}；可用的是 {'、'.join((*required, *optional)) or '（无）'}"
    said: dict[str, Any] = {}
    for name, rule in (*required.items(), *optional.items()):
        if name not in data:
            if name == "attachments":
                said[name] = []
            elif name in required:
                return f"{message} 缺少字段 {name}；见 docs/wire.md"
            continue
        fitting = next((value for value in _readings(data[name]) if rule(value) is None), None)
        if fitting is None and rule(None) is not None:
            return f"字段 {name} 不合要求（{rule(data[name])}）"
        said[name] = fitting
    return said


def _readings(value: Any) -> list[Any]:
    if not isinstance(value, str):
        return [value]
    return [value, *([int(value)] if value.isdecimal() and len(value) < 10 else []), *([_YES_NO[value]] if value in _YES_NO else []), [value]]
