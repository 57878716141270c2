"""A bureau for the tests: sends signed messages to a sandbox, asks it questions, and takes its callbacks, over real
HTTP."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from connectors.wire import ledger as wire_ledger
from connectors.wire import pages, paths, receipts
from connectors.wire.events import MEDIA_TYPE, Event, decode, encode, event_type, new_id, urn_of
from connectors.wire.receipts import Receipt
from connectors.wire.signing import request_target, sign, verify

BUREAU = "urn:xf:bureau:990100"
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # Monday, nine in the morning in Beijing


class Clock:
    """A stepped clock."""

    def __init__(self) -> None:
        self._now = START

    def now(self) -> datetime:
        return self._now

    def step(self, **by: float) -> None:
        self._now += timedelta(**by)


class Hooks:
    """Takes callbacks. `refuse` is a list of statuses to answer first, one a request; 0 hangs up."""

    def __init__(self, to_body: Mapping[str, Sequence[str]], from_body: Mapping[str, Sequence[str]], clock: Clock) -> None:
        self.seen: list[tuple[str, Event]] = []
        self.signatures: list[str] = []
        self.refuse: list[int] = []
        self.refused = 0
        self.asked: list[tuple[str, int]] = []
        self.outbox: dict[str, list[bytes]] = {}
        hooks, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                body = self.path.rsplit("/", 1)[-1]
                headers = {name.lower(): value for name, value in self.headers.items()}
                message_id = verify(from_body[body], headers, raw, clock.now(), 86_400 * 30)
                event = decode(raw)
                assert event.id == message_id
                assert headers["idempotency-key"] == f'"{message_id}"'
                assert headers["content-type"].startswith(MEDIA_TYPE)
                with lock:
                    if hooks.refuse:
                        status = hooks.refuse.pop(0)
                        hooks.refused += 1
                        if status == 0:
                            self.close_connection = True
                            return
                        self._answer(status, b"", {})
                        return
                    hooks.seen.append((body, event))
                    hooks.signatures.append(headers["webhook-signature"])
                receipt = Receipt(new_id(), event.id, clock.now(), receipts.body_digest(raw), "stored")
                answer = receipts.encode(receipt)
                self._answer(202, answer, sign(to_body[body], receipt.receipt_id, int(clock.now().timestamp()), answer))

            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                body, handoff_id = path.split("/")[2], path.split("/")[4]
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = verify(from_body[body], headers, request_target("GET", self.path), clock.now())
                after = int(query.removeprefix("after="))
                hooks.asked.append((handoff_id, after))
                found = [raw for raw in hooks.outbox.get(handoff_id, []) if decode(raw).sequence > after]
                answer = pages.encode_messages(found, True)
                self._answer(200, answer, sign(to_body[body], asked, int(clock.now().timestamp()), answer))

            def _answer(self, status: int, raw: bytes, headers: Mapping[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks"

    def names(self, handoff_id: str | None = None) -> list[str]:
        return [event.name for _, event in list(self.seen) if handoff_id in (None, event.subject)]

    @contextmanager
    def serving(self) -> Iterator["Hooks"]:
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()
            thread.join()


class Bureau:
    """Talks to one body of a sandbox."""

    def __init__(self, url: str, body: str, to_body: Sequence[str], from_body: Sequence[str], clock: Clock) -> None:
        self.base, self.body, self.clock = f"{url}/{body}", body, clock
        self.to_body, self.from_body = to_body, from_body
        self.http = requests.Session()
        self.http.trust_env = False
        self._numbers = iter(range(1, 10_000))
        self._sequence: dict[str, int] = {}
        self.petitions: dict[str, str] = {}

    def event(self, handoff_id: str, name: str, sequence: int | None = None, round: int = 1, **data: object) -> Event:
        if handoff_id not in self.petitions:
            self.petitions[handoff_id] = f"XF99010020260302{next(self._numbers):06d}"
        number = self._sequence.get(handoff_id, 0) + 1 if sequence is None else sequence
        self._sequence[handoff_id] = max(number, self._sequence.get(handoff_id, 0))
        common = {
            "petition_no": self.petitions[handoff_id],
            "handoff_id": handoff_id,
            "round": round,
            "to": urn_of(self.body),
        }
        return Event(new_id(), BUREAU, event_type(name), handoff_id, self.clock.now(), number, {**common, **data})

    def post(self, raw: bytes, message_id: str, *, headers: Mapping[str, str] | None = None) -> requests.Response:
        made = sign(self.to_body, message_id, int(self.clock.now().timestamp()), raw)
        made["Content-Type"] = f"{MEDIA_TYPE}; charset=utf-8"
        made["Idempotency-Key"] = f'"{message_id}"'
        return self.http.post(self.base + paths.MESSAGES, data=raw, headers={**made, **(headers or {})}, timeout=10)

    def send(self, event: Event) -> Receipt:
        raw = encode(event)
        return self.proven(self.post(raw, event.id), raw)

    def proven(self, answer: requests.Response, raw: bytes) -> Receipt:
        """The receipt, after checking everything a careful bureau checks."""
        assert answer.status_code == 200, answer.text
        signer = verify(self.from_body, answer.headers, answer.content, self.clock.now())
        receipt = receipts.decode(answer.content)
        assert signer == receipt.receipt_id
        assert receipt.body_digest == receipts.body_digest(raw)
        return receipt

    def request(self, **data: Any) -> str:
        """Hand a new case over; its hand-off id."""
        handoff_id = new_id()
        self.send(self.event(handoff_id, "handoff.request", **data))
        return handoff_id

    def say(self, handoff_id: str, name: str, **data: Any) -> Receipt:
        return self.send(self.event(handoff_id, name, **data))

    def get(self, path: str) -> requests.Response:
        url = self.base + path
        target = url.split("/", 3)[3]
        headers = sign(self.to_body, new_id(), int(self.clock.now().timestamp()), request_target("GET", "/" + target))
        answer = self.http.get(url, headers=headers, timeout=10)
        if answer.status_code == 200:
            verify(self.from_body, answer.headers, answer.content, self.clock.now())
        return answer

    def items(self, limit: int = 500) -> list[wire_ledger.Item]:
        found, cursor = [], None
        while True:
            first, last = START.date() - timedelta(days=40), START.date() + timedelta(days=400)
            answer = self.get(paths.ledger(first, last, cursor, limit))
            assert answer.status_code == 200, answer.text
            page = wire_ledger.decode_page(answer.content)
            found += page.items
            cursor = page.next_cursor
            if page.complete:
                return found

    def item(self, handoff_id: str) -> wire_ledger.Item:
        return next(item for item in self.items() if item.handoff_id == handoff_id)

    def digests(self) -> dict[date, wire_ledger.DayDigest]:
        first, last = START.date() - timedelta(days=40), START.date() + timedelta(days=400)
        answer = self.get(paths.digests(first, last))
        return {day.day: day for day in wire_ledger.decode_digests(answer.content).days}

    def messages(self, handoff_id: str, after: int = 0) -> list[Event]:
        page = pages.decode_messages(self.get(paths.handoff_messages(handoff_id, after)).content)
        return [decode(raw) for raw in page.messages]


def json_of(answer: requests.Response) -> Any:
    return json.loads(answer.content)
