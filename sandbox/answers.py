"""Answers as the wire wants them: signed when good, problem documents when not, no answer at all when told so."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from connectors.wire import problems, receipts
from connectors.wire.problems import Problem
from connectors.wire.signing import sign
from sandbox.faults import Fault

TRANSPORT = "sandbox.transport"


def signed(raw: bytes, keys: Sequence[str], message_id: str, now: datetime, status: int = 200) -> Response:
    """A good answer, signed by the body."""
    return Response(raw, status, sign(keys, message_id, int(now.timestamp()), raw), receipts.MEDIA_TYPE)


def problem(document: Problem, retry_after: int | None = None) -> Response:
    """A problem document (RFC 9457); `retry_after` in seconds."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Response(problems.encode(document), document.status, headers, problems.MEDIA_TYPE)


def _refused() -> Problem:
    return Problem("about:blank", 422, "本系统不收此件", "", None, "receiver", "never")


def faulty(fault: Fault) -> Response:
    """What a fault on purpose answers."""
    if fault.status is None:
        return Hangup()
    made: dict[int, Callable[[], Problem]] = {422: _refused, 429: problems.too_many, 503: problems.unavailable}
    return problem(made.get(fault.status, problems.internal)(), fault.retry_after)


class Hangup(Response):
    """Closes the connection without a byte, and waits until it is closed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Needs the server of `sandbox.main`. Raises RuntimeError under another one."""
        transport = scope.get(TRANSPORT)
        if transport is None:
            raise RuntimeError("this server cannot hang up; run the sandbox with sandbox.main.server")
        transport.close()
        await _until_gone(receive)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def read_body(request: Request, limit: int) -> bytes | None:
    """The raw body, or None where it is longer than `limit` bytes (read no further)."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        return None
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            return None
        parts.append(part)
    return b"".join(parts)


Handler = Callable[[Request], Awaitable[Response]]
