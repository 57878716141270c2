"""What every act at the door needs: who holds the case and until when, duties opened and closed, the journal row. On working copies only."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from config.facts import Facts
from config.gaps import LATE_REMEDY
from config.roadmap import ClockContext
from connectors.wire.ids import new_id
from models import clocking, silence, store
from models.db import Connection
from models.journal import row_hash
from models.journalling import safe_detail
from models.moves import Actor, Move, Refused, Route
from models.records import ClockRow, DutyRow, HandoffRow, JournalRow, PetitionRow, RefusalRow, Working
from models.seal import Sealer
from rules.calendar import due
from rules.edge_guards import Situation
from rules.guards import Allowed, may_send
from rules.house import House
from rules.ladder import Parties, conference_above, shuns
from rules.reassigning import ACCUSED, NONE, REASSIGN, Silence
from rules.remedies import remedy_ends
from rules.roadmap import MachineName

OBJECTION_WINDOW = "objection_window"
# What a review reviews: the answer given at this stage.
_REVIEWS = {"petition.review": "handling", "petition.rereview": "review"}

# Acts whose guards ask which duties are open.
_ASKING = frozenset({"handoff.on_paper", "petition.conference_up"})


class InvariantBroken(Exception):
    """An act would leave a petition without holder or due date: a fault of the road map. The transaction must roll back."""


class Holding:
    """One call of the door: its working copies, the configuration, the instant."""

    def __init__(self, connection: Connection, work: Working, house: House, sealer: Sealer, now: datetime) -> None:
        self.connection, self.work, self.house, self.sealer, self.now = connection, work, house, sealer, now

    def situation(self, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> Situation:
        """What the guards may look at for this act."""
        to = move.route
        body = to.body if to else handoff.body if handoff else self.house.bureau
        facts = to.facts if to and to.facts is not None else petition.facts
        return Situation(
            self.house.bureau, body, facts, move.data, handoff.round if handoff else 1, tuple((handoff or petition).flags),
            tuple(handoff.refused_grounds) if handoff else (), tuple(petition.returned_by), handoff.delivered_at if handoff else None, self.house.bodies,
            move.heard_at or self.now, self._window_ends(petition, handoff) if handoff else None,
            (to.branch if to else "") or (handoff or petition).branch, to.way if to else handoff.way if handoff else "", petition.stage,
            self._answered_by(move, petition), remedy_ends(petition.answered_on, self.house.calendar) if petition.answered_on else None, petition.facts,
            self.house.gaps.choice(LATE_REMEDY) == "with-reason", petition.state, self._silence(move, petition, handoff),
            *self._asked_for(move, petition, handoff),
        )

    def _silence(self, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> Silence:
        """How long a body has been silent, where that is what the act asks for; for acts on the petition, whom it was taken from."""
        if handoff is None:
            return silence.of_petition(self.work, petition)
        if move.act != REASSIGN:
            return NONE
        return silence.of_handoff(self.connection, self.work, self.house, petition, handoff, self.course(petition, handoff).context,
                                  self.stands_accused(petition, handoff))

    def _asked_for(self, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> tuple[frozenset[str], str | None]:
        """Kinds of open duties, and the conference above the one that has the petition, for the acts that ask for them."""
        if move.act not in _ASKING:
            return frozenset(), None
        where = handoff.handoff_id if handoff else None
        kinds = frozenset(d.kind for d in self.work.duties[petition.petition_no] if d.closed_at is None and where in (None, d.handoff_id))
        return kinds, self.conference_above(petition)

    def conference_above(self, petition: PetitionRow) -> str | None:
        """The joint conference that could be asked when the one that has this petition stays silent."""
        return conference_above(self.parties(petition, None).conference, petition.facts, self.house.bodies)

    def stands_accused(self, petition: PetitionRow, handoff: HandoffRow) -> bool:
        """Whether nothing may be said to the body of this hand-off any more."""
        return ACCUSED in handoff.flags

    def _answered_by(self, move: Move, petition: PetitionRow) -> str | None:
        """Whose answer an act asks to be reviewed: the last body that answered at the stage before."""
        before = _REVIEWS.get(move.act)
        if before is None:
            return None
        closed = [(h.closed_at, h.handoff_id, h.body) for h in self.work.handoffs.values()
                  if h.petition_no == petition.petition_no and h.stage == before and h.state == "CLOSED" and h.closed_at is not None]
        return max(closed)[2] if closed else None

    def course(self, petition: PetitionRow, handoff: HandoffRow | None) -> clocking.Course:
        """What decides the limits of this petition's, or this hand-off's, clocks, and who plays which part in them."""
        body = handoff.body if handoff else self.house.bureau
        context = ClockContext(self.house.profile(body), (handoff or petition).branch, handoff.track if handoff else "", (handoff or petition).stage,
                               frozenset((handoff or petition).flags), self.house.division(body))
        return clocking.Course(petition.petition_no, handoff.handoff_id if handoff else None, context, self.parties(petition, handoff),
                               handoff.set_limit if handoff else "")

    def parties(self, petition: PetitionRow, handoff: HandoffRow | None) -> Parties:
        """The bureau, the body, the joint conference that is on nobody's side, and the arbiter if one was found."""
        body = handoff.body if handoff else self.house.bureau
        bodies, arbiter = self.house.bodies, petition.arbiter
        # Once it has been reported to the conference above, that one has it.
        raised = arbiter is not None and arbiter in bodies and bodies.get(arbiter).kind == "joint_conference"
        conference = arbiter if raised and arbiter is not None else self.house.conference_for(petition.facts)
        return Parties(self.house.bureau, body, conference, arbiter)

    def _window_ends(self, petition: PetitionRow, handoff: HandoffRow) -> datetime | None:
        """When the time to object ends (or ended): told by its clock, so that it does not depend on whether the watcher has rung it yet."""
        for clock in clocking.running(self.work, petition.petition_no, handoff.handoff_id):
            if clock.root == OBJECTION_WINDOW:
                return clock.due_at
        if handoff.delivered_at is None:
            return None
        rule = self.house.roads.clock_rule(OBJECTION_WINDOW, self.course(petition, handoff).context)
        return None if rule is None else due(handoff.delivered_at, rule.case.limit, self.house.calendar).instant

    def hold_both(self, petition: PetitionRow, handoff: HandoffRow | None) -> None:
        at = handoff or (self.work.handoffs.get(petition.open_handoff) if petition.open_handoff else None)
        if at is not None:
            self.hold_handoff(petition, at)
        else:
            self.hold_petition(petition)

    def hold_handoff(self, petition: PetitionRow, handoff: HandoffRow) -> None:
        """Set holder and next due date of a hand-off, and of its petition with it, from its state and its clocks."""
        state = self.house.roads.state("handoff", handoff.state)
        clocks = clocking.running(self.work, petition.petition_no, handoff.handoff_id)
        if state.end:
            handoff.holder = handoff.next_due = None
        else:
            # Whom a suspension waits for is told by its clock: the party named in the message or, once that time is up, the rung's.
            waits = next((c.owes for c in clocks if c.paused_at is None and self.house.roads.clock(c.root).owes == "party"), None) if state.holder == "party" else None
            whole = clocking.running(self.work, petition.petition_no, None)
            parties = self.parties(petition, handoff)
            handoff.holder = self._climbed([*clocks, *whole], parties) or waits or parties.who(state.holder or "bureau")
            # The time of the petition as a whole runs on, whoever has it.
            handoff.next_due = clocking.earliest([*clocks, *whole])
        petition.holder, petition.next_due = handoff.holder, handoff.next_due
        self.work.changed_handoffs.add(handoff.handoff_id)
        self.work.changed_petitions.add(petition.petition_no)

    def hold_petition(self, petition: PetitionRow) -> None:
        state = self.house.roads.state("petition", petition.state)
        self.work.changed_petitions.add(petition.petition_no)
        if state.end:
            petition.holder = petition.next_due = None
        elif state.holder != "handoff":
            clocks = clocking.running(self.work, petition.petition_no, None)
            parties = self.parties(petition, None)
            petition.holder = self._climbed(clocks, parties) or parties.who(state.holder or "bureau")
            petition.next_due = clocking.earliest(clocks)

    def _climbed(self, clocks: Iterable[ClockRow], parties: Parties) -> str | None:
        """A ladder that has reached the joint conference hands the case to it."""
        roads = self.house.roads
        up = any(c.paused_at is None and roads.is_rung(c.key) and roads.clock(c.key).owes == "joint_conference" for c in clocks)
        return parties.conference if up else None

    def report_grave(self, petition: PetitionRow) -> None:
        """Grave and urgent: the bureau above and the national one are told at once, both at the same time (信访工作条例 art 25)."""
        if not petition.facts.get("grave"):
            return
        places = self.house.bodies.lineage(self.house.division(self.house.bureau))[1:]
        bureaus = [body.code for place in places if (body := self.house.bodies.find("bureau", place.code)) is not None]
        allowed = [code for code in bureaus if not shuns(petition.facts, code, self.house.bodies)]
        # Whoever is accused or complained of is not the one to be told; then those are who would hear of it at the end.
        for code in dict.fromkeys((*allowed[:1], *allowed[-1:]) or (self.house.conference_for(petition.facts),) if bureaus else ()):
            self.report_to(petition, code)

    def report_to(self, petition: PetitionRow, code: str) -> None:
        """The bureau owes that body an immediate report."""
        if code != self.house.bureau:
            self.open_duty("report.grave", f"立即向{self.house.bodies.get(code).name}报告", self.house.bureau, petition, None,
                           ref=f"{petition.petition_no}:{code}", detail={"to": code}, body=code)

    def tell_besides(self, route: Route, petition: PetitionRow) -> None:
        """Bodies that a row names besides the receiver are told by a person; never one that the guards keep the petition from."""
        if not route.also:
            return
        facts = Facts.model_validate(dict(petition.facts))
        for body in map(self.house.bodies.get, route.also):
            if isinstance(may_send(facts, body, self.house.bodies, via=(self.house.bureau,)), Allowed):
                self.open_duty("notify", f"通报{body.name}", self.house.bureau, petition, None, ref=f"{petition.petition_no}:notify:{body.code}",
                               detail={"to": body.code}, body=body.code)

    def open_duty(
        self, kind: str, zh: str, holder: str, petition: PetitionRow | None, handoff: HandoffRow | None, *, ref: str = "", bound: bool = False,
        detail: dict[str, Any] | None = None, body: str | None = None,
    ) -> DutyRow:
        """A thing for a person to do; the one already open, where kind and reference have one."""
        known = next((d for d in self.work.duties[petition.petition_no] if (d.kind, d.ref) == (kind, ref) and d.closed_at is None), None) if petition else None
        if known is not None:
            return known
        limits = self.house.roads.clocks_file.duties
        # A duty that belongs to a state has that state's date: the clock watches it, the duty shows it.
        clocks = clocking.running(self.work, petition.petition_no, handoff.handoff_id if handoff else None) if petition and kind not in limits else []
        shown = clocking.earliest(c for c in clocks if c.owes == holder) or clocking.earliest(clocks)
        until = shown or due(self.now, limits[kind].limit if kind in limits else "2wd", self.house.calendar).instant
        duty = DutyRow(
            new_id(self.now), kind, ref or f"{row_id(petition, handoff)}:{self.now.isoformat()}", petition.petition_no if petition else None,
            handoff.handoff_id if handoff else None, body or (handoff.body if handoff else None), holder, zh, detail or {}, bound, self.now, until,
        )
        self.work.new_duties.append(duty)
        if petition is not None:
            self.work.duties[petition.petition_no].append(duty)
        return duty

    def close_duties(self, petition: PetitionRow, handoff: HandoffRow | None, by: str) -> None:
        """Those that belonged to the state just left. A duty of a clock's ladder goes on for as long as the clock does."""
        where = handoff.handoff_id if handoff else None
        roots = {c.root for c in clocking.running(self.work, petition.petition_no, where)}
        for duty in self.work.duties[petition.petition_no]:
            if duty.state_bound and duty.closed_at is None and duty.handoff_id == where and duty.detail.get("root") not in roots:
                self.shut(duty, by)

    def asked(self, petition: PetitionRow, handoff: HandoffRow, kind: str, by: str) -> None:
        """Duties of this kind for this hand-off are done by the act itself."""
        for duty in self.work.duties[petition.petition_no]:
            if (duty.kind, duty.handoff_id) == (kind, handoff.handoff_id) and duty.closed_at is None:
                self.shut(duty, by)

    def shut(self, duty: DutyRow, by: str) -> None:
        duty.closed_at, duty.closed_by = self.now, by
        self.work.changed_duties[duty.duty_id] = duty

    def note(self, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> None:
        """A journal row for an act that changes no state."""
        if handoff is not None:
            self.work.changed_handoffs.add(handoff.handoff_id)
        row = handoff or petition
        self.write(petition, handoff, move.actor, move.act, row.state, row.state, move.data, move.note)

    def refuse(self, move: Move, petition: PetitionRow, code: str, why: str) -> Refused:
        """The answer to an act that may not be. What people of the bureau asked in vain is kept beside the journal; a body's message is quarantined."""
        if move.actor.writer in ("bureau", "arbiter"):
            self.work.refusals.append(RefusalRow(petition.petition_no, move.handoff_id, self.now, str(move.actor), move.act, code, why))
        return Refused(code, why, petition.petition_no, move.handoff_id)

    def zh(self, machine: MachineName, state: str) -> str:
        return self.house.roads.state(machine, state).zh

    def write(
        self, petition: PetitionRow, handoff: HandoffRow | None, actor: Actor, act: str, before: str, after: str, data: Mapping[str, Any], note: str = "",
    ) -> None:
        self.work.changed_petitions.add(petition.petition_no)
        petition.journal_seq += 1
        detail = safe_detail(data, actor.writer)
        sealed = self._sealed_note(petition, note) if note else None
        handoff_id = handoff.handoff_id if handoff else None
        row = (handoff or petition)
        digest = row_hash(petition.journal_head, petition.petition_no, petition.journal_seq, self.now, str(actor), act, handoff_id, before, after,
                          row.holder, row.next_due, detail, sealed)
        self.work.journal.append(JournalRow(
            petition.petition_no, petition.journal_seq, self.now, str(actor), act, handoff_id, before, after, row.holder, row.next_due, detail, sealed,
            petition.journal_head, digest,
        ))
        petition.journal_head = digest

    def _sealed_note(self, petition: PetitionRow, note: str) -> bytes:
        # The journal cannot be erased, so what people wrote is sealed with a key of the petition's own, which can.
        if petition.note_salt is None:
            petition.note_salt = os.urandom(16)
        return self.sealer.apart(petition.note_salt).seal_text(note, store.note_place(petition.petition_no, petition.journal_seq))

    def settle(self) -> None:
        """The invariant, before anything is written: what has not ended has a holder and a due date."""
        for number in self.work.changed_petitions:
            petition = self.work.petitions[number]
            ended = self.house.roads.state("petition", petition.state).end
            if ended != (petition.holder is None) or ended != (petition.next_due is None):
                raise InvariantBroken(f"{number} would be left in {petition.state} with holder={petition.holder} next_due={petition.next_due}")


def row_id(petition: PetitionRow | None, handoff: HandoffRow | None) -> str:
    return handoff.handoff_id if handoff else petition.petition_no if petition else "-"
