"""Edges of the road map, taken: who may write them, what guards them, and what follows for clocks, duties, letters and the petition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config.roadmap import Edge
from connectors.wire.ids import new_id
from models import clocking, store
from models.holding import Holding
from models.journalling import safe
from models.letters import compose, fits, request_data, unsayable
from models.moves import SYSTEM, Actor, Answer, Done, Move
from models.records import Content, HandoffRow, PetitionRow
from rules.calendar import SHANGHAI
from rules.edge_guards import GUARDS, Mark, No, ground
from rules.roadmap import MachineName


class Crossing(Holding):
    """Takes one act along its edge, or refuses it."""

    def edge(self, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> Answer:
        machine: MachineName = "petition" if handoff is None else "handoff"
        row: PetitionRow | HandoffRow = petition if handoff is None else handoff
        edge = self.house.roads.edge(machine, row.state, move.act)
        receipt = None
        if edge is None and handoff is not None and handoff.state == "ISSUED" and move.actor.writer == "partner":
            edge, receipt = self._implied_receipt(move.act)
        if edge is None:
            return self.refuse(move, petition, "illegal-transition", f"状态{self.zh(machine, row.state)}没有“{move.act}”这条边")
        if edge.writer != move.actor.writer or (edge.writer == "bureau" and move.actor.code != self.house.bureau):
            return self.refuse(move, petition, "not-writer", f"“{move.act}”不由{move.actor.writer}书写")
        unfit = self._unfit(move, edge, petition) if handoff is None else self._unsendable(move, edge, handoff)
        if unfit is not None:
            return self.refuse(move, petition, "guard", unfit)
        marks: list[str] = [edge.flag] if edge.flag else []
        for name in edge.guards:
            verdict = GUARDS[name](self.situation(move, petition, handoff))
            if isinstance(verdict, No):
                return self.refuse(move, petition, "loop" if name == "not_a_loop" else "guard", verdict.why)
            if isinstance(verdict, Mark):
                marks.append(verdict.flag)
        if edge.extends and handoff is not None:
            clock = next((c for c in clocking.running(self.work, petition.petition_no, handoff.handoff_id) if c.root == edge.extends), None)
            if clock is None or not clocking.extend(self.work, self.house, clock, handoff.body, handoff.branch, move.data.get("days"), self.now):
                return self.refuse(move, petition, "guard", "该期限依法不能延长，或超过可延长的天数，或已届满")
        row.flags.extend(flag for flag in marks if flag not in row.flags)
        if receipt is not None and handoff is not None:
            self.handoff_edge(Move("receipt", SYSTEM, handoff_id=handoff.handoff_id, data={"via": "later-message"}), receipt, petition, handoff)
        if handoff is None:
            return self._petition_edge(move, edge, petition)
        return self.handoff_edge(move, edge, petition, handoff)

    def _implied_receipt(self, act: str) -> tuple[Edge | None, Edge | None]:
        """A body that answers has the request, whatever became of its receipt: its word delivers the hand-off. The act's edge, and the receipt's."""
        edge = self.house.roads.edge("handoff", "DELIVERED", act)
        receipt = self.house.roads.edge("handoff", "ISSUED", "receipt")
        return (edge, receipt) if edge is not None and edge.implied_receipt and receipt is not None else (None, None)

    def _unfit(self, move: Move, edge: Edge, petition: PetitionRow) -> str | None:
        """Why this act cannot open the hand-off that its edge leads to (or opens one where the edge leads to none)."""
        opens = self.house.roads.state("petition", self.house.roads.target(edge, petition.state)).holder == "handoff"
        if opens != (move.route is not None):
            return "转送须写明去向（机关、方式、依据）" if opens else f"“{move.act}”不转送，不应写去向"
        if move.route is None:
            return None
        if move.route.body not in self.house.bodies or move.route.body == self.house.bureau:
            return f"{move.route.body} 不在机关目录中，或即为本单位，不能作为去向"
        if not fits(self._content(petition)):
            return "内容超过一件来文可载的长度：请将长文改作附件"
        return None

    def _unsendable(self, move: Move, edge: Edge, handoff: HandoffRow) -> str | None:
        """Why the message that this edge sends cannot be written. What the clocks do meanwhile goes on without it."""
        if edge.sends and handoff.body not in self.house.bodies:
            return f"{handoff.body} 已不在机关目录中，来文无从写起：请在 bodies.yaml 中补回（职权已由他人承继的，写明 successor）"
        if edge.sends and edge.sends != "handoff.request" and (why := unsayable(move.act, edge.sends, handoff, move.data, self.house, self.now)):
            return f"来文写不成，请改短或改正后重试（{why}）"
        return None

    def _petition_edge(self, move: Move, edge: Edge, petition: PetitionRow) -> Answer:
        target = self.house.roads.target(edge, petition.state)
        if move.route is not None:
            petition.branch, petition.klass = move.route.branch, move.route.klass or petition.klass
            if move.route.facts is not None:
                # Later guards (a body forwarding to its subordinate) must know what this one knew.
                petition.facts = dict(move.route.facts)
        detail = dict(move.data)
        if move.route is not None:
            detail |= {"to": move.route.body, "way": move.route.way, "row": move.route.row, "basis": move.route.basis}
        self._enter_petition(petition, target, move.actor, move.act, detail, move.note)
        if move.route is None:
            return Done(petition.petition_no, None, petition.state)
        handoff = self._open_handoff(petition, move)
        self.write(petition, handoff, move.actor, "handoff.open", "", handoff.state, {"body": handoff.body, "way": handoff.way})
        request = self.house.roads.edge("handoff", handoff.state, "handoff.request")
        if request is not None:
            self.handoff_edge(Move("handoff.request", move.actor, handoff_id=handoff.handoff_id), request, petition, handoff)
        return Done(petition.petition_no, handoff.handoff_id, handoff.state)

    def _enter_petition(self, petition: PetitionRow, target: str, actor: Actor, act: str, data: Mapping[str, Any], note: str = "") -> None:
        roads = self.house.roads
        before, state = petition.state, roads.state("petition", target)
        if target != before:
            clocking.enter(self.work, self.house, petition.petition_no, None, self.house.bureau, petition.branch,
                           roads.state("petition", before).clocks, state.clocks, target, self.now)
            self.close_duties(petition, None, str(actor))
            petition.state = target
            petition.closed_at = self.now if state.end else None
            if state.duty:
                self.open_duty(state.duty.kind, state.duty.zh, self.house.bureau, petition, None, bound=True)
        self.hold_petition(petition)
        self.write(petition, None, actor, act, before, target, data, note)

    def _open_handoff(self, petition: PetitionRow, move: Move) -> HandoffRow:
        assert move.route is not None  # noqa: S101  (the caller has just looked)
        parent = self.work.last_handoff.get(petition.petition_no)
        handoff = HandoffRow(
            handoff_id=new_id(self.now), petition_no=petition.petition_no, parent_handoff_id=parent,
            body=move.route.body, way=move.route.way, basis=move.route.basis, route_row=move.route.row, branch=move.route.branch, round=1,
            state=self.house.roads.machine("handoff").start, holder=self.house.bureau, next_due=None, partner_case_no=None, seq_out=0, acked_out=0,
            seq_in=0, partner_state="", partner_round=0, issued_at=None, issued_day=None, delivered_at=None, accepted_at=None, closed_at=None,
            request_digest="", refused_grounds=[], flags=[], outcome="",
        )
        self.work.handoffs[handoff.handoff_id] = handoff
        self.work.new_handoffs.append(handoff.handoff_id)
        self.work.last_handoff[petition.petition_no] = handoff.handoff_id
        petition.open_handoff, petition.handoffs = handoff.handoff_id, petition.handoffs + 1
        clocking.enter(self.work, self.house, petition.petition_no, handoff.handoff_id, handoff.body, handoff.branch, (),
                       self.house.roads.state("handoff", handoff.state).clocks, handoff.state, self.now)
        return handoff

    def handoff_edge(self, move: Move, edge: Edge, petition: PetitionRow, handoff: HandoffRow) -> Answer:
        roads = self.house.roads
        before, target = handoff.state, roads.target(edge, handoff.state)
        state = roads.state("handoff", target)
        self._facts_of(move, handoff, target)
        if edge.sends:
            then = "DELIVERED" if edge.sends == "handoff.request" else target if target != before else ""
            said = move.data if edge.sends != "handoff.request" else self._request(petition, handoff)
            letter = compose(move.act, edge.sends, handoff, said, self.house, self.now, then)
            self.work.letters.append(letter)
            if edge.sends == "handoff.request":
                handoff.request_digest, handoff.issued_at = letter.digest, self.now
                handoff.issued_day = self.now.astimezone(SHANGHAI).date()
        if target != before:
            clocking.enter(self.work, self.house, petition.petition_no, handoff.handoff_id, handoff.body, handoff.branch,
                           roads.state("handoff", before).clocks, state.clocks, target, self.now, move.data.get("party"))
            self.close_duties(petition, handoff, str(move.actor))
            handoff.state = target
            if state.duty:
                self.open_duty(state.duty.kind, state.duty.zh, self.house.who(state.holder or "bureau", handoff.body), petition, handoff, bound=True)
        if edge.duty:
            self.open_duty(edge.duty.kind, edge.duty.zh, self.house.bureau, petition, handoff, ref=f"{handoff.handoff_id}:{move.sequence or self.now.isoformat()}")
        if move.actor.writer == "partner":
            handoff.partner_state, handoff.partner_round = target, handoff.round
        self.hold_handoff(petition, handoff)
        self.write(petition, handoff, move.actor, move.act, before, target, move.data, move.note)
        if state.end:
            handoff.closed_at, petition.open_handoff = self.now, None
            if target == "RETURNED":
                petition.returned_by.append(handoff.body)
            follow = edge.petition or state.petition or "WITH_CLERK"
            if follow == "CLOSED":
                petition.outcome = handoff.outcome
            self._enter_petition(petition, follow, move.actor, f"petition.after.{target.lower()}", {"body": handoff.body})
        return Done(petition.petition_no, handoff.handoff_id, handoff.state)

    def _request(self, petition: PetitionRow, handoff: HandoffRow) -> dict[str, Any]:
        return request_data(petition, handoff, self._content(petition), self.house)

    def _content(self, petition: PetitionRow) -> Content:
        # Reading is done for all requests of the call at once, the first time one is met.
        if petition.petition_no not in self.work.content:
            store.load_content(self.connection, self.work, self.work.petitions, self.sealer)
        return self.work.content[petition.petition_no]

    def _last_ground(self, handoff: HandoffRow) -> str:
        """The ground of the objection now decided: whoever decides need not repeat it."""
        for row in reversed(self.work.journal):
            if row.handoff_id == handoff.handoff_id and row.act == "handoff.objected":
                return str(row.detail.get("reason_code", ""))
        return store.last_ground(self.connection, handoff)

    def _facts_of(self, move: Move, handoff: HandoffRow, target: str) -> None:
        """Columns that an act fills, beside the state."""
        data = move.data
        if move.act == "receipt":
            handoff.delivered_at = self.now
            handoff.partner_state, handoff.partner_round = handoff.partner_state or "DELIVERED", handoff.partner_round or handoff.round
        elif move.act == "handoff.accepted":
            handoff.partner_case_no, handoff.accepted_at = str(data["partner_case_no"])[:300], self.now
        elif move.act in ("objection.rejected", "ruling.keep"):
            refused = ground(data.get("reason_code") or self._last_ground(handoff))
            if refused and refused not in handoff.refused_grounds:
                handoff.refused_grounds.append(refused)
        elif move.act == "result.rework":
            handoff.round += 1
        elif move.act == "handoff.result":
            handoff.outcome = safe("outcome_code", data.get("outcome_code")) or "other"
        elif target in ("DECLINED", "RETURNED", "WITHDRAWN"):
            handoff.outcome = target.lower()
