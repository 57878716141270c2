"""Sending: each message once, a failing body left alone, nothing waited for with a session open."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from flows import dispatch
from flows.context import Context, using
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


@pytest.mark.guarantee("F11", "M11", "S2")
def test_a_body_that_is_down_is_tried_thrice_and_then_by_one_message_at_a_time_ever_later(context: Context, bureau: World) -> None:
    hand_off(context, COURT, 40)
    bureau.control("down", {"hours": 100, "mode": "close"})
    waits: list[timedelta] = []
    tried: list[int] = []
    for _ in range(4):
        summary = asyncio.run(dispatch.run(context, SILENT, COURT))
        assert summary.probe_at is not None
        assert summary.tried + summary.released == (40 if not tried else 1)
        tried.append(summary.tried)
        waits.append(summary.probe_at - bureau.clock.now())
        assert asyncio.run(dispatch.run(context, SILENT, COURT)).tried == 0, "left alone until then"
        bureau.clock.step(seconds=waits[-1].total_seconds() + 1)
    assert tried == [3, 1, 1, 1], "one at a time from the beginning, since nothing was ever answered"
    assert [w.total_seconds() for w in waits] == [60, 120, 240, 480]
    bureau.control("down", {"hours": 0})
    bureau.clock.step(hours=30)
    for _ in range(3):
        asyncio.run(dispatch.run(context, SILENT, COURT))
        bureau.clock.step(hours=30)
    assert bureau.states() == {"RECEIPTED": 40}
    assert bureau.ask("select breaker, failures, openings, probe_at from body where code = %s", COURT) == [("CLOSED", 0, 0, None)]
    assert all(seen["cases"] == 1 for seen in bureau.control("effects").values())


@pytest.mark.guarantee("F10", "M11")
def test_wrong_keys_pause_the_endpoint_and_open_one_duty_a_day(context: Context, bureau: World) -> None:
    hand_off(context, COURT, 5)
    path = context.settings.keys / "bodies" / f"{COURT}.json"
    path.write_text((context.settings.keys / "bodies" / f"{HOUSING}.json").read_text())
    for _ in range(2):
        summary = asyncio.run(dispatch.run(context, SILENT, COURT))
        assert (summary.tried, summary.cause) == (1, "bad-signature")
        assert summary.probe_at is not None
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


@pytest.mark.guarantee("F5", "M3", "M4")
def test_a_lost_answer_is_asked_about_and_counts_once(build: Build) -> None:
    made = build("loses_answer")
    context = made.open()
    with using(context):
        hand_off(context, COURT, 12)
        asyncio.run(dispatch.run(context, SILENT, COURT))
        assert made.states().get("UNKNOWN", 0) > 0
        for _ in range(12):  # three new ones each time, until a doubtful one shows that they arrive
            made.clock.step(minutes=6)
            asyncio.run(dispatch.run(context, SILENT, COURT))
        assert made.states() == {"RECEIPTED": 12}
        assert all(seen["cases"] == 1 for seen in made.control("effects").values())
    context.close()


@pytest.mark.guarantee("F26", "M9")
def test_two_dispatchers_at_once_send_each_message_once(context: Context, bureau: World) -> None:
    hand_off(context, COURT, 60)
    other = bureau.open()

    async def both() -> int:
        done = await asyncio.gather(dispatch.run(context, SILENT, COURT), dispatch.run(other, SILENT, COURT))
        return sum(s.tried for s in done)

    assert asyncio.run(both()) == 60
    other.close()
    assert all(seen["received"] == 1 for seen in bureau.control("effects").values())


@pytest.mark.guarantee("F11", "F12", "G1")
def test_of_a_body_that_is_away_for_a_day_a_person_is_told_once_a_day(context: Context, bureau: World) -> None:
    hand_off(context, COURT, 5)
    bureau.control("down", {"hours": 100, "mode": "close"})
    told = []
    for _ in range(12):
        asyncio.run(dispatch.run(context, SILENT, COURT))
        told.append(len(bureau.ask("select 1 from duty where ref like %s", f"endpoint:{COURT}:%")))
        bureau.clock.step(hours=7)
    assert told[:3] == [0, 0, 0], "the schedule may mend the first day"
    assert told == sorted(told)
    assert told[-1] in (3, 4), "three days, or a part of a fourth"
