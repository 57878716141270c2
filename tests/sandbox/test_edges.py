"""The partner's copy of the states agrees with the bureau's road map; any order of arrival ends in the same case."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.wire.events import TO_BUREAU, Event, encode, event_type
from connectors.wire.ids import new_id
from connectors.wire.signing import new_secret
from sandbox import edges
from sandbox.case import load
from sandbox.config import BodyConfig
from sandbox.reception import Outcome, Reception
from sandbox.roster import Roster
from sandbox.store import open_ledger
from tests.sandbox.bureau import BUREAU, START

ROAD = yaml.safe_load((Path(__file__).parents[2] / "config" / "roadmap.yaml").read_text(encoding="utf-8"))["handoff"]
SPECIAL: dict[str, tuple[str, dict[str, object]]] = {
    "withdraw.agreed": ("withdraw.answer", {"agreed": True}),
    "withdraw.refused": ("withdraw.answer", {"agreed": False}),
    "objection.upheld": ("objection.decision", {"decision": "upheld"}),
    "objection.rejected": ("objection.decision", {"decision": "rejected"}),
    "objection.escalated": ("objection.decision", {"decision": "escalated"}),
    "ruling.keep": ("arbitration.ruling", {"decision": "rejected"}),
    "ruling.return": ("arbitration.ruling", {"decision": "upheld"}),
    "ruling.reassign": ("arbitration.ruling", {"decision": "upheld"}),
    "result.accepted": ("result.review", {"review": "accepted"}),
    "result.rework": ("result.review", {"review": "rework"}),
}


def road(writers: set[str]) -> dict[tuple[str, str], str]:
    """(road map message, state) -> next state, for messages that travel between bureau and body."""
    return {
        (edge["message"], state): state if edge["to"] == "same" else edge["to"]
        for edge in ROAD["edges"]
        # deemed acceptance is ours to know: seen from the body, it accepts once, and late
        if "only_deemed" not in edge.get("guards", [])
        and edge["writer"] in writers
        and (edge["writer"] == "partner" or "sends" in edge)
        for state in edge["from"]
        if state not in ("DRAFT", "ISSUED")
    }


def test_what_a_body_may_say_is_what_the_road_map_lets_it() -> None:
    expected = road({"partner"})
    names = {message for message, _ in expected}
    assert {SPECIAL.get(name, (name, {}))[0] for name in names} == TO_BUREAU
    for name in names:
        message, data = SPECIAL.get(name, (name, {}))
        for state in ROAD["states"]:
            if state not in ("DRAFT", "ISSUED"):
                assert edges.after_own(state, message, data) == expected.get((name, state)), (name, state)


def test_what_the_bureau_may_say_is_understood() -> None:
    for (name, state), target in road({"bureau", "arbiter"}).items():
        message, data = SPECIAL.get(name, (name, {}))
        assert edges.after_bureau(state, message, data) == target, (name, state)


@pytest.mark.parametrize("state", sorted(edges.ENDED))
def test_nothing_leaves_an_end(state: str) -> None:
    for message in TO_BUREAU:
        assert edges.after_own(state, message, {"agreed": True}) is None
    for message in ("handoff.urge", "handoff.supplement", "handoff.withdraw"):
        assert edges.after_bureau(state, message, {}) is None


def letter(case: str, sequence: int, name: str, **data: Any) -> Event:
    common = {"petition_no": "XF99010020260302000001", "handoff_id": case, "round": 1, "to": "urn:xf:court:990100"}
    return Event(new_id(), BUREAU, event_type(name), case, START, sequence, {**common, **data})


@pytest.mark.guarantee("P4")
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_order_of_arrival_ends_in_the_same_single_case(data: st.DataObject) -> None:
    case = new_id()
    names = ["handoff.request", "handoff.urge", "handoff.supplement", "handoff.urge", "handoff.withdraw"]
    letters = [letter(case, number, name) for number, name in enumerate(names, 1)]
    arrivals = data.draw(st.permutations(letters))
    again = data.draw(st.lists(st.sampled_from(letters), max_size=6))
    keys = (new_secret(),)
    body = BodyConfig(manner="prompt", to_body=keys, from_body=keys)
    with tempfile.TemporaryDirectory() as folder:
        db = open_ledger(Path(folder) / "ledger.sqlite")
        reception = Reception("court-990100", 0, Roster({"court-990100": body}, 0).choose)
        given_first: dict[str, Outcome] = {}
        # a sender that hears 409 to a message before the request sends it again later, under the same id
        for event in [*arrivals, *again, *letters]:
            outcome = reception.receive(db, event, encode(event), START)
            assert (outcome.receipt is None) == (outcome.problem is not None)
            if outcome.receipt is not None:
                assert given_first.setdefault(event.id, outcome).receipt == outcome.receipt
        found = load(db, "court-990100", case)
        cases = db.execute("SELECT count(*) FROM effect WHERE kind = 'case'").fetchone()[0]
        applied = db.execute("SELECT count(*) FROM inbox WHERE fate = 'applied'").fetchone()[0]
        db.close()
    assert found is not None
    assert (cases, applied, found.last_seq_in, found.state) == (1, 5, 5, "DELIVERED")
