"""Over random directories: above and below, successions by day, families and common superiors, each held against a plain second opinion."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from config.bodies import Bodies, BodiesFile, Body, Connector, Place
from config.bodies_faults import faults
from config.facts import Facts
from config.source import Lines, Located
from rules.guards import Blocked, may_send

LETTERS = "abcdefghijklmnop"
FIRST = date(2020, 1, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(6)]


def name(number: int) -> str:
    return f"agency-{LETTERS[number]}-990100"


@st.composite
def directories(draw: st.DrawFn) -> Bodies:
    """Up to 16 bodies of one city; leaders have smaller numbers and successors larger ones, so nothing runs in a circle."""
    size = draw(st.integers(1, len(LETTERS)))
    bodies = []
    for number in range(size):
        leaders = draw(st.lists(st.integers(0, number - 1), max_size=3, unique=True)) if number else []
        own = bool(leaders) and draw(st.booleans())
        fate = draw(st.sampled_from(["lasts", "lasts", "merged", "abolished"]))
        merged = fate == "merged" and number < size - 1
        bodies.append(
            Body(
                code=name(number),
                name=f"机关{number}",
                kind="agency",
                sector=LETTERS[number],
                level="city",
                division="990100",
                superior=name(leaders[0]) if own else None,
                led_by=tuple(map(name, leaders[1:] if own else leaders)),
                profile="agency",
                connector=Connector(kind="desk"),
                successor=name(draw(st.integers(number + 1, size - 1))) if merged else None,
                since=draw(st.sampled_from(DAYS)) if merged else None,
                abolished=draw(st.sampled_from(DAYS)) if fate == "abolished" else None,
            )
        )
    return Bodies([Place(code="990100", name="某市", level="city")], bodies)


def pairs_of_leading(bodies: Bodies) -> set[tuple[str, str]]:
    """(leader, led), closed under taking two steps for one."""
    found = {(leader, body.code) for body in bodies for leader in (*([body.superior] if body.superior else []), *body.led_by)}
    while more := {(a, d) for (a, b), (c, d) in product(found, found) if b == c} - found:
        found |= more
    return found


@given(directories())
def test_above_and_below_are_each_other_s_inverse(bodies: Bodies) -> None:
    pairs = pairs_of_leading(bodies)
    for one, other in product(bodies, bodies):
        expected = (one.code, other.code) in pairs
        assert (one.code in bodies.above(other.code)) == (other.code in bodies.below(one.code)) == bodies.leads(one.code, other.code) == expected


@given(directories(), st.none() | st.sampled_from([FIRST - timedelta(days=1), *DAYS]))
def test_powers_pass_on_by_the_day(bodies: Bodies, on: date | None) -> None:
    for body in bodies:
        holder = bodies.current(body.code, on)
        if body.successor is not None and (on is None or body.since is None or on >= body.since):
            assert holder == bodies.current(body.successor, on)
        elif body.abolished is not None and (on is None or on >= body.abolished):
            assert holder is None
        else:
            assert holder == body
        found = bodies.find("agency", "990100", body.sector, on)
        assert found == (body if holder == body else None)
        assert bodies.seat("agency", "990100", body.sector) == body


@given(directories())
def test_a_family_is_all_that_succession_joins(bodies: Bodies) -> None:
    joined = [{body.code, body.successor} for body in bodies if body.successor]
    for body in bodies:
        family, size = {body.code}, 0
        while len(family) > size:
            size = len(family)
            for pair in joined:
                if pair & family:
                    family |= {code for code in pair if code}
        assert bodies.family(body.code) == family
        for on in (None, *DAYS):
            holder = bodies.current(body.code, on)
            assert holder is None or holder.code in family


@given(directories(), st.data())
def test_the_common_superior_leads_all_and_is_the_nearest(bodies: Bodies, data: st.DataObject) -> None:
    codes = data.draw(st.lists(st.sampled_from(sorted(body.code for body in bodies)), min_size=1, max_size=4))
    on = data.draw(st.none() | st.sampled_from(DAYS))
    pairs = pairs_of_leading(bodies)
    over_all = [body.code for body in bodies if body.code not in codes and all((body.code, code) in pairs for code in codes)]
    heirs = {code: heir for code in over_all if (heir := bodies.current(code, on)) is not None and heir.code not in codes}
    found = bodies.common_superior(codes, on)
    if found is None:
        assert not heirs
        return
    nearest = [code for code in heirs if not any((code, other) in pairs for other in heirs)]
    assert found in [heirs[code] for code in nearest]
    assert bodies.common_superior(set(codes), on) == bodies.common_superior(codes[::-1], on) == found
    assert found.code not in codes
    again = Bodies(bodies.places, list(bodies)[::-1])
    assert again.common_superior(codes, on) == found


@st.composite
def sound_directories(draw: st.DrawFn) -> Bodies:
    """Up to 12 bodies of which a program would find nothing to refuse: whoever is led by a body that passes on its powers names the heir too."""
    bodies: list[Body] = []
    for number in range(draw(st.integers(1, 12))):
        merged = number > 0 and draw(st.booleans())
        since = draw(st.sampled_from(DAYS)) if merged else None
        earlier = st.integers(0, number - 1)
        # the heir may not be gone by then
        heirs = [body.code for body in bodies if since is not None and (body.until is None or body.until >= since)]
        heir = draw(st.sampled_from(heirs)) if heirs else None
        led_by = [name(leader) for leader in draw(st.lists(earlier, max_size=2, unique=True))] if number else []
        for leader in led_by:  # grows while it is walked
            known = bodies[LETTERS.index(leader.split("-")[1])]
            gone_before = known.until is not None and (heir is None or since is None or known.until < since)
            if known.successor is not None and gone_before and known.successor not in led_by:
                led_by.append(known.successor)
        bodies.append(
            Body(
                code=name(number),
                name=f"机关{number}",
                kind="agency",
                sector=LETTERS[number],
                level="city",
                division="990100",
                led_by=tuple(led_by),
                profile="agency",
                connector=Connector(kind="desk"),
                successor=heir,
                since=since if heir is not None else None,
            )
        )
    return Bodies([Place(code="990100", name="某市", level="city")], bodies)


def nothing_refused(bodies: Bodies) -> bool:
    found = faults(BodiesFile(divisions=list(bodies.places), bodies=list(bodies)), Located(Path("bodies.yaml"), Lines({})))
    return not [problem for problem in found if "信访部门" not in problem.what and "上级区划" not in problem.what]


@given(sound_directories())
def test_in_a_sound_directory_nobody_receives_what_accuses_who_leads_it_on_that_day(bodies: Bodies) -> None:
    """Leaders as they are on a day, each for the powers it took over: the guard must know them all, though it never asks for a day."""
    assert nothing_refused(bodies)
    for on in (FIRST - timedelta(days=1), *DAYS):
        for receiver in bodies:
            leading, todo = set[str](), [receiver] if receiver.holds(on) else []
            while todo:
                holders = [bodies.current(leader, on) for leader in todo.pop().leaders]
                fresh = [holder for holder in holders if holder is not None and holder.code not in leading]
                leading |= {holder.code for holder in fresh}
                todo += fresh
            for accused in leading:
                facts = Facts(klass="accusation", accusation="discipline", accused_body=accused)
                assert isinstance(may_send(facts, receiver, bodies), Blocked), (on, accused, receiver.code)


@given(directories())
def test_asking_changes_no_answer(bodies: Bodies) -> None:
    fresh = Bodies(bodies.places, bodies)
    for body in bodies:
        assert bodies.below(body.code) == bodies.below(body.code) == fresh.below(body.code)
        assert bodies.above(body.code) == bodies.above(body.code) == fresh.above(body.code)
