"""`tonglu reconcile`: both ledgers held against each other at an operator's word."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from cli.commands.showing import body_name, parse_day, table
from cli.faults import FOUND, GOOD, Fault
from cli.shell import say


def register(app: typer.Typer, command: type) -> None:
    """Add these commands to the application."""
    app.command(cls=command, help="与各单位（或一个单位）核对账目，列出差异及处置。有差异或未能核对时结束状态为 1。\n\n"
                "例：tonglu reconcile\n\n例：tonglu reconcile court-990100 --again")(reconcile)


def reconcile(
    body: Annotated[str, typer.Argument(metavar="[机关代码]", help="不写则全部")] = "",
    day: Annotated[str, typer.Option(help="哪一夜的对账，例如 2026-03-16；不写则今天")] = "",
    again: Annotated[bool, typer.Option("--again", help="当夜已对过也再对一次")] = False,
) -> int:
    from cli.commands.running import flow_context
    from flows import reconcile as flow
    from flows.trace import SILENT
    from rules.ledgers import ACTION_ZH, KIND_ZH

    for_day = parse_day(day) if day else None
    with flow_context() as context:
        if body and body not in context.house.bodies:
            raise Fault(f"机关目录中没有 {body[:80]}", "用 tonglu bodies 查看代码")
        summary = asyncio.run(flow.run(context, SILENT, body or None, for_day, again=again))
        house = context.house
    if not summary.bodies:
        print(f"{summary.for_day}：没有要对的账（尚无转送件，或当夜已对过；再对一次加 --again）")
        return GOOD
    table(f"{summary.for_day} 对账", ("单位", "比对天数", "不符天数", "差异", "结果"), [
        (body_name(house, c.body), c.days, c.differing, len(c.found), f"未完成（{c.failed}）" if c.failed else "完成") for c in summary.bodies],
        right=("比对天数", "不符天数", "差异"))
    if summary.differences:
        table("差异", ("单位", "编号", "差异", "处置"), [
            (body_name(house, c.body), flow.called(d), KIND_ZH[d.finding.kind], ACTION_ZH[d.finding.action]) for c in summary.bodies for d in c.found])
    print(f"差异 {summary.differences}，已愈 {summary.healed}，未愈且未转人工 {summary.open}")
    for code in summary.failed:
        say(f"未能核对：{body_name(house, code)}。修正：检查对方是否在线，稍后再对")
    return FOUND if summary.differences or summary.failed else GOOD
