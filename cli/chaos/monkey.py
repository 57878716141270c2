"""Does what the plan says to a running installation: kills, freezes, fills its disk, puts its partners' clocks wrong. Everything it does for a while it undoes."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType

import psycopg
from psycopg import sql

from cli.chaos import disk, filelimit
from cli.chaos.plan import KILLS, WAL, Act, Kind
from cli.chaos.wire import Wire
from cli.lapse.installation import Installation, LapseError
from cli.prefect_database import PREFECT
from runtime.supervisor import State

_STARTS_WITHIN_S = 30.0
_LOOK_EVERY_S = 0.02
_BREATHES_S = 20.0
_WAL_BYTES = 64 << 10


@dataclass(slots=True)
class Deeds:
    """What was really done. `kills` by (process, phase); `others` by kind; `missed`: acts that found nobody; `cannot`: why an act is not possible here."""

    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    cannot: dict[str, str] = field(default_factory=dict)


class Monkey:
    """One run of a plan, in a thread of its own while its context is entered; on leaving, all that it did for a while is undone.

    A fault of the monkey itself is kept in `fault`, for whoever asks at the end.
    """

    def __init__(self, installation: Installation, wire: Wire, acts: Sequence[Act]) -> None:
        self._installation, self._wire, self._acts = installation, wire, acts
        self._bodies = [b.code for b in installation.house.bodies if b.connector.kind == "http"]
        self._data = installation.settings.data_dir / "postgres" / "cluster" / "data"
        self._stop = threading.Event()
        self._undo: list[tuple[float, Callable[[], None]]] = []
        self._thread = threading.Thread(target=self._run, name="monkey", daemon=True)
        self.deeds = Deeds()
        self.fault: BaseException | None = None

    @property
    def done(self) -> bool:
        """Whether the plan is at its end."""
        return not self._thread.is_alive()

    def __enter__(self) -> Monkey:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        began = time.monotonic()
        try:
            for act in self._acts:
                while not self._stop.is_set() and (left := began + act.at - time.monotonic()) > 0:
                    self._undo_what_is_over()
                    self._stop.wait(min(left, 0.1))
                if self._stop.is_set():
                    break
                self._undo_what_is_over()
                if not act.merciless:
                    self._let_work()
                self._do(act)
            while self._undo and not self._stop.is_set():
                self._undo_what_is_over()
                self._stop.wait(0.1)
        except BaseException as fault:  # noqa: BLE001  (told at the end; a thread's own traceback would be lost among the logs)
            self.fault = fault
        finally:
            for _, undo in self._undo:
                undo()
            self._undo.clear()

    def _let_work(self) -> None:
        """Wait a while for everything to be up, or a slow machine would show nothing but processes killed at their start."""
        until = time.monotonic() + _BREATHES_S
        while time.monotonic() < until and not self._stop.is_set():
            if all(one.state is State.READY for name, one in self._installation.health().items() if name != "prefect"):
                return
            self._undo_what_is_over()
            self._stop.wait(0.1)

    def _undo_what_is_over(self) -> None:
        over = [item for item in self._undo if item[0] <= time.monotonic()]
        self._undo = [item for item in self._undo if item not in over]
        for _, undo in over:
            undo()

    def _later(self, seconds: float, undo: Callable[[], None]) -> None:
        self._undo.append((time.monotonic() + seconds, undo))

    def _do(self, act: Act) -> None:
        if act.kind in KILLS:
            self._kill(act)
            return
        done = {Kind.STORM: self._storm, Kind.FULL_DISK: self._fill_disk, Kind.WRONG_CLOCK: self._skew, Kind.AWAY: self._away, Kind.FREEZE: self._freeze,
                Kind.DROP_PREFECT: self._drop_prefect}
        try:
            if done[act.kind](act):
                self.deeds.others[act.kind.value] += 1
            else:
                self.deeds.missed[act.kind.value] += 1
        except disk.CannotLimit as why:
            self.deeds.cannot[act.kind.value] = str(why)
        except (LapseError, psycopg.Error):  # the sandbox, or the server, is being killed just now, or its disk is full already
            self.deeds.missed[act.kind.value] += 1

    def _kill(self, act: Act) -> None:
        phase = {Kind.KILL: "alone", Kind.KILL_TOGETHER: "together", Kind.KILL_AT_START: "running"}[act.kind]
        for name in map(str, act.whom):
            old = self._pid(name, act)
            self._strike(name, old, phase)
            if act.kind is Kind.KILL_AT_START:
                new = self._next_pid(name, old)
                self._stop.wait(act.seconds)
                self._strike(name, new, "at start")

    def _strike(self, name: str, pid: int | None, phase: str) -> None:
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.deeds.kills[name, phase] += 1
                return
        self.deeds.missed[f"kill {name}"] += 1

    def _pid(self, name: str, act: Act) -> int | None:
        if name != "backend":
            return self._installation.pid(name)
        server = self._installation.pid("postgresql")
        backends = filelimit.children(server) if server is not None else []
        # Any process of the server's: those that serve somebody, and those that write for all.
        return backends[int(act.at * 1000) % len(backends)] if backends else None

    def _next_pid(self, name: str, old: int | None) -> int | None:
        until = time.monotonic() + _STARTS_WITHIN_S
        while time.monotonic() < until and not self._stop.is_set():
            pid = self._installation.pid(name)
            if pid is not None and pid != old:
                return pid
            time.sleep(_LOOK_EVERY_S)
        return None

    def _storm(self, act: Act) -> bool:
        self._wire.set_factor(act.amount)
        self._later(act.seconds, lambda: self._wire.set_factor(1))
        return True

    def _fill_disk(self, act: Act) -> bool:
        most = _WAL_BYTES if act.whom[0] == WAL else self._size_of(str(act.whom[0]))
        self._later(act.seconds, self._free_disk)
        return disk.fill(self._data, most) > 0

    def _size_of(self, table: str) -> int:
        """What the table takes now: beyond that it may not grow. The log begins a file anew before, so that it has room for longer than the table."""
        with psycopg.connect(self._installation.stack.ledger.ledger_url, autocommit=True, connect_timeout=5) as connection:
            connection.execute("select pg_switch_wal()")
            row = connection.execute("select pg_relation_size(%s::regclass)", (table,)).fetchone()
        return max(_WAL_BYTES, int(row[0]) if row else 0)

    def _free_disk(self) -> None:
        disk.free(self._data)

    def _skew(self, act: Act) -> bool:
        bodies = self._chosen(act)
        self._installation.tell_sandbox("skew", {"seconds": int(act.amount), "bodies": bodies}, within=5)
        self._later(act.seconds, lambda: self._set_right(bodies))
        return True

    def _set_right(self, bodies: list[str]) -> None:
        with contextlib.suppress(LapseError):  # restarted meanwhile, its clocks are right
            self._installation.tell_sandbox("skew", {"seconds": 0, "bodies": bodies}, within=5)

    def _away(self, act: Act) -> bool:
        mode = "close" if act.amount > 3 else "503"
        self._installation.tell_sandbox("down", {"hours": act.amount, "mode": mode, "bodies": self._chosen(act)}, within=5)
        return True

    def _freeze(self, act: Act) -> bool:
        pid = self._installation.kill(str(act.whom[0]), signal.SIGSTOP)
        if pid is not None:
            self._later(act.seconds, lambda: _thaw(pid))
        return pid is not None

    def _drop_prefect(self, act: Act) -> bool:
        with psycopg.connect(self._installation.stack.ledger.ledger_url, autocommit=True, connect_timeout=5) as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(PREFECT)))
        return True

    def _chosen(self, act: Act) -> list[str]:
        return sorted({self._bodies[int(float(share) * len(self._bodies))] for share in act.whom})


def _thaw(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
