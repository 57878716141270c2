"""Deployments: registered once, an operator's changes kept, and a run started from the UI's side beside the ledger doubles nothing."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from prefect import get_client
from prefect.exceptions import PrefectHTTPStatusError

from flows import deploy
from flows.server import VersionsDiffer, asyncpg_url, check_versions
from tests.flows.conftest import PrefectServer
from tests.flows.world import COURT, World, hand_off

ROOT = Path(__file__).parent.parent.parent
NAMES = ["送达", "收讯", "分流", "巡查", "对账", "日报", "查询"]


def schedules(server: PrefectServer) -> dict[str, list[tuple[str, bool]]]:
    sql = """select d.name, s.schedule::text, s.active from deployment d left join deployment_schedule s on s.deployment_id = d.id"""
    found: dict[str, list[tuple[str, bool]]] = {}
    with psycopg.connect(server.database) as connection:
        for name, schedule, active in connection.execute(sql):
            found.setdefault(name, []).extend([(schedule, active)] if schedule else [])
    return found


def test_all_flows_are_deployed_and_what_an_operator_changed_stays(shown: PrefectServer) -> None:
    first = deploy.deploy(shown.api)
    assert [d.name for d in first] == NAMES
    before = schedules(shown)
    assert len(before["送达"]) == 1
    assert "0 2 * * *" in before["对账"][0][0]
    assert "Asia/Shanghai" in before["对账"][0][0]
    assert before["查询"] == []
    with psycopg.connect(shown.database, autocommit=True) as connection:
        connection.execute("update deployment_schedule set active = false")
    again = deploy.deploy(shown.api)
    assert not any(d.new for d in again)
    assert all(not active for rows in schedules(shown).values() for _, active in rows)


def test_the_readable_file_is_accepted_by_prefect_itself(shown: PrefectServer, tmp_path: Path) -> None:
    env = {**os.environ, **shown.env, "PREFECT_HOME": str(tmp_path)}
    deploy.deploy(shown.api)
    done = subprocess.run([sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", "flows/prefect.yaml"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert set(schedules(shown)) >= set(NAMES)


def test_a_name_typed_where_a_number_belongs_is_refused_before_it_is_stored(shown: PrefectServer) -> None:
    deploy.deploy(shown.api)

    async def ask() -> None:
        async with get_client() as client:
            found = await client.read_deployment_by_name("查询/查询")
            await client.create_flow_run_from_deployment(found.id, parameters={"petition_no": "欧阳澜生"})

    with pytest.raises(PrefectHTTPStatusError):
        asyncio.run(ask())
    with psycopg.connect(shown.database) as connection:
        assert connection.execute("select count(*) from flow_run where parameters::text like '%欧阳%'").fetchone() == (0,)


def test_a_run_asked_for_in_the_ui_is_done_by_the_runner(shown: PrefectServer, bureau: World) -> None:
    context = bureau.open()
    hand_off(context, COURT, 3)
    context.close()
    deploy.deploy(shown.api)
    with psycopg.connect(shown.database, autocommit=True) as connection:
        connection.execute("update deployment_schedule set active = false")

    async def ask() -> None:
        async with get_client() as client:
            found = await client.read_deployment_by_name("送达/送达")
            await client.create_flow_run_from_deployment(found.id, parameters={"body": COURT}, name="由人启动")

    asyncio.run(ask())
    log = open(bureau.settings.data_dir / "runner.log", "wb")  # noqa: SIM115
    runner = subprocess.Popen(deploy.runner_argv(), cwd=bureau.settings.data_dir, env=bureau.env(**shown.env), stdout=log, stderr=subprocess.STDOUT)
    try:
        took = bureau.until(lambda: bureau.states() == {"RECEIPTED": 3}, 60)
        print(f"asked for in the UI, done after {took:.1f} s")
    finally:
        runner.terminate()
        runner.wait(30)
    assert all(seen["received"] == 1 for seen in bureau.control("effects").values())


def test_a_server_of_another_version_is_named(shown: PrefectServer) -> None:
    check_versions(shown.api)


def test_definitions_that_are_wrong_say_where(tmp_path: Path) -> None:
    path = tmp_path / "prefect.yaml"
    with pytest.raises(deploy.BadDefinitions, match=r"没有 prefect.yaml"):
        deploy.definitions(path)
    path.write_text("deployments: [{name: 送达}]")
    with pytest.raises(deploy.BadDefinitions, match="entrypoint"):
        deploy.definitions(path)
    path.write_text("deployments: [")
    with pytest.raises(deploy.BadDefinitions, match="读不懂"):
        deploy.definitions(path)


def test_the_url_for_prefects_driver() -> None:
    assert asyncpg_url("postgresql://u:p@h:5/prefect?sslmode=require") == "postgresql+asyncpg://u:p@h:5/prefect?ssl=require"
    assert VersionsDiffer.__mro__[1] is RuntimeError
