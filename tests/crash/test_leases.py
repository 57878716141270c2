"""Leases that outlive what was done under them: a late result is believed for what it proves, and for nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from models import outbox
from models.settling import Result
from tests.models.ledger import COURT, Ledger


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    made = Ledger(database)
    with made.db:
        yield made


def state(ledger: Ledger) -> tuple[str, int, str | None]:
    row = ledger.row("select state, attempts, lease_owner from outbox")
    return row["state"], row["attempts"], row["lease_owner"]


def lapse(ledger: Ledger) -> None:
    ledger.wait(seconds=61)
    with ledger.transaction() as connection:
        assert outbox.reap(connection, ledger.now) == 1


@pytest.mark.guarantee("M2", "M3", "M4")
@pytest.mark.parametrize("second", ["w1", "w2"], ids=["the same sender", "another sender"])
@pytest.mark.parametrize("verdict", ["retry", "dead", "unknown", "weak"])
def test_what_comes_after_its_lease_says_nothing_about_the_next_try(ledger: Ledger, second: str, verdict: str) -> None:
    """Its sender may have leased the same message again: then the name alone would let the first try speak for the second."""
    ledger.send()
    [first] = ledger.claim(owner="w1")
    lapse(ledger)
    [again] = ledger.claim(owner=second)
    assert again.doubtful
    later = ledger.now + timedelta(hours=1)
    ledger.settle(Result(first, verdict, "late", next_at=None if verdict in ("dead", "weak") else later, sure=verdict == "dead"), owner="w1")  # type: ignore[arg-type]
    assert state(ledger) == ("SENDING", 2, second)
    assert ledger.duties("undelivered") == []
    ledger.settle(Result(again, "unknown", "timeout", next_at=later), owner=second)
    assert state(ledger) == ("UNKNOWN", 2, None)
    assert ledger.flaws() == []


@pytest.mark.guarantee("M4", "F4")
def test_a_late_receipt_counts_once_and_ends_the_next_try(ledger: Ledger) -> None:
    handoff = ledger.send()
    [first] = ledger.claim(owner="w1")
    lapse(ledger)
    [again] = ledger.claim(owner="w2")
    assert ledger.settle(ledger.receipted(first), owner="w1") == 1
    assert ledger.settle(ledger.receipted(again), owner="w2") == 0
    ledger.settle(Result(again, "retry", "503", next_at=ledger.now), owner="w2")
    assert state(ledger)[0] == "RECEIPTED"
    assert ledger.handoff(handoff)["state"] == "DELIVERED"
    assert ledger.row("select count(*) as n from receipt")["n"] == 1
    assert ledger.row("select count(*) as n from journal where to_state = 'DELIVERED'")["n"] == 1
    assert ledger.flaws() == []


@pytest.mark.guarantee("M2")
def test_what_was_never_tried_cannot_be_given_back_from_under_the_next_try(ledger: Ledger) -> None:
    ledger.send()
    [first] = ledger.claim(owner="w1")
    lapse(ledger)
    ledger.claim(owner="w1")
    with ledger.transaction() as connection:
        outbox.release(connection, [first], "w1", ledger.now)
    assert state(ledger) == ("SENDING", 2, "w1")


@pytest.mark.guarantee("G1", "F9")
def test_a_case_taken_back_while_its_message_is_under_way_is_not_taken_for_sent(ledger: Ledger) -> None:
    """The clerk may take back what the body refused for good; not while a second try of the same message is on the wire."""
    handoff = ledger.send()
    [leased] = ledger.claim()
    ledger.no(ledger.clerk("handoff.take_back", handoff), "guard")
    ledger.settle(Result(leased, "dead", "422", sure=True))
    assert [d["kind"] for d in ledger.duties("undelivered")] == ["undelivered"]
    ledger.done(ledger.clerk("handoff.take_back", handoff))
    assert ledger.claim(COURT) == []
    # The receipt of a try that another worker had begun before arrives all the same: kept, and nothing moves by it.
    ledger.settle(ledger.receipted(leased))
    assert ledger.flaws() == []


@pytest.mark.guarantee("M2")
def test_what_was_stopped_or_taken_since_it_was_leased_is_not_sent(ledger: Ledger) -> None:
    for _ in range(3):
        ledger.send()
    first, second, third = ledger.claim(owner="w1")
    with ledger.transaction() as connection:
        assert outbox.taken_away(connection, [first, second, third], "w1") == set()
        assert outbox.taken_away(connection, [first], "w2") == {first.message_id}
        connection.execute("update outbox set state = 'DEAD', dead_at = %s, lease_owner = null, lease_until = null where message_id = %s", (ledger.now, first.message_id))
    ledger.settle(ledger.receipted(second), owner="w2")
    with ledger.transaction() as connection:
        assert outbox.taken_away(connection, [first, second, third], "w1") == {first.message_id, second.message_id}
    lapse(ledger)
    [again] = ledger.claim(owner="w1")
    with ledger.transaction() as connection:
        assert outbox.taken_away(connection, [third], "w1") == {third.message_id}
        assert outbox.taken_away(connection, [again], "w1") == set()
