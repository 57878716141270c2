"""What Prefect is shown: run names, task runs by petition number, tables; and that nothing personal is among it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from flows import bulletin, dispatch, intake, lookup, receive, reconcile, running, watch
from flows.context import Context
from flows.running import Prefect, RunFault, perform
from flows.trace import Mark, PrefectTrace, Trace
from tests.flows.conftest import PrefectServer
from tests.flows.world import COURT, SECRETS, World, hand_off, register, say

pytestmark = pytest.mark.usefixtures("shown")


@pytest.fixture
def ask(prefect_server: PrefectServer) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(prefect_server.database, autocommit=True) as connection:
        yield connection


def runs(ask: psycopg.Connection[tuple[object, ...]], like: str) -> list[tuple[object, ...]]:
    return ask.execute("select name, state_type::text, id from flow_run where name like %s order by created", (like,)).fetchall()


def task_runs(ask: psycopg.Connection[tuple[object, ...]], run: object, wanted: int) -> list[tuple[object, ...]]:
    """Task runs are stored a little later than they happen."""
    until = time.monotonic() + 20
    while True:
        found = ask.execute("select name, state_name, state_type::text from task_run where flow_run_id = %s order by name", (run,)).fetchall()
        if len(found) >= wanted or time.monotonic() > until:
            return found
        time.sleep(0.2)


def artifacts(ask: psycopg.Connection[tuple[object, ...]], run: object) -> list[tuple[object, ...]]:
    rows = ask.execute("select type, data::text, description from artifact where flow_run_id = %s order by created", (run,)).fetchall()
    return [(kind, json.loads(str(data)), title) for kind, data, title in rows]


def test_a_dispatch_shows_a_task_run_for_each_handoff_and_a_table(context: Context, bureau: World, ask: psycopg.Connection[tuple[object, ...]]) -> None:
    numbers = hand_off(context, COURT, 6)
    asyncio.run(dispatch.dispatch(body=COURT, count=6))
    [(name, state, run)] = runs(ask, "送达 · 东屿区人民法院 · 6件")
    assert (name, state) == ("送达 · 东屿区人民法院 · 6件", "COMPLETED")
    assert [row[:2] for row in task_runs(ask, run, 6)] == [(n, "已送达") for n in sorted(numbers)]
    [(kind, data, title)] = artifacts(ask, run)
    assert kind == "table"
    assert all(n in str(data) for n in numbers)
    assert title == "东屿区人民法院：已送达 6"


def test_past_the_budget_only_what_failed_has_its_own_run(bureau: World, ask: psycopg.Connection[tuple[object, ...]]) -> None:
    async def go() -> None:
        trace = PrefectTrace(2)

        async def core(_: Context, __: Trace) -> None:
            for i in range(6):
                await trace.told(f"XF-{i}", Mark("存疑" if i == 5 else "已送达", "read-timeout" if i == 5 else "", i == 5))

        await running.traced(core)

    from prefect import flow

    context = bureau.open()
    from flows.context import using

    with using(context):
        asyncio.run(flow(name="试", flow_run_name="预算之外")(go)())
    context.close()
    [(_, state, run)] = runs(ask, "预算之外")
    assert state == "COMPLETED"
    assert task_runs(ask, run, 3) == [("XF-0", "已送达", "COMPLETED"), ("XF-1", "已送达", "COMPLETED"), ("XF-5", "存疑", "FAILED")]


def test_a_failing_core_tells_prefect_no_more_than_its_kind(bureau: World, ask: psycopg.Connection[tuple[object, ...]]) -> None:
    from prefect import flow

    from flows.context import using

    async def core(_: Context, __: Trace) -> None:
        raise ValueError(f"{SECRETS[0]} 的材料有误")

    async def go() -> None:
        await running.traced(core)

    context = bureau.open()
    with using(context), pytest.raises(RunFault, match="ValueError"):
        asyncio.run(flow(name="试", flow_run_name="出错的")(go)())
    context.close()
    assert runs(ask, "出错的")[0][1] == "FAILED"


def test_the_work_is_done_once_whether_prefect_answers_or_not(context: Context, prefect_server: PrefectServer) -> None:
    done: list[Trace] = []

    async def core(trace: Trace) -> int:
        done.append(trace)
        return 7

    async def go() -> list[int]:
        def run() -> object:
            return receive.receive(count=0)

        answers = [await perform(Prefect(api), run, core) for api in (prefect_server.api, "http://127.0.0.1:9/api", "")]  # type: ignore[arg-type]
        return answers

    assert asyncio.run(go()) == [7, 7, 7]
    assert [type(t).__name__ for t in done] == ["Recorder", "Silent", "Silent"]


def test_every_flow_runs_and_nothing_personal_reaches_prefect(context: Context, bureau: World, prefect_server: PrefectServer,
                                                              ask: psycopg.Connection[tuple[object, ...]]) -> None:
    numbers = register(context, COURT, 4)
    [(began,)] = ask.execute("select now()").fetchall()

    async def day() -> None:
        await intake.intake()
        await dispatch.dispatch()
        for (handoff,) in bureau.ask("select handoff_id from handoff"):
            await asyncio.to_thread(say, context, handoff, "handoff.signed", 1, office=f"立案庭（{SECRETS[0]}接件）", person_role="书记员",
                                    signed_at=context.now().isoformat())
        await receive.receive()
        bureau.clock.step(days=40)
        await watch.watch()
        await dispatch.dispatch(body=COURT)
        await reconcile.reconcile()
        await bulletin.bulletin()
        await lookup.lookup(numbers[0])
        await lookup.lookup("XF99010020990101999999")

    asyncio.run(day())
    named = {str(name) for name, _, _ in runs(ask, "%")}
    assert {"分流 · 4件", "送达 · 全部 · 4件", "收讯 · 4件", "送达 · 东屿区人民法院", f"查询 · {numbers[0]}", "日报 · 2026-04-11"} <= named
    assert any(name.startswith("对账 · 2026-04-11 · 1家") for name in named)
    mine = ask.execute("select distinct state_type::text from flow_run where created > %s", (began,)).fetchall()
    assert mine == [("COMPLETED",)]
    [(_, _, looked)] = runs(ask, f"查询 · {numbers[0]}")
    text = str(artifacts(ask, looked)[0][1])
    assert "东屿区人民法院" in text
    assert "签收" in text
    [(_, _, missed)] = runs(ask, "查询 · XF99010020990101999999")
    assert "账本中没有" in str(artifacts(ask, missed)[0][1])
    time.sleep(3)  # the last events are still on their way to the database
    assert list(found_in(ask, SECRETS)) == []
    assert {table for table, _ in found_in(ask, ("已送达",))} >= {"task_run", "artifact"}  # the search does find what is there
    log = prefect_server.log.read_text(errors="replace")
    assert not [s for s in SECRETS if s in log]


def found_in(ask: psycopg.Connection[tuple[object, ...]], secrets: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Every table of Prefect's database, every column, row by row as text."""
    tables = ask.execute("select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'").fetchall()
    assert len(tables) > 20
    for (table,) in tables:
        for secret in secrets:
            escaped = secret.encode("unicode_escape").decode()
            query = sql.SQL("select 1 from {} t where t::text like %s or t::text ilike %s limit 1").format(sql.Identifier(str(table)))
            if ask.execute(query, (f"%{secret}%", "%" + escaped.replace("\\", "\\\\") + "%")).fetchone():
                yield str(table), secret
