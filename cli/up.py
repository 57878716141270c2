"""`tonglu up`: everything of one installation under one roof, until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from cli.stack import Stack, StackError, taken
from config.settings import Settings
from connectors.keyring import Keyring
from rules.house import House
from runtime.supervisor import Health, State, Supervisor
from sandbox.config import dump, example

STATE_ZH = {State.WAITING: "等待", State.STARTING: "启动中", State.READY: "就绪", State.UNREADY: "未应答", State.SILENT: "久未应答，将重启",
            State.CRASHED: "已崩溃，将重启", State.GIVEN_UP: "已放弃", State.HELD: "按要求停用", State.STOPPED: "已停止"}
NAME_ZH = {"postgresql": "数据库 PostgreSQL", "prefect": "流程服务 Prefect", "sandbox": "沙箱", "gateway": "网关", "worker": "常驻工作进程",
           "runner": "流程执行进程"}


def tell(console: Console) -> Callable[[Health], None]:
    """A listener that prints each change of health as one Chinese line."""

    def told(health: Health) -> None:
        style = {State.READY: "green", State.CRASHED: "red", State.SILENT: "red", State.GIVEN_UP: "red", State.HELD: "yellow"}.get(health.state, "dim")
        pid = f"（进程 {health.pid}）" if health.pid else ""
        console.print(f"  {NAME_ZH.get(health.name, health.name)}：[{style}]{STATE_ZH[health.state]}[/]{pid}")

    return told


def sandbox_config(settings: Settings, house: House, *, seed: int = 0, drop_callbacks: bool = False, gateway: str = "") -> Path:
    """Write the sandbox's configuration: every body that is reached over the wire, each manner somewhere; keys from the keyring.

    `gateway`: by what address the bodies reach the gateway; empty: its own.
    """
    codes = [b.code for b in house.bodies if any(w.kind == "http" and "{sandbox}" in str(w.options.get("url", "")) for w in b.ways)]
    ring = Keyring(settings.keys)
    ring.ensure(codes)
    for code in codes:
        if len(ring.of(code).from_body) < 2:
            ring.rotate(code)  # one of the manners signs with the old key of two
    keys = {code: (ring.of(code).to_body, ring.of(code).from_body) for code in codes}
    config = example(codes, ledger=settings.data_dir / "sandbox.sqlite", hooks_url=f"{gateway or settings.gateway_url}/hooks", keys=keys, mix=True, seed=seed)
    path = settings.data_dir / "sandbox.json"
    bodies = {code: body.model_copy(update={"options": _drawn(body.options)}) for code, body in config.bodies.items()}
    dump(config.model_copy(update={"bodies": bodies, "drop_callbacks": drop_callbacks}), path)
    return path


def _drawn(options: Mapping[str, Any]) -> dict[str, Any]:
    """The same manners, drawn by seed, body and petition: gone round in turn, they would depend on which of several senders comes first."""
    return {"weights": dict.fromkeys(options["cycle"], 1.0), "options": options["options"]}


def run_up(settings: Settings, house: House, *, with_sandbox: bool, console: Console) -> int:
    """Start everything, print where it is, watch until Ctrl-C. Returns the exit status.

    Raises:
        StackError: a port is taken; nothing was started.
    """
    busy = taken(settings, sandbox=with_sandbox)
    if busy:
        raise StackError(f"端口 {', '.join(map(str, busy))} 已被占用：关闭占用它的程序，或用 TONGLU_GATEWAY_PORT、TONGLU_PREFECT_PORT、TONGLU_SANDBOX_PORT 换一个")
    stack = Stack(settings, house)
    stack.prepare()
    if with_sandbox:
        stack.sandbox = sandbox_config(settings, house)
    if settings.clock not in ("", "machine"):
        console.print(f"[yellow]注意：时间取自 {settings.clock}，不是本机时钟[/]")
    supervisor = Supervisor(stack.services(), tell(console))

    def ready() -> None:
        console.print("\n[bold]通路已启动[/]，按 Ctrl-C 停止")
        for address in stack.addresses():
            console.print(f"  {address.zh}：{address.url}")
        console.print(f"  日志：{stack.logs}\n")

    return supervisor.run(ready)
