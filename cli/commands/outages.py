"""`tonglu outages`: every part of an installation away for seconds, minutes, hours, days; what is lost, doubled and late."""

from __future__ import annotations

import json as json_format
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.faults import FOUND, GOOD, Fault


def register(app: typer.Typer, command: type) -> None:
    """Add this command to the application."""
    app.command("outages", cls=command, help="停机演练：各单位系统、流程服务、数据库、网关、工作进程逐一停掉几秒到三天，回告全部丢失三天；"
                "时间加速，进程真停。\n\n每种情形列出丢失、重复、迟到的件数和最长用时；有丢失、重复或其他破例的，结束状态为 1。"
                "在自己的目录里用虚构数据进行，不碰正在使用的账本。\n\n例：tonglu outages --rows partner-3d,gateway")(outages)


def outages(
    rows: Annotated[str, typer.Option(metavar="情形", help="只演这些，逗号分隔，如 partner-6h,gateway；不写则全部")] = "",
    handoffs: Annotated[int, typer.Option(min=3, max=5000, help="每种情形约多少件转送")] = 60,
    seed: Annotated[int, typer.Option(help="虚构来件的随机种子")] = 7,
    report: Annotated[Path | None, typer.Option(help="把结果表写入此 Markdown 文件的标记之间")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="把每种情形的完整账目写入此文件")] = None,
) -> int:
    from rich.console import Console
    from rich.table import Table

    from cli.lapse.matrix import COLUMNS_ZH, Matrix, as_dict, cells, good, markdown, write_report
    from cli.lapse.outage import Result
    from cli.lapse.rows import chosen
    from cli.opening import open_settings, open_sound_house

    settings = open_settings()
    wanted = chosen(rows)
    # A file or a pipe has no width of its own, and the table needs room.
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(f"[bold]停机演练[/]：{len(wanted)} 种情形，每种约 {handoffs} 件，种子 {seed}")
    outcomes = []
    for outcome in Matrix(settings, open_sound_house(settings), seed, handoffs).run(wanted):
        outcomes.append(outcome)
        took = f"（{outcome.seconds:.1f} 秒）" if isinstance(outcome, Result) else ""
        console.print(f"  {outcome.row.zh}：{'[green]无丢失、无重复[/]' if good(outcome) else '[red]未通过[/]'}{took}")
        if isinstance(outcome, Result):
            for check, breach in outcome.account.broken():
                console.print(f"    [red]{check.zh}：{breach.count}[/]，如 {'、'.join(breach.examples)}")
    table = Table(title="停机演练（时间为加速的时钟）")
    for number, column in enumerate(COLUMNS_ZH):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=number == 0)
    for outcome in outcomes:
        table.add_row(*cells(outcome, zh=True), style=None if good(outcome) else "red")
    console.print(table)
    try:
        if json is not None:
            json.write_text(json_format.dumps({"seed": seed, "rows": [as_dict(outcome) for outcome in outcomes]}, ensure_ascii=False, indent=1), encoding="utf-8")
        if report is not None:
            write_report(report, markdown(outcomes, seed, handoffs))
    except OSError as error:
        raise Fault(f"写不了 {error.filename}（{error.strerror}）", "检查目录的权限和剩余空间，或换一个文件") from None
    return GOOD if outcomes and all(map(good, outcomes)) else FOUND
