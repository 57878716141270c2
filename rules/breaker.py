"""When a body's endpoint is left alone and how it is tried again, and how fast a body may be sent to. Pure: state and what was seen in, state out.

CLOSED → OPEN at one fault of the endpoint itself or the third failure in a row; OPEN → HALF_OPEN when its date has come: one real message goes, over all
workers; its receipt closes, its failure opens again for twice as long (1 min … 6 h; what the body asks for by Retry-After, RFC 9110 §10.2.3, wins, at most
24 h). All instants are aware and handed in; time may stand still, jump, or be stepped back.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

STRIKES = 3
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
MOST_ASKED = timedelta(hours=24)

State = Literal["CLOSED", "OPEN", "HALF_OPEN"]
Kind = Literal["receipt", "refusal", "failure", "endpoint", "nothing"]
"""What one try showed of the endpoint: it works; it answered about this message alone; it did not take the message (away, hanging, broken); it refuses us;
nothing at all (the message could not be tried without harm)."""
Pass = Literal["all", "one", "none"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one try: of which message, under whose lease, with the code of its cause."""

    kind: Kind
    message_id: str
    owner: str
    code: str = ""
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Breaker:
    """How an endpoint stands.

    `failures` in a row; `openings` since it last gave a receipt; `opened_at` the first of them. `waits_from` until `probe_at`: the present wait, OPEN for the
    next probe, HALF_OPEN for the answer of the message `probe_message` that `probe_owner` has leased.
    """

    state: State = "CLOSED"
    failures: int = 0
    openings: int = 0
    opened_at: datetime | None = None
    waits_from: datetime | None = None
    probe_at: datetime | None = None
    probe_owner: str = ""
    probe_message: str = ""
    cause: str = ""

    @property
    def well(self) -> bool:
        """Whether there is nothing to remember of it."""
        return self.state == "CLOSED" and self.failures == 0


def wait_of(openings: int, retry_after: timedelta | None = None) -> timedelta:
    """How long an endpoint is left alone that opens for the time `openings` (from 1): a minute, doubling, at most six hours; what it asks for wins."""
    if retry_after is not None and retry_after > timedelta(0):
        return min(retry_after, MOST_ASKED)
    return min(FIRST_WAIT * 2.0 ** min(max(openings, 1) - 1, 20), LONGEST_WAIT)


def at(breaker: Breaker, now: datetime) -> Breaker:
    """The same at `now`. Where time was stepped back before the present wait began, the wait begins anew: it never lasts longer than it was to last."""
    if breaker.state == "CLOSED" or breaker.waits_from is None or breaker.probe_at is None or breaker.waits_from <= now:
        return breaker
    return replace(breaker, waits_from=now, probe_at=now + (breaker.probe_at - breaker.waits_from))


def may_pass(breaker: Breaker, now: datetime) -> Pass:
    """What may go now: all messages, one to try it, or none. Ask it of `at(breaker, now)`."""
    if breaker.state == "CLOSED":
        return "all"
    return "one" if breaker.probe_at is None or breaker.probe_at <= now else "none"


def probe(breaker: Breaker, message_id: str, owner: str, now: datetime, lease: timedelta) -> Breaker:
    """This message goes to try it, until its lease ends. Raises ValueError where `may_pass` is not "one"."""
    if may_pass(breaker, now) != "one":
        raise ValueError("no probe may go now")
    return replace(breaker, state="HALF_OPEN", waits_from=now, probe_at=now + lease, probe_owner=owner, probe_message=message_id)


def learn(breaker: Breaker, seen: Seen, now: datetime) -> Breaker:
    """What a try showed. Only the probe itself opens a HALF_OPEN breaker again; a receipt closes it, whoever brings it.

    A probe that is refused for the message's own sake shows neither that it takes messages nor that it does not: the next one goes at once.
    """
    if seen.kind == "receipt":
        return Breaker()
    mine = breaker.state == "HALF_OPEN" and (breaker.probe_message, breaker.probe_owner) == (seen.message_id, seen.owner)
    if seen.kind in ("refusal", "nothing"):
        if breaker.state == "CLOSED":
            return Breaker() if seen.kind == "refusal" else breaker
        return _waits(breaker, now, timedelta(0)) if mine else breaker
    failed = replace(breaker, failures=breaker.failures + 1)
    if mine or (breaker.state == "CLOSED" and (seen.kind == "endpoint" or failed.failures >= STRIKES)):
        opened = replace(failed, openings=breaker.openings + 1, opened_at=breaker.opened_at or now, cause=seen.code or breaker.cause)
        return _waits(opened, now, wait_of(opened.openings, seen.retry_after))
    if breaker.state == "OPEN" and seen.retry_after is not None and breaker.probe_at is not None and breaker.waits_from is not None:
        # Sent before it opened; what the body asks for meanwhile counts all the same.
        asked = now + min(seen.retry_after, MOST_ASKED)
        return replace(failed, waits_from=min(breaker.waits_from, now), probe_at=max(breaker.probe_at, asked))
    return failed


def give_back(breaker: Breaker, message_ids: Collection[str], owner: str, now: datetime) -> Breaker:
    """These messages were leased and not tried; if the probe is among them, another may go at once."""
    if breaker.state == "HALF_OPEN" and breaker.probe_owner == owner and breaker.probe_message in message_ids:
        return _waits(breaker, now, timedelta(0))
    return breaker


def orphaned(breaker: Breaker, dead: Collection[str], now: datetime) -> Breaker:
    """These processes are dead; if one of them had the probe, another may go at once."""
    return _waits(breaker, now, timedelta(0)) if breaker.state == "HALF_OPEN" and breaker.probe_owner in dead else breaker


def _waits(breaker: Breaker, now: datetime, wait: timedelta) -> Breaker:
    return replace(breaker, state="OPEN", waits_from=now, probe_at=now + wait, probe_owner="", probe_message="")


@dataclass(frozen=True, slots=True)
class Bucket:
    """Tokens of a body at an instant; None: full, and never taken from."""

    tokens: float | None = None
    at: datetime | None = None


_WHOLE = 1 - 1e-9


def refill(bucket: Bucket, each_second: float, burst: int, now: datetime) -> Bucket:
    """What the bucket holds at `now`: never more than `burst`. Time that stands still or was stepped back gives nothing."""
    if bucket.tokens is None or bucket.at is None:
        return Bucket(float(burst), now)
    passed = max((now - bucket.at).total_seconds(), 0.0)
    return Bucket(min(max(bucket.tokens, 0.0) + passed * each_second, float(burst)), now)


def whole(bucket: Bucket) -> int:
    """How many messages it is good for. Ask it of a bucket just refilled."""
    tokens = bucket.tokens or 0.0
    return math.floor(tokens + (1 - _WHOLE))


def take(bucket: Bucket, count: int) -> Bucket:
    """Without `count` tokens. Raises ValueError for more than it holds."""
    if not 0 <= count <= whole(bucket):
        raise ValueError("more tokens than there are")
    return replace(bucket, tokens=max((bucket.tokens or 0.0) - count, 0.0))


def put_back(bucket: Bucket, count: int, burst: int) -> Bucket:
    """With `count` tokens that were taken and not used."""
    return bucket if bucket.tokens is None else replace(bucket, tokens=min(bucket.tokens + count, float(burst)))


def due_again(bucket: Bucket, each_second: float, burst: int) -> datetime | None:
    """When a bucket that has run dry is worth looking at: a whole token, and as many as a second gives, so that one look serves a second. None: not dry."""
    if bucket.tokens is None or bucket.at is None or bucket.tokens >= _WHOLE:
        return None
    wanted = min(burst, max(1, math.ceil(each_second)))
    return bucket.at + timedelta(microseconds=math.ceil((wanted - bucket.tokens) / each_second * 1_000_000))
