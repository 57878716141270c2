"""`tonglu demo`: fresh data, invented petitions, every manner of partner, a month in seconds, and an account at the end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from cli.demo import audit
from cli.demo.conductor import Conductor, Progress
from cli.demo.features import WHOLE, shown
from cli.demo.office import Office
from cli.demo.people import People
from cli.demo.script import load_play
from cli.demo.showing import show
from cli.stack import Stack, free_ports
from cli.up import sandbox_config, tell
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
    everything: bool = False


class DemoError(RuntimeError):
    """The demonstration cannot run; says why and what to do."""


def run_demo(settings: Settings, house: House, wishes: Wishes, console: Console) -> int:
    """Run the demonstration in its own folder and on its own ports. Returns 0 only if nothing was lost, doubled or left unowned, and every promised road was gone."""
    began = time.monotonic()
    own = _own_settings(settings)
    play = load_play(own.config_dir / "samples", everything=wishes.everything)
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
        people = People(Office(database, house, sealer, play))
        conductor = Conductor(database, clock, START, play, people, own.gateway_url, token, own.sandbox_base, house.bodies.get(house.bureau).division)
        up = time.monotonic()
        _play(conductor, wishes, supervisor, database, console)
        sums = audit.account(database, _ask(own, "effects"), house, conductor.now)
        sums.seconds, sums.virtual_days = round(time.monotonic() - up, 1), (conductor.now - START) / timedelta(days=1)
        with database.transaction() as connection:
            lines, roads = audit.lines(connection, house, conductor.now), shown(connection)
        promised = wishes.days >= WHOLE and not wishes.drop_callbacks
        sums.roads_missing = sum(not road.count for road in roads) if promised else 0
        sums.by_manner = _ask(own, "state")["manners"]
        show(console, lines, roads, sums, promised=promised)
        console.print(f"启动 {up - began:.1f} 秒，运行 {sums.seconds:.1f} 秒，共 {conductor.steps} 步")
        if wishes.json_file is not None:
            said = {"sums": sums.as_dict(), "rows": [asdict(line) for line in lines], "roads": [asdict(road) for road in roads]}
            wishes.json_file.write_text(json.dumps(said, ensure_ascii=False, indent=1), encoding="utf-8")
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
