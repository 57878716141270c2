"""报上一级联席会议: a conference that lets a case lie past its time loses it to the one above, step by step to the topmost."""

from __future__ import annotations

from datetime import timedelta

from models import desk, desk_petition, reassigning
from models.moves import Answer, Move, Refused
from rules.calendar import SHANGHAI
from tests.models.ledger import ARBITER, BUREAU, CONFERENCE, Ledger
from tests.models.paths import HOUSING, bring, silent_to_the_end

ABOVE, TOP = "joint_conference-990000", "joint_conference-000000"
OTHER = "agency-housing-990100"


def up(ledger: Ledger, number: str) -> Answer:
    with ledger.transaction() as connection:
        return desk_petition.conference_up(connection, number, "逾期未协调", ledger.house, ledger.sealer, ledger.now)


def past(ledger: Ledger) -> None:
    """Until the conference that has it has let its time pass."""
    for _ in range(30):
        if ledger.duties("conference.up"):
            return
        ledger.let_pass(2)
    raise AssertionError("nobody is told that the conference is silent")


def test_a_silent_conference_loses_the_case_to_the_one_above_up_to_the_topmost(ledger: Ledger) -> None:
    handoff = bring(ledger, ledger.send(HOUSING), "DELIVERED")
    number = ledger.handoff(handoff)["petition_no"]
    refused = up(ledger, number)
    assert isinstance(refused, Refused)
    assert "还没有届满" in refused.why
    for below, above in ((CONFERENCE, ABOVE), (ABOVE, TOP)):
        past(ledger)
        assert ledger.petition(number)["holder"] == below
        assert {d["holder"] for d in ledger.duties("conference.up")} == {BUREAU}
        ledger.done(up(ledger, number))
        petition = ledger.petition(number)
        assert (petition["holder"], ledger.handoff(handoff)["holder"], petition["state"]) == (above, above, "HANDED_OFF")
        assert petition["next_due"] > ledger.now
        assert ledger.duties("conference.up") == []
        assert {d["holder"] for d in ledger.duties("conference")} == {above}
        waits = [c for c in ledger.clocks(handoff).values() if c["key"] == "conference"]
        assert {(c["owes"], c["due_at"] > ledger.now + timedelta(days=4)) for c in waits} == {(above, True)}, "it has a time of its own"
    # Above the topmost is nobody: it is asked again and again, and no clerk is told to do what cannot be done.
    ledger.let_pass(40, step=4)
    assert ledger.duties("conference.up") == []
    assert ledger.petition(number)["holder"] == TOP
    assert ledger.flaws() == []


def test_whoever_has_it_now_rules_and_the_one_below_no_longer_does(ledger: Ledger) -> None:
    handoff = bring(ledger, ledger.send(HOUSING), "SIGNED")
    silent_to_the_end(ledger, handoff)
    past(ledger)
    number = ledger.handoff(handoff)["petition_no"]
    ledger.done(up(ledger, number))
    ledger.no(ledger.one(Move("ruling.reassign", ARBITER, handoff_id=handoff, data={"reason": "迟来的决定"})), "not-writer")
    with ledger.transaction() as connection:
        answer = ledger.done(reassigning.reassign(connection, handoff, "上一级联席会议决定", ledger.house, ledger.sealer, ledger.now, body=OTHER))
    assert ledger.handoff(answer.handoff_id or "")["body"] == OTHER
    assert ledger.row("select actor from journal where act = 'ruling.reassign'")["actor"] == f"arbiter:{ABOVE}"
    # With the new body it begins below again.
    assert ledger.petition(number)["arbiter"] is None
    ledger.done(ledger.receipt(answer.handoff_id or ""))
    while not str(ledger.petition(number)["holder"]).startswith("joint_conference"):
        ledger.let_pass(3)
    assert ledger.petition(number)["holder"] == CONFERENCE


def test_a_dispute_that_nobody_settles_goes_up_as_well(ledger: Ledger) -> None:
    handoff = bring(ledger, ledger.send(HOUSING), "ESCALATED")
    past(ledger)
    number = ledger.handoff(handoff)["petition_no"]
    ledger.done(up(ledger, number))
    with ledger.transaction() as connection:
        ledger.done(desk.rule_dispute(connection, handoff, "keep", "由其受理", ledger.house, ledger.sealer, ledger.now))
    assert ledger.row("select actor from journal where act = 'ruling.keep'")["actor"] == f"arbiter:{ABOVE}"


def test_never_to_a_conference_of_the_side_complained_of(ledger: Ledger) -> None:
    number = ledger.register(facts={"klass": "claim", "branch": "B3.6", "complained_of": "government-990100"})
    bring(ledger, ledger.send(HOUSING, "B3.6", number), "DELIVERED")
    past(ledger)
    was = ledger.petition(number)["holder"]
    ledger.done(up(ledger, number))
    assert (was, ledger.petition(number)["holder"]) == (ABOVE, TOP)


def test_an_accusation_of_our_own_side_goes_nowhere_through_us_and_has_the_guided_road(ledger: Ledger) -> None:
    number = ledger.register(facts={"klass": "accusation", "accusation": "discipline", "accused": "official", "accused_body": "government-990100", "accused_level": "city"})
    answer = ledger.one(ledger.route_move(number, "discipline-990000", "B2a"))
    assert isinstance(answer, Refused), "the bureau itself stands on the accused's side"
    today = ledger.now.astimezone(SHANGHAI).date()
    rest = (ledger.house, ledger.sealer, ledger.now)
    with ledger.transaction() as connection:
        ledger.done(desk_petition.guide(connection, number, today, "请直接向上级纪检监察机关提出", *rest, body="discipline-990000"))
    with ledger.transaction() as connection:
        ledger.done(desk_petition.guide_filed(connection, number, "澜纪受2026-3", today, "上级纪检监察机关已收件", *rest))
    assert ledger.petition(number)["state"] == "CLOSED"
