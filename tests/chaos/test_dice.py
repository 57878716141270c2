"""The dice: the same seed, the same run; shares kept."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.chaos.dice import Dice, Fault, Rates

SHARES = st.floats(0, 0.15)
RATES = st.builds(Rates, SHARES, SHARES, SHARES, SHARES, SHARES, SHARES)


@given(st.integers(), st.text(max_size=8), st.integers(0, 10**9), RATES)
def test_the_same_seed_throws_the_same(seed: int, name: str, number: int, rates: Rates) -> None:
    assert Dice(seed).fate(name, number, rates) == Dice(seed).fate(name, number, rates)


@given(RATES, st.floats(0, 1000))
def test_more_often_is_never_always(rates: Rates, factor: float) -> None:
    more = rates.times(factor)
    assert sum(more.by_fault.values()) < 1
    for fault, share in rates.by_fault.items():
        assert (more.by_fault[fault] == 0) == (share == 0 or factor == 0 or share * factor == 0)


def test_every_fault_comes_about_as_often_as_its_rate_says() -> None:
    rates = Rates()
    seen = Counter(Dice(3).fate("outward", n, rates).fault for n in range(20_000))
    for fault, share in rates.by_fault.items():
        assert 0.8 * share < seen[fault] / 20_000 < 1.2 * share
    assert set(rates.by_fault) == set(Fault)


@pytest.mark.parametrize("shares", [(-0.1, 0, 0, 0, 0, 0), (0.5, 0.5, 0, 0, 0, 0)])
def test_rates_that_cannot_be_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="rate"):
        Rates(*shares)
