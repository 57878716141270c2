"""查询: where a petition is and the road it took, for whoever holds only its number. Nothing about the petitioner is read."""

from __future__ import annotations

import re
from typing import Annotated, Any

from prefect import flow
from pydantic import Field

from flows.context import Context
from flows.running import traced
from flows.trace import Trace
from models.db import Connection
from models.journalling import safe
from rules.calendar import SHANGHAI
from rules.house import PETITIONER
from rules.taxonomy import KLASS_ZH, OUTBOX_ZH, way_zh
from rules.words import MESSAGE_ZH, STAGE_ZH, act_zh

NUMBER = re.compile(r"XF[0-9]{20}")


def timeline(connection: Connection, context: Context, petition_no: str) -> str | None:
    """The case's timeline in Chinese (Markdown), times in Beijing; None for a number the ledger does not know."""
    head = connection.execute("select state, holder, next_due, received_at, closed_at, stage, first_petition_no from petition where petition_no = %s",
                              (petition_no,)).fetchone()
    if head is None:
        return None
    state, holder, next_due, received, closed, stage, first = head
    roads = context.house.roads
    lines = [f"# {petition_no}", "", f"- 收到：{_when(received)}", f"- 总用时：{((closed or context.now()) - received).days} 天",
             f"- 状态：{roads.state('petition', state).zh}"]
    lines += [f"- 程序：{STAGE_ZH[stage]}"] if stage != "handling" else []
    lines += [f"- 关联：{first}"] if first else []
    lines += [f"- 现由：{_who(context, holder)}", f"- 下一期限：{_when(next_due)}"] if holder else []
    sql = """select handoff_id, body, way, state, partner_case_no, issued_at, round from handoff where petition_no = %s order by handoff_id"""
    rows = connection.execute(sql, (petition_no,)).fetchall()
    if rows:
        lines += ["", "| 单位 | 方式 | 状态 | 对方案号 | 发出 | 轮次 |", "|---|---|---|---|---|---|"]
        lines += [f"| {context.name(b)} | {way} | {roads.state('handoff', s).zh} | {_cell(safe('partner_case_no', case))} | {_when(issued)} | {n} |" for _, b, way, s, case, issued, n in rows]
    lines += _deliveries(connection, context, petition_no)
    lines += ["", "| 时间 | 事 | 由 | 状态 | 其后由谁 | 期限 |", "|---|---|---|---|---|---|"]
    sql = "select at, actor, act, handoff_id, to_state, holder, next_due from journal where petition_no = %s order by seq"
    for at, actor, act, handoff, to_state, then, due in connection.execute(sql, (petition_no,)):
        zh = roads.state("handoff" if handoff else "petition", to_state).zh if to_state else ""
        lines.append(f"| {_when(at)} | {act_zh(act)} | {_actor(context, actor)} | {zh} | {_who(context, then)} | {_when(due)} |")
    return "\n".join(lines)


_OUTBOX = """select o.message, o.body, o.state, o.attempts, o.way, a.at, a.klass, case when o.state in ('QUEUED', 'RETRY_WAIT', 'UNKNOWN') then o.next_attempt_at end
             from outbox o left join lateral (select at, klass from attempt t where t.message_id = o.message_id order by attempt_no desc, id desc limit 1) a on true
             where o.petition_no = %s order by o.created_at, o.handoff_id, o.sequence"""


def _deliveries(connection: Connection, context: Context, petition_no: str) -> list[str]:
    """How each message to a body fares; `tonglu attempts` tells of every try."""
    rows = connection.execute(_OUTBOX, (petition_no,)).fetchall()
    if not rows:
        return []
    lines = ["", "| 文书 | 单位 | 通道 | 投递 | 已试 | 末次 | 结果 | 下次 |", "|---|---|---|---|---|---|---|---|"]
    return lines + [f"| {MESSAGE_ZH.get(message, message)} | {context.name(body)} | {way_zh(way)} | {OUTBOX_ZH.get(state, state)} | {tried} | {_when(last)} | "
                    f"{KLASS_ZH.get(klass or '', '') if last else ''} | {_when(again)} |" for message, body, state, tried, way, last, klass, again in rows]


def _actor(context: Context, actor: str) -> str:
    # A clerk's staff number stays in the ledger.
    kind, _, code = actor.partition("#")[0].partition(":")
    return "系统" if kind == "system" else context.name(code)


def _who(context: Context, code: str | None) -> str:
    return "" if code is None else "信访人" if code == PETITIONER else context.name(code)


def _when(at: Any) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if at else ""


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "／").replace("\n", " ")[:60]


async def run(context: Context, trace: Trace, petition_no: str) -> str:
    """The timeline, or a sentence that says why there is none. Raises psycopg.Error."""
    number = petition_no.strip().upper()
    if not NUMBER.fullmatch(number):
        found = "编号不合格式：应为 XF 加二十位数字，如 XF99010020260302000001。"
    else:
        known = await context.transact(lambda c: timeline(c, context, number))
        found = known or f"账本中没有 {number}。请核对编号；新件登记后才有编号。"
    await trace.text(found, "查询结果")
    return found


@flow(name="查询", flow_run_name="查询 · {petition_no}", persist_result=False, log_prints=False, retries=0)
async def lookup(petition_no: Annotated[str, Field(pattern=r"^XF[0-9]{20}$", description="信访事项编号，XF 加二十位数字")]) -> None:
    """按编号查一件信访事项现在何处、走过哪些环节。只填编号，不要填写姓名等个人信息。"""

    async def core(context: Context, trace: Trace) -> None:
        await run(context, trace, petition_no)

    await traced(core)
