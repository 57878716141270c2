"""`tonglu demo`: fresh data, invented petitions, every manner of partner, a month in seconds, and an account at the end."""

from __future__ import annotations

import json
import signal
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.live import Live

from cli.demo import audit
from cli.demo.conductor import Conductor, Progress
from cli.demo.features import WHOLE, shown
from cli.demo.office import Office
from cli.demo.people import People
from cli.demo.script import load_play
from cli.demo.showing import show
from cli.lapse.installation import START, Installation, Wanted
from cli.up import tell
from config.settings import Settings
from models.db import Database
from rules.calendar import SHANGHAI
from rules.house import House


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


def run_demo(settings: Settings, house: House, wishes: Wishes, console: Console) -> int:
    """Run the demonstration in its own folder and on its own ports. Returns 0 only if nothing was lost, doubled or left unowned, and every promised road was gone."""
    began = time.monotonic()
    installation = Installation(settings, house, Wanted("demo", seed=wishes.seed, drop_callbacks=wishes.drop_callbacks, runner=wishes.keep), tell(console))
    play = load_play(installation.settings.config_dir / "samples", everything=wishes.everything)
    console.print("[bold]通路演示[/]：虚构的澜川市，全新数据，延时时钟")
    with installation:
        people = People(Office(installation.database, house, installation.sealer, play))
        conductor = Conductor(installation, play, people)
        up = time.monotonic()
        _play(conductor, wishes, installation, console)
        sums = audit.account(installation.database, installation.ask("books"), house, conductor.now)
        sums.seconds, sums.virtual_days = round(time.monotonic() - up, 1), (conductor.now - START) / timedelta(days=1)
        with installation.database.transaction() as connection:
            lines, roads = audit.lines(connection, house, conductor.now), shown(connection)
        promised = wishes.days >= WHOLE and not wishes.drop_callbacks
        sums.roads_missing = sum(not road.count for road in roads) if promised else 0
        sums.by_manner = installation.ask("state")["manners"]
        show(console, lines, roads, sums, promised=promised)
        console.print(f"启动 {up - began:.1f} 秒，运行 {sums.seconds:.1f} 秒，共 {conductor.steps} 步")
        if wishes.json_file is not None:
            said = {"sums": sums.as_dict(), "rows": [asdict(line) for line in lines], "roads": [asdict(road) for road in roads]}
            wishes.json_file.write_text(json.dumps(said, ensure_ascii=False, indent=1), encoding="utf-8")
            console.print(f"已写入 {wishes.json_file}")
        if wishes.keep:
            console.print("\n一切仍在运行，可在浏览器中查看；按 Ctrl-C 停止")
            for address in installation.stack.addresses():
                console.print(f"  {address.zh}：{address.url}")
            # Also for SIGINT: a shell that starts us in the background has it ignored.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, lambda *_: installation.supervisor.ask_to_stop())
            installation.supervisor.wait()
            console.print("正在停止……")
    return 0 if sums.good else 1


def _sending(database: Database, seconds: float = 1.5) -> bool:
    """Whether a message comes to be on the wire within this real time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with database.transaction() as connection:
            if connection.execute("select 1 from outbox where state = 'SENDING' limit 1").fetchone():
                return True
    return False


def _play(conductor: Conductor, wishes: Wishes, installation: Installation, console: Console) -> None:
    killed = False

    def disturb(c: Conductor) -> None:
        nonlocal killed
        if wishes.kill_worker_on_day is None or killed or c.now < START + timedelta(days=wishes.kill_worker_on_day):
            return
        # In the middle of its work, or it proves little.
        if _sending(installation.database) and (pid := installation.kill("worker")):
            killed = True
            console.print(f"[red]已强行终止工作进程 {pid}[/]，等待它被重新启动")

    with Live(console=console, refresh_per_second=8, transient=not console.is_terminal) as live:
        def told(p: Progress) -> None:
            local = p.now.astimezone(SHANGHAI)
            day = (p.now - START) / timedelta(days=1)
            live.update(f"  {local:%Y-%m-%d %H:%M}  第{day:5.1f}天  登记 {p.registered:3d}  转送 {p.handed_off:3d}  在办 {p.waiting_bodies:3d}  办结 {p.closed:3d}")

        conductor.run(START + timedelta(days=wishes.days), told, disturb)

