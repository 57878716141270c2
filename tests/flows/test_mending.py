"""Runs that a killed worker leaves Running at Prefect: seen to be nobody's, and ended; those of the living are left alone."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from prefect.client.schemas.objects import FlowRun

from flows import mending
from runtime.timesource import FixedTime, MachineTime
from tests.flows.conftest import PrefectServer
from tests.flows.world import COURT, World, hand_off


@pytest.fixture
def silent() -> Iterator[str]:
    """A partner that takes connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def states(server: PrefectServer, owner: str) -> list[tuple[str, str]]:
    sql = "select name, state_type::text from flow_run where tags::text like %s order by created"
    with psycopg.connect(server.database) as connection:
        connection.execute("set client_encoding to 'utf8'")
        return [(str(name), str(state)) for name, state in connection.execute(sql, (f"%{owner}%",))]


def owner_of(world: World) -> str:
    rows = world.ask("select distinct lease_owner from outbox where state = 'SENDING'")
    return str(rows[0][0]) if rows else ""


def test_a_killed_workers_run_is_ended_and_a_living_ones_is_not(shown: PrefectServer, bureau: World, silent: str) -> None:
    context = bureau.open()
    try:
        hand_off(context, COURT, 3)
        worker = bureau.worker(**shown.env, TONGLU_SANDBOX_URL=silent)
        try:
            bureau.until(lambda: bool(owner := owner_of(bureau)) and ("送达 · 东屿区人民法院 · 3件", "RUNNING") in states(shown, owner), 60)
            owner = owner_of(bureau)
            later = FixedTime(MachineTime().now() + timedelta(minutes=5))
            asyncio.run(mending.mend(context, later))
            assert ("送达 · 东屿区人民法院 · 3件", "RUNNING") in states(shown, owner)
            os.kill(worker.pid, signal.SIGKILL)
        finally:
            worker.kill()
            worker.wait()
        assert ("送达 · 东屿区人民法院 · 3件", "RUNNING") in states(shown, owner)  # Prefect itself never notices
        asyncio.run(mending.mend(context))
        assert ("送达 · 东屿区人民法院 · 3件", "RUNNING") in states(shown, owner)  # its session may just be reconnecting
        asyncio.run(mending.mend(context, later))
        assert {state for _, state in states(shown, owner)} <= {"CRASHED", "COMPLETED"}
        assert ("送达 · 东屿区人民法院 · 3件", "CRASHED") in states(shown, owner)
        assert asyncio.run(mending.mend(context, later)) == 0
    finally:
        context.close()


def test_whose_run_is_nobodys() -> None:
    now = MachineTime().now()

    def run(age: timedelta, *tags: str, pid: str | None = None) -> FlowRun:
        return FlowRun(flow_id=uuid4(), start_time=now - age, tags=list(tags), infrastructure_pid=pid)

    def left(one: FlowRun, *living: str) -> bool:
        return mending.is_left(one, now, lambda owner: owner in living)

    def minutes(count: int) -> timedelta:
        return timedelta(minutes=count)

    def hours(count: int) -> timedelta:
        return timedelta(hours=count)

    here = f"{socket.gethostname()}:{os.getpid()}"
    assert not left(run(minutes(1), mending.tag("w1")))
    assert left(run(minutes(3), mending.tag("w1")), "w2")
    assert not left(run(hours(5), mending.tag("w1")), "w1")
    assert left(run(hours(7), mending.tag("w1")), "w1")  # lost: no run of ours takes so long
    assert not left(run(minutes(59)))
    assert left(run(minutes(61)))
    assert not left(run(minutes(61), pid=here))
    assert left(run(hours(7), pid=here))
    assert left(run(minutes(61), pid=f"{socket.gethostname()}:4194305"))
    assert not left(run(minutes(61), pid="elsewhere:4194305"))
    assert left(run(minutes(61), "通路", pid="?"))
    assert not left(FlowRun(flow_id=uuid4()))
