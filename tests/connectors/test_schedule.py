"""The schedule of retries, as rules."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.schedule import DELAYS, LONGEST, next_attempt
from tests.connectors.partner import NOW

attempts = st.integers(0, len(DELAYS) - 1)
seeds = st.integers(0, 2**32)
spans = st.timedeltas(timedelta(0), timedelta(days=400))


def dice(seed: int) -> Random:
    return Random(seed)  # noqa: S311  jitter is no secret


def test_the_whole_schedule_is_that_of_the_example() -> None:
    assert sum(DELAYS, timedelta(0)) == timedelta(hours=75, minutes=35, seconds=5)
    assert next_attempt(0, NOW, dice(1)) == NOW


@given(attempts, seeds)
def test_each_delay_is_within_a_fifth(number: int, seed: int) -> None:
    due = next_attempt(number, NOW, dice(seed))
    assert due is not None
    assert DELAYS[number] * 0.8 <= due - NOW <= DELAYS[number] * 1.2


@given(attempts, seeds, spans)
def test_retry_after_is_never_undercut_and_never_endless(number: int, seed: int, asked: timedelta) -> None:
    due = next_attempt(number, NOW, dice(seed), asked)
    assert due is not None
    assert due - NOW >= min(asked, LONGEST)
    assert due - NOW <= max(LONGEST, DELAYS[number] * 1.2)
    assert due - NOW >= DELAYS[number] * 0.8


@given(st.integers(len(DELAYS), 10**6), seeds, st.none() | spans)
def test_spent_is_spent(number: int, seed: int, asked: timedelta | None) -> None:
    assert next_attempt(number, NOW, dice(seed), asked) is None


@given(attempts, seeds)
def test_the_same_dice_give_the_same_time(number: int, seed: int) -> None:
    assert next_attempt(number, NOW, dice(seed)) == next_attempt(number, NOW, dice(seed))


def test_jitter_spreads_and_bad_input_is_named() -> None:
    assert len({next_attempt(3, NOW, dice(seed)) for seed in range(100)}) > 90
    with pytest.raises(ValueError, match="from 0"):
        next_attempt(-1, NOW, dice(1))
