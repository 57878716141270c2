"""A watcher that makes sure a command never outlives whoever started it.

Between an owner and its child stands this small process. It starts the command in a session of its own and holds one
end of a pipe; when the other end closes, because the owner asked, ended, crashed or was killed with -9, it sends the
command's process group a polite signal and, after a grace period, SIGKILL; whatever the command left running is
killed too. On Linux the kernel tells it of the owner's death as well, and kills the command should the watcher itself
be killed.

It is run by :class:`runtime.child.Child`, or by hand::

    python -m runtime.lifeline --signal SIGINT --grace 5 -- postgres -D data

Only the standard library is used and nothing of the house is imported, so that it starts in some 30 ms and can be run
by file name. The owner is our parent unless --owner names it, which is surer where it may end before we are up. The
watcher exits as the command did: its exit status, or 128 + the signal that ended it; 127 if it cannot start.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import errno
import os
import pwd
import select
import signal
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_ON_LINUX = sys.platform == "linux"
# The kernel's note that the owner's thread died. A signal of its own: a thread may end while the owner lives.
_OWNER_NOTE = signal.SIGUSR2
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True)
class Order:
    """What the watcher was asked to run. `grace` in seconds; `owner` a process id; descriptors or None."""

    argv: Sequence[str]
    signal: signal.Signals
    grace: float
    owner: int
    pipe: int | None
    report: int | None
    cwd: str | None
    user: str | None


class _Watcher:
    def __init__(self, order: Order) -> None:
        self._order = order
        self._wake, wake_in = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake_in, False)
        self._asked_by_signal = False
        signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(_OWNER_NOTE, lambda *_: None)
        for stop in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(stop, self._on_stop_signal)
        _prctl(_PR_SET_PDEATHSIG, _OWNER_NOTE)
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        self._child = 0
        self._status: int | None = None

    def run(self) -> int:
        """Start the command, wait for its end or for a reason to end it, and return the exit status to leave with."""
        try:
            self._child = _start(self._order)
        except OSError as fault:
            self._report(f"failed {fault.strerror}: {fault.filename}")
            if self._order.report is None:
                print(f"lifeline: {fault.filename}: {fault.strerror}", file=sys.stderr)
            return 127
        self._report(f"started {self._child}")
        try:
            while self._status is None and not self._must_stop():
                self._sleep(_LOOK_EVERY_S)
                self._reap()
            if self._status is None:
                self._signal_group(self._order.signal)
                self._wait(self._order.grace)
        finally:
            code = os.waitstatus_to_exitcode(self._clear_away())
        self._report(f"ended {code}")
        return code if code >= 0 else 128 - code

    def _on_stop_signal(self, *_: object) -> None:
        self._asked_by_signal = True

    def _must_stop(self) -> bool:
        if self._asked_by_signal or os.getppid() != self._order.owner:
            return True
        if self._order.pipe is None:
            return False
        # Anything on the pipe means stop: a byte is the owner asking, its end is the owner gone.
        return bool(select.select([self._order.pipe], [], [], 0)[0])

    def _sleep(self, seconds: float) -> None:
        watched = [self._wake]
        if self._order.pipe is not None and not self._must_stop():
            watched.append(self._order.pipe)
        with contextlib.suppress(InterruptedError):
            select.select(watched, [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, 4096)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self._status is None and (left := until - time.monotonic()) > 0:
            self._sleep(min(left, 0.1))
            self._reap()

    def _reap(self) -> bool:
        """Collect what has ended, strays of the command included. Returns whether any child is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._child:
                self._status = status

    def _signal_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child, number)

    def _clear_away(self) -> int:
        """Kill the group and, where the kernel hands them to us, every descendant that left it. Returns the status."""
        while True:
            self._signal_group(signal.SIGKILL)
            left = self._reap()
            if self._status is not None and not left:
                return self._status
            for stray in _children_of(os.getpid()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(stray, signal.SIGKILL)
            time.sleep(0.005)

    def _report(self, line: str) -> None:
        if self._order.report is not None:
            # The owner may be gone: then nobody is left to tell.
            with contextlib.suppress(BrokenPipeError):
                os.write(self._order.report, line.encode() + b"\n")


def _start(order: Order) -> int:
    """Fork and exec the command in its own session. Returns its process id; raises OSError if it cannot be run."""
    try:
        identity = pwd.getpwnam(order.user) if order.user else None
    except KeyError:
        raise OSError(errno.EINVAL, "no such user on this machine", order.user) from None
    read_end, write_end = os.pipe()
    watcher = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            if identity is not None:
                os.setgroups([])
                os.setgid(identity.pw_gid)
                os.setuid(identity.pw_uid)
            # After setuid, which clears it. Should the watcher be killed, nothing polite is left to be done.
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != watcher:
                os._exit(126)
            if order.cwd is not None:
                os.chdir(order.cwd)
            for changed in (signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(changed, signal.SIG_DFL)
            os.execvp(order.argv[0], list(order.argv))  # noqa: S606 - no shell is the point
        except OSError as fault:
            os.write(write_end, f"{fault.errno}\n{fault.filename or order.argv[0]}".encode())
        finally:
            os._exit(127)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as answer:
        said = answer.read().decode()
    if said:
        os.waitpid(pid, 0)
        number, _, name = said.partition("\n")
        raise OSError(int(number), os.strerror(int(number)), name)
    return pid


def _children_of(pid: int) -> Iterable[int]:
    """The direct children of `pid`, from /proc; none where there is no /proc."""
    if not _ON_LINUX:
        return
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue  # ended while we looked
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                yield int(entry.name)


def _prctl(option: int, value: int) -> None:
    if _ON_LINUX:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


def _read_order(arguments: Sequence[str]) -> Order:
    parser = argparse.ArgumentParser(prog="python -m runtime.lifeline", description="Run a command that ends with us.")
    parser.add_argument("--signal", default="SIGTERM", help="the polite signal, by name (default SIGTERM)")
    parser.add_argument("--grace", type=float, default=10.0, help="seconds between it and SIGKILL (default 10)")
    parser.add_argument("--owner", type=int, default=os.getppid(), help="the owner's process id (default: our parent)")
    parser.add_argument("--pipe", type=int, help="descriptor that closes when the owner is gone")
    parser.add_argument("--report", type=int, help="descriptor to tell of start and end on")
    parser.add_argument("--cwd", help="folder to run the command in")
    parser.add_argument("--user", help="user to run the command as (only root can)")
    parser.add_argument("argv", nargs="+", metavar="command", help="the command and its arguments, after --")
    given = parser.parse_args(arguments)
    try:
        polite = signal.Signals[given.signal]
    except KeyError:
        parser.error(f"--signal {given.signal}: no such signal; use a name such as SIGTERM or SIGINT")
    return Order(given.argv, polite, given.grace, given.owner, given.pipe, given.report, given.cwd, given.user)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the watcher with command-line `arguments` (default: this process's). Returns its exit status."""
    order = _read_order(sys.argv[1:] if arguments is None else arguments)
    for descriptor in (order.pipe, order.report):
        if descriptor is not None:
            os.set_inheritable(descriptor, False)
    return _Watcher(order).run()


if __name__ == "__main__":
    sys.exit(main())
