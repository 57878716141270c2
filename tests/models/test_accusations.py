"""Upper-level accusations leave nothing here; mixed letters are split; clerks withdraw; what became known stops what still waits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.wire import events
from models import desk, desk_petition, inbox, resending, store
from models.desk_petition import Part
from models.moves import Actor, Done, Move, Refused
from models.settling import Result
from tests.models.ledger import BUREAU, CLERK, COURT, DISCIPLINE, PERSON, SUBJECT, TEXT, Ledger
from tests.models.paths import bring

ABOVE = "discipline-990000"
ACCUSES = {"klass": "accusation", "branch": "B2a", "accusation": "discipline", "accused": "official", "accused_body": "agency-housing-990100"}
WORDS = "经办人写下的话，引了信中原文"


def rest(ledger: Ledger) -> tuple[Any, ...]:
    return ledger.house, ledger.sealer, ledger.now


def readable(ledger: Ledger, number: str) -> str:
    """Everything that anybody with every key can still read of this petition."""
    found = [json.dumps(ledger.petition(number), default=str)]
    for table in ("handoff", "duty", "clock", "journal", "outbox", "inbox", "refusal"):
        found += [json.dumps(row, default=str) for row in ledger.rows(f"select * from {table} where petition_no = %s", number)]  # noqa: S608
    row = ledger.petition(number)
    found += [ledger.sealer.open_text(row["subject_sealed"], f"petition.subject:{number}"), ledger.sealer.open_text(row["text_sealed"], f"petition.text:{number}")]
    with ledger.transaction() as connection:
        found += [words for _, words in store.notes(connection, number, ledger.sealer)]
        found.append(str(store.petitioner(connection, number, ledger.sealer)))
    for letter in ledger.rows("select message_id, body_sealed from outbox where petition_no = %s and body_sealed <> ''", number):
        found.append(ledger.sealer.open(letter["body_sealed"], f"outbox:{letter['message_id']}").decode())
    for letter in ledger.rows("select body, message_id, raw_sealed from inbox where petition_no = %s and raw_sealed <> ''", number):
        found.append(ledger.sealer.open(letter["raw_sealed"], f"inbox:{letter['body']}:{letter['message_id']}").decode())
    return "\n".join(found)


def sent_up(ledger: Ledger, body: str = ABOVE, facts: dict[str, Any] | None = None) -> tuple[str, str]:
    number = ledger.register(facts=facts or ACCUSES)
    ledger.done(ledger.one(Move("petition.to_clerk", CLERK, petition_no=number, note=WORDS)))
    with ledger.transaction() as connection:
        answer = desk_petition.send(connection, number, body, WORDS, *rest(ledger))
    assert isinstance(answer, Done), answer
    assert answer.handoff_id
    return number, answer.handoff_id


def test_what_belongs_above_is_erased_when_it_is_surely_there_and_not_before(ledger: Ledger) -> None:
    number, handoff = sent_up(ledger)
    assert "upper-level" in ledger.petition(number)["flags"]
    [leased] = ledger.claim(ABOVE)
    ledger.settle(Result(leased, "weak", "200"))
    whole = readable(ledger, number)
    assert all(words in whole for words in (SUBJECT, TEXT, PERSON["phone"], WORDS)), "a weak receipt proves nothing"
    ledger.settle(ledger.receipted(leased))
    left = readable(ledger, number)
    assert not any(words in left for words in (SUBJECT, TEXT, WORDS, *PERSON.values()))
    petition = ledger.petition(number)
    assert petition["erased_at"] == ledger.now
    assert petition["state"] == "HANDED_OFF"
    assert petition["holder"] == ABOVE
    assert petition["next_due"] is not None, "the shell is held and clocked as before"
    acts = [r["act"] for r in ledger.rows("select act from journal where petition_no = %s order by seq", number)]
    assert acts[-2:] == ["receipt", "content.erased"]
    assert ledger.flaws() == [], "the journal was not touched"
    assert ledger.handoff(handoff)["request_digest"], "what was sent can still be proved"
    assert len(ledger.rows("select 1 from receipt")) == 1


@pytest.mark.parametrize("how", ["by hand", "word"])
def test_a_paper_signed_for_or_the_bodys_own_word_is_as_sure(ledger: Ledger, how: str) -> None:
    number, handoff = sent_up(ledger)
    if how == "by hand":
        with ledger.transaction() as connection:
            desk.deliver_by_hand(connection, handoff, "澜送1号", ledger.now.date(), "收发室", *rest(ledger))
        assert not any(words in readable(ledger, number) for words in (SUBJECT, TEXT, *PERSON.values()))
        return
    ledger.done(ledger.partner("handoff.signed", handoff, ABOVE))
    # The request itself is on its way still, and its bytes with it; they go with its receipt.
    assert TEXT not in ledger.sealer.open_text(ledger.petition(number)["text_sealed"], f"petition.text:{number}")
    assert ledger.send_all(ABOVE) == 1
    assert not any(words in readable(ledger, number) for words in (SUBJECT, TEXT, *PERSON.values()))


def test_what_is_written_afterwards_goes_as_it_is_settled_and_the_rest_when_it_ends(ledger: Ledger) -> None:
    number, handoff = sent_up(ledger)
    ledger.send_all(ABOVE)
    bring_on: list[tuple[str, dict[str, Any]]] = [
        ("handoff.signed", {}), ("handoff.accepted", {}), ("handoff.result", {"opinion": "答复引了来信：" + TEXT})]
    for sequence, (act, data) in enumerate(bring_on, 1):
        ledger.take_in(ledger.incoming(handoff, act, sequence, ABOVE, **data))
        ledger.apply()
        if act == "handoff.accepted":
            with ledger.transaction() as connection:
                desk.supplement(connection, handoff, "信访人补充：" + TEXT, *rest(ledger))
            assert TEXT in readable(ledger, number), "it has not gone yet"
            ledger.send_all(ABOVE)
            assert TEXT not in readable(ledger, number)
    assert TEXT in readable(ledger, number), "the answer is read before it goes"
    ledger.done(ledger.clerk("result.accepted", handoff))
    ledger.send_all(ABOVE)
    assert ledger.petition(number)["state"] == "CLOSED"
    assert TEXT not in readable(ledger, number)
    assert ledger.flaws() == []


def test_what_was_erased_is_neither_sent_again_nor_routed_again_and_a_person_is_told(ledger: Ledger) -> None:
    number, handoff = sent_up(ledger)
    ledger.send_all(ABOVE)
    [message] = [r["message_id"] for r in ledger.rows("select message_id from outbox")]
    with ledger.transaction() as connection:
        assert resending.requeue(connection, [message], ledger.now) == 0
        assert resending.cannot_go(connection, [message]) == [message]
        assert inbox.sent_by(connection, ABOVE, handoff, 0, ledger.sealer) == []
    ledger.done(ledger.partner("handoff.objected", handoff, ABOVE))
    ledger.done(ledger.clerk("objection.upheld", handoff))
    with ledger.transaction() as connection:
        answer = desk_petition.send(connection, number, DISCIPLINE, "改送", *rest(ledger))
    assert "清除" in ledger.no(answer, "guard").why
    petition = ledger.petition(number)
    assert (petition["state"], petition["holder"]) == ("WITH_CLERK", BUREAU)
    assert petition["next_due"] is not None


def test_an_accusation_of_our_own_level_stays_and_so_does_a_claim_that_goes_up(ledger: Ledger) -> None:
    for facts, body in (({**ACCUSES, "accused_body": "agency-housing-990102"}, DISCIPLINE), ({"klass": "claim", "branch": "B3.6"}, "court-990000")):
        number, _ = sent_up(ledger, body, facts)
        ledger.send_all(body)
        assert TEXT in readable(ledger, number)
        assert "upper-level" not in ledger.petition(number)["flags"]


# -- mixed letters ----------------------------------------------------------------------------------------------------------


CLAIM, ACCUSATION = "房屋漏水要求维修", "科员丑收受财物"


def mixed(ledger: Ledger) -> tuple[str, str, str]:
    parent = ledger.register(text=f"{CLAIM}。另外{ACCUSATION}。")
    parts = [Part("漏水", CLAIM, {"klass": "claim", "branch": "B3.6"}), Part("反映科员丑", ACCUSATION, ACCUSES)]
    with ledger.transaction() as connection:
        answer = desk_petition.split(connection, parent, parts, "一信两事，分开办理", *rest(ledger))
    assert isinstance(answer, Done), answer
    first, second = [r["petition_no"] for r in ledger.rows("select petition_no from petition where parent_petition_no = %s order by petition_no", parent)]
    return parent, first, second


def test_the_parts_of_a_mixed_letter_travel_apart_and_neither_tells_of_the_other(ledger: Ledger) -> None:
    parent, claim, accusation = mixed(ledger)
    assert ledger.petition(parent)["state"] == "SPLIT"
    assert {r["received_at"] for r in ledger.rows("select received_at from petition")} == {ledger.petition(parent)["received_at"]}
    # The claim goes to the very body that the other part accuses; that one it may not.
    ledger.done(ledger.one(ledger.route_move(claim, "agency-housing-990100")))
    ledger.no(ledger.one(ledger.route_move(accusation, "agency-housing-990100", "B2a")), "guard")
    ledger.done(ledger.one(ledger.route_move(accusation, ABOVE, "B2a")))
    for number, own, other in ((claim, CLAIM, ACCUSATION), (accusation, ACCUSATION, CLAIM)):
        [letter] = ledger.rows("select message_id, body_sealed from outbox where petition_no = %s", number)
        said = events.decode(ledger.sealer.open(letter["body_sealed"], f"outbox:{letter['message_id']}"))
        whole = json.dumps(said.data, ensure_ascii=False)
        assert own in whole
        assert other not in whole
        assert not any(sibling in whole for sibling in {parent, claim, accusation} - {number})


def test_when_the_accusing_part_is_erased_the_letter_it_came_from_is_too(ledger: Ledger) -> None:
    parent, claim, accusation = mixed(ledger)
    ledger.done(ledger.one(ledger.route_move(accusation, ABOVE, "B2a")))
    assert ACCUSATION in readable(ledger, parent)
    ledger.send_all(ABOVE)
    assert not any(ACCUSATION in readable(ledger, number) for number in (parent, claim, accusation))
    assert CLAIM in readable(ledger, claim), "the claim is nobody's accusation"
    assert ledger.flaws() == []


def test_a_split_is_whole_or_not_at_all(ledger: Ledger) -> None:
    number = ledger.register()
    for parts in ([], [Part("甲", "甲")], [Part("甲", "甲"), Part("乙", " ")], [Part("甲", "甲"), Part("乙", "乙", {"klass": "whim"})]):
        with ledger.transaction() as connection:
            assert isinstance(desk_petition.split(connection, number, parts, "分开", *rest(ledger)), Refused)
    # The door itself takes no split without its parts, whoever asks.
    ledger.no(ledger.one(Move("petition.split", CLERK, petition_no=number, data={"parts": 2})), "guard")
    assert [r["petition_no"] for r in ledger.rows("select petition_no from petition")] == [number]
    assert ledger.register().endswith("000002"), "no number was used up"


# -- recusal ------------------------------------------------------------------------------------------------------------------


def test_a_clerk_who_has_withdrawn_acts_no_more_and_nobody_acts_unnamed(ledger: Ledger) -> None:
    handoff = bring(ledger, ledger.send(), "OBJECTED")
    number, other = ledger.petition_of(handoff)["petition_no"], ledger.register()

    def decide(clerk: str) -> Done | Refused:
        with ledger.transaction() as connection:
            return desk.decide_objection(connection, handoff, "escalated", "两家相争", *rest(ledger), clerk=clerk)

    with ledger.transaction() as connection:
        ledger.done(desk_petition.recuse(connection, number, "1042", "与信访人有亲属关系", *rest(ledger), clerk="1042"))
    assert ledger.petition(number)["recused"] == ["1042"]
    for clerk in ("1042", ""):
        ledger.no(decide(clerk), "not-writer")
    ledger.done(decide("1043"))
    for clerk in ("1042", ""):
        with ledger.transaction() as connection:
            ledger.no(desk.rule_dispute(connection, handoff, "keep", "由该院受理", *rest(ledger), clerk=clerk), "not-writer")
            ledger.no(desk_petition.designate_instead(connection, handoff, "court-990102", "改办", *rest(ledger), clerk=clerk), "not-writer")
            ledger.no(desk_petition.propose(connection, number, "improve", COURT, "improper", "请改", *rest(ledger), clerk=clerk), "not-writer")
    with ledger.transaction() as connection:
        ledger.done(desk.rule_dispute(connection, handoff, "keep", "由该院受理", *rest(ledger), clerk="1043"))
        ledger.done(desk_petition.classify(connection, other, {"sector": "housing"}, "补正", *rest(ledger), clerk="1042"))
    row = ledger.rows("select actor from journal where petition_no = %s and act = 'ruling.keep'", number)[0]
    assert row["actor"].endswith("#1043")


# -- becoming known --------------------------------------------------------------------------------------------------------------


def known_now(ledger: Ledger, number: str, body: str) -> None:
    with ledger.transaction() as connection:
        ledger.done(desk_petition.classify(connection, number, {"accused_body": body}, "查明所反映的单位", *rest(ledger)))


def test_what_still_waits_for_a_body_that_turns_out_to_be_accused_is_stopped_for_good(ledger: Ledger) -> None:
    handoff = ledger.send()
    number = ledger.handoff(handoff)["petition_no"]
    [leased] = ledger.claim()
    ledger.settle(Result(leased, "dead", "422", sure=True))
    with ledger.transaction() as connection:
        ledger.done(desk.take_back(connection, handoff, "对方拒收", *rest(ledger)))
    known_now(ledger, number, COURT)
    with ledger.transaction() as connection:
        assert resending.requeue(connection, [leased.message_id], ledger.now) == 0
        assert inbox.sent_by(connection, COURT, handoff, 0, ledger.sealer) == []
    assert "silenced" in ledger.handoff(handoff)["flags"]


def test_a_message_that_is_being_sent_when_it_becomes_known_is_not_tried_again(ledger: Ledger) -> None:
    handoff = ledger.send()
    number = ledger.handoff(handoff)["petition_no"]
    [leased] = ledger.claim()
    ledger.done(ledger.clerk("handoff.withdraw", handoff, reason="误转"))
    ledger.done(ledger.one(Move("withdraw.agreed", Actor("partner", COURT), handoff_id=handoff)))
    known_now(ledger, number, "court-990000")
    assert {r["state"] for r in ledger.rows("select state from outbox")} == {"DEAD"}
    ledger.settle(Result(leased, "retry", "503", next_at=ledger.now))
    assert {r["state"] for r in ledger.rows("select state from outbox")} == {"DEAD"}
    assert ledger.claim() == []


def test_duties_limits_and_reports_leave_the_hands_of_whoever_turns_out_to_be_accused(ledger: Ledger) -> None:
    number = ledger.register(facts={"klass": "claim", "branch": "B3.6", "grave": True})
    ledger.done(ledger.one(Move("petition.to_clerk", CLERK, petition_no=number)))
    ledger.let_pass(30)
    assert ledger.petition(number)["holder"] == "joint_conference-990100"
    assert {d["detail"]["to"] for d in ledger.duties("report.grave")} == {"bureau-990000", "bureau-000000"}
    known_now(ledger, number, "government-990000")
    safe = "joint_conference-000000"
    assert ledger.petition(number)["holder"] == safe
    assert {d["holder"] for d in ledger.duties() if d["holder"] != BUREAU} == {safe}
    assert {c["owes"] for c in ledger.rows("select owes from clock where state = 'OPEN' and owes <> %s", BUREAU)} == {safe}
    assert {d["detail"]["to"] for d in ledger.duties("report.grave")} == {"bureau-000000", safe}
    assert ledger.flaws() == []


def test_who_stands_accused_is_not_forgotten_on_the_way(ledger: Ledger) -> None:
    number = ledger.register(facts={**ACCUSES, "accused_body": COURT})
    for facts in ({"klass": "claim"}, {**ACCUSES, "accused_body": "police-990100"}, {}):
        ledger.no(ledger.one(ledger.route_move(number, COURT, facts=facts)), "guard")
    assert ledger.petition(number)["facts"]["accused_body"] == COURT


def test_a_body_cannot_say_what_only_the_bureau_says(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    ledger.take_in(ledger.incoming(handoff, "handoff.signed", 1, via="by-hand", register_no="收9号", clerk="1042", weak=True))
    assert ledger.apply().applied == 1
    row = ledger.row("select detail from journal where act = 'handoff.signed'")
    assert not {"via", "register_no", "clerk"} & row["detail"].keys()


def test_what_is_tried_again_is_no_longer_surely_refused(ledger: Ledger) -> None:
    """A request that was refused for sure, tried again since: it is no longer sure that the body has it not."""
    handoff = ledger.send()
    [leased] = ledger.claim()
    ledger.settle(Result(leased, "dead", "422", sure=True))
    with ledger.transaction() as connection:
        assert resending.requeue(connection, [leased.message_id], ledger.now) == 1
        ledger.no(desk.take_back(connection, handoff, "收回", *rest(ledger)), "guard")
    [again] = ledger.claim()
    ledger.settle(Result(again, "dead", "timeout"))
    with ledger.transaction() as connection:
        ledger.no(desk.take_back(connection, handoff, "收回", *rest(ledger)), "guard")
    assert ledger.handoff(handoff)["state"] == "ISSUED"


def test_no_proposal_is_made_to_whoever_stands_accused(ledger: Ledger) -> None:
    number = ledger.register(facts={**ACCUSES, "accused_body": "agency-housing-990100"})
    complaint = ledger.register(facts={"klass": "claim", "branch": "B3.6", "complained_of": "agency-housing-990100"})
    with ledger.transaction() as connection:
        for to in ("agency-housing-990100", "agency-housing-990102"):
            ledger.no(desk_petition.propose(connection, number, "improve", to, "improper", "请改进", *rest(ledger)), "guard")
        # Whoever is complained of may be asked to improve; that is what the proposal is for.
        ledger.done(desk_petition.propose(connection, complaint, "improve", "agency-housing-990100", "improper", "请改进", *rest(ledger)))
        ledger.no(desk_petition.propose(connection, complaint, "policy", "court-990100", "improper", "请改进", *rest(ledger)), "guard")
        ledger.done(desk_petition.propose(connection, number, "accountability", DISCIPLINE, "improper", "请追责", *rest(ledger)))
    over = ledger.register(facts={**ACCUSES, "accused_body": "government-990100"})
    with ledger.transaction() as connection:
        ledger.no(desk_petition.propose(connection, over, "policy", "government-990100", "improper", "请完善", *rest(ledger)), "guard")
        ledger.done(desk_petition.propose(connection, over, "policy", "government-990000", "improper", "请完善", *rest(ledger)))


def test_a_grave_accusation_is_reported_past_whoever_is_accused(ledger: Ledger) -> None:
    number = ledger.register(facts={**ACCUSES, "accused_body": "government-990000", "grave": True})
    told = {d["detail"]["to"] for d in ledger.duties("report.grave") if d["petition_no"] == number}
    assert told == {"bureau-000000"}
    other = ledger.register(facts={**ACCUSES, "grave": True})
    assert {d["detail"]["to"] for d in ledger.duties("report.grave") if d["petition_no"] == other} == {"bureau-990000", "bureau-000000"}
    # Grave from a later day on: told then, once.
    late = ledger.register()
    for facts in ({"grave": True}, {"sector": "housing"}):
        with ledger.transaction() as connection:
            ledger.done(desk_petition.classify(connection, late, facts, "查明", *rest(ledger)))
    assert len([d for d in ledger.duties("report.grave") if d["petition_no"] == late]) == 2


@pytest.mark.parametrize(("accused", "decides"), [("agency-housing-990100", "government-990100"), ("government-990100", "joint_conference-990000"),
                                                  ("government-990000", "joint_conference-000000")])
def test_neither_a_decision_nor_a_dispute_is_laid_before_the_accused(ledger: Ledger, accused: str, decides: str) -> None:
    up, apart = ledger.register(facts={**ACCUSES, "accused_body": accused}), ledger.register(facts={**ACCUSES, "accused_body": accused})
    with ledger.transaction() as connection:
        ledger.done(desk_petition.report_up(connection, up, "重大", *rest(ledger)))
        ledger.done(desk_petition.dispute(connection, apart, "争议", *rest(ledger), disputants=["agency-market-990100", "agency-water-990100"]))
    assert ledger.petition(up)["holder"] == ledger.petition(apart)["holder"] == decides
    with ledger.transaction() as connection:
        ledger.done(desk_petition.decide_up(connection, up, "交有关部门", *rest(ledger)))
        ledger.no(desk_petition.designate(connection, apart, accused, "由其受理", *rest(ledger)), "guard")
        answer = desk_petition.designate(connection, apart, "discipline-990000", "由其受理", *rest(ledger))
    if accused == "agency-housing-990100":
        ledger.done(answer)
    else:
        # The bureau itself stands under the accused: nothing goes by way of it, and the case stays before whoever is over them both.
        assert "信访局" in ledger.no(answer, "guard").why
        assert ledger.petition(apart)["holder"] == decides
