"""Messages to bodies: composed here, queued by the door in the same transaction as the change that causes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from config.roadmap import ClockContext
from connectors.wire import events
from connectors.wire.receipts import body_digest
from models.records import Content, HandoffRow, Letter, PetitionRow
from rules.calendar import SHANGHAI
from rules.house import House

# What a request says beside the content: ids, basis, limits.
_ROOM = 8192
# What the wire calls an act of the bureau, and the field that tells it from its sisters.
_SAYS: Mapping[str, Mapping[str, str]] = {
    "objection.upheld": {"decision": "upheld"},
    "objection.rejected": {"decision": "rejected"},
    "objection.escalated": {"decision": "escalated"},
    "ruling.keep": {"decision": "rejected"},
    "ruling.return": {"decision": "upheld"},
    "ruling.reassign": {"decision": "upheld"},
    "result.accepted": {"review": "accepted"},
    "result.rework": {"review": "rework"},
}


def compose(act: str, message: str, handoff: HandoffRow, said: Mapping[str, Any], house: House, now: datetime, then: str) -> Letter:
    """The next message to the hand-off's body; takes its sequence number from the hand-off.

    Args:
        act: the edge's name; message: its name on the wire; said: further fields of `data`.
        then: the state in which the body will be once it holds this message, or "" for no change.
    """
    handoff.seq_out += 1
    event = _event(act, message, handoff, said, house, now)
    raw = events.encode(event)
    return Letter(event.id, handoff.handoff_id, handoff.petition_no, handoff.body, message, handoff.seq_out, handoff.round, then, raw, body_digest(raw), now)


def unsayable(act: str, message: str, handoff: HandoffRow, said: Mapping[str, Any], house: House, now: datetime) -> str | None:
    """Why this cannot be said on the wire (a field is too long or has a wrong form), or None; names fields and forms, never content."""
    try:
        events.encode(_event(act, message, replace(handoff, seq_out=handoff.seq_out + 1), said, house, now))
    except events.BadEvent as bad:
        return bad.detail
    return None


def _event(act: str, message: str, handoff: HandoffRow, said: Mapping[str, Any], house: House, now: datetime) -> events.Event:
    data = {**said, "petition_no": handoff.petition_no, "handoff_id": handoff.handoff_id, "round": handoff.round,
            "to": house.bodies.get(handoff.body).urn, **_SAYS.get(act, {})}
    return events.Event(
        id=events.new_id(now), source=house.bodies.get(house.bureau).urn, type=events.event_type(message), subject=handoff.handoff_id,
        time=now, sequence=handoff.seq_out, data=data,
    )


def fits(content: Content) -> bool:
    """Whether a petition's content goes into one message, with room left for what else the message says."""
    room = events.MAX_BODY_BYTES - _ROOM
    return len(json.dumps([content.subject, content.text, content.petitioner], ensure_ascii=False).encode()) <= room


def request_data(petition: PetitionRow, handoff: HandoffRow, content: Content, house: House, context: ClockContext) -> dict[str, Any]:
    """What a hand-off request tells the body: the case, the way, the basis, and the limits that will run."""
    rules = {key: house.roads.clock_rule(key, context) for key in ("objection_window", "accept", "result", "review_opinion")}
    limits = {key: rule.case.limit for key, rule in rules.items() if rule is not None} | ({"result": handoff.set_limit} if handoff.set_limit else {})
    return {
        "state": "ISSUED", "way": handoff.way, "basis": handoff.basis, "klass": petition.klass, "branch": handoff.branch, "channel": content.channel,
        "received_on": content.received_at.astimezone(SHANGHAI).date().isoformat(), "due": limits, "petitioner": content.petitioner,
        "subject": content.subject, "text": content.text, "attachments": [],
    }
