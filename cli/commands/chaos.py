"""`tonglu chaos`: the whole product under a monkey, and the account of both ledgers afterwards."""

from __future__ import annotations

import json as json_format
import logging
from pathlib import Path
from typing import Annotated

import typer

from cli.faults import FOUND, GOOD, Fault


def register(app: typer.Typer, command: type) -> None:
    """Add this command to the application."""
    app.command("chaos", cls=command, help="破坏性试验：全部服务照常运行，同时随机强行终止各进程、丢失和重复网络消息、写满磁盘、拨乱对方时钟，"
                "最后逐件核对双方账目。\n\n丢失、重复、无人持有、期限未提醒的有一件，结束状态就是 1。在自己的目录里用虚构数据进行，不碰正在使用的账本。"
                "同一种子重演同样的破坏（与机器快慢有关的先后除外）。\n\n例：tonglu chaos --seed 3 --handoffs 2000 --minutes 5 --kills 40")(chaos)


def chaos(
    seed: Annotated[int, typer.Option(help="一切随机决定的种子")] = 1,
    handoffs: Annotated[int, typer.Option(min=1, max=100_000, help="多少件转送")] = 2000,
    minutes: Annotated[float, typer.Option(min=0.2, max=600, help="破坏持续多少分钟（实际时间）；之后恢复、核对另需几分钟")] = 5.0,
    kills: Annotated[int, typer.Option(min=0, max=5000, help="至少强行终止多少次")] = 40,
    days: Annotated[float, typer.Option(min=0.5, max=60, help="破坏期间时钟走过多少天")] = 6.0,
    migrations: Annotated[int, typer.Option(min=0, max=100, help="每个旧版账本的升级强行终止几次；0 不试")] = 1,
    keep: Annotated[bool, typer.Option("--keep", help="核对后不停，留着查看，Ctrl-C 停止")] = False,
    wire: Annotated[float, typer.Option(min=0, max=10, help="网络故障是通常的几倍；0 不出故障")] = 1.0,
    report: Annotated[Path | None, typer.Option(help="把结果写入此 Markdown 文件的标记之间")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="把完整结果写入此文件")] = None,
) -> int:
    from rich.console import Console

    from cli.chaos.report import show, stay, write_report
    from cli.chaos.run import Outcome, Wishes, run
    from cli.lapse.installation import Installation
    from cli.opening import open_settings, open_sound_house

    settings = open_settings()
    # That the database is away is what this command is about, and each try of the pool would be a line.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    logging.getLogger("tonglu.supervisor").setLevel(logging.CRITICAL)
    console = Console()
    wishes = Wishes(seed=seed, handoffs=handoffs, minutes=minutes, kills=kills, days=days, migrations=migrations, wire=wire)
    console.print(f"[bold]破坏性试验[/]：种子 {seed}，{handoffs} 件，{minutes:g} 分钟，强行终止至少 {kills} 次")

    def at_end(outcome: Outcome, installation: Installation) -> None:
        show(outcome, console)
        if keep:
            stay(installation, console)

    outcome = run(settings, open_sound_house(settings), wishes, lambda line: console.print(f"  {line}", highlight=False), at_end)
    try:
        if json is not None:
            json.write_text(json_format.dumps(outcome.as_dict(), ensure_ascii=False, indent=1), encoding="utf-8")
        if report is not None:
            write_report(report, outcome)
    except OSError as error:
        raise Fault(f"写不了 {error.filename}（{error.strerror}）", "检查目录的权限和剩余空间，或换一个文件") from None
    return GOOD if outcome.good else FOUND
