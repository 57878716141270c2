"""A process of ours that cannot outlive us: started, watched and stopped through :mod:`runtime.lifeline`."""

from __future__ import annotations

import contextlib
import os
import select
import signal as signals
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from runtime import lifeline

_START_WITHIN_S = 30.0
# Past the grace period the watcher kills; what it needs on top of that on a busy machine.
_WATCHER_NEEDS_S = 10.0


class ChildError(RuntimeError):
    """A child process could not be started or stopped; the message says why and how to mend it."""


class Child:
    """One command, at most once running at a time, that ends when this process does, however that happens.

    `name` is for messages; `argv` the command, its first item best an absolute path; `env` its whole environment
    (default: ours); `log_path` where its output is appended (mode 0600; default: our own output); `signal` the polite
    way to stop it and `grace` the seconds it has before SIGKILL; `cwd` the folder it runs in; `user` the account it
    runs as (only root can); `hold` descriptors kept open until the child has ended, for a lock that must outlive us
    as long as the child does. It may be started again once it has ended. Safe between threads.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log_path: Path | None = None,
        signal: signals.Signals = signals.SIGTERM,
        grace: float = 10.0,
        cwd: Path | None = None,
        user: str | None = None,
        hold: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.argv = list(argv)
        self.log_path = log_path
        self._env = None if env is None else dict(env)
        self._signal = signal
        self._grace = grace
        self._cwd = cwd
        self._user = user
        self._hold = tuple(hold)
        self._lock = threading.RLock()
        self._watcher: subprocess.Popen[bytes] | None = None
        self._leash: int | None = None
        self._pid: int | None = None

    @property
    def pid(self) -> int | None:
        """The command's process id (not the watcher's) while it runs, else None."""
        return self._pid if self.alive() else None

    @property
    def exit_code(self) -> int | None:
        """None while it runs or before its first start; else its exit status, 128 + n if signal n ended it."""
        return None if self._watcher is None else self._watcher.poll()

    def alive(self) -> bool:
        """Whether the command runs."""
        with self._lock:
            if self._watcher is None:
                return False
            if self._watcher.poll() is None:
                return True
            self._let_go()
            return False

    def start(self) -> None:
        """Start the command; nothing happens if it runs already. Raises ChildError if it cannot be run."""
        with self._lock:
            if self.alive():
                return
            leash_end, leash = os.pipe()
            report, report_end = os.pipe()
            try:
                with self._output() as output:
                    self._watcher = subprocess.Popen(
                        self._command(leash_end, report_end),
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT if output is not None else None,
                        env=self._env,
                        pass_fds=(leash_end, report_end, *self._hold),
                        start_new_session=True,
                    )
            except OSError as fault:
                os.close(leash)
                os.close(report)
                raise ChildError(f"无法启动 {self.name}：{fault.strerror}（{fault.filename}）") from fault
            finally:
                os.close(leash_end)
                os.close(report_end)
            self._leash = leash
            self._pid = self._hear_of_start(report)

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until the command ends, at most `timeout` seconds. Returns its exit status, None if it still runs."""
        watcher = self._watcher
        if watcher is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            watcher.wait(timeout)
        return self.exit_code

    def ask_to_stop(self) -> None:
        """Have the polite signal sent and return at once; after the grace period SIGKILL follows."""
        with self._lock:
            if self._leash is not None:
                # A byte and not only the closing: a forked copy of us may hold the other end open.
                with contextlib.suppress(BrokenPipeError):
                    os.write(self._leash, b"s")

    def stop(self) -> int | None:
        """Stop the command with all it started and wait for it. Returns its exit status, None if it never ran."""
        with self._lock:
            if self._watcher is None:
                return None
            self.ask_to_stop()
            if self.wait(self._grace + _WATCHER_NEEDS_S) is None:
                self._watcher.kill()
                self._watcher.wait()
            self._let_go()
            return self._watcher.returncode

    def _command(self, leash_end: int, report_end: int) -> list[str]:
        # -I -S: our modules and site-packages play no part in the watcher, nor does the child's PYTHON* environment.
        command = [sys.executable, "-I", "-S", str(Path(lifeline.__file__).resolve())]
        command += ["--signal", self._signal.name, "--grace", str(self._grace), "--owner", str(os.getpid())]
        command += ["--pipe", str(leash_end), "--report", str(report_end)]
        if self._cwd is not None:
            command += ["--cwd", str(self._cwd)]
        if self._user is not None:
            command += ["--user", self._user]
        return [*command, "--", *self.argv]

    @contextlib.contextmanager
    def _output(self) -> Iterator[IO[bytes] | None]:
        if self.log_path is None:
            yield None
            return
        descriptor = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            yield file

    def _hear_of_start(self, report: int) -> int:
        said = b""
        until = time.monotonic() + _START_WITHIN_S
        with os.fdopen(report, "rb", buffering=0) as pipe:
            while not said.endswith(b"\n"):
                ready, _, _ = select.select([pipe], [], [], max(0.0, until - time.monotonic()))
                more = pipe.read(1) if ready else b""
                if not more:
                    break
                said += more
        word, _, rest = said.decode(errors="replace").strip().partition(" ")
        if word == "started":
            return int(rest)
        watcher = self._watcher
        if watcher is not None:
            watcher.kill()
            watcher.wait()
        self._let_go()
        where = f"；详见 {self.log_path}" if self.log_path else ""
        raise ChildError(f"无法启动 {self.name}：{rest or '看护进程没有应答'}{where}")

    def _let_go(self) -> None:
        """Forget the pipe, and kill what a watcher that was itself killed may have left of the group."""
        if self._leash is not None:
            os.close(self._leash)
            self._leash = None
        if self._pid is not None and self._watcher is not None and self._watcher.returncode == -signals.SIGKILL:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signals.SIGKILL)
        self._pid = None
