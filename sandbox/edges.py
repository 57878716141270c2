"""The partner's own copy of a hand-off's state: which message moves it where (handoff-protocol §1.3-1.4, seen from
the partner).

Pure functions. None means: no such edge from here; the caller decides what to do about it.
"""

from collections.abc import Mapping

DELIVERED, SIGNED, OBJECTED, RETURNED, ESCALATED = "DELIVERED", "SIGNED", "OBJECTED", "RETURNED", "ESCALATED"
ACCEPTED, DECLINED, IN_PROGRESS, SUSPENDED, HEARING = "ACCEPTED", "DECLINED", "IN_PROGRESS", "SUSPENDED", "HEARING"
REPORTED, CLOSED, WITHDRAWN = "REPORTED", "CLOSED", "WITHDRAWN"

BEFORE_ACCEPTANCE = frozenset({DELIVERED, SIGNED})
AT_WORK = frozenset({ACCEPTED, IN_PROGRESS})
MAY_LET_GO = BEFORE_ACCEPTANCE | AT_WORK
ENDED = frozenset({RETURNED, DECLINED, CLOSED, WITHDRAWN})

# message this body issues -> (states it may be issued in, state it leads to or None for "stays")
_OWN: Mapping[str, tuple[frozenset[str], str | None]] = {
    "handoff.signed": (frozenset({DELIVERED}), SIGNED),
    "handoff.objected": (frozenset({DELIVERED, SIGNED}), OBJECTED),
    "handoff.accepted": (frozenset({DELIVERED, SIGNED}), ACCEPTED),
    "handoff.declined": (frozenset({DELIVERED, SIGNED}), DECLINED),
    "handoff.progress": (AT_WORK, IN_PROGRESS),
    "supplement.requested": (frozenset({DELIVERED, SIGNED}) | AT_WORK, None),
    "handoff.suspended": (AT_WORK, SUSPENDED),
    "handoff.resumed": (frozenset({SUSPENDED}), IN_PROGRESS),
    "hearing.opened": (AT_WORK, HEARING),
    "hearing.closed": (frozenset({HEARING}), IN_PROGRESS),
    "handoff.extended": (AT_WORK | {HEARING}, None),
    "handoff.settled": (AT_WORK | {HEARING}, REPORTED),
    "handoff.concluded": (AT_WORK | {SUSPENDED}, REPORTED),
    "handoff.result": (AT_WORK, REPORTED),
    "handoff.forwarded": (frozenset({DELIVERED, SIGNED, ACCEPTED, IN_PROGRESS}), None),
}


def after_own(state: str, message: str, data: Mapping[str, object]) -> str | None:
    """The state after this body issues `message` in `state`, or None where no edge allows it."""
    if message == "withdraw.answer":
        agreed = data.get("agreed") is True
        if state not in (MAY_LET_GO if agreed else MAY_LET_GO | {SUSPENDED, REPORTED}):
            return None
        return WITHDRAWN if agreed else state
    allowed, target = _OWN.get(message, (frozenset(), None))
    if state not in allowed:
        return None
    return target or state


def after_bureau(state: str, message: str, data: Mapping[str, object]) -> str | None:
    """The state after the bureau's `message` arrives in `state`, or None where no edge allows it."""
    if message in ("handoff.urge", "handoff.supervise", "handoff.supplement", "handoff.withdraw"):
        return None if state in ENDED else state
    if message == "objection.decision" and state == OBJECTED:
        return {"upheld": RETURNED, "rejected": SIGNED, "escalated": ESCALATED}.get(str(data.get("decision")))
    if message == "arbitration.ruling" and state == ESCALATED:
        return {"upheld": RETURNED, "rejected": SIGNED}.get(str(data.get("decision")))
    if message == "arbitration.ruling" and state in MAY_LET_GO | {HEARING, SUSPENDED}:
        # taken away by the joint conference, although nobody objected
        return WITHDRAWN if data.get("decision") == "upheld" else None
    if message == "result.review" and state == REPORTED:
        return {"accepted": CLOSED, "rework": IN_PROGRESS}.get(str(data.get("review")))
    return None
