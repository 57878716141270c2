"""The installation in time-lapse: whose folder it empties, what stands between product and partners, two workers, kills and holds."""

from __future__ import annotations

import os
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from cli.lapse.account import account
from cli.lapse.feeding import Feeder
from cli.lapse.installation import START, Installation, LapseError, Wanted, _fresh, wait_until
from cli.lapse.resting import Stalled, busy, rest
from config.settings import Settings
from runtime.supervisor import Backoff, State, SupervisorError
from tests.models.ledger import house

CALM = Backoff(first=0.2, factor=1.5, most=2.0, calm=3.0)


def test_a_folder_that_is_not_its_own_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "letter").write_text("somebody's")
    with pytest.raises(LapseError, match="不会清空"):
        _fresh(folder, "demo")
    (folder / ".tonglu-chaos").write_text("1")
    with pytest.raises(LapseError, match="不会清空"):
        _fresh(folder, "demo")
    assert (folder / "letter").read_text() == "somebody's"


def test_a_folder_in_use_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    _fresh(folder, "demo")
    (folder / "letter").write_text("in use")
    (folder / ".tonglu-demo").write_text(str(os.getppid()))
    with pytest.raises(LapseError, match=str(os.getppid())):
        _fresh(folder, "demo")
    assert (folder / "letter").exists()


def test_its_own_folder_is_emptied(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    for mark in ("4194304000", "not a number", str(os.getpid())):
        _fresh(folder, "demo")
        (folder / "letter").write_text("old")
        (folder / ".tonglu-demo").write_text(mark)
        _fresh(folder, "demo")
        assert [path.name for path in folder.iterdir()] == [".tonglu-demo"]


class Between(socketserver.ThreadingTCPServer):
    """Passes bytes on to a port, and counts the connections."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, port: int) -> None:
        self.port, self.count = port, 0
        super().__init__(("127.0.0.1", 0), Passing)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Passing(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Between)
        self.server.count += 1
        try:
            with socket.create_connection(("127.0.0.1", self.server.port), timeout=5) as other:
                other.settimeout(None)
                back = threading.Thread(target=pour, args=(other, self.request), daemon=True)
                back.start()
                pour(self.request, other)
                back.join(10)
        except OSError:
            return  # whoever is behind is not there: the caller sees a broken connection, as it should


def pour(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.fixture
def between() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.guarantee("G1", "F2", "F3", "F26")
def test_two_workers_through_a_line_one_of_them_killed(enterable: Path, between: ExitStack) -> None:
    installation = Installation(Settings(data_dir=enterable / "lapse"), house(), Wanted("lapse", workers=2, backoff=CALM, wait_for_prefect=False))
    lines = [between.enter_context(Between(port)) for port in (installation.settings.sandbox_port, installation.settings.gateway_port)]
    for line in lines:
        between.callback(line.shutdown)
    installation.reach(sandbox=lines[0].url, gateway=lines[1].url)
    with installation, Feeder(installation, 3, connections=4) as feeder:
        assert installation.now == START
        assert installation.workers == ["worker", "worker-2"]
        installation.tell_sandbox("manners", {"manner": "prompt", "options": {"sign_hours": 0}})
        feeder.begin(24)
        killed = installation.kill("worker-2")
        assert killed
        feeder.finish()
        rest(installation)
        installation.step_to(START + timedelta(minutes=1))
        rest(installation)
        wait_until(lambda: installation.health()["worker-2"].state is State.READY, "worker-2 is not back", 30)
        assert installation.pid("worker-2") != killed
        found = account(installation.database, installation.ask("books"), installation.house, installation.now, client="lapse", acknowledged=feeder.acknowledged)
        assert found.good, found.broken()
        assert found.counts["handoffs"] == found.counts["partner_cases"] == 24
        assert all(line.count > 0 for line in lines), "nothing went over the lines"

        _away(installation)
        for refused in (lambda: installation.tell_sandbox("manners", {"manner": "no such"}), lambda: installation.ask("no-such"), lambda: installation.pid("nobody")):
            with pytest.raises(LapseError):
                refused()
        with pytest.raises(SupervisorError, match="nobody"):
            installation.hold("nobody")
    assert installation.folder.exists()


def _away(installation: Installation) -> None:
    """What is held down stays down until it is released, and is not at rest meanwhile."""
    installation.hold("sandbox")
    assert installation.pid("sandbox") is None
    assert "沙箱" in busy(installation)
    rest(installation, theirs=False)
    with pytest.raises(Stalled, match="沙箱"):
        rest(installation, within=0.3)
    installation.release("sandbox")
    rest(installation)
