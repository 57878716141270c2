"""Read a request's body without trusting its sender: not longer than allowed, not slower than sensible."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive, Scope

from connectors.wire import problems
from gateway.answers import Refused, plain

WITHIN_S = 20.0
# What is too long is still read for a while, so that the sender is done sending and sees the answer.
_DRAIN_BYTES = 4 * 1024 * 1024


class Gone(Exception):
    """The sender closed the connection before its request was complete: there is nobody to answer."""


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The raw body, at most `limit` bytes.

    Raises Refused: 413, by Content-Length or by count; 408 when it takes longer than WITHIN_S seconds. Raises Gone.
    """
    too_long = any(name == b"content-length" and not _within(value, limit) for name, value in scope["headers"])
    try:
        async with asyncio.timeout(WITHIN_S):
            raw = await _read(receive, limit, too_long)
    except TimeoutError:
        slow = plain(408, "too-slow", "发送过慢", f"the body did not arrive within {WITHIN_S:.0f} s; send it again with the same id")
        raise Refused(slow, {"Connection": "close"}) from None
    if raw is None:
        raise Refused(problems.too_large(limit), {"Connection": "close"})
    return raw


def _within(announced: bytes, limit: int) -> bool:
    return announced.isdigit() and len(announced) < 20 and int(announced) <= limit


async def _read(receive: Receive, limit: int, too_long: bool) -> bytes | None:
    parts: list[bytes] = []
    size = 0
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            too_long = True
            parts.clear()
        if not too_long:
            parts.append(part)
        if not message.get("more_body", False) or size > limit + _DRAIN_BYTES:
            return None if too_long else b"".join(parts)
