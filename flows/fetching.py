"""补取来文: reads from a body what it says it has sent and we do not have, and puts it into the inbox as if it had come by itself."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from hashlib import sha256

from connectors.base import CallFailed, Refused
from connectors.directory import Unreachable
from connectors.wire import receipts
from connectors.wire.events import TO_BUREAU, BadEvent, code_of, decode
from connectors.wire.ids import new_id
from connectors.wire.receipts import Receipt
from flows.context import Context
from models import inbox
from models.inbox import Incoming

log = logging.getLogger("tonglu.fetch")

# The ledger's column is a 32-bit number, as at the gateway's door.
_MAX_SEQUENCE = 2_147_483_647
# Faults of one answer, which say nothing about the next.
_OF_THE_ANSWER = frozenset({"bad-page", "endless-pages"})


@dataclass(frozen=True, slots=True)
class Fetched:
    """`new` messages were stored; `code` names why nothing could be had, empty where all was well; `answered`: whether the fault is this hand-off's alone."""

    new: int
    code: str = ""
    answered: bool = True


async def fetch(context: Context, body: str, handoff_id: str, petition_no: str, after: int) -> Fetched:
    """Ask a body what it sent about a hand-off past sequence `after`, and store it. The body signs its answer; the connector proves that."""
    try:
        connector = context.directory.of(body)
        if connector is None:
            return Fetched(0, "desk")
        raws = await context.call(lambda: connector.fetch(handoff_id, after), body)
    except Unreachable as fault:
        return Fetched(0, fault.code, answered=False)
    except CallFailed as fault:
        return Fetched(0, fault.outcome.code, answered=isinstance(fault.outcome, Refused) or fault.outcome.code in _OF_THE_ANSWER)
    found: list[Incoming] = []
    for raw in raws:
        message = incoming(raw, body, handoff_id, petition_no, context)
        if message is None:
            log.error("%s answered with a message that is not about the hand-off of %s", body, petition_no)
            return Fetched(0, "bad-message")
        found.append(message)
    if not found:
        return Fetched(0)
    answers = await context.transact(lambda c: inbox.take_in(c, found, context.sealer, context.now()))
    return Fetched(sum(a.verdict == "new" for a in answers))


def incoming(raw: bytes, body: str, handoff_id: str, petition_no: str, context: Context) -> Incoming | None:
    """A fetched event as an inbox entry with the receipt it would have been given; None if it is not this body's about this hand-off to us."""
    try:
        event = decode(raw)
        ours = context.house.bodies.get(context.house.bureau).urn
        if code_of(event.source) != body or event.to != ours or event.subject != handoff_id or event.data["petition_no"] != petition_no:
            return None
        if event.name not in TO_BUREAU or event.sequence > _MAX_SEQUENCE:
            return None
    except (BadEvent, ValueError):
        return None
    now = context.now()
    receipt = receipts.encode(Receipt(new_id(now), event.id, now, receipts.body_digest(raw), "stored"))
    return Incoming(body, event.id, event.subject, event.name, int(event.data["round"]), event.sequence, event.time, raw, sha256(raw).digest(),
                    receipt, via="recon")
