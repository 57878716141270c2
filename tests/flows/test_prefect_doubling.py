"""Runs that happen twice: late ones after a restart of the server beside two workers, the Retry button, the same function called twice. Nothing changes twice."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from prefect import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.states import Scheduled

from flows import deploy, dispatch, intake, receive, reconcile, watch
from flows.context import Context
from flows.due import look
from flows.trace import SILENT
from models import journal
from runtime.timesource import MachineTime
from tests.flows.conftest import Build, PrefectServer
from tests.flows.world import COURT, HOUSING, LABOUR, World, hand_off, register, say

pytestmark = pytest.mark.guarantee("M9", "F26")

SIX = ["分流", "送达", "收讯", "巡查", "对账", "日报"]
SLOW = 600


@pytest.fixture
def bureau(build: Build) -> World:
    """Its partners give receipts and sign nothing: what they say comes from the test."""
    return build("silent")


@contextmanager
def runner(world: World, server: PrefectServer, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    with open(world.settings.data_dir / "runner.log", "ab") as log:
        process = subprocess.Popen(deploy.runner_argv(), cwd=world.settings.data_dir, env=world.env(**{**server.env, **more}), stdout=log,
                                   stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def deployed(shown: PrefectServer) -> PrefectServer:
    """Everything registered, no schedule of its own."""
    deploy.deploy(shown.api)
    with psycopg.connect(shown.database, autocommit=True) as connection:
        connection.execute("update deployment_schedule set active = false")
        connection.execute("delete from flow_run where deployment_id is not null and state_type = 'SCHEDULED'")
    return shown


def ask_for(names: Sequence[str], *, late: bool = False, parameters: dict[str, object] | None = None) -> list[UUID]:
    """Runs of these deployments, as the button in the UI or a schedule makes them."""

    async def go() -> list[UUID]:
        async with get_client() as client:
            found = []
            for name in names:
                deployment = await client.read_deployment_by_name(f"{name}/{name}")
                when = MachineTime().now() - timedelta(minutes=5) if late else None
                made = await client.create_flow_run_from_deployment(deployment.id, state=Scheduled(scheduled_time=when), parameters=parameters or {})
                found.append(made.id)
            return found

    return asyncio.run(go())


def read(run: UUID) -> FlowRun:
    async def go() -> FlowRun:
        async with get_client() as client:
            return await client.read_flow_run(run)

    return asyncio.run(go())


def retry(run: UUID) -> None:
    """What the Retry button does."""

    async def go() -> None:
        async with get_client() as client:
            await client.set_flow_run_state(run, Scheduled(name="AwaitingRetry", scheduled_time=MachineTime().now()), force=True)

    asyncio.run(go())


def counts(world: World) -> dict[str, object]:
    """What the ledger says happened, and what happened at the partners."""
    effects = world.control("effects").values()
    return {
        "journal": sorted(world.ask("select act, count(*) from journal group by 1")),
        "handoffs": world.ask("select count(*), count(distinct petition_no) from handoff"),
        "out": sorted(world.ask("select message, state, count(*) from outbox group by 1, 2")),
        "nights": sorted(world.ask("select body, for_day, count(*) from reconciliation group by 1, 2")),
        "effects": sorted((seen["petition_no"], seen["cases"], seen["received"], seen["duplicates"]) for seen in effects),
    }


def sound(context: Context) -> bool:
    return not list(context.transact_now(lambda c: list(journal.verify(c))))


def idle(context: Context) -> bool:
    return context.transact_now(lambda c: look(c, context.now())).idle


def prepare(context: Context, world: World) -> None:
    """Something for every flow: to be routed, to be sent, to be applied, a clock to ring, a night, a day's figures."""
    hand_off(context, LABOUR, 2)
    asyncio.run(dispatch.run(context, SILENT, LABOUR))
    world.clock.step(days=3, hours=-3)  # past the limit for signing, six in the morning
    hand_off(context, HOUSING, 3)
    register(context, COURT, 4)
    [(handoff,)] = world.ask("select handoff_id from handoff where body = %s order by 1 limit 1", LABOUR)
    say(context, handoff, "handoff.signed", 1, office="立案庭", person_role="书记员", signed_at=context.now().isoformat())


def test_late_runs_after_a_restart_beside_two_workers_change_nothing_twice(deployed: PrefectServer, bureau: World) -> None:
    context = bureau.open()
    prepare(context, bureau)
    runs = ask_for(SIX, late=True)
    bureau.until(lambda: {read(run).state_name for run in runs} == {"Late"}, SLOW)
    assert deployed.process is not None
    deployed.process.kill()
    deployed.process.wait()
    deployed.start()
    assert {read(run).state_name for run in runs} == {"Late"}
    workers = [bureau.worker(**deployed.env) for _ in range(2)]
    try:
        with runner(bureau, deployed):
            bureau.until(lambda: {read(run).state_name for run in runs} == {"Completed"}, SLOW)
            bureau.until(lambda: idle(context), SLOW)
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            assert worker.wait(120) == 0
    found = counts(bureau)
    assert found["handoffs"] == [(9, 9)]
    urged = bureau.ask("select handoff_id, count(*) from outbox where message = 'handoff.urge' group by 1")
    assert len(urged) in (1, 2)  # for the one that was signed: whichever came first, the signature or the clock
    assert {count for _, count in urged} == {1}
    assert bureau.ask("select state from handoff h where body = %s and exists (select 1 from inbox i where i.handoff_id = h.handoff_id)", LABOUR) == [("SIGNED",)]
    assert bureau.ask("select state, count(*) from inbox group by 1") == [("APPLIED", 1)]
    expected = {number: 1 for (number,) in bureau.ask("select petition_no from handoff")}
    for (number,) in bureau.ask("select h.petition_no from outbox o join handoff h using (handoff_id) where o.message = 'handoff.urge'"):
        expected[number] += 1
    assert found["effects"] == sorted((number, 1, received, 0) for number, received in expected.items())
    assert {count for _, _, count in found["nights"]} == {1}  # type: ignore[attr-defined]
    assert sound(context)
    with psycopg.connect(deployed.database) as connection:
        bulletins = connection.execute("select count(*) from flow_run where name like '日报%%' and tags::text like '%%进程:%%' and created > now() - interval '10 min'")
        assert bulletins.fetchone() in ((1,), (0,))  # none where Prefect was not yet taken for well again
    context.close()


def test_the_retry_button_on_a_failed_and_on_a_completed_run_sends_nothing_twice(deployed: PrefectServer, bureau: World) -> None:
    context = bureau.open()
    hand_off(context, COURT, 3)
    [run] = ask_for(["送达"], parameters={"body": COURT})
    nowhere = "postgresql://nobody:nothing@127.0.0.1:9/nowhere"
    with runner(bureau, deployed, TONGLU_DATABASE_URL=nowhere):
        bureau.until(lambda: read(run).state is not None and read(run).state.is_final(), SLOW)  # type: ignore[union-attr]
    assert read(run).state_name in ("Failed", "Crashed")
    assert bureau.states() == {"QUEUED": 3}
    retry(run)
    with runner(bureau, deployed):
        bureau.until(lambda: read(run).state_name == "Completed", SLOW)
        assert bureau.states() == {"RECEIPTED": 3}
        once, began = counts(bureau), read(run).run_count
        retry(run)
        bureau.until(lambda: read(run).state_name == "Completed" and read(run).run_count > began, SLOW)
    assert counts(bureau) == once
    assert [row[1:] for row in once["effects"]] == [(1, 1, 0)] * 3  # type: ignore[attr-defined]
    assert sound(context)
    context.close()


def test_every_flow_called_twice_at_once_and_again_changes_nothing_twice(shown: PrefectServer, bureau: World, context: Context) -> None:
    prepare(context, bureau)

    async def twice() -> None:
        for one in (intake.intake, dispatch.dispatch, receive.receive, watch.watch, dispatch.dispatch, reconcile.reconcile):
            await asyncio.gather(one(), one())

    asyncio.run(twice())
    once = counts(bureau)
    assert {row[1:] for row in once["effects"] if row[0]} <= {(1, 1, 0), (1, 2, 0)}  # type: ignore[attr-defined]
    assert bureau.ask("select count(*) from outbox where message = 'handoff.urge'") == [(1,)]
    assert {count for _, _, count in once["nights"]} == {1}  # type: ignore[attr-defined]
    asyncio.run(twice())
    assert counts(bureau) == once
    assert sound(context)
