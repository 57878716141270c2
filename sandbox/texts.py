"""What invented bodies say: the `data` of their messages. No word of it comes from a petition."""

from datetime import datetime

from connectors.wire.times import format_time
from sandbox.case import Case
from sandbox.instants import beijing_day
from sandbox.kinds import kind_of

PROGRESS = "已调取有关材料并开展核查，正在按程序办理。"
RESOLVED, UNSUPPORTED, KEPT = "resolved", "incomplete", "unsupported"
# 复查, 复核: what a request is called on its `way`, and which step of the remedies it is.
REMEDIES = {"复查": 1, "复核": 2}
_REMEDY_ZH = {step: zh for zh, step in REMEDIES.items()}


def signed(case: Case, now: datetime) -> dict[str, object]:
    """`handoff.signed`: who took it in, and when."""
    kind = kind_of(case.body)
    return {"office": kind.office, "person_role": kind.role, "signed_at": format_time(now)}


def accepted(case: Case, now: datetime) -> dict[str, object]:
    """`handoff.accepted`: case number, procedure, the day the petitioner was told."""
    return {"partner_case_no": case.case_no, "procedure": _REMEDY_ZH.get(case.memory.get("remedy", 0), kind_of(case.body).procedure), "told_on": beijing_day(now)}


def declined(case: Case) -> dict[str, object]:
    """`handoff.declined`: the law, the reason, the remedy and its limit."""
    kind = kind_of(case.body)
    return {
        "legal_basis": kind.decline_basis,
        "reason": "经审查，所提事项不符合法定受理条件。",
        "remedy": kind.remedy,
        "remedy_limit": kind.remedy_limit,
    }


def objection(code: str, reason: str, suggested_body: str | None) -> dict[str, object]:
    """`handoff.objected` under art 23(3) of the regulations on petition work."""
    return {
        "reason_code": code,
        "reason": reason,
        "suggested_body": suggested_body,
        "legal_basis": "《信访工作条例》第二十三条第三款",
    }


def supplement() -> dict[str, object]:
    """`supplement.requested`: what the petitioner is to bring."""
    return {"items": ["身份证明复印件", "与所提事项有关的合同或凭证"], "party": "petitioner"}


def extension(days: int) -> dict[str, object]:
    """`handoff.extended`, once, with the approver's office."""
    return {"approver": "本机关负责人", "reason": "情况复杂，需进一步调查取证。", "days": days}


def result(case: Case) -> dict[str, object]:
    """`handoff.result` that answers the request, on the facts and the law."""
    document_no = f"{case.case_no}-{case.round}"
    remedy = _REMEDY_ZH.get(case.memory.get("remedy", 0))
    if remedy is not None:
        opinion = f"经{remedy}，原处理意见事实清楚、依据充分，予以维持。"
        return {"outcome_code": KEPT, "document_no": document_no, "opinion": opinion, "attachments": []}
    return {
        "outcome_code": RESOLVED,
        "document_no": document_no,
        "opinion": "经调查核实，所提诉求部分成立，已依法作出处理并当面答复；有关依据和救济途径已一并告知。",
        "attachments": [],
    }


def thin_result(case: Case) -> dict[str, object]:
    """`handoff.result` that cannot stand: no facts, no legal basis."""
    return {
        **result(case),
        "outcome_code": UNSUPPORTED,
        "opinion": "已阅，情况属实，正在研究。（未列事实认定与法律依据）",
    }


def settled(case: Case, now: datetime) -> dict[str, object]:
    """`handoff.settled`: the agreement, its day and number."""
    return {
        "kind": "mediation",
        "agreed_on": beijing_day(now),
        "document_no": f"{case.case_no}-{case.round}调",
        "opinion": "双方自愿达成调解协议，约定履行期限；已告知可在三十日内共同申请司法确认。",
    }


def concluded(case: Case) -> dict[str, object]:
    """`handoff.concluded`: the organ's own document and law."""
    return {
        "document_no": f"{case.case_no}-{case.round}终",
        "legal_basis": "《信访工作条例》第三十一条第一项",
        "opinion": "法律程序已经穷尽，依法终结；终结意见已书面告知当事人。",
    }
