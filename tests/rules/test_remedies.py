"""复查、复核: by whom and until when."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config
from config.bodies import LEVELS, load_bodies
from rules.calendar import SHANGHAI
from rules.remedies import higher, remedy_ends
from tests.models.ledger import house

BODIES = load_bodies(Path(config.__file__).parent / "bodies.yaml")


@pytest.mark.parametrize(("body", "above"), [
    ("agency-housing-990102", "agency-housing-990100"), ("court-990102", "court-990100"), ("government-990102", "government-990100"),
])
def test_the_next_higher_body_of_whoever_answered(body: str, above: str) -> None:
    assert above in higher(body, BODIES)


@given(st.sampled_from(sorted(body.code for body in BODIES)))
def test_whoever_reviews_is_another_body_that_holds_its_powers_and_stands_no_lower(code: str) -> None:
    found = higher(code, BODIES)
    assert len(set(found)) == len(found)
    for each in found:
        assert each != code
        assert BODIES.get(each).holds()
        assert LEVELS.index(BODIES.get(each).level) <= LEVELS.index(BODIES.get(code).level)


def test_an_unknown_body_has_nobody_above_it() -> None:
    with pytest.raises(KeyError):
        higher("court-123456", BODIES)


@pytest.mark.parametrize(("answered", "last"), [
    (date(2026, 3, 2), date(2026, 4, 1)),
    # The thirtieth day is a Sunday (26 April): the first working day after it.
    (date(2026, 3, 27), date(2026, 4, 27)),
    # 4 October falls into the holiday of 1 to 7 October.
    (date(2026, 9, 4), date(2026, 10, 8)),
])
def test_thirty_days_from_the_day_after_the_answer_and_no_end_on_a_rest_day(answered: date, last: date) -> None:
    end = remedy_ends(answered, house().calendar).astimezone(SHANGHAI)
    assert (end - timedelta(seconds=1)).date() == last
    assert (end.hour, end.minute) == (0, 0)
