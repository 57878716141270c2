"""`tonglu resend`: one message, or many to one body, again: same id, same bytes, and never before it was said whether the body may hold them."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Annotated

import typer

from cli.commands.acting import Clerk
from cli.commands.showing import parse_day, parse_moment
from cli.faults import Fault
from rules.taxonomy import OUTBOX_ZH


def register(app: typer.Typer, command: type) -> None:
    """Add this command to the application."""
    app.command(cls=command, help="按原编号、原内容重发：先说明对方是否可能已持有，再按编号询问；对方确认已收的补登回执，不重发。\n\n"
                "只写文书编号的重发一件；写 --body 的，重发送往该单位的一批，先列出件数，确认后才办。结束状态：0 都已办理；1 有不能重发的。\n\n"
                "例：tonglu resend 0199aaaa-… --dry-run\n\n例：tonglu resend 0199aaaa-… --way 1\n\n"
                "例：tonglu resend 0199aaaa-… --not-held --reason 3月16日电话核实，收发室查无此件\n\n"
                "例：tonglu resend --body court-990100 --from 2026-03-01 --to 2026-03-16 --state DEAD --dry-run")(resend)


def resend(
    message: Annotated[str, typer.Argument(metavar="[文书编号]", help="不写则须写 --body")] = "",
    body: Annotated[str, typer.Option(help="批量：送往哪个单位（机关代码）")] = "",
    since: Annotated[str, typer.Option("--from", help="批量：发文时间从何日（或何时）起，北京时间，例如 2026-03-01")] = "",
    until: Annotated[str, typer.Option("--to", help="批量：发文时间到何日（含当日）或何时为止")] = "",
    state: Annotated[list[str] | None, typer.Option(help="批量：现状，可写多次：DEAD、UNKNOWN、WEAK_RECEIPT、RETRY_WAIT；不写则四种都算")] = None,
    way: Annotated[int | None, typer.Option(help="改走哪条通道：0 主通道，1 起为 bodies.yaml 中的 fallbacks；不写则不改")] = None,
    not_held: Annotated[bool, typer.Option("--not-held", help="经人核实对方没有收到（须写 --reason，记入账本）；对方系统说已收的仍不重发")] = False,
    reason: Annotated[str, typer.Option(help="重发的理由（加密保存）")] = "",
    clerk: Clerk = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只说会怎样做：除按编号询问外什么也不发，什么也不改变")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="批量：不再询问，直接办理")] = False,
) -> int:
    from cli.opening import open_all
    from cli.resend.acting import By

    if bool(message) == bool(body):
        raise Fault("要写一个文书编号，或用 --body 写一个单位，二者取一", "加 --help 看例子")
    if not_held and not reason.strip():
        raise Fault("--not-held 缺少 --reason", "写明何人何时怎样核实对方没有收到")
    by = By(clerk, reason.strip())
    if message:
        for given, option in ((since, "--from"), (until, "--to"), (state, "--state"), (yes, "--yes")):
            if given:
                raise Fault(f"{option} 与文书编号不能同用", "只重发一件的，只写文书编号；批量的改写 --body")
        from cli.resend.single import resend_one

        with open_all() as opened:
            return resend_one(opened, message.strip(), way, not_held, by, dry_run)
    from cli.resend.bulk import Wanted, resend_many

    wanted = Wanted(body, _start(since), parse_moment(until) if until else None, _states(state or []), way)
    if wanted.since is not None and wanted.until is not None and wanted.since >= wanted.until:
        raise Fault("--from 不早于 --to，其间没有时间", "改正两个日期")
    with open_all() as opened:
        return resend_many(opened, wanted, not_held, by, dry_run=dry_run, yes=yes)


def _states(given: list[str]) -> tuple[str, ...]:
    from models.resending import RESENDABLE

    for each in given:
        if each not in RESENDABLE:
            raise Fault(f"--state {each[:20]} 不能批量重发", "用以下之一：" + "、".join(f"{s}（{OUTBOX_ZH[s]}）" for s in RESENDABLE))
    return tuple(dict.fromkeys(given)) or RESENDABLE


def _start(text: str) -> datetime | None:
    """The first moment of a day in Beijing, or the moment itself."""
    from rules.calendar import SHANGHAI

    if not text:
        return None
    return datetime.combine(parse_day(text), time(), SHANGHAI).astimezone(UTC) if len(text) == 10 else parse_moment(text)
