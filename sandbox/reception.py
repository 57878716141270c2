"""A message from the bureau, verified, comes to a body: stored once, applied in order, answered with one receipt for
ever.

Everything here runs in one savepoint of the ledger's writer (handoff-protocol §1.5-1.6, §1.9, from the receiver's
side).
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.wire import problems, receipts
from connectors.wire.events import Event, decode, new_id
from connectors.wire.problems import Problem
from sandbox import edges, texts
from sandbox.case import Case, create, load, record_effect, save
from sandbox.desk import Desk
from sandbox.downtime import away
from sandbox.faults import Fault
from sandbox.instants import micros
from sandbox.manners.base import Manner, Visit

Chooser = Callable[[sqlite3.Connection, str, Event], Manner[Any]]


@dataclass(frozen=True)
class Outcome:
    """One of: a receipt's bytes with its id, a problem, a fault on purpose; and the manner that gave it."""

    manner: Manner[Any] | None
    receipt: bytes | None = None
    receipt_id: str = ""
    problem: Problem | None = None
    fault: Fault | None = None


@dataclass(frozen=True)
class Reception:
    """The reception of one body. `choose` tells, and fixes, the manner of a message's case."""

    body: str
    seed: int
    choose: Chooser

    def receive(self, db: sqlite3.Connection, event: Event, raw: bytes, now: datetime) -> Outcome:
        """Take in a verified message addressed to this body."""
        span = away(db, self.body, now)
        if span is not None:
            return Outcome(None, fault=span.fault(now))
        manner = self.choose(db, self.body, event)
        visit = Visit(db, self.body, event.id, event.name, now)
        refused = manner.before_commit(visit)
        if refused is not None:
            return Outcome(manner, fault=refused)
        stored = self._store(db, manner, event, raw, now)
        if stored.receipt is not None:
            lost = manner.after_commit(visit)
            if lost is not None:
                return Outcome(manner, fault=lost)
        return stored

    def fetched(self, db: sqlite3.Connection, event: Event, raw: bytes, now: datetime) -> Outcome:
        """Take in a message this body fetched itself: no door, the same storing."""
        return self._store(db, self.choose(db, self.body, event), event, raw, now)

    def _store(self, db: sqlite3.Connection, manner: Manner[Any], event: Event, raw: bytes, now: datetime) -> Outcome:
        digest = receipts.body_digest(raw)
        known = db.execute("SELECT digest, receipt FROM inbox WHERE body = ? AND message_id = ?", (self.body, event.id)).fetchone()
        if known is not None:
            if known["digest"] != digest:
                return Outcome(manner, problem=problems.key_reused())
            return _replay(manner, known["receipt"])
        case = load(db, self.body, event.subject)
        if case is None and event.sequence == 1 and event.name != "handoff.request":
            return Outcome(manner, problem=problems.illegal_transition("the first message of a hand-off must be handoff.request"))
        fate = self._fate(db, case, event)
        receipt = receipts.Receipt(new_id(), event.id, now, digest, _STATUS[fate])
        encoded = receipts.encode(receipt)
        db.execute(
            "INSERT INTO inbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self.body,
                event.id,
                event.subject,
                event.sequence,
                event.name,
                int(event.data["round"]),
                raw,
                digest,
                encoded,
                micros(now),
                fate,
            ),
        )
        if fate == "applied":
            self._apply_run(db, manner, case, event, digest, now)
        return Outcome(manner, encoded, receipt.receipt_id)

    def _fate(self, db: sqlite3.Connection, case: Case | None, event: Event) -> str:
        last = 0 if case is None else case.last_seq_in
        if event.sequence <= last:
            return "duplicate"
        if event.sequence == last + 1:
            return "applied"
        row = db.execute(
            "SELECT 1 FROM inbox WHERE body = ? AND handoff_id = ? AND sequence = ? AND fate <> 'duplicate'",
            (self.body, event.subject, event.sequence),
        ).fetchone()
        return "held" if row is None else "duplicate"

    def _apply_run(self, db: sqlite3.Connection, manner: Manner[Any], case: Case | None, event: Event, digest: str, now: datetime) -> None:
        """Apply a message in sequence, then whatever was held behind it."""
        if case is None:
            case = create(db, self.body, event, edges.DELIVERED, digest, now)
            case.last_seq_in = event.sequence
            case.memory |= {"remedy": remedy} if (remedy := texts.REMEDIES.get(str(event.data.get("way")))) else {}
            manner.opened(Desk(db, case, now, self.seed))
        else:
            self._apply(db, manner, case, event, now)
        while True:
            # fate stands there twice because SQLite takes the partial index only where its own condition is repeated
            row = db.execute(
                "SELECT raw FROM inbox WHERE body = ? AND handoff_id = ? AND sequence = ? AND fate = 'held' AND fate <> 'duplicate'",
                (self.body, case.handoff_id, case.last_seq_in + 1),
            ).fetchone()
            if row is None:
                break
            following = decode(row["raw"])
            db.execute("UPDATE inbox SET fate = 'applied' WHERE body = ? AND message_id = ?", (self.body, following.id))
            self._apply(db, manner, case, following, now)
        save(db, case, now)

    def _apply(self, db: sqlite3.Connection, manner: Manner[Any], case: Case, event: Event, now: datetime) -> None:
        case.last_seq_in = event.sequence
        state = edges.after_bureau(case.state, event.name, event.data)
        if state is None:  # in order, but no such edge: kept and seen by the audit, without effect (§1.9)
            db.execute("UPDATE inbox SET fate = 'quarantined' WHERE body = ? AND message_id = ?", (self.body, event.id))
            record_effect(db, self.body, case.handoff_id, "quarantined", now)
            return
        case.state = state
        desk = Desk(db, case, now, self.seed)
        match event.name:
            case "handoff.urge":
                manner.on_urge(desk)
            case "handoff.supervise":
                manner.on_supervise(desk)
            case "handoff.supplement":
                manner.on_supplement(desk)
            case "handoff.withdraw":
                manner.on_withdraw(desk)
            case "objection.decision":
                manner.on_decision(desk, str(event.data["decision"]))
            case "arbitration.ruling":
                manner.on_ruling(desk)
            case "result.review":
                review = str(event.data["review"])
                if review == "rework":
                    case.round += 1
                manner.on_review(desk, review)


_STATUS: dict[str, receipts.Status] = {"applied": "stored", "held": "held", "duplicate": "duplicate"}


def _replay(manner: Manner[Any], receipt: bytes) -> Outcome:
    """The receipt given the first time, byte for byte."""
    return Outcome(manner, receipt, receipts.decode(receipt).receipt_id)
