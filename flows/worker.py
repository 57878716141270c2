"""The resident worker: looks at what is due whenever it is woken, and has it done. It never ends because of Prefect, a partner or one desk's fault."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

import psycopg
from prefect import tags
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from flows import bulletin, deploying, dispatch, intake, life, mending, presence, receive, reconcile, watch
from flows.context import Context, open_context, using
from flows.due import Due, look
from flows.running import Prefect, perform
from flows.trace import Trace
from flows.turns import Turns
from flows.wake import listen, watch_time

log = logging.getLogger("tonglu.work")
T = TypeVar("T")

_LEAVE_WITHIN_S = 45.0
# The ledger may have been away for long; everything waits for the first look after it is back.
_LOOK_AGAIN_WITHIN_S = 4.0
_SHOW_WITHIN_S = 5.0
_SHOW_AWAY_WITHIN_S = 0.5
# A predecessor's runs are not old enough at once.
_MEND_AGAIN_S = 180.0
_MEND_EVERY_S = 3600.0
# Its database may have been dropped and made again while the server answered all the time.
_DEPLOY_EVERY_S = 20.0


# A body that has not answered for so long does not count among those served at once; so many may be served in all.
_SILENT_S = 0.5
_MOST_TOGETHER = 256
_DISPATCH = "dispatch:"


class _Desk:
    """One kind of work that is done by one task at a time, and left alone for a while after a fault."""

    def __init__(self, name: str, longest: float = 60.0) -> None:
        self.name, self._longest = name, longest
        self.task: asyncio.Task[None] | None = None
        self._faults = 0
        self._stuck = 0
        self._not_before = 0.0

    @property
    def busy(self) -> bool:
        return self.task is not None and not self.task.done()

    @property
    def rests(self) -> float:
        """Seconds until it may be given work again."""
        return max(0.0, self._not_before - time.monotonic())

    def start(self, work: Callable[[], Awaitable[int]], wake: asyncio.Event) -> None:
        self.task = asyncio.create_task(self.do(work, wake), name=self.name)

    async def do(self, work: Callable[[], Awaitable[int]], wake: asyncio.Event) -> None:
        """Do it; `work` says how much it has moved."""
        try:
            moved = await work()
            self._faults = 0
            # What is due and does not move has been taken by somebody else, or cannot be done: no need to try a thousand times a second.
            self._stuck = 0 if moved else self._stuck + 1
            self._not_before = time.monotonic() + (min(0.05 * 2**min(self._stuck, 10), 30.0) if self._stuck else 0.0)
        except Exception as fault:  # noqa: BLE001  (one desk's fault must not end the worker)
            self._faults += 1
            wait = min(0.5 * 2 ** min(self._faults, 10), self._longest)
            self._not_before = time.monotonic() + wait
            log.error("%s failed (%s); again in %.0f s", self.name, _kind(fault), wait)
        wake.set()


def _kind(fault: Exception) -> str:
    """What kind of error, for the log: never its text, which may quote a value."""
    state = f" {fault.sqlstate}" if isinstance(fault, psycopg.Error) and fault.sqlstate else ""
    frame = fault.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f" at {frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}" if frame is not None else ""
    return f"{type(fault).__name__}{state}{where}"


class Worker:
    """One worker. `prefect` tells whether runs can be shown."""

    def __init__(self, context: Context, prefect: Prefect) -> None:
        self.context, self.prefect = context, prefect
        self.wake = asyncio.Event()
        self._desks: dict[str, _Desk] = {"look": _Desk("look", _LOOK_AGAIN_WITHIN_S)}
        self._applied = receive.Summary()
        self._turns = Turns()
        self._well: set[str] = set()
        self._reported: date | None = None
        self._kept = 0.0
        self._mend_at = 0.0
        self._deploy_at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`; then finish what is in flight and return."""
        helpers = [
            asyncio.create_task(listen(self.context.url, self.wake, self.context.settings.database_patience)),
            asyncio.create_task(watch_time(self.context.time, self.wake)),
            asyncio.create_task(self._on(stop)),
        ]
        self.wake.set()
        try:
            while not stop.is_set():
                await self.wake.wait()
                self.wake.clear()
                if stop.is_set():
                    break
                await self._round()
        finally:
            self.context.stopping.set()
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            await self._leave()

    async def _on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.context.stopping.set()
        self.wake.set()

    async def _round(self) -> None:
        desk = self._desk("look")
        if desk.rests:
            await asyncio.sleep(desk.rests)
        await desk.do(self._look, asyncio.Event())

    async def _look(self) -> int:
        context = self.context
        if time.monotonic() - self._kept > 1.0:
            self._kept = time.monotonic()
            await asyncio.to_thread(context.presence.keep)
            running = sum(d.busy for d in self._desks.values())
            try:
                life.give(context.settings, context.owner, prefect=self.prefect.was_well, running=running)
            except OSError as fault:  # a full disk must not stop the cases
                log.error("the sign of life could not be given: %s", type(fault).__name__)
        now = context.now()
        due = await context.transact(lambda c: look(c, now, timedelta(minutes=context.settings.hold_minutes), context.owner))
        self.assign(due, now)
        return 1

    def assign(self, due: Due, now: datetime) -> None:
        """Give every free desk what is due for it; receiving comes first."""
        if due.inbox:
            self._give("receive", self._receive)
        if self._applied.total:
            self._give("show", self._show_received)
        if due.registered:
            self._give("intake", lambda: self._intake(due.registered))
        if due.gaps:
            self._give("gaps", lambda: self._fill(due.gaps))
        if due.late:
            self._give("watch", lambda: self._watch(due.late))
        elif due.sending:
            self._give("reap", self._reap)
        self._send(due)
        if due.night is not None:
            self._give("night", lambda: self._night(due.night))
        if time.monotonic() >= self._mend_at:
            self._give("mend", self._mend)
        if time.monotonic() >= self._deploy_at:
            self._give("deploy", self._deploy)

    def _send(self, due: Due) -> None:
        """Give bodies their turn. Whatever hangs, there is room for what moves.

        Those known to be well have places of their own, so that nobody waits while it is found out who else is; a body that keeps us waiting is not counted.
        """
        served = {n.removeprefix(_DISPATCH) for n, d in self._desks.items() if d.busy and n.startswith(_DISPATCH)}
        room = self.context.settings.bodies_at_once
        moving = {body for body in served if self.context.lanes.silent(body) < _SILENT_S}
        places = {well: room - sum((body in self._well) == well for body in moving) for well in (True, False)}
        for waiting in self._turns.order(due.bodies):
            if places[waiting.well] <= 0 or len(served) >= _MOST_TOGETHER:
                continue
            if self._give(_DISPATCH + waiting.body, lambda w=waiting: self._dispatch(w.body, w.count)):  # type: ignore[misc]
                (self._well.add if waiting.well else self._well.discard)(waiting.body)
                places[waiting.well] -= 1
                served.add(waiting.body)
                self._turns.took(waiting.body)
        if min(places.values()) <= 0:
            # Nothing else may wake us when one of them falls silent.
            asyncio.get_running_loop().call_later(_SILENT_S / 2, self.wake.set)

    def _desk(self, name: str) -> _Desk:
        return self._desks.setdefault(name, _Desk(name))

    def _give(self, name: str, work: Callable[[], Awaitable[int]]) -> bool:
        desk = self._desk(name)
        if desk.busy:
            return False  # it wakes us when it is done
        if desk.rests:
            asyncio.get_running_loop().call_later(desk.rests, self.wake.set)
            return False
        desk.start(work, self.wake)
        return True

    async def _perform(self, run: Callable[[], Awaitable[Any]], core: Callable[[Trace], Awaitable[T]]) -> T:
        with tags(mending.tag(self.context.owner)):
            return await perform(self.prefect, run, core)

    async def _intake(self, count: int) -> int:
        return (await self._perform(lambda: intake.intake(count=count), lambda t: intake.run(self.context, t))).total

    async def _watch(self, count: int) -> int:
        return (await self._perform(lambda: watch.watch(count=count), lambda t: watch.late(self.context, t))).total

    async def _fill(self, count: int) -> int:
        """What bodies have sent and we lack; one that hangs must not hold up the clocks, so this has a desk of its own."""
        return (await self._perform(lambda: watch.watch(count=count), lambda t: watch.fill(self.context, t))).total

    async def _receive(self) -> int:
        """Apply at once; what is shown of it waits for a run to be made."""
        done = await receive.apply_all(self.context)
        self._applied.lines.extend(done.lines)
        return done.total

    async def _show_received(self) -> int:
        summary, self._applied = self._applied, receive.Summary()
        if await self.prefect.well():
            await self._perform(lambda: receive.receive(count=summary.total), lambda t: receive.show(self.context, t, summary))
        return 1

    async def _dispatch(self, body: str, count: int) -> int:
        tried = (await self._perform(lambda: dispatch.dispatch(body=body, count=count), lambda t: dispatch.run(self.context, t, body))).tried
        rate = self.context.house.bodies.get(body).rate if body in self.context.house.bodies else None
        if rate is not None and rate.each_second > 1:
            # The next tokens come sooner than the next look.
            asyncio.get_running_loop().call_later(min(1.0, rate.at_once / rate.each_second), self.wake.set)
        return tried

    async def _reap(self) -> int:
        """Messages on the wire whose sender is dead are doubtful now, not when their lease ends."""
        context = self.context
        if await context.transact(lambda c: presence.reap(c, context.owner, context.now())):
            log.warning("messages of a dead sender are doubtful now")
        await asyncio.sleep(0.5)
        return 1

    async def _night(self, day: date | None) -> int:
        summary = await self._perform(lambda: reconcile.reconcile(day=day), lambda t: reconcile.run(self.context, t, day=day))
        if day is not None and self._reported != day:
            self._reported = day
            if await asyncio.to_thread(self.context.presence.first, day):
                await self._perform(bulletin.bulletin, lambda t: bulletin.run(self.context, t))
        return len(summary.bodies)

    async def _mend(self) -> int:
        """Soon after the start, when a predecessor may have been killed, and then every hour."""
        if not await self.prefect.well():
            return 0
        self._mend_at = time.monotonic() + (_MEND_EVERY_S if self._mend_at else _MEND_AGAIN_S)
        await self.prefect.stage.call(lambda: mending.mend(self.context))
        return 1

    async def _deploy(self) -> int:
        """The deployments and the work pool come back by themselves wherever they are missing."""
        self._deploy_at = time.monotonic() + (_DEPLOY_EVERY_S if await self.prefect.well() else 1.0)
        if self.prefect.was_well:
            await self.prefect.stage.call(lambda: deploying.restore(self.context))
        return 1

    async def _leave(self) -> None:
        """Wait for what is in flight, a while also for Prefect to close its runs."""
        tasks = {d.task for d in self._desks.values() if d.task is not None and not d.task.done()}
        if tasks:
            await asyncio.wait(tasks, timeout=_LEAVE_WITHIN_S)
        closing = [asyncio.wrap_future(showing) for showing in list(self.prefect.closing)]
        if closing:
            await asyncio.wait(closing, timeout=_SHOW_WITHIN_S if self.prefect.was_well else _SHOW_AWAY_WITHIN_S)
        for task in [*tasks, *closing]:
            task.cancel()


async def work(context: Context, stop: asyncio.Event) -> None:
    """Be the resident worker until `stop` is set.

    Runs are shown at Prefect's API (PREFECT_API_URL, else the settings' port) while it answers; the work goes on without it. Run heartbeats are off:
    the ledger's leases are the heartbeat.
    """
    api = PREFECT_API_URL.value() or context.settings.prefect_api
    ours = {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_API_URL: api, PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED: False}
    with temporary_settings(ours), using(context):
        prefect = Prefect(api)
        try:
            await Worker(context, prefect).run(stop)
        finally:
            await asyncio.to_thread(prefect.close)


async def _main() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    context = await asyncio.to_thread(open_context)
    try:
        log.info("worker %s at work", context.owner)
        await work(context, stop)
    finally:
        await asyncio.to_thread(context.close)
    log.info("worker %s has left", context.owner)


def main() -> int:
    """The command `tonglu work`: until SIGTERM, SIGINT or SIGHUP. Raises what `open_context` raises."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(_main())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
