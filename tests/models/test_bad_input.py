"""Bad input: each a refusal in plain words or a duty with its reason, kept on record, the petition still held and clocked."""

from __future__ import annotations

from typing import Any

import pytest

from flows.intake import decide
from models import desk, desk_petition
from models.moves import Actor, Answer, Move, Route
from tests.models.ledger import BUREAU, CLERK, COURT, Ledger
from tests.models.paths import HOUSING, bring


def held(ledger: Ledger, number: str) -> None:
    petition = ledger.petition(number)
    assert petition["holder"]
    assert petition["next_due"] > ledger.now
    assert ledger.flaws() == []


def refused(ledger: Ledger, answer: Answer, code: str, *words: str) -> None:
    """Refused in these words, and on record with who asked for what."""
    no = ledger.no(answer, code)
    assert all(word in no.why for word in words), no.why
    row = ledger.rows("select * from refusal order by id desc limit 1")[0]
    assert (row["code"], row["why"], row["petition_no"], row["at"]) == (code, no.why, no.petition_no, ledger.now)
    assert row["actor"].startswith(("bureau:", "arbiter:"))


def to_clerk(ledger: Ledger, number: str, *words: str) -> None:
    """What the routing cannot decide is a clerk's, with the reason: journalled, held, clocked."""
    move = decide(number, ledger.petition(number)["facts"], ledger.house)
    assert move.act == "petition.to_clerk"
    assert all(word in move.note for word in words), move.note
    ledger.done(ledger.one(move))
    [duty] = ledger.duties("route.by_hand")
    assert (duty["petition_no"], duty["holder"]) == (number, BUREAU)
    row = ledger.rows("select detail, note_sealed from journal where petition_no = %s and act = 'petition.to_clerk'", number)[0]
    assert row["detail"]["code"]
    assert row["note_sealed"]
    held(ledger, number)


@pytest.mark.parametrize(("facts", "words"), [
    ({"klass": "suggestion", "branch": "B3.6"}, ("矛盾",)), ({"klass": "claim", "art31": 1, "arbitration": "labour"}, ("矛盾",)),
    ({"klass": "accusation", "accusation": "discipline"}, ("被检举控告",)), ({"klass": "accusation", "accused": "official"}, ()),
    ({"klass": "whim"}, ("格式",)),
])
def test_facts_that_contradict_or_accuse_nobody_are_a_clerks(ledger: Ledger, facts: dict[str, Any], words: tuple[str, ...]) -> None:
    to_clerk(ledger, ledger.register(facts=facts), *words)


def test_an_accusation_without_an_accused_goes_to_nobody(ledger: Ledger) -> None:
    number = ledger.register(facts={"klass": "accusation", "accusation": "discipline"})
    for body in (COURT, "discipline-990100", "discipline-990000"):
        refused(ledger, ledger.one(ledger.route_move(number, body, "B2a")), "guard", "未写明被检举控告", "补正")
    held(ledger, number)


def test_facts_that_are_none_stop_the_guard_and_nothing_else(ledger: Ledger) -> None:
    number = ledger.register(facts={"klass": "whim"})
    refused(ledger, ledger.one(ledger.route_move(number)), "guard", "不合格式", "补正")
    refused(ledger, ledger.one(Move("petition.classify", CLERK, petition_no=number, data={"facts": {"art31": 9}, "reason": "补正"})), "guard", "事实")
    ledger.done(ledger.one(Move("petition.classify", CLERK, petition_no=number, data={"facts": {"klass": "claim"}, "reason": "补正"})))
    ledger.done(ledger.one(ledger.route_move(number)))


def test_a_body_that_left_its_powers_to_nobody_or_to_another_is_no_destination(ledger: Ledger) -> None:
    number, today = ledger.register(), ledger.now.date()
    gone = [b for b in ledger.house.bodies if b.abolished is not None and not b.holds(today)]
    merged = [b for b in ledger.house.bodies if b.successor is not None and not b.holds(today)]
    assert gone, "the sample has one"
    assert merged, "the sample has one"
    refused(ledger, ledger.one(ledger.route_move(number, gone[0].code)), "guard", "撤销", "第二十四条第二款")
    heir = ledger.house.bodies.current(merged[0].code, today)
    assert heir is not None
    refused(ledger, ledger.one(ledger.route_move(number, merged[0].code)), "guard", heir.code)
    held(ledger, number)


@pytest.mark.parametrize(("days", "words"), [(400, "不能延长"), (None, "")])
def test_an_extension_is_asked_for_once_and_in_time(ledger: Ledger, days: int | None, words: str) -> None:
    handoff = ledger.accepted(HOUSING)
    number = ledger.petition_of(handoff)["petition_no"]
    ledger.take_in(ledger.incoming(handoff, "handoff.extended", 1, HOUSING, days=days or 30))
    first = ledger.apply()
    ledger.take_in(ledger.incoming(handoff, "handoff.extended", 2, HOUSING, days=10))
    second = ledger.apply()
    assert (first.quarantined, first.applied) == ((1, 0) if days else (0, 1))
    assert second.quarantined == (0 if days else 1)
    duty = ledger.duties("quarantine")[0]
    assert (duty["holder"], duty["petition_no"], duty["detail"]["code"]) == (BUREAU, number, "guard")
    note = ledger.rows("select note from inbox where state = 'QUARANTINED'")[0]["note"]
    assert words in note
    assert "guard" in note
    assert ledger.rows("select 1 from journal where act = 'message.quarantined'")
    held(ledger, number)


def test_an_extension_that_comes_when_the_time_is_up_is_quarantined(ledger: Ledger) -> None:
    handoff = ledger.accepted(HOUSING)
    ledger.let_pass(80, 4)
    ledger.take_in(ledger.incoming(handoff, "handoff.extended", 1, HOUSING))
    assert ledger.apply().quarantined == 1
    held(ledger, ledger.petition_of(handoff)["petition_no"])


def test_an_act_by_the_wrong_writer_is_refused_and_kept(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    number = ledger.petition_of(handoff)["petition_no"]
    for who in (CLERK, Actor("arbiter", COURT), Actor("bureau", "bureau-990102")):
        refused(ledger, ledger.one(Move("handoff.accepted", who, handoff_id=handoff, data=ledger.good("handoff.accepted"))), "not-writer", "书写")
    refused(ledger, ledger.one(Move("petition.designate", Actor("arbiter", "joint_conference-990100"), petition_no=ledger.register(),
                                    data={"reason": "指定"}, route=ledger.route_move("x").route)), "illegal-transition")
    ledger.take_in(ledger.incoming(handoff, "handoff.resumed", 1))
    assert ledger.apply().quarantined == 1
    held(ledger, number)


DAYS = ("2026-02-27", "2026-03-03", "2026-3-2", "月底")


@pytest.mark.parametrize("day", DAYS)
def test_a_clerk_cannot_write_a_day_before_the_receipt_or_after_today(ledger: Ledger, day: str) -> None:
    handoff, number = bring(ledger, ledger.send(), "REPORTED"), ledger.register()
    refused(ledger, ledger.clerk("result.accepted", handoff, told_on=day), "guard", "告知日期")
    for act, name in (("petition.guide", "told_on"), ("petition.link", "told_on")):
        refused(ledger, ledger.one(Move(act, CLERK, petition_no=number, data={**ledger.good(act), name: day})), "guard", "告知日期")
    ledger.done(ledger.one(Move("petition.guide", CLERK, petition_no=number, data=ledger.good("petition.guide"))))
    refused(ledger, ledger.one(Move("guide.filed", CLERK, petition_no=number, data={**ledger.good("guide.filed"), "filed_on": day})), "guard", "立案")
    other = ledger.send()
    refused(ledger, ledger.clerk("delivery.by_hand", other, delivered_on=day), "guard", "送达日期")
    held(ledger, number)


@pytest.mark.parametrize("day", DAYS[:2])
def test_a_bodys_impossible_day_is_quarantined_with_its_reason(ledger: Ledger, day: str) -> None:
    handoff = ledger.deliver()
    ledger.take_in(ledger.incoming(handoff, "handoff.accepted", 1, told_on=day))
    assert ledger.apply().quarantined == 1
    assert "告知日期" in ledger.rows("select note from inbox")[0]["note"]
    assert [d["holder"] for d in ledger.duties("quarantine")] == [BUREAU]
    assert ledger.handoff(handoff)["state"] == "DELIVERED"
    held(ledger, ledger.petition_of(handoff)["petition_no"])


def test_feedback_on_a_proposal_is_no_older_than_the_proposal(ledger: Ledger) -> None:
    number = ledger.register()
    ledger.wait(days=5)
    rest = (ledger.house, ledger.sealer, ledger.now)
    with ledger.transaction() as connection:
        proposal = ledger.done(desk_petition.propose(connection, number, "improve", HOUSING, "improper", "请改进", *rest)).handoff_id or ""
        for day in ("2026-03-06", "2026-03-08"):
            answer = desk_petition.proposal_feedback(connection, number, proposal, "yes", ledger.now.date().fromisoformat(day), "", *rest)
            assert "书面反馈日期" in ledger.no(answer, "guard").why
        ledger.done(desk_petition.proposal_feedback(connection, number, proposal, "yes", ledger.now.date(), "", *rest))


def test_what_was_asked_in_vain_with_other_acts_is_kept_though_all_of_it_was_undone(ledger: Ledger) -> None:
    handoff = bring(ledger, ledger.send(), "ESCALATED")
    before = ledger.everything()
    with ledger.transaction() as connection:
        answer = desk_petition.designate_instead(connection, handoff, "court-123456", "改办", ledger.house, ledger.sealer, ledger.now)
        assert "机关目录" in ledger.no(answer, "unknown").why
        gone = next(b.code for b in ledger.house.bodies if b.abolished is not None and not b.holds(ledger.now.date()))
        answer = desk_petition.designate_instead(connection, handoff, gone, "改办", ledger.house, ledger.sealer, ledger.now)
    refused(ledger, answer, "guard", "撤销")
    assert ledger.everything() == before


@pytest.mark.parametrize(("message", "data", "words"), [
    ("handoff.accepted", {"partner_case_no": "1", "procedure": "信访"}, "told_on"), ("handoff.accepted", {"told_on": "昨天"}, "partner_case_no"),
    ("handoff.urge", {"reason": "x"}, "对方可以书写"), ("receipt", {}, "对方可以书写"), ("handoff.fly", {}, "对方可以书写"),
    ("handoff.signed", {"office": "办", "person_role": "收件", "signed_at": "2026-03-02T09:00:00+08:00", "via": "wire"}, "via"),
    ("handoff.extended", {"approver": "负责人", "reason": "复杂", "days": "许多"}, "days"),
])
def test_papers_are_typed_in_to_the_form_of_the_wire(ledger: Ledger, message: str, data: dict[str, str], words: str) -> None:
    handoff = ledger.send("government-990102")
    if ledger.house.bodies.get("government-990102").connector.kind != "desk":
        ledger.done(ledger.clerk("delivery.by_hand", handoff))
    with ledger.transaction() as connection:
        answer = desk.record_for(connection, handoff, message, data, "收1号", ledger.house, ledger.sealer, ledger.now)
    assert words in ledger.no(answer, "guard").why


def test_papers_typed_in_are_the_bodys_word_and_say_how_they_came(ledger: Ledger) -> None:
    handoff = ledger.send("government-990102")
    ledger.done(ledger.clerk("delivery.by_hand", handoff))
    rest = (ledger.house, ledger.sealer, ledger.now)
    papers: list[tuple[str, dict[str, str]]] = [
        ("handoff.accepted", {"partner_case_no": "澜政受2026-9", "procedure": "信访", "told_on": "2026-03-02"}), ("supplement.requested", {"items": "身份证明", "party": "信访人"}),
        ("handoff.extended", {"approver": "负责人", "reason": "复杂", "days": "10"}),
        ("handoff.result", {"outcome_code": "supported", "document_no": "澜政答2026-1", "opinion": "予以支持"})]
    with ledger.transaction() as connection:
        for message, data in papers:
            ledger.done(desk.record_for(connection, handoff, message, data, "收1号", *rest, clerk="1042"))
        ledger.no(desk.record_for(connection, handoff, "handoff.progress", {"note": "x"}, " ", *rest), "guard")
    assert ledger.handoff(handoff)["state"] == "REPORTED"
    rows = ledger.rows("select actor, detail from journal where handoff_id = %s and act = 'handoff.accepted'", handoff)
    assert rows[0]["actor"] == "partner:government-990102#1042"
    assert rows[0]["detail"].items() >= {"via": "by-hand", "register_no": "收1号"}.items()


def test_a_route_to_nowhere_says_so(ledger: Ledger) -> None:
    number = ledger.register()
    for body in ("court-111111", BUREAU):
        to = Route(body, "转送", "by-hand", "XF 22(1)", "B3.6")
        refused(ledger, ledger.one(Move("petition.route", CLERK, petition_no=number, route=to)), "guard", "不能作为去向")
