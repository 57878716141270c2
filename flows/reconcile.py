"""对账: holds our ledger against each partner's, day by day of issue; what differs is healed or becomes a duty (handoff-protocol 1.12)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import date, datetime

import psycopg
from prefect import flow
from prefect.runtime import flow_run

from connectors.base import CallFailed, Connector
from connectors.directory import Unreachable
from connectors.wire.ledger import DayDigest
from flows import dispatch, fetching, receive
from flows.context import Context, current
from flows.running import traced
from flows.trace import SILENT, Mark, Trace
from models import recon
from models.db import Connection
from models.recon import Disagreement
from rules.calendar import SHANGHAI
from rules.ledgers import ACTION_ZH, KIND_ZH

log = logging.getLogger("tonglu.reconcile")

NO_LEDGER = "由本系统办理，无对方账"


@dataclass(slots=True)
class Comparison:
    """One body's night: how many days were compared and differed, what disagreed, and why it failed if it did."""

    body: str
    days: int = 0
    differing: int = 0
    items: int = 0
    found: list[Disagreement] = field(default_factory=list)
    failed: str = ""


@dataclass(slots=True)
class Summary:
    for_day: date
    bodies: list[Comparison] = field(default_factory=list)
    healed: int = 0
    open: int = 0

    @property
    def differences(self) -> int:
        return sum(len(c.found) for c in self.bodies)

    @property
    def failed(self) -> list[str]:
        return [c.body for c in self.bodies if c.failed]


def beijing_day(now: datetime) -> date:
    """The Beijing day of an instant."""
    return now.astimezone(SHANGHAI).date()


# Every body that was handed something before that day; with an index on (body, issued_day) each costs one probe.
_BODIES = """with recursive b(body) as (select min(body) from handoff union all select (select min(h.body) from handoff h where h.body > b.body) from b
             where b.body is not null)
             select body from b where body is not null and exists (select 1 from handoff h where h.body = b.body and h.issued_day <= %s)"""


def bodies_with_handoffs(connection: Connection, until: date) -> list[str]:
    """Codes of bodies to which something was issued on that Beijing day or before, in order."""
    return [body for (body,) in connection.execute(_BODIES, (until,))]


async def run(context: Context, trace: Trace, body: str | None = None, day: date | None = None, *, again: bool = False) -> Summary:
    """Compare with one body or all, for the night of `day` (default: today in Beijing), and heal what can be healed.

    A body's night that was compared already is passed over, unless `again` is asked for; so two runs at once double nothing.

    Returns:
        What was compared by this run only; `healed` and `open` over the whole ledger.
    """
    for_day = day or beijing_day(context.now())
    bodies = [body] if body else await context.transact(lambda c: bodies_with_handoffs(c, for_day))
    summary = Summary(for_day)
    gate = asyncio.Semaphore(context.settings.bodies_at_once)

    async def one(code: str) -> None:
        async with gate:
            if not context.stopping.is_set() and (made := await _compare(context, code, for_day, again)) is not None:
                summary.bodies.append(made)

    await asyncio.gather(*(one(code) for code in bodies))
    summary.bodies.sort(key=lambda c: c.body)
    touched = [c.body for c in summary.bodies if c.found]
    if touched:
        await receive.apply_all(context)
        for code in touched:
            await dispatch.run(context, SILENT, code)
    summary.healed = await context.transact(lambda c: recon.mark_healed(c, context.now()))
    summary.open = await context.transact(recon.open_differences)
    await _show(context, trace, summary)
    return summary


async def _compare(context: Context, body: str, for_day: date, again: bool) -> Comparison | None:
    number = await context.transact(lambda c: recon.begin(c, body, for_day, context.now(), again=again))
    if number is None:
        return None
    comparison = Comparison(body)
    note = ""
    try:
        connector = context.directory.of(body)
        if connector is None or not connector.abilities.has_ledger:
            note = NO_LEDGER
        else:
            await _days(context, connector, comparison, number)
    except Unreachable as fault:
        comparison.failed = fault.code
        log.error("no connector for %s: %s", body, fault)
    except CallFailed as fault:
        comparison.failed = fault.outcome.code
        log.warning("the ledger of %s could not be read: %s", body, fault.outcome.code)
    except psycopg.OperationalError:
        raise
    except Exception as fault:  # noqa: BLE001  (one body's ledger must not be the end of everybody's night)
        comparison.failed = "fault"
        log.error("the comparison with %s failed: %s", body, type(fault).__name__)
    await context.transact(lambda c: recon.finish(
        c, number, context.now(), state="FAILED" if comparison.failed else "DONE", days=comparison.days, differing=comparison.differing,
        items=comparison.items, note=comparison.failed or note))
    return comparison


async def _days(context: Context, connector: Connector, comparison: Comparison, number: int) -> None:
    body, last = comparison.body, beijing_day(context.now())
    first = await context.transact(lambda c: recon.oldest_day(c, body)) or last
    # Ours first: what happens in between makes the partner ahead, which is healed, never us, which is a person's.
    ours = await context.transact(lambda c: recon.our_digests(c, body, first, last))
    theirs = await context.call(lambda: connector.digests(first, last))
    comparison.days = len({d.day for d in ours} | {d.day for d in theirs})
    for day in differing(ours, theirs):
        comparison.differing += 1
        found = await _look(context, connector, comparison, day)
        if any(d.finding.action == "duty" for d in found):
            # The two ledgers were not read in one instant: what a person is to be troubled with must show twice.
            again = {(d.handoff_id, d.finding.kind) for d in await _look(context, connector, comparison, day)}
            found = [d for d in found if d.finding.action != "duty" or (d.handoff_id, d.finding.kind) in again]
        to_fetch = await context.transact(lambda c, found=found: recon.record(  # type: ignore[misc]
            c, number, body, found, context.house, context.sealer, context.now()))
        comparison.found.extend(found)
        for d in to_fetch:
            after = d.ours.last_seq_out if d.ours else 0
            got = await fetching.fetch(context, body, d.handoff_id, d.petition_no or "", after)
            if got.code:
                log.warning("messages of %s could not be fetched: %s", body, got.code)


async def _look(context: Context, connector: Connector, comparison: Comparison, day: date) -> list[Disagreement]:
    items = await context.call(lambda: list(connector.ledger(day, day)))
    comparison.items = max(comparison.items, len(items))
    return await context.transact(lambda c: recon.compare_day(c, comparison.body, day, items))


def differing(ours: list[DayDigest], theirs: list[DayDigest]) -> list[date]:
    """The days on which count or digest differ, in order. A day that one side leaves out is a day with nothing."""
    mine, other = ({d.day: (d.count, d.sha256) for d in side if d.count} for side in (ours, theirs))
    return sorted(day for day in mine.keys() | other.keys() if mine.get(day) != other.get(day))


async def _show(context: Context, trace: Trace, summary: Summary) -> None:
    for comparison in summary.bodies:
        for d in comparison.found:
            await trace.told(d.petition_no or "非我方之件", Mark(KIND_ZH[d.finding.kind], d.finding.action, person=d.finding.action == "duty"))
    rows = [{"单位": context.name(c.body), "编号": d.petition_no or "非我方之件", "差异": KIND_ZH[d.finding.kind], "处置": ACTION_ZH[d.finding.action]}
            for c in summary.bodies for d in c.found]
    await trace.table(rows, f"{summary.for_day} 对账差异")
    await trace.text(report(context, summary), f"{summary.for_day} 对账", "reconciliation")


def report(context: Context, summary: Summary) -> str:
    """The night's report in Chinese (Markdown): one line a body, then the sums."""
    lines = [f"# {summary.for_day} 对账", "", "| 单位 | 比对天数 | 不符天数 | 差异 | 结果 |", "|---|---|---|---|---|"]
    lines += [f"| {context.name(c.body)} | {c.days} | {c.differing} | {len(c.found)} | {f'未完成（{c.failed}）' if c.failed else '完成'} |" for c in summary.bodies]
    lines += ["", f"差异 {summary.differences}，本次已愈 {summary.healed}，未愈且未转人工 {summary.open}。"]
    return "\n".join(lines)


def _run_name() -> str:
    said = flow_run.parameters
    return f"对账 · {current().name(said['body']) if said.get('body') else '全部'}" + (f" · {said['day']}" if said.get("day") else "")


@flow(name="对账", flow_run_name=_run_name, persist_result=False, log_prints=False, retries=0)
async def reconcile(body: str | None = None, day: date | None = None, again: bool = False) -> None:
    """与各单位核对账目；不填单位则全部，不填日期则为今日（北京时间）。同一夜已对过的跳过，要再对请勾选 again。"""

    async def core(context: Context, trace: Trace) -> None:
        if body is not None and body not in context.house.bodies:
            await trace.text(f"机关目录中没有 `{body[:80]}`。请从 bodies.yaml 中选一个机关代码。", "无法对账")
            return
        summary = await run(context, trace, body, day, again=again)
        await trace.rename(f"对账 · {summary.for_day} · {len(summary.bodies)}家 · 差异{summary.differences}")

    await traced(core)
