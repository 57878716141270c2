"""A body that tells two case numbers for one hand-off has made two cases of it: seen at once, flagged, a person's, and never written over the first."""

from __future__ import annotations

import pytest

from tests.models.ledger import Ledger

OTHER = "（2026）澜01信2号"


@pytest.mark.guarantee("F21")
@pytest.mark.parametrize("sequence", [2, 1], ids=["a new message", "the same place in line under another id"])
def test_a_second_number_is_a_persons(ledger: Ledger, sequence: int) -> None:
    handoff = ledger.deliver()
    ledger.take_in(ledger.incoming(handoff, "handoff.accepted", 1))
    ledger.apply()
    first = ledger.handoff(handoff)
    ledger.take_in(ledger.incoming(handoff, "handoff.accepted", sequence, partner_case_no=OTHER))
    tally = ledger.apply()
    assert (tally.quarantined, tally.applied, tally.duplicates) == (1, 0, 0)
    now = ledger.handoff(handoff)
    assert (now["partner_case_no"], now["state"]) == (first["partner_case_no"], "ACCEPTED")
    assert "two-case-numbers" in now["flags"]
    assert now["seq_in"] == sequence, "it counts as read, so that what follows is not held for ever"
    duty, = ledger.duties("quarantine")
    assert (duty["handoff_id"], duty["detail"]["code"]) == (handoff, "two-case-numbers")
    assert ledger.flaws() == []


def test_both_at_once_are_one_and_a_duty(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    ledger.take_in(ledger.incoming(handoff, "handoff.accepted", 1), ledger.incoming(handoff, "handoff.accepted", 2, partner_case_no=OTHER))
    tally = ledger.apply()
    assert (tally.applied, tally.quarantined) == (1, 1)
    assert [d["detail"]["code"] for d in ledger.duties("quarantine")] == ["two-case-numbers"]


@pytest.mark.parametrize(("sequence", "what"), [(2, "quarantined"), (1, "duplicates")])
def test_the_same_number_again_is_no_second_case(ledger: Ledger, sequence: int, what: str) -> None:
    handoff = ledger.deliver()
    ledger.take_in(ledger.incoming(handoff, "handoff.accepted", 1))
    ledger.apply()
    ledger.take_in(ledger.incoming(handoff, "handoff.accepted", sequence))
    tally = ledger.apply()
    assert getattr(tally, what) == 1
    assert "two-case-numbers" not in ledger.handoff(handoff)["flags"]
    assert all(d["detail"]["code"] != "two-case-numbers" for d in ledger.duties())
