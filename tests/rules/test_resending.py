"""Whether a message may be sent again: over every combination of what is known, answered and vouched for."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.resending import Asked, decide
from rules.taxonomy import HAS_ZH, KLASS_ZH, KLASSES, Has

everything = (st.sampled_from(get_args(Has)), st.sampled_from(get_args(Asked)), st.booleans(), st.booleans(), st.booleans())


@pytest.mark.guarantee("M4", "F13")
@given(*everything)
def test_what_is_confirmed_is_never_sent_and_what_is_in_doubt_never_into_another_system(
    has: Has, asked: Asked, same_system: bool, safe_twice: bool, not_held: bool,
) -> None:
    step = decide(has, asked, same_system=same_system, safe_twice=safe_twice, not_held=not_held)
    goes = step in ("send", "send-sure", "by-word")
    confirmed = has == "yes" or asked == "held"
    surely_not = not confirmed and (has == "no" or asked == "not-held")
    assert (step == "confirm") == confirmed, "the body's own word is stronger than anybody's"
    if surely_not:
        assert goes, "what surely is not there may always go"
    elif goes:
        assert not_held or (same_system and safe_twice), "in doubt only where it is taken once, or on a person's word"
    assert (step == "send-sure") <= surely_not, "no doubt is forgotten"
    assert (step == "by-word") <= (not_held and not surely_not and not confirmed)
    assert (step == "send") <= (same_system and safe_twice)


def test_every_class_and_answer_has_its_words() -> None:
    assert set(KLASSES) < set(KLASS_ZH)
    assert set(get_args(Has)) == set(HAS_ZH)
