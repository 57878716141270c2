"""When an undelivered message is tried again. Pure: the instant and the dice are handed in."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

DELAYS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
JITTER = 0.2
LONGEST = timedelta(hours=24)
WHOLE = sum(DELAYS, timedelta(0))
"""From the first attempt to the last: how long a message is tried by one way."""


def next_attempt(attempt_no: int, now: datetime, rng: Random, retry_after: timedelta | None = None) -> datetime | None:
    """When to try next after `attempt_no` attempts (0: none yet, so at once); None when the schedule is spent: DEAD.

    The delays are those of the Standard Webhooks example, each ±20 % by `rng`, so that a thousand messages to one
    body do not come back in the same second. `retry_after` (Retry-After, RFC 9110 §10.2.3) is never undercut: it is
    lengthened by up to 20 % and taken if it is later, but never more than LONGEST, so that no partner can put a message
    off for ever. `now` is aware. Raises ValueError for a negative number of attempts.
    """
    if attempt_no < 0:
        raise ValueError("attempt_no counts the attempts made so far, from 0")
    if attempt_no >= len(DELAYS):
        return None
    wait = DELAYS[attempt_no] * rng.uniform(1 - JITTER, 1 + JITTER)
    if retry_after is not None and retry_after > timedelta(0):
        asked = min(retry_after, LONGEST)
        wait = max(wait, min(asked * rng.uniform(1, 1 + JITTER), LONGEST))
    return now + wait
