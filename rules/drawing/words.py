"""What the documentation calls holders, writers, bodies, branches and statutes. Chinese, for clerks and operators."""

from __future__ import annotations

from config.facts import Branch
from rules.words import ACT_ZH

HOLDER_ZH = {
    "bureau": "信访部门", "partner": "承办单位", "party": "补正方（信访人或承办单位）", "joint_conference": "联席会议", "arbiter": "决定机关", "handoff": "随转送件", "addressee": "受建议单位",
}
ARBITER_ZH = "决定机关：争议双方的共同上级，没有的为联席会议；报请决定的，为本级党委、政府。"
HOLDER_GROUND = {"bureau": "#cfe4ff", "partner": "#cdeed3", "party": "#ffe2c2", "joint_conference": "#ffd3d0", "arbiter": "#e8d8ff", "handoff": "#e2e5e9"}
HOLDER_FRAME = {"bureau": "#0969da", "partner": "#1a7f37", "party": "#bc4c00", "joint_conference": "#cf222e", "arbiter": "#8250df", "handoff": "#57606a"}
END_GROUND, END_FRAME = "#d4d8dd", "#24292f"

WRITER_ZH = {"bureau": "信访部门", "partner": "承办单位", "system": "系统", "arbiter": "决定机关"}
WRITER_SIGN = {"bureau": "信", "partner": "承", "system": "系", "arbiter": "决"}
WRITER_COLOUR = {"bureau": "#0969da", "partner": "#1a7f37", "system": "#57606a", "arbiter": "#8250df"}

VERIFIED_ZH = {"yes": "法定", "quote": "法定（转引）", "memory": "待确认（凭记忆）", "inference": "待确认（推断）", "internal": "内部时限"}

KIND_ZH = {
    "bureau": "信访部门", "court": "人民法院", "procuratorate": "人民检察院", "discipline": "纪检监察机关", "police": "公安机关", "labour_arbitration": "劳动人事争议仲裁委员会",
    "land_arbitration": "农村土地承包仲裁委员会", "commercial_arbitration": "商事仲裁机构", "mediation": "人民调解委员会", "agency": "行政机关", "reconsideration": "行政复议机构",
    "organisation": "组织（人事）部门", "joint_conference": "联席会议", "government": "人民政府", "$organ": "承办的政法机关",
}
"""Kinds of bodies, and the profiles that clocks choose by."""

BRANCH_ZH: dict[Branch, str] = {
    "B1": "建议意见", "B2a": "检举控告：违纪、职务违法和职务犯罪", "B2b": "检举控告：其他违法犯罪", "B2c": "检举控告：干部问题", "B3.1a": "涉法涉诉：人民法院",
    "B3.1b": "涉法涉诉：人民检察院", "B3.1c": "涉法涉诉：公安机关", "B3.1d": "涉法涉诉：正在诉讼中", "B3.2": "仲裁", "B3.3": "党员申诉、监察复审、人事申诉",
    "B3.4": "行政程序", "B3.5": "履行法定职责", "B3.6": "信访程序",
}
LEVEL_RULE_ZH = {"matter": "事项所属层级", "above_matter": "事项的上一级", "above_accused": "被检举控告方的上一级"}
FLAG_ZH = {"simple": "简易办理", "bound": "经裁定或者指定", "by-hand": "人工送达", "deemed-accepted": "依法视为受理", "late-objection": "逾期异议", "late-remedy": "逾期申请", "supplement-asked": "已要求补正"}


def act(message: str) -> str:
    """An act's Chinese name, or the act itself."""
    return ACT_ZH.get(message, message)
