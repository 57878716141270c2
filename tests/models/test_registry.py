"""登记: each petition once, its numbers contiguous, also when many register at once; many movers at once."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import pytest

from models.door import advance
from models.moves import SYSTEM, Done, Move
from tests.models.ledger import CLERK, PERSON, SUBJECT, TEXT, Ledger


def at_once(*works: Callable[[], object]) -> None:
    """Run these together; an exception in any of them is the test's."""
    failed: list[BaseException] = []
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        start.wait()
        try:
            work()
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_the_same_petition_handed_in_twice_is_one(ledger: Ledger) -> None:
    first, again = ledger.take(ledger.arrival("a"), ledger.arrival("a"))
    later = ledger.one(ledger.arrival("a"))
    assert isinstance(first, Done)
    assert isinstance(again, Done)
    assert isinstance(later, Done)
    assert first.petition_no == again.petition_no == later.petition_no
    assert (first.new, again.new, later.new) == (True, False, False)
    assert len(ledger.rows("select 1 from journal")) == 1


def test_another_letter_under_the_same_reference_is_refused_and_not_dropped(ledger: Ledger) -> None:
    number = ledger.register("a")
    before = ledger.everything()
    for other in (ledger.arrival("a", text="另一份文字"), ledger.arrival("a", subject="另一个标题"), ledger.arrival("a", person={**PERSON, "name": "另一人"})):
        assert ledger.no(ledger.one(other), "key-reused").petition_no == number
    same, changed = ledger.take(ledger.arrival("b"), ledger.arrival("b", text="同批的另一件"))
    ledger.done(same)
    ledger.no(changed, "key-reused")
    assert ledger.everything([number]) == "\n".join(before.splitlines())
    asked = ledger.rows("select * from refusal order by id")
    assert [(r["act"], r["code"]) for r in asked] == [("petition.register", "key-reused")] * 4
    # A letter of which no digest was kept (registered before digests were) is the same one, as it was then.
    with ledger.transaction() as connection:
        connection.execute("update petition set content_key = null")
    ledger.done(ledger.one(ledger.arrival("a", text="另一份文字")))


def test_a_petition_handed_in_again_tells_its_state_of_today(ledger: Ledger) -> None:
    number = ledger.register("a")
    ledger.done(ledger.one(Move("petition.to_clerk", CLERK, petition_no=number)))
    assert ledger.done(ledger.one(ledger.arrival("a"))).state == "WITH_CLERK"


def test_one_reference_of_two_origins_are_two_petitions(ledger: Ledger) -> None:
    one = ledger.arrival("a")
    other = type(one)(**{**{f: getattr(one, f) for f in one.__slots__}, "origin": "hotline"})
    assert len({ledger.done(a).petition_no for a in ledger.take(one, other)}) == 2


def test_handed_in_by_many_at_once_it_is_one_and_the_numbers_have_no_holes(ledger: Ledger) -> None:
    numbers: list[str] = []

    def hand_in() -> None:
        arrivals = [ledger.arrival(f"shared-{n}") for n in range(10)] + [ledger.arrival() for _ in range(5)]
        random.Random(1).shuffle(arrivals)  # noqa: S311
        numbers.extend(ledger.done(a).petition_no for a in ledger.take(*arrivals))

    at_once(*[hand_in] * 4)
    assert len(numbers) == 60
    assert sorted(set(numbers)) == [f"XF99010020260302{n:06d}" for n in range(1, len(set(numbers)) + 1)]
    assert len(ledger.rows("select 1 from petition where origin_ref like 'shared-%%'")) == 10
    assert ledger.flaws() == []


def test_numbers_begin_anew_at_midnight_in_china(ledger: Ledger) -> None:
    ledger.at("2026-03-02 23:59")
    assert ledger.register().endswith("20260302000001")
    ledger.at("2026-03-03 00:00")
    assert ledger.register().endswith("20260303000001")
    assert ledger.flaws() == []


def test_a_registration_that_fails_uses_up_no_number(ledger: Ledger) -> None:
    with pytest.raises(UnicodeEncodeError):
        ledger.take(ledger.arrival(), ledger.arrival(text="\ud800"))
    assert ledger.register().endswith("000001")
    assert ledger.flaws() == []


def test_what_a_petitioner_says_is_sealed_and_an_anonymous_one_has_no_person(ledger: Ledger) -> None:
    number = ledger.register()
    row = ledger.petition(number)
    assert ledger.sealer.open_text(row["subject_sealed"], f"petition.subject:{number}") == SUBJECT
    assert ledger.sealer.open_text(row["text_sealed"], f"petition.text:{number}") == TEXT
    person = ledger.row("select sealed from petitioner where petition_no = %s", number)["sealed"]
    assert ledger.sealer.open_json(person, f"petitioner:{number}") == PERSON
    one = ledger.arrival()
    anonymous = type(one)(**{**{f: getattr(one, f) for f in one.__slots__}, "petitioner": None})
    nobody = ledger.done(ledger.one(anonymous)).petition_no
    assert ledger.rows("select 1 from petitioner where petition_no = %s", nobody) == []
    assert ledger.send(petition_no=nobody)


def test_movers_of_overlapping_petitions_do_not_lock_each_other_out(ledger: Ledger) -> None:
    numbers = [ledger.register() for _ in range(30)]

    def mover(seed: int) -> Callable[[], None]:
        def work() -> None:
            chance = random.Random(seed)  # noqa: S311
            for _ in range(6):
                mine = chance.sample(numbers, 20)
                ledger.take(*[Move("petition.note", CLERK, petition_no=n) for n in mine], ledger.arrival())
                ledger.take(*[Move("flag", SYSTEM, petition_no=n, data={"code": f"f{seed}"}) for n in reversed(mine)])
        return work

    at_once(*[mover(seed) for seed in range(4)])
    assert ledger.row("select count(*) as n from journal where act = 'petition.note'")["n"] == 4 * 6 * 20
    assert ledger.flaws() == []


def test_one_petition_is_routed_once_by_two_clerks_at_once(ledger: Ledger) -> None:
    number = ledger.register()
    answers: list[object] = []
    at_once(*[lambda: answers.append(ledger.one(ledger.route_move(number)))] * 3)
    assert sorted(type(a).__name__ for a in answers) == ["Done", "Refused", "Refused"]
    assert len(ledger.rows("select 1 from handoff")) == 1
    assert len(ledger.rows("select 1 from outbox")) == 1


def test_a_thousand_at_once_cost_a_bounded_number_of_statements(ledger: Ledger) -> None:
    """The door works on sets: what it sends to the database does not grow with the petitions it moves."""
    def statements(count: int) -> int:
        numbers = [ledger.done(a).petition_no for a in ledger.take(*[ledger.arrival() for _ in range(count)])]
        moves = [ledger.route_move(n) for n in numbers]
        with ledger.transaction() as connection:
            sent = Counter(connection)
            advance(sent, moves, ledger.house, ledger.sealer, ledger.now)  # type: ignore[arg-type]
        return sent.count

    assert statements(400) == statements(4)


class Counter:
    """A connection that counts what goes through it and passes it on."""

    def __init__(self, connection: object) -> None:
        self._connection = connection
        self.count = 0

    def __getattr__(self, name: str) -> object:
        if name in ("execute", "cursor"):
            self.count += 1
        return getattr(self._connection, name)
