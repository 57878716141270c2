"""What a clerk may add to the facts of a petition, and what nobody may take back."""

from __future__ import annotations

import pytest

from config.facts import Facts
from models.desk_petition import send
from models.moves import Done, Move, Refused, Route
from models.told_facts import forget_implied, merge_facts
from tests.models.ledger import CLERK, Ledger, house

KNOWN = {"klass": "accusation", "accusation": "law", "accused": "official", "accused_level": "district", "sector": "housing", "division": "990102"}


@pytest.mark.parametrize("told", [
    {"accused": "private"}, {"accused": None}, {"accused_level": "township"}, {"accused_level": None},
], ids=str)
def test_who_stands_accused_cannot_be_taken_back(told: dict[str, str | None]) -> None:
    answer = merge_facts(KNOWN, told)
    assert isinstance(answer, Refused)
    assert answer.code == "guard"


def test_what_was_not_known_is_added() -> None:
    found = merge_facts(KNOWN, {"accused_body": "agency-housing-990102", "accused": "official", "sector": "ecology"})
    assert isinstance(found, Facts)
    assert (found.accused_body, found.accused, found.sector) == ("agency-housing-990102", "official", "ecology")


def test_a_situation_that_was_mistaken_leaves_nothing_behind_when_another_is_told() -> None:
    known = {"situation": "wage_arrears", "klass": "claim", "branch": "B3.5", "art31": 5, "sector": "human_resources", "division": "990102", "organ": None}
    left = forget_implied(known, {"situation": "land_contract"}, house())
    assert left == {"situation": "wage_arrears", "division": "990102"}
    assert forget_implied(known, {"situation": "wage_arrears"}, house()) == known
    assert forget_implied(known, {"division": "990103"}, house()) == known


def test_a_situation_told_later_is_routed_with_all_that_it_implies(ledger: Ledger) -> None:
    number = ledger.register(facts={"division": "990102"})
    with ledger.transaction() as connection:
        answer = send(connection, number, "agency-human_resources-990102", "经核实", ledger.house, ledger.sealer, ledger.now, facts={"situation": "wage_arrears"})
    assert isinstance(answer, Done), answer
    petition, handoff = ledger.petition(number), ledger.row("select track, branch from handoff where petition_no = %s", number)
    assert (petition["klass"], petition["branch"]) == ("claim", "B3.5")
    assert (handoff["track"], handoff["branch"]) == ("wage_inspection", "B3.5")


def test_bodies_that_are_told_besides_are_a_clerks_duty_and_never_the_accused(ledger: Ledger) -> None:
    facts = {"klass": "accusation", "accusation": "cadre", "accused": "official", "accused_body": "agency-housing-990102", "grave": True, "division": "990102"}
    for also, told in ((("government-990100",), ["government-990100"]), (("agency-housing-990102", "government-990100"), ["government-990100"])):
        number = ledger.register(f"r{len(also)}", facts=facts)
        route = Route("organisation-990100", "通报", "B2c-grave", "条例第三十条第二款", "B2c", "accusation", facts, "cadre_notice", also)
        answer = ledger.one(Move("petition.route", CLERK, petition_no=number, route=route))
        assert isinstance(answer, Done), answer
        assert [d["body"] for d in ledger.duties("notify") if d["petition_no"] == number] == told
