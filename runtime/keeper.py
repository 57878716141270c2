"""Looks after one service: brings it up, starts it again when it has crashed or fallen silent, keeps it down while it is held."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable

from runtime.service import Health, Service, State, SupervisorError

log = logging.getLogger("tonglu.supervisor")

LOOK_EVERY_S = 0.1
_PROBE_EVERY_S = 2.0
_AFTER_A_FAULT_S = 1.0


class Keeper:
    """One service's keeper. `bring_up` and `take_down` are the supervisor's, `watch` runs in a thread of its own; the rest is for any thread."""

    def __init__(self, service: Service, should_end: Callable[[], bool], failed: threading.Event, tell: Callable[[Health], None]) -> None:
        self.name = service.process.name
        self._service = service
        self._should_end = should_end
        self._failed = failed
        self._tell = tell
        self._state = State.WAITING
        self._restarts = 0
        self._crashes = 0
        self._up_since = 0.0
        self._well_at = 0.0
        self._probe_at = 0.0
        self._held = threading.Event()
        self._down = threading.Event()
        self._kill = False

    @property
    def held(self) -> bool:
        """Whether it is to be kept down."""
        return self._held.is_set()

    @property
    def awaited(self) -> bool:
        """Whether the services after it need it in order to start."""
        return self._service.awaited

    def health(self) -> Health:
        return Health(self.name, self._state, self._service.process.pid, self._restarts)

    def hold(self, kill: bool) -> None:
        """Ask for it to be kept down; `kill`: with SIGKILL instead of politely."""
        self._kill = kill
        self._down.clear()
        self._held.set()

    def wait_down(self, seconds: float) -> bool:
        """Wait until a held service is down, at most `seconds`. Returns whether it is."""
        return self._down.wait(seconds)

    def release(self) -> None:
        """Let it be started again."""
        self._held.clear()

    def settled(self) -> bool:
        """Whether it stands as it is meant to: nothing is about to be started again."""
        if self.held or not self._service.awaited:
            return True
        return self._state is State.READY and self._service.process.alive()

    def stop_process(self) -> None:
        """Stop what a failed start has left, without a word."""
        self._service.process.stop()

    def bring_up(self) -> None:
        """Start the process and wait until it is ready. Raises SupervisorError if it is not, if it is held, or if all is to end."""
        process, until = self._service.process, time.monotonic() + self._service.ready_within
        self._turn(State.STARTING)
        try:
            process.start()
        except RuntimeError as fault:  # the base of every error of this house
            raise SupervisorError(f"服务 {self.name} 无法启动：{fault}") from fault
        except Exception as fault:
            # Whatever it was (a database that dies while its tables are made), it was not started. Only the kind is said: the text may hold an address.
            raise SupervisorError(f"服务 {self.name} 无法启动（{type(fault).__name__}）") from fault
        self._up_since = self._well_at = time.monotonic()
        if not self._service.awaited:
            return
        log_path = getattr(process, "log_path", None)
        where = f"；请看日志 {log_path}" if log_path else ""
        while not self._ready():
            if not process.alive():
                raise SupervisorError(f"服务 {self.name} 启动后随即退出{where}")
            if time.monotonic() > until:
                raise SupervisorError(f"服务 {self.name} 在 {self._service.ready_within:.0f} 秒内没有就绪{where}")
            if self._pause(LOOK_EVERY_S):
                raise SupervisorError(f"服务 {self.name} 尚未就绪时收到了停止的要求")
            if self.held:
                raise SupervisorError(f"服务 {self.name} 尚未就绪时被要求停用")
        self._is_ready()

    def watch(self) -> None:
        """Start the process again whenever it has ended or fallen silent, until all is to end or it is given up.

        Whatever looking at it or stopping it raises is logged, once for several of a kind in a row, and tried again a second later.
        """
        known = ""
        while self._state is not State.GIVEN_UP and not self._pause(LOOK_EVERY_S):
            try:
                self._look()
                known = ""
            except Exception as fault:  # noqa: BLE001  (a service whose keeper has ended would never be started again)
                if type(fault).__name__ != known:
                    known = type(fault).__name__
                    log.warning("%s could not be looked after: %s", self.name, known)
                time.sleep(_AFTER_A_FAULT_S)

    def _look(self) -> None:
        if self.held:
            self._go_down()
        elif self._state is State.HELD:
            self._crashes = 0
            self._again()
        elif not self._service.process.alive():
            self._mend(State.CRASHED)
        elif self._silent():
            self._mend(State.SILENT)

    def take_down(self) -> None:
        """Stop the process and wait for it."""
        self._service.process.stop()
        if self._state not in (State.WAITING, State.GIVEN_UP):
            self._turn(State.STOPPED)

    def _silent(self) -> bool:
        """Ask a living process now and then whether it is well. Returns whether it has been unwell for too long."""
        now = time.monotonic()
        if now - self._up_since > self._service.backoff.calm:
            self._crashes = 0
        if now < self._probe_at and self._state is not State.STARTING:
            return False
        if self._ready():
            self._is_ready()
            return False
        self._probe_at = time.monotonic() + _PROBE_EVERY_S
        # One that has never been ready since its start is still starting.
        patience = self._service.restart_after
        if self._state is State.STARTING:
            patience = None if patience is None else patience + self._service.ready_within
        else:
            self._turn(State.UNREADY)
        if patience is not None and self._asked(self._service.answers):
            self._well_at = time.monotonic()
        return patience is not None and time.monotonic() - self._well_at > patience

    def _mend(self, state: State) -> None:
        """Wait a while, and start it again."""
        self._crashes += 1
        self._turn(state)
        if state is State.SILENT:
            self._service.process.stop()
        give_up = self._service.backoff.give_up
        if give_up is not None and self._crashes > give_up:
            self._turn(State.GIVEN_UP)
            self._failed.set()
            return
        if self._pause(self._service.backoff.delay(self._crashes)) or self.held:
            return
        self._again()

    def _again(self) -> None:
        self._restarts += 1
        try:
            self.bring_up()
        except SupervisorError as fault:
            if not self._should_end() and not self.held:
                log.warning("%s", fault)
            # Counted as another crash on the next round; what is half up must not be taken for alive.
            self._service.process.stop()
            self._turn(State.CRASHED)

    def _go_down(self) -> None:
        if self._state is not State.HELD:
            pid = self._service.process.pid
            if self._kill and pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._service.process.stop()
            self._turn(State.HELD)
        self._down.set()

    def _ready(self) -> bool:
        return self._asked(self._service.ready)

    def _asked(self, probe: Callable[[], bool]) -> bool:
        try:
            return probe()
        except Exception as fault:  # noqa: BLE001  (a probe that fails is an answer; its keeper must go on)
            log.warning("the probe of %s failed: %s", self.name, type(fault).__name__)
            return False

    def _is_ready(self) -> None:
        self._well_at = time.monotonic()
        self._probe_at = self._well_at + _PROBE_EVERY_S
        self._turn(State.READY)

    def _pause(self, seconds: float) -> bool:
        """Wait `seconds`, less if all is to end or it is held; returns whether all is to end."""
        until = time.monotonic() + seconds
        while not self._should_end() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_EVERY_S))
            if self.held:
                break
        return self._should_end()

    def _turn(self, state: State) -> None:
        if state is not self._state:
            self._state = state
            self._tell(self.health())
