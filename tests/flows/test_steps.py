"""How a comparison is cut: every day that differs is in exactly one step, in order; every part is asked about once, within what one answer can hold."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from connectors.wire.ledger import MAX_BUCKETS, MAX_PARTS, SPLITS, DayDigest
from flows.comparison import Step, differing, questions, spans, steps
from models.listed import Part

FIRST = date(2026, 1, 1)
COUNTS = st.dictionaries(st.integers(0, 400), st.integers(1, 120_000), max_size=60)


def digests(counts: dict[int, int]) -> dict[Part, DayDigest]:
    days = (FIRST + timedelta(days=n) for n in counts)
    return {Part(day): DayDigest(day, count, "0" * 64) for day, count in zip(days, counts.values(), strict=True)}


@given(COUNTS, COUNTS)
def test_every_day_that_differs_is_in_one_step_and_in_order(mine: dict[int, int], other: dict[int, int]) -> None:
    ours, theirs = digests(mine), digests(other)
    wrong = differing(list(ours.values()), list(theirs.values()))
    assert set(wrong) == {part for part in ours.keys() | theirs.keys() if ours.get(part) != theirs.get(part)}
    made = list(steps(wrong, ours, theirs))
    assert [day for step in made for day in step.days] == [part.day for part in wrong]
    for step in made:
        assert step.split in SPLITS
        sizes = [max(d.count for side in (ours, theirs) if (d := side.get(Part(day)))) for day in step.days]
        assert len(step.days) == 1 or (len(step.days) <= 31 and sum(sizes) <= 50_000), "what a crash costs is bounded"


@given(st.sampled_from(SPLITS), st.sets(st.integers(0, 3000), min_size=1, max_size=80))
def test_the_ranges_asked_about_hold_all_days_and_fit_into_an_answer(split: int, days: set[int]) -> None:
    step = Step(split, tuple(FIRST + timedelta(days=n) for n in sorted(days)))
    found = list(spans(step))
    asked = {first + timedelta(days=n) for first, last in found for n in range((last - first).days + 1)}
    assert set(step.days) <= asked
    assert all(first <= last for first, last in found)
    assert all(later > last for (_, last), (later, _) in pairwise(found))
    if split > 1:
        assert all(((last - first).days + 1) * split <= MAX_PARTS for first, last in found)
    assert len(asked) <= 3 * len(step.days) + 3


@given(st.sets(st.tuples(st.integers(0, 5), st.integers(0, 4095)), max_size=700))
def test_every_part_is_asked_for_once(parts: set[tuple[int, int]]) -> None:
    wanted = [Part(FIRST + timedelta(days=day), f"{bucket:03x}") for day, bucket in parts]
    asked = list(questions(wanted))
    assert sorted(Part(day, bucket) for day, buckets in asked for bucket in buckets) == sorted(wanted)
    assert all(0 < len(buckets) <= MAX_BUCKETS for _, buckets in asked)


@given(st.sets(st.integers(0, 50)))
def test_whole_days_are_asked_for_without_parts(days: set[int]) -> None:
    assert list(questions([Part(FIRST + timedelta(days=n)) for n in days])) == [(FIRST + timedelta(days=n), []) for n in sorted(days)]
