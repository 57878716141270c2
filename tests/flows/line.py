"""A line between a bureau and its partners that a test can hold: it carries every request as it is, after asking whether it may."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests


@dataclass
class Line:
    """`seen`: paths asked for, in order; `wait`: called with each before it is carried on."""

    url: str
    wait: Callable[[str], None]
    seen: list[str] = field(default_factory=list)


@contextmanager
def line(to: str, wait: Callable[[str], None] = lambda path: None) -> Iterator[Line]:
    """Carry what is asked of the yielded line's `url` to the server at `to`."""
    made = Line("", wait)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            return

        def _carry(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            made.seen.append(self.path)
            made.wait(self.path)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection", "accept-encoding")}
            answer = requests.request(self.command, to + self.path, data=body or None, headers={**headers, "Accept-Encoding": "identity"}, timeout=30)
            try:
                self.send_response(answer.status_code)
                for name, value in answer.headers.items():
                    if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)
            except OSError:
                self.close_connection = True  # whoever asked has been killed meanwhile

        do_GET = do_POST = _carry

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
