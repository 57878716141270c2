"""Limits that belong to one case: the period its assigner set, the filing clock that a supplement begins anew, papers counted from their own day."""

from __future__ import annotations

from datetime import date

import pytest

from models.desk import deliver_by_hand
from models.desk_petition import send
from models.moves import Done, Refused
from tests.models.ledger import COURT, Ledger

AGENCY = "agency-housing-990102"
FACTS = {"klass": "claim", "art31": 6, "sector": "housing", "division": "990102"}


def assigned(ledger: Ledger, limit: str, way: str = "交办") -> Done | Refused:
    number = ledger.register(facts=FACTS)
    with ledger.transaction() as connection:
        answer = send(connection, number, AGENCY, "经核实", ledger.house, ledger.sealer, ledger.now, way=way, limit=limit)
    return answer


def test_the_period_that_the_assigner_set_stands_in_the_place_of_the_laws(ledger: Ledger) -> None:
    answer = assigned(ledger, "20wd")
    assert isinstance(answer, Done)
    handoff = answer.handoff_id or ""
    ledger.done(ledger.receipt(handoff))
    ledger.done(ledger.partner("handoff.accepted", handoff, AGENCY))
    clock = ledger.clocks(handoff)["result"]
    assert (clock["limit"], clock["label"], ledger.due(handoff, "result")) == ("20wd", "指定办理期限", "2026-03-30")
    ledger.no(ledger.partner("handoff.extended", handoff, AGENCY, days=10), "guard")


@pytest.mark.parametrize(("limit", "way"), [("20wd", "转送"), ("soon", "交办"), ("0d", "交办")])
def test_a_period_is_set_with_an_assignment_alone_and_in_a_form_that_counts(ledger: Ledger, limit: str, way: str) -> None:
    assert isinstance(assigned(ledger, limit, way), Refused)
    assert not ledger.rows("select 1 from handoff")


def test_what_the_petitioner_adds_begins_the_filing_clock_anew(ledger: Ledger) -> None:
    handoff = ledger.deliver(COURT, "B3.1a")
    assert ledger.due(handoff, "accept") == "2026-03-09"
    ledger.done(ledger.partner("supplement.requested", handoff))
    ledger.wait(days=4)
    ledger.done(ledger.clerk("handoff.supplement", handoff))
    assert ledger.due(handoff, "accept") == "2026-03-13"


def test_it_does_not_where_the_law_says_nothing_of_it(ledger: Ledger) -> None:
    handoff = ledger.deliver(AGENCY)
    before = ledger.due(handoff, "accept")
    ledger.wait(days=4)
    ledger.done(ledger.clerk("handoff.supplement", handoff))
    assert ledger.due(handoff, "accept") == before


def test_papers_count_from_the_day_they_were_signed_for_and_not_from_one_to_come(ledger: Ledger) -> None:
    handoff = ledger.send(AGENCY)
    ledger.wait(days=3)
    with ledger.transaction() as connection:
        late = deliver_by_hand(connection, handoff, "送2026-1", date(2026, 3, 6), "收发室", ledger.house, ledger.sealer, ledger.now)
        assert isinstance(late, Refused)
        done = deliver_by_hand(connection, handoff, "送2026-1", date(2026, 3, 3), "收发室", ledger.house, ledger.sealer, ledger.now)
        assert isinstance(done, Done), done
    assert ledger.due(handoff, "objection_window") == "2026-03-10"
    assert ledger.due(handoff, "accept") == "2026-03-18"
