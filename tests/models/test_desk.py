"""What a clerk may add to the facts of a petition, and what nobody may take back."""

from __future__ import annotations

import pytest

from config.facts import Facts
from models.desk_petition import merge_facts
from models.moves import Refused

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
