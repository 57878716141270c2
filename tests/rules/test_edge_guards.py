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
