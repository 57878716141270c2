"""What acts, states and ways are called on a clerk's screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cli.commands.showing import body_name

if TYPE_CHECKING:
    from rules.house import House

KLASS_ZH = {"suggestion": "建议意见", "accusation": "检举控告", "claim": "申诉求决", "": "未分类"}

ACT_ZH = {
    "petition.register": "登记", "petition.route": "确定去向", "petition.to_clerk": "交经办人", "petition.note": "备注", "petition.guide": "引导",
    "petition.close": "办结", "petition.after.returned": "退回后", "petition.after.withdrawn": "撤回后", "petition.after.closed": "转送件办结后",
    "handoff.open": "拟转", "handoff.request": "发出转送件", "handoff.cancel": "取消", "receipt": "技术回执", "handoff.signed": "签收",
    "handoff.objected": "提出异议", "objection.upheld": "同意退回", "objection.rejected": "异议不成立", "objection.escalated": "报请协调",
    "ruling.keep": "裁定由该单位受理", "ruling.return": "裁定退回", "handoff.accepted": "受理", "handoff.declined": "不予受理",
    "handoff.forwarded": "转下级", "handoff.progress": "办理进展", "supplement.requested": "要求补充材料", "handoff.suspended": "中止",
    "handoff.resumed": "恢复办理", "handoff.extended": "延期", "handoff.result": "报结", "result.accepted": "审核通过", "result.rework": "退回重办",
    "decline.told": "已告知救济途径", "decline.reroute": "另行转送", "handoff.withdraw": "要求撤回", "withdraw.agreed": "同意撤回",
    "withdraw.refused": "不同意撤回", "handoff.urge": "催办", "handoff.supplement": "补充材料", "clock.warned": "期限提醒", "clock.expired": "期限届满",
    "duty.open": "立待办", "duty.close": "待办办结", "duty.ring": "待办升级", "flag": "标记", "message.quarantined": "来文存疑", "message.read": "来文重复",
}

WRITER_ZH = {"bureau": "信访部门", "partner": "承办单位", "system": "系统", "arbiter": "联席会议"}

OUTBOX_ZH = {"QUEUED": "待发", "SENDING": "发送中", "RECEIPTED": "已回执", "WEAK_RECEIPT": "无签名回执", "RETRY_WAIT": "待重试", "UNKNOWN": "不明", "DEAD": "送不到"}


def act_zh(act: str) -> str:
    """An act's Chinese name, or the act itself."""
    return ACT_ZH.get(act, act)


def actor_zh(actor: str, house: House) -> str:
    """Who acted: the body's name, or what part they played."""
    writer, _, code = actor.partition(":")
    return WRITER_ZH.get(writer, writer) if code in ("tonglu", "") else body_name(house, code)


def state_zh(house: House, machine: str, state: str) -> str:
    """A state's Chinese name; empty for none."""
    states = (house.roads.file.petition if machine == "petition" else house.roads.file.handoff).states
    return states[state].zh if state in states else state


def detail_zh(detail: Mapping[str, Any], house: House) -> str:
    """The codes and numbers of a journal row, short."""
    names = {"to": "去向", "body": "单位", "way": "方式", "basis": "依据", "reason_code": "理由", "partner_case_no": "案号", "told_on": "告知日", "limit": "期限",
             "key": "期限名", "days": "天数", "kind": "类别", "code": "代码", "outcome_code": "结果", "document_no": "文号", "round": "轮次"}
    parts = []
    for name, value in detail.items():
        if name in names and not (name == "round" and value == 1):
            shown = body_name(house, value) if name in ("to", "body") else value
            if name in ("key", "root"):
                shown = house.roads.clock(str(value)).zh if value in {**house.roads.clocks_file.clocks, **house.roads.clocks_file.rungs} else value
            parts.append(f"{names[name]} {shown}")
    return "；".join(parts)
