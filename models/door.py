"""The one door: every change of a petition or hand-off, whoever asks for it, is one call of `advance` in one transaction.

For each act the door finds the edge in the road map, checks who may write it and its guards, moves the state, sets holder and next due date,
opens and closes clocks and duties, appends to the journal and queues the messages that follow. It works on sets: a thousand
acts cost a dozen statements. It reads no clock and speaks to nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from models import clocking, registry, store
from models.db import Connection
from models.edges import Crossing
from models.holding import InvariantBroken
from models.journalling import JOURNALLED
from models.moves import Answer, Arrival, Done, Move, Refused
from models.own_acts import FREE, OWN
from models.records import PetitionRow, RefusalRow
from models.registry import Admitted
from models.seal import Sealer
from rules.calendar import due
from rules.house import House

KEY_REUSED = "key-reused"
_REUSED = "来源编号已用于另一件内容不同的来件；同一编号只能对应一件，请为新件另编号码"

__all__ = ["JOURNALLED", "InvariantBroken", "advance"]


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


class _Door(Crossing):
    """Lets arrivals and acts in, one by one, and sends each to its edge or to the act of the door's own."""

    def arrive(self, found: Admitted, move: Arrival) -> Answer:
        petition = found.petition
        if any(other is move for other in found.other):
            self.work.refusals.append(RefusalRow(petition.petition_no, None, self.now, str(move.actor), "petition.register", KEY_REUSED, _REUSED))
            return Refused(KEY_REUSED, _REUSED, petition.petition_no)
        if not found.new or petition.petition_no in self.work.petitions:
            return Done(petition.petition_no, None, petition.state, new=False)
        self.work.petitions[petition.petition_no] = petition
        self.work.clocks[petition.petition_no], self.work.duties[petition.petition_no] = [], []
        self.work.changed_petitions.add(petition.petition_no)
        start = self.house.roads.machine("petition").start
        self._start_clocks(petition, start)
        self.report_grave(petition)
        self.hold_petition(petition)
        self.write(petition, None, move.actor, "petition.register", "", start,
                   {"channel": move.channel, "origin": move.origin, **({"other": petition.first_petition_no} if petition.first_petition_no else {})})
        return Done(petition.petition_no, None, start)

    def _start_clocks(self, petition: PetitionRow, start: str) -> None:
        """The first limits run from the day the petition was received (XF 22(1)), not from when it was typed in.

        One that is registered when its time is already up says so on its face and is given the limit anew: nobody could be in time with it.
        """
        course = self.course(petition, None)
        for key in self.house.roads.state("petition", start).clocks:
            rule = self.house.roads.clock_rule(key, course.context)
            since = min(petition.received_at, self.now)
            if rule is not None and due(since, rule.case.limit, self.house.calendar).instant <= self.now:
                since = self.now
                petition.flags.extend({"late-registration"}.difference(petition.flags))
            clocking.open_clock(self.work, self.house, course, key, key, since)

    def take(self, move: Move) -> Answer:
        handoff = self.work.handoffs.get(move.handoff_id) if move.handoff_id else None
        number = handoff.petition_no if handoff else move.petition_no
        petition = self.work.petitions.get(number) if number else None
        if petition is None or (move.handoff_id and handoff is None):
            if move.act in FREE and move.actor.writer != "partner" and not move.handoff_id and not move.petition_no:
                return FREE[move.act](self, move, None, None)
            return Refused("unknown", "没有此信访事项或转送件", move.petition_no, move.handoff_id)
        if move.actor.writer == "partner" and (handoff is None or handoff.body != move.actor.code):
            return Refused("unknown", "没有此信访事项或转送件", None, move.handoff_id)
        if move.actor.clerk and move.actor.clerk in petition.recused:
            return self.refuse(move, petition, "not-writer", "该经办人已回避此件，须由他人办理（条例第二十八条第三款）")
        own = OWN.get(move.act)
        if own is not None and move.actor.writer == "partner":
            return self.refuse(move, petition, "not-writer", f"“{move.act}”不由partner书写")
        if own is not None:
            return own(self, move, petition, handoff)
        answer = self.edge(move, petition, handoff)
        if move.sequence is not None and handoff is not None:
            handoff.seq_in = max(handoff.seq_in, move.sequence)
            self.work.changed_handoffs.add(handoff.handoff_id)
        return answer
