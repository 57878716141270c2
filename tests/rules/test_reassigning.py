"""收回改派 on made-up situations: how early is too early, what is not the conference's to take, and who may not get it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config
from config.bodies import load_bodies
from config.facts import Branch
from rules.reassigning import Silence, not_to_get, not_to_take, own_law, too_early
from rules.remedies import higher

BODIES = load_bodies(Path(config.__file__).parent / "bodies.yaml")
CODES = sorted(body.code for body in BODIES)
NOON = datetime(2026, 3, 9, 4, tzinfo=UTC)
DONE = Silence(at_conference=True, answer_ends=NOON)
GIVEN = ("supervision-given",)


@pytest.mark.parametrize(("silence", "flags", "word"), [
    (Silence(may=False, at_conference=True, answer_ends=NOON), GIVEN, "第13项"), (Silence(answer_ends=NOON), GIVEN, "还没有都届满"), (DONE, (), "先督办"),
    (Silence(at_conference=True), GIVEN, "送达"), (Silence(at_conference=True, answer_ends=NOON + timedelta(seconds=1)), GIVEN, "2026-03-09 12:00")])
def test_each_thing_that_lacks_is_said(silence: Silence, flags: tuple[str, ...], word: str) -> None:
    assert word in (too_early(silence, flags, NOON) or "")
    assert too_early(replace(silence, accused=True), flags, NOON) is None, "a body that stands accused has lost it at once"


@given(may=st.booleans(), late=st.booleans(), told=st.booleans(), ends=st.none() | st.integers(-100, 100))
def test_only_when_all_of_it_is_there(may: bool, late: bool, told: bool, ends: int | None) -> None:
    silence = Silence(may, late, None if ends is None else NOON + timedelta(hours=ends))
    whole = may and late and told and ends is not None and ends <= 0
    assert (too_early(silence, GIVEN if told else (), NOON) is None) == whole


@pytest.mark.parametrize("branch", ["", *get_args(Branch)])
def test_what_runs_under_another_law_is_known_by_its_branch(branch: str) -> None:
    assert own_law(branch) == (branch not in ("B1", "B3.6"))


@pytest.mark.parametrize(("said", "body", "branch", "taken"), [
    ({}, "court-990102", "B3.1a", True), ({"accepted": True}, "court-990102", "B3.1a", True), ({"accepted": True}, "court-gone", "B3.1a", False),
    ({"accepted": True}, "court-gone", "B3.6", True), ({"accepted": True, "accused": True}, "court-gone", "B3.1a", True),
    ({"above": True}, "discipline-990000", "B2a", False), ({"above": True, "accepted": True}, "discipline-990000", "B2a", False)])
def test_what_is_not_the_conferences_to_take(said: dict[str, Any], body: str, branch: str, taken: bool) -> None:
    assert (not_to_take(Silence(**said), body, branch, BODIES) is None) == taken


@given(taken=st.lists(st.sampled_from(CODES), max_size=3), last=st.none() | st.sampled_from(CODES), to=st.sampled_from(CODES))
def test_never_to_the_same_body_nor_sideways_from_a_law_of_its_own(taken: list[str], last: str | None, to: str) -> None:
    lost = [*taken, *([last] if last else [])]
    why = not_to_get(Silence(taken=lost, last=last), to, BODIES)
    barred = any(to in BODIES.family(code) for code in lost)
    astray = last is not None and to not in higher(last, BODIES)
    assert (why is not None) == (barred or astray)


def test_a_body_that_the_directory_no_longer_holds_bars_itself_alone() -> None:
    gone = Silence(taken=("agency-moon-990102",), last="agency-moon-990102")
    assert not_to_get(gone, "agency-moon-990102", BODIES) is not None
    assert not_to_get(gone, "agency-housing-990102", BODIES) is None
