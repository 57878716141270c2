"""Guards of the edges, one by one, on made-up situations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config
from config.bodies import load_bodies
from rules.edge_guards import GUARDS, Mark, No, Situation, ground
from rules.reassigning import Silence

BODIES = load_bodies(Path(config.__file__).parent / "bodies.yaml")
NOON = datetime(2026, 3, 9, 4, tzinfo=UTC)


def at(**said: Any) -> Situation:
    base: dict[str, Any] = {
        "bureau": "bureau-990100", "body": "court-990100", "facts": {"klass": "claim"}, "data": {}, "round": 1, "flags": (), "refused_grounds": (),
        "returned_by": (), "delivered_at": None, "bodies": BODIES,
    }
    return Situation(**{**base, **said})


def test_nothing_accusing_goes_to_the_accused_or_by_way_of_them() -> None:
    shield = GUARDS["accusation_shielded"]
    accused = {"klass": "accusation", "accused_body": "court-990100"}
    assert isinstance(shield(at(facts=accused)), No)
    assert isinstance(shield(at(facts=accused, body="court-990102")), No)
    assert shield(at(facts=accused, body="discipline-990100")) is None
    assert isinstance(shield(at(facts={"klass": "accusation", "accused_body": "bureau-990100"}, body="discipline-990100")), No)
    assert shield(at()) is None


@pytest.mark.parametrize(("returned", "refused"), [
    ((), False), (("police-990100",), False), (("court-990100",), True), (("a", "b"), False), (("a", "b", "c"), True)])
def test_the_loop(returned: tuple[str, ...], refused: bool) -> None:
    assert isinstance(GUARDS["not_a_loop"](at(returned_by=returned)), No) == refused


@pytest.mark.parametrize(("name", "fields"), [
    ("names_office", ("office", "signed_at")), ("reasons_given", ("reason",)), ("materials_listed", ("materials",)),
    ("case_number_given", ("partner_case_no", "told_on")), ("remedy_given", ("legal_basis", "reason", "remedy")), ("petitioner_told", ("told_on",))])
def test_what_must_be_said(name: str, fields: tuple[str, ...]) -> None:
    whole = dict.fromkeys(fields, "x")
    assert GUARDS[name](at(data=whole)) is None
    for field in fields:
        nothing: tuple[object, ...] = (None, "", [])
        for empty in nothing:
            verdict = GUARDS[name](at(data={**whole, field: empty}))
            assert isinstance(verdict, No)
            assert verdict.why


@pytest.mark.parametrize(("heard", "flags", "late"), [
    (NOON, (), True), (NOON + timedelta(days=1), (), True), (NOON - timedelta(microseconds=1), (), False),
    (NOON - timedelta(seconds=1), ("objection-window-closed",), False)])
def test_late_is_by_when_it_was_heard(heard: datetime, flags: tuple[str, ...], late: bool) -> None:
    verdict = GUARDS["flags_late_objection"](at(heard_at=heard, window_ends=NOON, flags=flags))
    assert (verdict == Mark("late-objection")) == late


def test_without_dates_the_flag_tells() -> None:
    assert GUARDS["flags_late_objection"](at(flags=("objection-window-closed",))) == Mark("late-objection")
    assert GUARDS["flags_late_objection"](at()) is None


@given(st.text(max_size=200))
def test_a_ground_is_a_code_or_a_digest_and_stays_itself(text: str) -> None:
    made = ground(text)
    assert ground(made) == made
    assert len(made) <= 64
    assert made.isascii()
    assert (made == "") == (text.strip() == "")


def test_a_refused_ground_is_known_again_however_it_was_written() -> None:
    refused = (ground("not-ours"), ground("不属于我院管辖"))
    again = GUARDS["new_ground"]
    assert isinstance(again(at(data={"reason_code": "not-ours"}, refused_grounds=refused)), No)
    assert isinstance(again(at(data={"reason_code": " 不属于我院管辖 "}, refused_grounds=refused)), No)
    assert again(at(data={"reason_code": "other"}, refused_grounds=refused)) is None
    assert again(at(data={}, refused_grounds=refused)) is None


@pytest.mark.parametrize(("to", "allowed"), [
    ("urn:xf:court:990102", True), ("court-990102", True), ("urn:xf:court:990000", False), ("urn:xf:court:990100", False), ("urn:xf:police:990102", False),
    ("", False), (None, False), (7, False)])
def test_only_to_its_own_subordinates(to: object, allowed: bool) -> None:
    assert (GUARDS["own_subordinate"](at(data={"to_subordinate": to})) is None) == allowed


def test_extension_round_and_withdrawal() -> None:
    extend = GUARDS["extension_allowed"]
    assert extend(at(data={"approver": "a", "reason": "b"})) == Mark("extended")
    assert isinstance(extend(at(data={"approver": "a", "reason": "b"}, flags=("extended",))), No)
    assert isinstance(extend(at(data={"approver": "a"})), No)
    assert GUARDS["round_current"](at(round=2, data={"round": 2})) is None
    assert isinstance(GUARDS["round_current"](at(round=2, data={"round": 1})), No)
    assert isinstance(GUARDS["withdraw_was_asked"](at()), No)
    assert GUARDS["withdraw_was_asked"](at(flags=("withdraw-asked",))) is None


def verdict(name: str, **said: Any) -> object:
    return GUARDS[name](at(**said))


@pytest.mark.parametrize(("name", "good", "bad"), [
    ("not_under_review", {"stage": "handling"}, [{"stage": "review"}, {"stage": "rereview"}]),
    ("names_clerk", {"data": {"clerk": "1042"}}, [{"data": {}}, {"data": {"clerk": ""}}]),
    ("new_facts_given", {"data": {"new_facts": True}}, [{"data": {"new_facts": False}}, {}]),
    ("filing_named", {"data": {"partner_case_no": "1", "filed_on": "2026-03-02"}}, [{"data": {"partner_case_no": "1"}}, {"data": {"filed_on": "2026-03-02"}}]),
    ("parts_given", {"data": {"parts": 2}}, [{"data": {"parts": 1}}, {"data": {}}]),
    ("names_other", {"data": {"other": "XF99010020260302000001"}}, [{"data": {"other": "XF1"}}, {"data": {"other": None}}, {}]),
    ("surely_refused", {"flags": ("send-refused",)}, [{}, {"flags": ("weak-receipt",)}]),
    ("paper_named", {"data": {"register_no": "1", "delivered_on": "2026-03-02", "signed_by": "收发室"}}, [{"data": {"register_no": "1", "signed_by": "收发室"}}]),
    ("not_bound", {}, [{"flags": ("bound",)}]),
    ("agreement_named", {"data": {"agreed_on": "2026-03-02"}}, [{}]),
    ("document_named", {"data": {"document_no": "1"}}, [{}]),
    ("litigation_only", {"branch": "B3.1b"}, [{"branch": "B3.6"}, {"branch": ""}]),
    ("supervision_ground", {"data": {"ground": "overdue"}}, [{"data": {"ground": "because"}}, {}]),
    ("withdraw_was_asked", {"flags": ("withdraw-asked",)}, [{}]),
    ("supervised_in_vain", {"silence": Silence(at_conference=True, answer_ends=NOON), "flags": ("supervision-given",), "heard_at": NOON}, [
        {}, {"heard_at": NOON}, {"silence": Silence(at_conference=True, answer_ends=NOON), "heard_at": NOON},
        {"silence": Silence(at_conference=True, answer_ends=NOON), "flags": ("supervision-given",), "heard_at": NOON - timedelta(seconds=1)}]),
    ("own_law_kept", {"branch": "B3.1a", "body": "court-990102", "silence": Silence(accepted=True)}, [{"silence": Silence(above=True)}]),
    ("letters_undelivered", {"open_duties": ("undelivered",)}, [{}]),
    ("conference_silent", {"open_duties": ("conference.up",), "conference_above": "joint_conference-990000"}, [{}, {"open_duties": ("conference.up",)}]),
    ("not_taken_from", {"silence": Silence(taken=("court-990102",))}, [{"silence": Silence(taken=("court-990100",))}]),
    ("facts_kept", {"data": {"facts": {"sector": "housing"}}}, [
        {"data": {}}, {"data": {"facts": {}}}, {"data": {"facts": {"klass": "whim"}}}, {"facts": {"accused_body": "court-990100"}, "data": {"facts": {"accused_body": None}}},
        {"facts": {"accused": "official"}, "data": {"facts": {"accused": "private"}}}]),
])
def test_what_a_guard_asks_for(name: str, good: dict[str, Any], bad: list[dict[str, Any]]) -> None:
    assert verdict(name, **good) is None
    for said in bad:
        no = verdict(name, **said)
        assert isinstance(no, No), said
        assert no.why


def test_every_guard_of_the_map_is_tried_here_or_above() -> None:
    tried = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in GUARDS if f'"{name}"' not in tried] == []


def test_what_was_deemed_accepted_is_accepted_in_truth_once() -> None:
    assert verdict("only_deemed", flags=("deemed-accepted",)) == Mark("acceptance-confirmed")
    assert isinstance(verdict("only_deemed"), No)
    assert isinstance(verdict("only_deemed", flags=("deemed-accepted", "acceptance-confirmed")), No)


@pytest.mark.parametrize(("said", "marked"), [
    ({}, True), ({"branch": "B3.2"}, False), ({"way": "交办"}, False), ({"facts": {"simple": True, "first_time": False}}, False),
    ({"facts": {"simple": True, "first_time": True, "joint": 5}}, False), ({"facts": {"first_time": True}}, False), ({"facts": {"simple": True}}, False)])
def test_the_simple_way_is_for_what_is_first_alone_and_of_the_petition_procedure(said: dict[str, Any], marked: bool) -> None:
    base: dict[str, Any] = {"branch": "B3.6", "way": "转送", "facts": {"simple": True, "first_time": True}}
    assert verdict("simple_allowed", **{**base, **said}) == (Mark("simple") if marked else None)


REMEDY: list[tuple[dict[str, Any], bool | str]] = [
    ({}, True), ({"heard_at": NOON + timedelta(days=1)}, False), ({"heard_at": NOON}, False), ({"heard_at": NOON - timedelta(seconds=1)}, True),
    ({"heard_at": NOON, "data": {"late_reason": "住院"}}, "late-remedy"), ({"remedy_ends": None}, False), ({"branch": "B3.4"}, False), ({"branch": ""}, False),
]


@pytest.mark.parametrize(("said", "outcome"), REMEDY)
@pytest.mark.parametrize(("name", "before", "stage"), [("review_open", "handling", "review"), ("rereview_open", "review", "rereview")])
def test_a_remedy_is_open_for_thirty_days_in_its_turn(name: str, before: str, stage: str, said: dict[str, Any], outcome: bool | str) -> None:
    base: dict[str, Any] = {"branch": "B3.6", "stage": before, "remedy_ends": NOON, "heard_at": NOON - timedelta(days=9)}
    found = verdict(name, **{**base, **said})
    assert (found is None) if outcome is True else isinstance(found, No) if outcome is False else found == Mark(str(outcome))
    if not base["branch"].startswith(said.get("branch", "B3.6")):
        return
    # Given back by the body it went to, it may go again, however long that took; out of its turn never.
    given_back = {**base, "stage": stage, "heard_at": NOON + timedelta(days=99), "remedy_ends": None}
    assert verdict(name, **given_back, petition_state="WITH_CLERK") is None
    # Answered or declined it is over.
    assert isinstance(verdict(name, **given_back, petition_state="CLOSED"), No)
    out_of_turn = "rereview" if name == "review_open" else "handling"
    assert isinstance(verdict(name, **{**base, "stage": out_of_turn}), No)


@pytest.mark.parametrize(("last", "to", "allowed"), [
    ("agency-housing-990102", "agency-housing-990100", True), ("agency-housing-990102", "agency-housing-990102", False),
    ("agency-housing-990102", "court-990100", False), (None, "agency-housing-990100", False), ("agency-nothing-990102", "agency-housing-990100", False)])
def test_the_next_higher_body_reviews(last: str | None, to: str, allowed: bool) -> None:
    assert (verdict("next_higher", last_body=last, body=to) is None) == allowed


@pytest.mark.parametrize("name", ["accused", "accused_body", "accused_level", "pending_elsewhere"])
def test_a_route_does_not_drop_what_the_ledger_knew(name: str) -> None:
    known = {"klass": "accusation", name: {"accused": "official", "accused_body": "court-990102", "accused_level": "district"}.get(name, "XF99010020260302000001")}
    for told in ({"klass": "claim"}, {}):
        assert isinstance(verdict("accusation_shielded", known=known, facts=told, body="discipline-990100"), No)
    assert isinstance(verdict("accusation_shielded", facts={"klass": "whim"}), No)
    assert isinstance(verdict("own_subordinate", facts={"klass": "whim"}, data={"to_subordinate": "court-990102"}), No)
