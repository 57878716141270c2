"""Who hears of a case at the end, and who decides between two bodies: never anybody of the side complained of or accused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config
from config.bodies import LEVELS, Bodies, Body, load_bodies
from rules.guards import accused_side
from rules.ladder import PETITIONER, Parties, arbiter_for, conference_above, conference_for, shuns

BODIES = load_bodies(Path(config.__file__).parent / "bodies.yaml")
CODES = sorted(body.code for body in BODIES)
CITY = "990100"


@pytest.mark.parametrize(("facts", "who"), [
    ({}, "joint_conference-990100"),
    ({"complained_of": "agency-housing-990102"}, "joint_conference-990100"),
    ({"complained_of": "government-990100"}, "joint_conference-990000"),
    ({"complained_of": "bureau-990100"}, "joint_conference-990000"),
    ({"complained_of": "joint_conference-990100"}, "joint_conference-990000"),
    # It leads the city's government, and with that the city's conference sits.
    ({"accused_body": "government-990000"}, "joint_conference-000000"),
    ({"accused_level": "district"}, "joint_conference-990100"),
    ({"accused_level": "city"}, "joint_conference-990000"),
    ({"accused": "private"}, "joint_conference-990100"),
    ({"complained_of": "nobody-990100"}, "joint_conference-990100"),
])
def test_the_conference_of_the_division_or_the_nearest_that_is_on_nobodys_side(facts: dict[str, Any], who: str) -> None:
    assert conference_for(facts, BODIES, CITY) == who


def test_where_no_conference_is_left_nobody_new_learns_of_it() -> None:
    """A government over all of them: a discipline body that it does not lead takes an accusation, the bureau keeps what it holds of anything else."""
    whole = [replace_leader(body, "government-990000") for body in BODIES if body.level != "nation" and body.kind != "discipline"]
    country = Bodies(BODIES.places, [*whole, *(body for body in BODIES if body.kind == "discipline")])
    assert conference_for({"accused_body": "government-990000"}, country, CITY) == "discipline-990100"
    assert conference_for({"complained_of": "government-990000"}, country, CITY) == "bureau-990100"
    led = Bodies(BODIES.places, [replace_leader(body, "government-990000") for body in BODIES if body.level != "nation"])
    assert conference_for({"accused_body": "government-990000"}, led, CITY) == "bureau-990100"


def replace_leader(body: Body, leader: str) -> Body:
    return body if body.code == leader else body.model_copy(update={"superior": None, "led_by": (leader,)})


@given(st.sampled_from(["accused_body", "complained_of"]), st.sampled_from(CODES), st.sampled_from(["990000", CITY, "990102", "990103"]))
def test_whoever_hears_last_is_never_of_that_side(name: str, code: str, division: str) -> None:
    facts = {name: code}
    found = conference_for(facts, BODIES, division)
    own = BODIES.find("bureau", division)
    assert own is not None
    assert found == own.code or found not in accused_side(code, BODIES)


@given(st.sampled_from(CODES), st.sampled_from(CODES))
def test_shunned_are_the_side_and_those_who_sit_with_it_and_no_others(named: str, code: str) -> None:
    side = accused_side(named, BODIES)
    building = {"government", "bureau", "joint_conference"}
    here = {body.code for body in BODIES if body.kind in building and body.division == BODIES.get(code).division}
    sits_with = BODIES.get(code).kind in building and not here.isdisjoint(side)
    assert shuns({"accused_body": named}, code, BODIES) == shuns({"complained_of": named}, code, BODIES) == (code in side or sits_with)


@given(st.sampled_from(LEVELS), st.sampled_from(CODES))
def test_an_accused_known_by_level_alone_may_be_any_body_not_above_it(level: str, code: str) -> None:
    below = LEVELS.index(BODIES.get(code).level) >= LEVELS.index(level)
    assert shuns({"accused_level": level}, code, BODIES) == below
    # Once the body is known its level says nothing more.
    assert not shuns({"accused_level": level, "accused_body": "court-990103"}, "discipline-990100", BODIES)


@pytest.mark.parametrize(("disputants", "facts", "who"), [
    (["agency-housing-990100", "agency-market-990100"], {}, "government-990100"),
    (["court-990102", "court-990103"], {}, "court-990100"),
    (["court-990100", "agency-housing-990100"], {}, "joint_conference-990100"),
    (["court-990100"], {}, "joint_conference-990100"),
    ([], {}, "joint_conference-990100"),
    (["agency-housing-990100", "nobody"], {}, "joint_conference-990100"),
    (["agency-housing-990100", "agency-market-990100"], {"complained_of": "government-990100"}, "joint_conference-990000"),
    (["court-990102", "court-990103"], {"accused_body": "court-990100"}, "joint_conference-990100"),
    # One that leads the other is no judge in its own cause.
    (["court-990102", "court-990100"], {}, "court-990000"),
])
def test_between_two_bodies_their_nearest_superior_decides(disputants: list[str], facts: dict[str, Any], who: str) -> None:
    assert arbiter_for(disputants, facts, BODIES, CITY) == who


@given(st.lists(st.sampled_from(CODES), max_size=3), st.sampled_from(["accused_body", "complained_of"]), st.sampled_from(CODES))
def test_no_arbiter_is_a_party_or_of_the_side_complained_of(disputants: list[str], name: str, code: str) -> None:
    found = arbiter_for(disputants, {name: code}, BODIES, CITY)
    assert found == "bureau-990100" or found not in accused_side(code, BODIES)
    if BODIES.get(found).kind not in ("joint_conference", "bureau", "discipline"):
        assert found not in disputants


def test_the_parts_people_play() -> None:
    parties = Parties("bureau-990100", "court-990100", "joint_conference-990100")
    assert [parties.who(role) for role in ("bureau", "partner", "joint_conference", "arbiter", "party")] == [
        "bureau-990100", "court-990100", "joint_conference-990100", "joint_conference-990100", "court-990100"]
    assert parties.who("party", PETITIONER) == PETITIONER
    assert Parties("b", "p", "c", "a").who("arbiter") == "a"


@given(code=st.sampled_from(CODES), complained=st.none() | st.sampled_from(CODES))
def test_the_conference_above_is_higher_and_on_nobodys_side(code: str, complained: str | None) -> None:
    facts = {"complained_of": complained} if complained else {}
    found = conference_above(code, facts, BODIES)
    above = [place.code for place in BODIES.lineage(BODIES.get(code).division)[1:]]
    fit = [c.code for place in above if (c := BODIES.find("joint_conference", place)) is not None and not shuns(facts, c.code, BODIES)]
    assert found == (fit[0] if fit else None)
    assert conference_above("nobody", facts, BODIES) is None
