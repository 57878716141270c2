"""Messages from bodies: in whatever order and however often they come, the end is that of the orderly one."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from models import inbox
from models.inbox import Incoming
from tests.models.ledger import COURT, Ledger

ROAD: tuple[tuple[str, dict[str, Any]], ...] = (
    ("handoff.signed", {}), ("handoff.accepted", {}), ("handoff.progress", {}), ("handoff.suspended", {"party": "petitioner"}),
    ("handoff.resumed", {}), ("handoff.signed", {}), ("handoff.extended", {"days": 5}), ("handoff.result", {}),
)
# The sixth is no edge from IN_PROGRESS: it is quarantined wherever it arrives, and the rest goes on.


def outcome(ledger: Ledger, handoff: str) -> tuple[Any, ...]:
    row = ledger.handoff(handoff)
    # That a message was set aside is noted after the batch it came with; only when, not whether, depends on the order.
    acts = ledger.rows("""select act, to_state from journal where handoff_id = %s and act not in ('duty.open', 'message.quarantined') order by seq""", handoff)
    duties = ledger.rows("select kind from duty where handoff_id = %s and closed_at is null order by kind", handoff)
    return (row["state"], row["seq_in"], row["round"], sorted(row["flags"]), row["partner_case_no"], row["outcome"], row["holder"],
            tuple((a["act"], a["to_state"]) for a in acts), tuple(d["kind"] for d in duties))


@pytest.fixture
def orderly(ledger: Ledger) -> tuple[Ledger, tuple[Any, ...]]:
    handoff = ledger.deliver()
    for sequence, (act, data) in enumerate(ROAD, 1):
        ledger.take_in(ledger.incoming(handoff, act, sequence, **data))
        ledger.apply()
    return ledger, outcome(ledger, handoff)


def test_the_orderly_road_ends_as_it_should(orderly: tuple[Ledger, tuple[Any, ...]]) -> None:
    _, end = orderly
    assert end[:2] == ("REPORTED", 8)
    assert end[8] == ("extension.tell", "quarantine", "result.review")


@pytest.mark.guarantee("F16", "M6")
@settings(max_examples=20, phases=[p for p in Phase if p is not Phase.shrink], suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_order_of_arrival_comes_to_the_same_end(orderly: tuple[Ledger, tuple[Any, ...]], data: st.DataObject) -> None:
    ledger, end = orderly
    handoff = ledger.deliver()
    messages = [ledger.incoming(handoff, act, n, **said) for n, (act, said) in enumerate(ROAD, 1)]
    doubled = data.draw(st.lists(st.sampled_from(range(len(ROAD))), max_size=4))
    extra = [messages[i] for i in doubled]
    # A sender that lost its own record makes a new id for the same event.
    renewed = [ledger.incoming(handoff, ROAD[i][0], i + 1, **ROAD[i][1]) for i in data.draw(st.lists(st.sampled_from(range(len(ROAD))), max_size=2, unique=True))]
    arriving = data.draw(st.permutations([*messages, *extra, *renewed]))
    for message in arriving:
        ledger.take_in(message)
        if data.draw(st.booleans()):
            ledger.apply()
    ledger.apply()
    assert outcome(ledger, handoff) == end
    left = ledger.rows("select state from inbox where handoff_id = %s and state in ('RECEIVED', 'HELD')", handoff)
    assert left == []


@pytest.mark.guarantee("F16", "M6", "S3")
def test_a_gap_is_held_told_of_and_filled(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    one, two, three = (ledger.incoming(handoff, act, n) for n, act in enumerate(("handoff.signed", "handoff.accepted", "handoff.result"), 1))
    ledger.take_in(three)
    ledger.take_in(one)
    tally = ledger.apply()
    assert (tally.applied, tally.held) == (1, 1)
    assert ledger.handoff(handoff)["state"] == "SIGNED"
    with ledger.transaction() as connection:
        assert inbox.gaps(connection, ledger.now, timedelta(minutes=10)) == []
        gap, = inbox.gaps(connection, ledger.now + timedelta(minutes=10), timedelta(minutes=10))
        assert (gap.body, gap.handoff_id, gap.after) == (COURT, handoff, 1)
        assert inbox.waiting(connection) == 0
    assert ledger.apply().total == 0, "what is held is not tried again until something comes"
    ledger.take_in(two)
    tally = ledger.apply()
    assert (tally.applied, tally.held) == (2, 0)
    assert ledger.handoff(handoff)["state"] == "REPORTED"


@pytest.mark.guarantee("F14", "M5")
def test_what_take_in_answers(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    message = ledger.incoming(handoff, "handoff.signed", 1, message_id="m-1")
    other = ledger.incoming(handoff, "handoff.signed", 1, message_id="m-1", office="另一处")
    other = Incoming(**{**{f: getattr(other, f) for f in Incoming.__slots__}, "fingerprint": b"different"})
    stranger = Incoming(**{**{f: getattr(message, f) for f in Incoming.__slots__}, "body": "police-990100", "message_id": "m-2"})
    assert ledger.take_in(message, message, other, stranger) == ["new", "same", "other", "stranger"]
    assert ledger.take_in(message, other) == ["same", "other"]
    with ledger.transaction() as connection:
        stored, = inbox.take_in(connection, [message], ledger.sealer, ledger.now)
        assert stored.receipt == message.receipt, "the same receipt, byte for byte"
    assert len(ledger.rows("select 1 from inbox")) == 1


def test_one_id_of_two_bodies_are_two_messages(ledger: Ledger) -> None:
    one, other = ledger.deliver(), ledger.deliver("police-990100")
    same = [ledger.incoming(one, "handoff.signed", 1, message_id="m-1"), ledger.incoming(other, "handoff.signed", 1, "police-990100", message_id="m-1")]
    assert ledger.take_in(*same) == ["new", "new"]
    assert ledger.apply().applied == 2


@pytest.mark.guarantee("G2")
@pytest.mark.parametrize("round_", [1, 2])
def test_a_sequence_used_for_something_else_is_a_persons_matter(ledger: Ledger, round_: int) -> None:
    handoff = ledger.deliver()
    ledger.take_in(ledger.incoming(handoff, "handoff.signed", 1))
    ledger.apply()
    other = ledger.incoming(handoff, "handoff.accepted", 1) if round_ == 1 else ledger.incoming(handoff, "handoff.signed", 1, round_=2)
    ledger.take_in(other)
    tally = ledger.apply()
    assert (tally.quarantined, tally.duplicates) == (1, 0)
    assert ledger.handoff(handoff)["state"] == "SIGNED"
    duty, = ledger.duties("quarantine")
    assert duty["detail"]["code"] == "sequence-reused"
    assert ledger.flaws() == []


@pytest.mark.guarantee("F15", "M6")
def test_two_messages_of_one_sequence_in_one_batch(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    ledger.take_in(ledger.incoming(handoff, "handoff.signed", 1), ledger.incoming(handoff, "handoff.accepted", 1), ledger.incoming(handoff, "handoff.signed", 1))
    tally = ledger.apply()
    assert (tally.applied, tally.quarantined, tally.duplicates) == (1, 1, 1)


@pytest.mark.guarantee("G2")
def test_a_quarantined_message_says_why_and_counts_as_read(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    ledger.take_in(ledger.incoming(handoff, "handoff.result", 1), ledger.incoming(handoff, "handoff.signed", 2))
    tally = ledger.apply()
    assert (tally.quarantined, tally.applied) == (1, 1)
    row = ledger.row("select * from inbox where sequence = 1")
    assert (row["state"], row["note"].split(":")[0]) == ("QUARANTINED", "illegal-transition")
    assert ledger.handoff(handoff)["state"] == "SIGNED"
    assert tally.lines is not None
    assert {line[3] for line in tally.lines} == {"QUARANTINED", "APPLIED"}


@pytest.mark.guarantee("M6", "M9")
def test_two_appliers_at_once_apply_each_message_once(ledger: Ledger) -> None:
    handoffs = [ledger.deliver() for _ in range(12)]
    for handoff in handoffs:
        ledger.take_in(*[ledger.incoming(handoff, act, n) for n, act in enumerate(("handoff.signed", "handoff.accepted", "handoff.progress"), 1)])
    totals: list[int] = []
    start = threading.Barrier(3)

    def work() -> None:
        start.wait()
        done = 0
        for _ in range(30):
            done += ledger.apply(5).applied
        totals.append(done)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.apply()
    assert sum(totals) == 36
    assert {ledger.handoff(h)["state"] for h in handoffs} == {"IN_PROGRESS"}
    assert len(ledger.rows("select 1 from journal where actor like 'partner:%%'")) == 36
    assert ledger.flaws() == []


@pytest.mark.guarantee("F14", "M5")
def test_the_same_message_taken_in_by_two_at_once_is_stored_once(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    message = ledger.incoming(handoff, "handoff.signed", 1)
    answers: list[str] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        answers.extend(ledger.take_in(message))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["new", "same", "same", "same"]


def test_what_we_sent_is_told_to_its_body_alone(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    ledger.done(ledger.clerk("handoff.urge", handoff))
    with ledger.transaction() as connection:
        both = inbox.sent_by(connection, COURT, handoff, 0, ledger.sealer)
        assert both is not None
        assert len(both) == 2
        assert inbox.sent_by(connection, COURT, handoff, 1, ledger.sealer) == both[1:]
        assert inbox.sent_by(connection, "police-990100", handoff, 0, ledger.sealer) is None
        assert inbox.sent_by(connection, COURT, "00000000-0000-7000-8000-000000000000", 0, ledger.sealer) is None


def test_applying_reads_what_waits_and_not_all_that_ever_came(ledger: Ledger) -> None:
    with ledger.transaction() as connection:
        connection.execute(
            """insert into inbox (body, message_id, handoff_id, petition_no, message, round, sequence, event_at, raw_sealed, fingerprint, receipt,
                                  via, state, received_at, note)
               select %s, 'old-' || i, 'h' || i / 4, 'XF' || i / 4, 'handoff.signed', 1, i %% 4 + 1, now(), '', '', '', 'hook', 'APPLIED', now(), ''
               from generate_series(1, 20000) i""", (COURT,))
    with ledger.transaction() as connection:
        connection.execute("analyze inbox")
    handoff = ledger.deliver()
    ledger.take_in(ledger.incoming(handoff, "handoff.signed", 1), ledger.incoming(handoff, "handoff.progress", 3))
    sql = "select coalesce(seq_tup_read, 0) as it from pg_stat_xact_user_tables where relname = 'inbox'"
    with ledger.transaction() as connection:
        done = inbox.apply(connection, 100, ledger.house, ledger.sealer, ledger.now)
        read = connection.execute(sql).fetchone()
    assert (done.applied, done.held) == (1, 1)
    assert read == (0,), "messages long applied were read through"
