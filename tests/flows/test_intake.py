"""Routing what is registered: by the table, by the guards, and never stuck on one petition."""

from __future__ import annotations

import asyncio

import pytest

from flows import intake
from flows.context import Context
from flows.trace import SILENT
from tests.flows.world import COURT, HOUSING, World, register


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
