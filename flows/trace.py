"""What a run shows of itself: nothing, or Prefect's task runs and artifacts. What the work does is the same either way.

Only petition numbers, codes and counts may be handed to a trace.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import prefect.runtime.flow_run
from prefect import get_client
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.taskruns import tell

T = TypeVar("T")
log = logging.getLogger("tonglu.trace")

# An artifact past this many rows helps nobody; the ledger has them all.
MOST_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Mark:
    """How a step ended, for the eye: a short Chinese word, and the code of the cause.

    `failed`: the machinery did not do what it should. `person`: somebody has to look. Either gets a task run of its own past the budget too.
    """

    zh: str
    code: str = ""
    failed: bool = False
    person: bool = False

    @property
    def notable(self) -> bool:
        return self.failed or self.person


def failed(fault: Exception) -> Mark:
    """The mark of a step that raised this: its kind only, the text of an error may quote anything."""
    return Mark("出错", type(fault).__name__, failed=True)


class Trace(Protocol):
    """Where a core tells what it does."""

    async def step(self, number: str, work: Callable[[], Awaitable[T]], mark: Callable[[T], Mark]) -> T:
        """Do `work` for the petition of this number; its errors go through."""
        ...

    async def told(self, number: str, mark: Mark) -> None:
        """Something that was done already."""
        ...

    async def table(self, rows: Sequence[Mapping[str, Any]], title: str, key: str | None = None) -> None:
        """A table under the run."""
        ...

    async def text(self, markdown: str, title: str, key: str | None = None) -> None:
        """A text under the run."""
        ...

    async def rename(self, name: str) -> None:
        """Give the run its name once its count is known."""
        ...


class Silent:
    """Shows nothing: the work when Prefect is away, or called from a command."""

    async def step(self, number: str, work: Callable[[], Awaitable[T]], mark: Callable[[T], Mark]) -> T:
        return await work()

    async def told(self, number: str, mark: Mark) -> None:
        return None

    async def table(self, rows: Sequence[Mapping[str, Any]], title: str, key: str | None = None) -> None:
        return None

    async def text(self, markdown: str, title: str, key: str | None = None) -> None:
        return None

    async def rename(self, name: str) -> None:
        return None


SILENT = Silent()


class Budget:
    """How many task runs a run may still have: so many for any step, as many again for what is notable."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._left_for_notable = size

    def admits(self, mark: Mark) -> bool:
        """Whether this one has its task run; counted."""
        if self._left > 0:
            self._left -= 1
        elif mark.notable and self._left_for_notable > 0:
            self._left_for_notable -= 1
        else:
            return False
        return True


class PrefectTrace:
    """Task runs named by petition number while the budget lasts; past it only for what failed. Faults of Prefect never reach the work.

    Args:
        budget: task runs that may be spent on any step; as many again on what is notable.
    """

    def __init__(self, budget: int) -> None:
        self._budget = Budget(budget)

    async def step(self, number: str, work: Callable[[], Awaitable[T]], mark: Callable[[T], Mark]) -> T:
        began = time.monotonic()
        try:
            result = await work()
        except Exception as fault:
            self.past(number, failed(fault), time.monotonic() - began)
            raise
        self.past(number, mark(result), time.monotonic() - began)
        return result

    async def told(self, number: str, mark: Mark) -> None:
        self.past(number, mark, 0.0)

    def past(self, number: str, mark: Mark, seconds: float, ago: float = 0.0) -> None:
        """A step that took `seconds` and ended `ago` seconds before now."""
        if not self._budget.admits(mark):
            return
        try:
            tell(number, _state(mark), seconds, ago)
        except Exception as fault:  # noqa: BLE001  (showing is not doing)
            log.warning("a task run could not be shown: %s", type(fault).__name__)

    async def table(self, rows: Sequence[Mapping[str, Any]], title: str, key: str | None = None) -> None:
        # One row says nothing that its task run does not; an artifact costs the server as much as a state.
        if len(rows) > 1 or key is not None:
            shown = [dict(row) for row in rows[:MOST_ROWS]]
            more = f"（共 {len(rows)} 行，列出前 {MOST_ROWS} 行）" if len(rows) > MOST_ROWS else ""
            await self._show("table", lambda: acreate_table_artifact(shown, key, title + more))

    async def text(self, markdown: str, title: str, key: str | None = None) -> None:
        await self._show("text", lambda: acreate_markdown_artifact(markdown, key, title))

    async def rename(self, name: str) -> None:
        run_id = prefect.runtime.flow_run.id
        if run_id:
            async def change() -> None:
                async with get_client() as client:
                    await client.update_flow_run(uuid.UUID(run_id), name=name)

            await self._show("name", change)

    async def _show(self, what: str, show: Callable[[], Awaitable[Any]]) -> None:
        try:
            await show()
        except Exception as fault:  # noqa: BLE001  (showing is not doing)
            log.warning("a run's %s could not be shown: %s", what, type(fault).__name__)


def _state(mark: Mark) -> State[Any]:
    if mark.failed:
        return Failed(name=mark.zh, message=mark.code)
    return Completed(name=mark.zh, message=mark.code or None)
