"""Edges of the road map, taken: who may write them, what guards them; what follows is in petition_steps and handoff_steps."""

from __future__ import annotations

from config.roadmap import Edge
from models import clocking
from models.handoff_steps import HandoffSteps
from models.moves import SYSTEM, Answer, Done, Move
from models.records import HandoffRow, PetitionRow
from rules.edge_dates import wrong_day
from rules.edge_guards import GUARDS, Mark, No
from rules.reassigning import REASSIGN, TAKEN
from rules.roadmap import MachineName

# What an act on the petition says of the hand-off that it opens, and of no other after it.
_INHERITED = ("simple", "bound", "late-remedy")


_TAKEN_ZH = "联席会议已收回此件另行确定承办单位，原承办单位的来文存档备查，不据以办理；可供参考的，转告现承办单位"


class Crossing(HandoffSteps):
    """Takes one act along its edge, or refuses it."""

    def edge(self, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> Answer:
        """The edge of the road map that this act takes out of the present state, or why there is none for it."""
        machine: MachineName = "petition" if handoff is None else "handoff"
        row: PetitionRow | HandoffRow = petition if handoff is None else handoff
        edge = self.house.roads.edge(machine, row.state, move.act)
        receipt = None
        if edge is None and handoff is not None and handoff.state == "ISSUED" and move.actor.writer == "partner":
            edge, receipt = self._implied_receipt(move.act)
        if edge is None and handoff is not None and TAKEN in handoff.flags:
            return self.refuse(move, petition, TAKEN, _TAKEN_ZH)
        if edge is None:
            return self.refuse(move, petition, "illegal-transition", f"状态{self.zh(machine, row.state)}没有“{move.act}”这条边")
        if edge.writer != move.actor.writer or (edge.writer == "bureau" and move.actor.code != self.house.bureau):
            return self.refuse(move, petition, "not-writer", f"“{move.act}”不由{move.actor.writer}书写")
        if edge.writer == "arbiter" and not self._may_rule(move, petition, handoff):
            return self.refuse(move, petition, "not-writer", "只有现在持有此件的协调、指定机关可以作出裁定")
        unfit = self.unfit(move, edge, petition) if handoff is None else self.unsendable(move, edge, petition, handoff)
        unfit = unfit or wrong_day(move.data, petition.received_at, self.now)
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
            return self._petition_edge(move, edge, petition, marks)
        return self.handoff_edge(move, edge, petition, handoff)

    def _may_rule(self, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> bool:
        """The arbiter that was found, or whoever the ladder has led to; where nothing is in dispute, nobody."""
        row: PetitionRow | HandoffRow = handoff or petition
        conference = self.parties(petition, handoff).conference
        waits = self.house.roads.state("handoff" if handoff else "petition", row.state).holder == "arbiter"
        # From a body that has come to stand accused it is taken at once, not when its time is up.
        accused = move.act == REASSIGN and handoff is not None and self.stands_accused(petition, handoff)
        if move.actor.code == conference and (row.holder == conference or accused):
            return True
        return move.actor.code == petition.arbiter or (move.actor.code == conference and waits and petition.arbiter is None)

    def _implied_receipt(self, act: str) -> tuple[Edge | None, Edge | None]:
        """A body that answers has the request, whatever became of its receipt: its word delivers the hand-off. The act's edge, and the receipt's."""
        edge = self.house.roads.edge("handoff", "DELIVERED", act)
        receipt = self.house.roads.edge("handoff", "ISSUED", "receipt")
        return (edge, receipt) if edge is not None and edge.implied_receipt and receipt is not None else (None, None)

    def _petition_edge(self, move: Move, edge: Edge, petition: PetitionRow, marks: list[str]) -> Answer:
        target = self.house.roads.target(edge, petition.state)
        self.petition_facts(move, edge, petition, target)
        detail = dict(move.data)
        if move.route is not None:
            detail |= {"to": move.route.body, "way": move.route.way, "row": move.route.row, "basis": move.route.basis,
                       "klass": petition.klass, "branch": petition.branch}
        self.enter_petition(petition, target, move.actor, move.act, detail, move.note)
        if move.route is None:
            return Done(petition.petition_no, None, petition.state)
        handoff = self.open_handoff(petition, move, [flag for flag in marks if flag in _INHERITED])
        self.write(petition, handoff, move.actor, "handoff.open", "", handoff.state, {"body": handoff.body, "way": handoff.way})
        self.tell_besides(move.route, petition)
        request = self.house.roads.edge("handoff", handoff.state, "handoff.request")
        if request is not None:
            self.handoff_edge(Move("handoff.request", move.actor, handoff_id=handoff.handoff_id), request, petition, handoff)
        return Done(petition.petition_no, handoff.handoff_id, handoff.state)
