"""What a supervisor keeps running: a process, how it is asked whether it is well, and how long to wait before it is started again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class SupervisorError(RuntimeError):
    """A service did not come up or go down; the message names it and says where to look."""


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


def _nothing_known() -> bool:
    return False


@dataclass(frozen=True)
class Service:
    """A process with its readiness probe, which must return within seconds and say False rather than raise.

    It has `ready_within` seconds to become ready; whether it still is, is asked every two seconds for `health()`. One that nobody needs
    in order to start has `awaited` False: the next service starts beside it, and its probe says later that it is ready.

    A process that lives and does no good is stopped and started again once its probe has failed for `restart_after` seconds without
    a break, or has not succeeded within `ready_within` and those seconds of its start. None: it is left alone.
    One that `answers`, though not ready, waits for another (its database, say) and has not hung: it is left alone as well.
    """

    process: Runnable
    ready: Callable[[], bool] = _at_once
    ready_within: float = 60.0
    backoff: Backoff = field(default_factory=Backoff)
    awaited: bool = True
    restart_after: float | None = None
    answers: Callable[[], bool] = _nothing_known


class State(StrEnum):
    """Where a service stands. HELD: kept down on purpose. SILENT: it lives, its probe has failed for too long, and it is started again."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    UNREADY = "unready"
    SILENT = "silent"
    CRASHED = "crashed"
    GIVEN_UP = "given up"
    HELD = "held"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Health:
    """The health of one service: its state, process id while it runs, and how often it was restarted."""

    name: str
    state: State
    pid: int | None
    restarts: int
