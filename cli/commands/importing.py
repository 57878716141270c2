"""`tonglu import`: petitions from a file, by a mapping."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.faults import FOUND, GOOD
from cli.shell import say

if TYPE_CHECKING:
    from cli.importing.run import Sums


def register(app: typer.Typer, command: type) -> None:
    """Add this command to the application."""
    app.command("import", cls=command, help="把文件（.xlsx、.csv、.jsonl）中的来件登记入账。哪一列是什么，由映射文件说明（见 docs/import.md）。\n\n"
                "不合格的行连同原因写入旁边的“文件名.rejected.csv”，合格的行照常登记；同一文件再导入一次不会重复。有退件时结束状态为 1。\n\n"
                "例：tonglu import 来件.xlsx --mapping config/imports/teddy2020c_messages.yaml --dry-run\n\n"
                "例：tonglu import 来件.xlsx --mapping config/imports/teddy2020c_messages.yaml --route")(import_)


def import_(
    file: Annotated[Path, typer.Argument(metavar="文件", help="要导入的文件")],
    mapping: Annotated[Path, typer.Option(help="映射文件（YAML）")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="什么也不写，只说会怎样")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="最多读多少行")] = None,
    route: Annotated[bool, typer.Option("--route", help="登记后立即分流；否则留给常驻工作进程")] = False,
) -> int:
    from cli.importing.mapping import load_mapping
    from cli.importing.run import import_file, route_registered
    from cli.opening import open_all

    began = time.monotonic()
    with open_all() as opened, _Bar() as bar:
        by = load_mapping(mapping, opened.house)
        sums = import_file(file, by, opened, dry=dry_run, limit=limit, told=bar.told)
        if route and not dry_run:
            route_registered(opened, sums, bar.told)
    _tell(sums, dry=dry_run, routed=route or dry_run, seconds=time.monotonic() - began)
    return FOUND if sums.rejected else GOOD


class _Bar:
    """A progress bar on the error stream; nothing where that is no terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console(stderr=True)
        self._progress = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("退件 {task.fields[bad]}"),
                                  TimeElapsedColumn(), console=console, disable=not console.is_terminal, transient=True)
        self._task = self._progress.add_task("导入", total=None, bad=0)

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def told(self, sums: Sums, total: int | None) -> None:
        """Show the sums so far."""
        self._progress.update(self._task, completed=sums.rows, total=total, bad=sums.rejected, description="分流" if sums.routed + sums.to_clerk else "导入")


def _tell(sums: Sums, *, dry: bool, routed: bool, seconds: float) -> None:
    will = "会" if dry else ""
    print(f"读入 {sums.rows} 行：{will}新登记 {sums.new}，已有 {sums.known}，{will}退件 {sums.rejected}，略过 {sums.skipped}")
    if routed:
        print(f"分流：{will}转送 {sums.routed}，{will}交经办人 {sums.to_clerk}")
    else:
        print("分流：由常驻工作进程进行（tonglu work），或用 --route 立即进行")
    if sums.rules:
        print("关键词规则命中：" + "，".join(f"{name} {count}" for name, count in sums.rules.most_common()))
    for reason, count in sums.reasons.most_common(20):
        say(f"退件 {count} 行：{reason}")
    if sums.rejected and sums.rejects_path is not None:
        say(f"退件清单：{sums.rejects_path}")
    if dry:
        print("（--dry-run：什么也没有写）")
    print(f"用时 {seconds:.1f} 秒")
