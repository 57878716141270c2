"""What a core tells while its flow run is still being made: kept, and told to the run as soon as there is one.

So the work never waits for Prefect: it starts at once, and the run, where there comes to be one, catches up and then follows it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from flows.trace import Budget, Mark, PrefectTrace, failed

T = TypeVar("T")
_Entry = Callable[[PrefectTrace], Awaitable[None]]


class Recorder:
    """A trace that keeps what it is told until somebody plays it.

    Args:
        budget: as for PrefectTrace; what no run would show is not kept either.
    """

    def __init__(self, budget: int) -> None:
        self._budget = Budget(budget)
        self._entries: asyncio.Queue[_Entry | None] = asyncio.Queue()

    async def step(self, number: str, work: Callable[[], Awaitable[T]], mark: Callable[[T], Mark]) -> T:
        began = time.monotonic()
        try:
            result = await work()
        except Exception as fault:
            self._past(number, failed(fault), began)
            raise
        self._past(number, mark(result), began)
        return result

    async def told(self, number: str, mark: Mark) -> None:
        self._past(number, mark, time.monotonic())

    async def table(self, rows: Sequence[Mapping[str, Any]], title: str, key: str | None = None) -> None:
        self._entries.put_nowait(lambda trace: trace.table(rows, title, key))

    async def text(self, markdown: str, title: str, key: str | None = None) -> None:
        self._entries.put_nowait(lambda trace: trace.text(markdown, title, key))

    async def rename(self, name: str) -> None:
        self._entries.put_nowait(lambda trace: trace.rename(name))

    def end(self) -> None:
        """Nothing more will be told."""
        self._entries.put_nowait(None)

    async def play(self, trace: PrefectTrace) -> None:
        """Tell `trace` everything, as it comes, until the end; to be called once, inside the flow run."""
        while (entry := await self._entries.get()) is not None:
            await entry(trace)

    def _past(self, number: str, mark: Mark, began: float) -> None:
        if not self._budget.admits(mark):
            return
        ended = time.monotonic()

        async def tell(trace: PrefectTrace) -> None:
            trace.past(number, mark, ended - began, time.monotonic() - ended)

        self._entries.put_nowait(tell)
