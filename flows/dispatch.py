"""送达: sends what is due to one body. Leases in a short transaction, sends with no session open, settles in chunks while the rest is being sent."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from prefect import flow
from prefect.runtime import flow_run

from connectors.base import Connector
from connectors.carry import Carried, carry_once, faulty
from connectors.directory import Unreachable
from connectors.schedule import WHOLE
from flows.context import Context, current
from flows.lanes import Lane
from flows.running import traced
from flows.trace import Mark, Trace
from models import breaker, onward, outbox, settling
from models.breaker import Gate
from models.db import Connection
from models.door import advance
from models.moves import SYSTEM, Move
from models.outbox import Leased
from models.settling import Result
from rules.breaker import Kind, Seen
from rules.calendar import SHANGHAI
from rules.words import MESSAGE_ZH

log = logging.getLogger("tonglu.dispatch")

_CHUNK = 100
_CHUNK_WITHIN_S = 0.3
_LOOK_AGAIN_S = 0.2
_BATCHES = 4

# Codes of tries that say something about the message and nothing about the endpoint, and of one that was none.
_AWAY_TOLD_AFTER = timedelta(days=1)
_ABOUT_THE_MESSAGE = frozenset({"in-progress", "already-processed"})
NOT_TRIED = "doubtful"

VERDICT_ZH = {"receipted": "已送达", "weak": "弱回执", "retry": "待重发", "unknown": "存疑", "dead": "转人工"}


@dataclass(slots=True)
class Summary:
    """What one dispatch did for one body. `rows` are (petition number, message, verdict, code, attempts).

    `probe_at`: when a body is tried again that is left alone now, because of `cause`; `suspended`: by hand.
    """

    body: str
    rows: list[tuple[str, str, str, str, int]] = field(default_factory=list)
    released: int = 0
    probe_at: datetime | None = None
    cause: str = ""
    suspended: bool = False

    @property
    def tried(self) -> int:
        return len(self.rows)

    def count(self, verdict: str) -> int:
        return sum(row[2] == verdict for row in self.rows)


def mark(carried: Carried) -> Mark:
    """How a try is shown: anything but a receipt is marked, with the code of its cause."""
    result = carried.result
    return Mark(VERDICT_ZH[result.verdict], result.code, result.verdict not in ("receipted", "weak"))


async def run(context: Context, trace: Trace, body: str) -> Summary:
    """Send what is due to `body` until nothing is, the batches are used up, the body fails, or the process is to stop.

    Raises psycopg.Error if the ledger stays away; what was leased then comes back as unknown.
    """
    if body in context.house.bodies and context.house.bodies.get(body).fallbacks:
        while await context.transact(lambda c: onward.waited_out(c, body, WHOLE, context.house, context.sealer, context.now())):
            if context.stopping.is_set():
                break
    with context.lanes.lane(body) as lane:
        work = _Dispatch(context, trace, body, lane)
        for _ in range(_BATCHES):
            if work.ended or not await work.batch():
                break
        await work.close()
    return work.summary


@dataclass(frozen=True, slots=True)
class _Done:
    """One try that has come back. `settled` is set when a try that was no receipt stands in the ledger."""

    carried: Carried
    seen: Seen
    settled: asyncio.Event | None


class _Dispatch:
    def __init__(self, context: Context, trace: Trace, body: str, lane: Lane) -> None:
        self.context, self.trace, self.body, self.lane = context, trace, body, lane
        self.summary = Summary(body)
        self.rate = context.house.bodies.get(body).rate if body in context.house.bodies else None
        self._gate: Gate | None = None
        self._ways: set[int] = set()
        self._answers = asyncio.Event()
        self._untried: list[Leased] = []
        self._looked = 0.0
        self._gone: set[str] = set()

    @property
    def ended(self) -> bool:
        # A way that is left alone is no reason to stop what goes by another.
        shut = self._gate is not None and (self._gate.suspended or not self._ways.isdisjoint(self._gate.open))
        return shut or self.context.stopping.is_set()

    async def batch(self) -> bool:
        """One lease of up to `batch_size` messages, sent and settled. False if there was none, or not all could be sent."""
        context, size = self.context, self.context.settings.batch_size
        lease = timedelta(seconds=context.settings.lease_seconds)
        # Untried messages must be back before the lease ends, however slow the body: half of it is for the slowest single send.
        self._until = time.monotonic() + context.settings.lease_seconds / 2
        self._looked, self._gone = time.monotonic(), set()
        leased = await context.transact(lambda c: outbox.claim(c, self.body, size, context.owner, context.now(), lease, context.sealer, self.rate))
        if not leased:
            return False
        self._ways = {message.way for message in leased}
        waiting = deque(leased)
        results: asyncio.Queue[_Done | None] = asyncio.Queue()
        self._settling = asyncio.create_task(self._settle(results))
        try:
            await asyncio.gather(*(self._send(n == 0, waiting, results) for n in range(min(context.settings.send_threads, len(leased)))))
        finally:
            results.put_nowait(None)
            await self._settling
        self._untried.extend(waiting)
        return not waiting

    async def _send(self, first: bool, waiting: deque[Leased], results: asyncio.Queue[_Done | None]) -> None:
        """One of those who send. All but the first wait until the body has answered, and again after a failure: one that hangs is called once, not eight times."""
        while waiting and not self._over():
            if not first and not self._answers.is_set():
                await self._answers.wait()
                continue
            if time.monotonic() - self._looked > _LOOK_AGAIN_S:
                await self._look(waiting)
                continue
            message = waiting.popleft()
            if message.message_id in self._gone:
                continue
            carried = await self.trace.step(message.petition_no, lambda m=message: self._carry(m), mark)  # type: ignore[misc]
            r, seen = carried.result, showing(carried, self.context.owner)
            self.summary.rows.append((message.petition_no, message.message, r.verdict, r.code, message.attempts))
            done = _Done(carried, seen, None if seen.kind == "receipt" else asyncio.Event())
            if seen.kind in ("failure", "endpoint"):
                self._answers.clear()
            elif seen.kind != "nothing":
                self._answers.set()
            results.put_nowait(done)
            if done.settled is not None:
                await self._stands(done.settled)
        if first:
            self._answers.set()

    async def _look(self, waiting: deque[Leased]) -> None:
        """Which of those that wait have been stopped or given to another since they were leased: what may not be said any more is not said."""
        self._looked, left = time.monotonic(), list(waiting)
        self._gone = await self.context.transact(lambda c: outbox.taken_away(c, left, self.context.owner))

    def _over(self) -> bool:
        return self.ended or self._settling.done() or time.monotonic() >= self._until

    async def _stands(self, settled: asyncio.Event) -> None:
        """Until the ledger has it, and with it whether this body may be sent anything more."""
        told = asyncio.create_task(settled.wait())
        await asyncio.wait({told, self._settling}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()

    async def _carry(self, message: Leased) -> Carried:
        return await asyncio.get_running_loop().run_in_executor(self.lane.threads, self.lane.around(lambda: self._carry_now(message)))

    def _carry_now(self, message: Leased) -> Carried:
        context = self.context
        try:
            connector: Connector | None = context.directory.of(self.body, message.way)
        except Unreachable as fault:
            log.error("no connector for %s: %s", self.body, fault)
            return faulty(message, fault.code, "the body's connector is not configured", context.now(), context.rng, sent=False)
        try:
            return carry_once(connector, message, context.now, context.rng)
        except Exception as fault:  # noqa: BLE001  (a fault in a connector must not take the batch with it, and bytes may have left)
            log.error("the connector of %s failed: %s", self.body, type(fault).__name__)
            return faulty(message, "connector-fault", type(fault).__name__, context.now(), context.rng, sent=True)

    async def _settle(self, results: asyncio.Queue[_Done | None]) -> None:
        open_ = True
        while open_:
            first = await results.get()
            if first is None:
                return
            chunk, until = [first], time.monotonic() + _CHUNK_WITHIN_S
            # A failure is learned at once: whether anything more may go hangs on it.
            while chunk[-1].settled is None and len(chunk) < _CHUNK and (left := until - time.monotonic()) > 0:
                try:
                    more = await asyncio.wait_for(results.get(), left)
                except TimeoutError:
                    break
                if more is None:
                    open_ = False
                    break
                chunk.append(more)
            self._gate = await self.context.transact(lambda c, chunk=chunk: self._record(c, chunk))  # type: ignore[misc]
            for done in chunk:
                if done.settled is not None:
                    done.settled.set()

    def _record(self, connection: Connection, chunk: list[_Done]) -> Gate:
        context, now = self.context, self.context.now()
        settling.settle(connection, [done.carried.result for done in chunk], context.owner, context.house, context.sealer, now)
        code = self._to_be_told(connection, chunk, now)
        if code:
            said = {"kind": "security", "ref": f"endpoint:{self.body}:{now.astimezone(SHANGHAI).date().isoformat()}", "code": code, "body": self.body}
            advance(connection, [Move("duty.open", SYSTEM, data=said)], context.house, context.sealer, now)
        return breaker.learn(connection, self.body, [(done.carried.result.leased.way, done.seen) for done in chunk], now)

    def _to_be_told(self, connection: Connection, chunk: list[_Done], now: datetime) -> str:
        """The cause for which a person is told of this body today: its endpoint refuses us, or has been away for a day. While it is, one message at a time is
        tried for all, so that hardly any comes to the end of its own schedule."""
        for done in chunk:
            if done.seen.kind == "endpoint":
                return done.seen.code
        if any(done.seen.kind == "failure" for done in chunk):
            for one in breaker.standing(connection, now, [self.body]):
                if one.breaker.opened_at is not None and one.breaker.opened_at <= now - _AWAY_TOLD_AFTER:
                    return one.breaker.cause
        return ""

    async def close(self) -> None:
        """Give back what was not tried, and show what was done."""
        if self._untried:
            await self.context.transact(lambda c: outbox.release(c, self._untried, self.context.owner, self.context.now(), self.rate))
        self.summary.released = len(self._untried)
        if self._gate is not None and not self._gate.free:
            self.summary.suspended = self._gate.suspended
            stops = sorted((b.probe_at, b.cause) for b in self._gate.open.values() if b.probe_at is not None)
            self.summary.probe_at, self.summary.cause = stops[0] if stops else (None, "")
        await self._show()

    async def _show(self) -> None:
        rows = [{"编号": n, "文种": MESSAGE_ZH.get(m, m), "结果": VERDICT_ZH[v] + ("" if v == "receipted" else f"（{c}）"), "次数": a}
                for n, m, v, c, a in self.summary.rows]
        await self.trace.table(rows, describe(self.context, self.summary))


def showing(carried: Carried, owner: str) -> Seen:
    """What a try showed of the endpoint."""
    r = carried.result
    return Seen(_kind(r), r.leased.message_id, owner, r.code, carried.retry_after)


def _kind(result: Result) -> Kind:
    if result.verdict in ("receipted", "weak"):
        return "receipt"
    if result.code == NOT_TRIED:
        return "nothing"
    klass = result.tried.klass
    if klass in ("endpoint-fault", "own-fault"):
        return "endpoint"
    return "refusal" if klass == "message-refused" or result.code in _ABOUT_THE_MESSAGE else "failure"


def describe(context: Context, summary: Summary) -> str:
    """One line in Chinese: what was sent and with what result."""
    counts = "，".join(f"{zh} {n}" for v, zh in VERDICT_ZH.items() if (n := summary.count(v)))
    pause = f"；对方接口不通（{summary.cause}），{summary.probe_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M} 试投一件" if summary.probe_at else ""
    pause += "；已由人工暂停投递" if summary.suspended else ""
    back = f"；未试退回 {summary.released}" if summary.released else ""
    return f"{context.name(summary.body)}：{counts or '无件'}{back}{pause}"


async def run_all(context: Context, trace: Trace) -> list[Summary]:
    """Every body that is due, one after another."""
    due = await context.transact(lambda c: outbox.bodies_due(c, context.now()))
    found = [await run(context, trace, waiting.body) for waiting in due]
    await trace.rename(f"送达 · 全部 · {sum(s.tried for s in found)}件")
    return found


def _run_name() -> str:
    said = flow_run.parameters
    body, count = said.get("body"), said.get("count")
    return f"送达 · {current().name(body) if body else '全部'}" + (f" · {count}件" if count is not None else "")


@flow(name="送达", flow_run_name=_run_name, persist_result=False, log_prints=False, retries=0)
async def dispatch(body: str | None = None, count: int | None = None) -> None:
    """把到期的来往文书送到承办单位；不填单位则送全部到期的。count 仅用于显示。"""

    async def core(context: Context, trace: Trace) -> None:
        if body is None:
            await run_all(context, trace)
        elif body not in context.house.bodies:
            await trace.text(f"机关目录中没有 `{body[:80]}`。请从 bodies.yaml 中选一个机关代码。", "无法送达")
        else:
            await run(context, trace, body)

    await traced(core)

