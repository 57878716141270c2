"""Two ledgers compared: nothing where they agree, and one finding a disagreement, whatever else is so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.ledgers import ACTION_ZH, KIND_ZH, WEEK, Line, Place, compare, draw, parts_for, turn_of

LINES = st.builds(
    Line, st.sampled_from(["DELIVERED", "SIGNED", "ACCEPTED"]), st.integers(1, 3), st.integers(0, 4), st.integers(0, 4), st.sampled_from(["a", "b"]),
    st.sampled_from([None, "1", "2"]),
)
BASE = Line("ACCEPTED", 1, 2, 2, "d", "案1")


@pytest.mark.parametrize(("ours", "theirs", "found"), [
    (None, None, []),
    (BASE, BASE, []),
    (None, BASE, [("unknown_to_us", "duty")]),
    (BASE, None, [("missing_at_partner", "resend")]),
    (replace(BASE, last_seq_in=0), None, []),
    (BASE, replace(BASE, body_digest="e", state="SIGNED", last_seq_out=9), [("digest_differs", "duty")]),
    (BASE, replace(BASE, partner_case_no="案2"), [("two_case_numbers", "duty")]),
    (BASE, replace(BASE, partner_case_no=None), []),
    (replace(BASE, partner_case_no=None), BASE, []),
    (BASE, replace(BASE, last_seq_in=3), [("receipt_lost", "ask")]),
    (BASE, replace(BASE, last_seq_in=1), [("messages_missing_at_partner", "resend")]),
    (BASE, replace(BASE, last_seq_out=3), [("partner_ahead", "fetch")]),
    (BASE, replace(BASE, last_seq_out=1), [("we_ahead", "duty")]),
    (BASE, replace(BASE, state="SIGNED"), [("state_differs", "duty")]),
    (BASE, replace(BASE, round=2), [("state_differs", "duty")]),
    (BASE, replace(BASE, state="REPORTED", last_seq_out=3), [("partner_ahead", "fetch")]),
    (BASE, replace(BASE, last_seq_in=1, last_seq_out=3), [("messages_missing_at_partner", "resend"), ("partner_ahead", "fetch")]),
    (replace(BASE, last_seq_in=0), replace(BASE, last_seq_in=1), [("receipt_lost", "ask")]),
])
def test_the_table_of_differences(ours: Line | None, theirs: Line | None, found: list[tuple[str, str]]) -> None:
    assert [(f.kind, f.action) for f in compare(ours, theirs)] == found


@given(LINES, LINES)
def test_a_finding_exactly_where_the_lines_differ(ours: Line, theirs: Line) -> None:
    found = compare(ours, theirs)
    same = replace(ours, partner_case_no=None) == replace(theirs, partner_case_no=None)
    cases = ours.partner_case_no and theirs.partner_case_no and ours.partner_case_no != theirs.partner_case_no
    assert bool(found) == (not same or bool(cases))
    assert len({f.kind for f in found}) == len(found)
    assert all(f.kind in KIND_ZH and f.action in ACTION_ZH for f in found)
    if theirs.last_seq_out < ours.last_seq_out and theirs.body_digest == ours.body_digest:
        # We never go back on our own record by ourselves.
        assert ("we_ahead", "duty") in [(f.kind, f.action) for f in found]


@given(LINES)
def test_a_ledger_agrees_with_itself(line: Line) -> None:
    assert compare(line, line) == ()


HERE = Place("court-990100", "XF99010020260302000001", date(2026, 3, 2))


@pytest.mark.parametrize(("there", "found"), [
    (HERE, []),
    (replace(HERE, day=None), []),
    (replace(HERE, day=date(2026, 3, 3)), [("day_differs", "duty")]),
    (replace(HERE, petition_no="XF99010020260302000002"), [("petition_differs", "duty")]),
    (replace(HERE, petition_no="XF99010020260302000002", day=date(2026, 3, 1)), [("petition_differs", "duty"), ("day_differs", "duty")]),
    (replace(HERE, body="police-990100", day=date(2026, 3, 1)), [("of_another_body", "duty")]),
])
def test_where_a_ledger_has_a_hand_off(there: Place, found: list[tuple[str, str]]) -> None:
    assert [(f.kind, f.action) for f in compare(BASE, BASE, HERE, there)] == found
    if there.body == HERE.body:
        # What else is wrong with it is said as well.
        ahead = compare(BASE, replace(BASE, last_seq_out=3), HERE, there)
        assert [(f.kind, f.action) for f in ahead] == [*found, ("partner_ahead", "fetch")]
    else:
        assert compare(BASE, replace(BASE, last_seq_out=3), HERE, there) == compare(BASE, BASE, HERE, there), "nothing of another body's case is compared"


BODIES = st.from_regex(r"[a-z_]{1,20}(-[a-z_]{1,20})?-[0-9]{6}", fullmatch=True)
NIGHTS = st.dates(date(2026, 1, 1), date(2099, 12, 31))


@pytest.mark.guarantee("M7")
@given(BODIES, NIGHTS)
def test_a_body_at_rest_has_one_night_a_week(body: str, night: date) -> None:
    assert sum(turn_of(body, night + timedelta(days=n)) for n in range(WEEK)) == 1


def test_the_bodies_are_spread_over_the_week() -> None:
    nights = [sum(turn_of(f"court-{n:06d}", date(2026, 3, 2) + timedelta(days=day)) for n in range(7000)) for day in range(WEEK)]
    assert sum(nights) == 7000
    assert min(nights) > 800


@given(BODIES, NIGHTS, st.integers(1, 10**7))
def test_the_draw_is_one_of_so_many_and_the_same_for_whoever_asks(body: str, night: date, of: int) -> None:
    assert 0 <= draw(body, night, of) < of
    assert draw(body, night, of) == draw(body, night, of)


def test_the_draw_comes_to_every_part_in_time() -> None:
    drawn = {draw("court-990100", date(2026, 3, 2) + timedelta(days=n), 16) for n in range(365)}
    assert drawn == set(range(16))


@given(st.integers(0, 10**6))
def test_parts_hold_some_ten_hand_offs(count: int) -> None:
    splits = (1, 16, 256, 4096)
    split = parts_for(count, splits)
    assert split in splits
    assert count / split <= 16 or split == splits[-1]
    assert split == 1 or count / split > 1
