"""One body that hangs, or is down, delays nobody else; it is tried with one message by all workers together, also when the one that tried it is killed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from connectors.keyring import Keyring
from flows import dispatch, watch
from flows.context import Context, using
from flows.due import look
from flows.trace import SILENT, Mark, Silent
from models import breaker
from rules.breaker import Seen
from tests.flows.conftest import Build
from tests.flows.test_worker import begin
from tests.flows.world import COURT, HOUSING, World, hand_off, say
from tests.support.road import Road, config_by, road

T = TypeVar("T")
DEAD = ("court-990100", "court-990103", "agency-housing-990103", "agency-market-990102", "agency-market-990103", "procuratorate-990102")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def by_road(build: Build, stack: ExitStack, folder: Path, bodies: tuple[str, ...], options: str = "", **more: object) -> tuple[World, Road]:
    """A bureau whose way to these bodies is one road; the others' is the sandbox itself."""
    world = build(**more)
    way = stack.enter_context(road(world.sandbox))
    chosen = config_by(folder / "config", dict.fromkeys(bodies, way.url), options)
    world.settings = world.settings.model_copy(update={"config_dir": chosen})
    Keyring(world.settings.keys).ensure(bodies)
    return world, way


def opened(world: World, stack: ExitStack) -> Context:
    context = world.open()
    stack.callback(context.close)
    return context


@pytest.mark.guarantee("M11", "F12")
def test_more_bodies_hang_than_are_served_at_once_and_the_others_have_their_messages(build: Build, stack: ExitStack, tmp_path: Path) -> None:
    world, way = by_road(build, stack, tmp_path, DEAD, bodies_at_once=1)
    way.block("hang")
    context = opened(world, stack)
    hand_off(context, HOUSING, 4 * len(DEAD))
    for n, body in enumerate(DEAD):
        context.transact_now(lambda c, n=n, body=body: c.execute(  # type: ignore[misc]
            """update outbox set body = %s where message_id in (select message_id from outbox where body = %s order by message_id limit 4)""", (body, HOUSING)))
    hand_off(context, COURT, 20)
    begin(stack, world, TONGLU_BODIES_AT_ONCE="1", TONGLU_CONFIG_DIR=str(world.settings.config_dir))
    world.until(lambda: world.ask("select distinct state from outbox where body = %s", COURT) == [("RECEIPTED",)], 40)
    # Each of them has its turn beside the others, though none has answered.
    world.until(lambda: set(dict(world.ask("select body, count(*) from outbox where state = 'SENDING' group by 1"))) == set(DEAD), 40)
    world.until(lambda: way.travellers >= len(DEAD))
    assert way.travellers == len(DEAD), "each is called once, not once a thread"
    hand_off(context, COURT, 10, start=20)
    world.until(lambda: world.ask("select count(*) from outbox where body = %s and state = 'RECEIPTED'", COURT) == [(30,)], 20)


@pytest.mark.guarantee("M11", "S2", "F26")
def test_of_two_workers_one_tries_a_body_that_was_down_and_then_both_go_on(build: Build, stack: ExitStack, tmp_path: Path) -> None:
    world, way = by_road(build, stack, tmp_path, (COURT,))
    ours, theirs = opened(world, stack), opened(world, stack)
    hand_off(ours, COURT, 30)
    way.block("close")

    async def both() -> list[int]:
        done = await asyncio.gather(*(dispatch.run(c, SILENT, COURT) for c in (ours, theirs)))
        return sorted(s.tried for s in done)

    first = asyncio.run(both())
    assert 3 <= sum(first) <= 4, "what one has learned the other knows before its next message"
    for minutes in (1, 2, 4):
        world.clock.step(minutes=minutes)
        before = way.travellers
        assert asyncio.run(both()) == [0, 1]
        assert way.travellers - before <= 2, "one message; the question by its key may go first"
    way.block("pass")
    world.clock.step(minutes=8)
    tried = asyncio.run(both())
    asyncio.run(both())
    world.clock.step(hours=30)
    asyncio.run(both())
    assert world.states() == {"RECEIPTED": 30}
    assert sum(tried) > 1, "after the receipt the rest went in the same run"
    assert all(seen["cases"] == 1 and seen["received"] == 1 for seen in world.control("effects").values())


@pytest.mark.guarantee("M11", "S2", "M3")
def test_a_prober_that_is_killed_is_replaced_at_once_while_time_stands_still(build: Build, stack: ExitStack, tmp_path: Path) -> None:
    world, way = by_road(build, stack, tmp_path, (COURT,))
    context = opened(world, stack)
    hand_off(context, COURT, 5)
    context.transact_now(lambda c: breaker.learn(c, COURT, [(0, Seen("endpoint", "x", "w0", "http-401"))], context.now()))
    way.block("hang")
    world.clock.step(minutes=1)
    chosen = {"TONGLU_CONFIG_DIR": str(world.settings.config_dir)}
    pid = begin(stack, world, **chosen)
    probing = "select probe_owner, probe_message from body where code = %s and breaker = 'HALF_OPEN'"
    world.until(lambda: bool(world.ask(probing, COURT)), 120)
    world.until(lambda: way.travellers >= 1, 60)
    first = world.ask(probing, COURT)
    os.kill(pid, signal.SIGKILL)
    begin(stack, world, **chosen)
    world.until(lambda: bool(now := world.ask(probing, COURT)) and now[0][0] != first[0][0], 120)
    assert world.states().get("SENDING", 0) <= 1, "again one message alone"
    way.block("pass")
    world.clock.step(hours=7)
    world.until(lambda: world.states() == {"RECEIPTED": 5}, 120)
    assert world.ask("select breaker from body where code = %s", COURT) == [("CLOSED",)]
    assert all(seen["cases"] == 1 for seen in world.control("effects").values())


@pytest.mark.guarantee("F29")
def test_a_body_suspended_while_it_is_being_sent_to_gets_no_more(build: Build, stack: ExitStack) -> None:
    from models import suspending

    world = build(send_threads=1)
    context = opened(world, stack)
    hand_off(context, COURT, 400)

    class Suspending(Silent):
        """After the tenth message somebody suspends the body, and from then on there is time to hear of it."""

        sent = 0

        async def step(self, number: str, work: Callable[[], Awaitable[T]], mark: Callable[[T], Mark]) -> T:
            result = await work()
            self.sent += 1
            if self.sent == 10:
                await context.transact(lambda c: suspending.suspend(c, COURT, "1024", "对方要求停发", None, context.house, context.now()))
            if self.sent >= 10:
                await asyncio.sleep(0.05)
            return result

    summary = asyncio.run(dispatch.run(context, Suspending(), COURT))
    assert summary.suspended
    assert summary.released > 0
    assert asyncio.run(dispatch.run(context, SILENT, COURT)).tried == 0
    states = world.states()
    assert set(states) == {"RECEIPTED", "QUEUED"}
    context.transact_now(lambda c: suspending.resume(c, COURT, "1024", "可以发了", context.house, context.now()))
    asyncio.run(dispatch.run(context, SILENT, COURT))
    assert world.states() == {"RECEIPTED": 400}


def with_gaps(context: Context, world: World, body: str, count: int) -> None:
    """So many hand-offs of a body of which a later message has come and the first has not, for longer than we wait."""
    hand_off(context, body, count)
    asyncio.run(dispatch.run(context, SILENT, body))
    for (handoff,) in world.ask("select handoff_id from handoff where body = %s order by 1", body):
        say(context, handoff, "handoff.progress", 2, note="进展")
    from flows import receive

    asyncio.run(receive.apply_all(context))
    world.clock.step(minutes=11)


@pytest.mark.guarantee("M11", "F16", "S3")
def test_a_body_that_hangs_does_not_hold_up_the_others_missing_messages(build: Build, stack: ExitStack, tmp_path: Path) -> None:
    world, way = by_road(build, stack, tmp_path, (HOUSING,), "read_timeout: 4")
    context = opened(world, stack)
    with using(context):
        with_gaps(context, world, HOUSING, 5)
        with_gaps(context, world, COURT, 2)
        way.block("hang")
        before = way.travellers
        summary = asyncio.run(watch.fill(context, SILENT))
    assert [what for _, what, _ in summary.lines] == ["已补取"] * 2 + ["未能补取"] * 5, "the one that hangs is the first by its name"
    assert way.travellers - before == 1, "and is not asked five times"
    assert {code for _, what, code in summary.lines if what == "未能补取"} == {"read-timeout"}


@pytest.mark.guarantee("M11", "S3")
def test_a_body_left_alone_is_not_asked_for_missing_messages_until_it_may_be_tried(build: Build, stack: ExitStack, tmp_path: Path) -> None:
    world, way = by_road(build, stack, tmp_path, (COURT,))
    context = opened(world, stack)
    with using(context):
        with_gaps(context, world, COURT, 1)
        context.transact_now(lambda c: breaker.learn(c, COURT, [(0, Seen("endpoint", "x", "w0", "http-401", timedelta(hours=2)))], context.now()))
        before = way.travellers
        assert context.transact_now(lambda c: look(c, context.now())).gaps == 0
        assert asyncio.run(watch.run(context, SILENT)).lines == []
        assert way.travellers == before
        world.clock.step(hours=2)
        assert context.transact_now(lambda c: look(c, context.now())).gaps == 1
        assert [what for _, what, _ in asyncio.run(watch.fill(context, SILENT)).lines] == ["已补取"]
