"""Threads to call partners by, each body's own: one that hangs keeps its own threads waiting and nobody else's, and its connections stay with them."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

# So many lanes that nobody uses are kept, with their threads and open connections; those unused for longest are given up.
_IDLE = 64


class Lane:
    """The threads of one body, and since when it has been silent."""

    def __init__(self, body: str, width: int) -> None:
        self.threads = ThreadPoolExecutor(width, f"send {body}")
        self.users = 0
        self._lock = threading.Lock()
        self._calls = 0
        self._heard = 0.0

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Around one call: what comes back of it, or its end in any way, is a sign of life."""
        with self._lock:
            if not self._calls:
                self._heard = time.monotonic()
            self._calls += 1
        try:
            yield
        finally:
            with self._lock:
                self._calls -= 1
                self._heard = time.monotonic()

    def around(self, work: Callable[[], T]) -> Callable[[], T]:
        """`work`, counted as a call of this lane from the moment it begins."""

        def called() -> T:
            with self.calling():
                return work()

        return called

    def silent(self) -> float:
        """For how many seconds nothing has come back while something was under way; 0 where nothing is."""
        with self._lock:
            return time.monotonic() - self._heard if self._calls else 0.0


class Lanes:
    """The lanes of all bodies. Safe between threads.

    Args:
        width: threads a lane has at most.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._lock = threading.Lock()
        self._used: dict[str, Lane] = {}
        self._idle: OrderedDict[str, Lane] = OrderedDict()

    @contextmanager
    def lane(self, body: str) -> Iterator[Lane]:
        """A body's lane, for as long as the block lasts; several may use it at once."""
        with self._lock:
            lane = self._used.get(body) or self._idle.pop(body, None) or Lane(body, self._width)
            self._used[body] = lane
            lane.users += 1
        try:
            yield lane
        finally:
            self._leave(body, lane)

    def silent(self, body: str) -> float:
        """As Lane.silent; 0 for a body that nobody calls."""
        with self._lock:
            lane = self._used.get(body)
        return lane.silent() if lane is not None else 0.0

    def close(self) -> None:
        """Let the threads end, and wait for them."""
        with self._lock:
            lanes = [*self._used.values(), *self._idle.values()]
            self._idle.clear()
        for lane in lanes:
            lane.threads.shutdown(wait=True)

    def _leave(self, body: str, lane: Lane) -> None:
        given_up = None
        with self._lock:
            lane.users -= 1
            if lane.users == 0:
                del self._used[body]
                self._idle[body] = lane
                if len(self._idle) > _IDLE:
                    _, given_up = self._idle.popitem(last=False)
        if given_up is not None:
            given_up.threads.shutdown(wait=False)
