"""Real servers for the tests: a partner that speaks HTTP as told, and a socket that breaks off where told."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from connectors.base import Keys
from connectors.http.connector import HttpConnector
from connectors.http.options import HttpOptions
from connectors.wire import receipts
from connectors.wire.events import Event, encode, event_type, new_id
from connectors.wire.signing import new_secret, sign

NOW = datetime(2026, 2, 13, 8, 40, tzinfo=UTC)
TO_BODY = new_secret()
FROM_BODY = new_secret()
KEYS = Keys((TO_BODY,), (FROM_BODY,))
BUREAU = "urn:xf:bureau:990100"
COURT = "urn:xf:court:990100"
PETITION = "XF99010020260213000001"


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    client_port: int


@dataclass
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def signed(body: bytes, msg_id: str, status: int = 200, key: str = FROM_BODY, at: datetime = NOW) -> Reply:
    """An answer signed by the partner."""
    return Reply(status, body, sign([key], msg_id, int(at.timestamp()), body))


def receipt_for(request: Request, **changes: Any) -> receipts.Receipt:
    """The honest receipt for a request, with changes."""
    values: dict[str, Any] = {
        "receipt_id": "r-1",
        "message_id": request.headers["webhook-id"],
        "received_at": NOW,
        "body_digest": receipts.body_digest(request.body),
        "status": "stored",
        **changes,
    }
    return receipts.Receipt(**values)


def honest(request: Request) -> Reply:
    """Store and sign."""
    receipt = receipt_for(request)
    return signed(receipts.encode(receipt), receipt.receipt_id)


class Partner:
    """A partner's server; `seen` holds what came in."""

    def __init__(self, url: str, seen: list[Request]) -> None:
        self.url, self.seen = url, seen

    def connector(self, now: Callable[[], datetime] = lambda: NOW, **options: Any) -> HttpConnector:
        return HttpConnector(HttpOptions(base_url=self.url, **options), KEYS, now, BUREAU)


@contextmanager
def partner(answer: Callable[[Request], Reply], base: str = "/p/court") -> Iterator[Partner]:
    """Serve `answer` on a free port of 127.0.0.1."""
    seen: list[Request] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def log_message(self, format: str, *args: Any) -> None:
            return

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, body, self.client_address[1])
            seen.append(request)
            reply = answer(request)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)
            self.wfile.flush()

        do_GET = do_POST = _serve

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield Partner(f"http://127.0.0.1:{server.server_port}{base}", seen)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def raw_partner(script: Callable[[socket.socket], None]) -> Iterator[Partner]:
    """Hand each connection to `script`, which may break it off wherever it likes."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection:
            script(connection)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            if stop.is_set():
                connection.close()
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    port = listener.getsockname()[1]
    try:
        yield Partner(f"http://127.0.0.1:{port}", [])
    finally:
        stop.set()
        socket.create_connection(("127.0.0.1", port)).close()
        thread.join()
        listener.close()


def read_request(connection: socket.socket) -> bytes:
    """Read one whole request."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65_536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-l")), 0)
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def reset(connection: socket.socket) -> None:
    """Break off with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def event(name: str = "handoff.request", source: str = BUREAU, to: str = COURT, sequence: int = 1, **data: Any) -> Event:
    """A message with the common fields and `data`."""
    handoff_id = data.pop("handoff_id", None) or new_id()
    common = {"petition_no": PETITION, "handoff_id": handoff_id, "round": 1, "to": to}
    return Event(new_id(), source, event_type(name), handoff_id, NOW, sequence, {**common, **data})


def encoded(name: str = "handoff.request", **more: Any) -> bytes:
    """The same, as bytes."""
    return encode(event(name, **more))
