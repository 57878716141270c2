"""`tonglu up` while Prefect's database is dropped, emptied, cut in half, and its server hangs or crawls: cases go on, and everything of Prefect's comes back."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from psycopg import sql
from psycopg.sql import Composed

from runtime.postgres import PrivatePostgres
from tests.acceptance.conftest import Make
from tests.acceptance.frontdesk import FrontDesk
from tests.acceptance.installation import Installation, Running
from tests.acceptance.test_up import STARTED, healthy, prompt_partners

FLOWS = {"送达", "收讯", "分流", "巡查", "对账", "日报", "查询"}
SERVER = "流程服务 Prefect"


@dataclass
class Up:
    """`tonglu up --sandbox`, running, with its PostgreSQL as a guest sees it."""

    made: Installation
    desk: FrontDesk
    running: Running
    postgres: PrivatePostgres

    def prefect(self, path: str, say: dict[str, Any]) -> Any:
        """What Prefect's API answers; None where it does not."""
        try:
            answer = requests.post(f"{self.made.prefect}/{path}", json=say, timeout=5)
            return answer.json() if answer.ok else None
        except requests.RequestException:
            return None

    def deployments(self) -> dict[str, str]:
        return {one["name"]: one["id"] for one in self.prefect("deployments/filter", {}) or []}

    def server(self) -> int:
        return self.running.service(SERVER)[-1]

    def sql(self, *commands: str) -> None:
        with psycopg.connect(self.postgres.url("prefect"), autocommit=True) as connection:
            for command in commands:
                connection.execute(command)

    def tables(self) -> Composed:
        with psycopg.connect(self.postgres.url("prefect"), autocommit=True) as connection:
            names = connection.execute("select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version'").fetchall()
        return sql.SQL(", ").join(sql.Identifier(name) for (name,) in names)


@pytest.fixture(scope="module")
def up(install: Make) -> Iterator[Up]:
    made = install()
    desk = FrontDesk(made)
    with made.running("up", "--sandbox") as running:
        healthy(running)
        prompt_partners(made)
        yield Up(made, desk, running, PrivatePostgres(made.folder / "postgres").__enter__())
        assert running.interrupt() == 0, running.text


def delivered_while(up: Up, mark: str, disturb: Callable[[], None]) -> None:
    """Petitions come in before, while and after `disturb`; each is delivered, once, and none waits for Prefect."""
    numbers: list[str] = []

    def crowd() -> None:
        for place in range(12):
            numbers.append(up.desk.hand_in(f"{mark}-{place}", place=place))
            time.sleep(0.1)

    handing_in = threading.Thread(target=crowd)
    handing_in.start()
    time.sleep(0.5)
    disturb()
    handing_in.join()
    took = up.running.until(lambda: all(up.desk.delivered(number) for number in numbers), "deliveries", 60)
    print(f"{mark}: delivered {took:.1f} s after the last was handed in")
    assert len(set(numbers)) == 12
    mine = [seen for seen in up.made.effects().values() if seen["petition_no"] in numbers]
    assert len(mine) == 12
    assert {(seen["cases"], seen["received"], seen["duplicates"]) for seen in mine} == {(1, 1, 0)}


def whole_again(up: Up, mark: str) -> None:
    """Deployments are there, new work is shown, and a run asked for is executed by the runner."""
    took = up.running.until(lambda: set(up.deployments()) == FLOWS, "deployments", 180)
    print(f"{mark}: deployments there after {took:.1f} s")
    number = up.desk.hand_in(f"{mark}-after")
    up.running.until(lambda: up.desk.delivered(number), "delivery", 60)

    def shown() -> bool:
        up.desk.hand_in(f"{mark}-shown-{time.monotonic()}")
        runs = up.prefect("flow_runs/filter", {"flow_runs": {"name": {"like_": "送达 ·"}, "state": {"type": {"any_": ["COMPLETED"]}}}})
        return bool(runs)

    took = up.running.until(shown, "a run shown", 120)
    print(f"{mark}: runs shown after another {took:.1f} s")
    asked = up.prefect(f"deployments/{up.deployments()['查询']}/create_flow_run", {"parameters": {"petition_no": number}})["id"]

    def done() -> bool:
        found = up.prefect("flow_runs/filter", {"flow_runs": {"id": {"any_": [asked]}}})
        return bool(found) and found[0]["state_type"] == "COMPLETED"

    took = up.running.until(done, "the run asked for", 300)
    print(f"{mark}: a run asked for in the UI done after another {took:.1f} s")
    pools = up.prefect("work_pools/filter", {})
    assert [(pool["name"], pool["concurrency_limit"]) for pool in pools] == [("tonglu", 2)]
    assert "已放弃" not in up.running.text


def dropped(up: Up) -> None:
    up.postgres.drop_database("prefect")


def emptied(up: Up) -> None:
    up.sql("drop schema public cascade", "create schema public")


def halved(up: Up) -> None:
    tables = up.tables()
    with psycopg.connect(up.postgres.url("prefect"), autocommit=True) as connection:
        connection.execute(sql.SQL("drop table {} cascade").format(tables))


def hung(up: Up) -> None:
    os.killpg(up.server(), signal.SIGSTOP)


@pytest.mark.guarantee("F25", "M10", "M8")
@pytest.mark.parametrize("how", [dropped, emptied, halved, hung], ids=lambda how: how.__name__)
def test_whatever_happens_to_prefect_cases_go_on_and_it_comes_back(up: Up, how: Callable[[Up], None]) -> None:
    up.running.until(lambda: set(up.deployments()) == FLOWS, "deployments", 120)
    before = up.server()
    delivered_while(up, how.__name__, lambda: how(up))
    took = up.running.until(lambda: up.server() != before, "another server", 180)
    print(f"{how.__name__}: another server after {took:.1f} s")
    whole_again(up, how.__name__)


@pytest.mark.guarantee("F25", "M10")
def test_rows_that_are_gone_come_back_without_a_restart(up: Up) -> None:
    up.running.until(lambda: set(up.deployments()) == FLOWS, "deployments", 120)
    before, tables = up.server(), up.tables()

    def wipe() -> None:
        with psycopg.connect(up.postgres.url("prefect"), autocommit=True) as connection:
            connection.execute(sql.SQL("truncate {}").format(tables))

    delivered_while(up, "truncated", wipe)
    whole_again(up, "truncated")
    assert up.server() == before


@pytest.mark.guarantee("F25", "M10")
def test_a_crawling_server_holds_up_nothing(up: Up) -> None:
    before, ending = up.server(), threading.Event()

    def crawl() -> None:
        while not ending.wait(0.1):
            os.killpg(before, signal.SIGSTOP)
            time.sleep(1.0)
            os.killpg(before, signal.SIGCONT)

    crawling = threading.Thread(target=crawl)
    delivered_while(up, "crawling", crawling.start)
    ending.set()
    crawling.join()
    whole_again(up, "crawling")
    assert up.server() == before


@pytest.mark.guarantee("F25", "F23", "M10")
def test_on_a_database_server_of_your_own_the_same(install: Make, enterable: Path) -> None:
    with PrivatePostgres(enterable / "a server of our own") as theirs:
        theirs.create_database("ledger")
        made = install(TONGLU_DATABASE_URL=theirs.url("ledger"))
        desk = FrontDesk(made)
        with made.running("up", "--sandbox") as running:
            running.wait_for(STARTED)
            prompt_partners(made)
            up = Up(made, desk, running, theirs)
            running.until(lambda: set(up.deployments()) == FLOWS, "deployments")
            before, pid = up.server(), theirs.pid
            delivered_while(up, "external", lambda: dropped(up))
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            time.sleep(2)
            theirs.start()
            running.until(lambda: up.server() != before, "another server", 180)
            whole_again(up, "external")
            assert running.interrupt() == 0, running.text
