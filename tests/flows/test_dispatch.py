"""Sending: each message once, a failing body left alone, nothing waited for with a session open."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from flows import dispatch
from flows.context import Context, using
from flows.dispatch import pause_of
from flows.trace import SILENT
from tests.flows.conftest import Build
from tests.flows.world import COURT, HOUSING, START, World, hand_off


def test_every_message_is_receipted_and_moves_its_handoff(context: Context, bureau: World) -> None:
    hand_off(context, COURT, 30)
    summary = asyncio.run(dispatch.run(context, SILENT, COURT))
    assert (summary.tried, summary.count("receipted")) == (30, 30)
    assert bureau.states() == {"RECEIPTED": 30}
    assert bureau.ask("select state, count(*) from handoff group by 1") == [("DELIVERED", 30)]
    assert bureau.ask("select count(*), count(distinct receipt_id) from receipt") == [(30, 30)]
    effects = bureau.control("effects")
    assert len(effects) == 30
    assert all(seen["cases"] == 1 and seen["received"] == 1 for seen in effects.values())


def test_a_desk_has_its_messages_at_once(context: Context, bureau: World) -> None:
    bodies = context.house.bodies
    desk = next(b.code for b in bodies if b.connector.kind == "desk" and b.kind == "government")
    hand_off(context, COURT, 1)
    context.transact_now(lambda c: c.execute("update outbox set body = %s", (desk,)))
    summary = asyncio.run(dispatch.run(context, SILENT, desk))
    assert summary.rows[0][2:4] == ("receipted", "desk")
    assert bureau.ask("select state from handoff") == [("DELIVERED",)]


def test_a_body_that_is_down_is_tried_thrice_and_paused_for_longer_each_time(context: Context, bureau: World) -> None:
    hand_off(context, COURT, 40)
    bureau.control("down", {"hours": 100, "mode": "503"})
    seen = []
    for _ in range(3):
        summary = asyncio.run(dispatch.run(context, SILENT, COURT))
        assert summary.paused_until is not None
        assert summary.tried <= dispatch.STRIKES + context.settings.send_threads
        assert summary.released >= 40 - summary.tried - 20
        seen.append(summary.paused_until - bureau.clock.now())
        bureau.clock.step(seconds=seen[-1].total_seconds() + 1)
    assert seen == sorted(seen)
    assert bureau.ask("select failures from body where code = %s", COURT) == [(3,)]
    bureau.control("down", {"hours": 0})
    bureau.clock.step(hours=30)
    for _ in range(3):
        asyncio.run(dispatch.run(context, SILENT, COURT))
        bureau.clock.step(hours=30)
    assert bureau.states() == {"RECEIPTED": 40}
    assert bureau.ask("select failures, paused_until from body where code = %s", COURT) == [(0, None)]
    assert all(seen["cases"] == 1 for seen in bureau.control("effects").values())


def test_wrong_keys_pause_the_endpoint_and_open_one_duty_a_day(context: Context, bureau: World) -> None:
    hand_off(context, COURT, 5)
    path = context.settings.keys / "bodies" / f"{COURT}.json"
    path.write_text((context.settings.keys / "bodies" / f"{HOUSING}.json").read_text())
    for _ in range(2):
        summary = asyncio.run(dispatch.run(context, SILENT, COURT))
        assert summary.paused_until is not None
        bureau.clock.step(minutes=30)
    assert bureau.ask("select kind, body, ref from duty where kind = 'security'") == [
        ("security", COURT, f"endpoint:{COURT}:{START.date().isoformat()}")]
    assert "DEAD" not in bureau.states()


def test_a_body_without_keys_waits_for_people(context: Context, bureau: World) -> None:
    hand_off(context, COURT, 2)
    (context.settings.keys / "bodies" / f"{COURT}.json").unlink()
    summary = asyncio.run(dispatch.run(context, SILENT, COURT))
    assert {row[3] for row in summary.rows} == {"no-keys"}
    assert bureau.ask("select count(*) from duty where kind = 'security'") == [(1,)]


def test_a_lost_answer_is_asked_about_and_counts_once(build: Build) -> None:
    made = build("loses_answer")
    context = made.open()
    with using(context):
        hand_off(context, COURT, 12)
        asyncio.run(dispatch.run(context, SILENT, COURT))
        assert made.states().get("UNKNOWN", 0) > 0
        made.clock.step(minutes=1)
        asyncio.run(dispatch.run(context, SILENT, COURT))
        assert made.states() == {"RECEIPTED": 12}
        assert all(seen["cases"] == 1 for seen in made.control("effects").values())
    context.close()


def test_two_dispatchers_at_once_send_each_message_once(context: Context, bureau: World) -> None:
    hand_off(context, COURT, 60)
    other = bureau.open()

    async def both() -> int:
        done = await asyncio.gather(dispatch.run(context, SILENT, COURT), dispatch.run(other, SILENT, COURT))
        return sum(s.tried for s in done)

    assert asyncio.run(both()) == 60
    other.close()
    assert all(seen["received"] == 1 for seen in bureau.control("effects").values())


@pytest.mark.parametrize(("failures", "asked", "wanted"), [
    (0, None, timedelta(minutes=1)), (3, None, timedelta(minutes=8)), (9, None, timedelta(hours=6)), (500, None, timedelta(hours=6)),
    (0, timedelta(hours=2), timedelta(hours=2)), (9, timedelta(seconds=30), timedelta(seconds=30)), (0, timedelta(days=900), timedelta(hours=24)),
])
def test_the_pause_doubles_up_to_six_hours_and_the_body_may_ask_for_another(failures: int, asked: timedelta | None, wanted: timedelta) -> None:
    assert pause_of(failures, asked) == wanted
