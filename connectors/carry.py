"""One try to deliver one leased message, and what it means for the message's delivery state (handoff-protocol 1.8).

Pure but for the connector: opens no session, reads no clock but the one it is handed. A doubt ("an earlier try may have arrived") is lifted only by
a receipt or by the body's own word that it has never seen the message; no failure on the way makes a doubtful message look unsent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from connectors.base import Answer, Connector, Delivered, NotReceived, Outcome, Outgoing, Refused, Unavailable, Unknown, WeakReceipt
from connectors.schedule import LONGEST, next_attempt
from connectors.wire import receipts
from connectors.wire.ids import new_id
from connectors.wire.receipts import Receipt
from models.attempts import Tried
from models.outbox import Leased
from models.settling import Evidence, Result
from rules.taxonomy import Klass


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
        connector: of the message's body and way; None for a desk, whose people work in our own console and have the message by that.
        leased: the message; `attempts` counts this try.
        now: gives the present instant (aware); asked after the call, because a call may take long.
        rng: the dice of the retry schedule.

    Returns:
        A result whose `next_at` follows connectors.schedule (Retry-After respected); a spent schedule is `dead`, except for a fault of the
        endpoint: that is mended by people, so the message waits.
    """
    started, watch = now(), time.monotonic()
    if connector is None:
        return Carried(_at_desk(leased, started))
    said = _speak(connector, leased)
    carried = _carried(said.outcome, leased, said.doubtful, now(), rng)
    out = said.submitted and not (isinstance(said.outcome, Unavailable) and not said.outcome.sent)
    tried = Tried(started, round((time.monotonic() - watch) * 1000), said.asked, leased.digest if out else "", len(leased.raw) if out else 0,
                  _status(said.outcome), klass(said.outcome))
    return replace(carried, result=replace(carried.result, tried=tried))


@dataclass(frozen=True, slots=True)
class _Said:
    """What came of asking and sending: the word that counts, the answer to the question by key, whether the message was handed to the connector."""

    outcome: Outcome | Answer | None
    doubtful: bool
    asked: str = ""
    submitted: bool = False


def _speak(connector: Connector, leased: Leased) -> _Said:
    doubtful, asked = leased.doubtful, ""
    if doubtful:
        if connector.abilities.can_query:
            answer = connector.query(leased.message_id, leased.digest)
            asked = answer.code
            if isinstance(answer, NotReceived):
                doubtful = False
            elif not isinstance(answer, Unknown) or not connector.abilities.idempotent:
                return _Said(answer, doubtful, asked)
        elif not connector.abilities.idempotent:
            return _Said(None, doubtful)
    outcome = connector.submit(Outgoing(leased.message_id, leased.handoff_id, leased.body, leased.raw))
    return _Said(outcome, doubtful, asked, True)


def klass(outcome: Outcome | Answer | None) -> Klass:
    """The class of what came back (handoff-protocol 1.8); None: nothing could be tried without harm, so that it is as ambiguous as it was."""
    match outcome:
        case Delivered():
            return "delivered"
        case WeakReceipt():
            return "weak"
        case Refused():
            return "message-refused"
        case Unavailable(code="in-progress"):
            return "ambiguous"
        case Unavailable(endpoint=True):
            return "endpoint-fault"
        case Unavailable() | NotReceived():
            return "not-processed"
        case _:
            return "ambiguous"


def _status(outcome: Outcome | Answer | None) -> int | None:
    match outcome:
        case Delivered() | WeakReceipt() | Unknown() | Unavailable():
            return outcome.status
        case Refused():
            return outcome.problem.status
        case _:
            return None


def faulty(leased: Leased, code: str, detail: str, now: datetime, rng: Random, *, sent: bool) -> Carried:
    """What a fault on our own side comes to: unknown if bytes may have left, else an endpoint that cannot be reached as configured."""
    fault: Outcome = Unknown(detail, code) if sent else Unavailable(detail, None, True, code, sent=False)
    carried = _carried(fault, leased, leased.doubtful, now, rng)
    return replace(carried, result=replace(carried.result, tried=Tried(now, klass="ambiguous" if sent else "own-fault")))


def _carried(outcome: Outcome | Answer | None, leased: Leased, doubtful: bool, now: datetime, rng: Random) -> Carried:
    tries = leased.attempts - leased.before
    match outcome:
        case None:
            return Carried(Result(leased, "dead", "doubtful", "an earlier try may have arrived, and the body can neither be asked nor sent it twice"))
        case Delivered(code=code):
            return Carried(Result(leased, "receipted", code, evidence=evidence(outcome)))
        case WeakReceipt(status, _, code):
            return Carried(Result(leased, "weak", code, f"HTTP {status}"))
        case Refused(problem, code):
            # A partner's own words may quote the case: only the status is kept.
            return Carried(Result(leased, "dead", code, f"HTTP {problem.status}", sure=not doubtful))
        case Unavailable(detail, retry_after, endpoint, code):
            # It has the message in hand at this moment: that is no word that it has not.
            doubtful = doubtful or code == "in-progress"
            again = next_attempt(tries, now, rng, retry_after)
            spent = again is None
            if spent and not endpoint:
                return Carried(Result(leased, "dead", code, detail, sure=not doubtful, spent=True), True, False, retry_after)
            result = Result(leased, "unknown" if doubtful else "retry", code, detail, again or now + LONGEST, spent=spent)
            return Carried(result, True, endpoint, retry_after)
        case Unknown(detail, code):
            again = next_attempt(tries, now, rng)
            return Carried(Result(leased, "dead" if again is None else "unknown", code, detail, again, spent=again is None))
        case NotReceived(detail, code):
            again = next_attempt(tries, now, rng)
            return Carried(Result(leased, "retry", code, detail, again or now + LONGEST, spent=again is None))


def evidence(outcome: Delivered) -> Evidence:
    """The receipt as the ledger keeps it: its bytes as they came, with their signature."""
    receipt = outcome.receipt
    return Evidence(receipt.receipt_id, receipt.received_at, receipt.status, outcome.raw or receipts.encode(receipt), outcome.signature)


def _at_desk(leased: Leased, now: datetime) -> Result:
    receipt = Receipt(new_id(now), leased.message_id, now, leased.digest, "stored")
    proof = Evidence(receipt.receipt_id, now, receipt.status, receipts.encode(receipt), "")
    return Result(leased, "receipted", "desk", evidence=proof, tried=Tried(now, klass="delivered"))
