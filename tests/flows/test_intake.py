"""Routing what is registered: by the table, by the guards, and never stuck on one petition."""

from __future__ import annotations

import asyncio

import pytest

from flows import intake, receive, watch
from flows.context import Context
from flows.trace import SILENT
from tests.flows.world import COURT, HOUSING, World, hand_off, register, say


@pytest.mark.parametrize(("facts", "code"), [
    ({}, "no-row"),
    ({"klass": "claim", "branch": "B3.1a", "organ": "police", "division": "990102", "art31": 6}, "no-row"),
    ({"klass": "nonsense"}, "bad-facts"),
])
def test_what_no_row_fits_is_a_clerks(context: Context, bureau: World, facts: dict[str, object], code: str) -> None:
    register(context, COURT, 1, facts=facts)
    summary = asyncio.run(intake.run(context, SILENT))
    assert [(body, why) for _, body, why in summary.lines] == [("", code)]
    assert bureau.ask("select state from petition") == [("WITH_CLERK",)]
    assert bureau.ask("select count(*) from duty where closed_at is null") == [(1,)]


def test_an_accusation_never_goes_to_the_accused(context: Context, bureau: World) -> None:
    facts = {"klass": "accusation", "branch": "B2b", "accusation": "law", "accused": "official", "accused_body": HOUSING, "sector": "housing", "division": "990102"}
    register(context, COURT, 1, facts=facts)
    asyncio.run(intake.run(context, SILENT))
    assert bureau.ask("select count(*) from handoff where body = %s", HOUSING) == [(0,)]


def test_one_petition_that_breaks_the_door_does_not_hold_up_the_rest(context: Context, bureau: World) -> None:
    numbers = register(context, COURT, 5)
    with context.database.transaction() as connection:  # a damaged row: its text does not open any more
        connection.execute("update petition set text_sealed = '\\x00' where petition_no = %s", (numbers[2],))
    summary = asyncio.run(intake.run(context, SILENT))
    assert summary.routed == 4
    assert bureau.ask("select petition_no, state from petition where state <> 'HANDED_OFF'") == [(numbers[2], "REGISTERED")]


@pytest.mark.guarantee("G2")
def test_one_message_that_breaks_the_door_does_not_hold_up_the_rest(context: Context, bureau: World) -> None:
    hand_off(context, COURT, 5)
    handoffs = [h for (h,) in bureau.ask("select handoff_id from handoff order by 1")]
    for handoff in handoffs:
        say(context, handoff, "handoff.signed", 1, office="立案庭", person_role="书记员", signed_at=context.now().isoformat())
    with context.database.transaction() as connection:
        connection.execute("update inbox set raw_sealed = '\\x00' where handoff_id = %s", (handoffs[1],))
    summary = asyncio.run(receive.apply_all(context))
    assert summary.count("APPLIED") == 4
    assert bureau.ask("select handoff_id from inbox where state = 'RECEIVED'") == [(handoffs[1],)]
    assert asyncio.run(receive.apply_all(context)).total == 0
    # It has a receipt, so somebody is told; once, however often it is looked at.
    assert bureau.ask("select kind, handoff_id, closed_at from duty where kind in ('quarantine', 'security')") == [("quarantine", handoffs[1], None)]


@pytest.mark.guarantee("G2")
def test_a_message_of_a_damaged_case_is_told_all_the_same(context: Context, bureau: World) -> None:
    hand_off(context, COURT, 1)
    [(handoff,)] = bureau.ask("select handoff_id from handoff")
    say(context, handoff, "handoff.signed", 1, office="立案庭", person_role="书记员", signed_at=context.now().isoformat())
    with context.database.transaction() as connection:
        connection.execute("update petition set state = 'GONE'")
        connection.execute("update handoff set state = 'GONE'")
    asyncio.run(receive.apply_all(context))
    assert bureau.ask("select count(*) from inbox where state = 'RECEIVED'") == [(1,)]
    assert bureau.ask("select kind, petition_no, body from duty where kind in ('quarantine', 'security')") == [("security", None, COURT)]


@pytest.mark.guarantee("G3")
def test_one_clock_that_breaks_the_door_does_not_stop_the_others(context: Context, bureau: World) -> None:
    """E.g. a clock whose key somebody renamed in clocks.yaml while it ran."""
    hand_off(context, COURT, 5)
    with context.database.transaction() as connection:
        connection.execute("update clock set key = 'gone', root = 'gone' where id = (select min(id) from clock where key = 'receipt')")
    bureau.clock.step(days=2)
    asyncio.run(watch.run(context, SILENT))
    assert bureau.ask("select count(*) from clock where key = 'receipt' and state = 'FIRED'") == [(4,)]
    assert bureau.ask("select count(*) from clock where key = 'gone' and state = 'OPEN'") == [(1,)]
