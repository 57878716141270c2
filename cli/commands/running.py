"""What runs for long: up, demo, work, gateway, deploy; and lookup, which asks as the Prefect UI does."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.faults import FOUND, GOOD, Fault

if TYPE_CHECKING:
    from flows.context import Context


def register(app: typer.Typer, command: type) -> None:
    """Add these commands to the application."""
    app.command(cls=command, help="看一遍：虚构的城市，全新数据，各类信访事项在各机关之间流转一个月，最后列表说明每件在哪里。\n\n"
                "丢失、重复、无人持有的有一件，结束状态就是 1。\n\n例：tonglu demo --keep")(demo)
    app.command(cls=command, help="启动全部服务：数据库、流程界面、网关、常驻工作进程、流程执行进程；Ctrl-C 停止。\n\n例：tonglu up --sandbox")(up)
    app.command(cls=command, help="只运行常驻工作进程：分流、投递、收讯、巡查、对账。Ctrl-C 或 SIGTERM 停止。")(work)
    app.command(cls=command, help="只运行网关：接收各单位的回告和业务系统的登记。")(gateway)
    app.command(cls=command, help="把各流程登记到 Prefect（含定时），之后可在其界面查看和运行。")(deploy)
    app.command(cls=command, help="按编号查一件信访事项的流转，与在 Prefect 界面运行“查询”所见相同；不含个人信息。\n\n例：tonglu lookup XF99010020260316000001")(lookup)


@contextmanager
def flow_context(*, keep: bool = False) -> Iterator[Context]:
    """The flows' own context, on our ledger; `keep` as for `open_server`. Raises Fault when anything is missing."""
    from cli.opening import open_all
    from flows.context import open_context

    with open_all(keep=keep) as opened:
        context = open_context(opened.settings.model_copy(update={"database_url": opened.database.url}), time_source=opened.time)
        try:
            yield context
        finally:
            context.close()


def demo(
    days: Annotated[int, typer.Option(min=1, max=400, help="演示多少天")] = 32,
    json: Annotated[Path | None, typer.Option("--json", help="把账目和逐件结果写入此文件")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="演完不停，留着在浏览器里看")] = False,
    seed: Annotated[int, typer.Option(help="沙箱各单位脾性的随机种子")] = 7,
    drop_callbacks: Annotated[bool, typer.Option("--drop-callbacks", help="丢弃对方的一切回告，只靠对账推进")] = False,
    kill_worker: Annotated[int | None, typer.Option("--kill-worker", help="在第几天强行终止工作进程")] = None,
    everything: Annotated[bool, typer.Option("--all", help="演全部示例，每种具名情形都有，要久一些")] = False,
) -> int:
    from rich.console import Console

    from cli.demo.run import Wishes, run_demo
    from cli.opening import open_settings, open_sound_house

    settings = open_settings()
    wishes = Wishes(days=days, json_file=json, keep=keep, seed=seed, drop_callbacks=drop_callbacks, kill_worker_on_day=kill_worker, everything=everything)
    # A file or a pipe has no width of its own, and the table needs room.
    return run_demo(settings, open_sound_house(settings), wishes, Console(width=None if sys.stdout.isatty() else 180))


def up(sandbox: Annotated[bool, typer.Option("--sandbox", help="同时启动沙箱：扮演各机关的虚构单位")] = False) -> int:
    from rich.console import Console

    from cli.opening import open_settings, open_sound_house
    from cli.up import run_up

    settings = open_settings()
    return run_up(settings, open_sound_house(settings), with_sandbox=sandbox, console=Console())


def work() -> int:
    from flows import worker

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)

    async def run(context: Context) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await worker.work(context, stop)

    with flow_context(keep=True) as context:
        asyncio.run(run(context))
    return GOOD


def gateway() -> int:
    from cli.opening import check_ready, open_server, open_settings
    from gateway import main

    settings = open_settings()
    with open_server(settings, keep=True) as url:
        check_ready(url)
        try:
            main.run(settings.model_copy(update={"database_url": url}))
        except main.CannotStart as error:
            raise Fault(str(error)) from None
    return GOOD


def deploy() -> int:
    import requests

    from cli.opening import open_settings
    from flows import deploy as deployments

    try:
        made = deployments.deploy()
    except requests.RequestException:
        raise Fault(f"流程服务 Prefect 没有在 {open_settings().prefect_api} 应答", "先运行 tonglu up，或用 TONGLU_PREFECT_PORT、PREFECT_API_URL 指明") from None
    for one in made:
        print(f"{one.name}：{'新登记' if one.new else '已有，定时不变'}")
    return GOOD


def lookup(number: Annotated[str, typer.Argument(metavar="编号", help="XF 加 20 位数字")]) -> int:
    from flows import lookup as flow
    from flows.trace import SILENT

    with flow_context() as context:
        found = asyncio.run(flow.run(context, SILENT, number))
    print(found)
    # Only a timeline has a heading.
    return GOOD if found.startswith("# ") else FOUND
