"""What an act does to a hand-off: what it fills in, the message it sends, the state, clocks and duties after it, and what becomes of the petition."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from config.body import code_of
from config.roadmap import Edge
from models import clocking, store
from models.journalling import safe
from models.letters import compose, unsayable
from models.moves import Answer, Done, Move
from models.petition_steps import PetitionSteps
from models.records import HandoffRow, PetitionRow
from models.shielding import BY_HAND, ERASED, SILENCED, UPPER_LEVEL
from rules.calendar import SHANGHAI
from rules.edge_guards import MOST_RETURNS, ground
from rules.reassigning import REASSIGN

# Done with when the hand-off ends, whoever owes them: nobody waits for them any more.
_ENDED_WITH_IT = ("supplement.get",)


class HandoffSteps(PetitionSteps):
    """Moves hand-offs, and their petitions when they end."""

    def handoff_edge(self, move: Move, edge: Edge, petition: PetitionRow, handoff: HandoffRow) -> Answer:
        """Take the edge; who may and whether it is guarded has been asked."""
        roads = self.house.roads
        before, target = handoff.state, roads.target(edge, handoff.state)
        state = roads.state("handoff", target)
        self._facts_of(move, handoff, target)
        if edge.by_hand:
            self.work.by_hand.add(handoff.handoff_id)
        if edge.by_hand or target == "WITHDRAWN":
            self.asked(petition, handoff, "undelivered", str(move.actor))
        if edge.sends:
            self._send(move, edge, petition, handoff, target if target != before else "")
        if state.holder == "arbiter" and target != before:
            petition.arbiter = self.arbiter(petition, handoff.body, *self.named(move), *self._suggested(handoff))
        if target != before:
            clocking.enter(self.work, self.house, self.course(petition, handoff), roads.state("handoff", before).clocks, state.clocks, target, self.now,
                           move.data.get("party"), "LAPSED" if move.act == REASSIGN else "MET")
            self.close_duties(petition, handoff, str(move.actor))
            handoff.state = target
            if state.duty:
                self.open_duty(state.duty.kind, state.duty.zh, self.parties(petition, handoff).who(state.holder or "bureau"), petition, handoff, bound=True)
        if edge.restarts:
            clocking.restart(self.work, self.house, self.course(petition, handoff), edge.restarts, self.now)
        if edge.duty and edge.duty.follows(move.data):
            self.open_duty(edge.duty.kind, edge.duty.zh, self.house.bureau, petition, handoff, ref=f"{handoff.handoff_id}:{move.sequence or self.now.isoformat()}")
        if move.act == "handoff.supervise":
            self.asked(petition, handoff, "supervise", str(move.actor))
        if move.actor.writer == "partner":
            # Its own word says where it stands; of what was told it before, nothing can take that back.
            handoff.partner_state, handoff.partner_round, handoff.told_out = target, handoff.round, handoff.seq_out
        self.hold_handoff(petition, handoff)
        self.write(petition, handoff, move.actor, move.act, before, target, move.data, move.note)
        self._perhaps_forget(move, edge, petition, handoff)
        if state.end:
            self._after(move, edge, petition, handoff, target)
        return Done(petition.petition_no, handoff.handoff_id, handoff.state)

    def _perhaps_forget(self, move: Move, edge: Edge, petition: PetitionRow, handoff: HandoffRow) -> None:
        # A weak receipt proves nothing; the body's own word, or a paper signed for, does.
        sure = (move.act == "receipt" and not move.data.get("weak")) or edge.by_hand or edge.writer == "partner"
        if UPPER_LEVEL in petition.flags and ERASED not in petition.flags and sure:
            self.forget(petition, handoff, *([str(move.data["message_id"])] if move.act == "receipt" and move.data.get("message_id") else []))

    def _after(self, move: Move, edge: Edge, petition: PetitionRow, handoff: HandoffRow, target: str) -> None:
        """What becomes of the petition now that this hand-off has ended."""
        state = self.house.roads.state("handoff", target)
        handoff.closed_at, petition.open_handoff = self.now, None
        for kind in _ENDED_WITH_IT:
            self.asked(petition, handoff, kind, str(move.actor))
        # Whoever ruled that it must go elsewhere may say where to; nobody else has a ruling to give.
        petition.arbiter = move.actor.code if move.actor.writer == "arbiter" else None
        follow = edge.petition or state.petition_by_stage.get(handoff.stage) or state.petition or "WITH_CLERK"
        if move.act == REASSIGN:
            petition.returned_by.append(handoff.body)
        if target == "RETURNED":
            again = handoff.body in petition.returned_by
            petition.returned_by.append(handoff.body)
            if state.looped and move.actor.writer != "arbiter" and (again or len(petition.returned_by) >= MOST_RETURNS):
                follow = state.looped
                petition.arbiter = self.arbiter(petition)
        if self.house.roads.state("petition", follow).end:
            petition.outcome = handoff.outcome
            petition.answered_on = date.fromisoformat(str(move.data["told_on"])) if move.act == "result.accepted" else None
        self.enter_petition(petition, follow, move.actor, f"petition.after.{target.lower()}", {"body": handoff.body})

    def unsendable(self, move: Move, edge: Edge, petition: PetitionRow, handoff: HandoffRow) -> str | None:
        """Why the message that this edge sends cannot be written. What the clocks do meanwhile goes on without it."""
        if not edge.sends:
            return None
        if handoff.body not in self.house.bodies:
            return f"{handoff.body} 已不在机关目录中，来文无从写起：请在 bodies.yaml 中补回（职权已由他人承继的，写明 successor）"
        if edge.to == "same" and (why := self.barred(petition, handoff.body)) is not None:
            return why
        if edge.sends != "handoff.request" and (why := unsayable(move.act, edge.sends, handoff, move.data, self.house, self.now)):
            return f"来文写不成，请改短或改正后重试（{why}）"
        return None

    def _send(self, move: Move, edge: Edge, petition: PetitionRow, handoff: HandoffRow, then: str) -> None:
        """Compose the message of this edge. For a hand-off that goes on paper it is a clerk's to deliver; a body that now stands accused is told nothing."""
        if SILENCED in handoff.flags or self.barred(petition, handoff.body) is not None:
            if SILENCED not in handoff.flags:
                handoff.flags.append(SILENCED)
            self.work.silenced.add(handoff.handoff_id)
            self.open_duty("security", "承办单位已属被检举控告一方：收回材料，不再通知", self.house.bureau, petition, handoff, ref=f"silenced:{handoff.handoff_id}")
            return
        request = edge.sends == "handoff.request"
        said = self.request(petition, handoff) if request else move.data
        letter = compose(move.act, edge.sends or "", handoff, said, self.house, self.now, "DELIVERED" if request else then)
        if BY_HAND in handoff.flags:
            letter.state = "DEAD"
            self.open_duty("undelivered", self.house.roads.duty_zh("undelivered"), self.house.bureau, petition, handoff, ref=letter.message_id)
        self.work.letters.append(letter)
        if request:
            handoff.request_digest, handoff.issued_at = letter.digest, self.now
            handoff.issued_day = self.now.astimezone(SHANGHAI).date()

    def _objection(self, handoff: HandoffRow) -> Mapping[str, Any]:
        """What the journal kept of the last objection to this hand-off: whoever decides need not repeat its ground."""
        for row in reversed(self.work.journal):
            if row.handoff_id == handoff.handoff_id and row.act == "handoff.objected":
                return row.detail
        return store.last_objection(self.connection, handoff)

    def _suggested(self, handoff: HandoffRow) -> list[str]:
        named = str(self._objection(handoff).get("suggested_body") or "")
        return [code_of(named)] if named else []

    def _on_paper(self, handoff: HandoffRow, delivered_on: str) -> datetime:
        """The moment of a delivery by hand: noon in China of the day it was signed for; never before the request was made, nor ahead of now."""
        noon = datetime.combine(date.fromisoformat(delivered_on), time(12), SHANGHAI)
        return min(max(noon, handoff.issued_at or noon), self.now)

    def _facts_of(self, move: Move, handoff: HandoffRow, target: str) -> None:
        """Columns that an act fills, beside the state."""
        data = move.data
        if move.act in ("receipt", "delivery.by_hand"):
            handoff.delivered_at = self.now if move.act == "receipt" else self._on_paper(handoff, str(data["delivered_on"]))
            handoff.partner_state, handoff.partner_round = handoff.partner_state or "DELIVERED", handoff.partner_round or handoff.round
            handoff.told_out = max(handoff.told_out, 1)
        elif move.act == "acceptance.deemed":
            handoff.accepted_at = self.now
        elif move.act == "handoff.accepted":
            handoff.partner_case_no = str(data["partner_case_no"])[:300]
            handoff.accepted_at = clocking.accepted_since(str(data["told_on"]), handoff.delivered_at, self.now, self.house)
        elif move.act in ("objection.rejected", "ruling.keep"):
            refused = ground(data.get("reason_code") or self._objection(handoff).get("reason_code"))
            if refused and refused not in handoff.refused_grounds:
                handoff.refused_grounds.append(refused)
        elif move.act == "result.rework":
            handoff.round += 1
        elif move.act == "handoff.result":
            handoff.outcome = safe("outcome_code", data.get("outcome_code")) or "other"
        elif move.act == "handoff.settled":
            handoff.outcome = "mediated"
        elif move.act == "handoff.concluded":
            handoff.outcome = "concluded"
        elif target in ("DECLINED", "RETURNED", "WITHDRAWN"):
            handoff.outcome = "reassigned" if move.act == REASSIGN else target.lower()
            if move.act == "handoff.take_back" and SILENCED not in handoff.flags:
                # The request that was refused must not be tried again: it is another body's now.
                handoff.flags.append(SILENCED)
                self.work.silenced.add(handoff.handoff_id)
