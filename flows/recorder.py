"""What a core tells while its flow run is still being made: kept, and told to the run as soon as there is one.

So the work never waits for Prefect: it starts at once, and the run, where there comes to be one, catches up and then follows it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flows.stage import Stage
from flows.trace import Budget, Mark, PrefectTrace, failed

T = TypeVar("T")
_Entry = Callable[[PrefectTrace], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _End:
    fault: str


class Recorder:
    """A trace that keeps what it is told until somebody plays it, in Prefect's thread.

    Args:
        budget: as for PrefectTrace; what no run would show is not kept either. stage: where it is played.
    """

    def __init__(self, budget: int, stage: Stage) -> None:
        self._budget, self._stage = Budget(budget), stage
        self._entries: asyncio.Queue[_Entry | _End] = asyncio.Queue()

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
        self._keep(lambda trace: trace.table(rows, title, key))

    async def text(self, markdown: str, title: str, key: str | None = None) -> None:
        self._keep(lambda trace: trace.text(markdown, title, key))

    async def rename(self, name: str) -> None:
        self._keep(lambda trace: trace.rename(name))

    def end(self, fault: str) -> None:
        """Nothing more will be told: the core is done, or has raised an error of this kind."""
        self._keep(_End(fault))

    async def play(self, trace: PrefectTrace) -> str:
        """Tell `trace` everything, as it comes, until the end; to be called once, inside the flow run. Returns the kind of the core's error, or nothing."""
        while not isinstance(entry := await self._entries.get(), _End):
            await entry(trace)
        return entry.fault

    def _keep(self, entry: _Entry | _End) -> None:
        self._stage.tell(lambda: self._entries.put_nowait(entry))

    def _past(self, number: str, mark: Mark, began: float) -> None:
        if not self._budget.admits(mark):
            return
        ended = time.monotonic()

        async def tell(trace: PrefectTrace) -> None:
            trace.past(number, mark, ended - began, time.monotonic() - ended)

        self._keep(tell)
