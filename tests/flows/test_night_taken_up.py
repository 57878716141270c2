"""A night that its maker does not live to finish is finished by another; one body that hangs is nobody else's night."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.wire import paths
from flows import dispatch, reconcile
from flows.context import Context, using
from flows.due import NIGHT_AGAIN, night
from flows.gate import Gate
from flows.trace import SILENT
from tests.flows.conftest import Build
from tests.flows.line import Line, line
from tests.flows.world import COURT, HOUSING, World, hand_off

_ONE_NIGHT = "import asyncio; from flows.context import open_context; from flows import reconcile; from flows.trace import SILENT; asyncio.run(reconcile.run(open_context(), SILENT))"


def maker(world: World) -> subprocess.Popen[bytes]:
    """Another process of this bureau that makes the night's comparisons."""
    with open(world.settings.data_dir / "maker.log", "ab") as log:
        return subprocess.Popen([sys.executable, "-c", _ONE_NIGHT], cwd=Path(__file__).parents[2], env=world.env(), stdout=log, stderr=log)


@contextmanager
def through(world: World, wait: Callable[[str], None]) -> Iterator[tuple[Line, Context]]:
    """The bureau's processes reach the sandbox by a line."""
    with line(world.sandbox, wait) as carried:
        world.settings = world.settings.model_copy(update={"sandbox_url": carried.url})
        direct, world.sandbox = world.sandbox, carried.url
        opened = world.open()
        try:
            with using(opened):
                yield carried, opened
        finally:
            opened.close()
            world.sandbox = direct


def listed_days(seen: list[str]) -> list[str]:
    return [parse_qs(urlsplit(path).query)["from"][0] for path in seen if urlsplit(path).path.endswith(paths.LEDGER)]


@pytest.mark.guarantee("F28", "S4")
def test_a_night_whose_maker_is_killed_is_taken_up_at_the_day_it_had_reached(build: Build) -> None:
    world = build()
    held, go_on = threading.Event(), threading.Event()
    hold_after = ["9999"]

    def wait(path: str) -> None:
        if urlsplit(path).path.endswith(paths.LEDGER) and parse_qs(urlsplit(path).query)["from"][0] > hold_after[0]:
            held.set()
            assert go_on.wait(60)

    with through(world, wait) as (carried, context):
        for i in range(36):
            hand_off(context, COURT, 1, start=i)
            asyncio.run(dispatch.run_all(context, SILENT))
            world.clock.step(days=1)
        world.until(lambda: bool(world.control("idle")["idle"]))
        days = [str(d) for (d,) in world.ask("select issued_day from handoff order by 1")]
        hold_after[0] = days[32]
        now = context.now()
        today = reconcile.beijing_day(now)
        first = maker(world)
        try:
            assert held.wait(60)
            assert context.transact_now(lambda c: night(c, now, context.owner)) is None, "its maker lives: nobody else makes it"
            assert asyncio.run(reconcile.run(context, SILENT)).bodies == []
        finally:
            first.kill()
            first.wait()
        [(number, state, reached)] = world.ask("select id, state, reached from reconciliation")
        assert (state, str(reached)) == ("RUNNING", days[30])
        kept = world.ask("select handoff_id, kind from difference order by 1")
        assert len(kept) == 31
        world.until(lambda: context.transact_now(lambda c: night(c, now, context.owner)) == today)
        go_on.set()
        before = len(carried.seen)
        summary = asyncio.run(reconcile.run(context, SILENT))
        assert [c.failed for c in summary.bodies] == [""]
        assert sorted(set(listed_days(carried.seen[before:]))) == days[31:], "nothing before the day reached is read again"
        assert world.ask("select id, state, owner from reconciliation") == [(number, "DONE", context.owner)]
        assert world.ask("select count(*), count(distinct handoff_id), count(healed_at) from difference") == [(36, 36, 36)]
        assert context.transact_now(lambda c: night(c, now, context.owner)) is None
        assert asyncio.run(reconcile.run(context, SILENT, COURT, again=True)).bodies[0].found == []


@pytest.mark.guarantee("S4")
def test_the_night_begins_at_two_and_one_that_failed_is_begun_again_after_half_an_hour(build: Build) -> None:
    world = build()
    context = world.open()
    try:
        hand_off(context, COURT, 1)
        asyncio.run(dispatch.run_all(context, SILENT))

        def due() -> bool:
            return context.transact_now(lambda c: night(c, context.now(), context.owner)) is not None

        world.clock.step(hours=16.5)  # half past one in the morning in Beijing
        assert not due()
        world.clock.step(hours=0.5)
        assert due()
        world.control("down", {"hours": 1, "mode": "503"})
        assert asyncio.run(reconcile.run(context, SILENT)).failed == [COURT]
        assert not due()
        world.clock.step(seconds=NIGHT_AGAIN.total_seconds() - 1)
        assert not due()
        world.clock.step(seconds=1)
        assert due()
        world.control("down", {"hours": 0})
        assert asyncio.run(reconcile.run(context, SILENT)).failed == []
        assert not due()
    finally:
        context.close()


@pytest.mark.guarantee("M9")
def test_a_comparison_that_its_own_process_gave_up_is_taken_up_by_it(build: Build) -> None:
    world = build()
    context = world.open()
    try:
        hand_off(context, COURT, 1)
        asyncio.run(dispatch.run_all(context, SILENT))
        world.ask("insert into reconciliation (body, for_day, run, started_at, state, owner, days, days_differing, items, differences, healed, note) values"
                  " (%s, %s, 1, %s, 'RUNNING', %s, 0, 0, 0, 0, 0, '') returning id", COURT, reconcile.beijing_day(context.now()), context.now(), context.owner)
        assert [c.body for c in asyncio.run(reconcile.run(context, SILENT)).bodies] == [COURT]
    finally:
        context.close()


def test_a_body_that_hangs_does_not_hold_up_the_others(build: Build) -> None:
    world = build(bodies_at_once=1)
    go_on = threading.Event()

    def wait(path: str) -> None:
        if path.startswith(f"/{HOUSING}/") and paths.LEDGER in path:
            assert go_on.wait(60)

    with through(world, wait) as (_, context):
        for body in (HOUSING, COURT):
            hand_off(context, body, 2)
        asyncio.run(dispatch.run_all(context, SILENT))
        done = threading.Event()

        def look() -> None:
            world.until(lambda: world.ask("select state from reconciliation where body = %s", COURT) == [("DONE",)], 60)
            done.set()
            go_on.set()

        watcher = threading.Thread(target=look)
        watcher.start()
        summary = asyncio.run(reconcile.run(context, SILENT))
        watcher.join()
        # The court's night was over before the other was let go, which comes first in the alphabet and had the only place.
        assert done.is_set()
        assert {c.body: c.failed for c in summary.bodies} == {COURT: "", HOUSING: ""}


def test_those_that_could_not_be_read_come_last(context: Context, bureau: World) -> None:
    for body in (COURT, HOUSING):
        hand_off(context, body, 1)
    asyncio.run(dispatch.run_all(context, SILENT))
    day = reconcile.beijing_day(context.now())

    def order() -> list[str]:
        return context.transact_now(lambda c: reconcile.well_first(c, [HOUSING, COURT], day))

    assert order() == [HOUSING, COURT]
    bureau.control("down", {"hours": 1, "mode": "503", "bodies": [HOUSING]})
    assert asyncio.run(reconcile.run(context, SILENT)).failed == [HOUSING]
    assert order() == [COURT, HOUSING]


def test_a_place_is_given_to_others_while_somebody_is_silent() -> None:
    async def play() -> list[str]:
        gate, told, let = Gate(1, patience=0.01), list[str](), asyncio.Event()

        async def silent() -> None:
            async with gate.place() as place:
                told.append("silent begins")
                await asyncio.gather(place.wait(let.wait()), place.wait(let.wait()))
                told.append("silent ends")

        async def brisk(name: str) -> None:
            async with gate.place() as place:
                await place.wait(asyncio.sleep(0))
                told.append(name)

        first = asyncio.create_task(silent())
        await asyncio.sleep(0)
        await asyncio.gather(*(brisk(f"brisk {i}") for i in range(3)))
        let.set()
        await first
        return told

    assert asyncio.run(play()) == ["silent begins", "brisk 0", "brisk 1", "brisk 2", "silent ends"]


def test_no_more_than_so_many_stand_aside() -> None:
    async def play() -> int:
        gate, let, inside = Gate(1, aside=2, patience=0.001), asyncio.Event(), 0

        async def silent() -> None:
            nonlocal inside
            async with gate.place() as place:
                inside += 1
                await place.wait(let.wait())

        tasks = [asyncio.create_task(silent()) for _ in range(9)]
        for _ in range(50):
            await asyncio.sleep(0.002)
        most = inside
        let.set()
        await asyncio.gather(*tasks)
        assert inside == 9
        return most

    assert asyncio.run(play()) == 3
