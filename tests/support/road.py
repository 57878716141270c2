"""A road to a partner that can be blocked: a real TCP server that forwards, hangs, or breaks off, as it is told at the moment."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import config

Manner = Literal["pass", "hang", "close"]


class Road:
    """Listens at `url`; forwards to `target` (host, port) while `manner` is "pass". `travellers` counts connections that were taken."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.manner: Manner = "pass"
        self.travellers = 0
        self._target = target
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def block(self, manner: Manner) -> None:
        """From now on. Connections kept alive are broken off, so that nothing goes on by them."""
        self.manner = manner
        self._break_off()

    def close(self) -> None:
        # A blocked accept is not woken by close alone.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._break_off()

    def _break_off(self) -> None:
        with self._lock:
            there, self._open = self._open, []
        for end in there:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it had ended by itself
            finally:
                end.close()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.travellers += 1
            if self.manner == "close":
                near.close()
                continue
            self._keep(near)
            if self.manner == "pass":
                far = socket.create_connection(self._target)
                self._keep(far)
                for a, b in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(a, b), daemon=True).start()

    def _keep(self, end: socket.socket) -> None:
        with self._lock:
            self._open.append(end)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while part := source.recv(65_536):
                sink.sendall(part)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return  # broken off


@contextmanager
def road(target: str) -> Iterator[Road]:
    """A road to the server at this URL (http://host:port)."""
    host, _, port = target.removeprefix("http://").partition(":")
    made = Road((host, int(port)))
    try:
        yield made
    finally:
        made.close()


def config_by(folder: Path, urls: dict[str, str], options: str = "") -> Path:
    """A copy of the configuration in which these bodies are reached under other base URLs; `options` are added to theirs, as YAML flow."""
    shutil.copytree(Path(config.__file__).parent, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    path = folder / "bodies.yaml"
    text = path.read_text(encoding="utf-8")
    for body, url in urls.items():
        old = f'{{url: "{{sandbox}}/{body}"}}'
        assert text.count(old) == 1, body
        text = text.replace(old, f'{{url: "{url}/{body}"{", " + options if options else ""}}}')
    path.write_text(text, encoding="utf-8")
    return folder
