"""So many bodies at once, not counting those that keep us waiting: whatever hangs, there is room for what moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")

# One that has said nothing for so long steps aside for another; so many may stand aside at once, because each keeps a sending thread busy.
PATIENCE_S = 1.0
MOST_ASIDE = 24


class Gate:
    """`wide` bodies are at work together; besides them up to `aside` that have not answered within `patience` seconds."""

    def __init__(self, wide: int, aside: int = MOST_ASIDE, patience: float = PATIENCE_S) -> None:
        self.patience = patience
        self._slots = asyncio.Semaphore(wide)
        self._inside = asyncio.Semaphore(wide + aside)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Place]:
        """A place at work, for one body; waits until there is one."""
        async with self._inside:
            place = Place(self._slots, self.patience)
            await place.take()
            try:
                yield place
            finally:
                place.give()


class Place:
    """One body's place. It is given to others while any of its calls is waited for beyond patience."""

    def __init__(self, slots: asyncio.Semaphore, patience: float) -> None:
        self._slots, self._patience = slots, patience
        self._held, self._silent = False, 0
        self._taking = asyncio.Lock()

    async def take(self) -> None:
        async with self._taking:
            if not self._held:
                await self._slots.acquire()
                self._held = True
            if self._silent:
                self.give()

    def give(self) -> None:
        if self._held:
            self._held = False
            self._slots.release()

    async def wait(self, work: Awaitable[T]) -> T:
        """What `work` comes to; while it takes longer than patience, others go on in this place."""
        task = asyncio.ensure_future(work)
        done, _ = await asyncio.wait({task}, timeout=self._patience)
        if done:
            return task.result()
        self._silent += 1
        self.give()
        try:
            return await task
        finally:
            self._silent -= 1
            if not self._silent:
                await self.take()
