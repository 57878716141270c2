"""One try to deliver one leased message, and what it means for the message's delivery state (handoff-protocol 1.8).

Pure but for the connector: opens no session, reads no clock but the one it is handed. A doubt ("an earlier try may have arrived") is lifted only by
a receipt or by the body's own word that it has never seen the message; no failure on the way makes a doubtful message look unsent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from connectors.base import Answer, Connector, Delivered, NotReceived, Outcome, Outgoing, Refused, Unavailable, Unknown, WeakReceipt
from connectors.schedule import LONGEST, next_attempt
from connectors.wire import receipts
from connectors.wire.ids import new_id
from connectors.wire.receipts import Receipt
from models.outbox import Leased
from models.settling import Evidence, Result


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of one try, and what it says about the endpoint.

    `unavailable`: the body surely did not process it; `endpoint`: the fault is the endpoint's, not the message's; `retry_after` is what the body
    asked for.
    """

    result: Result
    unavailable: bool = False
    endpoint: bool = False
    retry_after: timedelta | None = None


def carry(connector: Connector | None, leased: Leased, now: Callable[[], datetime], rng: Random) -> Result:
    """As `carry_once`, only the result."""
    return carry_once(connector, leased, now, rng).result


def carry_once(connector: Connector | None, leased: Leased, now: Callable[[], datetime], rng: Random) -> Carried:
    """Deliver one message, or find out whether it was delivered.

    Args:
        connector: of the message's body; None for a desk, whose people work in our own console and have the message by that.
        leased: the message; `attempts` counts this try.
        now: gives the present instant (aware); asked after the call, because a call may take long.
        rng: the dice of the retry schedule.

    Returns:
        A result whose `next_at` follows connectors.schedule (Retry-After respected); a spent schedule is `dead`, except for a fault of the
        endpoint: that is mended by people, so the message waits.
    """
    if connector is None:
        return Carried(_at_desk(leased, now()))
    doubtful = leased.doubtful
    if doubtful:
        if connector.abilities.can_query:
            answer = connector.query(leased.message_id, leased.digest)
            if isinstance(answer, NotReceived):
                doubtful = False
            elif not isinstance(answer, Unknown) or not connector.abilities.idempotent:
                return _carried(answer, leased, doubtful, now(), rng)
        elif not connector.abilities.idempotent:
            return Carried(Result(leased, "dead", "doubtful", "an earlier try may have arrived, and the body can neither be asked nor sent it twice"))
    outcome = connector.submit(Outgoing(leased.message_id, leased.handoff_id, leased.body, leased.raw))
    return _carried(outcome, leased, doubtful, now(), rng)


def faulty(leased: Leased, code: str, detail: str, now: datetime, rng: Random, *, sent: bool) -> Carried:
    """What a fault on our own side comes to: unknown if bytes may have left, else an endpoint that cannot be reached as configured."""
    if sent:
        return _carried(Unknown(detail, code), leased, leased.doubtful, now, rng)
    return _carried(Unavailable(detail, None, True, code), leased, leased.doubtful, now, rng)


def _carried(outcome: Outcome | Answer, leased: Leased, doubtful: bool, now: datetime, rng: Random) -> Carried:
    match outcome:
        case Delivered(receipt, code):
            return Carried(Result(leased, "receipted", code, evidence=_evidence(outcome, receipt)))
        case WeakReceipt(status, _, code):
            return Carried(Result(leased, "weak", code, f"HTTP {status}"))
        case Refused(problem, code):
            # A partner's own words may quote the case: only the status is kept.
            return Carried(Result(leased, "dead", code, f"HTTP {problem.status}", sure=not doubtful))
        case Unavailable(detail, retry_after, endpoint, code):
            again = next_attempt(leased.attempts, now, rng, retry_after)
            if again is None and endpoint:
                again = now + LONGEST
            if again is None:
                return Carried(Result(leased, "dead", code, detail, sure=not doubtful), True, endpoint, retry_after)
            return Carried(Result(leased, "unknown" if doubtful else "retry", code, detail, again), True, endpoint, retry_after)
        case Unknown(detail, code):
            again = next_attempt(leased.attempts, now, rng)
            return Carried(Result(leased, "dead" if again is None else "unknown", code, detail, again))
        case NotReceived(detail, code):
            return Carried(Result(leased, "retry", code, detail, next_attempt(leased.attempts, now, rng) or now + LONGEST))


def _evidence(outcome: Delivered, receipt: Receipt) -> Evidence:
    return Evidence(receipt.receipt_id, receipt.received_at, receipt.status, outcome.raw or receipts.encode(receipt), outcome.signature)


def _at_desk(leased: Leased, now: datetime) -> Result:
    receipt = Receipt(new_id(now), leased.message_id, now, leased.digest, "stored")
    return Result(leased, "receipted", "desk", evidence=Evidence(receipt.receipt_id, now, receipt.status, receipts.encode(receipt), ""))
