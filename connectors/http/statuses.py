"""What an answer that is no success means for the message: the failure taxonomy. Pure.

The question is always the same: can the receiver have processed the message? Only where it surely has not may the
message wait and be sent again without asking; only where the message itself is at fault is it refused.
"""

from __future__ import annotations

from datetime import datetime

from connectors.base import Refused, Unavailable, Unknown
from connectors.http.retryafter import retry_after
from connectors.http.transport import HttpAnswer
from connectors.wire import problems
from connectors.wire.problems import Problem

NOT_YET = frozenset({408, 425, 429})
ENDPOINT = frozenset({401, 403, 404, 405, 407, 410, 421, 426, 451, 511})
# Sent with a status that otherwise accuses the endpoint, these accuse the message.
MESSAGE_FAULTS = frozenset({"unknown-handoff", "wrong-recipient", "bad-event", "key-reused", "illegal-transition"})

ALREADY = Unknown("the receiver says it processed this message before", "already-processed", 409)


def problem_of(answer: HttpAnswer) -> Problem | None:
    """The problem document in the answer, its texts cut to a bearable length; None if there is none to read."""
    media = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media != problems.MEDIA_TYPE or answer.fault:
        return None
    try:
        found = problems.decode(answer.body, answer.status)
    except problems.BadProblem:
        return None
    return Problem(found.type[:200], answer.status, found.title[:200], found.detail[:1000], None, found.origin, found.retry)


def not_ok(answer: HttpAnswer, now: datetime) -> Refused | Unknown | Unavailable:
    """The outcome of an answer whose status is not 2xx; `now` (aware) is the moment of the answer.

    A 409 "processed before" comes back as `ALREADY`, for the caller to ask by key.
    """
    status = answer.status
    problem = problem_of(answer)
    slug = problem.slug if problem else ""
    wait = retry_after(answer.headers.get("Retry-After"), now)
    if 300 <= status < 400:
        return Unavailable("the address redirects, and redirects are not followed", None, True, "redirect", status)
    if status in NOT_YET or (status == 503 and wait is not None):
        return Unavailable(f"the receiver answered {status}", wait, False, f"http-{status}", status)
    if status == 409:
        if slug == "in-progress" or (problem is None and wait is not None):
            return Unavailable("the same message is being processed", wait, False, "in-progress", status)
        if slug in ("", "about:blank", "already-processed") or problem is None:
            return ALREADY
        return Refused(problem, slug if slug in MESSAGE_FAULTS else "http-409")
    if status in ENDPOINT and slug not in MESSAGE_FAULTS:
        word = slug if slug in ("bad-signature", "not-allowed", "unknown-body") else f"http-{status}"
        return Unavailable(f"the endpoint answered {status}; look at address and keys", wait, True, word, status)
    if 400 <= status < 500:
        named = problem or Problem("about:blank", status, "对方拒收", "", None, "receiver", "never")
        return Refused(named, slug if slug in MESSAGE_FAULTS else f"http-{status}")
    return Unknown(f"the receiver answered {status}; it may have stored the message", f"http-{status}", status)
