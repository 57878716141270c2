"""Messages on their way: leased once, in line, settled whatever became of the lease."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from connectors.wire import events
from models import breaker, outbox, suspending
from models.moves import SYSTEM, Move
from models.outbox import Leased
from models.settling import Result
from rules.breaker import Seen
from tests.models.ledger import COURT, PERSON, TEXT, Ledger


def states(ledger: Ledger) -> dict[str, str]:
    return {r["message_id"]: r["state"] for r in ledger.rows("select message_id, state from outbox")}


@pytest.mark.guarantee("M1")
def test_a_request_carries_the_case_and_its_bytes_never_change(ledger: Ledger) -> None:
    handoff = ledger.send()
    first, = ledger.claim(seconds=30)
    said = events.decode(first.raw)
    assert (said.data["text"], said.data["petitioner"], said.data["handoff_id"]) == (TEXT, PERSON, handoff)
    assert ledger.handoff(handoff)["request_digest"] == first.digest
    ledger.wait(seconds=31)
    with ledger.transaction() as connection:
        assert outbox.reap(connection, ledger.now) == 1
    again, = ledger.claim(owner="w2")
    assert (again.raw, again.message_id, again.digest) == (first.raw, first.message_id, first.digest)
    assert (first.attempts, first.doubtful, again.attempts, again.doubtful) == (1, False, 2, True)


@pytest.mark.guarantee("M2", "M9")
def test_two_claimers_never_share_a_message(ledger: Ledger) -> None:
    ledger.take(*[ledger.route_move(n) for n in [ledger.register() for _ in range(60)]])
    got: list[list[Leased]] = [[] for _ in range(4)]
    start = threading.Barrier(4)

    def work(me: int) -> None:
        start.wait()
        while mine := ledger.claim(limit=7, owner=f"w{me}"):
            got[me] += mine

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [m.message_id for mine in got for m in mine]
    assert len(ids) == len(set(ids)) == 60


def test_the_head_of_the_line_holds_up_its_own_handoff_alone(ledger: Ledger) -> None:
    one, other = ledger.deliver(), ledger.deliver()
    ledger.send_all()
    for handoff in (one, other):
        for _ in range(3):
            ledger.done(ledger.clerk("handoff.urge", handoff))
    first = ledger.claim()
    assert sorted((m.handoff_id, m.sequence) for m in first) == sorted([(one, 2), (other, 2)])
    assert ledger.claim(owner="w2") == []
    stuck, moving = sorted(first, key=lambda m: m.handoff_id != one)
    ledger.settle(Result(stuck, "retry", "503", next_at=ledger.now + timedelta(hours=1)), ledger.receipted(moving))
    assert [(m.handoff_id, m.sequence) for m in ledger.claim()] == [(other, 3)]
    with ledger.transaction() as connection:
        assert outbox.bodies_due(connection, ledger.now) == []
    ledger.wait(hours=1)
    assert [(m.handoff_id, m.sequence) for m in ledger.claim()] == [(one, 2)]


def test_what_waits_behind_another_wakes_nobody(ledger: Ledger) -> None:
    handoff = ledger.send()
    ledger.done(ledger.receipt(handoff))
    ledger.done(ledger.clerk("handoff.urge", handoff))
    head, = ledger.claim()
    later = ledger.now + timedelta(hours=2)
    ledger.settle(Result(head, "retry", "503", next_at=later))
    with ledger.transaction() as connection:
        assert outbox.next_attempt(connection) == later, "else a worker would turn round and round until then"
        suspending.suspend(connection, COURT, "1024", "对方系统升级", later + timedelta(hours=1), ledger.house, ledger.now)
        assert outbox.next_attempt(connection) == later + timedelta(hours=1)
        suspending.suspend(connection, COURT, "1024", "对方系统升级", None, ledger.house, ledger.now)
        assert outbox.next_attempt(connection) is None, "it waits for a person"
        suspending.resume(connection, COURT, "1024", "升级完毕", ledger.house, ledger.now)
        assert outbox.next_attempt(connection) == later
        breaker.learn(connection, COURT, [(0, Seen("endpoint", head.message_id, "w1", "http-401", timedelta(hours=5)))], ledger.now)
        assert outbox.next_attempt(connection) == ledger.now + timedelta(hours=5)


@pytest.mark.guarantee("F3", "M3")
def test_a_lease_that_ends_leaves_doubt_and_no_second_message(ledger: Ledger) -> None:
    ledger.send()
    leased, = ledger.claim(seconds=60)
    with ledger.transaction() as connection:
        assert outbox.next_attempt(connection) == ledger.now + timedelta(seconds=60)
        assert outbox.reap(connection, ledger.now + timedelta(seconds=59)) == 0
        assert outbox.reap(connection, ledger.now + timedelta(seconds=60)) == 1
    assert states(ledger) == {leased.message_id: "UNKNOWN"}
    ledger.wait(seconds=60)
    again, = ledger.claim(owner="w2")
    # The first sender comes back: its failure no longer counts, its receipt does.
    ledger.settle(Result(leased, "dead", "400"), owner="w1")
    assert states(ledger) == {leased.message_id: "SENDING"}
    assert ledger.duties("undelivered") == []
    assert ledger.settle(ledger.receipted(leased), owner="w1") == 1
    assert states(ledger) == {leased.message_id: "RECEIPTED"}
    assert ledger.settle(ledger.receipted(again), owner="w2") == 0, "receipted once"
    assert len(ledger.rows("select 1 from receipt")) == 1
    assert len(ledger.rows("select 1 from journal where act = 'receipt'")) == 1
    tries = ledger.rows("select attempt_no, outcome, doubt from attempt order by attempt_no")
    assert [(t["attempt_no"], t["outcome"], t["doubt"]) for t in tries] == [(1, "receipted", False), (2, "receipted", False)], "a try has one row, told by its sender"


def test_tries_are_written_down_with_their_dates(ledger: Ledger) -> None:
    handoff = ledger.send()
    for number, hours in enumerate((1, 2, 5), 1):
        leased, = ledger.claim()
        assert leased.attempts == number
        ledger.settle(Result(leased, "unknown" if number == 2 else "retry", "503", "no answer", ledger.now + timedelta(hours=hours)))
        row = ledger.row("select * from attempt order by id desc limit 1")
        assert (row["attempt_no"], row["at"], row["next_at"]) == (number, ledger.now, ledger.now + timedelta(hours=hours))
        assert ledger.claim() == []
        ledger.wait(hours=hours)
    assert ledger.claim()[0].doubtful is False
    assert ledger.handoff(handoff)["state"] == "ISSUED"


@pytest.mark.guarantee("F13", "M12")
def test_a_message_given_up_is_a_persons_duty_and_the_line_goes_on(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    ledger.send_all()
    ledger.done(ledger.clerk("handoff.urge", handoff))
    ledger.done(ledger.clerk("handoff.supplement", handoff))
    head, = ledger.claim()
    ledger.settle(Result(head, "dead", "422", "schema"))
    duty, = ledger.duties("undelivered")
    assert (duty["ref"], duty["handoff_id"], duty["detail"]["code"], duty["detail"]["attempts"]) == (head.message_id, handoff, "422", 1)
    assert [m.sequence for m in ledger.claim()] == [3]
    assert ledger.flaws() == []


def test_a_message_not_tried_is_given_back_as_it_was(ledger: Ledger) -> None:
    for _ in range(3):
        ledger.send()
    mine = ledger.claim()
    ledger.settle(Result(mine[1], "retry", "503", next_at=ledger.now), Result(mine[2], "unknown", "timeout", next_at=ledger.now))
    rest = {m.message_id: m for m in ledger.claim()}
    soon = ledger.now + timedelta(seconds=5)
    with ledger.transaction() as connection:
        outbox.release(connection, [mine[0]], "w1", soon)
        outbox.release(connection, [rest[mine[1].message_id], rest[mine[2].message_id]], "w1", soon)
        outbox.release(connection, mine, "w1", soon)
    rows = {r["message_id"]: (r["state"], r["attempts"]) for r in ledger.rows("select * from outbox")}
    assert [rows[m.message_id] for m in mine] == [("QUEUED", 0), ("RETRY_WAIT", 1), ("UNKNOWN", 1)]
    ledger.wait(seconds=5)
    assert len(ledger.claim()) == 3


@pytest.mark.guarantee("F8")
def test_a_weak_receipt_moves_the_case_and_says_so_until_a_strong_one_comes(ledger: Ledger) -> None:
    handoff = ledger.send()
    leased, = ledger.claim()
    assert ledger.settle(Result(leased, "weak", "200")) == 1
    assert (ledger.handoff(handoff)["state"], ledger.handoff(handoff)["flags"]) == ("DELIVERED", ["weak-receipt"])
    assert states(ledger)[leased.message_id] == "WEAK_RECEIPT"
    assert ledger.settle(ledger.receipted(leased)) == 1
    assert states(ledger)[leased.message_id] == "RECEIPTED"
    assert ledger.flaws() == []


def test_a_receipt_for_a_case_that_has_ended_only_counts(ledger: Ledger) -> None:
    handoff = ledger.send()
    ledger.done(ledger.clerk("handoff.withdraw", handoff))
    ledger.done(ledger.partner("withdraw.agreed", handoff))
    number = ledger.handoff(handoff)["petition_no"]
    was = ledger.petition(number)
    ledger.send_all()
    row = ledger.handoff(handoff)
    assert (row["state"], row["holder"], row["acked_out"]) == ("WITHDRAWN", None, 2)
    assert ledger.petition(number)["next_due"] == was["next_due"]
    assert ledger.flaws() == []


def test_settling_and_advancing_the_same_cases_at_once_end_well(ledger: Ledger) -> None:
    handoffs = [ledger.send() for _ in range(20)]
    leased = ledger.claim()
    failed: list[BaseException] = []

    def settle(part: list[Leased]) -> None:
        try:
            ledger.settle(*map(ledger.receipted, part))
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    def flag() -> None:
        try:
            ledger.take(*[Move("flag", SYSTEM, handoff_id=h, data={"code": "x"}) for h in reversed(handoffs)])
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=settle, args=(leased,)), threading.Thread(target=settle, args=(leased[::-1],)), threading.Thread(target=flag)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert {ledger.handoff(h)["state"] for h in handoffs} == {"DELIVERED"}
    assert len(ledger.rows("select 1 from journal where act = 'receipt'")) == 20
    assert ledger.flaws() == []
