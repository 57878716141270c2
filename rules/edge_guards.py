"""Guards of the road map: what must hold before an edge may be taken. Named in roadmap.yaml, written here, nowhere else."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from config.bodies import Bodies
from config.body import code_of
from config.facts import NAMES, Facts
from rules import reassigning
from rules.guards import Blocked, may_send
from rules.remedies import higher

# handoff-protocol 1.10: a case that comes back this often in all is a dispute, not a mistake.
MOST_RETURNS = 3
REFUSED = "send-refused"
CONFERENCE_UP = "conference.up"
CONFIRMED = "acceptance-confirmed"
# Correcting these would let material about an accused body travel to it after all.
NEVER_REPLACED = ("accused", "accused_body", "accused_level")
# Whether this is the matter that is pending elsewhere is for a clerk to say, with reasons (petition.classify), and not by the way (petition.route).
NEVER_BY_THE_WAY = (*NEVER_REPLACED, "pending_elsewhere")
SUPERVISION_GROUNDS: Mapping[str, str] = {
    "improper": "未按规定受理或者办理",
    "shirking": "推诿、敷衍、拖延、弄虚作假",
    "not-executed": "拒不执行信访处理意见",
    "overdue": "逾期未办结",
    "no-feedback": "未按要求反馈结果",
}
"""信访工作条例 art 40(1); the last two stood apart in the regulation of 2005 (art 36) and are kept as kinds of delay (inference)."""
_PETITION_NO = re.compile(r"XF[0-9]{20}")
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


@dataclass(frozen=True, slots=True)
class Situation:
    """What a guard may look at. `body` is the one the hand-off goes to; `data` is what the message says.

    `heard_at`: when the message reached us; `window_ends`: when the time to object ends, None before delivery.
    `branch` and `way`: of the hand-off, or of the one that the act would open. `stage`: how far the petition has come: handling, review, rereview.
    `last_body`: whose answer is to be reviewed, for a review; `known`: what the ledger knew before the act; `remedy_ends`: until when the petitioner may ask for the next remedy, None before an answer.
    `late_remedy`: whether one asked for later may be let in with a reason. `silence`: how long the body has said nothing, and whom the case was taken from.
    `open_duties`: kinds of duties that are open for the hand-off, or for the petition, where the act asks for them. `conference_above`: the joint conference
    that could be asked next.
    """

    bureau: str
    body: str
    facts: Mapping[str, Any]
    data: Mapping[str, Any]
    round: int
    flags: Collection[str]
    refused_grounds: Collection[str]
    returned_by: Collection[str]
    delivered_at: datetime | None
    bodies: Bodies
    heard_at: datetime | None = None
    window_ends: datetime | None = None
    branch: str = ""
    way: str = ""
    stage: str = "handling"
    last_body: str | None = None
    remedy_ends: datetime | None = None
    known: Mapping[str, Any] = field(default_factory=dict)
    late_remedy: bool = True
    petition_state: str = ""
    silence: reassigning.Silence = reassigning.NONE
    open_duties: Collection[str] = ()
    conference_above: str | None = None


@dataclass(frozen=True, slots=True)
class No:
    """The edge is refused; `why` is for the clerk and names nothing personal."""

    why: str


@dataclass(frozen=True, slots=True)
class Mark:
    """The edge is allowed, and the hand-off carries this flag from now on."""

    flag: str


Verdict = No | Mark | None
Guard = Callable[[Situation], Verdict]


def ground(reason_code: object) -> str:
    """The ground of an objection as the ledger may hold it: the code, or, where a sentence stands in its place, its digest. Empty for none."""
    text = str(reason_code or "").strip()
    return text if not text or _CODE.fullmatch(text) else f"sha-256:{hashlib.sha256(text.encode()).hexdigest()[:48]}"


def _needs(why: str, *names: str) -> Guard:
    def guard(at: Situation) -> Verdict:
        return None if all(at.data.get(name) for name in names) else No(why)

    return guard


def _accusation_shielded(at: Situation) -> Verdict:
    for name in NEVER_BY_THE_WAY:
        if at.known.get(name) is not None and at.facts.get(name) != at.known[name]:
            return No(f"{NAMES[name]}已登记，不能在转送时改写；请先补正事实并说明理由")
    return _sendable(at, at.body, at.bureau)


def _sendable(at: Situation, to: str, via: str) -> Verdict:
    try:
        facts = Facts.model_validate(dict(at.facts))
    except ValidationError:
        return No("登记的事实不合格式，无从核对是否涉及被检举控告单位，须先补正")
    verdict = may_send(facts, at.bodies.get(to), at.bodies, via=(via,))
    return No(verdict.reason) if isinstance(verdict, Blocked) else None


def _not_a_loop(at: Situation) -> Verdict:
    if at.body in at.returned_by:
        return No("该单位此前已退回此件，应提请共同上一级或联席会议协调（条例第二十四条）")
    if len(at.returned_by) >= MOST_RETURNS:
        return No("此件已被退回三次，应提请联席会议协调（条例第二十四条）")
    return None


def _new_ground(at: Situation) -> Verdict:
    return No("同一理由的异议已被驳回，不得再次提出") if ground(at.data.get("reason_code")) in at.refused_grounds else None


def _flags_late_objection(at: Situation) -> Verdict:
    # A late objection is stored and decided by the bureau: XF 23(3) gives the limit but no consequence.
    # It is late when it reached us late, not when we came to read it late.
    if at.window_ends is not None and at.heard_at is not None:
        return Mark("late-objection") if at.heard_at >= at.window_ends else None
    return Mark("late-objection") if "objection-window-closed" in at.flags else None


def _own_subordinate(at: Situation) -> Verdict:
    code = code_of(str(at.data.get("to_subordinate", "")))
    if code not in at.bodies or at.body not in at.bodies.above(code):
        return No("只能转给本系统下级单位；转给其他单位应提出异议（条例第二十三条）")
    return _sendable(at, code, at.body)


def _extension_allowed(at: Situation) -> Verdict:
    if "extended" in at.flags:
        return No("办理期限只能延长一次（条例第三十四条）")
    return Mark("extended") if at.data.get("approver") and at.data.get("reason") else No("延期须经负责人批准并说明理由（条例第三十四条）")


def _not_under_review(at: Situation) -> Verdict:
    return None if at.stage == "handling" else No("此件在复查、复核程序中，应送复查、复核机关，不另行转送")


def _simple_allowed(at: Situation) -> Verdict:
    """简易办理 (信访事项简易办理办法 arts 4, 5): asked for and not ruled out; where it is ruled out the petition simply takes the ordinary road."""
    ruled_out = at.branch != "B3.6" or at.way == "交办" or at.facts.get("first_time") is not True or int(at.facts.get("joint") or 1) > 1
    return Mark("simple") if at.facts.get("simple") and not ruled_out else None


def _facts_kept(at: Situation) -> Verdict:
    told = at.data.get("facts")
    if not isinstance(told, Mapping) or not told:
        return No("须写明要补正的事实")
    for name in NEVER_REPLACED:
        if name in told and name in at.facts and told[name] != at.facts[name]:
            return No(f"{NAMES[name]}已登记，不能改写；确有错误的，应办结后重新登记")
    try:
        Facts.model_validate({**at.facts, **told})
    except ValidationError:
        return No("事实的值不合要求；可用的事实和取值见 docs/routing.md")
    return None


def _remedy(stage: str, article: str) -> Guard:
    """复查 and 复核 belong to art 31(6) alone, each after the step before it, within thirty days of the written answer."""

    def guard(at: Situation) -> Verdict:
        before = "handling" if stage == "review" else "review"
        if at.branch != "B3.6":
            return No("只有信访程序（第三十一条第六项）的事项可以复查、复核；其他事项依其本法救济")
        if at.stage not in (before, stage):
            return No("尚未办理答复，不能复查" if stage == "review" else "尚未复查，或已经复核，不能复核")
        if at.stage == stage:
            # It was asked for in time and the body it went to has given it back: then the clerk has it. One that was answered or declined is over.
            return None if at.petition_state == "WITH_CLERK" else No(f"{'复查' if stage == 'review' else '复核'}已经办结，不能再次提出（{article}）")
        if at.remedy_ends is None:
            return No("没有书面答复的日期，无从起算三十日")
        if at.heard_at is not None and at.heard_at >= at.remedy_ends:
            # Only local law says what becomes of a late request (gaps.yaml 6): the clerk decides, and the case says that it was late; or it is refused.
            if not at.late_remedy:
                return No(f"已过收到书面答复之日起三十日（{article}），不予受理（gaps.yaml 第6项）")
            return Mark("late-remedy") if at.data.get("late_reason") else No(f"已过收到书面答复之日起三十日（{article}）；确有正当理由的，写明理由")
        return None

    return guard


def _next_higher(at: Situation) -> Verdict:
    if at.last_body is None or at.last_body not in at.bodies:
        return No("原办理机关不在机关目录中，无从确定其上一级")
    allowed = higher(at.last_body, at.bodies)
    return None if at.body in allowed else No(f"应送原办理机关的上一级机关：{'、'.join(sorted(allowed)) or '目录中没有，须先补写'}")


def _surely_refused(at: Situation) -> Verdict:
    return None if REFUSED in at.flags else No("不能确定对方没有收到；未确知被拒收的，只能要求撤回")


def _supervision_ground(at: Situation) -> Verdict:
    return None if at.data.get("ground") in SUPERVISION_GROUNDS else No(f"督办须写明条例第四十条的情形：{'、'.join(SUPERVISION_GROUNDS)}")


def _round_current(at: Situation) -> Verdict:
    return None if at.data.get("round", at.round) == at.round else No("办结报告的轮次与当前轮次不符")


def _supervised_in_vain(at: Situation) -> Verdict:
    why = "没有登记时间，无从核对督办期限" if at.heard_at is None else reassigning.too_early(at.silence, at.flags, at.heard_at)
    return No(why) if why else None


def _own_law_kept(at: Situation) -> Verdict:
    why = reassigning.not_to_take(at.silence, at.body, at.branch, at.bodies)
    return No(why) if why else None


def _not_taken_from(at: Situation) -> Verdict:
    why = reassigning.not_to_get(at.silence, at.body, at.bodies)
    return No(why) if why else None


def _conference_silent(at: Situation) -> Verdict:
    if CONFERENCE_UP not in at.open_duties:
        return No("联席会议的期限还没有届满，不必报上一级")
    return None if at.conference_above is not None else No("机关目录中没有更高一级、又不在被反映一方的联席会议；由现在的联席会议继续持有")


GUARDS: Mapping[str, Guard] = {
    "accusation_shielded": _accusation_shielded,
    "not_a_loop": _not_a_loop,
    "names_office": _needs("签收须写明承办机构和签收时间", "office", "signed_at"),
    "reasons_given": _needs("须写明理由", "reason"),
    "new_ground": _new_ground,
    "flags_late_objection": _flags_late_objection,
    "materials_listed": _needs("同意退回须列明交还材料清单（条例第二十三条）", "materials"),
    "case_number_given": _needs("受理须写明案号和告知信访人的日期", "partner_case_no", "told_on"),
    "remedy_given": _needs("不予受理须写明法律依据、理由和救济途径", "legal_basis", "reason", "remedy"),
    "own_subordinate": _own_subordinate,
    "extension_allowed": _extension_allowed,
    "round_current": _round_current,
    "petitioner_told": _needs("须写明告知信访人的日期", "told_on"),
    "not_under_review": _not_under_review,
    "simple_allowed": _simple_allowed,
    "facts_kept": _facts_kept,
    "names_clerk": _needs("须写明回避的经办人", "clerk"),
    "review_open": _remedy("review", "条例第三十五条"),
    "rereview_open": _remedy("rereview", "条例第三十六条"),
    "next_higher": _next_higher,
    "new_facts_given": _needs("须写明新的事实和理由", "new_facts"),
    "filing_named": _needs("须写明立案、受理的文号和日期", "partner_case_no", "filed_on"),
    "parts_given": lambda at: None if int(at.data.get("parts") or 0) >= 2 else No("拆分须写明至少两件"),
    "names_other": lambda at: None if _PETITION_NO.fullmatch(str(at.data.get("other") or "")) else No("须写明所关联的信访事项编号"),
    "surely_refused": _surely_refused,
    "paper_named": _needs("人工送达须写明登记号、送达日期和收件岗位", "register_no", "delivered_on", "signed_by"),
    "not_bound": lambda at: No("裁定、指定具有约束力，不得再提异议（条例第二十四条）") if "bound" in at.flags else None,
    "only_deemed": lambda at: Mark(CONFIRMED) if "deemed-accepted" in at.flags and CONFIRMED not in at.flags else No("此件已经受理"),
    "agreement_named": _needs("须写明协议的日期", "agreed_on"),
    "document_named": _needs("须写明文书号", "document_no"),
    "litigation_only": lambda at: None if at.branch.startswith("B3.1") else No("依法终结只适用于涉法涉诉事项（条例第三十一条第一项）"),
    "supervision_ground": _supervision_ground,
    "supervised_in_vain": _supervised_in_vain,
    "own_law_kept": _own_law_kept,
    "not_taken_from": _not_taken_from,
    "conference_silent": _conference_silent,
    "letters_undelivered": lambda at: None if "undelivered" in at.open_duties else No("没有送不到的文书；对方系统能收的，由其系统往来"),
    "withdraw_was_asked": lambda at: None if "withdraw-asked" in at.flags else No("信访部门没有要求撤回"),
}
