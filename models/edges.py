"""Edges of the road map, taken: who may write them, what guards them, and what follows for clocks, duties, letters and the petition."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from config.facts import Facts
from config.roadmap import Edge
from connectors.wire.ids import new_id
from models import clocking, store
from models.holding import Holding
from models.journalling import safe
from models.letters import compose, fits, request_data, unsayable
from models.moves import SYSTEM, Actor, Answer, Done, Move
from models.records import Content, HandoffRow, PetitionRow
from rules.calendar import SHANGHAI
from rules.edge_guards import GUARDS, MOST_RETURNS, Mark, No, ground
from rules.guards import above, accuses
from rules.ladder import arbiter_for, shunned
from rules.roadmap import MachineName

BY_HAND, UPPER_LEVEL, ERASED = "by-hand", "upper-level", "erased"


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
        if edge.writer == "arbiter" and not self._may_rule(move, petition, handoff):
            return self.refuse(move, petition, "not-writer", "只有现在持有此件的协调、指定机关可以作出裁定")
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
            context = self.course(petition, handoff).context
            if clock is None or not clocking.extend(self.work, self.house, clock, context, move.data.get("days"), self.now):
                return self.refuse(move, petition, "guard", "该期限依法不能延长，或超过可延长的天数，或已届满")
        row.flags.extend(flag for flag in marks if flag not in row.flags)
        if receipt is not None and handoff is not None:
            self.handoff_edge(Move("receipt", SYSTEM, handoff_id=handoff.handoff_id, data={"via": "later-message"}), receipt, petition, handoff)
        if handoff is None:
            return self._petition_edge(move, edge, petition)
        return self.handoff_edge(move, edge, petition, handoff)

    def _may_rule(self, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> bool:
        """The arbiter that was found, whoever holds the case now, and the conference at the end of the ladder."""
        parties = self.parties(petition, handoff)
        return move.actor.code in {parties.who("arbiter"), parties.conference, (handoff or petition).holder}

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
        self._petition_facts(move, petition, target)
        if move.route is not None:
            petition.stage = edge.stage
            petition.branch, petition.klass = move.route.branch, move.route.klass or petition.klass
            if move.route.facts is not None:
                # Later guards (a body forwarding to its subordinate) must know what this one knew.
                petition.facts = dict(move.route.facts)
        detail = dict(move.data)
        if move.route is not None:
            detail |= {"to": move.route.body, "way": move.route.way, "row": move.route.row, "basis": move.route.basis,
                       "klass": petition.klass, "branch": petition.branch}
            petition.answered_on = None
            if self._upper_level(petition, move.route.body) and UPPER_LEVEL not in petition.flags:
                petition.flags.append(UPPER_LEVEL)
        self._enter_petition(petition, target, move.actor, move.act, detail, move.note)
        if move.route is None:
            return Done(petition.petition_no, None, petition.state)
        handoff = self._open_handoff(petition, move, [flag for flag in ("simple", edge.flag) if flag and flag in petition.flags])
        self.write(petition, handoff, move.actor, "handoff.open", "", handoff.state, {"body": handoff.body, "way": handoff.way})
        request = self.house.roads.edge("handoff", handoff.state, "handoff.request")
        if request is not None:
            self.handoff_edge(Move("handoff.request", move.actor, handoff_id=handoff.handoff_id), request, petition, handoff)
        return Done(petition.petition_no, handoff.handoff_id, handoff.state)

    def _upper_level(self, petition: PetitionRow, body: str) -> bool:
        bodies, bureau = self.house.bodies, self.house.bureau
        return accuses(Facts.model_validate(petition.facts)) and above(bodies.get(body), bodies.get(bureau))

    def _petition_facts(self, move: Move, petition: PetitionRow, target: str) -> None:
        """Columns that an act on the petition fills, beside the state."""
        if move.act == "petition.classify":
            petition.facts = {**petition.facts, **move.data["facts"]}
            petition.klass = str(petition.facts.get("klass") or petition.klass)
            petition.branch = str(petition.facts.get("branch") or petition.branch)
        elif move.act == "petition.recuse":
            petition.recused = sorted({*petition.recused, str(move.data["clerk"])})
        elif move.act == "petition.link":
            petition.first_petition_no, petition.outcome = str(move.data["other"]), "linked"
        elif move.act == "petition.split":
            petition.outcome = "split"
        elif move.act == "petition.reopen":
            # What was answered was another matter: the ladder of remedies begins anew, and so may the bodies that returned it.
            petition.stage, petition.answered_on, petition.returned_by, petition.outcome = "handling", None, [], ""
        elif move.act == "petition.dispute":
            petition.arbiter = arbiter_for([*petition.returned_by, *self._named(move)], petition.facts, self.house.bodies, self.house.division(self.house.bureau))
        elif move.act == "petition.report_up":
            government = self.house.bodies.find("government", self.house.division(self.house.bureau))
            petition.arbiter = government.code if government is not None and government.code not in shunned(petition.facts, self.house.bodies) else None
        if self.house.roads.state("petition", target).holder != "arbiter":
            petition.arbiter = None

    @staticmethod
    def _named(move: Move) -> list[str]:
        """Bodies that an act names as disputants or as the right one."""
        said = [*move.data.get("disputants", ()), str(move.data.get("suggested_body") or "")]
        return [_code(str(name)) for name in said if name]

    def _enter_petition(self, petition: PetitionRow, target: str, actor: Actor, act: str, data: Mapping[str, Any], note: str = "") -> None:
        roads = self.house.roads
        before, state = petition.state, roads.state("petition", target)
        if target != before:
            clocking.enter(self.work, self.house, self.course(petition, None), roads.state("petition", before).clocks, state.clocks, target, self.now)
            self.close_duties(petition, None, str(actor))
            petition.state = target
            petition.closed_at = self.now if state.end else None
            if state.duty:
                self.open_duty(state.duty.kind, state.duty.zh, self.parties(petition, None).who(state.holder or "bureau"), petition, None, bound=True)
        self.hold_petition(petition)
        self.write(petition, None, actor, act, before, target, data, note)

    def _open_handoff(self, petition: PetitionRow, move: Move, flags: list[str]) -> HandoffRow:
        assert move.route is not None  # noqa: S101  (the caller has just looked)
        parent = self.work.last_handoff.get(petition.petition_no)
        handoff = HandoffRow(
            handoff_id=new_id(self.now), petition_no=petition.petition_no, parent_handoff_id=parent,
            body=move.route.body, way=move.route.way, basis=move.route.basis, route_row=move.route.row, branch=move.route.branch, round=1,
            state=self.house.roads.machine("handoff").start, holder=self.house.bureau, next_due=None, partner_case_no=None, seq_out=0, acked_out=0,
            seq_in=0, partner_state="", partner_round=0, issued_at=None, issued_day=None, delivered_at=None, accepted_at=None, closed_at=None,
            request_digest="", refused_grounds=[], flags=flags, outcome="", stage=petition.stage, track=move.route.track,
        )
        self.work.handoffs[handoff.handoff_id] = handoff
        self.work.new_handoffs.append(handoff.handoff_id)
        self.work.last_handoff[petition.petition_no] = handoff.handoff_id
        petition.open_handoff, petition.handoffs = handoff.handoff_id, petition.handoffs + 1
        clocking.enter(self.work, self.house, self.course(petition, handoff), (), self.house.roads.state("handoff", handoff.state).clocks,
                       handoff.state, self.now)
        return handoff

    def handoff_edge(self, move: Move, edge: Edge, petition: PetitionRow, handoff: HandoffRow) -> Answer:
        roads = self.house.roads
        before, target = handoff.state, roads.target(edge, handoff.state)
        state = roads.state("handoff", target)
        self._facts_of(move, handoff, target)
        if edge.by_hand:
            self._by_hand(petition, handoff, str(move.actor))
        if edge.sends:
            self._send(move, edge, petition, handoff, target if target != before else "")
        if state.holder == "arbiter" and target != before:
            disputants = [handoff.body, *petition.returned_by, *self._named(move), *self._suggested(handoff)]
            petition.arbiter = arbiter_for(disputants, petition.facts, self.house.bodies, self.house.division(self.house.bureau))
        if target != before:
            clocking.enter(self.work, self.house, self.course(petition, handoff), roads.state("handoff", before).clocks, state.clocks, target, self.now,
                           move.data.get("party"))
            self.close_duties(petition, handoff, str(move.actor))
            handoff.state = target
            if state.duty:
                self.open_duty(state.duty.kind, state.duty.zh, self.parties(petition, handoff).who(state.holder or "bureau"), petition, handoff, bound=True)
        if edge.duty:
            self.open_duty(edge.duty.kind, edge.duty.zh, self.house.bureau, petition, handoff, ref=f"{handoff.handoff_id}:{move.sequence or self.now.isoformat()}")
        if move.act == "handoff.supervise":
            self._asked(petition, handoff, "supervise", str(move.actor))
        if move.actor.writer == "partner":
            handoff.partner_state, handoff.partner_round = target, handoff.round
        self.hold_handoff(petition, handoff)
        self.write(petition, handoff, move.actor, move.act, before, target, move.data, move.note)
        self._forget(move, edge, petition, handoff)
        if state.end:
            self._after(move, edge, petition, handoff, target)
        return Done(petition.petition_no, handoff.handoff_id, handoff.state)

    def _after(self, move: Move, edge: Edge, petition: PetitionRow, handoff: HandoffRow, target: str) -> None:
        """What becomes of the petition now that this hand-off has ended."""
        state = self.house.roads.state("handoff", target)
        handoff.closed_at, petition.open_handoff, petition.arbiter = self.now, None, None
        follow = edge.petition or state.petition_by_stage.get(handoff.stage) or state.petition or "WITH_CLERK"
        if target == "RETURNED":
            again = handoff.body in petition.returned_by
            petition.returned_by.append(handoff.body)
            if state.looped and move.actor.writer != "arbiter" and (again or len(petition.returned_by) >= MOST_RETURNS):
                follow = state.looped
                petition.arbiter = arbiter_for(petition.returned_by, petition.facts, self.house.bodies, self.house.division(self.house.bureau))
        if self.house.roads.state("petition", follow).end:
            petition.outcome = handoff.outcome
            petition.answered_on = date.fromisoformat(str(move.data["told_on"])) if move.act == "result.accepted" else None
        self._enter_petition(petition, follow, move.actor, f"petition.after.{target.lower()}", {"body": handoff.body})

    def _send(self, move: Move, edge: Edge, petition: PetitionRow, handoff: HandoffRow, then: str) -> None:
        """Compose the message of this edge. For a hand-off that goes on paper it is a clerk's to deliver."""
        request = edge.sends == "handoff.request"
        said = self._request(petition, handoff) if request else move.data
        letter = compose(move.act, edge.sends or "", handoff, said, self.house, self.now, "DELIVERED" if request else then)
        if BY_HAND in handoff.flags:
            letter.state = "DEAD"
            self.open_duty("undelivered", self.house.roads.duty_zh("undelivered"), self.house.bureau, petition, handoff, ref=letter.message_id)
        self.work.letters.append(letter)
        if request:
            handoff.request_digest, handoff.issued_at = letter.digest, self.now
            handoff.issued_day = self.now.astimezone(SHANGHAI).date()

    def _by_hand(self, petition: PetitionRow, handoff: HandoffRow, by: str) -> None:
        self.work.by_hand.add(handoff.handoff_id)
        self._asked(petition, handoff, "undelivered", by)

    def _asked(self, petition: PetitionRow, handoff: HandoffRow, kind: str, by: str) -> None:
        """Duties of this kind for this hand-off are done by the act itself."""
        for duty in self.work.duties[petition.petition_no]:
            if (duty.kind, duty.handoff_id) == (kind, handoff.handoff_id) and duty.closed_at is None:
                self.shut(duty, by)

    def _forget(self, move: Move, edge: Edge, petition: PetitionRow, handoff: HandoffRow) -> None:
        """An accusation managed above us leaves no content here once the receiver surely has it (纪检监察机关处理检举控告工作规则 art 15).

        A weak receipt proves nothing; the body's own word, or a paper signed for, does.
        """
        if UPPER_LEVEL not in petition.flags or ERASED in petition.flags or move.data.get("weak"):
            return
        if move.act == "receipt" or edge.by_hand or edge.writer == "partner":
            petition.flags.append(ERASED)
            self.work.erase.add(petition.petition_no)
            self.write(petition, handoff, SYSTEM, "content.erased", handoff.state, handoff.state, {})

    def _request(self, petition: PetitionRow, handoff: HandoffRow) -> dict[str, Any]:
        return request_data(petition, handoff, self._content(petition), self.house, self.course(petition, handoff).context)

    def _content(self, petition: PetitionRow) -> Content:
        # Reading is done for all requests of the call at once, the first time one is met.
        if petition.petition_no not in self.work.content:
            store.load_content(self.connection, self.work, self.work.petitions, self.sealer)
        return self.work.content[petition.petition_no]

    def _objection(self, handoff: HandoffRow) -> Mapping[str, Any]:
        """What the journal kept of the last objection to this hand-off: whoever decides need not repeat its ground."""
        for row in reversed(self.work.journal):
            if row.handoff_id == handoff.handoff_id and row.act == "handoff.objected":
                return row.detail
        return store.last_objection(self.connection, handoff)

    def _suggested(self, handoff: HandoffRow) -> list[str]:
        named = str(self._objection(handoff).get("suggested_body") or "")
        return [_code(named)] if named else []

    def _facts_of(self, move: Move, handoff: HandoffRow, target: str) -> None:
        """Columns that an act fills, beside the state."""
        data = move.data
        if move.act in ("receipt", "delivery.by_hand"):
            handoff.delivered_at = self.now
            handoff.partner_state, handoff.partner_round = handoff.partner_state or "DELIVERED", handoff.partner_round or handoff.round
        elif move.act == "acceptance.deemed":
            handoff.accepted_at = self.now
        elif move.act == "handoff.accepted":
            handoff.partner_case_no, handoff.accepted_at = str(data["partner_case_no"])[:300], self.now
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
            handoff.outcome = target.lower()


def _code(name: str) -> str:
    """The code of a body that was named by its code or its URN; what names no body is dropped where it is looked up."""
    return name.removeprefix("urn:xf:").replace(":", "-")
