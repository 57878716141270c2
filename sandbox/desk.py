"""What a manner can do with one case: issue messages, plan for later, remember. All of it inside one transaction of
the ledger."""

import hashlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.wire.events import Event, encode, event_type, new_id, urn_of
from sandbox import edges
from sandbox.case import Case, record_effect
from sandbox.instants import micros


@dataclass(frozen=True)
class Delivery:
    """How one message leaves the house: after which delay (virtual), whether it waits for those before it, how often
    the same id is posted, and whether the same business event is sent again under a second id."""

    delay: timedelta = timedelta(0)
    ordered: bool = True
    copies: int = 1
    again: bool = False


PLAIN = Delivery()


class Desk:
    """One case on one body's desk, now. Times are aware datetimes of the injected clock; delays are plain hours and
    days."""

    def __init__(self, db: sqlite3.Connection, case: Case, now: datetime, seed: int) -> None:
        self.case, self.now = case, now
        self._db, self._seed = db, seed

    def say(self, message: str, data: Mapping[str, object], delivery: Delivery = PLAIN) -> bool:
        """Issue a business message: moves the state, takes the next sequence number, queues it. False, and nothing
        done, where the case has no such edge now (the plan it came from is out of date)."""
        case = self.case
        state = edges.after_own(case.state, message, data)
        if state is None:
            return False
        case.state, case.last_seq_out = state, case.last_seq_out + 1
        case.case_no_told = case.case_no_told or message == "handoff.accepted"
        self._queue(message, data, delivery, original=True)
        if delivery.again:
            self._queue(message, data, delivery, original=False)
        record_effect(self._db, case.body, case.handoff_id, message, self.now)
        return True

    def later(self, name: str, delay: timedelta) -> None:
        """Plan the manner's step `do_<name>` after `delay` of virtual time; a second plan of the same name replaces
        the first."""
        self.cancel(name)
        self._db.execute(
            "INSERT INTO action (body, handoff_id, due, name) VALUES (?, ?, ?, ?)",
            (self.case.body, self.case.handoff_id, micros(self.now + delay), name),
        )

    def hasten(self, name: str, delay: timedelta) -> None:
        """Move a planned step forward to at most `delay` from now; no plan of that name: nothing."""
        self._db.execute(
            "UPDATE action SET due = min(due, ?) WHERE body = ? AND handoff_id = ? AND name = ?",
            (micros(self.now + delay), self.case.body, self.case.handoff_id, name),
        )

    def cancel(self, *names: str) -> None:
        """Drop the planned steps of these names; without names, all."""
        where, key = "DELETE FROM action WHERE body = ? AND handoff_id = ?", (self.case.body, self.case.handoff_id)
        if not names:
            self._db.execute(where, key)
        for name in names:
            self._db.execute(where + " AND name = ?", (*key, name))

    def between(self, what: str, low: float, high: float) -> float:
        """A number in [low, high], the same for the same seed, body, petition, round and purpose."""
        case = self.case
        text = f"{self._seed}|{case.body}|{case.petition_no}|{case.round}|{what}"
        return low + (high - low) * int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / (1 << 48)

    def remember(self, what: str) -> int:
        """Count an occasion in the case's memory; returns how often it has now occurred."""
        self.case.memory[what] = self.case.memory.get(what, 0) + 1
        return self.case.memory[what]

    def _queue(self, message: str, data: Mapping[str, object], delivery: Delivery, *, original: bool) -> None:
        case = self.case
        event = Event(
            id=new_id(),
            source=urn_of(case.body),
            type=event_type(message),
            subject=case.handoff_id,
            time=self.now,
            sequence=case.last_seq_out,
            data={
                "petition_no": case.petition_no,
                "handoff_id": case.handoff_id,
                "round": case.round,
                "to": case.bureau,
                **data,
            },
        )
        self._db.execute(
            "INSERT INTO outbox (body, message_id, handoff_id, sequence, message, raw, original, ordered, "
            "copies, send_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                case.body,
                event.id,
                case.handoff_id,
                event.sequence,
                message,
                encode(event),
                int(original),
                int(delivery.ordered),
                delivery.copies if original else 1,
                micros(self.now + delivery.delay),
            ),
        )
