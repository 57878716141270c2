"""`tonglu db upgrade|status`, `tonglu verify`: the ledger's tables, and the proof that nobody touched its journal."""

from __future__ import annotations

import typer

from cli.faults import FOUND, GOOD
from cli.shell import Commands, say


def register(app: typer.Typer, command: type) -> None:
    """Add these commands to the application."""
    group = typer.Typer(cls=Commands, no_args_is_help=True, help="账本的建立与升级。", add_completion=False, rich_markup_mode="rich")
    group.command("upgrade", cls=command, help="建立账本，或升级到最新版；已是最新则什么也不做。\n\n例：tonglu db upgrade")(upgrade)
    group.command("status", cls=command, help="账本是第几版，与程序是否一致；不一致时结束状态为 1。")(status)
    app.add_typer(group, name="db")
    app.command(cls=command, help="核验流转记录：任何被改动、删除、调换的记录都会逐条列出（编号和第几条），结束状态为 1。")(verify)


def upgrade() -> int:
    from cli.opening import open_server, open_settings
    from models import migrate
    from models.seal import sealer_for

    settings = open_settings()
    with open_server(settings, create=True) as url:
        before = migrate.status(url).current
        migrate.upgrade(url)
        now = migrate.status(url).current
    sealer_for(settings.field_keys, settings.keys, create=True)
    done = "账本已建立" if before is None else "账本已是最新" if before == now else f"账本已从第 {before} 版升级"
    print(f"{done}：第 {now} 版")
    return GOOD


def status() -> int:
    from cli.opening import open_server, open_settings
    from models import migrate

    with open_server(open_settings()) as url:
        found = migrate.status(url)
    if found.ready:
        print(f"账本已是最新：第 {found.current} 版")
        return GOOD
    if found.current is None:
        say("账本是空的。修正：tonglu db upgrade")
    elif found.current != found.newest:
        say(f"账本是第 {found.current} 版，程序需要第 {found.newest} 版。修正：tonglu db upgrade")
    else:
        say(f"账本的表与程序有 {len(found.drift)} 处不同。修正：有人改过表结构，恢复备份或请维护人员核对：")
        for line in found.drift:
            say(f"  {line[:200]}")
    return FOUND


def verify() -> int:
    from cli.opening import open_all
    from models import journal

    count, flaws = journal.Count(), 0
    with open_all() as opened, opened.database.transaction() as connection:
        for flaw in journal.verify(connection, count):
            flaws += 1
            print(flaw, flush=True)
    if flaws:
        say(f"核验了 {count.petitions} 件信访事项的 {count.rows} 条流转记录：发现 {flaws} 处缺陷。修正：与备份核对上列记录，并查明是谁动了数据库")
        return FOUND
    print(f"核验了 {count.petitions} 件信访事项的 {count.rows} 条流转记录：完好")
    return GOOD
