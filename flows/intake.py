"""分流: decides by the routing table where registered petitions go. What the table or a guard does not allow becomes a clerk's."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import psycopg
from prefect import flow
from prefect.runtime import flow_run
from pydantic import ValidationError

from config.facts import Facts
from flows.context import Context
from flows.running import traced
from flows.trace import Mark, Trace
from models.db import Connection
from models.desk_petition import branch_of
from models.door import advance
from models.moves import Actor, Move, Refused, Route
from rules.calendar import SHANGHAI
from rules.house import House
from rules.routing import Routed, fill, route

log = logging.getLogger("tonglu.intake")

_AT_ONCE = 200
GUIDE = "引导"


@dataclass(slots=True)
class Summary:
    """What was routed; `lines` are (petition number, body or "", way or code)."""

    lines: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def total(self) -> int:
        return len(self.lines)

    @property
    def routed(self) -> int:
        return sum(bool(line[1]) for line in self.lines)


def decide(petition_no: str, facts: dict[str, Any], house: House, day: date | None = None) -> Move:
    """The act that follows from a petition's stored facts: `petition.route`, or `petition.to_clerk` with the code of the reason. Pure.

    `day`: the day in China, for bodies whose powers pass to others; None takes all successions as having happened.
    """
    actor = Actor("bureau", house.bureau)
    try:
        known = Facts.model_validate(facts)
    except ValidationError:
        return _to_clerk(petition_no, actor, "bad-facts", "登记的事实不合格式，须人工核对")
    found = route(known, house.table, house.bodies, sender=house.bureau, on=day)
    if not isinstance(found, Routed):
        return _to_clerk(petition_no, actor, "by-row" if found.row else "no-row", found.reason, found.row.id if found.row else "")
    if found.way == GUIDE:
        return _to_clerk(petition_no, actor, "guide", f"应引导信访人向{found.body.name}提出（{'、'.join(found.basis)}），告知后登记", found.row.id)
    filled = fill(known, house.table)
    full = known if isinstance(filled, str) else filled
    said = Route(found.body.code, found.way, found.row.id, "；".join(found.basis)[:120], full.branch or branch_of(found.row.id), full.klass or "",
                 full.model_dump(exclude_none=True), found.track,
                 tuple(other.code for other in found.also))
    return Move("petition.route", actor, petition_no=petition_no, route=said)


def _to_clerk(petition_no: str, actor: Actor, code: str, why: str, row: str = "") -> Move:
    return Move("petition.to_clerk", actor, petition_no=petition_no, data={"code": code, **({"row": row} if row else {})}, note=why)


def batch(connection: Connection, context: Context, limit: int = _AT_ONCE, after: str = "") -> list[tuple[str, str, str]]:
    """Route up to `limit` registered petitions past `after` in this transaction; one line each (number, body or "", way or code)."""
    sql = "select petition_no, facts from petition where state = 'REGISTERED' and petition_no > %s order by petition_no limit %s for update skip locked"
    day = context.now().astimezone(SHANGHAI).date()
    moves = [decide(number, facts, context.house, day) for number, facts in connection.execute(sql, (after, limit)).fetchall()]
    answers = advance(connection, moves, context.house, context.sealer, context.now())
    actor = Actor("bureau", context.house.bureau)
    refused = [(a.petition_no or "", a) for a in answers if isinstance(a, Refused)]
    advance(connection, [_to_clerk(n, actor, a.code, a.why) for n, a in refused], context.house, context.sealer, context.now())
    codes = {number: answer.code for number, answer in refused}
    return [_line(move, codes) for move in moves]


def _line(move: Move, refused: dict[str, str]) -> tuple[str, str, str]:
    number = move.petition_no or ""
    if number in refused:
        return (number, "", refused[number])
    return (number, move.route.body, move.route.way) if move.route else (number, "", str(move.data["code"]))


def _next(connection: Connection, after: str) -> str | None:
    row = connection.execute("select min(petition_no) from petition where state = 'REGISTERED' and petition_no > %s", (after,)).fetchone()
    return row[0] if row else None


async def run(context: Context, trace: Trace) -> Summary:
    """Route every registered petition, in sets. Raises psycopg.Error."""
    summary = Summary()
    after, size = "", _AT_ONCE
    while not context.stopping.is_set():
        try:
            lines = await context.transact(lambda c, after=after, size=size: batch(c, context, size, after))  # type: ignore[misc]
        except psycopg.OperationalError:
            raise
        except Exception as fault:  # noqa: BLE001  (logged, and the petition keeps its clock)
            # One petition must not be the ruin of those it happened to be registered with: go on one by one, and past the one that cannot be routed.
            number = await context.transact(lambda c, after=after: _next(c, after)) if size == 1 else after  # type: ignore[misc]
            if size == 1:
                log.error("%s cannot be routed: %s", number, type(fault).__name__)
            if number is None:
                break
            after, size = number, 1
            continue
        if not lines:
            break
        summary.lines.extend(lines)
        after = max(number for number, _, _ in lines)
    for number, body, way in summary.lines:
        await trace.told(number, Mark(way, body) if body else Mark("待经办人", way, person=True))
    rows = [{"编号": n, "去向": context.name(b) if b else "经办人", "方式": w if b else CODE_ZH.get(w, w)} for n, b, w in summary.lines]
    await trace.table(rows, f"分流：{summary.routed} 件有去向，{summary.total - summary.routed} 件待经办人")
    return summary


CODE_ZH = {
    "bad-facts": "登记事实不合格式", "no-row": "路由表无适用行", "by-row": "按规定由人工确定", "guide": "应引导信访人", "guard": "防护规则不允许",
    "loop": "曾被退回，应协调",
}


def _run_name() -> str:
    count = flow_run.parameters.get("count")
    return "分流" if count is None else f"分流 · {count}件"


@flow(name="分流", flow_run_name=_run_name, persist_result=False, log_prints=False, retries=0)
async def intake(count: int | None = None) -> None:
    """给新登记的信访事项确定去向：按路由表转送、交办，无适用行的交经办人。count 仅用于显示。"""

    async def core(context: Context, trace: Trace) -> None:
        summary = await run(context, trace)
        await trace.rename(f"分流 · {summary.total}件")

    await traced(core)
