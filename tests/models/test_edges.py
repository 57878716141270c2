"""Every edge of the road map taken by its writer and refused to every other; every other message refused where it has no edge."""

from __future__ import annotations

from typing import Any

import pytest

from config.roadmap import SAME, Edge
from models.moves import SYSTEM, Actor, Done, Move
from tests.models.ledger import ARBITER, BUREAU, CLERK, COURT, Ledger, good_data
from tests.models.paths import ROADS, bring, reach, ready, ready_handoff

WRITERS = {"bureau": CLERK, "partner": Actor("partner", COURT), "system": SYSTEM, "arbiter": ARBITER}
HANDOFF = ROADS.machine("handoff")
PETITION = ROADS.machine("petition")
MESSAGES = sorted({edge.message for edge in HANDOFF.edges})
# DRAFT lasts no longer than the act that makes it: the request goes out in the same call.
EDGES = [(edge, state) for edge in HANDOFF.edges for state in edge.from_ if state != "DRAFT"]


def said(edge: Edge) -> dict[str, Any]:
    return {"message": "handoff.request", "sequence": 1, "round": 1, "then": "DELIVERED"} if edge.message == "receipt" else good_data(edge.message)


@pytest.mark.parametrize(("edge", "state"), EDGES, ids=lambda v: v if isinstance(v, str) else v.message)
def test_an_edge_of_a_handoff(ledger: Ledger, edge: Edge, state: str) -> None:
    handoff = ready_handoff(ledger, edge, state)
    before, was = ledger.everything(), ledger.handoff(handoff)
    for writer, actor in WRITERS.items():
        if writer != edge.writer:
            ledger.no(ledger.one(Move(edge.message, actor, handoff_id=handoff, data=said(edge))), "not-writer")
    stranger = Actor("partner", "procuratorate-990100")
    assert ledger.no(ledger.one(Move(edge.message, stranger, handoff_id=handoff, data=said(edge))), "unknown").petition_no is None
    ledger.no(ledger.one(Move(edge.message, Actor("partner", COURT), petition_no=was["petition_no"], data=said(edge))), "unknown")
    if edge.writer == "bureau":
        other = Actor("bureau", "bureau-990102")
        ledger.no(ledger.one(Move(edge.message, other, handoff_id=handoff, data=said(edge))), "not-writer")
    assert ledger.everything() == before
    answer = ledger.done(ledger.one(Move(edge.message, WRITERS[edge.writer], handoff_id=handoff, data=said(edge))))
    target = state if edge.to == SAME else edge.to
    assert answer.state == target == ledger.handoff(handoff)["state"]
    ended = HANDOFF.states[target].end
    petition = ledger.petition_of(handoff)
    assert petition["state"] == ((edge.petition or HANDOFF.states[target].petition) if ended else "HANDED_OFF")
    assert (petition["holder"] is None) == bool(PETITION.states[petition["state"]].end)
    letters = ledger.rows("select message from outbox where handoff_id = %s order by sequence", handoff)
    assert len(letters) == was["seq_out"] + (edge.sends is not None)
    if edge.sends:
        assert letters[-1]["message"] == edge.sends
    row = ledger.row("select * from journal where handoff_id = %s and act = %s order by seq desc limit 1", handoff, edge.message)
    assert (row["from_state"], row["to_state"]) == (state, target)
    assert ledger.flaws() == []


@pytest.mark.parametrize("state", [s for s in HANDOFF.states if s != "DRAFT"])
def test_what_is_no_edge_is_refused(ledger: Ledger, state: str) -> None:
    handoff = bring(ledger, ledger.send(), state)
    before = ledger.everything()
    legal = {edge.message for edge, start in EDGES if start == state}
    implied = {edge.message for edge in HANDOFF.edges if edge.implied_receipt and "DELIVERED" in edge.from_} if state == "ISSUED" else set()
    for message in set(MESSAGES) - legal - implied - {"receipt"}:
        for actor in WRITERS.values():
            ledger.no(ledger.one(Move(message, actor, handoff_id=handoff, data=good_data(message))), "illegal-transition")
    assert ledger.everything() == before
    for message in {edge.message for edge in PETITION.edges} | {"handoff.fly", ""}:
        ledger.no(ledger.one(Move(message, CLERK, handoff_id=handoff)), "illegal-transition")
    assert ledger.everything() == before


@pytest.mark.parametrize(("edge", "state"), [(e, s) for e in PETITION.edges for s in e.from_], ids=lambda v: v if isinstance(v, str) else v.message)
def test_an_edge_of_a_petition(ledger: Ledger, edge: Edge, state: str) -> None:
    number, route = ready(ledger, edge, state)
    before = ledger.everything()
    strangers = {**WRITERS, "other bureau": Actor("bureau", "bureau-990102"), "no arbiter of this": Actor("arbiter", "court-990102")}
    for writer, actor in strangers.items():
        if writer != edge.writer:
            move = Move(edge.message, actor, petition_no=number, data=good_data(edge.message), route=route)
            ledger.no(ledger.one(move), "unknown" if writer == "partner" else "not-writer")
    assert ledger.everything() == before
    who = ledger.ruler(number) if edge.writer == "arbiter" else CLERK
    answer = ledger.done(ledger.one(Move(edge.message, who, petition_no=number, data=good_data(edge.message), route=route)))
    petition, target = ledger.petition(number), state if edge.to == SAME else edge.to
    assert petition["state"] == target
    assert (petition["holder"] is None) == (petition["next_due"] is None) == bool(PETITION.states[target].end)
    assert (petition["open_handoff"] is not None) == (target == "HANDED_OFF")
    if route is not None:
        assert ledger.handoff(answer.handoff_id or "")["body"] == route.body
        assert petition["stage"] == ledger.handoff(answer.handoff_id or "")["stage"]
    row = ledger.rows("select * from journal where petition_no = %s and act = %s order by seq desc", number, edge.message)[0]
    assert (row["from_state"], row["to_state"]) == (state, target)
    assert ledger.flaws() == []


def test_a_message_that_is_no_edge_of_the_petitions_state_is_refused(ledger: Ledger) -> None:
    for state in PETITION.states:
        number = reach(ledger, "petition", state)
        legal = {edge.message for edge in PETITION.edges if state in edge.from_}
        for message in ({edge.message for edge in PETITION.edges} | set(MESSAGES)) - legal - {"receipt"}:
            ledger.no(ledger.one(Move(message, CLERK, petition_no=number, data=good_data(message))), "illegal-transition")
    ledger.no(ledger.one(Move("petition.note", CLERK, petition_no="XF99010020260302999999")), "unknown")
    ledger.no(ledger.one(Move("handoff.urge", CLERK, handoff_id="00000000-0000-7000-8000-000000000000")), "unknown")


IMPLIED = [edge.message for edge in HANDOFF.edges if edge.implied_receipt and edge.message != "handoff.signed"]


@pytest.mark.parametrize("message", ["handoff.signed", *IMPLIED])
def test_a_bodys_word_proves_that_it_has_the_request(ledger: Ledger, message: str) -> None:
    handoff = ledger.send()
    ledger.done(ledger.partner(message, handoff))
    row = ledger.handoff(handoff)
    assert row["delivered_at"] == ledger.now
    # The evidence itself is still asked for: nothing has been counted as receipted.
    assert row["acked_out"] == 0
    journal = ledger.rows("select act, to_state, detail from journal where handoff_id = %s order by seq", handoff)
    assert [r["act"] for r in journal] == ["handoff.open", "handoff.request", "receipt", message]
    assert journal[2]["detail"] == {"via": "later-message"}
    # The receipt itself, coming last, moves nothing back.
    ledger.done(ledger.receipt(handoff))
    assert ledger.handoff(handoff)["state"] == row["state"]
    assert ledger.handoff(handoff)["acked_out"] == 1
    assert ledger.handoff(handoff)["partner_state"] == row["partner_state"]
    assert ledger.flaws() == []


def test_a_refused_word_delivers_nothing(ledger: Ledger) -> None:
    handoff = ledger.send()
    before = ledger.everything()
    ledger.no(ledger.partner("handoff.objected", handoff, reason=""), "guard")
    assert ledger.everything() == before


def test_a_refused_message_counts_as_read_and_as_nothing_else(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    was = ledger.handoff(handoff)
    ledger.no(ledger.partner("handoff.result", handoff, sequence=1), "illegal-transition")
    now = ledger.handoff(handoff)
    assert now == {**was, "seq_in": 1}


def test_a_route_needs_a_destination_and_nothing_else_has_one(ledger: Ledger) -> None:
    number = ledger.register()
    before = ledger.everything()
    ledger.no(ledger.one(Move("petition.route", CLERK, petition_no=number)), "guard")
    ledger.no(ledger.one(Move("petition.note", CLERK, petition_no=number, route=ledger.route_move(number).route)), "guard")
    ledger.no(ledger.one(ledger.route_move(number, "court-111111")), "guard")
    ledger.no(ledger.one(ledger.route_move(number, BUREAU)), "guard")
    assert ledger.everything() == before


def test_a_petition_too_long_for_one_message_is_refused_and_holds_up_nobody(ledger: Ledger) -> None:
    long, short = ledger.register(text="诉" * 90_000), ledger.register()
    refused, done = ledger.take(ledger.route_move(long), ledger.route_move(short))
    ledger.no(refused, "guard")
    ledger.done(done)
    assert ledger.petition(long)["state"] == "REGISTERED"


def test_the_doors_own_acts_are_not_for_bodies(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    before = ledger.everything()
    for act in ("flag", "clock.ring", "duty.open", "duty.close", "duty.ring", "message.read", "message.quarantined", "receipt"):
        data = {"code": "x", "clock": 1, "kind": "quarantine", "ref": "r", "duty_id": "d", "sequence": 9}
        ledger.no(ledger.one(Move(act, Actor("partner", COURT), handoff_id=handoff, data=data)), "not-writer")
        ledger.no(ledger.one(Move(act, Actor("partner", COURT), data=data)), "unknown")
    assert ledger.everything() == before


def test_acts_on_one_petition_in_one_call_follow_each_other(ledger: Ledger) -> None:
    handoff = ledger.send()
    body = Actor("partner", COURT)
    moves = [Move(act, body, handoff_id=handoff, data=good_data(act), sequence=n)
             for n, act in enumerate(("handoff.signed", "handoff.objected"), 1)]
    moves += [Move("objection.rejected", CLERK, handoff_id=handoff, data=good_data("objection.rejected"))]
    moves += [Move("handoff.objected", body, handoff_id=handoff, data={"reason_code": "second", "reason": "另有理由"}, sequence=3)]
    assert all(isinstance(a, Done) for a in ledger.take(*moves))
    assert ledger.handoff(handoff)["state"] == "OBJECTED"
    assert len(ledger.duties("objection.decide")) == 1, "the second objection has its duty, though the first was decided at the same instant"
    assert ledger.flaws() == []


@pytest.mark.parametrize(("act", "data"), [
    ("handoff.urge", {"reason": "催" * 100_000}), ("result.rework", {"reason": "重办", "defects": ["缺项"] * 51}), ("result.rework", {"reason": "重办", "defects": [""]}),
    ("handoff.urge", {"reason": "\ud800"}),
], ids=["too long", "too many", "blank", "half a character"])
def test_what_the_wire_cannot_say_is_refused_and_changes_nothing(ledger: Ledger, act: str, data: dict[str, Any]) -> None:
    handoff = ledger.accepted()
    if act == "result.rework":
        ledger.done(ledger.partner("handoff.result", handoff))
    was = ledger.everything()
    ledger.no(ledger.clerk(act, handoff, **data), "guard")
    assert ledger.everything() == was
    ledger.done(ledger.clerk(act, handoff, **({"reason": "请补", "defects": ["缺项"]} if act == "result.rework" else {"reason": "请速办"})))
