"""三项建议: improve the work, perfect the policy, hold accountable; and the written feedback on what became of them. Acts of the door.

信访工作条例 art 40: 改进工作 to the body at work, 完善政策 to the Party committee or government, 追究责任 to the body with management authority. The addressee gives
written feedback on adoption; the article sets no period, so the limit is internal (clocks.yaml, duty proposal.feedback). A proposal is a row and a
duty of its own: a case may close while its proposal is still unanswered, and an unanswered one climbs to the joint conference.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.wire.ids import new_id
from models import store
from models.edges import Crossing
from models.moves import Answer, Done, Move
from models.records import HandoffRow, PetitionRow, ProposalRow
from rules.calendar import due
from rules.edge_dates import day_of, wrong_day
from rules.ladder import shuns
from rules.words import ADOPTED_ZH, PROPOSAL_ZH

DUTY = "proposal.feedback"
KINDS, ADOPTED = PROPOSAL_ZH, ADOPTED_ZH
# Who may be addressed: art 40(2) and (3); an improvement is proposed to whoever does the work.
_ADDRESSEES: Mapping[str, tuple[str, ...]] = {"policy": ("government",), "accountability": ("discipline", "organisation", "government")}


def issue(door: Crossing, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> Answer:
    """`proposal.issue` {kind, to, ground}: a proposal goes out, its feedback is owed by a date. The reasons are the move's sealed note."""
    kind, to = str(move.data.get("kind") or ""), str(move.data.get("to") or "")
    bodies = door.house.bodies
    if move.actor.writer != "bureau":
        return door.refuse(move, petition, "not-writer", "建议由信访部门提出")
    if kind not in KINDS:
        return door.refuse(move, petition, "guard", f"建议的种类应为：{'、'.join(KINDS)}")
    if to not in bodies:
        return door.refuse(move, petition, "unknown", f"机关目录中没有 {to[:40]}；用 tonglu bodies 查看代码")
    wanted = _ADDRESSEES.get(kind)
    if wanted is not None and bodies.get(to).kind not in wanted:
        return door.refuse(move, petition, "guard", f"{KINDS[kind]}不能向{bodies.get(to).name}提出（条例第四十条）")
    # An improvement is told to the very body that must improve, unless it stands accused.
    about = petition.facts if kind != "improve" else {**petition.facts, "complained_of": None}
    if shuns(about, to, bodies) or door.barred(petition, to) is not None:
        return door.refuse(move, petition, "guard", "不得向被反映、被检举控告的单位提出")
    if not move.data.get("ground") or not move.note.strip():
        return door.refuse(move, petition, "guard", "须写明情形和理由")
    limit = door.house.roads.duty_limit(DUTY)
    proposal = ProposalRow(
        new_id(door.now), petition.petition_no, handoff.handoff_id if handoff else None, kind, to, str(move.data["ground"])[:64], door.now,
        due(door.now, limit, door.house.calendar).instant,
    )
    door.work.proposals[proposal.proposal_id] = proposal
    door.work.new_proposals.add(proposal.proposal_id)
    door.open_duty(DUTY, f"{bodies.get(to).name}书面反馈{KINDS[kind]}的采纳情况", to, petition, None, ref=proposal.proposal_id, detail={"kind": kind, "to": to}, body=to)
    door.write(petition, handoff, move.actor, move.act, (handoff or petition).state, (handoff or petition).state,
               {**move.data, "proposal_id": proposal.proposal_id}, move.note)
    return Done(petition.petition_no, proposal.proposal_id, "proposal")


def feedback(door: Crossing, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> Answer:
    """`proposal.feedback` {proposal_id, adopted: yes|partly|no, feedback_on}: the addressee's written answer, entered by the bureau that has it on paper."""
    store.load_proposals(door.connection, door.work, petition.petition_no)
    proposal = door.work.proposals.get(str(move.data.get("proposal_id") or ""))
    adopted = str(move.data.get("adopted") or "")
    if move.actor.writer != "bureau":
        return door.refuse(move, petition, "not-writer", "反馈由信访部门登记")
    if proposal is None or proposal.petition_no != petition.petition_no:
        return door.refuse(move, petition, "unknown", "没有此建议")
    if proposal.closed_at is not None:
        return door.refuse(move, petition, "guard", "此建议已有书面反馈")
    if adopted not in ADOPTED:
        return door.refuse(move, petition, "guard", f"采纳情况应为：{'、'.join(ADOPTED)}")
    if adopted != "yes" and not move.note.strip():
        return door.refuse(move, petition, "guard", "未采纳或部分采纳的，须写明对方所述理由")
    told = day_of(move.data.get("feedback_on"))
    if told is None:
        return door.refuse(move, petition, "guard", "须写明书面反馈的日期，例如 2026-03-16")
    if (why := wrong_day(move.data, proposal.issued_at, door.now)) is not None:
        return door.refuse(move, petition, "guard", why.replace("收到信访事项", "提出建议"))
    proposal.adopted, proposal.feedback_on, proposal.closed_at = adopted, told, door.now
    door.work.changed_proposals.add(proposal.proposal_id)
    for duty in door.work.duties[petition.petition_no]:
        if (duty.kind, duty.ref) == (DUTY, proposal.proposal_id) and duty.closed_at is None:
            door.shut(duty, str(move.actor))
    door.note(move, petition, handoff)
    return Done(petition.petition_no, proposal.proposal_id, "proposal")
