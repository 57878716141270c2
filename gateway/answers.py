"""Answers in the forms the wire wants: signed when good, RFC 9457 problem documents when not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from starlette.responses import Response

from connectors.wire import problems
from connectors.wire.problems import Problem
from connectors.wire.receipts import MEDIA_TYPE
from connectors.wire.signing import sign

RETRY_AFTER_S = 5


class Refused(Exception):
    """A request that is answered with a problem document; `headers` go with it."""

    def __init__(self, problem: Problem, headers: dict[str, str] | None = None) -> None:
        super().__init__(problem.slug)
        self.problem, self.headers = problem, headers or {}


def signed(raw: bytes, keys: Sequence[str], message_id: str, now: datetime, status: int = 200) -> Response:
    """A good answer of the bureau: `keys` are its own for that body, newest first."""
    return Response(raw, status, sign(keys, message_id, int(now.timestamp()), raw), MEDIA_TYPE)


def problem(document: Problem, headers: dict[str, str] | None = None) -> Response:
    """A problem document (RFC 9457); one that asks for patience says for how long."""
    said = dict(headers or {})
    if document.retry == "after":
        said.setdefault("Retry-After", str(RETRY_AFTER_S))
    return Response(problems.encode(document), document.status, said, problems.MEDIA_TYPE)


def refused(error: Refused) -> Response:
    """The answer that a `Refused` stands for."""
    return problem(error.problem, error.headers)


def plain(status: int, slug: str, title: str, detail: str, *, ours: bool = False) -> Problem:
    """A problem that the wire has no name for, e.g. 405: `ours` says that the fault lies here."""
    return Problem(problems.PREFIX + slug, status, title, detail, None, "receiver" if ours else "sender", "never")


def no_such_path() -> Problem:
    """404: nothing is served under this path."""
    return plain(404, "not-found", "无此地址", "nothing is served under this path; the paths are listed at /docs")


def wrong_method(allowed: str) -> Problem:
    """405: another method is wanted."""
    return plain(405, "method-not-allowed", "方法有误", f"use {allowed} for this path")
