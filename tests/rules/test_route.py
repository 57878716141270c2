"""Routing: every sample, every row, every branch, hard cases, and properties over any facts."""

import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import config
from config.bodies import load_bodies
from config.facts import Facts
from config.routing import RoutingTable, load_routing
from config.samples import load_samples
from rules.guards import Allowed, accuses, may_send
from rules.routing import Routed, ToClerk, fill, route
from rules.routing_words import refresh
from tests.rules.expected_routes import ROUTES

FOLDER = Path(config.__file__).parent
CITY = load_bodies(FOLDER / "bodies.yaml")
TABLE = load_routing(FOLDER / "routing.yaml", CITY)
SAMPLES = load_samples(FOLDER / "samples" / "petitions.yaml")
BUREAU = "bureau-990100"


def go(sender: str | None = BUREAU, **facts: Any) -> Routed | ToClerk:
    return route(Facts.model_validate(facts), TABLE, CITY, sender)


def seat(answer: Routed | ToClerk) -> str:
    assert isinstance(answer, Routed), answer
    return answer.body.code


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.ref)
def test_each_sample_goes_where_a_person_would_send_it(sample: object) -> None:
    petition = next(one for one in SAMPLES if one is sample)
    answer = route(petition.facts, TABLE, CITY, BUREAU)
    if isinstance(answer, Routed):
        assert (answer.body.code, answer.row.id) == ROUTES[petition.ref]
        assert answer.way == ("引导" if petition.channel == "visit" and answer.row.visit else answer.row.way)
        assert answer.track in TABLE.tracks
        assert answer.basis == tuple(answer.row.basis)
        assert all(answer.why)
        assert answer.body not in answer.alternatives
    else:
        assert ("clerk", answer.row.id if answer.row else "-") == ROUTES[petition.ref]
        assert answer.reason


def test_the_samples_use_every_channel_and_most_rows() -> None:
    """Every row is reached by the permutations (test_permutations); the samples show those that people meet."""
    assert len(SAMPLES) >= 110
    assert {petition.ref for petition in SAMPLES} == ROUTES.keys()
    assert len({row.id for row in TABLE.rows} & {row for _, row in ROUTES.values()}) >= 130
    assert {petition.channel for petition in SAMPLES} == {"letter", "visit", "online", "phone", "fax"}


def test_every_branch_of_the_statutes_has_a_row() -> None:
    ids = {row.id for row in TABLE.rows}
    branches = ("B1", "B2a", "B2b", "B2c", "B3.1a", "B3.1b", "B3.1c", "B3.1d", "B3.2", "B3.3", "B3.4", "B3.5", "B3.6")
    for branch in branches:
        assert any(row_id == branch or row_id.startswith(f"{branch}-") for row_id in ids), branch


LAWSUIT: dict[str, Any] = {"klass": "claim", "art31": 1, "organ": "court", "division": "990102"}


def test_letters_travel_and_visitors_are_guided() -> None:
    for channel, way in (("letter", "转送"), ("online", "转送"), ("phone", "转送"), ("visit", "引导")):
        answer = go(**LAWSUIT, channel=channel)
        assert isinstance(answer, Routed)
        assert (answer.body.code, answer.way) == ("court-990102", way)


def test_level_and_division_decide_the_seat() -> None:
    assert seat(go(**LAWSUIT)) == "court-990102"
    assert seat(go(**LAWSUIT, level="city")) == "court-990100"
    assert seat(go(**LAWSUIT, stage="retrial")) == "court-990100"
    unknown = go(klass="claim", art31=1, organ="court", division="990100", level="district")
    assert isinstance(unknown, ToClerk)
    assert "须确定具体区划" in unknown.reason


def test_a_district_without_the_agency_climbs_and_says_so() -> None:
    answer = go(klass="claim", art31=6, sector="ecology", division="990102")
    assert seat(answer) == "agency-ecology-990100"
    assert isinstance(answer, Routed)
    assert any("由澜川市的机关办理" in why for why in answer.why)


@pytest.mark.parametrize(
    ("accused", "receiver"),
    [
        ("agency-housing-990102", "discipline-990100"),
        ("discipline-990102", "discipline-990100"),
        ("discipline-990100", "discipline-990000"),
        ("bureau-990103", "discipline-990100"),
        ("court-990100", "discipline-990000"),
    ],
)
def test_discipline_goes_one_level_above_the_accused(accused: str, receiver: str) -> None:
    assert seat(go(klass="accusation", accusation="discipline", accused_body=accused)) == receiver


@pytest.mark.parametrize(
    ("facts", "part"),
    [
        ({"accused_body": "bureau-000000"}, "其上一级不在目录中"),
        ({"accused_body": "court-123456"}, "不在机关目录中"),
        ({"accused_body": "government-990100"}, "澜川市信访局隶属于被检举控告单位"),
        ({"accused_level": "district"}, "不知属地"),
        ({"division": "990102"}, "无法确定管理权限"),
    ],
)
def test_an_accusation_that_cannot_be_placed_goes_to_a_clerk(facts: dict[str, Any], part: str) -> None:
    answer = go(klass="accusation", accusation="discipline", **facts)
    assert isinstance(answer, ToClerk)
    assert part in answer.reason


def test_a_bureau_on_the_accused_s_side_is_offered_the_bureau_above() -> None:
    answer = go("bureau-990102", klass="accusation", accusation="discipline", accused_body="government-990102")
    assert isinstance(answer, ToClerk)
    assert "bureau-990100" in {body.code for body in answer.candidates}


def test_an_accusation_of_the_competent_agency_is_offered_the_one_above() -> None:
    answer = go(klass="accusation", accusation="law", sector="market", accused_body="agency-market-990103", division="990103")
    assert isinstance(answer, ToClerk)
    assert [body.code for body in answer.candidates] == ["agency-market-990100"]


def test_facts_fill_each_other_in() -> None:
    filled = fill(Facts(branch="B3.1b"), TABLE)
    assert isinstance(filled, Facts)
    assert (filled.klass, filled.art31, filled.organ) == ("claim", 1, "procuratorate")
    assert seat(go(arbitration="labour", division="990103")) == "labour_arbitration-990103"
    assert seat(go(klass="claim", organ="court", division="990103")) == "court-990103"
    assert seat(go(art31=6, sector="housing", division="990103")) == "agency-housing-990103"


def test_a_claim_that_also_accuses_is_split_by_a_clerk() -> None:
    answer = go(klass="claim", art31=6, sector="housing", division="990102", accusation="discipline", grave=True)
    assert isinstance(answer, ToClerk)
    assert answer.row
    assert answer.row.id == "A0-mixed"


def test_what_leads_back_to_the_sender_is_its_own_duty() -> None:
    answer = go(klass="claim", art31=3, appeal="personnel", decided_by=BUREAU, division="990100")
    assert isinstance(answer, ToClerk)
    assert "自行办理" in answer.reason


def test_facts_that_contradict_go_to_a_clerk() -> None:
    for facts in ({"branch": "B3.2", "art31": 3}, {"branch": "B1", "klass": "claim"}, {"klass": "suggestion", "art31": 1}):
        answer = go(division="990102", **facts)
        assert isinstance(answer, ToClerk)
        assert "相互矛盾" in answer.reason


def test_nothing_fits_is_a_duty_not_an_error() -> None:
    for facts in ({}, {"klass": "claim"}, {"klass": "accusation"}, {"klass": "suggestion"}):
        assert isinstance(go(**facts), ToClerk)


def table(*rows: dict[str, object]) -> RoutingTable:
    base = {"label": "试验", "basis": ["条例"], "verified": "inference", "note": "试验用行"}
    return RoutingTable.model_validate({"rows": [{**base, **row} for row in rows]})


def test_the_lowest_rank_wins_whatever_the_order_of_the_file() -> None:
    weak = {"id": "W", "rank": 9, "when": {"klass": "claim"}, "to": {"kind": "court"}, "way": "转送"}
    strong = {"id": "S", "rank": 3, "when": {"klass": "claim"}, "to": {"kind": "police"}, "way": "转送"}
    for rows in ((weak, strong), (strong, weak)):
        answer = route(Facts(klass="claim", division="990102"), table(*rows), CITY)
        assert isinstance(answer, Routed)
        assert answer.body.code == "police-990102"
        assert [body.code for body in answer.alternatives] == ["court-990102"]


def test_a_tie_between_two_bodies_goes_to_a_clerk_and_between_the_same_does_not() -> None:
    one = {"id": "A", "rank": 3, "when": {"klass": "claim"}, "to": {"kind": "court"}, "way": "转送"}
    two = {"id": "B", "rank": 3, "when": {"klass": "claim"}, "to": {"kind": "police"}, "way": "转送"}
    answer = route(Facts(klass="claim", division="990102"), table(one, two), CITY)
    assert isinstance(answer, ToClerk)
    assert {body.code for body in answer.candidates} == {"court-990102", "police-990102"}
    same = route(Facts(klass="claim", division="990102"), table(one, {**one, "id": "C"}), CITY)
    assert isinstance(same, Routed)


def optional(*values: object) -> st.SearchStrategy[object]:
    return st.none() | st.sampled_from(values)


codes = st.none() | st.sampled_from(sorted(body.code for body in CITY))
flags = optional(True, False)
loose = {
    "klass": optional("suggestion", "accusation", "claim"),
    "branch": st.none() | st.sampled_from(sorted({row.branch for row in TABLE.rows} - {"A0"})),
    "situation": st.none() | st.sampled_from([*TABLE.situations, "unheard_of"]),
    "art31": optional(1, 2, 3, 4, 5, 6),
    "organ": optional("court", "procuratorate", "police"),
    "stage": optional("first", "retrial", "enforcement"),
    "arbitration": optional("labour", "land", "personnel", "commercial"),
    "expropriation": flags,
    "appeal": optional("party", "supervision", "personnel"),
    "procedure": optional("reconsideration", "ruling", "confirmation", "licensing", "penalty"),
    "duty": optional("punish", "protect"),
    "accusation": optional("discipline", "law", "cadre"),
    "accused": optional("official", "private"),
    "accused_body": codes,
    "accused_level": optional("nation", "province", "city", "district", "township"),
    "decided_by": codes,
    "complained_of": codes,
    "sector": optional("housing", "market", "ecology", "unheard_of"),
    "division": optional("000000", "990000", "990100", "990102", "990103", "990102001", "123456"),
    "level": optional("nation", "province", "city", "district", "township"),
    "channel": optional("letter", "visit", "online", "phone", "fax"),
    "grave": flags,
    "important": flags,
    "several_bodies": flags,
    "joint": optional(2, 5, 300),
    "simple": flags,
    "first_time": flags,
    "in_litigation": flags,
    "concluded": flags,
    "reviewed": flags,
    "pending_elsewhere": optional("XF99010220260105000007"),
}


@st.composite
def any_facts(draw: st.DrawFn) -> Facts:
    """A few facts of any kind: all at once would nearly always contradict each other."""
    names = draw(st.sets(st.sampled_from(sorted(loose)), max_size=7))
    return Facts.model_validate({name: draw(loose[name]) for name in sorted(names)})


def test_every_fact_is_drawn() -> None:
    assert loose.keys() == Facts.model_fields.keys()


def test_a_petition_that_no_row_fits_offers_no_body_that_the_guard_forbids() -> None:
    """A level of the accused alone says that somebody stands accused: nobody below it is offered."""
    facts = Facts(accused_level="province", sector="housing", division="990100")
    answer = route(facts, TABLE, CITY, "bureau-990100")
    assert isinstance(answer, ToClerk)
    assert answer.candidates == ()
    plain = route(Facts(sector="housing", division="990100"), TABLE, CITY, "bureau-990100")
    assert isinstance(plain, ToClerk)
    assert [body.code for body in plain.candidates] == ["agency-housing-990100"]


senders = st.none() | st.sampled_from(["bureau-990100", "bureau-990102", "bureau-990000"])


@settings(max_examples=400)
@given(any_facts(), senders)
def test_any_facts_get_an_answer_that_the_guard_allows(facts: Facts, sender: str | None) -> None:
    answer = route(facts, TABLE, CITY, sender)
    assert route(facts, TABLE, CITY, sender) == answer
    via = [sender] if sender else []
    offered = (answer.body, *answer.alternatives, *answer.also) if isinstance(answer, Routed) else answer.candidates
    for body in offered:
        assert isinstance(may_send(facts, body, CITY), Allowed)
    if isinstance(answer, Routed):
        filled = fill(facts, TABLE)
        assert isinstance(filled, Facts)
        for body in (answer.body, *answer.also):
            assert isinstance(may_send(filled, body, CITY, via), Allowed)
        assert answer.body.successor is None
        assert answer.track in TABLE.tracks
        assert answer.note
    else:
        assert re.search(r"[一-鿿]{4}", answer.reason)


@settings(max_examples=150)
@given(any_facts(), st.randoms(use_true_random=False))
def test_the_order_of_the_file_does_not_matter(facts: Facts, random: Random) -> None:
    rows = list(TABLE.rows)
    random.shuffle(rows)
    shuffled = TABLE.model_copy(update={"rows": rows})
    # a copy shares what the original had already worked out
    shuffled = RoutingTable.model_validate(shuffled.model_dump())
    assert route(facts, shuffled, CITY, BUREAU) == route(facts, TABLE, CITY, BUREAU)


@settings(max_examples=300)
@given(any_facts())
def test_what_is_filled_in_stays_and_adds_nothing_the_second_time(facts: Facts) -> None:
    filled = fill(facts, TABLE)
    if isinstance(filled, str):
        assert "须先" in filled
        return
    told = facts.model_dump(exclude_none=True)
    assert told.items() <= filled.model_dump(exclude_none=True).items()
    assert fill(filled, TABLE) == filled


def test_a_situation_that_accuses_is_known_without_the_table() -> None:
    for name, situation in TABLE.situations.items():
        assert accuses(Facts(situation=name)) == (situation.facts["klass"] == "accusation")


def test_two_duties_of_a_clerk_are_told_together() -> None:
    answer = go(klass="claim", art31=6, sector="housing", division="990102", grave=True, several_bodies=True)
    assert isinstance(answer, ToClerk)
    assert [row.id for row in answer.rows] == ["A0-grave", "A0-several"]
    assert "报请本级党委和政府" in answer.reason
    assert "协商受理" in answer.reason


@pytest.mark.parametrize(
    ("facts", "rows"),
    [
        ({"klass": "claim", "arbitration": "labour", "appeal": "personnel"}, ["B3.2-labour", "B3.3-personnel"]),
        ({"situation": "wage_arrears", "arbitration": "labour"}, ["B3.5-wage-arrears", "B3.2-labour"]),
        ({"situation": "wage_arrears", "sector": "housing"}, ["B3.5-wage-arrears"]),
        ({"situation": "wage_arrears", "organ": "court"}, ["B3.5-wage-arrears"]),
        ({"klass": "suggestion", "sector": "housing", "in_litigation": True}, ["B1"]),
        ({"situation": "unheard_of"}, []),
    ],
)
def test_a_contradiction_shows_the_rows_of_both_sides(facts: dict[str, Any], rows: list[str]) -> None:
    answer = go(division="990102", **facts)
    assert isinstance(answer, ToClerk)
    assert answer.row is None
    assert [row.id for row in answer.rows] == rows
    assert "须先" in answer.reason


def test_a_contradiction_offers_nobody_on_the_accused_s_side() -> None:
    answer = go(situation="accuse_labour", klass="accusation", accusation="law", sector="market", division="990102", accused_body="agency-human_resources-990102")
    assert isinstance(answer, ToClerk)
    assert [row.id for row in answer.rows] == ["B2b-market", "B2b-accuse-labour"]
    assert [body.code for body in answer.candidates] == ["agency-market-990102"]


def test_grave_news_of_cadres_is_told_to_the_leaders_as_well() -> None:
    answer = go(klass="accusation", accusation="cadre", grave=True, division="990102", accused_body="agency-housing-990102")
    assert isinstance(answer, Routed)
    assert ([body.code for body in answer.also], answer.way) == (["government-990100"], "通报")


def test_whoever_stands_accused_is_not_told_besides() -> None:
    row = {"id": "A", "rank": 3, "when": {"klass": "accusation"}, "to": {"kind": "court"}, "also": [{"kind": "police"}], "way": "转送"}
    for accused, also in (("police-990102", []), ("police-990103", ["police-990102"])):
        facts = Facts(klass="accusation", accused_body=accused, division="990102")
        answer = route(facts, table(row), CITY, BUREAU)
        assert isinstance(answer, Routed)
        assert [body.code for body in answer.also] == also
        assert any("须由经办人报送" in why for why in answer.why) == (not also)


def test_what_a_visitor_is_told_is_another_note() -> None:
    letter, visit = (go(situation="judgment_unenforced", division="990102", channel=channel) for channel in ("letter", "visit"))
    assert isinstance(letter, Routed)
    assert isinstance(visit, Routed)
    assert (letter.way, visit.way, letter.row) == ("转送", "引导", visit.row)
    assert letter.note != visit.note
    assert visit.remedies[0].basis == "民事诉讼法第二百三十七条"


def test_there_are_seven_kinds_of_procedure_and_the_named_situations() -> None:
    kinds = {row.procedure for row in TABLE.rows if row.procedure}
    assert kinds >= {"litigation", "arbitration", "reconsideration", "administrative", "performance", "discipline", "petition"}
    assert len(TABLE.situations) >= 50
    for row in TABLE.rows:
        if row.to is not None:
            assert row.track
            assert row.procedure


def test_the_documentation_shows_the_table_as_it_is() -> None:
    text = (FOLDER.parent / "docs" / "routing.md").read_text(encoding="utf-8")
    assert refresh(text, TABLE) == text, "docs/routing.md is stale: see its last paragraph"
