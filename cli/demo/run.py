"""`tonglu demo`: fresh data, invented petitions, every manner of partner, a month in seconds, and an account at the end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from cli.demo import audit
from cli.demo.clerk import Clerk
from cli.demo.conductor import Conductor, Progress
from cli.stack import Stack, free_ports
from cli.up import sandbox_config, tell
from config.samples import load_samples
from config.settings import Settings
from connectors.keyring import Keyring
from gateway.clients import add_client
from models.db import Database
from models.seal import sealer_for
from rules.calendar import SHANGHAI
from rules.house import House
from runtime.supervisor import Supervisor
from runtime.timesource import write_instant

# A Monday whose month holds the Qingming holiday and its shifted days.
START = datetime(2026, 3, 16, 0, 0, tzinfo=UTC)
MARK = ".tonglu-demo"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller of the demonstration asked for."""

    days: int = 32
    json_file: Path | None = None
    keep: bool = False
    seed: int = 7
    drop_callbacks: bool = False
    kill_worker_on_day: int | None = None
    prefect: bool = True


class DemoError(RuntimeError):
    """The demonstration cannot run; says why and what to do."""


def run_demo(settings: Settings, house: House, wishes: Wishes, console: Console) -> int:
    """Run the demonstration in its own folder and on its own ports. Returns 0 only if nothing was lost, doubled or left unowned."""
    began = time.monotonic()
    own = _own_settings(settings)
    _fresh(own.data_dir)
    clock = own.data_dir / "clock"
    write_instant(clock, START)
    stack = Stack(own, house, runner=wishes.keep)
    stack.prepare()
    ring = Keyring(own.keys)
    for body in house.bodies:
        if body.connector.kind != "desk":
            ring.rotate(body.code)  # so that a body which still signs with its old key is understood
    stack.sandbox = sandbox_config(own, house, seed=wishes.seed, drop_callbacks=wishes.drop_callbacks)
    token = add_client(own.keys, "demo")
    sealer = sealer_for(own.field_keys, own.keys)
    console.print("[bold]通路演示[/]：虚构的澜川市，全新数据，延时时钟")
    with Supervisor(stack.services(), tell(console)) as supervisor, Database(stack.ledger.ledger_url) as database:  # type: ignore[arg-type]
        _wait(stack.prefect_ready, "流程服务 Prefect 没有就绪", 90)
        clerk = Clerk(database, house, sealer)
        samples = load_samples(own.config_dir / "samples" / "petitions.yaml")
        conductor = Conductor(database, clock, START, samples, clerk, own.gateway_url, token, own.sandbox_base)
        up = time.monotonic()
        _play(conductor, wishes, supervisor, database, console)
        sums = audit.account(database, _ask(own, "effects"), house, conductor.now)
        sums.seconds, sums.virtual_days = round(time.monotonic() - up, 1), (conductor.now - START) / timedelta(days=1)
        with database.transaction() as connection:
            lines = audit.lines(connection, house, conductor.now)
        sums.by_manner = _ask(own, "state")["manners"]
        _show(console, lines, sums)
        console.print(f"启动 {up - began:.1f} 秒，运行 {sums.seconds:.1f} 秒，共 {conductor.steps} 步")
        if wishes.json_file is not None:
            rows = [dict(zip(audit.Line.__slots__, (getattr(line, f) for f in audit.Line.__slots__), strict=True)) for line in lines]
            wishes.json_file.write_text(json.dumps({"sums": sums.as_dict(), "rows": rows}, ensure_ascii=False, indent=1), encoding="utf-8")
            console.print(f"已写入 {wishes.json_file}")
        if wishes.keep:
            console.print("\n一切仍在运行，可在浏览器中查看；按 Ctrl-C 停止")
            for address in stack.addresses():
                console.print(f"  {address.zh}：{address.url}")
            # Also for SIGINT: a shell that starts us in the background has it ignored.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, lambda *_: supervisor.ask_to_stop())
            supervisor.wait()
            console.print("正在停止……")
    return 0 if sums.good else 1


def _own_settings(settings: Settings) -> Settings:
    folder = settings.data_dir / "demo"
    gateway, prefect, sandbox = free_ports(3)
    changes: dict[str, Any] = {"database_url": "", "data_dir": folder, "keys_dir": folder / "keys", "field_keys": "", "clock": f"file:{folder / 'clock'}",
                               "gateway_port": gateway, "prefect_port": prefect, "sandbox_port": sandbox, "sandbox_url": "", "host": "127.0.0.1"}
    return settings.model_copy(update=changes)


def _fresh(folder: Path) -> None:
    """Empty the demonstration's own folder, and no other: only one that carries its mark is ever removed."""
    if folder.exists():
        if not (folder / MARK).exists() and any(folder.iterdir()):
            raise DemoError(f"{folder} 不是演示目录，不会清空它；请用 TONGLU_DATA_DIR 另指一个目录")
        pid = _owner(folder)
        if pid:
            raise DemoError(f"另一个演示正在运行（进程 {pid}）；先停止它")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, mode=0o755)
    (folder / MARK).write_text(str(os.getpid()))


def _owner(folder: Path) -> int | None:
    try:
        pid = int((folder / MARK).read_text())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return pid if pid != os.getpid() else None


def _wait(ready: Callable[[], bool], why: str, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > until:
            raise DemoError(why)
        time.sleep(0.1)


def _sending(database: Database, seconds: float = 1.5) -> bool:
    """Whether a message comes to be on the wire within this real time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with database.transaction() as connection:
            if connection.execute("select 1 from outbox where state = 'SENDING' limit 1").fetchone():
                return True
    return False


def _play(conductor: Conductor, wishes: Wishes, supervisor: Supervisor, database: Database, console: Console) -> None:
    killed = False

    def disturb(c: Conductor) -> None:
        nonlocal killed
        if wishes.kill_worker_on_day is None or killed or c.now < START + timedelta(days=wishes.kill_worker_on_day):
            return
        pid = next(h.pid for h in supervisor.health() if h.name == "worker")
        # In the middle of its work, or it proves little.
        if pid and _sending(database):
            os.kill(pid, signal.SIGKILL)
            killed = True
            console.print(f"[red]已强行终止工作进程 {pid}[/]，等待它被重新启动")

    with Live(console=console, refresh_per_second=8, transient=not console.is_terminal) as live:
        def told(p: Progress) -> None:
            local = p.now.astimezone(SHANGHAI)
            day = (p.now - START) / timedelta(days=1)
            live.update(f"  {local:%Y-%m-%d %H:%M}  第{day:5.1f}天  登记 {p.registered:3d}  转送 {p.handed_off:3d}  在办 {p.waiting_bodies:3d}  办结 {p.closed:3d}")

        conductor.run(START + timedelta(days=wishes.days), told, disturb)


def _ask(settings: Settings, what: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{settings.sandbox_base}/control/{what}", timeout=60) as answer:  # noqa: S310  (our own sandbox)
        return dict(json.load(answer))


def _show(console: Console, lines: list[audit.Line], sums: audit.Sums) -> None:
    table = Table(title="每件信访事项走过的路", show_lines=False)
    for column in ("编号", "类别", "路径", "现状", "持有者", "期限", "结果", "天数"):
        table.add_column(column, overflow="fold", justify="right" if column == "天数" else "left")
    for line in lines:
        table.add_row(line.petition_no, f"{line.klass} {line.branch}", line.road, line.state, line.holder, line.next_due, line.outcome, str(line.days))
    console.print(table)
    account = Table(title="账目", show_header=False)
    shown = {
        "信访事项": sums.petitions, "转送件": sums.handoffs, "发出文书": sums.messages_out, "收到回告": sums.messages_in, "签名回执": sums.receipts,
        "已办结": sums.closed, "在办": sums.open, "丢失": sums.lost, "重复": sums.doubled, "无持有者": sums.without_holder, "无期限": sums.without_due_date,
        "到期未提醒": sums.overdue_unrung, "流转记录缺陷": sums.journal_flaws, "对账次数": sums.reconciliations, "发现差异": sums.differences_found,
        "已自愈": sums.differences_healed, "转人工": sums.differences_to_people, "未了差异": sums.differences_open, "待办（未办/全部）": f"{sums.duties_open}/{sums.duties_opened}",
        "不合路线图来文": sums.quarantined,
    }
    for name, value in shown.items():
        bad = name in ("丢失", "重复", "无持有者", "无期限", "到期未提醒", "流转记录缺陷") and value
        account.add_row(name, f"[red]{value}[/]" if bad else str(value))
    console.print(account)
    console.print("[green]没有丢失，没有重复，件件有持有者和期限[/]" if sums.good else "[red]演示未通过：见上表[/]")


