"""The whole product as `tonglu up` starts it, in a fresh folder of its own, on free ports, with time by a file and invented partners."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from cli.stack import Stack, free_ports, worker_names
from cli.up import sandbox_config
from config.settings import Settings
from connectors.keyring import Keyring
from gateway.clients import add_client
from models.db import Database
from models.seal import Sealer, sealer_for
from rules.house import House
from runtime.supervisor import Backoff, Health, State, Supervisor
from runtime.timesource import FileTime, write_instant

# A Monday whose month holds the Qingming holiday and its shifted days.
START = datetime(2026, 3, 16, 0, 0, tzinfo=UTC)
_PREFECT_WITHIN_S = 90.0


class LapseError(RuntimeError):
    """The installation cannot be made or asked; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What kind of installation.

    Attributes:
        name: its folder under the data folder, and of the client that hands in petitions; lower case.
        seed: draws the manners and delays of the sandbox's bodies. drop_callbacks: no body ever calls.
        workers: how many resident workers (worker, worker-2 …). runner: whether runs can be asked for in Prefect's interface.
        backoff: how long crashed processes wait; None: as in `tonglu up`. start: the first instant of the clock (aware).
        wait_for_prefect: whether entering waits until Prefect's server answers. patience: seconds a statement of ours may take; 0: for ever.
    """

    name: str
    seed: int = 7
    drop_callbacks: bool = False
    workers: int = 1
    runner: bool = False
    backoff: Backoff | None = None
    start: datetime = START
    wait_for_prefect: bool = True
    patience: float = 0


class Installation:
    """One installation, running while its context is entered; what is left in its folder can be looked at until the next of the same name.

    The folder is emptied on entry only if it carries the mark of such an installation. Before entering, `reach` may put something between the product
    and its partners. `tell` hears of every change of a process's health.
    """

    def __init__(self, settings: Settings, house: House, wanted: Wanted, tell: Callable[[Health], None] = lambda _: None) -> None:
        self.settings, self.house, self.wanted = _own(settings, wanted.name), house, wanted
        self.clock = self.settings.data_dir / "clock"
        self._time = FileTime(self.clock)
        self._tell, self._hooks, self._stack = tell, "", ExitStack()

    @property
    def folder(self) -> Path:
        return self.settings.data_dir

    @property
    def sandbox_url(self) -> str:
        """Where the sandbox itself listens, whatever stands before it."""
        return self.settings.sandbox_own

    @property
    def gateway_url(self) -> str:
        """Where the gateway itself listens."""
        return self.settings.gateway_url

    def reach(self, *, sandbox: str = "", gateway: str = "") -> None:
        """By what other addresses the product reaches its partners (`sandbox`) and they it (`gateway`); to be said before entering."""
        if sandbox:
            self.settings = self.settings.model_copy(update={"sandbox_url": sandbox})
        self._hooks = gateway or self._hooks

    def __enter__(self) -> Installation:
        wanted, own = self.wanted, self.settings
        _fresh(own.data_dir, wanted.name)
        write_instant(self.clock, wanted.start)
        stack = Stack(own, self.house, runner=wanted.runner, workers=wanted.workers, backoff=wanted.backoff)
        stack.prepare()
        ring = Keyring(own.keys)
        for body in self.house.bodies:
            if body.connector.kind != "desk":
                ring.rotate(body.code)  # so that a body which still signs with its old key is understood
        stack.sandbox = sandbox_config(own, self.house, seed=wanted.seed, drop_callbacks=wanted.drop_callbacks, gateway=self._hooks)
        self.token = add_client(own.keys, wanted.name)
        self.sealer: Sealer = sealer_for(own.field_keys, own.keys)
        self.stack = stack
        with ExitStack() as begun:
            self.supervisor = begun.enter_context(Supervisor(stack.services(), self._tell))
            self.database = begun.enter_context(Database(stack.ledger.ledger_url, patience=wanted.patience))
            if wanted.wait_for_prefect:
                wait_until(stack.prefect_ready, "流程服务 Prefect 没有就绪", _PREFECT_WITHIN_S)
            self._stack = begun.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._stack.__exit__(kind, fault, at)

    @property
    def now(self) -> datetime:
        """The instant on the clock (UTC)."""
        return self._time.now()

    def step_to(self, instant: datetime) -> None:
        """Set the clock of all processes (aware)."""
        write_instant(self.clock, instant)

    @property
    def workers(self) -> list[str]:
        """The names of the resident workers."""
        return worker_names(self.wanted.workers)

    def health(self) -> dict[str, Health]:
        """How every process stands, by name, in start order."""
        return {health.name: health for health in self.supervisor.health()}

    def pid(self, name: str) -> int | None:
        """The process id of a service while it runs. Raises LapseError for a name that is none."""
        found = self.health()
        if name not in found:
            raise LapseError(f"没有叫 {name} 的进程；有：{'、'.join(found)}")
        return found[name].pid

    def kill(self, name: str, number: int = signal.SIGKILL) -> int | None:
        """Send a signal to a service's process, if it runs; returns its process id. The supervisor starts again what ends."""
        pid = self.pid(name)
        if pid is not None:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return None
        return pid

    def hold(self, name: str, *, kill: bool = True) -> None:
        """Take a service down, with SIGKILL unless `kill` is False, and keep it down until it is released."""
        self.supervisor.hold(name, kill=kill)

    def release(self, name: str, within: float = 60.0) -> None:
        """Let a held service come back, and wait until it is ready. Raises LapseError where it is not in time."""
        self.supervisor.release(name)
        wait_until(lambda: self.health()[name].state is State.READY, f"{name} 没有恢复", within)

    def ask(self, what: str, within: float = 60.0) -> Any:
        """GET /control/<what> of the sandbox itself. Raises LapseError while it does not answer."""
        return self._control(urllib.request.Request(f"{self.sandbox_url}/control/{what}"), within)  # noqa: S310  (our own sandbox)

    def tell_sandbox(self, what: str, said: dict[str, Any], within: float = 60.0) -> Any:
        """POST /control/<what> to the sandbox itself. Raises LapseError when it does not answer or refuses."""
        raw = json.dumps(said).encode()
        request = urllib.request.Request(f"{self.sandbox_url}/control/{what}", raw, {"Content-Type": "application/json"})  # noqa: S310
        return self._control(request, within)

    def _control(self, request: urllib.request.Request, within: float) -> Any:
        try:
            with urllib.request.urlopen(request, timeout=within) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as fault:
            raise LapseError(f"沙箱拒绝了 {request.selector}：{fault.read(2000).decode(errors='replace')}") from fault
        except (OSError, ValueError) as fault:
            raise LapseError(f"沙箱没有应答（{type(fault).__name__}）") from fault


def wait_until(ready: Callable[[], bool], why: str, seconds: float) -> None:
    """Ask until it is so, at most `seconds` of real time. Raises LapseError(why)."""
    until = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > until:
            raise LapseError(why)
        time.sleep(0.1)


def _own(settings: Settings, name: str) -> Settings:
    folder = settings.data_dir / name
    gateway, prefect, sandbox = free_ports(3)
    changes: dict[str, Any] = {"database_url": "", "data_dir": folder, "keys_dir": folder / "keys", "field_keys": "", "clock": f"file:{folder / 'clock'}",
                               "gateway_port": gateway, "prefect_port": prefect, "sandbox_port": sandbox, "sandbox_url": "", "host": "127.0.0.1"}
    return settings.model_copy(update=changes)


def _fresh(folder: Path, name: str) -> None:
    """Empty the installation's own folder, and no other: only one that carries its mark is ever removed."""
    mark = folder / f".tonglu-{name}"
    if folder.exists():
        if not mark.exists() and any(folder.iterdir()):
            raise LapseError(f"{folder} 不是 tonglu {name} 建立的目录，不会清空它；请用 TONGLU_DATA_DIR 另指一个目录")
        pid = _owner(mark)
        if pid:
            raise LapseError(f"另一个 tonglu {name} 正在使用 {folder}（进程 {pid}）；先停止它")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, mode=0o755)
    mark.write_text(str(os.getpid()))


def _owner(mark: Path) -> int | None:
    try:
        pid = int(mark.read_text())
        os.kill(pid, 0)
    except (OSError, ValueError, OverflowError):
        return None
    return pid if pid != os.getpid() else None
