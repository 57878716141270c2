"""What classes and acts are called in Chinese, wherever a clerk or an operator reads them."""

from __future__ import annotations

KLASS_ZH = {"suggestion": "建议意见", "accusation": "检举控告", "claim": "申诉求决", "": "未分类"}

ACT_ZH = {
    "petition.register": "登记", "petition.route": "确定去向", "petition.to_clerk": "交经办人", "petition.note": "备注", "petition.guide": "引导",
    "petition.close": "办结", "petition.after.returned": "退回后", "petition.after.withdrawn": "撤回后", "petition.after.closed": "转送件办结后",
    "handoff.open": "拟转", "handoff.request": "发出转送件", "handoff.cancel": "取消", "receipt": "技术回执", "handoff.signed": "签收",
    "handoff.objected": "提出异议", "objection.upheld": "同意退回", "objection.rejected": "异议不成立", "objection.escalated": "报请协调",
    "ruling.keep": "裁定由该单位受理", "ruling.return": "裁定退回", "ruling.reassign": "收回改派", "handoff.accepted": "受理", "handoff.declined": "不予受理",
    "handoff.forwarded": "转下级", "handoff.progress": "办理进展", "supplement.requested": "要求补充材料", "handoff.suspended": "中止",
    "handoff.resumed": "恢复办理", "handoff.extended": "延期", "handoff.result": "报结", "result.accepted": "审核通过", "result.rework": "退回重办",
    "decline.told": "已告知救济途径", "decline.reroute": "另行转送", "handoff.withdraw": "要求撤回", "withdraw.agreed": "同意撤回",
    "withdraw.refused": "不同意撤回", "handoff.urge": "催办", "handoff.supplement": "补充材料", "clock.warned": "期限提醒", "clock.expired": "期限届满",
    "petition.classify": "甄别更正", "petition.recuse": "经办人回避", "petition.report_up": "报请决定", "petition.conference_up": "报上一级联席会议", "decision.assign": "作出决定",
    "petition.dispute": "提请协调", "petition.designate": "指定受理单位", "petition.dispute_closed": "协调结束", "guide.filed": "引导后已立案",
    "guide.ended": "引导后不再提出", "guide.back": "引导后交回", "petition.split": "拆分", "petition.link": "关联", "petition.review": "复查",
    "petition.rereview": "复核", "petition.reopen": "以新事实再提", "handoff.take_back": "收回", "delivery.by_hand": "人工送达", "handoff.on_paper": "改以纸质往来",
    "acceptance.deemed": "依法视为受理", "hearing.opened": "听证开始", "hearing.closed": "听证结束", "handoff.settled": "调解、和解",
    "handoff.concluded": "依法终结", "handoff.supervise": "督办", "proposal.issue": "提出建议", "proposal.feedback": "建议反馈", "content.erased": "内容清除",
    "duty.open": "立待办", "duty.close": "待办办结", "duty.ring": "待办升级", "flag": "标记", "message.quarantined": "来文存疑", "message.read": "来文重复",
    "message.resend": "重发",
}

MESSAGE_ZH = {
    "handoff.request": "转送件", "handoff.urge": "催办", "handoff.supplement": "补充材料", "handoff.supervise": "督办", "objection.decision": "异议决定",
    "arbitration.ruling": "协调决定", "result.review": "审核意见", "handoff.withdraw": "撤回",
}
"""Messages of the bureau to a body, by their names on the wire."""

OUTCOME_ZH = {"resolved": "已办理", "supported": "支持", "unsupported": "不支持", "declined": "不予受理", "returned": "退回", "withdrawn": "撤回", "other": "其他",
              "mediated": "调解、和解", "concluded": "依法终结", "linked": "已关联", "reassigned": "收回改派", "split": "已拆分"}

PROPOSAL_ZH = {"improve": "改进工作建议", "policy": "完善政策建议", "accountability": "追究责任建议"}
ADOPTED_ZH = {"yes": "采纳", "partly": "部分采纳", "no": "未采纳"}
STAGE_ZH = {"handling": "办理", "review": "复查", "rereview": "复核"}

_AFTER = "petition.after."


def act_zh(act: str) -> str:
    """An act's Chinese name; what has none is a petition's return from a hand-off, or the act itself."""
    return ACT_ZH.get(act) or ("转送件结束" if act.startswith(_AFTER) else act)
