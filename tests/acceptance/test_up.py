"""`tonglu up`: starts everything, moves a case, stops cleanly, leaves nothing behind even after kill -9, and goes on where it was."""

from __future__ import annotations

import re
import socket

import pytest
import requests

from tests.acceptance.conftest import Make
from tests.acceptance.frontdesk import FrontDesk
from tests.acceptance.installation import Installation, Running, gone, touching

STARTED = "通路已启动"
SERVICES = ["数据库 PostgreSQL", "流程服务 Prefect", "沙箱", "网关", "常驻工作进程", "流程执行进程"]


def healthy(running: Running) -> None:
    """Wait until it says so of every service."""
    running.wait_for(STARTED)
    for name in SERVICES:
        running.until(lambda name=name: bool(running.service(name)), f"{name} ready")  # type: ignore[misc]


def prompt_partners(made: Installation) -> None:
    """From now on every body does at once what it should."""
    made.tell_sandbox("manners", {"manner": "prompt"})


def test_a_case_goes_out_and_is_there_again_after_ctrl_c_and_after_kill_9(install: Make) -> None:
    made = install()
    desk = FrontDesk(made)
    with made.running("up", "--sandbox") as running:
        healthy(running)
        urls = re.findall(r"http://\S+", running.text)
        assert [url.split("/")[2].partition(":")[2] for url in urls] == [str(p) for p in (made.prefect_port, made.gateway_port, made.sandbox_port)]
        assert all(requests.get(url, timeout=30).status_code == 200 for url in urls)
        health = requests.get(f"{made.gateway}/healthz", timeout=30).json()
        assert health["ok"]
        assert health["clock"] == "machine"
        running.until(lambda: bool((requests.get(f"{made.gateway}/healthz", timeout=30).json()["worker"] or {}).get("alive")), "sign of life")
        prompt_partners(made)
        first = desk.hand_in("A-1")
        took = running.until(lambda: desk.delivered(first), "delivery", 60)
        print(f"handed in and delivered within {took:.2f} s")
        assert desk.hand_in("A-1") == first
        assert len(touching(made.folder)) > 6
        assert running.interrupt() == 0, running.text
        assert touching(made.folder) == {}
        assert "Traceback" not in running.text

    with made.running("up", "--sandbox") as running:
        running.wait_for(STARTED)
        assert desk.delivered(first)
        second = desk.hand_in("A-2", place=1)
        running.until(lambda: desk.delivered(second), "delivery", 60)
        pids = touching(made.folder)
        assert any("postgres" in command for command in pids.values())
        running.kill()
        took = gone(made.folder, 30)
        print(f"after kill -9 nothing was left after {took:.1f} s")

    with made.running("up", "--sandbox") as running:
        running.wait_for(STARTED)
        assert desk.ask(first)["state"] == desk.ask(second)["state"] == "HANDED_OFF"
        assert [len(desk.ask(number)["handoffs"]) for number in (first, second)] == [1, 1]
        assert sorted(seen["cases"] for seen in made.effects().values()) == [1, 1]
        assert running.interrupt() == 0, running.text


def test_ctrl_c_while_it_starts_leaves_nothing(install: Make) -> None:
    made = install()
    with made.running("up", "--sandbox") as running:
        running.wait_for("数据库 PostgreSQL：启动中")
        assert running.interrupt() == 0, running.text
        assert touching(made.folder) == {}
        assert STARTED not in running.text


@pytest.mark.parametrize("which", ["gateway", "prefect", "sandbox"])
def test_a_taken_port_is_named_and_nothing_is_started(install: Make, which: str) -> None:
    made = install()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        setattr(made, f"{which}_port", port)
        code, said = made.run("up", "--sandbox")
    assert code == 2
    assert f"端口 {port} 已被占用" in said
    assert f"TONGLU_{which.upper()}_PORT" in said
    assert "Traceback" not in said
    assert list(made.folder.iterdir()) == []
    assert touching(made.folder) == {}
