"""巡查: what is late. Leases of dead senders, clocks that ring, duties nobody did, gaps in what bodies have sent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
from prefect import flow
from prefect.runtime import flow_run

from flows import fetching, presence, receive
from flows.context import Context
from flows.fetching import Fetched
from flows.running import traced
from flows.trace import Mark, Trace
from models import breaker, inbox
from models.db import Connection
from models.door import advance
from models.inbox import Gap
from models.moves import SYSTEM, Answer, Move

log = logging.getLogger("tonglu.watch")

_AT_ONCE = 500
# A clock may ring several times in one call when time has jumped: each of its warnings, then its end, then the rungs.
_ROUNDS = 50
# So many bodies are asked for missing messages together; each by threads of its own.
_ASKED_TOGETHER = 32

_CLOCKS = """select id, petition_no, handoff_id, key, due_at <= %(now)s from clock where state = 'OPEN' and paused_at is null and ring_at <= %(now)s
             and id <> all(%(stuck)s::bigint[]) order by ring_at, id limit %(limit)s"""
_DUTIES = """select duty_id, petition_no, handoff_id, kind from duty where closed_at is null and not state_bound and due_at <= %(now)s
             and duty_id <> all(%(stuck)s::text[]) order by due_at, duty_id limit %(limit)s"""


@dataclass(slots=True)
class Summary:
    """What was found late; `lines` are (petition number, what, clock key or duty kind or code)."""

    reaped: int = 0
    lines: list[tuple[str, str, str]] = field(default_factory=list)
    fetched: int = 0

    @property
    def total(self) -> int:
        return self.reaped + len(self.lines)


async def run(context: Context, trace: Trace) -> Summary:
    """Look at everything that is late now. Two watchers at once do no harm: the door rings only what rings. Raises psycopg.Error."""
    summary = Summary()
    await _ring(context, summary)
    await _fill_gaps(context, summary)
    await _show(trace, summary)
    return summary


async def late(context: Context, trace: Trace) -> Summary:
    """As `run`, without what must be asked of others: leases, clocks and duties alone."""
    summary = Summary()
    await _ring(context, summary)
    await _show(trace, summary)
    return summary


async def fill(context: Context, trace: Trace) -> Summary:
    """As `run`, only what bodies have sent and we lack."""
    summary = Summary()
    await _fill_gaps(context, summary)
    await _show(trace, summary)
    return summary


async def _ring(context: Context, summary: Summary) -> None:
    summary.reaped = await context.transact(lambda c: presence.reap(c, context.owner, context.now()))
    for ring in (_ring_clocks, _ring_duties):
        stuck: list[Any] = []
        for _ in range(_ROUNDS):
            if context.stopping.is_set():
                break
            lines, faulty = await ring(context, stuck)
            summary.lines.extend(lines)
            stuck.extend(faulty)
            if not lines and not faulty:
                break


async def _show(trace: Trace, summary: Summary) -> None:
    for number, what, code in summary.lines:
        await trace.told(number, Mark(what, code, what == "未能补取", what in ("到期", "待办逾期")))
    rows = [{"编号": n, "事项": what, "代码": code} for n, what, code in summary.lines]
    await trace.table(rows, f"巡查：发件中断 {summary.reaped}，期限与待办 {len(summary.lines)}，补取来文 {summary.fetched}")


async def _ring_clocks(context: Context, stuck: Sequence[Any]) -> tuple[list[tuple[str, str, str]], list[Any]]:
    now = context.now()
    rows = await context.transact(lambda c: c.execute(_CLOCKS, {"now": now, "limit": _AT_ONCE, "stuck": list(stuck)}).fetchall())
    moves = [Move("clock.ring", SYSTEM, petition_no=number, handoff_id=handoff, data={"clock": clock}) for clock, number, handoff, _, _ in rows]
    answers = await _take(context, moves, now)
    rung = [(row[1], "到期" if row[4] else "预警", row[3]) for row, a in zip(rows, answers, strict=True) if getattr(a, "new", False)]
    return rung, [row[0] for row, a in zip(rows, answers, strict=True) if a is None]


async def _ring_duties(context: Context, stuck: Sequence[Any]) -> tuple[list[tuple[str, str, str]], list[Any]]:
    now = context.now()
    rows = await context.transact(lambda c: c.execute(_DUTIES, {"now": now, "limit": _AT_ONCE, "stuck": list(stuck)}).fetchall())
    moves = [Move("duty.ring", SYSTEM, petition_no=number, handoff_id=handoff, data={"duty_id": duty, "kind": kind}) for duty, number, handoff, kind in rows]
    answers = await _take(context, moves, now)
    rung = [(row[1] or "（不属某件）", "待办逾期", row[3]) for row, a in zip(rows, answers, strict=True) if getattr(a, "new", False)]
    return rung, [row[0] for row, a in zip(rows, answers, strict=True) if a is None]


async def _take(context: Context, moves: Sequence[Move], now: datetime) -> list[Answer | None]:
    """Take these acts together; where one of them breaks the door, the others all the same: the set is halved until it stands alone (None)."""
    if not moves:
        return []
    try:
        return list(await context.transact(lambda c: advance(c, moves, context.house, context.sealer, now)))
    except psycopg.OperationalError:
        raise
    except Exception as fault:  # noqa: BLE001  (logged; one case must not stop the clocks of all)
        if len(moves) == 1:
            log.error("%s of %s cannot be taken: %s", moves[0].act, moves[0].petition_no or "no case", type(fault).__name__)
            return [None]
    half = len(moves) // 2
    return [*await _take(context, moves[:half], now), *await _take(context, moves[half:], now)]


async def _fill_gaps(context: Context, summary: Summary) -> None:
    hold = timedelta(minutes=context.settings.hold_minutes)
    found = await context.transact(lambda c: gaps(c, context.now(), hold))
    if not found:
        return
    await context.transact(lambda c: inbox.note_asked(c, [g.handoff_id for g in found], context.now()))
    bodies: dict[str, list[Gap]] = {}
    for gap in found:
        bodies.setdefault(gap.body, []).append(gap)
    room = asyncio.Semaphore(_ASKED_TOGETHER)
    await asyncio.gather(*(_ask(context, summary, bodies[body], room) for body in sorted(bodies)))
    if summary.fetched:
        await receive.apply_all(context)


async def _ask(context: Context, summary: Summary, wanted: Sequence[Gap], room: asyncio.Semaphore) -> None:
    """The gaps of one body, one after another. One that cannot be asked is not asked again for each of them; the hour of asking anew is theirs all the same."""
    code = ""
    async with room:
        for gap in wanted:
            if context.stopping.is_set():
                return
            got = Fetched(0, code) if code else await fetching.fetch(context, gap.body, gap.handoff_id, gap.petition_no, gap.after)
            summary.fetched += got.new
            summary.lines.append((gap.petition_no, "未能补取" if got.code else "已补取", got.code or str(got.new)))
            if got.code and not got.answered:
                code = got.code


def gaps(connection: Connection, now: datetime, hold: timedelta) -> list[Gap]:
    """Hand-offs whose missing messages are to be asked for now: not of a body that is left alone (suspended, or down until its next probe)."""
    found = inbox.gaps(connection, now, hold)
    left_alone = breaker.shut(connection, now) if found else frozenset()
    return [gap for gap in found if gap.body not in left_alone]


def _run_name() -> str:
    count = flow_run.parameters.get("count")
    return "巡查" if count is None else f"巡查 · {count}项"


@flow(name="巡查", flow_run_name=_run_name, persist_result=False, log_prints=False, retries=0)
async def watch(count: int | None = None) -> None:
    """查看到期的期限、待办、发件租约和来文缺口，并按路线图处置。count 仅用于显示。"""

    async def core(context: Context, trace: Trace) -> None:
        summary = await run(context, trace)
        await trace.rename(f"巡查 · {summary.total}项")

    await traced(core)
