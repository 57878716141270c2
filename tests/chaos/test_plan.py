"""The plan: wholly from the seed, enough of everything, in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cli.chaos.dice import Dice
from cli.chaos.plan import Kind, plan

SEEDS = st.integers(0, 10**6)


@given(SEEDS, st.integers(0, 250), st.floats(1, 3600))
def test_the_plan_is_the_seeds_and_holds_what_was_asked_for(seed: int, kills: int, seconds: float) -> None:
    acts = plan(Dice(seed), kills, seconds)
    assert acts == plan(Dice(seed), kills, seconds)
    assert sum(act.kills for act in acts) >= kills
    assert {act.kind for act in acts} == set(Kind)
    assert [act.at for act in acts] == sorted(act.at for act in acts)
    assert all(0 <= act.at <= seconds for act in acts)


@given(SEEDS)
def test_another_seed_is_another_plan(seed: int) -> None:
    assert plan(Dice(seed), 40, 60) != plan(Dice(seed + 1), 40, 60)


@given(SEEDS)
def test_nothing_is_killed_at_its_start_that_has_none(seed: int) -> None:
    acts = plan(Dice(seed), 60, 60)
    assert not any(act.kind is Kind.KILL_AT_START and "backend" in act.whom for act in acts)
    assert all(abs(act.amount) <= 600 for act in acts if act.kind is Kind.WRONG_CLOCK)
