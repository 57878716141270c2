"""A body's side, for the tests: it signs what it sends as docs/wire.md says, and looks at what comes back."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from connectors.base import Keys
from connectors.wire.events import MEDIA_TYPE, Event, encode, event_type, new_id, urn_of
from connectors.wire.signing import request_target, sign, verify

BUREAU = "bureau-990100"
SIGNED = {"office": "立案庭", "person_role": "收件员", "signed_at": "2026-03-02T10:00:00+08:00"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def slug(self) -> str:
        return str(self.json["type"]).removeprefix("urn:xf:problem:")


@dataclass(frozen=True)
class Case:
    """A hand-off as the tests made it."""

    petition_no: str
    handoff_id: str
    body: str


def call(url: str, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None, timeout: float = 30) -> Reply:
    """One request on a connection of its own."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


@dataclass(frozen=True)
class Partner:
    """One body and the gateway it speaks to. `now` stamps what it sends."""

    url: str
    code: str
    keys: Keys
    now: datetime

    def event(self, case: Case, sequence: int = 1, name: str = "handoff.signed", data: dict[str, Any] | None = None, **changes: Any) -> Event:
        said = {"petition_no": case.petition_no, "handoff_id": case.handoff_id, "round": 1, "to": urn_of(BUREAU), **(SIGNED if data is None else data)}
        values: dict[str, Any] = {
            "id": new_id(), "source": urn_of(self.code), "type": event_type(name), "subject": case.handoff_id, "time": datetime.now(UTC),
            "sequence": sequence, "data": said, **changes,
        }
        return Event(**values)

    def post(self, event: Event, **options: Any) -> Reply:
        return self.post_raw(encode(event), event.id, **options)

    def post_raw(self, raw: bytes, message_id: str, *, keys: tuple[str, ...] | None = None, at: datetime | None = None, code: str | None = None,
                 headers: dict[str, str | None] | None = None, body: bytes | None = None) -> Reply:
        """Post `raw`, signed; `body` is sent in its place, `headers` override (None: left out)."""
        sent: dict[str, str | None] = {
            **sign(keys or self.keys.from_body, message_id, int((at or self.now).timestamp()), raw),
            "Content-Type": f"{MEDIA_TYPE}; charset=utf-8", "Idempotency-Key": f'"{message_id}"', **(headers or {}),
        }
        return call(self.url, "POST", f"/hooks/{code or self.code}", {k: v for k, v in sent.items() if v is not None}, raw if body is None else body)

    def get(self, path: str, *, keys: tuple[str, ...] | None = None, signed_path: str | None = None, code: str | None = None) -> Reply:
        """A signed question under /hooks/{code}; the answer's signature must be the bureau's and for this question."""
        full = f"/hooks/{code or self.code}{path}"
        asked = new_id()
        target = request_target("GET", signed_path or full)
        answer = call(self.url, "GET", full, sign(keys or self.keys.from_body, asked, int(self.now.timestamp()), target))
        if answer.status == 200:
            signer = verify(self.keys.to_body, answer.headers, answer.body, self.now)
            assert signer in (asked, answer.json.get("receipt_id"))
        return answer
