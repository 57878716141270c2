"""What the road map may not lose: the acts that the law or the product itself takes by name, who takes them, and what must be known first.

An operator may add to the road map. What stands here cannot be edited away: either the law gives the act (its article beside it), or console,
flows and door take it by this name and would be refused, or the door writes down what the guard has asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from config.roadmap import Stage, Writer


@dataclass(frozen=True, slots=True)
class Act:
    """Who takes it and by which article; guards it may not lose; what it sends, extends, marks or owes; the stage of the hand-off it opens.

    `leads`: who holds the case after it (a holder of roadmap.yaml), or `end`; None where that is open.
    """

    writer: Writer
    basis: str
    guards: frozenset[str] = field(default_factory=frozenset)
    sends: str | None = None
    extends: str | None = None
    flag: str | None = None
    duty: str | None = None
    stage: Stage = "handling"
    by_hand: bool = False
    leads: str | None = None


def _act(writer: Writer, basis: str, *guards: str, sends: str | None = None, extends: str | None = None, flag: str | None = None, duty: str | None = None,
         stage: Stage = "handling", by_hand: bool = False, leads: str | None = None) -> Act:
    return Act(writer, basis, frozenset(guards), sends, extends, flag, duty, stage, by_hand, leads)


PETITION: Mapping[str, Act] = {
    "petition.route": _act("bureau", "XF 22(1)", "accusation_shielded", "not_taken_from", "not_a_loop", "not_under_review", "simple_allowed", leads="handoff"),
    "petition.to_clerk": _act("bureau", "XF 21(2)", leads="bureau"),
    "petition.note": _act("bureau", "XF 21(2)"),
    "petition.classify": _act("bureau", "XF 21(2)", "facts_kept"),
    "petition.recuse": _act("bureau", "XF 28(3)", "names_clerk"),
    "petition.conference_up": _act("bureau", "XF 24(1)", "conference_silent"),
    "petition.report_up": _act("bureau", "XF 22(1)1", leads="arbiter"),
    "decision.assign": _act("arbiter", "XF 22(1)1", leads="bureau"),
    "petition.dispute": _act("bureau", "XF 24(1)", leads="arbiter"),
    "petition.designate": _act("arbiter", "XF 24(1)", "accusation_shielded", "not_taken_from", flag="bound", leads="handoff"),
    "petition.dispute_closed": _act("arbiter", "XF 24(1)", leads="bureau"),
    "petition.guide": _act("bureau", "XF 20(2), 22(2)", "petitioner_told", leads="bureau"),
    "guide.filed": _act("bureau", "XF 22(2)", "filing_named", leads="end"),
    "guide.ended": _act("bureau", "XF 22(2)", "petitioner_told", leads="end"),
    "guide.back": _act("bureau", "XF 22(2)", leads="bureau"),
    "petition.split": _act("bureau", "XF 30(3)", "parts_given", leads="end"),
    "petition.link": _act("bureau", "XF 19(3)", "names_other", "petitioner_told", leads="end"),
    "petition.close": _act("bureau", "XF 19(3), 36(3)", "petitioner_told", leads="end"),
    "petition.review": _act("bureau", "XF 35", "review_open", "next_higher", "not_taken_from", "accusation_shielded", stage="review", leads="handoff"),
    "petition.rereview": _act("bureau", "XF 36(1)", "rereview_open", "next_higher", "not_taken_from", "accusation_shielded", stage="rereview", leads="handoff"),
    "petition.reopen": _act("bureau", "XF 36(3)", "new_facts_given", leads="bureau"),
}

HANDOFF: Mapping[str, Act] = {
    "handoff.request": _act("bureau", "XF 22(1)", "accusation_shielded", sends="handoff.request", leads="bureau"),
    "receipt": _act("system", "handoff-protocol 1.4", leads="partner"),
    "handoff.take_back": _act("bureau", "handoff-protocol 1.8", "surely_refused", leads="end"),
    "delivery.by_hand": _act("bureau", "XF 22", "paper_named", flag="by-hand", by_hand=True, leads="partner"),
    "handoff.on_paper": _act("bureau", "XF 22", "paper_named", "letters_undelivered", flag="by-hand", by_hand=True),
    "handoff.signed": _act("partner", "handoff-protocol 1.4", "names_office", leads="partner"),
    "handoff.objected": _act("partner", "XF 23(3)", "not_bound", "reasons_given", "new_ground", "flags_late_objection", leads="bureau"),
    "objection.upheld": _act("bureau", "XF 23(3)", "materials_listed", sends="objection.decision", leads="end"),
    "objection.rejected": _act("bureau", "XF 23(3)", "reasons_given", sends="objection.decision", leads="partner"),
    "objection.escalated": _act("bureau", "XF 24(1)", sends="objection.decision", leads="arbiter"),
    "ruling.keep": _act("arbiter", "XF 24(1)", flag="bound", sends="arbitration.ruling", leads="partner"),
    "ruling.return": _act("arbiter", "XF 24(1)", sends="arbitration.ruling", leads="end"),
    "ruling.reassign": _act("arbiter", "XF 24(1), 40(1)", "supervised_in_vain", "own_law_kept", sends="arbitration.ruling", flag="taken-away", duty="reassign.tell", leads="end"),
    "handoff.accepted": _act("partner", "XF 23(3)", "case_number_given", leads="partner"),
    "acceptance.deemed": _act("system", "FY 30", flag="deemed-accepted", leads="partner"),
    "handoff.declined": _act("partner", "XF 23", "remedy_given", leads="bureau"),
    "handoff.forwarded": _act("partner", "XF 23(1)", "own_subordinate"),
    "handoff.progress": _act("partner", "XF 34"),
    "supplement.requested": _act("partner", "FY 31", duty="supplement.get"),
    "handoff.suspended": _act("partner", "handoff-protocol 1.4", "reasons_given", leads="party"),
    "handoff.resumed": _act("partner", "handoff-protocol 1.4", leads="partner"),
    "hearing.opened": _act("partner", "XF 31(6), 36(2)", leads="partner"),
    "hearing.closed": _act("partner", "XF 31(6), 36(2)", leads="partner"),
    "handoff.extended": _act("partner", "XF 34", "extension_allowed", extends="result", duty="extension.tell"),
    "handoff.settled": _act("partner", "XF 33", "round_current", "agreement_named", duty="judicial.confirmation", leads="bureau"),
    "handoff.concluded": _act("partner", "XF 31(1)", "round_current", "litigation_only", "document_named", flag="concluded-by-law", leads="bureau"),
    "handoff.result": _act("partner", "XF 34", "round_current", leads="bureau"),
    "result.accepted": _act("bureau", "XF 22(1)3", "petitioner_told", sends="result.review", leads="end"),
    "result.rework": _act("bureau", "handoff-protocol 1.4", "reasons_given", sends="result.review", leads="partner"),
    "decline.told": _act("bureau", "XF 23", "petitioner_told", leads="end"),
    "decline.reroute": _act("bureau", "XF 22(1)", leads="end"),
    "handoff.withdraw": _act("bureau", "handoff-protocol 1.4", flag="withdraw-asked", sends="handoff.withdraw"),
    "withdraw.agreed": _act("partner", "handoff-protocol 1.4", "withdraw_was_asked", leads="end"),
    "withdraw.refused": _act("partner", "handoff-protocol 1.4"),
    "handoff.urge": _act("bureau", "XF 40(1)", sends="handoff.urge"),
    "handoff.supervise": _act("bureau", "XF 40(1)", "supervision_ground", sends="handoff.supervise", flag="supervision-given"),
    "handoff.supplement": _act("bureau", "XF 22", sends="handoff.supplement"),
}

# Acts that are said and leave the case where it is; every other act decides something, and the case must not stand where it stood.
STAYING = frozenset({
    "petition.note", "petition.classify", "petition.recuse", "petition.conference_up", "handoff.forwarded", "handoff.progress", "supplement.requested", "handoff.extended",
    "handoff.withdraw", "withdraw.refused", "handoff.urge", "handoff.supervise", "handoff.supplement", "handoff.on_paper",
})

# Flags that guards, the delivery and the door set by themselves, beside those of edges and clocks.
FLAGS = frozenset({"simple", "extended", "late-objection", "late-remedy", "late-registration", "acceptance-confirmed", "send-refused", "upper-level"})

# Duties that door, watchers and flows open by themselves, beside those the road map names.
DUTIES = frozenset({"quarantine", "difference", "undelivered", "security", "conference", "supervise", "report.grave", "proposal.feedback"})
