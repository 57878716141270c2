"""Objections, late and repeated; loops; duties that come, go and come again."""

from __future__ import annotations

import pytest

from models.moves import SYSTEM, Move
from models.settling import Result
from tests.models.ledger import BUREAU, CLERK, CONFERENCE, COURT, Ledger, last_day
from tests.models.paths import bring

AGENCY = "agency-housing-990100"


def objection_read_at(ledger: Ledger, received: str, read: str) -> list[str]:
    ledger.at("2026-03-02 09:00")
    handoff = ledger.deliver()
    ledger.at(received)
    ledger.take_in(ledger.incoming(handoff, "handoff.objected", 1))
    ledger.at(read)
    ledger.ring_all()
    ledger.apply()
    assert ledger.handoff(handoff)["state"] == "OBJECTED"
    return list(ledger.handoff(handoff)["flags"])


def test_a_late_objection_is_taken_and_flagged(ledger: Ledger) -> None:
    assert "late-objection" not in objection_read_at(ledger, "2026-03-09 23:59", "2026-03-09 23:59")
    assert "late-objection" in objection_read_at(ledger, "2026-03-10 00:00", "2026-03-10 00:00")


def test_an_objection_is_late_by_when_it_came_not_by_when_we_read_it(ledger: Ledger) -> None:
    assert "late-objection" not in objection_read_at(ledger, "2026-03-09 20:00", "2026-03-12 09:00")


def test_an_objection_is_late_even_if_no_watcher_has_looked(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    ledger.at("2026-03-10 00:00")
    ledger.done(ledger.partner("handoff.objected", handoff))
    assert "late-objection" in ledger.handoff(handoff)["flags"]


@pytest.mark.parametrize("said", [{"reason_code": "not-ours"}, {"reason_code": None}])
def test_the_same_ground_is_not_heard_twice_another_is(ledger: Ledger, said: dict[str, str | None]) -> None:
    handoff = ledger.deliver()
    ledger.done(ledger.partner("handoff.objected", handoff))
    ledger.done(ledger.clerk("objection.rejected", handoff, **said))
    assert ledger.handoff(handoff)["refused_grounds"] == ["not-ours"], "whoever rejects need not say the code again"
    ledger.no(ledger.partner("handoff.objected", handoff), "guard")
    ledger.done(ledger.partner("handoff.objected", handoff, reason_code="split-body"))


def test_a_ruling_to_keep_refuses_its_ground_too(ledger: Ledger) -> None:
    handoff = bring(ledger, ledger.send(), "ESCALATED")
    ledger.done(ledger.arbiter("ruling.keep", handoff))
    ledger.no(ledger.partner("handoff.objected", handoff), "guard")


def test_a_sentence_in_the_place_of_a_code_is_kept_as_its_digest(ledger: Ledger) -> None:
    handoff, words = ledger.deliver(), "不归我院管，当事人电话19900000731"
    ledger.done(ledger.partner("handoff.objected", handoff, reason_code=words))
    ledger.done(ledger.clerk("objection.rejected", handoff, reason_code=""))
    assert "19900000731" not in ledger.everything()
    ledger.no(ledger.partner("handoff.objected", handoff, reason_code=words), "guard")
    ledger.done(ledger.partner("handoff.objected", handoff, reason_code=words + "。"))


@pytest.mark.parametrize(("act", "state", "missing"), [
    ("handoff.signed", "DELIVERED", "office"), ("handoff.signed", "DELIVERED", "signed_at"), ("handoff.objected", "SIGNED", "reason"),
    ("handoff.accepted", "SIGNED", "partner_case_no"), ("handoff.accepted", "DELIVERED", "told_on"), ("handoff.declined", "SIGNED", "legal_basis"),
    ("handoff.declined", "SIGNED", "reason"), ("handoff.declined", "SIGNED", "remedy"), ("handoff.suspended", "ACCEPTED", "reason"),
    ("objection.upheld", "OBJECTED", "materials"), ("objection.rejected", "OBJECTED", "reason"), ("objection.escalated", "OBJECTED", "reason"),
    ("ruling.keep", "ESCALATED", "reason"), ("ruling.return", "ESCALATED", "reason"), ("result.accepted", "REPORTED", "told_on"),
    ("result.rework", "REPORTED", "reason"), ("decline.told", "DECLINED", "told_on"), ("handoff.extended", "ACCEPTED", "approver"),
    ("handoff.extended", "IN_PROGRESS", "reason"), ("handoff.result", "IN_PROGRESS", "round"), ("withdraw.agreed", "SIGNED", "")])
def test_a_guard_refuses_what_it_misses_and_changes_nothing(ledger: Ledger, act: str, state: str, missing: str) -> None:
    handoff = bring(ledger, ledger.send(), state)
    before = ledger.everything()
    edge = ledger.house.roads.edge("handoff", state, act)
    assert edge is not None
    who = {"partner": ledger.partner, "bureau": ledger.clerk, "arbiter": ledger.arbiter}[edge.writer]
    value = 7 if missing == "round" else None
    refused = ledger.no(who(act, handoff, **({missing: value} if missing else {})), "guard")
    assert refused.why
    assert ledger.everything() == before


def test_a_body_may_pass_on_to_its_own_subordinate_alone_and_never_to_the_accused(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    ledger.done(ledger.partner("handoff.forwarded", handoff, to_subordinate="urn:xf:court:990102"))
    for stranger in ("urn:xf:police:990102", "urn:xf:court:990000", "urn:xf:nobody:990102", ""):
        ledger.no(ledger.partner("handoff.forwarded", handoff, to_subordinate=stranger), "guard")
    # What the clerk found out while routing protects afterwards as well.
    number = ledger.register()
    facts = {"klass": "accusation", "branch": "B2a", "accused_body": "court-990102"}
    answer = ledger.done(ledger.one(ledger.route_move(number, COURT, "B2a", facts)))
    assert answer.handoff_id
    assert ledger.petition(number)["facts"] == facts
    ledger.no(ledger.partner("handoff.forwarded", answer.handoff_id, to_subordinate="urn:xf:court:990102"), "guard")
    accused = ledger.register(facts={"klass": "accusation", "accused_body": COURT})
    ledger.no(ledger.one(ledger.route_move(accused, COURT)), "guard")


def test_the_class_that_the_clerk_settled_on_is_kept(ledger: Ledger) -> None:
    number = ledger.register(facts={"klass": "accusation", "accused_body": AGENCY})
    ledger.done(ledger.one(ledger.route_move(number, "discipline-990100", "B2a")))
    assert (ledger.petition(number)["klass"], ledger.petition(number)["branch"]) == ("claim", "B2a")


def test_no_case_goes_round_in_a_circle(ledger: Ledger) -> None:
    number, came_before = ledger.register(), None
    for body in (COURT, AGENCY, "police-990100"):
        handoff = ledger.deliver(body, petition_no=number)
        assert ledger.handoff(handoff)["parent_handoff_id"] == came_before
        ledger.wait(minutes=1)
        came_before = handoff
        ledger.done(ledger.partner("handoff.objected", handoff, body))
        ledger.done(ledger.clerk("objection.upheld", handoff))
        if body != "police-990100":
            ledger.no(ledger.one(ledger.route_move(number, body)), "loop")
    petition = ledger.petition(number)
    assert petition["returned_by"] == [COURT, AGENCY, "police-990100"]
    # The third time it is a dispute; nobody leads a court and two agencies alike, so the conference decides it.
    assert (petition["state"], petition["holder"], petition["arbiter"]) == ("DISPUTED", CONFERENCE, CONFERENCE)
    ledger.no(ledger.one(ledger.route_move(number, "procuratorate-990100")), "illegal-transition")
    ledger.done(ledger.one(Move("petition.dispute_closed", ledger.ruler(number), petition_no=number, data=ledger.good("petition.dispute_closed"))))
    assert ledger.petition(number)["holder"] == BUREAU
    ledger.no(ledger.one(ledger.route_move(number, "procuratorate-990100")), "loop")


# -- duties ---------------------------------------------------------------------------------------------------------------


def test_a_state_duty_shows_the_date_of_its_own_clock(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    ledger.at("2026-03-06 09:00")  # the body's own windows end before the bureau's two working days do
    ledger.done(ledger.partner("handoff.objected", handoff))
    duty, = ledger.duties("objection.decide")
    assert (duty["holder"], last_day(duty["due_at"])) == (BUREAU, "2026-03-10")
    ledger.done(ledger.clerk("objection.rejected", handoff))
    assert ledger.duties() == []


def test_a_ladder_goes_on_through_a_change_of_state_and_so_does_its_duty(ledger: Ledger) -> None:
    handoff = ledger.accepted(AGENCY)
    ledger.let_pass(90)
    assert [d["kind"] for d in ledger.duties()] == ["supervise", "conference", "conference.up"]
    ledger.done(ledger.partner("handoff.progress", handoff, AGENCY))
    assert [d["kind"] for d in ledger.duties()] == ["supervise", "conference", "conference.up"], "a word of progress takes no case from the conference's table"
    assert ledger.petition_of(handoff)["holder"] == CONFERENCE
    ledger.done(ledger.partner("handoff.result", handoff, AGENCY))
    ledger.done(ledger.clerk("result.accepted", handoff))
    assert ledger.duties() == []


def test_what_falls_due_a_second_time_is_a_duty_a_second_time(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    for ground in ("first", "second"):
        ledger.done(ledger.partner("handoff.objected", handoff, reason_code=ground))
        ledger.let_pass(12)
        assert [d["holder"] for d in ledger.duties("conference") if d["detail"]["root"] == "decide_objection"] == [CONFERENCE]
        ledger.done(ledger.clerk("objection.rejected", handoff, reason_code=ground))
        assert not [d for d in ledger.duties("conference") if d["detail"]["root"] == "decide_objection"]


def test_a_cause_seen_again_opens_one_duty_and_a_done_one_may_come_back(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    found = Move("duty.open", SYSTEM, handoff_id=handoff, data={"kind": "difference", "ref": "x"})
    ledger.take(found, found)
    ledger.take(found)
    assert len(ledger.duties("difference")) == 1
    assert len(ledger.rows("select 1 from journal where act = 'duty.open'")) == 1
    ledger.done(ledger.one(Move("duty.close", CLERK, handoff_id=handoff, data={"duty_id": ledger.duties()[0]["duty_id"]})))
    assert ledger.duties() == []
    ledger.take(found)
    assert len(ledger.duties("difference")) == 1


def test_a_duty_that_nobody_does_goes_to_the_conference_and_stays_there_ringing(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    ledger.take(Move("duty.open", SYSTEM, handoff_id=handoff, data={"kind": "quarantine", "ref": "m"}))
    ledger.wait(days=3)
    for times in range(1, 5):
        ledger.ring_all()
        duty, = ledger.duties("quarantine")
        assert (duty["holder"], duty["escalations"]) == (CONFERENCE, times)
        assert duty["due_at"] > ledger.now
        ledger.wait(days=12)


def test_a_state_duty_is_watched_by_its_clock_alone(ledger: Ledger) -> None:
    bring(ledger, ledger.send(), "OBJECTED")
    duty, = ledger.duties("objection.decide")
    ledger.wait(days=20)
    before = ledger.everything()
    move = Move("duty.ring", SYSTEM, handoff_id=duty["handoff_id"], data={"duty_id": duty["duty_id"]})
    assert not ledger.done(ledger.one(move)).new
    assert ledger.everything() == before
    ledger.no(ledger.one(Move("duty.close", CLERK, handoff_id=duty["handoff_id"], data={"duty_id": duty["duty_id"]})), "guard")


def test_a_duty_about_no_petition_is_opened_rung_and_done_like_any(ledger: Ledger) -> None:
    found = Move("duty.open", SYSTEM, data={"kind": "security", "ref": "s", "body": COURT})
    ledger.take(found, found)
    ledger.take(found)
    duty, = ledger.duties("security")
    assert (duty["holder"], duty["body"], duty["petition_no"]) == (BUREAU, COURT, None)
    ledger.wait(days=4)
    ring = Move("duty.ring", SYSTEM, data={"duty_id": duty["duty_id"]})
    ledger.take(ring, ring)
    duty, = ledger.duties("security")
    assert (duty["holder"], duty["escalations"]) == (CONFERENCE, 1)
    shut = Move("duty.close", CLERK, data={"duty_id": duty["duty_id"]})
    ledger.done(ledger.one(shut))
    ledger.no(ledger.one(shut), "unknown")
    assert ledger.duties() == []
    ledger.take(found)
    assert len(ledger.duties("security")) == 1


def test_a_receipt_that_comes_late_ends_the_duty_to_deliver_otherwise(ledger: Ledger) -> None:
    handoff = ledger.send()
    leased, = ledger.claim()
    ledger.settle(Result(leased, "dead", "422"))
    assert [d["ref"] for d in ledger.duties("undelivered")] == [leased.message_id]
    ledger.settle(ledger.receipted(leased))
    assert ledger.duties() == []
    assert ledger.handoff(handoff)["state"] == "DELIVERED"


# -- receipts of later messages -------------------------------------------------------------------------------------------


def test_what_the_body_must_believe_follows_its_receipts(ledger: Ledger) -> None:
    handoff = bring(ledger, ledger.send(), "REPORTED")
    ledger.done(ledger.clerk("result.rework", handoff))
    assert (ledger.handoff(handoff)["partner_state"], ledger.handoff(handoff)["partner_round"]) == ("REPORTED", 1)
    ledger.send_all()
    row = ledger.handoff(handoff)
    assert (row["partner_state"], row["partner_round"], row["acked_out"]) == ("IN_PROGRESS", 2, 2)


def test_a_receipt_that_comes_after_the_answer_takes_nothing_back(ledger: Ledger) -> None:
    handoff = bring(ledger, ledger.send(), "OBJECTED")
    ledger.done(ledger.clerk("objection.rejected", handoff))
    ledger.done(ledger.partner("handoff.accepted", handoff))
    ledger.send_all()
    assert ledger.handoff(handoff)["partner_state"] == "ACCEPTED"
    assert ledger.handoff(handoff)["acked_out"] == 2
