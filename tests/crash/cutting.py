"""Between the product and PostgreSQL: passes a COMMIT on, waits until the server has done it, and cuts the line before anybody is told."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from urllib.parse import urlsplit, urlunsplit

_COMMIT = b"Q" + struct.pack("!I", 4 + len(b"COMMIT\0")) + b"COMMIT\0"


class Cutter:
    """One commit is cut: the first on any connection after a statement that contains `after`. `cuts` says whether it has been."""

    def __init__(self, url: str, after: str) -> None:
        parts = urlsplit(url)
        self._server = (str(parts.hostname), int(parts.port or 5432))
        self._listening = socket.create_server(("127.0.0.1", 0))
        port = self._listening.getsockname()[1]
        self.url = urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}"))
        self._after, self._lock = after.encode(), threading.Lock()
        self.cuts = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._listening.accept()[0]
                server = socket.create_connection(self._server)
                self._open += [client, server]
                line = _Line(self, client, server)
                for work in (line.ask, line.answer):
                    threading.Thread(target=work, daemon=True).start()

    def matches(self, said: bytes) -> bool:
        return self._after in said

    def take(self) -> bool:
        """Whether this commit is the one."""
        with self._lock:
            self.cuts += 1
            return self.cuts == 1

    def close(self) -> None:
        for end in [self._listening, *self._open]:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class _Line:
    """One connection of a client through the cutter."""

    def __init__(self, cutter: Cutter, client: socket.socket, server: socket.socket) -> None:
        self._cutter, self._client, self._server = cutter, client, server
        self._armed = False
        self._cut = threading.Event()

    def ask(self) -> None:
        """What the client says, to the server. A frontend sends its COMMIT as a packet of its own: it waits for every answer first."""
        tail = b""
        with contextlib.suppress(OSError):
            while said := self._client.recv(65_536):
                self._armed = self._armed or self._cutter.matches(tail + said)
                tail = said[-200:]
                if said == _COMMIT:
                    if self._armed and self._cutter.take():
                        self._cut.set()
                    self._armed = False
                self._server.sendall(said)
        self._end()

    def answer(self) -> None:
        """What the server says, to the client, but for the one answer."""
        with contextlib.suppress(OSError):
            while said := self._server.recv(65_536):
                if self._cut.is_set():
                    # The server has answered, so it is done; the client shall only see its line break.
                    break
                self._client.sendall(said)
        self._end()

    def _end(self) -> None:
        for end in (self._client, self._server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
