"""Breaker, suspension and rate as all workers share them: in PostgreSQL, between two connections."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from config.body import Rate
from models import breaker, outbox, suspending
from models.outbox import Leased
from models.settling import Result
from rules.breaker import Kind, Seen
from tests.models.ledger import COURT, Ledger

MINUTE = timedelta(minutes=1)


def learn(ledger: Ledger, *seen: tuple[Leased, Kind], owner: str = "w1", asked: timedelta | None = None, body: str = COURT) -> breaker.Gate:
    with ledger.transaction() as connection:
        return breaker.learn(connection, body, [(m.way, Seen(kind, m.message_id, owner, "http-503", asked)) for m, kind in seen], ledger.now)


def fail(ledger: Ledger, message: Leased, *, owner: str = "w1", kind: Kind = "failure") -> breaker.Gate:
    """One try came to nothing, as a dispatch records it; the message may be tried again at once."""
    ledger.settle(Result(message, "retry", "http-503", next_at=ledger.now), owner=owner)
    return learn(ledger, (message, kind), owner=owner)


def due(ledger: Ledger) -> list[str]:
    with ledger.transaction() as connection:
        return [w.body for w in outbox.bodies_due(connection, ledger.now)]


def next_date(ledger: Ledger) -> datetime | None:
    with ledger.transaction() as connection:
        return outbox.next_attempt(connection)


def claim(ledger: Ledger, limit: int = 100, owner: str = "w1", rate: Rate | None = None) -> list[Leased]:
    with ledger.transaction() as connection:
        return outbox.claim(connection, COURT, limit, owner, ledger.now, timedelta(seconds=60), ledger.sealer, rate)


def release(ledger: Ledger, messages: Sequence[Leased], owner: str = "w1", rate: Rate | None = None) -> None:
    with ledger.transaction() as connection:
        outbox.release(connection, messages, owner, ledger.now, rate)


def opened(ledger: Ledger, messages: int = 5) -> None:
    """A court with so many messages, whose endpoint has just been found at fault."""
    for _ in range(messages):
        ledger.send()
    first, = claim(ledger, 1)
    assert fail(ledger, first, kind="endpoint").open[0].state == "OPEN"


@pytest.mark.guarantee("M11", "S2", "F10")
def test_what_one_worker_finds_stops_them_all_and_only_for_that_body(ledger: Ledger) -> None:
    ledger.send("police-990100")
    opened(ledger)
    assert due(ledger) == ["police-990100"]
    assert claim(ledger, owner="w2") == []
    ledger.send_all("police-990100")
    assert next_date(ledger) == ledger.now + MINUTE
    ledger.wait(seconds=59)
    assert (due(ledger), claim(ledger, owner="w2")) == ([], [])
    ledger.wait(seconds=1)
    assert due(ledger) == [COURT]


@pytest.mark.guarantee("F11", "F12", "S2")
def test_three_failures_of_any_workers_open_it_together(ledger: Ledger) -> None:
    for _ in range(6):
        ledger.send()
    ours, theirs = claim(ledger, 3, "w1"), claim(ledger, 3, "w2")
    assert fail(ledger, ours[0]).free
    assert fail(ledger, theirs[0], owner="w2").free
    gate = fail(ledger, ours[1])
    assert not gate.free
    assert (gate.open[0].failures, gate.open[0].probe_at) == (3, ledger.now + MINUTE)
    # What was on its way by then: a late failure changes no date, a late receipt shows that the body is well.
    assert fail(ledger, theirs[1], owner="w2").open[0].probe_at == ledger.now + MINUTE
    assert learn(ledger, (ours[2], "receipt")).free
    assert due(ledger) == [COURT]


@pytest.mark.guarantee("M11", "S2")
def test_of_many_connections_at_once_one_gets_the_probe(ledger: Ledger) -> None:
    opened(ledger, 40)
    for round_ in range(4):
        with ledger.transaction() as connection:
            date = outbox.next_attempt(connection)
        assert date is not None
        ledger.time.set(date)
        got: list[list[Leased]] = [[] for _ in range(5)]
        start = threading.Barrier(5)

        def work(me: int, got: list[list[Leased]] = got, start: threading.Barrier = start) -> None:
            start.wait()
            got[me] = claim(ledger, owner=f"w{me}")

        threads = [threading.Thread(target=work, args=(n,)) for n in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = [(n, mine) for n, mine in enumerate(got) if mine]
        assert [len(mine) for _, mine in winners] == [1], got
        assert due(ledger) == []
        assert claim(ledger, owner="w9") == []
        me, [probe] = winners[0]
        gate = fail(ledger, probe, owner=f"w{me}")
        assert gate.open[0].probe_at == ledger.now + MINUTE * 2 ** (round_ + 1)
        assert ledger.row("select probe_owner, probe_message from body where code = %s", COURT) == {"probe_owner": "", "probe_message": ""}


@pytest.mark.guarantee("M11", "S2")
def test_a_receipt_for_the_probe_lets_everything_go(ledger: Ledger) -> None:
    opened(ledger)
    ledger.wait(minutes=1)
    probe, = claim(ledger)
    assert next_date(ledger) == ledger.now + timedelta(seconds=60), "the probe's lease"
    ledger.settle(ledger.receipted(probe))
    assert learn(ledger, (probe, "receipt")).free
    assert len(claim(ledger)) == 4
    assert ledger.row("select breaker, failures, openings, cause, probe_at, last_ok_at from body where code = %s", COURT) == {
        "breaker": "CLOSED", "failures": 0, "openings": 0, "cause": "", "probe_at": None, "last_ok_at": ledger.now}


@pytest.mark.guarantee("M11", "S2")
@pytest.mark.parametrize("ended", ["gave-back", "died", "lease"])
def test_a_probe_that_came_to_nothing_is_replaced(ledger: Ledger, ended: str) -> None:
    opened(ledger)
    ledger.wait(minutes=1)
    probe, = claim(ledger, owner="w1")
    with ledger.transaction() as connection:
        assert breaker.probers(connection) == ["w1"]
    if ended == "gave-back":
        release(ledger, [probe])
    elif ended == "died":
        with ledger.transaction() as connection:
            assert breaker.free(connection, ["w0"], ledger.now) == 0
            assert breaker.free(connection, ["w0", "w1"], ledger.now) == 1
    else:
        ledger.wait(seconds=60)
    assert due(ledger) == [COURT]
    other, = claim(ledger, owner="w2")
    assert claim(ledger, owner="w3") == []
    if ended != "gave-back":
        # The first comes back after all: its failure is not the probe's.
        assert learn(ledger, (probe, "failure"), owner="w1").open[0].state == "HALF_OPEN"
    assert learn(ledger, (other, "failure"), owner="w2").open[0].openings == 2


@pytest.mark.guarantee("F30")
def test_time_stepped_back_shuts_a_body_for_no_longer_than_before(ledger: Ledger) -> None:
    opened(ledger)
    ledger.time.set(ledger.now - timedelta(days=300))
    with ledger.transaction() as connection:
        connection.execute("update outbox set next_attempt_at = %s", (ledger.now,))
    assert due(ledger) == [COURT], "the old date is not believed, so that somebody looks"
    assert claim(ledger) == [], "and begins the wait anew"
    assert due(ledger) == []
    assert next_date(ledger) == ledger.now + MINUTE
    ledger.wait(minutes=1)
    assert len(claim(ledger)) == 1


@pytest.mark.guarantee("F29")
def test_a_suspension_is_a_thing_of_its_own_beside_the_breaker(ledger: Ledger) -> None:
    opened(ledger)
    until = ledger.now + timedelta(days=3)
    with ledger.transaction() as connection:
        suspending.suspend(connection, COURT, "1024", "对方系统升级", until, ledger.house, ledger.now)
    ledger.wait(hours=1)
    assert (due(ledger), claim(ledger)) == ([], []), "the date of the probe has come, the suspension stands"
    assert next_date(ledger) == until
    with ledger.transaction() as connection:
        standing, = breaker.standing(connection, ledger.now, [COURT, "police-990100"])
        assert breaker.shut(connection, ledger.now) == {COURT}
    assert (standing.suspended, standing.suspended_by, standing.suspended_reason, standing.breaker.state) == (True, "1024", "对方系统升级", "OPEN")
    with ledger.transaction() as connection:
        assert suspending.resume(connection, COURT, "1025", "升级完毕", ledger.house, ledger.now)
        assert not suspending.resume(connection, COURT, "1025", "升级完毕", ledger.house, ledger.now)
    probe, = claim(ledger)
    with ledger.transaction() as connection:
        suspending.suspend(connection, COURT, "1024", "又停", None, ledger.house, ledger.now)
    ledger.settle(ledger.receipted(probe))
    gate = learn(ledger, (probe, "receipt"))
    assert (gate.suspended, dict(gate.open)) == (True, {}), "a breaker that closes lifts no suspension"
    ledger.wait(days=400)
    assert (due(ledger), next_date(ledger)) == ([], None)
    with ledger.transaction() as connection:
        said = [(a.act, a.by, a.reason, a.until) for a in suspending.acts(connection, COURT)]
    assert said == [("suspend", "1024", "又停", None), ("resume", "1025", "升级完毕", None), ("suspend", "1024", "对方系统升级", until)]


@pytest.mark.guarantee("F29")
def test_a_suspension_ends_by_its_date_and_the_clocks_go_on_meanwhile(ledger: Ledger) -> None:
    handoff = ledger.send()
    was = ledger.handoff(handoff)["next_due"]
    with ledger.transaction() as connection:
        suspending.suspend(connection, COURT, "", "对方系统升级", ledger.now + timedelta(hours=1), ledger.house, ledger.now)
    assert ledger.handoff(handoff)["next_due"] == was
    ledger.wait(hours=1)
    assert due(ledger) == [COURT]
    assert len(claim(ledger)) == 1
    with ledger.transaction() as connection:
        assert breaker.standing(connection, ledger.now) == []


@pytest.mark.parametrize(("body", "reason", "days", "why"), [
    ("court-1", "升级", 1, "tonglu bodies"), (COURT, " ", 1, "--reason"), (COURT, "升级", -1, "将来")])
def test_a_suspension_that_says_too_little_is_refused(ledger: Ledger, body: str, reason: str, days: int, why: str) -> None:
    with ledger.transaction() as connection, pytest.raises(ValueError, match=why):
        suspending.suspend(connection, body, "", reason, ledger.now + timedelta(days=days), ledger.house, ledger.now)
    assert ledger.rows("select 1 from suspension") == []


@pytest.mark.guarantee("M11")
def test_the_tokens_of_a_body_are_shared_by_all_workers(ledger: Ledger) -> None:
    rate = Rate(per_minute=60, burst=4)
    for _ in range(20):
        ledger.send()
    first, second = claim(ledger, 3, "w1", rate), claim(ledger, 100, "w2", rate)
    assert (len(first), len(second)) == (3, 1)
    assert (due(ledger), claim(ledger, 100, "w3", rate)) == ([], [])
    assert next_date(ledger) == ledger.now + timedelta(seconds=1)
    with ledger.transaction() as connection:
        assert breaker.standing(connection, ledger.now)[0].token_at == ledger.now + timedelta(seconds=1)
    release(ledger, second, "w2", rate)
    assert len(claim(ledger, 100, "w3", rate)) == 1, "what was not tried is no token spent"
    ledger.wait(milliseconds=2500)
    assert due(ledger) == [COURT]
    assert len(claim(ledger, 100, "w1", rate)) == 2
    ledger.wait(days=1)
    assert len(claim(ledger, 100, "w1", rate)) == 4, "never more than the burst"
    ledger.time.set(ledger.now - timedelta(days=1))
    assert claim(ledger, 100, "w1", rate) == [], "time stepped back gives nothing"
    ledger.wait(seconds=1)
    assert len(claim(ledger, 100, "w1", rate)) == 1, "and takes nothing"


def test_many_workers_never_spend_a_token_twice(ledger: Ledger) -> None:
    rate = Rate(per_second=0.001, burst=17)
    ledger.take(*[ledger.route_move(n) for n in [ledger.register() for _ in range(40)]])
    got: list[int] = []
    start = threading.Barrier(4)

    def work(me: int) -> None:
        start.wait()
        while mine := claim(ledger, 3, f"w{me}", rate):
            got.append(len(mine))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(got) == 17


def test_each_way_of_a_body_has_a_breaker_of_its_own(ledger: Ledger) -> None:
    opened(ledger, 4)
    ids = sorted(r["message_id"] for r in ledger.rows("select message_id from outbox where state = 'QUEUED'"))
    with ledger.transaction() as connection:
        connection.execute("update outbox set way = 1 where message_id = any(%s)", (ids[:2],))
    assert due(ledger) == [COURT]
    by_other = claim(ledger)
    assert {m.message_id for m in by_other} == set(ids[:2])
    gate = learn(ledger, (by_other[0], "endpoint"))
    assert {way: b.state for way, b in gate.open.items()} == {0: "OPEN", 1: "OPEN"}
    ledger.settle(*(Result(m, "retry", "http-401", next_at=ledger.now) for m in by_other))
    ledger.wait(minutes=1)
    assert sorted(m.way for m in claim(ledger)) == [0, 1], "each is tried with one"


def test_a_body_that_is_well_is_written_down_no_oftener_than_every_minute(ledger: Ledger) -> None:
    for _ in range(3):
        ledger.send()
    messages = claim(ledger)
    learn(ledger, (messages[0], "receipt"))
    was = ledger.now
    ledger.wait(seconds=30)
    learn(ledger, (messages[1], "receipt"))
    assert ledger.row("select last_ok_at from body")["last_ok_at"] == was
    ledger.wait(minutes=1)
    learn(ledger, (messages[2], "receipt"))
    assert ledger.row("select last_ok_at from body")["last_ok_at"] == ledger.now
