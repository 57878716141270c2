"""收回改派: a body that stays silent loses the case, in whatever state it has it; not too early, not to the wrong body, and what it says afterwards is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.bodies import Bodies
from models import desk, desk_petition, reassigning, resending
from models.moves import SYSTEM, Actor, Answer, Done, Move, Refused
from models.settling import Evidence, Result
from models.unheeded import unheeded
from rules.calendar import SHANGHAI, due
from tests.models.ledger import ARBITER, BUREAU, CLERK, CONFERENCE, COURT, Ledger, good_data
from tests.models.paths import HOUSING, ROADS, bring, review_move, silent_to_the_end

HELD = ["DELIVERED", "SIGNED", "ACCEPTED", "IN_PROGRESS", "HEARING", "SUSPENDED"]
OTHER = "agency-housing-990100"
URBAN = "agency-urban_management-990102"


def reassign(ledger: Ledger, handoff: str, body: str = "") -> Answer:
    with ledger.transaction() as connection:
        return reassigning.reassign(connection, handoff, "督办无果", ledger.house, ledger.sealer, ledger.now, body=body)


def silent(ledger: Ledger, state: str = "DELIVERED", body: str = HOUSING, branch: str = "B3.6", number: str = "") -> str:
    handoff = bring(ledger, ledger.send(body, branch, number), state)
    silent_to_the_end(ledger, handoff)
    return handoff


def no(answer: Answer, word: str) -> None:
    assert isinstance(answer, Refused), answer
    assert word in answer.why


@pytest.mark.parametrize("state", HELD)
def test_whatever_a_body_sits_on_is_taken_from_it_when_all_its_time_is_up(ledger: Ledger, state: str) -> None:
    handoff = bring(ledger, ledger.send(HOUSING), state)
    no(reassign(ledger, handoff), "只有现在持有此件")
    while ledger.handoff(handoff)["holder"] != CONFERENCE:
        ledger.let_pass(3)
    no(reassign(ledger, handoff), "先督办")
    ledger.done(ledger.clerk("handoff.supervise", handoff))
    no(reassign(ledger, handoff), "未送达")
    ledger.send_all(HOUSING)
    no(reassign(ledger, handoff), "才满")
    ledger.let_pass(12)
    answer = ledger.done(reassign(ledger, handoff))
    row, petition = ledger.handoff(handoff), ledger.petition_of(handoff)
    assert (answer.state, row["outcome"], row["holder"], petition["state"], petition["holder"]) == ("WITHDRAWN", "reassigned", None, "WITH_CLERK", BUREAU)
    assert petition["returned_by"] == [HOUSING]
    assert "taken-away" in row["flags"]
    # What it owed stays on the record as run out; nothing of it is called met that was not.
    clocks = ledger.rows("select key, owes, state from clock where handoff_id = %s", handoff)
    assert [c for c in clocks if c["state"] == "FIRED" and c["owes"] == HOUSING]
    assert not [c for c in clocks if c["state"] == "OPEN"]
    assert [c["state"] for c in clocks if c["key"] == "conference"][-1] == "LAPSED"
    assert ledger.rows("select 1 from journal where handoff_id = %s and act = 'clock.expired'", handoff)
    assert {d["kind"] for d in ledger.duties()} >= {"reassign.tell", "route.by_hand"}
    assert not [d for d in ledger.duties() if d["kind"] in ("conference", "supervise")]
    ledger.send_all(HOUSING)
    assert (ledger.handoff(handoff)["partner_state"], ledger.rows("select message from outbox order by sequence")[-1]["message"]) == ("WITHDRAWN", "arbitration.ruling")
    assert ledger.flaws() == []


def test_a_letter_sent_again_gives_the_body_no_new_time(ledger: Ledger) -> None:
    """Its ledger says that it lacks the supervision, so that is sent and receipted anew: the first receipt counts."""
    handoff = bring(ledger, ledger.send(HOUSING), "SIGNED")
    while ledger.handoff(handoff)["holder"] != CONFERENCE:
        ledger.let_pass(3)
    ledger.done(ledger.clerk("handoff.supervise", handoff))
    ledger.send_all(HOUSING)
    [letter] = ledger.rows("select message_id, receipted_at from outbox where handoff_id = %s and message = 'handoff.supervise'", handoff)
    ledger.let_pass(12)
    with ledger.transaction() as connection:
        assert resending.requeue(connection, [letter["message_id"]], ledger.now, ask=False) == 1
    ledger.send_all(HOUSING)
    [again] = ledger.rows("select receipted_at from outbox where message_id = %s", letter["message_id"])
    assert again["receipted_at"] > letter["receipted_at"]
    assert ledger.done(reassign(ledger, handoff)).state == "WITHDRAWN"
    assert ledger.flaws() == []


def test_it_never_comes_back_to_the_body_it_was_taken_from(ledger: Ledger) -> None:
    handoff = silent(ledger)
    number = ledger.handoff(handoff)["petition_no"]
    ledger.done(reassign(ledger, handoff))
    no(ledger.one(ledger.route_move(number, HOUSING)), "收回")
    with ledger.transaction() as connection:
        no(desk_petition.designate(connection, number, HOUSING, "仍由其办理", ledger.house, ledger.sealer, ledger.now), "收回")
    ledger.done(ledger.one(ledger.route_move(number, URBAN)))
    assert ledger.petition(number)["state"] == "HANDED_OFF"
    # The petitioner is told all the same, and that is done by saying so.
    duty = ledger.duties("reassign.tell")[0]
    ledger.done(ledger.one(Move("duty.close", CLERK, petition_no=number, data={"duty_id": duty["duty_id"], "kind": "reassign.tell"})))


def test_the_third_body_that_is_silent_makes_it_a_dispute(ledger: Ledger) -> None:
    number = ledger.register()
    for body in (HOUSING, URBAN, OTHER):
        ledger.done(reassign(ledger, silent(ledger, body=body, number=number)))
    assert ledger.no(ledger.one(ledger.route_move(number)), "loop").why
    with ledger.transaction() as connection:
        ledger.done(desk_petition.designate(connection, number, "government-990102", "由区政府办理", ledger.house, ledger.sealer, ledger.now))


def test_directly_to_the_named_body_both_or_neither(ledger: Ledger) -> None:
    handoff = silent(ledger, "ACCEPTED")
    number, before = ledger.handoff(handoff)["petition_no"], ledger.everything()
    for body, word in ((HOUSING, "收回"), ("agency-moon-990102", "tonglu bodies"), (BUREAU, "本单位")):
        no(reassign(ledger, handoff, body), word)
    assert ledger.everything() == before
    answer = ledger.done(reassign(ledger, handoff, OTHER))
    new = ledger.handoff(answer.handoff_id or "")
    assert (new["body"], new["way"], new["state"], new["flags"], new["parent_handoff_id"]) == (OTHER, "交办", "ISSUED", ["bound"], handoff)
    assert ledger.petition(number)["state"] == "HANDED_OFF"
    assert ledger.handoff(handoff)["state"] == "WITHDRAWN"
    assert {c["root"] for c in ledger.rows("select root from clock where handoff_id = %s and state = 'OPEN'", answer.handoff_id)} == {"receipt"}


def test_not_to_the_accused_nor_to_its_side(ledger: Ledger) -> None:
    number = ledger.register(facts={"klass": "claim", "branch": "B3.6", "accused": "official", "accused_body": OTHER, "accused_level": "city"})
    handoff = silent(ledger, body=URBAN, number=number)
    no(reassign(ledger, handoff, OTHER), "被检举控告")
    assert ledger.handoff(handoff)["state"] == "DELIVERED"


@pytest.mark.parametrize("state", ["DELIVERED", "ACCEPTED"])
def test_what_a_court_has_accepted_goes_to_the_court_above_and_nowhere_else(ledger: Ledger, state: str) -> None:
    handoff = silent(ledger, state, "court-990102", "B3.1a")
    if state == "DELIVERED":
        answer = ledger.done(reassign(ledger, handoff, "court-990103"))
        assert "bound" in ledger.handoff(answer.handoff_id or "")["flags"]
        return
    number = ledger.handoff(handoff)["petition_no"]
    no(reassign(ledger, handoff, "court-990103"), "上一级")
    answer = ledger.done(reassign(ledger, handoff, COURT))
    new = ledger.handoff(answer.handoff_id or "")
    assert (new["body"], new["way"], "bound" in new["flags"]) == (COURT, "转送", False)
    # The court above may object; when that is upheld the clerk has it and may look further.
    bring(ledger, new["handoff_id"], "RETURNED")
    ledger.done(ledger.one(ledger.route_move(number, "court-990103", "B3.1a")))


def test_without_a_body_named_the_clerk_is_bound_upwards_as_well(ledger: Ledger) -> None:
    handoff = silent(ledger, "ACCEPTED", "court-990102", "B3.1a")
    number = ledger.handoff(handoff)["petition_no"]
    ledger.done(reassign(ledger, handoff))
    no(ledger.one(ledger.route_move(number, HOUSING, "B3.1a")), "上一级")
    ledger.done(ledger.one(ledger.route_move(number, COURT, "B3.1a")))


def test_a_reviewer_that_stays_silent_is_replaced_by_another_next_higher_body(ledger: Ledger) -> None:
    number = ledger.register()
    bring(ledger, ledger.send(HOUSING, "B3.6", number), "CLOSED")
    with ledger.transaction() as connection:
        first = ledger.done(desk_petition.review(connection, number, "不服", ledger.house, ledger.sealer, ledger.now))
    handoff = bring(ledger, first.handoff_id or "", "ACCEPTED")
    silent_to_the_end(ledger, handoff)
    reviewer = ledger.handoff(handoff)["body"]
    ledger.done(reassign(ledger, handoff))
    no(ledger.one(review_move(ledger, number, "petition.review", reviewer)), "收回")
    with ledger.transaction() as connection:
        again = ledger.done(desk_petition.review(connection, number, "不服", ledger.house, ledger.sealer, ledger.now))
    other = ledger.handoff(again.handoff_id or "")
    assert (other["stage"], other["body"] != reviewer) == ("review", True)


def test_a_letter_that_never_arrived_is_no_supervision_until_it_was_brought(ledger: Ledger) -> None:
    handoff = bring(ledger, ledger.send(HOUSING), "SIGNED")
    number = ledger.handoff(handoff)["petition_no"]
    while ledger.handoff(handoff)["holder"] != CONFERENCE:
        ledger.let_pass(3)
    ledger.done(ledger.clerk("handoff.supervise", handoff))
    letter = ledger.row("select message_id from outbox where handoff_id = %s and message = 'handoff.supervise'", handoff)["message_id"]
    with ledger.transaction() as connection:
        connection.execute("update outbox set state = 'DEAD' where handoff_id = %s", (handoff,))
    ledger.take(Move("duty.open", SYSTEM, handoff_id=handoff, data={"kind": "undelivered", "ref": letter}))
    ledger.let_pass(20)
    no(reassign(ledger, handoff), "未送达")
    duty = next(d for d in ledger.duties("undelivered") if d["ref"] == letter)
    ledger.done(ledger.one(Move("duty.close", CLERK, petition_no=number, data={"duty_id": duty["duty_id"], "kind": "undelivered"})))
    no(reassign(ledger, handoff), "才满")
    ledger.let_pass(12)
    ledger.done(reassign(ledger, handoff))


def test_a_body_that_moves_after_all_must_be_supervised_anew(ledger: Ledger) -> None:
    handoff = silent(ledger, "SIGNED")
    ledger.done(ledger.partner("handoff.accepted", handoff, HOUSING))
    no(reassign(ledger, handoff), "只有现在持有此件")
    while ledger.handoff(handoff)["holder"] != CONFERENCE:
        ledger.let_pass(5)
    no(reassign(ledger, handoff), "先督办")
    ledger.done(ledger.clerk("handoff.supervise", handoff))
    ledger.send_all(HOUSING)
    # To say that one is at it is no answer.
    ledger.let_pass(12)
    ledger.done(ledger.partner("handoff.progress", handoff, HOUSING))
    no(reassign(ledger, handoff), "先督办")
    ledger.done(ledger.clerk("handoff.supervise", handoff))
    ledger.send_all(HOUSING)
    ledger.let_pass(12)
    ledger.done(ledger.partner("handoff.progress", handoff, HOUSING))
    ledger.done(reassign(ledger, handoff))


def test_the_whole_time_of_the_petition_running_out_takes_it_from_nobody(ledger: Ledger) -> None:
    number = ledger.register(received=ledger.now)
    ledger.let_pass(200, step=10)
    handoff = bring(ledger, ledger.send(HOUSING, "B3.6", number), "DELIVERED")
    assert ledger.handoff(handoff)["holder"] == CONFERENCE, "the conference has the petition, because it has taken too long in all"
    no(reassign(ledger, handoff), "还没有都届满")


def test_from_a_body_that_comes_to_stand_accused_it_is_taken_at_once_and_without_a_word(ledger: Ledger) -> None:
    number = ledger.register(facts={"klass": "claim", "branch": "B3.6", "accused": "official", "accused_body": URBAN, "accused_level": "district"})
    handoff = bring(ledger, ledger.send(HOUSING, "B3.6", number), "ACCEPTED")
    no(reassign(ledger, handoff), "只有现在持有此件")
    # The body is put under the one accused: the directory says so from today on.
    bodies = ledger.house.bodies
    moved = [b.model_copy(update={"superior": URBAN}) if b.code == HOUSING else b for b in bodies]
    ledger.house = replace(ledger.house, bodies=Bodies(bodies.places, moved))
    letters = len(ledger.rows("select 1 from outbox where handoff_id = %s", handoff))
    ledger.done(reassign(ledger, handoff))
    assert len(ledger.rows("select 1 from outbox where handoff_id = %s", handoff)) == letters
    assert ledger.petition(number)["state"] == "WITH_CLERK"
    assert "silenced" in ledger.handoff(handoff)["flags"]
    no(ledger.one(ledger.route_move(number, HOUSING)), "被检举控告")


def test_what_belongs_to_the_level_above_is_not_the_conferences(ledger: Ledger) -> None:
    number = ledger.register(facts={"klass": "accusation", "accusation": "discipline", "accused": "official", "accused_body": OTHER, "accused_level": "city"})
    handoff = ledger.done(ledger.one(ledger.route_move(number, "discipline-990000", "B2a"))).handoff_id or ""
    ledger.done(ledger.receipt(handoff))
    while not str(ledger.handoff(handoff)["holder"]).startswith("joint_conference"):
        ledger.let_pass(3)
    ledger.done(ledger.clerk("handoff.supervise", handoff))
    ledger.send_all("discipline-990000")
    ledger.let_pass(12)
    no(reassign(ledger, handoff), "上级管理权限")


def test_what_the_silent_body_says_afterwards_is_kept_and_shown_and_moves_nothing(ledger: Ledger) -> None:
    handoff = silent(ledger, "SIGNED")
    number = ledger.handoff(handoff)["petition_no"]
    new = ledger.done(reassign(ledger, handoff, OTHER)).handoff_id or ""
    before = ledger.petition(number)
    assert ledger.take_in(ledger.incoming(handoff, "handoff.accepted", 1, HOUSING), ledger.incoming(handoff, "handoff.result", 2, HOUSING)) == ["new", "new"]
    assert ledger.apply().quarantined == 2
    after = ledger.petition(number)
    assert (after["state"], after["holder"], after["next_due"], after["open_handoff"]) == (before["state"], before["holder"], before["next_due"], new)
    assert ledger.handoff(handoff)["state"] == "WITHDRAWN"
    duties = [d["zh"] for d in ledger.duties("quarantine")]
    assert sorted("“受理”" in zh for zh in duties) == [False, True]
    assert all("原承办单位" in zh for zh in duties)
    assert [r["detail"]["code"] for r in ledger.rows("select detail from journal where act = 'message.quarantined' order by seq")] == ["taken-away", "taken-away"]
    with ledger.transaction() as connection:
        kept = unheeded(connection, number, ledger.sealer)
    assert [(k.body, k.message) for k in kept] == [(HOUSING, "handoff.accepted"), (HOUSING, "handoff.result")]
    assert kept[1].data["opinion"] == good_data("handoff.result")["opinion"]
    assert "opinion" not in repr(kept[1])
    assert ledger.flaws() == []


def test_an_operator_may_choose_that_the_conference_only_coordinates(ledger: Ledger) -> None:
    handoff = silent(ledger)
    gaps = ledger.house.gaps.model_copy(update={"gaps": {**ledger.house.gaps.gaps, "13": ledger.house.gaps.gaps["13"].model_copy(update={"choice": "coordinate"})}})
    with ledger.transaction() as connection:
        no(reassigning.reassign(connection, handoff, "督办无果", replace(ledger.house, gaps=gaps), ledger.sealer, ledger.now), "第13项")


def test_nobody_but_the_conference_takes_it(ledger: Ledger) -> None:
    handoff = silent(ledger)
    for who in (CLERK, Actor("partner", HOUSING), SYSTEM, Actor("arbiter", "joint_conference-990000"), Actor("arbiter", "government-990100")):
        ledger.no(ledger.one(Move("ruling.reassign", who, handoff_id=handoff, data={"reason": "x"})), "not-writer")
    ledger.no(ledger.one(Move("ruling.reassign", ARBITER, handoff_id=handoff, data={})), "guard")
    no(reassign(ledger, "0199aaaa-0000-7000-8000-000000000000"), "没有此转送件")


STEPS = st.sampled_from(["a while", "long", "urge", "supervise", "send", "signed", "accepted", "progress", "suspended", "resumed", "take", "take", "late"])


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, min_size=6, max_size=24))
def test_in_no_order_is_it_taken_too_early_or_lost(ledger: Ledger, steps: list[str]) -> None:
    handoff = bring(ledger, ledger.send(HOUSING), "DELIVERED")
    number = ledger.handoff(handoff)["petition_no"]
    for step in [*steps, "supervise", "send", "long", "supervise", "send", "long", "take"]:
        before = ledger.everything([number])
        match step:
            case "a while" | "long":
                ledger.let_pass(8 if step == "a while" else 72, step=4, numbers=[number])
            case "urge" | "supervise":
                ledger.clerk(f"handoff.{step}", handoff)
            case "send":
                ledger.send_all(HOUSING)
            case "take":
                answer = reassign(ledger, handoff)
                if isinstance(answer, Done):
                    _was_due(ledger, handoff)
                else:
                    assert ledger.everything([number]) == before
            case "late":
                ledger.partner("handoff.result", handoff, HOUSING)
            case _:
                ledger.partner(f"handoff.{step}", handoff, HOUSING)
        petition = ledger.petition(number)
        if petition["state"] != "CLOSED":
            assert petition["holder"]
            assert petition["next_due"]
    row = ledger.handoff(handoff)
    # Silent from here on, it has lost it; had it answered, it would have been reviewed instead.
    assert row["state"] in ("WITHDRAWN", "REPORTED")
    assert (row["state"] == "WITHDRAWN") == (ledger.petition(number)["returned_by"] == [HOUSING])
    assert ledger.flaws() == []


def _was_due(ledger: Ledger, handoff: str) -> None:
    """Told from the journal and the receipts alone: a limit of the body's had run out, and it was supervised five working days ago and has not moved since."""
    rows: list[dict[str, Any]] = ledger.rows("select * from journal where handoff_id = %s order by seq", handoff)
    owed = [r for r in rows if r["act"] == "clock.expired" and ROADS.clock(r["detail"]["root"]).owes in ("partner", "party")]
    assert {"conference"} <= {r["detail"]["key"] for r in owed} | {c["key"] for c in ledger.rows("select key from clock where handoff_id = %s", handoff)}
    assert any(r["detail"]["key"] == "supervised" for r in owed)
    moved = max((r["seq"] for r in rows if r["actor"].startswith("partner:") and r["from_state"] != r["to_state"]), default=0)
    told = [r["at"] for r in rows if r["act"] == "handoff.supervise" and r["seq"] > moved]
    had: list[datetime] = [r["receipted_at"] for r in ledger.rows(
        "select receipted_at from outbox where handoff_id = %s and message = 'handoff.supervise' and receipted_at is not null and created_at = any(%s)", handoff, told)]
    assert any(due(at, "5wd", ledger.house.calendar).instant <= ledger.now for at in had)


def test_a_body_whose_system_takes_nothing_more_goes_on_by_paper(ledger: Ledger) -> None:
    handoff = bring(ledger, ledger.send(HOUSING), "SIGNED")
    today = ledger.now.astimezone(SHANGHAI).date()
    with ledger.transaction() as connection:
        rest = (ledger.house, ledger.sealer, ledger.now)
        no(desk.deliver_by_hand(connection, handoff, "澜送9号", today, "收发室", *rest), "没有送不到的文书")
        no(desk.record_for(connection, handoff, "handoff.accepted", ledger.good("handoff.accepted"), "收1号", *rest), "自己的系统")
    ledger.done(ledger.clerk("handoff.urge", handoff))
    letters = ledger.claim(HOUSING)
    ledger.settle(Result(letters[0], "receipted", "200", evidence=Evidence("rc", ledger.now, "stored", b"{}", "v1,x")))
    [urge] = ledger.claim(HOUSING)
    ledger.settle(Result(urge, "dead", "422", sure=True))
    assert [d["ref"] for d in ledger.duties("undelivered")] == [urge.message_id]
    with ledger.transaction() as connection:
        ledger.done(desk.deliver_by_hand(connection, handoff, "澜送9号", today, "收发室", *rest))
        ledger.done(desk.record_for(connection, handoff, "handoff.accepted", ledger.good("handoff.accepted"), "收1号", *rest))
    row = ledger.handoff(handoff)
    assert (row["state"], "by-hand" in row["flags"], ledger.duties("undelivered")) == ("ACCEPTED", True, [])
    # Whatever is written from now on is a person's to bring, supervision too; silent on paper as well, it loses the case all the same.
    while ledger.handoff(handoff)["holder"] != CONFERENCE:
        ledger.let_pass(5)
    ledger.done(ledger.clerk("handoff.supervise", handoff))
    number = row["petition_no"]
    for duty in ledger.duties("undelivered"):
        ledger.done(ledger.one(Move("duty.close", CLERK, petition_no=number, data={"duty_id": duty["duty_id"], "kind": "undelivered"})))
    ledger.let_pass(12)
    ledger.done(reassign(ledger, handoff, OTHER))
    assert [d["kind"] for d in ledger.duties("undelivered")] == ["undelivered"], "the ruling itself goes on paper"
