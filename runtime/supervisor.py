"""Keeps a list of processes running: started in order, watched, restarted after a crash, stopped in reverse order.

It knows nothing of what they do. That none outlives it, also after kill -9, is the work of :mod:`runtime.lifeline`.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import FrameType, TracebackType
from typing import Protocol

_LOOK_EVERY_S = 0.1
_PROBE_EVERY_S = 2.0


class SupervisorError(RuntimeError):
    """A service did not come up; the message names it and says where to look."""


class Runnable(Protocol):
    """What can be supervised, such as a Child or a PrivatePostgres. `start()` on a running one does nothing."""

    @property
    def name(self) -> str: ...
    @property
    def pid(self) -> int | None: ...
    def start(self) -> None: ...
    def stop(self) -> object: ...
    def alive(self) -> bool: ...


@dataclass(frozen=True)
class Backoff:
    """How long to wait before a restart, in seconds: `first`, then `factor` times longer each time up to `most`.

    After `calm` seconds without a crash it starts over. After `give_up` restarts in a row (None: never) the service is
    given up, and with it the whole.
    """

    first: float = 0.5
    factor: float = 2.0
    most: float = 30.0
    calm: float = 60.0
    give_up: int | None = None

    def delay(self, crashes: int) -> float:
        """Seconds to wait after the `crashes`-th crash in a row, counted from 1."""
        # The exponent is bounded, or a service that crashes for days would overflow it.
        return min(self.most, self.first * self.factor ** min(crashes - 1, 64))


def _at_once() -> bool:
    return True


@dataclass(frozen=True)
class Service:
    """A process with its readiness probe, which must return quickly and say False rather than raise.

    It has `ready_within` seconds to become ready; whether it still is, is asked every two seconds for `health()`. One that nobody needs
    in order to start has `awaited` False: the next service starts beside it, and its probe says later that it is ready.
    """

    process: Runnable
    ready: Callable[[], bool] = _at_once
    ready_within: float = 60.0
    backoff: Backoff = field(default_factory=Backoff)
    awaited: bool = True


class State(StrEnum):
    """Where a service stands."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    UNREADY = "unready"
    CRASHED = "crashed"
    GIVEN_UP = "given up"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Health:
    """The health of one service: its state, process id while it runs, and how often it was restarted."""

    name: str
    state: State
    pid: int | None
    restarts: int


class Supervisor:
    """Runs `services` in the order given. `tell` hears of every change of health, from any thread, one at a time."""

    def __init__(self, services: Sequence[Service], tell: Callable[[Health], None] = lambda _: None) -> None:
        names = [service.process.name for service in services]
        if len(set(names)) != len(names):
            raise SupervisorError(f"服务名重复：{', '.join(names)}；请给每个服务不同的名字")
        self._ending = threading.Event()
        self._failed = threading.Event()
        # A plain flag: a signal handler must not touch a lock that the interrupted code may hold.
        self._asked = False
        self._tell_lock = threading.Lock()
        self._tell = tell
        self._keepers = [_Keeper(service, self._should_end, self._failed, self._told) for service in services]
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start every service and wait until it is ready before the next.

        Raises SupervisorError, with everything stopped again, if one cannot start or is not ready in time, or if
        `ask_to_stop()` came in between.
        """
        self._asked = False
        self._ending.clear()
        self._failed.clear()
        try:
            for keeper in self._keepers:
                keeper.bring_up()
                thread = threading.Thread(target=keeper.watch, name=f"keeper of {keeper.name}", daemon=True)
                thread.start()
                self._threads.append(thread)
        except BaseException:
            self.stop()
            raise

    def health(self) -> list[Health]:
        """How every service stands, in start order."""
        return [keeper.health() for keeper in self._keepers]

    def healthy(self) -> bool:
        """Whether every service is ready."""
        return all(health.state is State.READY for health in self.health())

    def ask_to_stop(self) -> None:
        """Let `wait()` and `run()` end, and a `start()` under way break off. May be called from a signal handler."""
        self._asked = True

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until asked to stop or a service is given up, at most `timeout` seconds. Returns whether it is over."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self._asked and not self._failed.is_set():
            left = _LOOK_EVERY_S if until is None else min(_LOOK_EVERY_S, until - time.monotonic())
            if left <= 0:
                return False
            self._failed.wait(left)
        return True

    def stop(self) -> None:
        """Stop every service in reverse order and wait for each; harmless if nothing runs."""
        self._ending.set()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        for keeper in reversed(self._keepers):
            keeper.take_down()

    def run(self, on_ready: Callable[[], None] = lambda: None) -> int:
        """Start, call `on_ready`, watch until SIGINT, SIGTERM or SIGHUP or a service is given up, and stop.

        To be called in the main thread. Returns 0 if asked to stop, 1 if a service was given up. Raises
        SupervisorError if the start failed for any other reason than being asked to stop.
        """
        with self._signals():
            try:
                self.start()
                on_ready()
                self.wait()
            except SupervisorError:
                if not self._asked:
                    raise
            finally:
                failed = self._failed.is_set()
                self.stop()
        return 1 if failed else 0

    def __enter__(self) -> Supervisor:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _should_end(self) -> bool:
        return self._asked or self._ending.is_set()

    def _told(self, health: Health) -> None:
        with self._tell_lock:
            self._tell(health)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def asked(_number: int, _frame: FrameType | None) -> None:
            self.ask_to_stop()

        before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Keeper:
    """Brings one service up, watches it in a thread of its own, and takes it down."""

    def __init__(
        self,
        service: Service,
        should_end: Callable[[], bool],
        failed: threading.Event,
        tell: Callable[[Health], None],
    ) -> None:
        self.name = service.process.name
        self._service = service
        self._should_end = should_end
        self._failed = failed
        self._tell = tell
        self._state = State.WAITING
        self._restarts = 0

    def health(self) -> Health:
        return Health(self.name, self._state, self._service.process.pid, self._restarts)

    def bring_up(self) -> None:
        """Start the process and wait until it is ready. Raises SupervisorError if it is not, or if it is to end."""
        process, until = self._service.process, time.monotonic() + self._service.ready_within
        self._turn(State.STARTING)
        try:
            process.start()
        except RuntimeError as fault:  # the base of every error of this room
            raise SupervisorError(f"服务 {self.name} 无法启动：{fault}") from fault
        if not self._service.awaited:
            return
        log = getattr(process, "log_path", None)
        where = f"；请看日志 {log}" if log else ""
        while not self._service.ready():
            if not process.alive():
                raise SupervisorError(f"服务 {self.name} 启动后随即退出{where}")
            if time.monotonic() > until:
                raise SupervisorError(f"服务 {self.name} 在 {self._service.ready_within:.0f} 秒内没有就绪{where}")
            if self._pause(_LOOK_EVERY_S):
                raise SupervisorError(f"服务 {self.name} 尚未就绪时收到了停止的要求")
        self._turn(State.READY)

    def watch(self) -> None:
        """Restart the process whenever it has ended, until all is to end or it is given up."""
        crashes, up_since, probe_at = 0, time.monotonic(), time.monotonic() + _PROBE_EVERY_S
        while not self._pause(_LOOK_EVERY_S):
            if self._service.process.alive():
                if time.monotonic() - up_since > self._service.backoff.calm:
                    crashes = 0
                if time.monotonic() >= probe_at or self._state is State.STARTING:
                    if self._state is State.STARTING and not self._service.ready():
                        continue
                    self._turn(State.READY if self._service.ready() else State.UNREADY)
                    probe_at = time.monotonic() + _PROBE_EVERY_S
                continue
            crashes += 1
            self._turn(State.CRASHED)
            give_up = self._service.backoff.give_up
            if give_up is not None and crashes > give_up:
                self._turn(State.GIVEN_UP)
                self._failed.set()
                return
            if self._pause(self._service.backoff.delay(crashes)):
                return
            self._restarts += 1
            try:
                self.bring_up()
            except SupervisorError:
                # Counted as another crash on the next round; what is half up must not be taken for alive.
                self._service.process.stop()
            up_since = time.monotonic()

    def take_down(self) -> None:
        """Stop the process and wait for it."""
        self._service.process.stop()
        if self._state not in (State.WAITING, State.GIVEN_UP):
            self._turn(State.STOPPED)

    def _pause(self, seconds: float) -> bool:
        """Wait `seconds`, less if all is to end; returns whether it is."""
        until = time.monotonic() + seconds
        while not self._should_end() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_EVERY_S))
        return self._should_end()

    def _turn(self, state: State) -> None:
        if state is not self._state:
            self._state = state
            self._tell(self.health())
