"""`tonglu suspend|resume|suspensions`: sending to a body stopped and taken up again by hand, and who did so when and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands.showing import as_json, body_name, local, parse_moment, table
from cli.faults import GOOD, Fault
from rules.taxonomy import way_zh

if TYPE_CHECKING:
    from models.breaker import Standing

BodyArg = Annotated[str, typer.Argument(metavar="机关代码", help="例如 court-990100")]
By = Annotated[str, typer.Option("--by", envvar="TONGLU_CLERK", help="何人决定：工号或科室，不写姓名")]
Why = Annotated[str, typer.Option(help="原因（不写个人信息）")]
ACT_ZH = {"suspend": "暂停", "resume": "恢复"}


def register(app: typer.Typer, command: type) -> None:
    """Add these commands to the application."""
    app.command(cls=command, help="暂停向一个机关投递：文书留在队列里，期限照走；不写 --until 则直到恢复为止。按机关，不按文种。\n\n"
                "例：tonglu suspend court-990100 --until 2026-03-20T09:00 --reason 对方系统升级 --by 1024")(suspend)
    app.command(cls=command, help="恢复向一个机关投递（只解除人工暂停；接口不通的，仍按其试投时间）。\n\n"
                "例：tonglu resume court-990100 --reason 升级完毕 --by 1024")(resume)
    app.command(cls=command, help="何人何时为何暂停或恢复过投递，新的在前。\n\n例：tonglu suspensions court-990100")(suspensions)


def suspend(
    body: BodyArg,
    reason: Why,
    until: Annotated[str, typer.Option(help="暂停到何时（北京时间），例如 2026-03-20 或 2026-03-20T09:00；不写则直到恢复为止")] = "",
    by: By = "",
) -> int:
    from cli.opening import open_all
    from models import suspending

    end = parse_moment(until) if until else None
    with open_all() as opened:
        try:
            with opened.database.transaction() as connection:
                suspending.suspend(connection, body, by, reason, end, opened.house, opened.now())
        except ValueError as error:
            raise Fault(str(error)) from None
        lasts = f"至 {local(end)}" if end else "直到恢复为止"
        print(f"已暂停向{body_name(opened.house, body)}投递，{lasts}；恢复用 tonglu resume {body} --reason 原因")
    return GOOD


def resume(body: BodyArg, reason: Why, by: By = "") -> int:
    from cli.opening import open_all
    from models import breaker, suspending

    with open_all() as opened:
        now = opened.now()
        try:
            with opened.database.transaction() as connection:
                changed = suspending.resume(connection, body, by, reason, opened.house, now)
                standing = breaker.standing(connection, now, [body])
        except ValueError as error:
            raise Fault(str(error)) from None
        name = body_name(opened.house, body)
        print(f"已恢复向{name}投递" if changed else f"{name}并未暂停")
        for left in standing:
            print(f"{name}：{in_words(left)}")
    return GOOD


def suspensions(
    body: Annotated[str, typer.Argument(metavar="[机关代码]", help="不写则全部")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="最多几行")] = 50,
    json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> int:
    from cli.opening import open_all
    from models import suspending

    with open_all() as opened:
        if body and body not in opened.house.bodies:
            raise Fault(f"机关目录中没有 {body[:80]}", "用 tonglu bodies 查看代码")
        with opened.database.transaction() as connection:
            found = suspending.acts(connection, body or None, limit)
        if json:
            as_json([{"body": a.body, "act": a.act, "at": a.at, "by": a.by, "reason": a.reason, "until": a.until} for a in found])
        elif found:
            table("暂停与恢复", ("时间", "单位", "办理", "至", "何人", "原因"), [
                (local(a.at), body_name(opened.house, a.body), ACT_ZH[a.act], "" if a.act == "resume" else local(a.until) or "恢复为止", a.by or "未写明", a.reason)
                for a in found])
        else:
            print("没有人暂停过投递")
    return GOOD


def in_words(s: Standing) -> str:
    """How a body that is not simply well stands, for a clerk: 暂停投递, 接口不通, 正在试投, 限速."""
    from connectors.http.words import in_chinese

    said = []
    if s.suspended:
        until = f"至 {local(s.suspended_until)}" if s.suspended_until else "直到恢复为止"
        said.append(f"人工暂停投递，{until}（{s.suspended_by or '未写明何人'}：{s.suspended_reason}）")
    way = way_zh(s.way) if s.way else ""
    if s.breaker.state == "OPEN":
        said.append(f"{way}接口不通，自 {local(s.breaker.opened_at)} 起（{s.breaker.cause}：{in_chinese(s.breaker.cause)}），{local(s.breaker.probe_at)} 起有到期文书即试投一件")
    elif s.breaker.state == "HALF_OPEN":
        said.append(f"{way}接口不通，自 {local(s.breaker.opened_at)} 起（{s.breaker.cause}：{in_chinese(s.breaker.cause)}），正在试投一件")
    if s.token_at is not None:
        said.append(f"限速，{local(s.token_at)} 起续投")
    return "；".join(said)
