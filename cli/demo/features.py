"""这次演示走过的路: what a whole demonstration promises to show, and which petitions showed it. Asked of the ledger alone."""

from __future__ import annotations

from dataclasses import dataclass

from models.db import Connection

# So many virtual days a demonstration needs until the last of its roads has been gone to the end.
WHOLE = 30
BRANCHES = {
    "B1": "建议意见", "B2a": "检举控告：纪检监察", "B2b": "检举控告：其他违法", "B2c": "检举控告：干部问题", "B3.1a": "涉法涉诉：法院", "B3.1b": "涉法涉诉：检察院",
    "B3.1c": "涉法涉诉：公安", "B3.1d": "涉法涉诉：已在诉讼中", "B3.2": "仲裁", "B3.3": "党员申诉、复审", "B3.4": "行政程序", "B3.5": "履行职责", "B3.6": "信访程序",
}


Query = tuple[str, tuple[str, ...]]
"""SQL that selects petition numbers, and its parameters."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One promised road. `queries`: a petition went it that all of them select."""

    key: str
    zh: str
    basis: str
    queries: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """How many petitions went a road, and one of them as an example ("" for none)."""

    key: str
    zh: str
    basis: str
    count: int
    example: str


_ACT = "select petition_no from journal where act = %s"
_THEN = """select a.petition_no from journal a join journal b using (petition_no)
           where a.act = %s and b.act = %s and b.seq > a.seq and a.handoff_id is not distinct from b.handoff_id"""
_AFTER = "select a.petition_no from journal a join journal b using (petition_no) where a.act = %s and b.act = %s and b.seq > a.seq"
_RULED = "select petition_no from journal where act in ('ruling.keep', 'ruling.return', 'petition.designate') and actor like %s"
_PROPOSED = "select petition_no from proposal where kind = %s and feedback_on is not null"
_DUTY = "select petition_no from duty where kind = %s and closed_at is not null and closed_by like %s"
_BRANCH = "select petition_no from petition where branch = %s and handoffs > 0"
_REPORTED = """select petition_no from duty where kind = 'report.grave' and closed_at <= due_at and closed_by like 'bureau:%%'
               group by petition_no having count(*) >= 2"""
_PAPER = "select petition_no from journal where act = 'handoff.result' and detail->>'via' = 'by-hand'"
_DESK = """select r.petition_no from journal r where r.act = 'handoff.result' and r.detail->>'via' = 'by-hand'
           and not exists (select 1 from journal d where d.handoff_id = r.handoff_id and d.act = 'delivery.by_hand')"""
_BUREAU = "bureau:%"


def _plain(sql: str) -> tuple[Query, ...]:
    return ((sql, ()),)


def _acts(*acts: str) -> tuple[Query, ...]:
    """In the journal every one of these acts stands."""
    return tuple((_ACT, (act,)) for act in acts)


def _then(first: str, later: str) -> tuple[Query, ...]:
    """`first` and, after it, `later`, on the same hand-off."""
    return ((_THEN, (first, later)),)


def _after(first: str, later: str) -> tuple[Query, ...]:
    """`first` and, after it, `later`, on whatever hand-off."""
    return ((_AFTER, (first, later)),)


def _ruled(by: str) -> tuple[Query, ...]:
    return ((_RULED, (f"arbiter:{by}-%",)),)


def _proposed(kind: str) -> tuple[Query, ...]:
    return ((_PROPOSED, (kind,)),)


FEATURES: tuple[Feature, ...] = (
    *(Feature(f"branch.{branch}", f"分支 {branch} {zh}", "条例 29–31", ((_BRANCH, (branch,)),)) for branch, zh in BRANCHES.items()),
    Feature("situations", "具名情形", "条例 31", _plain("select petition_no from petition where facts ? 'situation' and handoffs > 0")),
    Feature("objection.upheld", "异议成立：退回并改送", "条例 23(3)", _after("objection.upheld", "petition.route")),
    Feature("objection.rejected", "异议不成立：仍由该单位受理", "条例 23(3)", _then("objection.rejected", "handoff.accepted")),
    Feature("dispute.superior", "争议由共同上级裁定", "条例 24(1)", _ruled("government")),
    Feature("dispute.conference", "联席会议裁定、指定受理", "条例 24(1), 38", _ruled("joint_conference")),
    Feature("looped", "三次退回：转争议协调", "条例 24(1)", _plain("select petition_no from journal where to_state = 'DISPUTED' and act = 'petition.after.returned'")),
    Feature("ruling.kept", "裁定后不得再异议，受理办理", "条例 24(1)", _then("ruling.keep", "handoff.accepted")),
    Feature("designated", "指定受理单位后办理", "条例 24(1)", _after("petition.designate", "handoff.accepted")),
    Feature("review", "复查后有复查意见", "条例 35", _plain("select petition_no from handoff where stage = 'review' and state = 'CLOSED' and outcome <> ''")),
    Feature("rereview", "复核后终结", "条例 36", _plain("select petition_no from petition where state = 'CONCLUDED'")),
    Feature("no_more", "已经复核，不再受理", "条例 36(3)", _plain("select petition_no from petition where state = 'CLOSED' and handoffs = 0 and facts->>'reviewed' = 'true'")),
    Feature("reopened", "以新的事实再提", "条例 36(3)", _after("petition.reopen", "petition.route")),
    Feature("proposal.improve", "改进工作建议，有书面反馈", "条例 40(2), 40(4)", _proposed("improve")),
    Feature("proposal.policy", "完善政策建议，有书面反馈", "条例 40(3), 40(4)", _proposed("policy")),
    Feature("proposal.accountability", "追究责任建议，有书面反馈", "条例 40(3), 40(4)", _proposed("accountability")),
    Feature("guided.filed", "走访引导，跟到有权机关立案", "条例 20(2), 22(2)", _after("petition.guide", "guide.filed")),
    Feature("guided.back", "引导未成，收回另行处理", "条例 22(2)", _after("petition.guide", "guide.back")),
    Feature("deemed", "复议机关不作声：依法视为受理", "行政复议法 30", _then("acceptance.deemed", "handoff.result")),
    Feature("simple", "简易办理", "简易办理办法 4、5", _plain("select petition_no from handoff where 'simple' = any(flags)")),
    Feature("hearing", "听证", "条例 31(6)", _then("hearing.opened", "hearing.closed")),
    Feature("settled", "调解成功，告知司法确认", "条例 33；人民调解法 33", (*_acts("handoff.settled"), (_DUTY, ("judicial.confirmation", _BUREAU)))),
    Feature("concluded", "依法终结", "条例 31(1)", _then("handoff.concluded", "result.accepted")),
    Feature("split", "混合信件拆分", "条例 30(3)", _plain("select parent_petition_no from petition where parent_petition_no is not null and handoffs > 0")),
    Feature("linked", "重复、他处在办：关联首件", "条例 19(3)", _acts("petition.link")),
    Feature("grave.reported", "重大紧急：立即向两级报告", "条例 25", _plain(_REPORTED)),
    Feature("grave.decided", "报请决定后再转送", "条例 22(1)1", _after("decision.assign", "petition.route")),
    Feature("taken_back", "被拒收后收回改送", "", _after("handoff.take_back", "petition.route")),
    Feature("by_hand", "人工送达，纸面办结", "条例 22", (*_acts("delivery.by_hand"), *_plain(_PAPER))),
    Feature("recorded", "无系统的单位：代录", "", _plain(_DESK)),
    Feature("withdrawn", "要求撤回，对方同意", "", _then("handoff.withdraw", "withdraw.agreed")),
    Feature("warned", "期限将满提醒", "", _acts("clock.warned")),
    Feature("urged", "催办后签收", "条例 40(1)", _then("handoff.urge", "handoff.signed")),
    Feature("supervised", "督办后签收", "条例 40(1)", _then("handoff.supervise", "handoff.signed")),
    Feature("conference", "督办无果：联席会议", "条例 38", _plain("select petition_no from duty where kind = 'conference'")),
    Feature("reassigned", "督办无果：联席会议收回改派，另一单位办理", "条例 24(1), 40(1)", (*_after("ruling.reassign", "handoff.accepted"), (_DUTY, ("reassign.tell", _BUREAU)))),
    Feature("declined", "不予受理，告知救济", "条例 23", _acts("handoff.declined", "decline.told")),
    Feature("declined.rerouted", "不予受理，另行转送", "条例 22(1)", _after("decline.reroute", "petition.route")),
    Feature("reworked", "退回重办后通过", "条例 22(1)3", _then("result.rework", "result.accepted")),
    Feature("suspended", "补充材料、中止、恢复", "", _then("handoff.suspended", "handoff.resumed")),
    Feature("recused", "经办人回避，换人办理", "条例 28(3)", _after("petition.recuse", "petition.route")),
    Feature("classified", "经办人查明事实后转送", "条例 21(2)", _after("petition.classify", "petition.route")),
    Feature("erased", "上级管理的检举：本级内容清除", "检举控告工作规则 15", _acts("content.erased")),
    Feature("joint", "多人共同信访", "条例 20(3)", _plain("select petition_no from petition where facts ? 'joint' and handoffs > 0")),
)


def shown(connection: Connection) -> list[Shown]:
    """How often each road was gone, in the order of `FEATURES`."""
    found = []
    for feature in FEATURES:
        went = set.intersection(*({number for (number,) in connection.execute(sql, params)} for sql, params in feature.queries))
        found.append(Shown(feature.key, feature.zh, feature.basis, len(went), min(went, default="")))
    return found
