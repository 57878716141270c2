"""`POST /hooks/{body}`: a body tells the bureau something. Checked, stored, committed, then answered with a signed receipt.

An ASGI application of its own rather than a FastAPI function: this is the one path on which every message of every body comes in.
"""

from __future__ import annotations

import json
import logging
from datetime import datetime

from starlette.types import Receive, Scope, Send

from connectors.wire import problems, receipts
from connectors.wire.events import Event
from connectors.wire.signing import sign
from gateway.answers import Refused, refused, wrong_method
from gateway.checks import Doorman, headers_of
from gateway.context import Context
from gateway.reading import Gone, read_body
from gateway.writer import Away, Broken, Verified, Writer

log = logging.getLogger("tonglu.gateway")


class Hook:
    """The application behind the path; `writer` runs as long as it does."""

    def __init__(self, context: Context, doorman: Doorman, writer: Writer) -> None:
        self._doorman, self._writer = doorman, writer
        self._now = context.time.now
        self._limit = context.settings.max_body_bytes
        self._bodies = context.house.bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: 202 with a receipt, or a problem document."""
        body: str = scope["path_params"]["body"]
        try:
            if scope["method"] != "POST":
                raise Refused(wrong_method("POST"), {"Allow": "POST"})
            await self._take(body, scope, receive, send)
        except Refused as no:
            # A code that is not ours is a stranger's text and stays out of the log.
            log.info("拒收：%s %d %s", body if body in self._bodies else "未知单位", no.problem.status, no.problem.slug)
            await refused(no)(scope, receive, send)
        except Gone:
            log.info("对方中途断开：%s", body if body in self._bodies else "未知单位")

    async def _take(self, body: str, scope: Scope, receive: Receive, send: Send) -> None:
        raw = await read_body(scope, receive, self._limit)
        keys, now = self._doorman.keys(body), self._now()
        event = self._doorman.event(body, keys, headers_of(scope["headers"]), raw, now)
        receipt = await self._store(body, event, raw, now)
        receipt_id: str = json.loads(receipt)["receipt_id"]  # our own bytes: no need to read them as strictly as a stranger's
        marks = sign(keys.to_body, receipt_id, int(self._now().timestamp()), receipt)
        headers = [(name.encode(), value.encode()) for name, value in marks.items()]
        headers += [(b"content-type", receipts.MEDIA_TYPE.encode()), (b"content-length", str(len(receipt)).encode())]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": receipt})

    async def _store(self, body: str, event: Event, raw: bytes, now: datetime) -> bytes:
        try:
            stored = await self._writer.store(Verified(body, event, raw, now))
        except Away:
            raise Refused(problems.unavailable()) from None
        except Broken:
            raise Refused(problems.internal()) from None
        if stored.verdict == "other":
            raise Refused(problems.key_reused())
        if stored.verdict == "misnamed":
            raise Refused(problems.bad_event("data.petition_no is not the number this hand-off was made under"))
        if stored.verdict == "stranger":
            raise Refused(problems.unknown_handoff())
        return stored.receipt
