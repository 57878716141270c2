"""The door's own acts, which are no edges: a receipt, a message read, a flag, a clock's ring, a duty opened, done or overdue."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from models import clocking, proposals, store
from models.edges import Crossing
from models.holding import row_id
from models.journalling import safe_detail
from models.moves import SYSTEM, Actor, Answer, Done, Move, Refused
from models.records import ClockRow, DutyRow, HandoffRow, PetitionRow
from models.shielding import UPPER_LEVEL
from rules.calendar import due
from rules.edge_guards import CONFERENCE_UP
from rules.reassigning import TAKEN
from rules.taxonomy import way_zh
from rules.words import act_zh

# What the comparison of ledgers tells a person of a body as a whole.
LEDGER_UNREAD, MANY_STRANGERS = "ledger-unread", "many-strangers"


def _of_a_ledger(data: Mapping[str, object]) -> str:
    if data.get("what") == LEDGER_UNREAD:
        return f"：连续三夜读不到该单位的账目（{data.get('code')}），两边无从核对，请联系该单位"
    if data.get("what") == MANY_STRANGERS:
        return f"：该单位账上列有我方未发之件 {data.get('parts')} 件，请向该单位核实"
    return ""


def receipted(door: Crossing, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> Answer:
    """A receipt for a message to the body. For the request it takes the edge to DELIVERED, for others it only counts."""
    if handoff is None or move.actor != SYSTEM:
        return Refused("not-writer", "回执只由系统登记", petition.petition_no, move.handoff_id)
    handoff.acked_out = max(handoff.acked_out, int(move.data["sequence"]))
    then, sequence = str(move.data.get("then") or ""), int(move.data["sequence"])
    # A body that has answered since, or has a later message of ours, is past `then`: a receipt that comes late takes nothing back.
    if then and move.data.get("message") != "handoff.request" and sequence > handoff.told_out:
        handoff.partner_state, handoff.partner_round, handoff.told_out = then, int(move.data["round"]), sequence
    for duty in door.work.duties[petition.petition_no]:
        if duty.kind == "undelivered" and duty.ref == move.data.get("message_id") and duty.closed_at is None:
            door.shut(duty, str(move.actor))
    edge = door.house.roads.edge("handoff", handoff.state, "receipt")
    if edge is not None and move.data.get("message") == "handoff.request":
        return door.handoff_edge(move, edge, petition, handoff)
    door.note(move, petition, handoff)
    if not move.data.get("weak"):
        message = str(move.data.get("message_id") or "")
        if move.data.get("message") == "handoff.request" and UPPER_LEVEL in petition.flags:
            door.forget(petition, handoff, message)  # the first receipt was a weak one, or the body spoke before it
        door.forget_more(petition, message)
    return Done(petition.petition_no, handoff.handoff_id, handoff.state)


def read_only(door: Crossing, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> Answer:
    """A partner's message that changes no state but was read: quarantined, or told twice."""
    if handoff is not None and move.sequence is not None:
        handoff.seq_in = max(handoff.seq_in, move.sequence)
    door.note(move, petition, handoff)
    return Done(petition.petition_no, move.handoff_id, (handoff or petition).state)


def resent(door: Crossing, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> Answer:
    """Somebody of the bureau sends a message again: who, when, which and why is kept; whether it arrives is told by its receipt."""
    if handoff is None or move.actor.writer != "bureau":
        return Refused("not-writer", "重发只由信访部门决定", petition.petition_no, move.handoff_id)
    door.note(move, petition, handoff)
    return Done(petition.petition_no, handoff.handoff_id, handoff.state)


def flag(door: Crossing, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> Answer:
    row = handoff or petition
    if move.data["code"] not in row.flags:
        row.flags.append(str(move.data["code"]))
        door.note(move, petition, handoff)
    return Done(petition.petition_no, move.handoff_id, row.state)


def ring(door: Crossing, move: Move, petition: PetitionRow, handoff: HandoffRow | None) -> Answer:
    """A clock's warning or end has come. Ringing a clock that does not ring changes nothing, so two watchers do no harm."""
    clock = next((c for c in door.work.clocks[petition.petition_no] if c.id == move.data["clock"] and c.state == "OPEN"), None)
    handoff = door.work.handoffs.get(clock.handoff_id) if clock is not None and clock.handoff_id else None
    row = handoff or petition
    if clock is None or clock.paused_at is not None or clock.ring_at > door.now:
        return Done(petition.petition_no, move.handoff_id, row.state, new=False)
    told = {"key": clock.key, "root": clock.root, "limit": clock.limit, "clock_due": clock.due_at.isoformat()}
    clocking.touch(door.work, clock)
    if clock.due_at > door.now:
        clock.warned += 1
        clock.ring_at = clocking.next_ring(clock, door.house)
        door.write(petition, handoff, SYSTEM, "clock.warned", row.state, row.state, {**told, "warning": clock.warned})
    else:
        clock.state, clock.closed_at = "FIRED", door.now
        _expire(door, clock, petition, handoff)
        door.hold_both(petition, handoff)
        door.write(petition, handoff, SYSTEM, "clock.expired", row.state, row.state, told)
    return Done(petition.petition_no, move.handoff_id, row.state)


def _expire(door: Crossing, clock: ClockRow, petition: PetitionRow, handoff: HandoffRow | None) -> None:
    follow = door.house.roads.clock(clock.key).on_expiry
    row = handoff or petition
    if follow.flag and follow.flag not in row.flags:
        row.flags.append(follow.flag)
    course = door.course(petition, handoff)
    rule = door.house.roads.clock_rule(clock.key, course.context)
    if rule is not None and rule.case.deemed and handoff is not None:
        # Taken like any other edge, so that its guards are asked and its flag is set; where it may not be taken the ladder goes on.
        taken = door.edge(Move(rule.case.deemed, SYSTEM, handoff_id=handoff.handoff_id, data={"key": clock.key}), petition, handoff)
        if isinstance(taken, Done):
            return
    if follow.next:
        clocking.open_clock(door.work, door.house, course, follow.next, clock.root, door.now)
    # Where no conference is above, there is nothing that a clerk could do about it: the one that has it is asked again.
    if follow.duty and (follow.duty.kind != CONFERENCE_UP or door.conference_above(petition) is not None):
        holder = course.parties.who(follow.duty.holder)
        door.open_duty(follow.duty.kind, follow.duty.zh, holder, petition, handoff, ref=f"{row_id(petition, handoff)}:{clock.root}",
                       detail={"root": clock.root}, bound=True)
    if follow.urge and handoff is not None and door.house.roads.edge("handoff", handoff.state, "handoff.urge"):
        door.edge(Move("handoff.urge", Actor("bureau", door.house.bureau), handoff_id=handoff.handoff_id, data={"key": clock.key}), petition, handoff)


def duty_open(door: Crossing, move: Move, petition: PetitionRow | None, handoff: HandoffRow | None) -> Answer:
    """A duty that a watcher or a reconciliation finds. The same cause, seen again while its duty is open, opens no second one."""
    kind, before = str(move.data["kind"]), len(door.work.new_duties)
    zh = door.house.roads.duty_zh(kind)
    if move.data.get("code") == TAKEN:
        zh = f"{zh}：收回改派之后，原承办单位来文“{act_zh(str(move.data.get('what')))}”，可供参考的转告现承办单位"
    zh += _of_a_ledger(move.data)
    way = move.data.get("to_way")
    if isinstance(way, int):
        zh += f"（已自动改走{way_zh(way)}，送达前仍须跟进）"
    duty = door.open_duty(kind, zh, str(move.data.get("holder") or door.house.bureau), petition, handoff,
                          ref=str(move.data["ref"]), detail=safe_detail(move.data), body=move.data.get("body"))
    new = len(door.work.new_duties) > before
    if petition is not None and new:
        door.note(move, petition, handoff)
    if petition is not None and kind == "undelivered" and way is None:
        # Also where the duty was there already, since the message had gone by another way.
        door.forget_more(petition, str(move.data.get("message_id") or ""))
    return Done(petition.petition_no if petition else "", move.handoff_id, duty.kind, new=new)


def duty_close(door: Crossing, move: Move, petition: PetitionRow | None, handoff: HandoffRow | None) -> Answer:
    duty = _open_duty(door, move, petition)
    if duty is None:
        return Refused("unknown", "没有此待办，或已办结", move.petition_no, move.handoff_id)
    if duty.state_bound:
        return Refused("guard", "该待办随状态办结：请作出相应决定", duty.petition_no, move.handoff_id)
    door.shut(duty, str(move.actor))
    if petition is not None:
        door.note(move, petition, handoff)
    return Done(duty.petition_no or "", move.handoff_id, duty.kind)


def duty_ring(door: Crossing, move: Move, petition: PetitionRow | None, handoff: HandoffRow | None) -> Answer:
    """A duty that nobody did goes to the joint conference, and rings there again until somebody does it.

    A duty that belongs to a state does not ring: the clock of that state does, and has its own ladder.
    """
    duty = _open_duty(door, move, petition)
    if duty is None or duty.state_bound or duty.due_at > door.now:
        return Done(petition.petition_no if petition else "", move.handoff_id, "", new=False)
    duty.holder = door.house.conference_for(petition.facts) if petition is not None else door.house.conference
    duty.escalations += 1
    duty.due_at = due(door.now, door.house.roads.duty_limit("conference"), door.house.calendar).instant
    door.work.changed_duties[duty.duty_id] = duty
    if petition is not None:
        door.note(move, petition, handoff)
    return Done(duty.petition_no or "", move.handoff_id, duty.kind)


def _open_duty(door: Crossing, move: Move, petition: PetitionRow | None) -> DutyRow | None:
    if petition is None:
        return store.free_duty(door.connection, door.work, str(move.data["duty_id"]))
    return next((d for d in door.work.duties[petition.petition_no] if d.duty_id == move.data["duty_id"] and d.closed_at is None), None)


# What may concern no petition at all: a body, or a hand-off that is not ours.
FREE: Mapping[str, Callable[[Crossing, Move, PetitionRow | None, HandoffRow | None], Answer]] = {
    "duty.open": duty_open,
    "duty.close": duty_close,
    "duty.ring": duty_ring,
}
OWN: Mapping[str, Callable[[Crossing, Move, PetitionRow, HandoffRow | None], Answer]] = {
    "receipt": receipted,
    "message.read": read_only,
    "message.quarantined": read_only,
    "message.resend": resent,
    "flag": flag,
    "clock.ring": ring,
    "proposal.issue": proposals.issue,
    "proposal.feedback": proposals.feedback,
    **FREE,
}
