"""The one door: every change of a petition or hand-off, whoever asks for it, is one call of `advance` in one transaction.

For each act the door finds the edge in the road map, checks who may write it and its guards, moves the state, sets holder and next due date,
opens and closes clocks and duties, appends to the journal and queues the messages that follow. It works on sets: a thousand
acts cost a dozen statements. It reads no clock and speaks to nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from config.roadmap import Edge
from connectors.wire.ids import new_id
from models import clocking, registry, store
from models.db import Connection
from models.journal import row_hash
from models.letters import compose, request_data
from models.moves import SYSTEM, Actor, Answer, Arrival, Done, Move, Refused
from models.records import ClockRow, DutyRow, HandoffRow, JournalRow, PetitionRow, Working
from models.seal import Sealer
from rules.calendar import SHANGHAI, due
from rules.edge_guards import GUARDS, Mark, No, Situation
from rules.house import House
from rules.roadmap import MachineName

# What of an act's data the journal may keep: codes, numbers and dates, each of a form that cannot carry a sentence about a person.
JOURNALLED: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern)
    for names, pattern in (
        (("reason_code", "outcome_code", "kind", "key", "root", "channel", "origin", "via", "party", "rule", "code", "decision"), r"[A-Za-z0-9_.:-]{1,64}"),
        (("suggested_body", "to_subordinate", "body", "to"), r"[a-z0-9_:-]{1,128}"),
        (("partner_case_no", "document_no"), r"[^\s<>]{1,60}"),
        (("told_on", "signed_at", "due", "message_id", "clock_due", "digest"), r"[0-9A-Za-z+:.=/-]{1,80}"),
        (("way", "basis", "row", "limit"), r".{1,120}"),
    )
    for name in names
}
_NUMBERS = ("round", "days", "sequence", "attempts", "warning")


def advance(connection: Connection, moves: Sequence[Move | Arrival], house: House, sealer: Sealer, now: datetime) -> list[Answer]:
    """Take these acts, in this order, inside the caller's transaction.

    Args:
        connection: a transaction of the caller's; nothing is committed here.
        moves: acts and arrivals; several may concern the same petition.
        now: aware; the instant written for all of them.

    Returns:
        One answer an act, in order. A refused act changes nothing but, for a partner's message, the count of messages read.
    """
    arrivals = [m for m in moves if isinstance(m, Arrival)]
    acts = [m for m in moves if isinstance(m, Move)]
    numbers = {m.petition_no for m in acts if m.petition_no}
    ids = {m.handoff_id for m in acts if m.handoff_id and not m.petition_no}
    if ids:
        numbers |= {n for (n,) in connection.execute("select distinct petition_no from handoff where handoff_id = any(%s)", (sorted(ids),))}
    registered = registry.admit(connection, arrivals, house, sealer, now)
    work = store.load(connection, numbers)
    door = _Door(connection, work, house, sealer, now)
    answers: list[Answer] = []
    for move in moves:
        if isinstance(move, Arrival):
            answers.append(door.arrive(registered[move.origin, move.origin_ref], move))
        else:
            answers.append(door.take(move))
    door.settle()
    store.flush(connection, work, sealer, now)
    return answers


class _Door:
    def __init__(self, connection: Connection, work: Working, house: House, sealer: Sealer, now: datetime) -> None:
        self.connection, self.work, self.house, self.sealer, self.now = connection, work, house, sealer, now

    # -- acts -------------------------------------------------------------------------------------------------------------

    def arrive(self, found: tuple[PetitionRow, bool], move: Arrival) -> Answer:
        petition, new = found
        if not new or petition.petition_no in self.work.petitions:
            return Done(petition.petition_no, None, petition.state, new=False)
        self.work.petitions[petition.petition_no] = petition
        self.work.clocks[petition.petition_no], self.work.duties[petition.petition_no] = [], []
        self.work.changed_petitions.add(petition.petition_no)
        start = self.house.roads.machine("petition").start
        clocking.enter(self.work, self.house, petition.petition_no, None, self.house.bureau, petition.branch, (),
                       self.house.roads.state("petition", start).clocks, start, self.now)
        self._hold_petition(petition)
        self._write(petition, None, move.actor, "petition.register", "", start, {"channel": move.channel, "origin": move.origin})
        return Done(petition.petition_no, None, start)

    def take(self, move: Move) -> Answer:
        handoff = self.work.handoffs.get(move.handoff_id) if move.handoff_id else None
        number = handoff.petition_no if handoff else move.petition_no
        petition = self.work.petitions.get(number) if number else None
        if petition is None or (move.handoff_id and handoff is None):
            if move.act == "duty.open" and not move.handoff_id and not move.petition_no:
                return self._duty_open(move, None, None)
            return Refused("unknown", "没有此信访事项或转送件", move.petition_no, move.handoff_id)
        if move.actor.writer == "partner" and (handoff is None or handoff.body != move.actor.code):
            return Refused("unknown", "没有此信访事项或转送件", None, move.handoff_id)
        own = _OWN.get(move.act)
        if own is not None:
            return own(self, move, petition, handoff)
        answer = self._edge(move, petition, handoff)
        if move.sequence is not None and handoff is not None:
            handoff.seq_in = max(handoff.seq_in, move.sequence)
            self.work.changed_handoffs.add(handoff.handoff_id)
        return answer

    def _edge(self, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> Answer:
        machine: MachineName = "petition" if handoff is None else "handoff"
        row: PetitionRow | HandoffRow = petition if handoff is None else handoff
        edge = self.house.roads.edge(machine, row.state, move.act)
        if edge is None and handoff is not None and handoff.state == "ISSUED" and move.actor.writer == "partner":
            edge = self._implied_receipt(move, petition, handoff)
        if edge is None:
            return self._no(move, petition, "illegal-transition", f"状态{self._zh(machine, row.state)}没有“{move.act}”这条边")
        if edge.writer != move.actor.writer or (edge.writer == "bureau" and move.actor.code != self.house.bureau):
            return self._no(move, petition, "not-writer", f"“{move.act}”不由{move.actor.writer}书写")
        marks: list[str] = [edge.flag] if edge.flag else []
        for name in edge.guards:
            verdict = GUARDS[name](self._situation(move, petition, handoff))
            if isinstance(verdict, No):
                return self._no(move, petition, "loop" if name == "not_a_loop" else "guard", verdict.why)
            if isinstance(verdict, Mark):
                marks.append(verdict.flag)
        if edge.extends and handoff is not None:
            clock = next((c for c in clocking.running(self.work, petition.petition_no, handoff.handoff_id) if c.root == edge.extends), None)
            if clock is None or not clocking.extend(self.work, self.house, clock, handoff.body, handoff.branch, move.data.get("days")):
                return self._no(move, petition, "guard", "该期限依法不能延长，或超过可延长的天数，或已届满")
        row.flags.extend(flag for flag in marks if flag not in row.flags)
        if handoff is None:
            return self._petition_edge(move, edge, petition)
        return self._handoff_edge(move, edge, petition, handoff)

    def _implied_receipt(self, move: Move, petition: PetitionRow, handoff: HandoffRow) -> Edge | None:
        """A body that answers has the request, whatever became of its receipt: its word delivers the hand-off."""
        edge = self.house.roads.edge("handoff", "DELIVERED", move.act)
        receipt = self.house.roads.edge("handoff", "ISSUED", "receipt")
        if edge is None or not edge.implied_receipt or receipt is None:
            return None
        self._handoff_edge(Move("receipt", SYSTEM, handoff_id=handoff.handoff_id, data={"via": "later-message"}), receipt, petition, handoff)
        return edge

    # -- petitions --------------------------------------------------------------------------------------------------------

    def _petition_edge(self, move: Move, edge: Edge, petition: PetitionRow) -> Answer:
        target = self.house.roads.target(edge, petition.state)
        if move.route is not None:
            petition.branch, petition.klass = move.route.branch, move.route.klass or petition.klass
        detail = dict(move.data)
        if move.route is not None:
            detail |= {"to": move.route.body, "way": move.route.way, "row": move.route.row, "basis": move.route.basis}
        self._enter_petition(petition, target, move.actor, move.act, detail, move.note)
        if move.route is None:
            return Done(petition.petition_no, None, petition.state)
        handoff = self._open_handoff(petition, move)
        self._write(petition, handoff, move.actor, "handoff.open", "", handoff.state, {"body": handoff.body, "way": handoff.way})
        request = self.house.roads.edge("handoff", handoff.state, "handoff.request")
        if request is not None:
            self._handoff_edge(Move("handoff.request", move.actor, handoff_id=handoff.handoff_id), request, petition, handoff)
        return Done(petition.petition_no, handoff.handoff_id, handoff.state)

    def _enter_petition(self, petition: PetitionRow, target: str, actor: Actor, act: str, data: Mapping[str, Any], note: str = "") -> None:
        roads = self.house.roads
        before, state = petition.state, roads.state("petition", target)
        if target != before:
            self._close_duties(petition, None, str(actor))
            clocking.enter(self.work, self.house, petition.petition_no, None, self.house.bureau, petition.branch,
                           roads.state("petition", before).clocks, state.clocks, target, self.now)
            petition.state = target
            petition.closed_at = self.now if state.end else None
            if state.duty:
                self._open_duty(state.duty.kind, state.duty.zh, self.house.bureau, petition, None, bound=True)
        self._hold_petition(petition)
        self._write(petition, None, actor, act, before, target, data, note)

    def _open_handoff(self, petition: PetitionRow, move: Move) -> HandoffRow:
        assert move.route is not None  # noqa: S101  (the caller has just looked)
        parent = max((h for h in self.work.handoffs.values() if h.petition_no == petition.petition_no), key=lambda h: h.handoff_id, default=None)
        handoff = HandoffRow(
            handoff_id=new_id(self.now), petition_no=petition.petition_no, parent_handoff_id=parent.handoff_id if parent else None,
            body=move.route.body, way=move.route.way, basis=move.route.basis, route_row=move.route.row, branch=move.route.branch, round=1,
            state=self.house.roads.machine("handoff").start, holder=self.house.bureau, next_due=None, partner_case_no=None, seq_out=0, acked_out=0,
            seq_in=0, partner_state="", partner_round=0, issued_at=None, issued_day=None, delivered_at=None, accepted_at=None, closed_at=None,
            request_digest="", refused_grounds=[], flags=[], outcome="",
        )
        self.work.handoffs[handoff.handoff_id] = handoff
        self.work.new_handoffs.append(handoff.handoff_id)
        petition.open_handoff, petition.handoffs = handoff.handoff_id, petition.handoffs + 1
        clocking.enter(self.work, self.house, petition.petition_no, handoff.handoff_id, handoff.body, handoff.branch, (),
                       self.house.roads.state("handoff", handoff.state).clocks, handoff.state, self.now)
        return handoff

    # -- hand-offs --------------------------------------------------------------------------------------------------------

    def _handoff_edge(self, move: Move, edge: Edge, petition: PetitionRow, handoff: HandoffRow) -> Answer:
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
            self._close_duties(petition, handoff, str(move.actor))
            clocking.enter(self.work, self.house, petition.petition_no, handoff.handoff_id, handoff.body, handoff.branch,
                           roads.state("handoff", before).clocks, state.clocks, target, self.now, move.data.get("party"))
            handoff.state = target
            if state.duty:
                self._open_duty(state.duty.kind, state.duty.zh, self.house.who(state.holder or "bureau", handoff.body), petition, handoff, bound=True)
        if edge.duty:
            self._open_duty(edge.duty.kind, edge.duty.zh, self.house.bureau, petition, handoff, ref=f"{handoff.handoff_id}:{move.sequence or self.now.isoformat()}")
        if move.actor.writer == "partner":
            handoff.partner_state, handoff.partner_round = target, handoff.round
        self._hold_handoff(petition, handoff, move.data.get("party"))
        self._write(petition, handoff, move.actor, move.act, before, target, move.data, move.note)
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
        # Reading is done for all requests of the call at once, the first time one is met.
        if petition.petition_no not in self.work.content:
            store.load_content(self.connection, self.work, self.work.petitions, self.sealer)
        return request_data(petition, handoff, self.work.content[petition.petition_no], self.house)

    def _facts_of(self, move: Move, handoff: HandoffRow, target: str) -> None:
        """Columns that an act fills, beside the state."""
        data = move.data
        if move.act == "receipt":
            handoff.delivered_at = self.now
            handoff.partner_state, handoff.partner_round = handoff.partner_state or "DELIVERED", handoff.partner_round or handoff.round
        elif move.act == "handoff.accepted":
            handoff.partner_case_no, handoff.accepted_at = str(data["partner_case_no"])[:300], self.now
        elif move.act == "objection.rejected" and data.get("reason_code"):
            handoff.refused_grounds.append(str(data["reason_code"]))
        elif move.act == "result.rework":
            handoff.round += 1
        elif move.act == "handoff.result":
            handoff.outcome = _safe("outcome_code", data.get("outcome_code")) or "other"
        elif target in ("DECLINED", "RETURNED", "WITHDRAWN"):
            handoff.outcome = target.lower()

    # -- the door's own acts ----------------------------------------------------------------------------------------------

    def _receipted(self, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> Answer:
        """A receipt for a message to the body. For the request it takes the edge to DELIVERED, for others it only counts."""
        if handoff is None or move.actor != SYSTEM:
            return Refused("not-writer", "回执只由系统登记", petition.petition_no, move.handoff_id)
        handoff.acked_out = max(handoff.acked_out, int(move.data["sequence"]))
        then = str(move.data.get("then") or "")
        if then and move.data.get("message") != "handoff.request":
            handoff.partner_state, handoff.partner_round = then, int(move.data["round"])
        edge = self.house.roads.edge("handoff", handoff.state, "receipt")
        if edge is not None and move.data.get("message") == "handoff.request":
            return self._handoff_edge(move, edge, petition, handoff)
        self._note(move, petition, handoff)
        return Done(petition.petition_no, handoff.handoff_id, handoff.state)

    def _read_only(self, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> Answer:
        """A partner's message that changes no state but was read: quarantined, or told twice."""
        if handoff is not None and move.sequence is not None:
            handoff.seq_in = max(handoff.seq_in, move.sequence)
        self._note(move, petition, handoff)
        return Done(petition.petition_no, move.handoff_id, (handoff or petition).state)

    def _flag(self, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> Answer:
        row = handoff or petition
        if move.data["code"] not in row.flags:
            row.flags.append(str(move.data["code"]))
            self._note(move, petition, handoff)
        return Done(petition.petition_no, move.handoff_id, row.state)

    def _ring(self, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> Answer:
        """A clock's warning or end has come. Ringing a clock that does not ring changes nothing, so two watchers do no harm."""
        clock = next((c for c in self.work.clocks[petition.petition_no] if c.id == move.data["clock"] and c.state == "OPEN"), None)
        row = handoff or petition
        if clock is None or clock.paused_at is not None or clock.ring_at > self.now:
            return Done(petition.petition_no, move.handoff_id, row.state, new=False)
        told = {"key": clock.key, "root": clock.root, "limit": clock.limit, "clock_due": clock.due_at.isoformat()}
        clocking.touch(self.work, clock)
        if clock.due_at > self.now:
            clock.warned += 1
            clock.ring_at = clocking.next_ring(clock, self.house)
            self._write(petition, handoff, SYSTEM, "clock.warned", row.state, row.state, {**told, "warning": clock.warned})
        else:
            clock.state, clock.closed_at = "FIRED", self.now
            self._expire(clock, petition, handoff)
            self._hold_both(petition, handoff)
            self._write(petition, handoff, SYSTEM, "clock.expired", row.state, row.state, told)
        return Done(petition.petition_no, move.handoff_id, row.state)

    def _expire(self, clock: ClockRow, petition: PetitionRow, handoff: HandoffRow | None) -> None:
        follow = self.house.roads.clock(clock.key).on_expiry
        row = handoff or petition
        body = handoff.body if handoff else self.house.bureau
        if follow.flag and follow.flag not in row.flags:
            row.flags.append(follow.flag)
        if follow.urge and handoff is not None and self.house.roads.edge("handoff", handoff.state, "handoff.urge"):
            self._edge(Move("handoff.urge", Actor("bureau", self.house.bureau), handoff_id=handoff.handoff_id, data={"key": clock.key}), petition, handoff)
        if follow.duty:
            holder = self.house.who(follow.duty.holder, body)
            self._open_duty(follow.duty.kind, follow.duty.zh, holder, petition, handoff, ref=f"{row_id(petition, handoff)}:{clock.root}", bound=True)
        if follow.next:
            clocking.open_clock(self.work, self.house, petition.petition_no, clock.handoff_id, follow.next, clock.root, body,
                                handoff.branch if handoff else petition.branch, self.now)

    def _duty_open(self, move: Move, petition: PetitionRow | None, handoff: HandoffRow | None) -> Answer:
        kind, ref = str(move.data["kind"]), str(move.data["ref"])
        duty = self._open_duty(kind, self.house.roads.duty_zh(kind), str(move.data.get("holder") or self.house.bureau), petition, handoff, ref=ref,
                               detail=_safe_detail(move.data), body=move.data.get("body"))
        if petition is not None:
            self._note(move, petition, handoff)
            return Done(petition.petition_no, move.handoff_id, duty.kind)
        return Done("", None, duty.kind)

    def _duty_close(self, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> Answer:
        for duty in self.work.duties[petition.petition_no]:
            if duty.duty_id == move.data["duty_id"] and duty.closed_at is None:
                if duty.state_bound:
                    return Refused("guard", "该待办随状态办结：请作出相应决定", petition.petition_no, move.handoff_id)
                self._shut(duty, str(move.actor))
                self._note(move, petition, handoff)
                return Done(petition.petition_no, move.handoff_id, duty.kind)
        return Refused("unknown", "没有此待办，或已办结", petition.petition_no, move.handoff_id)

    def _duty_ring(self, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> Answer:
        """A duty that nobody did goes to the joint conference, and rings there again until somebody does it."""
        for duty in self.work.duties[petition.petition_no]:
            if duty.duty_id == move.data["duty_id"] and duty.closed_at is None and duty.due_at <= self.now:
                duty.holder, duty.escalations = self.house.conference, duty.escalations + 1
                duty.due_at = due(self.now, self.house.roads.duty_limit("conference"), self.house.calendar).instant
                self.work.changed_duties[duty.duty_id] = duty
                self._note(move, petition, handoff)
                return Done(petition.petition_no, move.handoff_id, duty.kind)
        return Done(petition.petition_no, move.handoff_id, "", new=False)

    # -- pieces -----------------------------------------------------------------------------------------------------------

    def _situation(self, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> Situation:
        body = move.route.body if move.route else handoff.body if handoff else self.house.bureau
        facts = move.route.facts if move.route and move.route.facts is not None else petition.facts
        return Situation(
            self.house.bureau, body, facts, move.data, handoff.round if handoff else 1, tuple((handoff or petition).flags),
            tuple(handoff.refused_grounds) if handoff else (), tuple(petition.returned_by), handoff.delivered_at if handoff else None, self.house.bodies,
        )

    def _hold_both(self, petition: PetitionRow, handoff: HandoffRow | None) -> None:
        if handoff is not None:
            self._hold_handoff(petition, handoff)
        else:
            self._hold_petition(petition)

    def _hold_handoff(self, petition: PetitionRow, handoff: HandoffRow, party: str | None = None) -> None:
        state = self.house.roads.state("handoff", handoff.state)
        clocks = clocking.running(self.work, petition.petition_no, handoff.handoff_id)
        if state.end:
            handoff.holder = handoff.next_due = None
        else:
            keep = handoff.holder if state.holder == "party" and party is None and handoff.holder else None
            handoff.holder = self._climbed(clocks) or keep or self.house.who(state.holder or "bureau", handoff.body, party)
            handoff.next_due = clocking.earliest(clocks)
        petition.holder, petition.next_due = handoff.holder, handoff.next_due
        self.work.changed_handoffs.add(handoff.handoff_id)
        self.work.changed_petitions.add(petition.petition_no)

    def _hold_petition(self, petition: PetitionRow) -> None:
        state = self.house.roads.state("petition", petition.state)
        self.work.changed_petitions.add(petition.petition_no)
        if state.end:
            petition.holder = petition.next_due = None
        elif state.holder != "handoff":
            clocks = clocking.running(self.work, petition.petition_no, None)
            petition.holder = self._climbed(clocks) or self.house.who(state.holder or "bureau", self.house.bureau)
            petition.next_due = clocking.earliest(clocks)

    def _climbed(self, clocks: Iterable[ClockRow]) -> str | None:
        """A ladder that has reached the joint conference hands the case to it."""
        roads = self.house.roads
        up = any(c.paused_at is None and roads.is_rung(c.key) and roads.clock(c.key).owes == "joint_conference" for c in clocks)
        return self.house.conference if up else None

    def _open_duty(
        self, kind: str, zh: str, holder: str, petition: PetitionRow | None, handoff: HandoffRow | None, *, ref: str = "", bound: bool = False,
        detail: dict[str, Any] | None = None, body: str | None = None,
    ) -> DutyRow:
        limits = self.house.roads.clocks_file.duties
        # A duty that belongs to a state has that state's date: the clock watches it, the duty shows it.
        clocks = clocking.running(self.work, petition.petition_no, handoff.handoff_id if handoff else None) if petition else []
        shown = clocking.earliest(c for c in clocks if c.owes == holder or kind not in limits) if kind not in limits else None
        until = shown or due(self.now, limits[kind].limit if kind in limits else "2wd", self.house.calendar).instant
        duty = DutyRow(
            new_id(self.now), kind, ref or f"{row_id(petition, handoff)}:{self.now.isoformat()}", petition.petition_no if petition else None,
            handoff.handoff_id if handoff else None, body or (handoff.body if handoff else None), holder, zh, detail or {}, bound, self.now, until,
        )
        self.work.new_duties.append(duty)
        if petition is not None:
            self.work.duties[petition.petition_no].append(duty)
        return duty

    def _close_duties(self, petition: PetitionRow, handoff: HandoffRow | None, by: str) -> None:
        for duty in self.work.duties[petition.petition_no]:
            if duty.state_bound and duty.closed_at is None and duty.handoff_id == (handoff.handoff_id if handoff else None):
                self._shut(duty, by)

    def _shut(self, duty: DutyRow, by: str) -> None:
        duty.closed_at, duty.closed_by = self.now, by
        if duty not in self.work.new_duties:
            self.work.changed_duties[duty.duty_id] = duty

    def _note(self, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> None:
        """A journal row for an act that changes no state."""
        if handoff is not None:
            self.work.changed_handoffs.add(handoff.handoff_id)
        row = handoff or petition
        self._write(petition, handoff, move.actor, move.act, row.state, row.state, move.data, move.note)

    def _no(self, move: Move, petition: PetitionRow, code: str, why: str) -> Refused:
        return Refused(code, why, petition.petition_no, move.handoff_id)

    def _zh(self, machine: MachineName, state: str) -> str:
        return self.house.roads.state(machine, state).zh

    def _write(
        self, petition: PetitionRow, handoff: HandoffRow | None, actor: Actor, act: str, before: str, after: str, data: Mapping[str, Any], note: str = "",
    ) -> None:
        self.work.changed_petitions.add(petition.petition_no)
        petition.journal_seq += 1
        detail = _safe_detail(data)
        sealed = self.sealer.seal_text(note, f"journal:{petition.petition_no}:{petition.journal_seq}") if note else None
        handoff_id = handoff.handoff_id if handoff else None
        row = (handoff or petition)
        digest = row_hash(petition.journal_head, petition.petition_no, petition.journal_seq, self.now, str(actor), act, handoff_id, before, after,
                          row.holder, row.next_due, detail, sealed)
        self.work.journal.append(JournalRow(
            petition.petition_no, petition.journal_seq, self.now, str(actor), act, handoff_id, before, after, row.holder, row.next_due, detail, sealed,
            petition.journal_head, digest,
        ))
        petition.journal_head = digest

    def settle(self) -> None:
        """The invariant, before anything is written: what has not ended has a holder and a due date."""
        for number in self.work.changed_petitions:
            petition = self.work.petitions[number]
            ended = self.house.roads.state("petition", petition.state).end
            if ended != (petition.holder is None) or ended != (petition.next_due is None):
                raise InvariantBroken(f"{number} would be left in {petition.state} with holder={petition.holder} next_due={petition.next_due}")


class InvariantBroken(Exception):
    """An act would leave a petition without holder or due date: a fault of the road map. The transaction must roll back."""


def row_id(petition: PetitionRow | None, handoff: HandoffRow | None) -> str:
    return handoff.handoff_id if handoff else petition.petition_no if petition else "-"


def _safe(name: str, value: Any) -> str | None:
    pattern = JOURNALLED.get(name)
    return value if isinstance(value, str) and pattern is not None and pattern.fullmatch(value) else None


def _safe_detail(data: Mapping[str, Any]) -> dict[str, Any]:
    detail: dict[str, Any] = {name: value for name in data if (value := _safe(name, data[name])) is not None}
    detail |= {name: data[name] for name in _NUMBERS if isinstance(data.get(name), int)}
    return detail


_OWN = {
    "receipt": _Door._receipted,
    "message.read": _Door._read_only,
    "message.quarantined": _Door._read_only,
    "flag": _Door._flag,
    "clock.ring": _Door._ring,
    "duty.open": _Door._duty_open,
    "duty.close": _Door._duty_close,
    "duty.ring": _Door._duty_ring,
}
