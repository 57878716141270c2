"""One callback over HTTP: sign, post, and look at what came back."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import requests

from connectors.wire import receipts
from connectors.wire.events import MEDIA_TYPE, new_id
from connectors.wire.signing import BadSignature, request_target, sign, verify

_TIMEOUT = (3.05, 15.0)  # seconds: to connect, between bytes


@dataclass(frozen=True)
class Reply:
    """`status` 0: nobody answered. `taken`: 2xx. `proven`: with a signed receipt for just these bytes. `retry_after`
    in seconds."""

    status: int
    taken: bool = False
    proven: bool = False
    retry_after: int = 0


class Poster:
    """Posts from any thread, each with a connection of its own."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._sessions: list[requests.Session] = []

    def post(
        self,
        url: str,
        own_keys: Sequence[str],
        their_keys: Sequence[str],
        message_id: str,
        raw: bytes,
        now: Callable[[], datetime],
    ) -> Reply:
        """Post signed bytes; never follows a redirect, never raises for what the other side does."""
        headers = sign(own_keys, message_id, int(now().timestamp()), raw)
        headers["Content-Type"] = f"{MEDIA_TYPE}; charset=utf-8"
        headers["Idempotency-Key"] = f'"{message_id}"'
        try:
            answer = self._session().post(url, data=raw, headers=headers, timeout=_TIMEOUT, allow_redirects=False)
        except requests.RequestException:
            return Reply(0)
        taken = 200 <= answer.status_code < 300
        wait = answer.headers.get("Retry-After", "")
        return Reply(
            answer.status_code,
            taken,
            taken and _proves(answer, their_keys, message_id, raw, now),
            min(int(wait), 86_400) if wait.isascii() and wait.isdigit() and len(wait) < 9 else 0,
        )

    def get(self, url: str, own_keys: Sequence[str], their_keys: Sequence[str], now: Callable[[], datetime]) -> bytes | None:
        """Ask with a signed GET; the answer's bytes, or None for anything but a signed 200 that repeats the id asked with."""
        parts = urlsplit(url)
        asked = new_id()
        target = request_target("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
        headers = sign(own_keys, asked, int(now().timestamp()), target)
        try:
            answer = self._session().get(url, headers=headers, timeout=_TIMEOUT, allow_redirects=False)
            if answer.status_code != 200 or verify(their_keys, answer.headers, answer.content, now()) != asked:
                return None
        except (requests.RequestException, BadSignature):
            return None
        return answer.content

    def close(self) -> None:
        """Close all connections; nobody may post any more."""
        for session in self._sessions:
            session.close()

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False  # no proxy between a body and the bureau because a variable says so
            self._local.session = session
            self._sessions.append(session)
        return session


def _proves(answer: requests.Response, keys: Sequence[str], message_id: str, raw: bytes, now: Callable[[], datetime]) -> bool:
    try:
        verify(keys, answer.headers, answer.content, now())
        receipt = receipts.decode(answer.content)
    except (BadSignature, receipts.BadReceipt):
        return False
    return receipt.message_id == message_id and receipt.body_digest == receipts.body_digest(raw)
