"""The product from outside: the `tonglu` command as a process, a data folder of its own, free ports, and a look at what is left of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from cli.stack import free_ports

REPO = Path(__file__).resolve().parents[2]
COMMAND = Path(sys.executable).parent / "tonglu"
# Everything slow shares one machine here; a quiet one needs a tenth of this.
SLOW = 180.0


class Running:
    """One `tonglu` process with what it has printed. It leads a process group of its own, as in a terminal."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self._process, self._output = process, output

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def text(self) -> str:
        return self._output.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, words: str, seconds: float = SLOW) -> None:
        """Until it has printed `words`."""
        self.until(lambda: words in self.text, words, seconds)

    def until(self, ready: Callable[[], bool], what: str, seconds: float = SLOW) -> float:
        """Until `ready`; it must not end meanwhile. Returns the seconds it took."""
        began = time.monotonic()
        while not ready():
            assert self._process.poll() is None, f"ended with {self._process.returncode} before {what}: {self.text[-3000:]}"
            assert time.monotonic() - began < seconds, f"no {what} within {seconds:.0f} s: {self.text[-3000:]}"
            time.sleep(0.05)
        return time.monotonic() - began

    def service(self, name: str) -> list[int]:
        """The process ids with which the service of this Chinese name has become ready, first to last."""
        return [int(pid) for pid in re.findall(rf"{name}：就绪（进程 (\d+)）", self.text)]

    def interrupt(self, seconds: float = SLOW) -> int:
        """Ctrl-C: SIGINT to its process group. Returns the exit status."""
        os.killpg(self.pid, signal.SIGINT)
        return self.finish(seconds)

    def finish(self, seconds: float = SLOW) -> int:
        return self._process.wait(seconds)

    def kill(self) -> None:
        """kill -9 of itself alone; harmless if it has ended."""
        self._process.kill()
        self._process.wait(10)


class Installation:
    """One installation in `folder`, on ports of its own."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.gateway_port, self.prefect_port, self.sandbox_port = free_ports(3)
        self.settings = settings
        self._runs = 0

    @property
    def gateway(self) -> str:
        return f"http://127.0.0.1:{self.gateway_port}"

    @property
    def prefect(self) -> str:
        return f"http://127.0.0.1:{self.prefect_port}/api"

    @property
    def sandbox(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    def environment(self) -> dict[str, str]:
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("TONGLU_", "PREFECT_"))}
        ports = {"TONGLU_GATEWAY_PORT": self.gateway_port, "TONGLU_PREFECT_PORT": self.prefect_port, "TONGLU_SANDBOX_PORT": self.sandbox_port}
        # A wide screen: tables are not folded, and what is searched for stands in one piece.
        return {**plain, "COLUMNS": "400", "TONGLU_DATA_DIR": str(self.folder), **{k: str(v) for k, v in ports.items()}, **self.settings}

    @contextmanager
    def running(self, *args: str | Path) -> Iterator[Running]:
        """The command with these arguments, killed at the end if it still runs."""
        self._runs += 1
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            # A shell that started the tests in the background has it ignored, and so would every process of theirs.
            signal.signal(signal.SIGINT, signal.default_int_handler)
        output = self.folder.with_name(f"{self.folder.name}.{self._runs}.out")
        with output.open("wb") as out:
            process = subprocess.Popen([str(COMMAND), *map(str, args)], env=self.environment(), cwd=REPO, stdout=out, stderr=subprocess.STDOUT,
                                       stdin=subprocess.DEVNULL, start_new_session=True)
        running = Running(process, output)
        try:
            yield running
        finally:
            running.kill()
            gone(self.folder, 60)

    def run(self, *args: str | Path, seconds: float = SLOW) -> tuple[int, str]:
        """A command that ends by itself: exit status and what it printed."""
        with self.running(*args) as running:
            return running.finish(seconds), running.text

    def tell_sandbox(self, path: str, say: Mapping[str, Any]) -> None:
        answer = requests.post(f"{self.sandbox}/control/{path}", json=dict(say), timeout=30)
        assert answer.status_code == 200, answer.text

    def effects(self) -> dict[str, dict[str, Any]]:
        return dict(requests.get(f"{self.sandbox}/control/effects", timeout=30).json())


def fresh_folder(parent: Path) -> Path:
    """A folder that PostgreSQL's user can enter; with a space and Chinese in its name, as people make them."""
    folder = Path(tempfile.mkdtemp(prefix="验收 ", dir=parent))
    folder.chmod(0o711)
    return folder


def touching(folder: Path) -> dict[int, str]:
    """Processes that have to do with `folder`: by their working folder, command line or environment. Process id → command."""
    mark, found = os.fsencode(folder), {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            told = command + b"\0" + (entry / "environ").read_bytes() + b"\0" + os.fsencode(os.readlink(entry / "cwd"))
        except OSError:
            continue  # it has ended
        if command and mark in told:
            found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")[:120]
    return found


def gone(folder: Path, seconds: float) -> float:
    """Wait until nothing has to do with `folder` any more; returns the seconds it took."""
    began = time.monotonic()
    while left := touching(folder):
        assert time.monotonic() - began < seconds, f"still there after {seconds:.0f} s: {left}"
        time.sleep(0.1)
    return time.monotonic() - began
