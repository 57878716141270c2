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
from flows.context import Context, current
from flows.running import traced
from flows.trace import Mark, Trace
from models import breaker, outbox, settling
from models.db import Connection
from models.door import advance
from models.moves import SYSTEM, Move
from models.outbox import Leased
from models.settling import Result
from rules.calendar import SHANGHAI

log = logging.getLogger("tonglu.dispatch")

STRIKES = 3
_CHUNK = 100
_CHUNK_WITHIN_S = 0.3
_BATCHES = 4
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=6)

VERDICT_ZH = {"receipted": "已送达", "weak": "弱回执", "retry": "待重发", "unknown": "存疑", "dead": "转人工"}
MESSAGE_ZH = {
    "handoff.request": "转送件", "handoff.urge": "催办", "handoff.supplement": "补充材料", "objection.decision": "异议决定",
    "arbitration.ruling": "协调决定", "result.review": "审核意见", "handoff.withdraw": "撤回",
}


@dataclass(slots=True)
class Summary:
    """What one dispatch did for one body. `rows` are (petition number, message, verdict, code, attempts)."""

    body: str
    rows: list[tuple[str, str, str, str, int]] = field(default_factory=list)
    released: int = 0
    paused_until: datetime | None = None

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
    work = _Dispatch(context, trace, body)
    for _ in range(_BATCHES):
        if work.ended or not await work.batch():
            break
    await work.close()
    return work.summary


class _Dispatch:
    def __init__(self, context: Context, trace: Trace, body: str) -> None:
        self.context, self.trace, self.body = context, trace, body
        self.summary = Summary(body)
        self._strikes = 0
        self._worst: Carried | None = None
        self._answered = False
        self._untried: list[Leased] = []

    @property
    def ended(self) -> bool:
        return self._worst is not None or self.context.stopping.is_set()

    async def batch(self) -> bool:
        """One lease of up to `batch_size` messages, sent and settled. False if there was none."""
        context, size = self.context, self.context.settings.batch_size
        lease = timedelta(seconds=context.settings.lease_seconds)
        # Untried messages must be back before the lease ends, however slow the body: half of it is for the slowest single send.
        self._until = time.monotonic() + context.settings.lease_seconds / 2
        leased = await context.transact(lambda c: outbox.claim(c, self.body, size, context.owner, context.now(), lease, context.sealer))
        if not leased:
            return False
        waiting = deque(leased)
        results: asyncio.Queue[Result | None] = asyncio.Queue()
        settling = asyncio.create_task(self._settle(results))
        try:
            await asyncio.gather(*(self._send(waiting, results) for _ in range(min(context.settings.send_threads, len(leased)))))
        finally:
            results.put_nowait(None)
            await settling
        self._untried.extend(waiting)
        return not waiting

    async def _send(self, waiting: deque[Leased], results: asyncio.Queue[Result | None]) -> None:
        while waiting and not self.ended and time.monotonic() < self._until:
            message = waiting.popleft()
            carried = await self.trace.step(message.petition_no, lambda m=message: self._carry(m), mark)  # type: ignore[misc]
            self._learn(carried)
            r = carried.result
            self.summary.rows.append((message.petition_no, message.message, r.verdict, r.code, message.attempts))
            results.put_nowait(r)

    async def _carry(self, message: Leased) -> Carried:
        return await asyncio.get_running_loop().run_in_executor(self.context.senders, self._carry_now, message)

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

    def _learn(self, carried: Carried) -> None:
        if not carried.unavailable:
            self._strikes = 0
            self._answered = self._answered or carried.result.verdict in ("receipted", "weak")
            return
        self._strikes += 1
        if carried.endpoint or self._strikes >= STRIKES:
            self._worst = carried if self._worst is None or carried.endpoint else self._worst

    async def _settle(self, results: asyncio.Queue[Result | None]) -> None:
        open_ = True
        while open_:
            first = await results.get()
            if first is None:
                return
            chunk, until = [first], time.monotonic() + _CHUNK_WITHIN_S
            while len(chunk) < _CHUNK and (left := until - time.monotonic()) > 0:
                try:
                    more = await asyncio.wait_for(results.get(), left)
                except TimeoutError:
                    break
                if more is None:
                    open_ = False
                    break
                chunk.append(more)
            await self.context.transact(lambda c, chunk=chunk: self._record(c, chunk))  # type: ignore[misc]

    def _record(self, connection: Connection, chunk: list[Result]) -> None:
        context = self.context
        settling.settle(connection, chunk, context.owner, context.house, context.sealer, context.now())

    async def close(self) -> None:
        """Give back what was not tried, pause a body that fails, note that one is well again."""
        if self._untried or self._worst or self._answered:
            await self.context.transact(self._close)
        self.summary.released = len(self._untried)
        await self._show()

    def _close(self, connection: Connection) -> None:
        context, now = self.context, self.context.now()
        if self._untried:
            outbox.release(connection, self._untried, context.owner, now)
        failures = breaker.failures(connection, self.body)
        if self._worst is not None:
            until = now + pause_of(failures, self._worst.retry_after)
            breaker.pause(connection, self.body, until, self._worst.result.code, now)
            self.summary.paused_until = until
            if self._worst.endpoint:
                day = now.astimezone(SHANGHAI).date().isoformat()
                said = {"kind": "security", "ref": f"endpoint:{self.body}:{day}", "code": self._worst.result.code, "body": self.body}
                advance(connection, [Move("duty.open", SYSTEM, data=said)], context.house, context.sealer, now)
        elif self._answered and failures:
            breaker.well(connection, self.body, now)

    async def _show(self) -> None:
        rows = [{"编号": n, "文种": MESSAGE_ZH.get(m, m), "结果": VERDICT_ZH[v] + ("" if v == "receipted" else f"（{c}）"), "次数": a}
                for n, m, v, c, a in self.summary.rows]
        await self.trace.table(rows, describe(self.context, self.summary))


def pause_of(failures: int, retry_after: timedelta | None) -> timedelta:
    """How long a body is left alone after `failures` earlier faults in a row: a minute, doubling, at most six hours; what it asks for wins."""
    if retry_after is not None and retry_after > timedelta(0):
        return min(retry_after, timedelta(hours=24))
    return min(_FIRST_PAUSE * float(2 ** min(failures, 20)), _LONGEST_PAUSE)


def describe(context: Context, summary: Summary) -> str:
    """One line in Chinese: what was sent and with what result."""
    counts = "，".join(f"{zh} {n}" for v, zh in VERDICT_ZH.items() if (n := summary.count(v)))
    pause = f"；暂停至 {summary.paused_until.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if summary.paused_until else ""
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

