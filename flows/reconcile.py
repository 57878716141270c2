"""对账: holds our ledger against each partner's, day by day of issue; what differs is healed or becomes a duty (handoff-protocol 1.12)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import psycopg
from prefect import flow
from prefect.runtime import flow_run

from connectors.base import CallFailed
from connectors.directory import Unreachable
from flows import dispatch, presence, receive
from flows.comparison import Comparing, Comparison
from flows.context import Context, current
from flows.gate import Gate, Place
from flows.running import traced
from flows.trace import SILENT, Mark, Trace
from models import differences, recon
from models.comparing import Disagreement
from models.db import Connection
from models.door import advance
from models.moves import SYSTEM, Move
from models.own_acts import LEDGER_UNREAD
from models.recon import Begun
from rules.calendar import SHANGHAI
from rules.ledgers import ACTION_ZH, KIND_ZH

log = logging.getLogger("tonglu.reconcile")

NO_LEDGER = "由本系统办理，无对方账"
# How often what was found is sent within one night; what is not sent by then is dispatch's.
_ROUNDS = 100

# Comparisons that this very process is making, by their number.
_at_work: set[int] = set()


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


# Those that could be read the last time come first, so that one that hangs holds up nobody who does not.
_WELL = """select body, (array_agg(state = 'FAILED' order by id desc))[1] from reconciliation where body = any(%s) and for_day >= %s and state in ('DONE', 'FAILED')
           group by body"""


def well_first(connection: Connection, bodies: list[str], for_day: date) -> list[str]:
    """These bodies, those last whose last comparison (of this week) failed."""
    failed = dict(connection.execute(_WELL, (bodies, for_day - timedelta(days=7))).fetchall())
    return sorted(bodies, key=lambda body: (failed.get(body, False), body))


def gone(connection: Connection, own: str) -> recon.Gone:
    """Tells of a comparison's number and owner whether nobody makes it any more: its process is dead, or it is ours and given up."""
    return lambda number, owner: number not in _at_work and (owner == own or not presence.alive(connection, owner))


async def run(context: Context, trace: Trace, body: str | None = None, day: date | None = None, *, again: bool = False) -> Summary:
    """Compare with one body or all, for the night of `day` (default: today in Beijing), and heal what can be healed.

    A body's night that was compared already is passed over, unless `again` is asked for; so two runs at once double nothing. Asked for all, a body
    whose hand-offs have long ended rests most nights (`recon.rest`).

    Returns:
        What was compared by this run only; `healed` and `open` over the whole ledger.
    """
    for_day = day or beijing_day(context.now())
    quiet = timedelta(days=context.settings.quiet_days)
    bodies = [body] if body else await context.transact(lambda c: well_first(c, bodies_with_handoffs(c, for_day), for_day))
    summary = Summary(for_day)
    gate = Gate(context.settings.bodies_at_once)
    lost: list[psycopg.OperationalError] = []

    async def one(code: str) -> None:
        async with gate.place() as place:
            # Without a ledger none is begun any more.
            if context.stopping.is_set() or lost:
                return
            try:
                if body is None and not again and await context.transact(lambda c: recon.rest(c, code, for_day, context.now(), quiet)):
                    return
                made = await _compare(context, code, for_day, again, place)
                if made is not None:
                    summary.bodies.append(made)
                    await _heal(context, made, place)
            except psycopg.OperationalError as fault:
                if _away(fault):
                    lost.append(fault)
                raise

    # One body's fault is raised once all others have ended: it must not cut them off.
    ended = await asyncio.gather(*(one(code) for code in bodies), return_exceptions=True)
    for fault in ended:
        if isinstance(fault, BaseException):
            raise fault
    summary.bodies.sort(key=lambda c: c.body)
    summary.healed = await context.transact(lambda c: differences.mark_healed(c, context.now()))
    summary.open = await context.transact(differences.open_differences)
    await _show(context, trace, summary)
    return summary


async def _compare(context: Context, body: str, for_day: date, again: bool, place: Place) -> Comparison | None:
    tried: list[int] = []

    def begin(connection: Connection) -> Begun | None:
        # Called again where the commit's answer was lost: what it has begun then is being made by nobody.
        _at_work.difference_update(tried)
        begun = recon.begin(connection, body, for_day, context.now(), context.owner, gone(connection, context.owner), again=again)
        if begun is not None:
            tried.append(begun.id)
            _at_work.add(begun.id)
        return begun

    try:
        begun = await context.transact(begin)
        return None if begun is None else await _made(context, body, for_day, begun, place)
    finally:
        _at_work.difference_update(tried)


async def _made(context: Context, body: str, for_day: date, begun: Begun, place: Place) -> Comparison:
    comparison = Comparison(body)
    note = ""
    try:
        connector = context.directory.of(body)
        if connector is None or not connector.abilities.has_ledger:
            note = NO_LEDGER
        else:
            await Comparing(context, connector, comparison, begun, for_day, place).run()
    except Unreachable as fault:
        comparison.failed = fault.code
        log.error("no connector for %s: %s", body, fault)
    except CallFailed as fault:
        comparison.failed = fault.outcome.code
        log.warning("the ledger of %s could not be read: %s", body, fault.outcome.code)
    except psycopg.OperationalError as fault:
        if _away(fault):
            raise
        comparison.failed = "fault"
        log.error("the comparison with %s failed: %s", body, type(fault).__name__)
    except Exception as fault:  # noqa: BLE001  (one body's ledger must not be the end of everybody's night)
        comparison.failed = "fault"
        log.error("the comparison with %s failed: %s", body, type(fault).__name__)
    await context.transact(lambda c: _finish(c, context, comparison, for_day, begun, note))
    return comparison


def _away(fault: psycopg.OperationalError) -> bool:
    """Whether the ledger itself is gone (no answer, connection lost, server stopping), and not just too slow or too full for what one body listed."""
    return fault.sqlstate is None or fault.sqlstate.startswith(("08", "57P"))


def _finish(connection: Connection, context: Context, comparison: Comparison, for_day: date, begun: Begun, note: str) -> None:
    """Close the comparison; a body whose ledger could not be read in any of its last nights is a person's, once while the duty is open."""
    now, body = context.now(), comparison.body
    recon.finish(connection, begun.id, now, state=recon.FAILED if comparison.failed else recon.DONE, days=comparison.days, differing=comparison.differing,
                 items=comparison.items, note=comparison.failed or note)
    if comparison.failed and recon.unread(connection, body, for_day):
        said = {"kind": "security", "ref": f"{body}:{LEDGER_UNREAD}", "code": comparison.failed, "what": LEDGER_UNREAD, "body": body}
        advance(connection, [Move("duty.open", SYSTEM, data=said)], context.house, context.sealer, now)


async def _heal(context: Context, comparison: Comparison, place: Place) -> None:
    """Apply what was fetched, send what is to be sent, until nothing of this body moves any more."""
    if not comparison.found:
        return
    body = comparison.body
    await place.wait(receive.apply_all(context, body))
    for _ in range(_ROUNDS):
        sent = await place.wait(dispatch.run(context, SILENT, body))
        if not sent.tried or sent.released or context.stopping.is_set():
            break


async def _show(context: Context, trace: Trace, summary: Summary) -> None:
    for comparison in summary.bodies:
        for d in comparison.found:
            await trace.told(called(d), Mark(KIND_ZH[d.finding.kind], d.finding.action, person=d.finding.action == "duty"))
    rows = [{"单位": context.name(c.body), "编号": called(d), "差异": KIND_ZH[d.finding.kind], "处置": ACTION_ZH[d.finding.action]}
            for c in summary.bodies for d in c.found]
    await trace.table(rows, f"{summary.for_day} 对账差异")
    await trace.text(report(context, summary), f"{summary.for_day} 对账", "reconciliation")


def called(d: Disagreement) -> str:
    """How a difference is named where people see it."""
    if d.petition_no is None and d.finding.kind == "ledger_contradicts_itself":
        return f"{d.evidence['day']} 账目"
    return d.petition_no or "非我方之件"


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
