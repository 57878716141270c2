"""`tonglu duties` and `tonglu duty done`: what people owe, by when."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.commands.showing import as_json, body_name, deadline, table
from cli.faults import GOOD
from cli.shell import Commands, say

# What ends a duty that belongs to a state of the case.
HOW = {"objection.decide": "tonglu decide", "route.by_hand": "tonglu send / guide / close", "result.review": "tonglu review",
       "decline.followup": "tonglu followup",
       "guide.followup": "tonglu guided", "decision.give": "tonglu decision", "dispute.rule": "tonglu rule / designate", "supervise": "tonglu supervise",
       "undelivered": "tonglu resend / byhand / takeback", "proposal.feedback": "tonglu feedback", "conference": "tonglu designate / rule / reassign", "conference.up": "tonglu conference-up"}
_COUNTS = """select kind, min(zh), holder, count(*), count(*) filter (where due_at <= %(now)s) from duty where {where}
             group by kind, holder order by 4 desc, 1"""
_ROWS = """select duty_id, kind, zh, petition_no, body, holder, due_at, escalations, state_bound from duty where {where}
           order by due_at, duty_id limit %(limit)s"""


def register(app: typer.Typer, command: type) -> None:
    """Add these commands to the application."""
    app.command("duties", cls=command, help="待办一览：谁应在何时之前做什么，用哪个命令做。\n\n例：tonglu duties --overdue\n\n例：tonglu duties --counts")(duties)
    group = typer.Typer(cls=Commands, no_args_is_help=True, help="单项待办。", add_completion=False, rich_markup_mode="rich")
    # A callback keeps `duty` a group though it has one command only.
    group.callback()(_group)
    group.command("done", cls=command, help="办结一项不随状态结束的待办（核对来文、核对差异、督办等）。\n\n例：tonglu duty done 0199… --reason 已与对方核对")(done)
    app.add_typer(group, name="duty")


def _group() -> None:
    """Only a place for the subcommands."""


def duties(
    holder: Annotated[str, typer.Option(help="应由谁办（机关代码）")] = "",
    kind: Annotated[str, typer.Option(help="种类，例如 route.by_hand、quarantine")] = "",
    overdue: Annotated[bool, typer.Option("--overdue", help="只看已逾期的")] = False,
    counts: Annotated[bool, typer.Option("--counts", help="只按种类和承担者计数")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="最多列多少项")] = 50,
    json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> int:
    from cli.opening import open_all

    where = ["closed_at is null", *(["holder = %(holder)s"] if holder else []), *(["kind = %(kind)s"] if kind else []), *(["due_at <= %(now)s"] if overdue else [])]
    with open_all() as opened, opened.database.transaction() as connection:
        house, now = opened.house, opened.now()
        params = {"holder": holder, "kind": kind, "now": now, "limit": limit + 1}
        if counts:
            found = connection.execute(_COUNTS.format(where=" and ".join(where)), params).fetchall()
            if json:
                as_json([{"kind": k, "holder": h, "duties": n, "overdue": late} for k, _, h, n, late in found])
            else:
                table("待办件数", ("种类", "事项", "应由", "件数", "逾期"), [(k, z, body_name(house, h), n, late) for k, z, h, n, late in found], right=("件数", "逾期"))
            return GOOD
        rows = connection.execute(_ROWS.format(where=" and ".join(where)), params).fetchall()
    if json:
        names = ("duty_id", "kind", "zh", "petition_no", "body", "holder", "due_at", "escalations", "state_bound")
        as_json([dict(zip(names, r, strict=True)) for r in rows[:limit]])
        return GOOD
    table("待办", ("编号", "事项", "信访事项", "有关单位", "应由", "期限", "升级", "用"), [
        (i, zh, no or "", body_name(house, b), body_name(house, h), deadline(end, now), up or "", HOW.get(k, "tonglu duty done")) for i, k, zh, no, b, h, end, up, _ in rows[:limit]])
    if len(rows) > limit:
        say(f"只列出前 {limit} 项；用 --limit 列更多，或用 --counts 看件数")
    return GOOD


def done(
    duty: Annotated[str, typer.Argument(metavar="待办编号")],
    reason: Annotated[str, typer.Option(help="怎样办结的（加密保存）")] = "",
) -> int:
    from cli.commands.acting import told
    from cli.opening import open_all
    from models import desk

    with open_all() as opened:
        with opened.database.transaction() as connection:
            answer = desk.duty_done(connection, duty, reason, opened.house, opened.sealer, opened.now())
        return told(opened, answer, "待办已办结")
