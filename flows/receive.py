"""收讯: applies what bodies have sent. The inbox holds it already; here it moves the cases. Shown afterwards, so that nothing waits for the showing."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import psycopg
from prefect import flow
from prefect.runtime import flow_run

from flows.context import Context
from flows.running import traced
from flows.trace import Mark, Trace
from models import inbox
from models.inbox import Applied

log = logging.getLogger("tonglu.receive")

_AT_ONCE = 200
FATE_ZH = {"APPLIED": "已办", "DUPLICATE": "重复", "HELD": "待补", "QUARANTINED": "隔离待核"}
SAID_ZH = {
    "handoff.signed": "签收", "handoff.objected": "提出异议", "handoff.accepted": "受理", "handoff.declined": "不予受理", "handoff.progress": "办理进展",
    "supplement.requested": "要求补正", "handoff.suspended": "中止", "handoff.resumed": "恢复", "handoff.extended": "延期",
    "handoff.result": "办结报告", "handoff.forwarded": "转下级", "withdraw.answer": "答复撤回",
}


@dataclass(slots=True)
class Summary:
    """Messages applied; `lines` are (petition number, body, message, fate)."""

    lines: list[tuple[str, str, str, str]] = field(default_factory=list)

    @property
    def total(self) -> int:
        return len(self.lines)

    def count(self, fate: str) -> int:
        return sum(line[3] == fate for line in self.lines)


async def apply_all(context: Context, body: str | None = None) -> Summary:
    """Apply everything that waits (of one body, or all), in sets; ends when nothing more can be applied. Raises psycopg.Error."""
    summary = Summary()
    after, size = 0, _AT_ONCE
    while not context.stopping.is_set():
        try:
            done: Applied = await context.transact(
                lambda c, after=after, size=size: inbox.apply(c, size, context.house, context.sealer, context.now(), body, after))  # type: ignore[misc]
        except psycopg.OperationalError:
            raise
        except Exception as fault:  # noqa: BLE001  (logged; the message stays stored, its case keeps its clocks)
            # One message must not be the ruin of every body's: go on one by one, and past the one that cannot be applied.
            if size == 1:
                found = await context.transact(lambda c, after=after: inbox.first_waiting(c, after, body))  # type: ignore[misc]
                if found is None:
                    return summary
                log.error("the stored message %d cannot be applied: %s", found, type(fault).__name__)
                await _tell(context, found)
                after = found
            size = 1
            continue
        if not done.total:
            return summary
        summary.lines.extend(done.lines or [])
    return summary


async def _tell(context: Context, number: int) -> None:
    """What we gave a receipt for and cannot apply is a person's; where the case itself is damaged, as a duty that belongs to none."""
    for alone in (False, True):
        try:
            await context.transact(lambda c, alone=alone: inbox.tell_stuck(c, number, context.house, context.sealer, context.now(), alone=alone))  # type: ignore[misc]
        except psycopg.OperationalError:
            raise
        except Exception as fault:  # noqa: BLE001  (logged; tried once more without the case)
            log.error("no duty could be opened for the stored message %d: %s", number, type(fault).__name__)
        else:
            return


async def show(context: Context, trace: Trace, summary: Summary) -> None:
    """Tell what was applied."""
    for number, _, _, fate in summary.lines:
        await trace.told(number, Mark(FATE_ZH[fate], "" if fate == "APPLIED" else fate.lower(), person=fate == "QUARANTINED"))
    rows = [{"编号": n, "来自": context.name(b), "文种": SAID_ZH.get(m, m), "结果": FATE_ZH[f]} for n, b, m, f in summary.lines]
    counts = "，".join(f"{zh} {n}" for fate, zh in FATE_ZH.items() if (n := summary.count(fate)))
    await trace.table(rows, f"收讯：{counts or '无'}")


async def run(context: Context, trace: Trace, body: str | None = None) -> Summary:
    """Apply, then tell."""
    summary = await apply_all(context, body)
    await show(context, trace, summary)
    return summary


def _run_name() -> str:
    count = flow_run.parameters.get("count")
    return "收讯" if count is None else f"收讯 · {count}件"


@flow(name="收讯", flow_run_name=_run_name, persist_result=False, log_prints=False, retries=0)
async def receive(body: str | None = None, count: int | None = None) -> None:
    """把已收存的各单位来文登记到案件上；不填单位则登记全部。count 仅用于显示。"""

    async def core(context: Context, trace: Trace) -> None:
        summary = await run(context, trace, body)
        await trace.rename(f"收讯 · {summary.total}件")

    await traced(core)
