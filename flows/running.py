"""How a core becomes a flow run, and how it goes on when Prefect does not answer.

The resident worker calls flows in its own process. The work is done once, by whoever comes first: the flow run, or, when Prefect is away or slow, the
worker itself without a trace. What Prefect does with the run afterwards (closing it, storing it) is nobody's to wait for.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

import requests

from flows.context import Context, current
from flows.trace import SILENT, PrefectTrace, Trace

T = TypeVar("T")
log = logging.getLogger("tonglu.flows")

_START_WITHIN_S = 4.0
_FRESH_S = 3.0
_MOST_CLOSING = 12


class RunFault(RuntimeError):
    """What Prefect is told of an error: its kind. The text of an error may quote what must not leave the ledger."""


class Prefect:
    """Whether Prefect's API answers; asked at most every few seconds. Thread-safe enough: a lost race asks twice."""

    def __init__(self, api: str) -> None:
        self.api = api
        self._session = requests.Session()
        self._session.trust_env = False
        self._asked = float("-inf")
        self._well = False
        self.closing: set[asyncio.Task[Any]] = set()

    @property
    def was_well(self) -> bool:
        """The last answer, without asking."""
        return self._well

    async def well(self) -> bool:
        """Whether the API answered within the last few seconds."""
        if not self.api:
            return False
        if time.monotonic() - self._asked > _FRESH_S:
            self._asked = time.monotonic()
            self._tell(await asyncio.to_thread(self._ask))
        return self._well

    def suspect(self) -> None:
        """It did not do what it should: taken for away until asked again."""
        self._tell(False)
        self._asked = time.monotonic()

    def _tell(self, well: bool) -> None:
        if well != self._well:
            log.warning("Prefect answers: runs are shown" if well else "Prefect does not answer: work goes on without runs")
        self._well = well

    def _ask(self) -> bool:
        try:
            return self._session.get(f"{self.api}/health", timeout=1.5).status_code == 200
        except requests.RequestException:
            return False


class Once(Generic[T]):
    """A core that is run once, by whoever starts it first."""

    def __init__(self, core: Callable[[Trace], Awaitable[T]]) -> None:
        self._core = core
        self.started = asyncio.Event()
        self.result: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    async def start(self, trace: Trace) -> None:
        """Run it unless somebody has. Its error goes to the result and to the caller."""
        if self.started.is_set():
            return
        self.started.set()
        try:
            self.result.set_result(await self._core(trace))
        except BaseException as fault:
            self.result.set_exception(fault if isinstance(fault, Exception) else RunFault(type(fault).__name__))
            # Somebody may have stopped asking; the error still went to the caller.
            self.result.exception()
            raise


_once: ContextVar[Once[Any] | None] = ContextVar("tonglu_once", default=None)


async def traced(core: Callable[[Context, Trace], Awaitable[Any]]) -> None:
    """The body of every flow: the resident worker's core if it started this run, else `core` itself."""
    waiting = _once.get()
    context = current()
    trace = PrefectTrace(context.settings.trace_budget)
    try:
        if waiting is not None:
            await waiting.start(trace)
        else:
            await core(context, trace)
    except Exception as fault:  # noqa: BLE001  (goes on as an error that says no more than its kind)
        log.error("a flow run failed: %s", type(fault).__name__)
        raise RunFault(f"{type(fault).__name__}（详见本机日志）") from None


async def perform(prefect: Prefect, run: Callable[[], Awaitable[Any]], core: Callable[[Trace], Awaitable[T]]) -> T:
    """Run `core` inside the flow run that `run` starts, or without one if Prefect is away, and return what it returns.

    Raises whatever `core` raises, nothing that Prefect does.
    """
    if not await prefect.well():
        return await core(SILENT)
    if len(prefect.closing) >= _MOST_CLOSING:
        await asyncio.wait(prefect.closing, timeout=_START_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
    once = Once(core)
    token = _once.set(once)
    try:
        outer = asyncio.create_task(_quietly(run))
        begun = asyncio.create_task(once.started.wait())
    finally:
        _once.reset(token)
    prefect.closing.add(outer)
    outer.add_done_callback(prefect.closing.discard)
    await asyncio.wait({outer, begun}, timeout=_START_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
    begun.cancel()
    if not once.started.is_set():
        prefect.suspect()
        try:
            await once.start(SILENT)
        except Exception as fault:  # noqa: BLE001  (raised from the result, one line on)
            log.debug("a core without a run failed: %s", type(fault).__name__)
    return await once.result


async def _quietly(run: Callable[[], Awaitable[Any]]) -> None:
    try:
        await run()
    except Exception as fault:  # noqa: BLE001  (the core's own errors come by way of its result)
        log.info("a flow run did not end well at Prefect: %s", type(fault).__name__)
