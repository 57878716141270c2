"""Keeps a list of processes running: started in order, watched, restarted after a crash, stopped in reverse order.

It knows nothing of what they do. That none outlives it, also after kill -9, is the work of :mod:`runtime.lifeline`.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType, TracebackType

from runtime.keeper import LOOK_EVERY_S, Keeper
from runtime.service import Backoff, Health, Runnable, Service, State, SupervisorError

__all__ = ["Backoff", "Health", "Runnable", "Service", "State", "Supervisor", "SupervisorError"]

log = logging.getLogger("tonglu.supervisor")

# What a service stands on may crash while it starts; so often it is tried again before the whole start has failed.
_START_TRIES = 5
_BACK_WITHIN_S = 120.0
_DOWN_WITHIN_S = 90.0


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
        self._keepers = [Keeper(service, self._should_end, self._failed, self._told) for service in services]
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start every service and wait until it is ready before the next.

        One that fails because a service started before it has crashed meanwhile is tried again when that is back; one that is held is left
        down; one that is not awaited and cannot be started is tried again beside the others, as after a crash. Raises SupervisorError, with everything stopped again, if one cannot start or is not ready in time, or if `ask_to_stop()`
        came in between.
        """
        self._asked = False
        self._ending.clear()
        self._failed.clear()
        try:
            for index, keeper in enumerate(self._keepers):
                self._bring_up(keeper, self._keepers[:index])
                thread = threading.Thread(target=keeper.watch, name=f"keeper of {keeper.name}", daemon=True)
                thread.start()
                self._threads.append(thread)
        except BaseException:
            self.stop()
            raise

    def _bring_up(self, keeper: Keeper, before: Sequence[Keeper]) -> None:
        for tries in range(1, _START_TRIES + 1):
            restarts = sum(k.health().restarts for k in before)
            try:
                if not keeper.held:
                    keeper.bring_up()
                return
            except SupervisorError as fault:
                if keeper.held:
                    return  # its thread takes it down
                if not keeper.awaited and not self._should_end():
                    # Nobody stands on it: its thread finds it down and tries again.
                    log.warning("%s", fault)
                    keeper.stop_process()
                    return
                # Its ground gave way if something under it was restarted, or is just about to be.
                firm = all(k.settled() for k in before) and restarts == sum(k.health().restarts for k in before)
                if firm or tries == _START_TRIES or self._should_end():
                    raise
                keeper.stop_process()
            until = time.monotonic() + _BACK_WITHIN_S
            while not all(k.settled() for k in before) and time.monotonic() < until and not self._should_end():
                time.sleep(LOOK_EVERY_S)

    def hold(self, name: str, *, kill: bool = False, within: float = _DOWN_WITHIN_S) -> None:
        """Take a service down and keep it down until `release(name)`; `kill` ends it with SIGKILL instead of politely.

        Returns when it is down; harmless where it is already. Raises SupervisorError if there is no such service, or if it is not down
        after `within` seconds.
        """
        keeper = self._keeper(name)
        keeper.hold(kill)
        if not keeper.wait_down(within):
            raise SupervisorError(f"服务 {name} 在 {within:.0f} 秒内没有停下")

    def release(self, name: str) -> None:
        """Let a held service be started again; returns at once, `health()` tells when it is ready. Raises SupervisorError if there is none such."""
        self._keeper(name).release()

    def _keeper(self, name: str) -> Keeper:
        for keeper in self._keepers:
            if keeper.name == name:
                return keeper
        raise SupervisorError(f"没有名为 {name} 的服务；现有：{'、'.join(keeper.name for keeper in self._keepers)}")

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
            left = LOOK_EVERY_S if until is None else min(LOOK_EVERY_S, until - time.monotonic())
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
            try:
                self._tell(health)
            except Exception as fault:  # noqa: BLE001  (a listener whose terminal is gone must not end the watching)
                log.warning("a change of health could not be told: %s", type(fault).__name__)

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
