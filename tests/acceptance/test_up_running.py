"""`tonglu up` while it runs: every flow started from Prefect beside the resident worker; Prefect, the worker, the gateway, PostgreSQL killed -9."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.acceptance.conftest import Make
from tests.acceptance.frontdesk import FrontDesk
from tests.acceptance.installation import Installation, Running
from tests.acceptance.test_up import healthy, prompt_partners

FLOWS = ["送达", "收讯", "分流", "巡查", "对账", "日报", "查询"]


@dataclass
class Up:
    """`tonglu up --sandbox`, running."""

    made: Installation
    desk: FrontDesk
    running: Running

    def prefect(self, method: str, path: str, say: dict[str, Any] | None = None) -> Any:
        answer = requests.request(method, f"{self.made.prefect}/{path}", json=say, timeout=60)
        assert answer.ok, answer.text
        return answer.json()

    def start(self, deployment: str, parameters: dict[str, Any]) -> str:
        """What the button in the UI does; returns the run's id."""
        return str(self.prefect("POST", f"deployments/{deployment}/create_flow_run", {"parameters": parameters, "name": "由人启动"})["id"])

    def ends(self, runs: list[str], seconds: float = 300) -> dict[str, str]:
        """Wait until all these runs have ended; returns how each did."""
        ended: dict[str, str] = {}

        def all_ended() -> bool:
            found = self.prefect("POST", "flow_runs/filter", {"flow_runs": {"id": {"any_": runs}}})
            ended.update({run["id"]: run["state_type"] for run in found if run["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")})
            return len(ended) == len(runs)

        self.running.until(all_ended, "ends of the runs", seconds)
        return ended


@pytest.fixture(scope="module")
def up(install: Make) -> Iterator[Up]:
    made = install()
    desk = FrontDesk(made)
    with made.running("up", "--sandbox") as running:
        healthy(running)
        prompt_partners(made)
        yield Up(made, desk, running)
        assert running.interrupt() == 0, running.text


def deployments(up: Up) -> dict[str, str]:
    return {one["name"]: one["id"] for one in up.prefect("POST", "deployments/filter", {})}


@pytest.mark.guarantee("F26", "M9")
def test_every_flow_started_from_prefect_doubles_nothing(up: Up) -> None:
    up.running.until(lambda: set(deployments(up)) == set(FLOWS), "deployments")
    known = deployments(up)
    first = up.desk.hand_in("B-0")
    numbers = [first]

    def crowd() -> None:
        numbers.extend(up.desk.hand_in(f"B-{i}", place=i) for i in range(1, 31))

    # With petitions coming in all the while: the runs and the resident worker are after the same rows.
    handing_in = threading.Thread(target=crowd)
    handing_in.start()
    runs = {up.start(known[name], {"petition_no": first} if name == "查询" else {}): name for name in ["送达", *FLOWS]}
    handing_in.join()
    assert {runs[run]: state for run, state in up.ends(list(runs)).items()} == dict.fromkeys(FLOWS, "COMPLETED")
    up.running.until(lambda: all(up.desk.delivered(number) for number in numbers), "deliveries", 60)
    effects = up.made.effects()
    assert len(numbers) == len(set(numbers)) == 31
    assert sorted(seen["petition_no"] for seen in effects.values()) == sorted(numbers)
    assert {(seen["cases"], seen["received"], seen["duplicates"]) for seen in effects.values()} == {(1, 1, 0)}
    assert {len(up.desk.ask(number)["handoffs"]) for number in numbers} == {1}


@pytest.mark.guarantee("F25", "M10")
def test_with_prefects_server_killed_cases_go_on_and_it_is_started_again(up: Up) -> None:
    name = "流程服务 Prefect"
    [*_, pid] = up.running.service(name)
    before = up.prefect("POST", "flow_runs/count", {})
    os.kill(pid, signal.SIGKILL)
    numbers = [up.desk.hand_in(f"C-{i}", place=i) for i in range(5)]
    took = up.running.until(lambda: all(up.desk.delivered(number) for number in numbers), "delivery without Prefect", 60)
    print(f"five delivered within {took:.2f} s of Prefect's death")
    took = up.running.until(lambda: up.running.service(name)[-1] != pid, "Prefect again", 120)
    print(f"Prefect answered again after another {took:.1f} s")
    # What it knew is there, and new work is shown again.
    assert up.prefect("POST", "flow_runs/count", {}) >= before
    later = up.desk.hand_in("C-later")
    up.running.until(lambda: up.desk.delivered(later), "delivery", 60)
    up.running.until(lambda: up.prefect("POST", "flow_runs/count", {}) > before, "a run shown", 60)
    up.running.until(lambda: set(deployments(up)) == set(FLOWS), "deployments")
    assert list(up.ends([up.start(deployments(up)["查询"], {"petition_no": later})]).values()) == ["COMPLETED"]
    assert all(seen["cases"] == 1 for seen in up.made.effects().values())
    assert "已放弃" not in up.running.text


@pytest.mark.parametrize("name", ["常驻工作进程", "网关", "数据库 PostgreSQL"])
def test_with_any_part_killed_it_is_started_again_and_cases_go_on(up: Up, name: str) -> None:
    [*_, pid] = up.running.service(name)
    before = up.desk.hand_in(f"D-{pid}")
    os.kill(pid, signal.SIGKILL)
    took = up.running.until(lambda: up.running.service(name)[-1] != pid, f"{name} again", 90)
    print(f"{name} ready again after {took:.1f} s")
    after = up.desk.hand_in(f"D-{pid}-after", place=1)
    up.running.until(lambda: up.desk.delivered(before) and up.desk.delivered(after), "deliveries", 120)
    assert all(seen["cases"] == 1 for seen in up.made.effects().values())
    assert "已放弃" not in up.running.text
