"""Guards of the road map: what must hold before an edge may be taken. Named in roadmap.yaml, written here, nowhere else."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config.bodies import Bodies
from config.facts import Facts
from rules.guards import Blocked, may_send

# handoff-protocol 1.10: a case that comes back this often in all is a dispute, not a mistake.
MOST_RETURNS = 3
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


@dataclass(frozen=True, slots=True)
class Situation:
    """What a guard may look at. `body` is the one the hand-off goes to; `data` is what the message says.

    `heard_at`: when the message reached us; `window_ends`: when the time to object ends, None before delivery.
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
    verdict = may_send(Facts.model_validate(dict(at.facts)), at.bodies.get(at.body), at.bodies, via=(at.bureau,))
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
    code = str(at.data.get("to_subordinate", "")).removeprefix("urn:xf:").replace(":", "-")
    if code not in at.bodies or at.body not in at.bodies.above(code):
        return No("只能转给本系统下级单位；转给其他单位应提出异议（条例第二十三条）")
    verdict = may_send(Facts.model_validate(dict(at.facts)), at.bodies.get(code), at.bodies, via=(at.body,))
    return No(verdict.reason) if isinstance(verdict, Blocked) else None


def _extension_allowed(at: Situation) -> Verdict:
    if "extended" in at.flags:
        return No("办理期限只能延长一次（条例第三十四条）")
    return Mark("extended") if at.data.get("approver") and at.data.get("reason") else No("延期须经负责人批准并说明理由（条例第三十四条）")


def _round_current(at: Situation) -> Verdict:
    return None if at.data.get("round", at.round) == at.round else No("办结报告的轮次与当前轮次不符")


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
    "withdraw_was_asked": lambda at: None if "withdraw-asked" in at.flags else No("信访部门没有要求撤回"),
}
