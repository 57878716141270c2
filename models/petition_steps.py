"""What an act does to the petition itself: whether it fits, what it fills in, which state, clocks and duties follow. Parts of the door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config.body import code_of
from config.roadmap import SAME, Edge
from connectors.wire.ids import new_id
from models import clocking, store
from models.letters import fits
from models.moves import Actor, Move
from models.records import HandoffRow, PetitionRow
from models.shielding import ERASED, UPPER_LEVEL, Shielding
from rules.calendar import SHANGHAI
from rules.edge_guards import CONFERENCE_UP
from rules.ladder import arbiter_for, shuns


class PetitionSteps(Shielding):
    """Moves petitions, not hand-offs."""

    def unfit(self, move: Move, edge: Edge, petition: PetitionRow) -> str | None:
        """Why this act cannot open the hand-off that its edge leads to (or opens one where the edge leads to none)."""
        opens = edge.to != SAME and self.house.roads.state("petition", edge.to).holder == "handoff"
        if move.route is None:
            return "转送须写明去向（机关、方式、依据）" if opens else self._misnamed(move, petition)
        if not opens:
            return f"“{move.act}”不转送，不应写去向"
        if move.route.body not in self.house.bodies or move.route.body == self.house.bureau:
            return f"{move.route.body} 不在机关目录中，或即为本单位，不能作为去向"
        if (why := self._powerless(move.route.body)) is not None:
            return why
        if ERASED in petition.flags:
            return "此件内容已依规定从本级清除，不能再次转送；请联系收件机关，或引导信访人"
        if not fits(self.content(petition)):
            return "内容超过一件来文可载的长度：请将长文改作附件"
        return None

    def _misnamed(self, move: Move, petition: PetitionRow) -> str | None:
        """What an act that sends nothing must not name: this very petition as another, the accused as the place to turn to."""
        if move.act == "petition.link" and move.data.get("other") == petition.petition_no:
            return "不能与本件自身关联"
        if move.act == "petition.split":
            if ERASED in petition.flags:
                return "此件内容已依规定从本级清除，不能再拆分"
            if move.data.get("parts") != store.parts(self.connection, petition.petition_no):
                return "拆分的各部分须与拆分一并登记"
        to = move.data.get("to")
        return self.barred(petition, str(to)) if to else None

    def _powerless(self, body: str) -> str | None:
        """Who holds the powers of a body that has none any more, in words for a clerk; None for one that holds its own."""
        bodies, today = self.house.bodies, self.now.astimezone(SHANGHAI).date()
        heir = bodies.current(body, today)
        if heir is None:
            chooser = bodies.designator(body, today)
            whom = f"{chooser.name}（{chooser.code}）" if chooser is not None else "本级党委、政府"
            return f"该单位已撤销且没有承继机关，请报{whom}指定受理机关（条例第二十四条第二款）"
        return None if heir.code == body else f"该单位职权已由{heir.name}（{heir.code}）承继，请改发"

    def petition_facts(self, move: Move, edge: Edge, petition: PetitionRow, target: str) -> None:
        """Columns that an act on the petition fills, beside the state."""
        if move.act == "petition.classify":
            self._classified(move, petition)
        elif move.act == "petition.recuse":
            petition.recused = sorted({*petition.recused, str(move.data["clerk"])})
        elif move.act == "petition.link":
            petition.first_petition_no, petition.outcome = str(move.data["other"]), "linked"
        elif move.act == "petition.split":
            petition.outcome = "split"
        elif move.act == "petition.reopen":
            self._reopened(petition)
        elif move.act == "petition.dispute":
            petition.arbiter = self.arbiter(petition, *self.named(move))
        elif move.act == "petition.conference_up":
            self._conference_up(move, petition)
        elif move.act == "petition.report_up":
            government = self.house.bodies.find("government", self.house.division(self.house.bureau))
            petition.arbiter = government.code if government is not None and not shuns(petition.facts, government.code, self.house.bodies) else None
        if target != petition.state and self.house.roads.state("petition", target).holder != "arbiter":
            petition.arbiter = None
        if move.route is not None:
            self._routed(move, edge, petition)

    def _conference_up(self, move: Move, petition: PetitionRow) -> None:
        """The conference above has it from now on, with a time of its own; what else the one below owed it owes, by the dates that run."""
        below = self.parties(petition, None).conference
        petition.arbiter = self.conference_above(petition)
        upper = self.parties(petition, None).conference
        for duty in [duty for duty in self.work.duties[petition.petition_no] if duty.closed_at is None]:
            if duty.kind == CONFERENCE_UP:
                self.shut(duty, str(move.actor))
            elif duty.holder == below:
                duty.holder = upper
                self.work.changed_duties[duty.duty_id] = duty
        for clock in [clock for clock in self.work.clocks[petition.petition_no] if clock.state == "OPEN" and clock.owes == below]:
            if self.house.roads.is_rung(clock.key) and clock.paused_at is None:
                clocking.close(self.work, [clock], "LAPSED", self.now)
                handoff = self.work.handoffs.get(clock.handoff_id) if clock.handoff_id else None
                clocking.open_clock(self.work, self.house, self.course(petition, handoff), clock.key, clock.root, self.now)
            else:
                clock.owes = upper
                clocking.touch(self.work, clock)
        self.hold_both(petition, None)
        open_one = self.work.handoffs.get(petition.open_handoff) if petition.open_handoff else None
        if open_one is not None:
            # The hand-off has another holder and date as well, and its own last row must tell them.
            self.write(petition, open_one, move.actor, move.act, open_one.state, open_one.state, {})

    def _classified(self, move: Move, petition: PetitionRow) -> None:
        grave = petition.facts.get("grave")
        petition.facts = {name: value for name, value in {**petition.facts, **move.data["facts"]}.items() if value is not None}
        petition.klass = str(petition.facts.get("klass") or petition.klass)
        petition.branch = str(petition.facts.get("branch") or petition.branch)
        self.facts_changed(petition)
        if not grave:
            self.report_grave(petition)

    def _routed(self, move: Move, edge: Edge, petition: PetitionRow) -> None:
        assert move.route is not None  # noqa: S101  (the caller has just looked)
        if edge.stage not in ("handling", petition.stage):
            # A review begins: its own answer is awaited, and what was returned on the way to the first one is past.
            petition.stage, petition.answered_on, petition.returned_by = edge.stage, None, []
        petition.branch, petition.klass = move.route.branch, move.route.klass or petition.klass
        if move.route.facts is not None:
            # Later guards (a body forwarding to its subordinate) must know what this one knew.
            petition.facts = dict(move.route.facts)
            self.facts_changed(petition)
        if self.belongs_above(petition, move.route.body) and UPPER_LEVEL not in petition.flags:
            petition.flags.append(UPPER_LEVEL)

    @staticmethod
    def _reopened(petition: PetitionRow) -> None:
        """What was answered was another matter: the ladder of remedies begins anew, and so may the bodies that returned it."""
        petition.stage, petition.answered_on, petition.returned_by, petition.outcome = "handling", None, [], ""
        petition.facts = {name: value for name, value in petition.facts.items() if name not in ("pending_elsewhere", "reviewed")}

    def arbiter(self, petition: PetitionRow, *others: str) -> str:
        """Who decides between the bodies that returned this petition and these others."""
        return arbiter_for([*petition.returned_by, *others], petition.facts, self.house.bodies, self.house.division(self.house.bureau))

    @staticmethod
    def named(move: Move) -> list[str]:
        """Bodies that an act names as disputants or as the right one."""
        said = [*move.data.get("disputants", ()), str(move.data.get("suggested_body") or "")]
        return [code_of(str(name)) for name in said if name]

    def enter_petition(self, petition: PetitionRow, target: str, actor: Actor, act: str, data: Mapping[str, Any], note: str = "") -> None:
        """Take the petition to this state: clocks met and started, the state's duty opened, holder and date set, the journal told."""
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
        if target != before and state.end:
            self.forget_more(petition)

    def open_handoff(self, petition: PetitionRow, move: Move, flags: list[str]) -> HandoffRow:
        """A hand-off in its first state; the request follows in the same call."""
        assert move.route is not None  # noqa: S101  (the caller has just looked)
        parent = self.work.last_handoff.get(petition.petition_no)
        handoff = HandoffRow(
            handoff_id=new_id(self.now), petition_no=petition.petition_no, parent_handoff_id=parent,
            body=move.route.body, way=move.route.way, basis=move.route.basis, route_row=move.route.row, branch=move.route.branch, round=1,
            state=self.house.roads.machine("handoff").start, holder=self.house.bureau, next_due=None, partner_case_no=None, seq_out=0, acked_out=0,
            seq_in=0, partner_state="", partner_round=0, issued_at=None, issued_day=None, delivered_at=None, accepted_at=None, closed_at=None,
            request_digest="", refused_grounds=[], flags=flags, outcome="", stage=petition.stage, track=move.route.track,
            set_limit=move.route.limit,
        )
        self.work.handoffs[handoff.handoff_id] = handoff
        self.work.new_handoffs.append(handoff.handoff_id)
        self.work.last_handoff[petition.petition_no] = handoff.handoff_id
        petition.open_handoff, petition.handoffs = handoff.handoff_id, petition.handoffs + 1
        clocking.enter(self.work, self.house, self.course(petition, handoff), (), self.house.roads.state("handoff", handoff.state).clocks,
                       handoff.state, self.now)
        return handoff
