"""Destinations over levels, townships and successions: who is meant, on which day, and who is offered when nobody holds the powers."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config
from config.bodies import Bodies, load_bodies
from config.facts import Facts
from config.routing import Destination
from rules.destination import Seat, designator, resolve

CITY = load_bodies(Path(config.__file__).parent / "bodies.yaml")
MERGED, HEIR, ENDED = "agency-food_drug-990102", "agency-market-990102", "agency-township_enterprises-990103"
BEFORE, AFTER = date(2019, 2, 28), date(2019, 3, 1)


def ask(to: dict[str, Any], on: date | None = None, bodies: Bodies = CITY, **facts: Any) -> Seat | str:
    return resolve(Destination.model_validate(to), Facts.model_validate(facts), bodies, on)


def code(found: Seat | str) -> str:
    assert isinstance(found, Seat), found
    return found.body.code


COURT = {"kind": "court", "missing": "clerk"}
ACCUSED = {"kind": "discipline", "level": "above_accused", "missing": "clerk"}
AGENCY = {"kind": "agency", "sector": "$sector"}


def test_a_townships_matter_belongs_to_its_county_where_it_has_no_such_body() -> None:
    found = ask(COURT, division="990102100")
    assert code(found) == "court-990102"
    assert isinstance(found, Seat)
    assert "沙桥镇不设相应机关，由东屿区管辖" in found.why
    assert code(ask({"kind": "government"}, division="990102100")) == "government-990102100"
    assert code(ask(AGENCY, division="990102100", sector="ecology")) == "agency-ecology-990100"


def test_one_higher_than_a_townships_matter_is_above_the_court_that_decided() -> None:
    assert code(ask({"kind": "court", "level": "above_matter", "missing": "clerk"}, division="990102100")) == "court-990100"
    assert code(ask({"kind": "government", "level": "above_matter"}, division="990102100")) == "government-990102"


@pytest.mark.parametrize(
    ("facts", "receiver"),
    [
        ({"accused_body": "government-990102100"}, "discipline-990102"),
        ({"accused_level": "township", "division": "990102100"}, "discipline-990102"),
        ({"accused_level": "township", "division": "990102"}, "discipline-990102"),
        ({"accused_level": "district", "division": "990102100"}, "discipline-990100"),
        ({"accused_body": "court-990100"}, "discipline-990000"),
    ],
)
def test_discipline_is_one_level_above_the_accused(facts: dict[str, Any], receiver: str) -> None:
    assert code(ask(ACCUSED, **facts)) == receiver


@pytest.mark.parametrize(
    ("facts", "part"),
    [
        ({"accused_body": "court-990000"}, "示例国没有相应机关"),
        ({"accused_level": "province", "division": "990102"}, "示例国没有相应机关"),
        ({"accused_body": "bureau-000000"}, "其上一级不在目录中"),
        ({"accused_level": "township", "division": "990100"}, "须确定具体区划"),
    ],
)
def test_where_nobody_in_the_directory_is_above_the_accused_a_person_decides(facts: dict[str, Any], part: str) -> None:
    assert part in str(ask(ACCUSED, **facts))


def test_a_level_the_directory_does_not_reach_is_said() -> None:
    provincial = Bodies((place.model_copy(update={"superior": None}) if place.code == "990000" else place for place in CITY.places if place.code != "000000"), CITY)
    assert "目录中东屿区之上没有国家级区划" in str(ask(COURT, bodies=provincial, division="990102", level="nation"))


def test_a_merged_body_means_its_successor_from_that_day_on() -> None:
    facts: dict[str, Any] = {"sector": "food_drug", "division": "990102"}
    assert code(ask(AGENCY, BEFORE, **facts)) == MERGED
    for on in (AFTER, None):
        found = ask(AGENCY, on, **facts)
        assert code(found) == HEIR
        assert isinstance(found, Seat)
        assert any("职权由东屿区市场监督管理局承继" in why and "第二十四条第二款" in why for why in found.why)
    assert code(ask({"body": "$decided_by"}, BEFORE, decided_by=MERGED)) == MERGED
    assert code(ask({"body": "$decided_by"}, AFTER, decided_by=MERGED)) == HEIR


def test_an_abolished_body_names_the_article_and_who_designates() -> None:
    facts: dict[str, Any] = {"sector": "township_enterprises", "division": "990103"}
    to = Destination.model_validate(AGENCY)
    assert code(ask(AGENCY, date(2024, 3, 31), **facts)) == ENDED
    assert designator(to, Facts.model_validate(facts), CITY, date(2024, 3, 31)) is None
    for on in (date(2024, 4, 1), None):
        found = ask(AGENCY, on, **facts)
        assert found == "西岭区乡镇企业局已撤销，目录中没有承继其职权的机关，应由西岭区人民政府指定的机关受理（信访工作条例第二十四条第二款）"
        chooser = designator(to, Facts.model_validate(facts), CITY, on)
        assert chooser is not None
        assert chooser.code == "government-990103"
    assert "第二十四条第二款" in str(ask({"body": "$decided_by"}, None, decided_by=ENDED))


def test_an_heir_that_was_abolished_leaves_it_to_the_heirs_government() -> None:
    gone = [b.model_copy(update={"abolished": date(2022, 1, 1)}) if b.code == HEIR else b for b in CITY]
    bodies = Bodies(CITY.places, gone)
    found = ask({"body": "$decided_by"}, date(2022, 1, 1), bodies, decided_by=MERGED)
    assert "东屿区市场监督管理局已撤销" in str(found)
    assert code(ask({"body": "$decided_by"}, date(2021, 12, 31), bodies, decided_by=MERGED)) == HEIR


def test_an_abolished_body_without_a_government_above_still_says_who_designates() -> None:
    bodies = Bodies(CITY.places, [b for b in CITY if b.kind != "government"])
    facts = Facts(sector="township_enterprises", division="990103")
    found = resolve(Destination.model_validate(AGENCY), facts, bodies)
    assert isinstance(found, str)
    assert "本级党委、政府或者其指定的机关受理" in found
    assert designator(Destination.model_validate(AGENCY), facts, bodies) is None


codes, divisions = sorted(b.code for b in CITY), sorted(p.code for p in CITY.places)
facts = st.fixed_dictionaries(
    {},
    optional={
        "division": st.sampled_from([*divisions, "123456"]),
        "level": st.sampled_from(["nation", "province", "city", "district", "township"]),
        "sector": st.sampled_from(sorted({b.sector for b in CITY if b.sector})),
        "organ": st.sampled_from(["court", "procuratorate", "police"]),
        "decided_by": st.sampled_from([*codes, "court-123456"]),
        "accused_body": st.sampled_from([*codes, "court-123456"]),
        "accused_level": st.sampled_from(["province", "city", "district", "township"]),
    },
)
destinations = st.fixed_dictionaries(
    {"level": st.sampled_from(["matter", "above_matter", "above_accused"]), "missing": st.sampled_from(["climb", "clerk"])}
).flatmap(
    lambda rest: st.sampled_from(
        [{"body": "$decided_by"}, {**rest, "kind": "$organ"}, {**rest, **AGENCY}, *({**rest, "kind": k} for k in ("court", "discipline", "government", "mediation"))]
    )
)


@given(destinations, facts, st.none() | st.dates(date(2018, 1, 1), date(2027, 1, 1)))
def test_a_destination_is_a_body_that_holds_its_powers_or_a_reason(to: dict[str, Any], told: dict[str, Any], on: date | None) -> None:
    found = ask(to, on, **told)
    offered = designator(Destination.model_validate(to), Facts.model_validate(told), CITY, on)
    if isinstance(found, Seat):
        assert found.body.holds(on)
        assert found.why
        assert offered is None
    else:
        assert len(found) >= 4
        assert offered is None or (offered.holds(on) and offered.name in found)
