"""Repeats: known by who asks for what, linked to the first, not sent while it is pending; nothing about people can be listed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.intake import decide
from models import desk_petition
from models.moves import Arrival, Move
from models.repeats import content_mark, matter_marks
from models.seal import Sealer
from tests.models.ledger import CLERK, COURT, PERSON, Ledger, beijing
from tests.models.paths import answered, concluded
from tests.models.test_registry import Counter

ONE, OTHER = Sealer([("k1", bytes(range(32)))]), Sealer([("k2", bytes(range(32, 64)))])
SUBJECT = "要求解决暖气不热"


def letter(subject: str = SUBJECT, text: str = "暖气不热。", person: dict[str, Any] | None = PERSON) -> Arrival:
    return Arrival("window", "r", "990100", "letter", "claim", beijing("2026-03-02 09:00"), subject, text, person, {}, CLERK)


def known(one: Arrival, other: Arrival) -> bool:
    keys = {key for way in matter_marks(one, ONE) for key in way}
    return any(key in keys for way in matter_marks(other, ONE) for key in way)


@pytest.mark.parametrize(("change", "same"), [
    ({}, True), ({"subject": " 要求解决 暖气不热！"}, True), ({"text": "又写了一遍，话不同。"}, True), ({"subject": "要求解决路灯不亮"}, False),
    ({"person": {**PERSON, "address": "搬了家"}}, True), ({"person": {**PERSON, "phone": "19900000999"}}, True), ({"person": {**PERSON, "id_no": None}}, True),
    ({"person": {"name": PERSON["name"], "phone": "+86 199-0000-0731"}}, True), ({"person": {"name": PERSON["name"], "phone": "１９９０００００７３１"}}, True),
    ({"person": {**PERSON, "name": "另一人"}}, False), ({"person": {"name": PERSON["name"]}}, False), ({"person": None}, False),
])
def test_who_and_what_make_a_matter(change: dict[str, Any], same: bool) -> None:
    assert known(letter(), letter(**change)) == same
    assert known(letter(**change), letter()) == same


def test_a_namesake_without_a_number_is_nobody_we_know() -> None:
    assert matter_marks(letter(person={"name": "张三"}), ONE) == []
    assert matter_marks(letter(person=None), ONE) == []
    assert matter_marks(letter(subject="！？"), ONE) == []


@given(st.text(max_size=40), st.text(max_size=40))
def test_digests_need_the_key_and_tell_texts_apart(one: str, other: str) -> None:
    assert ONE.marks("a", one) == ONE.marks("a", one)
    assert (ONE.marks("a", one) == ONE.marks("a", other)) == (one == other)
    assert ONE.marks("a", one) != ONE.marks("b", one)
    assert ONE.marks("a", one) != OTHER.marks("a", one)
    both = Sealer([("k2", bytes(range(32, 64))), ("k1", bytes(range(32)))])
    assert both.marks("a", one) == [*OTHER.marks("a", one), *ONE.marks("a", one)], "what the older key marked is still known"


def test_the_order_of_the_fields_of_a_person_says_nothing() -> None:
    turned = dict(reversed(list(PERSON.items())))
    assert content_mark(letter(), ONE) == content_mark(letter(person={**turned, "email": None}), ONE)
    assert content_mark(letter(), ONE) != content_mark(letter(person={**PERSON, "representatives": [{"name": "甲"}]}), ONE)


# -- in the ledger ----------------------------------------------------------------------------------------------------------


def ask(ledger: Ledger, **more: Any) -> str:
    return ledger.register(subject=SUBJECT, **more)


def test_a_repeat_is_linked_to_the_first_and_not_sent_while_that_is_pending(ledger: Ledger) -> None:
    first = ask(ledger)
    second, third = ask(ledger), ask(ledger, text="第三次来信。")
    for number in (second, third):
        petition = ledger.petition(number)
        assert (petition["first_petition_no"], petition["flags"]) == (first, ["repeat"])
        assert petition["facts"]["pending_elsewhere"] == first
        assert petition["facts"]["first_time"] is False
        assert decide(number, petition["facts"], ledger.house).act == "petition.to_clerk", "routing leaves it to a clerk"
        assert "十九条" not in ledger.no(ledger.one(ledger.route_move(number)), "guard").why
        assert first in ledger.no(ledger.one(ledger.route_move(number)), "guard").why
    assert ledger.petition(first)["flags"] == []
    ledger.done(ledger.one(ledger.route_move(first)))
    # Linked, it ends at the first, by whichever of the repeats the clerk names it.
    with ledger.transaction() as connection:
        today = ledger.now.date()
        ledger.done(desk_petition.link(connection, second, first, today, "与此前来信相同", ledger.house, ledger.sealer, ledger.now))
        ledger.done(desk_petition.link(connection, third, second, today, "与此前来信相同", ledger.house, ledger.sealer, ledger.now))
    assert {(ledger.petition(n)["state"], ledger.petition(n)["first_petition_no"]) for n in (second, third)} == {("LINKED", first)}
    assert ledger.flaws() == []


def test_two_of_one_batch_know_each_other(ledger: Ledger) -> None:
    one, two = (ledger.done(a).petition_no for a in ledger.take(ledger.arrival(subject=SUBJECT), ledger.arrival(subject=SUBJECT)))
    assert ledger.petition(one)["first_petition_no"] is None
    assert ledger.petition(two)["first_petition_no"] == one


def test_after_an_answer_a_repeat_may_go_and_after_a_re_review_it_is_no_longer_taken(ledger: Ledger) -> None:
    first = ask(ledger)
    answered(ledger, first)
    second = ask(ledger)
    petition = ledger.petition(second)
    assert petition["first_petition_no"] == first
    assert "pending_elsewhere" not in petition["facts"]
    assert "reviewed" not in petition["facts"]
    ledger.done(ledger.one(ledger.route_move(second)))
    other = ledger.register(subject="另一件已经复核的事")
    concluded(ledger, other)
    again = ledger.register(subject="另一件已经复核的事")
    assert ledger.petition(again)["facts"]["reviewed"] is True
    assert decide(again, ledger.petition(again)["facts"], ledger.house).act == "petition.to_clerk"


def test_what_was_taken_for_a_repeat_and_is_none_is_freed_by_a_clerk_with_reasons(ledger: Ledger) -> None:
    ask(ledger)
    second = ask(ledger)
    rest = (ledger.house, ledger.sealer, ledger.now)
    with ledger.transaction() as connection:
        ledger.no(desk_petition.send(connection, second, COURT, "转送", *rest, facts={"pending_elsewhere": "-"}), "guard")
        ledger.no(desk_petition.classify(connection, second, {"pending_elsewhere": "-"}, "", *rest), "guard")
        ledger.done(desk_petition.classify(connection, second, {"pending_elsewhere": "-"}, "两户各自的暖气，并非一事", *rest))
        ledger.done(desk_petition.send(connection, second, COURT, "转送", *rest))
    assert "pending_elsewhere" not in ledger.petition(second)["facts"]
    row = ledger.rows("select detail from journal where petition_no = %s and act = 'petition.classify'", second)[0]
    assert row["detail"]["facts_set"] == "pending_elsewhere=None"


def test_a_linked_repeat_with_new_facts_is_a_matter_of_its_own(ledger: Ledger) -> None:
    first = ask(ledger)
    second = ask(ledger)
    with ledger.transaction() as connection:
        ledger.done(desk_petition.link(connection, second, first, ledger.now.date(), "重复", ledger.house, ledger.sealer, ledger.now))
        ledger.done(desk_petition.reopen(connection, second, "又坏了锅炉", ledger.house, ledger.sealer, ledger.now))
    ledger.done(ledger.one(ledger.route_move(second)))


def test_a_part_of_a_letter_is_no_repeat_of_the_letter(ledger: Ledger) -> None:
    parent = ask(ledger)
    parts = [desk_petition.Part(SUBJECT, "暖气"), desk_petition.Part("另一事", "另一事")]
    with ledger.transaction() as connection:
        ledger.done(desk_petition.split(connection, parent, parts, "分开", ledger.house, ledger.sealer, ledger.now))
    children = ledger.rows("select * from petition where parent_petition_no = %s", parent)
    assert [c["flags"] for c in children] == [[], []]
    later = ask(ledger)
    [same] = [c["petition_no"] for c in children if c["petition_no"] == ledger.petition(later)["first_petition_no"]]
    assert ledger.petition(later)["facts"]["pending_elsewhere"] == same


def test_looking_for_repeats_costs_one_question_however_many_come(ledger: Ledger) -> None:
    from models.door import advance

    def statements(count: int) -> int:
        arrivals = [ledger.arrival() for _ in range(count)]
        with ledger.transaction() as connection:
            sent = Counter(connection)
            advance(sent, arrivals, ledger.house, ledger.sealer, ledger.now)  # type: ignore[arg-type]
        return sent.count

    assert statements(200) == statements(3)


def test_what_is_kept_to_know_a_matter_by_tells_nobody_anything(ledger: Ledger) -> None:
    number = ask(ledger)
    rows = ledger.rows("select key from matter where petition_no = %s", number)
    assert {len(r["key"]) for r in rows} == {32}
    assert len(rows) == 2, "by identity number, and by telephone"
    ledger.done(ledger.one(Move("petition.to_clerk", CLERK, petition_no=number)))
    assert not any(word in ledger.everything() for word in PERSON.values())
