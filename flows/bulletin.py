"""日报: the day's figures, counted from the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prefect import flow

from flows.context import Context
from flows.running import traced
from flows.trace import Trace
from models import breaker
from models.breaker import Standing
from models.db import Connection
from rules.calendar import SHANGHAI
from rules.house import PETITIONER
from rules.taxonomy import way_zh


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts at one instant. `states` and `holders` are of petitions and hand-offs not yet ended, most first."""

    at: datetime
    petitions: int
    closed: int
    states: tuple[tuple[str, int], ...]
    holders: tuple[tuple[str, int], ...]
    overdue: int
    duties: tuple[tuple[str, int], ...]
    doubtful: int
    shut: tuple[Standing, ...]


def count(connection: Connection, now: datetime) -> Figures:
    """Read the figures. `overdue`: open petitions past their next due date; `doubtful`: messages whose fate is not known."""

    def pairs(sql: str) -> tuple[tuple[str, int], ...]:
        return tuple((name or "", n) for name, n in connection.execute(sql))

    def one(sql: str, *given: Any) -> int:
        row = connection.execute(sql, given).fetchone()
        return int(row[0]) if row else 0

    return Figures(
        now,
        one("select count(*) from petition"),
        one("select count(*) from petition where next_due is null"),
        pairs("""select coalesce('handoff:' || h.state, 'petition:' || p.state), count(*) from petition p
                 left join handoff h on h.handoff_id = p.open_handoff where p.next_due is not null group by 1 order by 2 desc, 1"""),
        pairs("select holder, count(*) from petition where next_due is not null group by 1 order by 2 desc, 1"),
        one("select count(*) from petition where next_due <= %s", now),
        pairs("select zh, count(*) from duty where closed_at is null group by 1 order by 2 desc, 1"),
        one("select count(*) from outbox where state = 'UNKNOWN'"),
        tuple(s for s in breaker.standing(connection, now) if s.suspended or s.breaker.state != "CLOSED"),
    )


def write(context: Context, figures: Figures) -> str:
    """The figures in Chinese (Markdown); bodies by name, nobody else by any."""
    roads = context.house.roads

    def state(key: str) -> str:
        machine, _, name = key.partition(":")
        return roads.state("handoff" if machine == "handoff" else "petition", name).zh

    def who(code: str) -> str:
        return "信访人" if code == PETITIONER else context.name(code)

    def table(head: str, rows: list[tuple[str, int]]) -> list[str]:
        return ["", f"| {head} | 件数 |", "|---|---|", *(f"| {name} | {n} |" for name, n in rows)] if rows else []

    local = figures.at.astimezone(SHANGHAI)
    lines = [f"# {local:%Y-%m-%d} 日报", "", f"截至 {local:%Y-%m-%d %H:%M}（北京时间）",
             f"：共 {figures.petitions} 件，已办结 {figures.closed} 件，在办 {figures.petitions - figures.closed} 件，逾期 {figures.overdue} 件；",
             f"存疑文书 {figures.doubtful} 件。"]
    lines = [lines[0], "", "".join(lines[2:])]
    lines += table("状态", [(state(key), n) for key, n in figures.states])
    lines += table("现由谁办", [(who(code), n) for code, n in figures.holders])
    lines += table("未办待办", list(figures.duties))
    if figures.shut:
        lines += ["", "| 投递受阻的单位 | 情况 |", "|---|---|", *(f"| {context.name(s.body)} | {_shut(s)} |" for s in figures.shut)]
    return "\n".join(lines)


def _shut(s: Standing) -> str:
    """Why nothing goes to a body, and until when. A person's reason stays in the ledger: it is in their own words."""

    def local(at: datetime | None) -> str:
        return f"{at.astimezone(SHANGHAI):%m-%d %H:%M}" if at else ""

    said = [f"人工暂停，{f'至 {local(s.suspended_until)}' if s.suspended_until else '直到恢复为止'}"] if s.suspended else []
    if s.breaker.state != "CLOSED":
        way = way_zh(s.way) if s.way else ""
        soon = f"{local(s.breaker.probe_at)} 起有到期文书即试投一件" if s.breaker.state == "OPEN" else "正在试投一件"
        said.append(f"{way}接口不通（{s.breaker.cause}），自 {local(s.breaker.opened_at)} 起，{soon}")
    return "；".join(said)


async def run(context: Context, trace: Trace) -> Figures:
    """Count and show. Raises psycopg.Error."""
    figures = await context.transact(lambda c: count(c, context.now()))
    day = figures.at.astimezone(SHANGHAI).date()
    await trace.text(write(context, figures), f"{day} 日报", "bulletin")
    await trace.rename(f"日报 · {day}")
    return figures


@flow(name="日报", flow_run_name="日报", persist_result=False, log_prints=False, retries=0)
async def bulletin() -> None:
    """当日数字：各状态、各单位手中的件数，逾期、待办、存疑。"""
    await traced(run)
