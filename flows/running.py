"""How a core becomes a flow run, and how it goes on when Prefect does not answer.

The resident worker calls flows in its own process. The work starts at once and is done once; a flow run is made beside it where Prefect is well, catches up
with what was told meanwhile and follows. What Prefect does or fails to do is nobody's to wait for.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from flows import server
from flows.context import Context, current
from flows.recorder import Recorder
from flows.trace import SILENT, PrefectTrace, Trace

T = TypeVar("T")
log = logging.getLogger("tonglu.flows")

# A run that has not begun by then tells that Prefect is not well, whatever its health says.
_BEGIN_WITHIN_S = 4.0
_FRESH_S = 3.0
_FIRST_PAUSE_S = 3.0
_LONGEST_PAUSE_S = 60.0
# Runs that Prefect has not yet begun or not yet closed. Past it work goes on unshown.
_MOST_OPEN = 24


class RunFault(RuntimeError):
    """What Prefect is told of an error: its kind. The text of an error may quote what must not leave the ledger."""


class Prefect:
    """Whether runs can be shown at Prefect's API. Of one event loop.

    Its word counts (asked every few seconds, beside the work) and so does what it does: after a run that would not begin none is tried for
    3 s, then 6, 12, at most 60.
    """

    def __init__(self, api: str) -> None:
        self.api = api
        self.closing: set[asyncio.Task[Any]] = set()
        self._asked = float("-inf")
        self._asking: asyncio.Task[None] | None = None
        self._well = False
        self._faults = 0
        self._not_before = float("-inf")
        self._told = False

    @property
    def was_well(self) -> bool:
        """As far as is known, without asking."""
        return self._well and time.monotonic() >= self._not_before

    async def well(self) -> bool:
        """Whether a run may be tried now. Only the first question of all is waited for."""
        if not self.api:
            return False
        if self._asking is None or (self._asking.done() and time.monotonic() - self._asked > _FRESH_S):
            first = self._asking is None
            self._asking = asyncio.create_task(self._ask())
            if first:
                await self._asking
        return self.was_well

    def suspect(self) -> None:
        """A run did not begin: none is tried for a while."""
        if time.monotonic() < self._not_before:
            return  # several were under way; they tell of one fault
        self._not_before = time.monotonic() + min(_FIRST_PAUSE_S * 2.0 ** min(self._faults, 10), _LONGEST_PAUSE_S)
        self._faults += 1
        self._tell()

    def begun(self) -> None:
        """A run began in time."""
        self._faults = 0
        self._tell()

    async def _ask(self) -> None:
        self._well = await asyncio.to_thread(server.answers, self.api)
        self._asked = time.monotonic()
        self._tell()

    def _tell(self) -> None:
        if self.was_well != self._told:
            self._told = self.was_well
            log.warning("Prefect answers: runs are shown" if self._told else "Prefect does not answer: work goes on without runs")


class _Beside:
    """A core at work, for the flow run that is made beside it."""

    def __init__(self, work: asyncio.Task[Any], recorder: Recorder) -> None:
        self.work, self.recorder = work, recorder
        self.begun = asyncio.Event()


_beside: ContextVar[_Beside | None] = ContextVar("tonglu_beside", default=None)


async def traced(core: Callable[[Context, Trace], Awaitable[Any]]) -> None:
    """The body of every flow: shows the resident worker's work if that made this run, else does `core` itself.

    Of one piece of work only one run is made; were its function called again, the second does nothing.
    """
    shown = _beside.get()
    context = current()
    trace = PrefectTrace(context.settings.trace_budget)
    try:
        if shown is None:
            await core(context, trace)
        elif not shown.begun.is_set():
            shown.begun.set()
            await shown.recorder.play(trace)
            # Not awaited itself: a run that is cancelled in the UI must not cancel the work.
            await asyncio.wait({shown.work})
            shown.work.result()
    except Exception as fault:  # noqa: BLE001  (goes on as an error that says no more than its kind)
        log.error("a flow run failed: %s", type(fault).__name__)
        raise RunFault(f"{type(fault).__name__}（详见本机日志）") from None


async def perform(prefect: Prefect, run: Callable[[], Awaitable[Any]], core: Callable[[Trace], Awaitable[T]]) -> T:
    """Do `core`, shown by the flow run that `run` makes, or by none if Prefect is away; return what it returns, as soon as it does.

    Raises whatever `core` raises, nothing that Prefect does.
    """
    if not await prefect.well() or len(prefect.closing) >= _MOST_OPEN:
        return await core(SILENT)
    recorder = Recorder(current().settings.trace_budget)
    work = asyncio.create_task(_recorded(core, recorder))
    beside = _Beside(work, recorder)
    token = _beside.set(beside)
    try:
        outer = asyncio.create_task(_quietly(run))
    finally:
        _beside.reset(token)
    for task in (outer, asyncio.create_task(_judge(prefect, outer, beside.begun))):
        prefect.closing.add(task)
        task.add_done_callback(prefect.closing.discard)
    return await work


async def _recorded(core: Callable[[Trace], Awaitable[T]], recorder: Recorder) -> T:
    try:
        return await core(recorder)
    finally:
        recorder.end()


async def _judge(prefect: Prefect, outer: asyncio.Task[Any], begun: asyncio.Event) -> None:
    waiting = asyncio.create_task(begun.wait())
    try:
        await asyncio.wait({outer, waiting}, timeout=_BEGIN_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    if begun.is_set():
        prefect.begun()
    else:
        prefect.suspect()


async def _quietly(run: Callable[[], Awaitable[Any]]) -> None:
    try:
        await run()
    except Exception as fault:  # noqa: BLE001  (the core's own errors come by way of its result)
        log.info("a flow run did not end well at Prefect: %s", type(fault).__name__)
