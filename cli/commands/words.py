"""What acts, states and ways are called on a clerk's screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cli.commands.showing import body_name
from rules.words import act_zh

if TYPE_CHECKING:
    from rules.house import House

WRITER_ZH = {"bureau": "信访部门", "partner": "承办单位", "system": "系统", "arbiter": "协调、指定机关"}


def actor_zh(actor: str, house: House) -> str:
    """Who acted: the body's name, or what part they played."""
    writer, _, who = actor.partition(":")
    code, _, clerk = who.partition("#")
    name = WRITER_ZH.get(writer, writer) if code in ("tonglu", "") else body_name(house, code)
    return f"{name}（{clerk}）" if clerk else name


def state_zh(house: House, machine: str, state: str) -> str:
    """A state's Chinese name; empty for none."""
    states = (house.roads.file.petition if machine == "petition" else house.roads.file.handoff).states
    return states[state].zh if state in states else state


def detail_zh(detail: Mapping[str, Any], house: House) -> str:
    """The codes and numbers of a journal row, short."""
    names = {"to": "去向", "body": "单位", "way": "方式", "basis": "依据", "reason_code": "理由", "partner_case_no": "案号", "told_on": "告知日", "limit": "期限",
             "key": "期限名", "days": "天数", "kind": "类别", "code": "代码", "outcome_code": "结果", "document_no": "文号", "round": "轮次",
             "register_no": "登记号", "ground": "情形", "adopted": "采纳", "other": "关联", "to_way": "改走通道", "facts_set": "事实", "parts": "件数", "clerk": "工号", "via": "经由", "what": "来文"}
    parts = []
    for name, value in detail.items():
        if name in names and not (name == "round" and value == 1):
            shown = body_name(house, value) if name in ("to", "body") else act_zh(value) if name == "what" else value
            if name in ("key", "root"):
                shown = house.roads.clock(str(value)).zh if value in {**house.roads.clocks_file.clocks, **house.roads.clocks_file.rungs} else value
            parts.append(f"{names[name]} {shown}")
    return "；".join(parts)
