"""Bodies are served in turn, whatever their backlogs."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from flows.due import NIGHT_AGAIN, night
from flows.turns import Turns
from models.outbox import Waiting
from tests.flows.world import COURT, World, hand_off


@given(counts=st.lists(st.integers(1, 10_000), min_size=1, max_size=12), at_once=st.integers(1, 4))
def test_every_body_is_served_within_one_round_of_all(counts: list[int], at_once: int) -> None:
    """The largest is named first every time, and never gets smaller."""
    bodies = [Waiting(f"b{i}", count) for i, count in enumerate(sorted(counts, reverse=True))]
    turns = Turns()
    served: list[str] = []
    for _ in range(3 * len(bodies)):
        for waiting in turns.order(bodies)[:at_once]:
            turns.took(waiting.body)
            served.append(waiting.body)
    reach = len(bodies) + at_once
    for start in range(len(served) - reach):
        assert set(served[start : start + reach]) == {w.body for w in bodies}


def test_a_small_body_that_comes_late_is_next() -> None:
    turns = Turns()
    big = [Waiting("a", 9000), Waiting("b", 8000)]
    for waiting in big:
        turns.took(waiting.body)
    assert [w.body for w in turns.order([*big, Waiting("late", 1)])] == ["late", "a", "b"]


def test_a_failed_night_is_taken_up_again_by_whoever_works_then(bureau: World) -> None:
    first = bureau.open()
    hand_off(first, COURT, 1)
    bureau.clock.step(days=1)
    today = first.transact_now(lambda c: night(c, first.now()))
    assert today is not None
    first.transact_now(lambda c: c.execute(
        """insert into reconciliation (body, for_day, run, started_at, state, days, days_differing, items, differences, healed, note)
           values (%s, %s, 1, %s, 'FAILED', 0, 0, 0, 0, 0, 'timeout')""", (COURT, today, first.now())))
    first.close()
    later = bureau.open()  # another process, which never saw it fail
    assert later.transact_now(lambda c: night(c, later.now())) is None
    bureau.clock.step(seconds=(NIGHT_AGAIN - timedelta(seconds=1)).total_seconds())
    assert later.transact_now(lambda c: night(c, later.now())) is None
    bureau.clock.step(seconds=1)
    assert later.transact_now(lambda c: night(c, later.now())) == today
    later.transact_now(lambda c: c.execute("update reconciliation set state = 'DONE'"))
    assert later.transact_now(lambda c: night(c, later.now())) is None
    later.close()
