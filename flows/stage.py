"""A thread of its own for Prefect's code, with an event loop of its own.

Prefect's engine calls its server here and there and waits for the answer where it stands, for as long as a request may take, tried again and again. In the
worker's own loop that would hold up every case; here it holds up runs of Prefect.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

from prefect.context import AsyncClientContext, SyncClientContext

T = TypeVar("T")
log = logging.getLogger("tonglu.flows")

_CLOSE_WITHIN_S = 2.0


class Stage:
    """The thread; it begins at once, with the settings of Prefect in force where it was made. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()
        self._shared: list[tuple[ContextVar[Any], Any]] = []
        context = copy_context()
        # A daemon: what Prefect's code waits for must not keep the process alive.
        self._thread = threading.Thread(target=lambda: context.run(self._loop.run_until_complete, self._be()), name="prefect", daemon=True)
        self._thread.start()

    def submit(self, make: Callable[[], Awaitable[T]]) -> Future[T]:
        """Have what `make` makes done there, under this caller's context (tags, settings, the flows' own)."""
        return asyncio.run_coroutine_threadsafe(self._do(make), self._loop)

    async def call(self, make: Callable[[], Awaitable[T]]) -> T:
        """As `submit`, for one who awaits the result in another loop."""
        return await asyncio.wrap_future(self.submit(make))

    def tell(self, what: Callable[[], object]) -> None:
        """Have something short done in its loop; nothing happens when that has ended."""
        try:
            self._loop.call_soon_threadsafe(what)
        except RuntimeError:
            log.debug("Prefect's thread has ended")

    def close(self) -> None:
        """End the thread; one that does not come to its end is left behind, and ends with the process."""
        self.tell(self._ending.set)
        self._thread.join(_CLOSE_WITHIN_S)

    async def _be(self) -> None:
        # Without these every run makes two clients of its own, and each reads the whole file of certificate authorities: half the cost of a run.
        with SyncClientContext() as sync:
            async with AsyncClientContext() as own:
                self._shared = [(SyncClientContext.__var__, sync), (AsyncClientContext.__var__, own)]
                await self._ending.wait()
                for task in asyncio.all_tasks() - {asyncio.current_task()}:
                    task.cancel()

    async def _do(self, make: Callable[[], Awaitable[T]]) -> T:
        for variable, value in self._shared:
            variable.set(value)
        return await make()
