"""The resident worker as a process: killed, doubled, without Prefect, woken by a message and by time."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from flows import life
from flows.due import look
from flows.worker import work
from tests.flows.conftest import Build, PrefectServer
from tests.flows.world import COURT, HOUSING, World, hand_off, register, say

NOWHERE = "http://127.0.0.1:9/api"


@pytest.fixture
def workers(bureau: World) -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def begin(stack: ExitStack, world: World, **env: str) -> int:
    process = world.worker(**{"PREFECT_API_URL": NOWHERE, **env})

    def end() -> None:
        if process.poll() is None:
            process.terminate()
            assert process.wait(40) == 0

    stack.callback(end)
    return process.pid


def idle(world: World) -> bool:
    context = world.open()
    try:
        return context.transact_now(lambda c: look(c, context.now())).idle
    finally:
        context.close()


@pytest.mark.guarantee("M8", "M10")
def test_registered_petitions_are_routed_and_delivered_without_prefect(bureau: World, workers: ExitStack) -> None:
    context = bureau.open()
    begin(workers, bureau)
    bureau.until(lambda: life.last(bureau.settings) is not None)
    register(context, COURT, 5)
    register(context, HOUSING, 5)
    context.transact_now(lambda c: c.execute("select pg_notify('tonglu', 'intake')"))
    took = bureau.until(lambda: bureau.states() == {"RECEIPTED": 10})
    print(f"ten petitions routed and delivered in {took:.2f} s")
    bureau.until(lambda: idle(bureau))
    sign = life.last(bureau.settings)
    assert sign is not None
    assert not sign.prefect
    context.close()


def test_a_callback_is_applied_within_a_second(bureau: World, workers: ExitStack) -> None:
    context = bureau.open()
    hand_off(context, COURT, 20)
    begin(workers, bureau)
    bureau.until(lambda: bureau.states() == {"RECEIPTED": 20})
    took = []
    for (handoff,) in bureau.ask("select handoff_id from handoff"):
        say(context, handoff, "handoff.signed", 1, office="立案庭", person_role="书记员", signed_at=context.now().isoformat())
        took.append(bureau.until(lambda h=handoff: bureau.ask("select state from handoff where handoff_id = %s", h) == [("SIGNED",)]))  # type: ignore[misc]
    took.sort()
    print(f"applied after {took[10] * 1000:.0f} ms (median), {took[18] * 1000:.0f} ms (p95)")
    assert took[18] < 1
    context.close()


@pytest.mark.guarantee("M8", "G3")
def test_time_that_steps_is_noticed_and_clocks_ring(bureau: World, workers: ExitStack) -> None:
    context = bureau.open()
    hand_off(context, COURT, 1)
    begin(workers, bureau)
    bureau.until(lambda: bureau.states() == {"RECEIPTED": 1})
    bureau.clock.step(days=3)  # past the two working days for signing: an urge goes out
    took = bureau.until(lambda: bureau.ask("select count(*) from outbox where message = 'handoff.urge' and state = 'RECEIPTED'") == [(1,)])
    print(f"urged {took:.2f} s after the step")
    assert took < 2
    bureau.until(lambda: idle(bureau))
    assert bureau.ask("select body, state from reconciliation") == [(COURT, "DONE")]
    context.close()


@pytest.mark.guarantee("F3", "F4", "M3")
def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(bureau: World, workers: ExitStack) -> None:
    context = bureau.open()
    hand_off(context, COURT, 600)
    pid = begin(workers, bureau)
    bureau.until(lambda: len(bureau.control("effects")) >= 50)
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    left = bureau.states()
    assert left.get("SENDING", 0) > 0, left
    with ExitStack() as others:
        begin(others, bureau)
        took = bureau.until(lambda: bureau.states() == {"RECEIPTED": 600}, 40)
        print(f"killed with {left}; the next worker was done after {took:.1f} s, time standing still")
    effects = bureau.control("effects")
    assert len(effects) == 600
    assert all(seen["cases"] == 1 for seen in effects.values())
    assert bureau.ask("select count(*) from handoff where state = 'DELIVERED'") == [(600,)]
    context.close()


@pytest.mark.guarantee("F26", "M9")
def test_two_workers_at_once_double_nothing(bureau: World, workers: ExitStack) -> None:
    context = bureau.open()
    begin(workers, bureau)
    begin(workers, bureau)
    register(context, COURT, 60)
    register(context, HOUSING, 60)
    bureau.until(lambda: bureau.states() == {"RECEIPTED": 120}, 40)
    assert bureau.ask("select count(*), count(distinct petition_no) from handoff") == [(120, 120)]
    effects = bureau.control("effects")
    assert len(effects) == 120
    assert all(seen["cases"] == 1 and seen["received"] == 1 for seen in effects.values())
    bureau.clock.step(hours=18)
    bureau.until(lambda: idle(bureau))
    assert bureau.ask("select body, count(*) from reconciliation group by 1 order by 1") == [(HOUSING, 1), (COURT, 1)]
    context.close()


@pytest.mark.usefixtures("shown")
def test_runs_are_shown_while_prefect_answers(build: Build, prefect_server: PrefectServer) -> None:
    world = build()
    context = world.open()
    hand_off(context, COURT, 8)

    async def go() -> None:
        stop = asyncio.Event()
        working = asyncio.create_task(work(context, stop))
        while world.states() != {"RECEIPTED": 8}:
            await asyncio.sleep(0.05)
        stop.set()
        await working

    asyncio.run(asyncio.wait_for(go(), 30))
    context.close()
    import psycopg

    with psycopg.connect(prefect_server.database) as connection:
        found = connection.execute("select state_type::text from flow_run where name = '送达 · 东屿区人民法院 · 8件'").fetchall()
    assert found == [("COMPLETED",)]


@pytest.mark.guarantee("F19", "M7")
def test_cases_advance_by_reconciliation_alone(build: Build) -> None:
    """Every callback is dropped; the nightly comparison finds and fetches what bodies said."""
    world = build()
    context = world.open()
    hand_off(context, COURT, 3)
    with ExitStack() as stack:
        begin(stack, world)
        world.until(lambda: world.states() == {"RECEIPTED": 3})
        for _ in range(5):
            world.clock.step(days=1)
            world.until(lambda: world.control("state")["steps_due"] == 0)
            world.until(lambda: idle(world))
        assert world.ask("select distinct state from handoff") == [("ACCEPTED",)]
        assert world.ask("select count(*) from difference where healed_at is null") == [(0,)]
        assert world.ask("select count(*) from difference where kind = 'partner_ahead'")[0][0] >= 3
    context.close()
