"""Accusation material never reaches the accused: over the sample city, and over random trees of bodies."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config
from config.bodies import Bodies, Body, Connector, Place, load_bodies
from config.facts import Facts
from rules.guards import Allowed, Blocked, accused_side, may_send

CITY = load_bodies(Path(config.__file__).parent / "bodies.yaml")


def accuse(body: str | None, **more: object) -> Facts:
    return Facts.model_validate({"klass": "accusation", "accusation": "discipline", "accused_body": body, **more})


def allowed(facts: Facts, body: str, *via: str) -> bool:
    return isinstance(may_send(facts, CITY.get(body), CITY, via), Allowed)


def test_never_to_the_accused_itself() -> None:
    verdict = may_send(accuse("court-990102"), CITY.get("court-990102"), CITY)
    assert isinstance(verdict, Blocked)
    assert "即被检举控告单位" in verdict.reason
    assert verdict.basis == "信访工作条例第三十条第三款"


def test_never_to_a_body_under_the_accused_in_either_line() -> None:
    assert not allowed(accuse("police-990100"), "police-990102")
    assert not allowed(accuse("government-990102"), "police-990102")
    assert not allowed(accuse("government-990100"), "agency-market-990103")
    assert allowed(accuse("police-990102"), "police-990100")
    assert allowed(accuse("government-990102"), "discipline-990100")


def test_never_by_way_of_the_accused_side() -> None:
    assert not allowed(accuse("government-990102"), "discipline-990100", "bureau-990102")
    assert allowed(accuse("government-990102"), "discipline-990100", "bureau-990100")
    assert not allowed(accuse("bureau-990103"), "discipline-990100", "bureau-990103")


def test_a_named_accused_counts_in_every_class() -> None:
    facts = Facts(klass="claim", sector="housing", accused_body="agency-housing-990102")
    assert not allowed(facts, "agency-housing-990102")
    assert allowed(facts, "agency-housing-990100")
    assert allowed(Facts(klass="claim", sector="housing"), "agency-housing-990102")


def test_an_accusation_is_known_by_any_of_its_signs() -> None:
    for signs in ({"branch": "B2a"}, {"accusation": "law"}, {"accused": "official"}, {"klass": "claim", "branch": "B2c"}):
        assert not allowed(Facts.model_validate(signs), "agency-housing-990102")
    assert allowed(Facts(branch="B3.6", sector="housing"), "agency-housing-990102")


def test_what_cannot_be_checked_is_not_sent() -> None:
    assert not allowed(accuse(None), "discipline-990100")
    assert not allowed(accuse("court-123456"), "discipline-990100")
    assert not allowed(accuse("court-990102"), "discipline-990100", "bureau-123456")
    assert not allowed(accuse(None, accused_level="city"), "discipline-990100")
    assert allowed(accuse(None, accused_level="city"), "discipline-990000")
    assert allowed(accuse(None, accused_level="township"), "discipline-990102")
    assert allowed(accuse(None, accused="private"), "agency-market-990102")
    assert not allowed(accuse(None, accused="private", accused_level="district"), "agency-market-990102"), "a level is that of an official accused"


def test_what_is_pending_elsewhere_is_linked_not_sent() -> None:
    verdict = may_send(Facts(pending_elsewhere="XF99010220260105000007"), CITY.get("court-990102"), CITY)
    assert isinstance(verdict, Blocked)
    assert "应关联" in verdict.reason


def test_successors_and_predecessors_are_the_accused_too() -> None:
    old = CITY.get("agency-housing-990102").model_copy(update={"successor": "agency-urban_management-990102"})
    bodies = Bodies((), [*(b for b in CITY if b.code != old.code), old])
    for accused, receiver in (
        (old.code, "agency-urban_management-990102"),
        ("agency-urban_management-990102", old.code),
    ):
        assert isinstance(may_send(accuse(accused), bodies.get(receiver), bodies), Blocked)


def make(code: int, superior: int | None, led_by: tuple[int, ...], successor: int | None) -> Body:
    def name(number: int) -> str:
        return f"agency-{'abcdefghijklmnopqrst'[number]}-990100"

    return Body(
        code=name(code),
        name=f"机关{code}",
        kind="agency",
        sector="abcdefghijklmnopqrst"[code],
        level="city",
        division="990100",
        superior=None if superior is None else name(superior),
        led_by=tuple(map(name, led_by)),
        profile="agency",
        connector=Connector(kind="desk"),
        successor=None if successor is None else name(successor),
    )


@st.composite
def trees(draw: st.DrawFn) -> Bodies:
    """Up to 14 bodies; leaders have smaller numbers and successors larger ones, so there is no cycle."""
    size = draw(st.integers(2, 14))
    bodies = []
    for number in range(size):
        above = st.integers(0, number - 1) if number else st.nothing()
        superior = draw(st.none() | above) if number else None
        led_by = tuple(draw(st.sets(above, max_size=2))) if number else ()
        successor = draw(st.none() | st.none() | st.integers(number + 1, size - 1)) if number < size - 1 else None
        bodies.append(make(number, superior, led_by, successor))
    return Bodies([Place(code="990100", name="某市", level="city")], bodies)


def reach(bodies: Bodies, accused: str) -> set[str]:
    """A second opinion: walk the edges until nothing new is found."""
    family = {accused}
    changed = True
    while changed:
        changed = False
        for body in bodies:
            if body.successor and (body.code in family) != (body.successor in family):
                family |= {body.code, body.successor}
                changed = True
    side = set(family)
    changed = True
    while changed:
        changed = False
        for body in bodies:
            if body.code not in side and ({body.superior, *body.led_by} & side):
                side.add(body.code)
                changed = True
    return side


@given(trees(), st.data())
def test_over_random_trees_nothing_on_the_accused_side_ever_receives(bodies: Bodies, data: st.DataObject) -> None:
    codes = sorted(body.code for body in bodies)
    accused, receiver = data.draw(st.sampled_from(codes)), data.draw(st.sampled_from(codes))
    via = data.draw(st.lists(st.sampled_from(codes), max_size=3))
    side = reach(bodies, accused)
    assert accused_side(accused, bodies) == side
    verdict = may_send(accuse(accused), bodies.get(receiver), bodies, via)
    assert isinstance(verdict, Blocked) == bool(side & {receiver, *via})


@given(trees(), st.data())
def test_a_body_clear_of_the_accused_may_always_be_told(bodies: Bodies, data: st.DataObject) -> None:
    accused = data.draw(st.sampled_from(sorted(body.code for body in bodies)))
    for body in bodies:
        if body.code in bodies.above(accused) and body.code not in reach(bodies, accused):
            assert isinstance(may_send(accuse(accused), body, bodies), Allowed)


@pytest.mark.parametrize("body", sorted(b.code for b in CITY))
def test_over_the_sample_city_no_receiver_is_under_the_accused(body: str) -> None:
    for receiver in CITY:
        if allowed(accuse(body), receiver.code):
            assert receiver.code != body
            assert body not in CITY.above(receiver.code)
