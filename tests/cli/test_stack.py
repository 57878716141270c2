"""How the installation looks after its gateway: one that hangs is started again, one whose database is away is left alone."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.stack import Stack
from config.settings import Settings
from rules.house import load_house
from runtime.service import Service
from tests.cli.conftest import REPO


@contextmanager
def answering(status: int) -> Iterator[int]:
    """The port of a server that answers everything with `status`."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            serving.join()


@contextmanager
def hung() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def gateway(folder: Path, port: int) -> Service:
    settings = Settings(data_dir=folder, config_dir=REPO / "config", gateway_port=port)
    [found] = [one for one in Stack(settings, load_house(settings.config_dir, settings.bureau)).services() if one.process.name == "gateway"]
    return found


def test_a_gateway_is_told_apart_that_is_well_waits_for_its_database_or_hangs(tmp_path: Path) -> None:
    with answering(200) as port:
        service = gateway(tmp_path, port)
        assert (service.ready(), service.answers()) == (True, True)
    with answering(503) as port:
        service = gateway(tmp_path, port)
        assert (service.ready(), service.answers()) == (False, True)
    with hung() as port:
        service = gateway(tmp_path, port)
        assert (service.ready(), service.answers()) == (False, False)
    # Nobody listens there any more.
    assert (service.ready(), service.answers()) == (False, False)
    assert service.restart_after == 60
