"""What the ledger says was done and is still to do: counts for demos and tests, never for the business."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sandbox.downtime import all_away
from sandbox.instants import instant, micros


def state(db: sqlite3.Connection, bodies: Sequence[str], now: datetime) -> dict[str, dict[str, Any]]:
    """By body: cases by state, messages in by fate, messages out and those unsent, planned steps, whether it is
    away."""
    away = all_away(db, now)
    found: dict[str, dict[str, Any]] = {
        body: {"cases": {}, "received": {}, "issued": 0, "unsent": 0, "planned": 0, "down": body in away} for body in bodies
    }
    for body, name, count in db.execute("SELECT body, state, count(*) FROM handoff GROUP BY 1, 2"):
        if body in found:
            found[body]["cases"][name] = count
    for body, fate, count in db.execute("SELECT body, fate, count(*) FROM inbox GROUP BY 1, 2"):
        if body in found:
            found[body]["received"][fate] = count
    for body, issued, unsent in db.execute("SELECT body, sum(original), sum(sent = 0) FROM outbox GROUP BY 1"):
        if body in found:
            found[body].update(issued=issued, unsent=unsent)
    for body, count in db.execute("SELECT body, count(*) FROM action GROUP BY 1"):
        if body in found:
            found[body]["planned"] = count
    return found


def manners(db: sqlite3.Connection) -> dict[str, int]:
    """How many hand-offs each manner got, over all bodies."""
    return dict(db.execute("SELECT manner, count(*) FROM assignment GROUP BY 1 ORDER BY 1").fetchall())


def effects(db: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """By hand-off id: the bodies that opened cases for it, how many cases, how often each message was issued,
    messages received."""
    found: dict[str, dict[str, Any]] = {}

    def entry(handoff_id: str) -> dict[str, Any]:
        return found.setdefault(
            handoff_id,
            {
                "bodies": [],
                "petition_no": None,
                "cases": 0,
                "issued": {},
                "received": 0,
                "duplicates": 0,
                "quarantined": 0,
            },
        )

    for body, handoff_id, kind, count in db.execute("SELECT body, handoff_id, kind, count(*) FROM effect GROUP BY 1, 2, 3"):
        seen = entry(handoff_id)
        if kind == "case":
            seen["cases"] += count
            seen["bodies"].append(body)
        elif kind == "quarantined":
            seen["quarantined"] += count
        else:
            seen["issued"][kind] = seen["issued"].get(kind, 0) + count
    for handoff_id, count, duplicates in db.execute("SELECT handoff_id, count(*), sum(fate = 'duplicate') FROM inbox GROUP BY 1"):
        seen = entry(handoff_id)
        seen.update(received=count, duplicates=duplicates)
    for handoff_id, petition_no in db.execute("SELECT handoff_id, petition_no FROM handoff"):
        entry(handoff_id)["petition_no"] = petition_no
    return found


def books(db: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """By body, everything that can be held against the bureau's ledger.

    `items`: hand-off id → [petition number, round, state, last_seq_in, last_seq_out, request digest, case number told or ""]. `received`: id of each message
    of the bureau that a receipt was given for → [hand-off id, sequence, fate]. `issued`: own message id → [hand-off id, sequence, whether the bureau has
    acknowledged it, when it is (or was) to be sent next].
    """
    found: dict[str, dict[str, Any]] = {}

    def book(body: str) -> dict[str, Any]:
        return found.setdefault(body, {"items": {}, "received": {}, "issued": {}})

    sql = "SELECT body, handoff_id, petition_no, round, state, last_seq_in, last_seq_out, request_digest, case_no, case_no_told FROM handoff"
    for body, handoff_id, petition_no, round_, state, seq_in, seq_out, digest, number, told in db.execute(sql):
        book(body)["items"][handoff_id] = [petition_no, round_, state, seq_in, seq_out, digest, number if told else ""]
    for body, message_id, handoff_id, sequence, fate in db.execute("SELECT body, message_id, handoff_id, sequence, fate FROM inbox"):
        book(body)["received"][message_id] = [handoff_id, sequence, fate]
    for body, message_id, handoff_id, sequence, sent, at in db.execute("SELECT body, message_id, handoff_id, sequence, sent, send_at FROM outbox"):
        book(body)["issued"][message_id] = [handoff_id, sequence, bool(sent), instant(at).isoformat()]
    return found


def next_due(db: sqlite3.Connection, now: datetime, dropping: bool) -> datetime | None:
    """The next virtual instant after now at which something can happen by itself, or None."""
    moment = micros(now)
    moments = [
        db.execute("SELECT min(due) FROM action WHERE due > ?", (moment,)).fetchone()[0],
        None if dropping else db.execute("SELECT min(send_at) FROM outbox WHERE sent = 0 AND send_at > ?", (moment,)).fetchone()[0],
        *(span.end for span in all_away(db, now).values()),
    ]
    return min((instant(found) for found in moments if found is not None), default=None)
