"""收回改派: when the joint conference may take a case from a body that stays silent, and where it may go then. Pure.

信访工作条例 arts 24(1) and 40(1) let the conference coordinate and the bureau supervise; that a case may be taken away at the end of both is our reading
(gaps.yaml 13). What runs under a law of its own once it is accepted (arts 30, 31(1)-(5)) is nobody's to take sideways: it goes to the next higher body alone.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from config.bodies import Bodies
from rules.calendar import SHANGHAI
from rules.remedies import higher

REASSIGN = "ruling.reassign"
TAKEN, SUPERVISED_BY_LETTER, ACCUSED = "taken-away", "supervision-given", "silenced"
"""Flags of a hand-off: it was taken from its body; the body was supervised; nothing may be said to the body any more."""
# 建议意见 and 信访程序: no other law governs how they are handled.
_PETITION_LAW = ("B1", "B3.6")


@dataclass(frozen=True, slots=True)
class Silence:
    """What the ledger knows of a body's silence, and of those the case was taken from before.

    Attributes:
        may: what the operator chose of gaps.yaml 13.
        at_conference: a limit of the body's ran out, so did the time after 催办 and 督办, and the conference has been asked.
        answer_ends: when the time to answer the supervision is up (aware); None while no supervision is known to have reached the body.
        accused: the body has come to stand on the accused's side, so that nothing may be said to it and it may not keep the case (art 30(3)).
        accepted: the body had accepted the case.
        above: an accusation that belongs to the level above.
        taken: bodies that the case was taken from.
        last: the body it was taken from last, if it had accepted under a law of its own and nobody has had it since.
    """

    may: bool = True
    at_conference: bool = False
    answer_ends: datetime | None = None
    accused: bool = False
    accepted: bool = False
    above: bool = False
    taken: Collection[str] = ()
    last: str | None = None


NONE = Silence()


def own_law(branch: str) -> bool:
    """Whether what is handled in this branch follows a law of its own; so does, to be safe, what has no branch."""
    return branch not in _PETITION_LAW


def too_early(silence: Silence, flags: Collection[str], now: datetime) -> str | None:
    """Why the case must not be taken away yet, in Chinese; None where it may. A body that stands accused has lost it at once."""
    if silence.accused:
        return None
    if not silence.may:
        return "条例没有写明能否收回改派，本单位选择只协调、督办（gaps.yaml 第13项）"
    if not silence.at_conference:
        return "该单位的期限和催办、督办之后的期限还没有都届满，联席会议不能收回改派（条例第四十条）"
    if SUPERVISED_BY_LETTER not in flags:
        return "还没有督办；先督办，期满仍无结果的才能收回改派（条例第四十条）"
    if silence.answer_ends is None:
        return "该单位最近一次办理之后没有送达的督办函；先督办，未送达的改用其他方式送达并办结该项待办"
    if now < silence.answer_ends:
        last = silence.answer_ends.astimezone(SHANGHAI)
        return f"督办之后的答复期限到 {last:%Y-%m-%d %H:%M} 才满，期满仍无结果的才能收回改派"
    return None


def not_to_take(silence: Silence, body: str, branch: str, bodies: Bodies) -> str | None:
    """Why the case is not the conference's to take from this body at all, in Chinese; None where it is."""
    if silence.above:
        return "此件属上级管理权限，由收件机关及其上级处理，不由本级收回改派（检举控告工作规则第十五条）"
    if silence.accepted and own_law(branch) and not silence.accused and (body not in bodies or not higher(body, bodies)):
        return "该单位已依其本法受理，只能改送其上一级机关，而机关目录中没有；请在 bodies.yaml 中写明 superior"
    return None


def not_to_get(silence: Silence, body: str, bodies: Bodies) -> str | None:
    """Why a case that was taken away must not go to this body now, in Chinese; None where it may."""
    if any(body == taken or (taken in bodies and body in bodies.family(taken)) for taken in silence.taken):
        return "联席会议已从该单位收回此件，不得再转给它（条例第二十四条）"
    if silence.last is not None and silence.last in bodies and body not in (upper := higher(silence.last, bodies)):
        return f"原承办单位已依其本法受理，只能改送其上一级机关：{'、'.join(upper)}"
    return None
