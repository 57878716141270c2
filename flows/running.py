"""How a core becomes a flow run, and how it goes on when Prefect does not answer.

The resident worker calls flows in its own process. The work starts at once and is done once; a flow run is made beside it, in a thread of its own, where
Prefect is well, catches up with what was told meanwhile and follows. What Prefect does or fails to do is nobody's to wait for.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any, TypeVar

from flows import server
from flows.context import Context, current
from flows.recorder import Recorder
from flows.stage import Stage
from flows.trace import SILENT, PrefectTrace, Trace

T = TypeVar("T")
log = logging.getLogger("tonglu.flows")

# A run that has not begun by then tells that Prefect is not well, whatever its health says. No work waits for it.
_BEGIN_WITHIN_S = 15.0
_FRESH_S = 3.0
_FIRST_PAUSE_S = 3.0
_LONGEST_PAUSE_S = 60.0
# Runs whose work is done and that Prefect has not yet closed, or not even begun. Past it work goes on unshown.
_MOST_OPEN = 24
# With so many open, work waits a moment for one of them, or a busy hour would show one run in five; a Prefect that closes none meanwhile is not waited for again soon.
_UNHURRIED = 4
_PACE_S = 1.0
_NOT_AGAIN_S = 5.0


class RunFault(RuntimeError):
    """What Prefect is told of an error: its kind. The text of an error may quote what must not leave the ledger."""


def pause(faults: int, first: float = _FIRST_PAUSE_S) -> float:
    """Seconds without a try after one more fault than `faults` in a row."""
    return min(first * 2.0 ** min(faults, 10), max(first, _LONGEST_PAUSE_S))


class Prefect:
    """Whether runs can be shown at Prefect's API, and where they are made.

    Its word counts (asked every few seconds, beside the work) and so does what it does: after a run that would not begin none is tried for
    3 s, then 6, 12, at most 60.
    """

    def __init__(self, api: str, *, begin_within: float = _BEGIN_WITHIN_S, first_pause: float = _FIRST_PAUSE_S) -> None:
        self.api, self.begin_within, self._first_pause = api, begin_within, first_pause
        # Runs that Prefect has not closed yet.
        self.closing: set[Future[None]] = set()
        self._stage: Stage | None = None
        self._asked = float("-inf")
        self._asking: asyncio.Task[None] | None = None
        self._well = False
        self.faults = 0
        self.paced_from = float("-inf")
        self._not_before = float("-inf")
        self._told = False

    @property
    def stage(self) -> Stage:
        """The thread in which Prefect's code runs; begun when it is first needed."""
        if self._stage is None:
            self._stage = Stage()
        return self._stage

    def close(self) -> None:
        """End that thread, if there is one."""
        if self._stage is not None:
            self._stage.close()

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
        self._not_before = time.monotonic() + pause(self.faults, self._first_pause)
        self.faults += 1
        self._tell()

    def begun(self) -> None:
        """A run began in time."""
        self.faults = 0
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
    """What the flow run that is made beside a core tells of it. Of the stage's loop."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.begun = asyncio.Event()


_beside: ContextVar[_Beside | None] = ContextVar("tonglu_beside", default=None)


async def traced(core: Callable[[Context, Trace], Awaitable[Any]]) -> None:
    """The body of every flow: shows the resident worker's work if that made this run, else does `core` itself.

    Of one piece of work only one run is made; were its function called again, the second does nothing.
    """
    shown = _beside.get()
    trace = PrefectTrace(current().settings.trace_budget)
    if shown is None:
        fault = await _told(core, trace)
    elif shown.begun.is_set():
        return
    else:
        shown.begun.set()
        fault = await shown.recorder.play(trace)
    if fault:
        log.error("a flow run failed: %s", fault)
        raise RunFault(f"{fault}（详见本机日志）")


async def _told(core: Callable[[Context, Trace], Awaitable[Any]], trace: Trace) -> str:
    """Do `core`; returns the kind of its error, or nothing."""
    try:
        await core(current(), trace)
    except Exception as fault:  # noqa: BLE001  (goes on as an error that says no more than its kind)
        return type(fault).__name__
    return ""


async def _paced(prefect: Prefect) -> None:
    """Wait until few runs are open, a second at most, and not while Prefect closes none."""
    until = time.monotonic() + _PACE_S
    if prefect.paced_from > time.monotonic():
        return
    before = len(prefect.closing)
    while len(prefect.closing) >= _UNHURRIED:
        if time.monotonic() > until:
            if len(prefect.closing) >= before:
                prefect.paced_from = time.monotonic() + _NOT_AGAIN_S
            return
        await asyncio.sleep(0.02)


async def perform(prefect: Prefect, run: Callable[[], Awaitable[Any]], core: Callable[[Trace], Awaitable[T]]) -> T:
    """Do `core`, shown by the flow run that `run` makes, or by none if Prefect is away; return what it returns, as soon as it does.

    Raises whatever `core` raises, nothing that Prefect does.
    """
    if not await prefect.well():
        return await core(SILENT)
    await _paced(prefect)
    if len(prefect.closing) >= _MOST_OPEN:
        return await core(SILENT)
    recorder = Recorder(current().settings.trace_budget, prefect.stage)
    work = asyncio.create_task(_recorded(core, recorder))
    showing = prefect.stage.submit(lambda: _show(prefect, run, recorder))
    try:
        return await work
    finally:
        # Only now: work that waits for a partner must not use up the runs of others.
        prefect.closing.add(showing)
        showing.add_done_callback(prefect.closing.discard)


async def _recorded(core: Callable[[Trace], Awaitable[T]], recorder: Recorder) -> T:
    fault = "Cancelled"
    try:
        result = await core(recorder)
        fault = ""
        return result
    except Exception as error:
        fault = type(error).__name__
        raise
    finally:
        recorder.end(fault)


async def _show(prefect: Prefect, run: Callable[[], Awaitable[Any]], recorder: Recorder) -> None:
    """Make the flow run, and judge Prefect by whether it begins."""
    beside = _Beside(recorder)
    _beside.set(beside)
    running = asyncio.create_task(_quietly(run))
    waiting = asyncio.create_task(beside.begun.wait())
    try:
        await asyncio.wait({running, waiting}, timeout=prefect.begin_within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    if beside.begun.is_set():
        prefect.begun()
    else:
        prefect.suspect()
    await running


async def _quietly(run: Callable[[], Awaitable[Any]]) -> None:
    try:
        await run()
    except Exception as fault:  # noqa: BLE001  (the core's own errors come by way of its result)
        log.info("a flow run did not end well at Prefect: %s", type(fault).__name__)
