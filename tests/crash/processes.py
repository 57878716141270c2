"""Starts the product's processes from the nursery, and waits for their end."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
KILLED = -signal.SIGKILL
NOWHERE = "http://127.0.0.1:9/api"


class Nursery:
    """The process that has everything imported; see tests/crash/nursery.py."""

    def __init__(self, log: Path) -> None:
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.crash.nursery"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
                env={**os.environ, "PREFECT_API_URL": NOWHERE},
            )
        self._lock = threading.Lock()
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n", log.read_text()

    def ask(self, **said: Any) -> int:
        with self._lock:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps(said) + "\n")
            self._process.stdin.flush()
            return int(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(20) == 0


class Process:
    """One process of the product: a worker, a gateway or a command."""

    def __init__(self, nursery: Nursery, what: str, log: Path, env: dict[str, str], *args: str, point: str = "", how: str = "SIGKILL",
                 largest_file: int | None = None) -> None:
        self._nursery, self.log, self.code = nursery, log, None
        self.pid = nursery.ask(do="bear", what=what, log=str(log), env=env, args=list(args), point=point, how=how, largest_file=largest_file)
        self._fd = os.pidfd_open(self.pid)

    code: int | None

    def poll(self, seconds: float = 0) -> int | None:
        """Its exit status (negative: the signal that killed it), or None while it lives."""
        if self.code is None and select.select([self._fd], [], [], seconds)[0]:
            self.code = self._nursery.ask(do="bury", pid=self.pid)
            os.close(self._fd)
        return self.code

    def wait(self, seconds: float = 40) -> int:
        code = self.poll(seconds)
        assert code is not None, f"it did not end: {self.log.read_text()[-2000:]}"
        return code

    def signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def stop(self, seconds: float = 40) -> int:
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.wait()

    @property
    def stopped(self) -> bool:
        """Whether it stands frozen (SIGSTOP)."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
