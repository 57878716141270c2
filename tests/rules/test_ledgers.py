"""Two ledgers compared: nothing where they agree, and one finding a disagreement, whatever else is so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.ledgers import ACTION_ZH, KIND_ZH, Line, compare

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
