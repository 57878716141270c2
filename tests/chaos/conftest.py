"""A real HTTP server that remembers what it was asked, and a line in front of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cli.chaos.dice import Dice, Rates
from cli.chaos.wire import Wire


class Remembering(ThreadingHTTPServer):
    """Answers every POST with its body turned round, and keeps the bodies in the order they came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[bytes] = []
        self.lock = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Remembering

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.seen.append(body)
        said = body[::-1]
        self.send_response(200)
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(f"{len(said):x}\r\n".encode() + said + b"\r\n0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: pytest shows what failed."""


@pytest.fixture
def partner() -> Iterator[Remembering]:
    """The server behind the line."""
    server = Remembering()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def between(partner: Remembering) -> Iterator[Callable[[Rates], Wire]]:
    """between(rates) -> a wire whose outward line leads to the partner."""
    made: list[Wire] = []

    def make(rates: Rates) -> Wire:
        wire = Wire(Dice(5), rates)
        wire.outward.port = partner.server_address[1]
        wire.__enter__()
        made.append(wire)
        return wire

    yield make
    for wire in made:
        wire.__exit__(None, None, None)
