"""Any sequence of outcomes, over any ways: never more tries than the schedule has, never a date earlier than promised, never nothing to come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby, pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connectors.base import Abilities, Answer, CallFailed, Delivered, NotReceived, Outcome, Outgoing, Refused, Unavailable, Unknown, WeakReceipt
from connectors.schedule import DELAYS, LONGEST
from connectors.wire.ids import new_id
from connectors.wire.ledger import Digests, Item
from connectors.wire.problems import Problem
from connectors.wire.receipts import Receipt
from models import outbox
from tests.delivery.post import Post

TEN = len(DELAYS)
SENDABLE = ("QUEUED", "RETRY_WAIT", "UNKNOWN")
EARLY, LATE = 0.8, 1.2


@dataclass(frozen=True)
class Step:
    """What comes of one try: an answer when asked, an outcome when sent; or the sender dies."""

    outcome: str
    answer: str = "silent"
    retry_after: int | None = None
    dies: bool = False


class Told:
    """A connector whose other side does what the present step says, and remembers what it was asked and sent."""

    def __init__(self, post: Post, abilities: Abilities) -> None:
        self.post, self._abilities = post, abilities
        self.step = Step("delivered")
        self.sent: list[str] = []

    @property
    def abilities(self) -> Abilities:
        return self._abilities

    def submit(self, message: Outgoing) -> Outcome:
        self.sent.append(message.message_id)
        after = None if self.step.retry_after is None else timedelta(seconds=self.step.retry_after)
        match self.step.outcome:
            case "delivered":
                digest = self.post.row("select digest from outbox where message_id = %s", message.message_id)["digest"]
                return Delivered(Receipt(new_id(), message.message_id, self.post.now, digest, "stored"))
            case "weak":
                return WeakReceipt(200, "receipt-missing")
            case "refused":
                return Refused(Problem("about:blank", 422, "", "", None, "receiver", "never"))
            case "unknown":
                return Unknown("silence", "read-timeout")
            case "endpoint":
                return Unavailable("no", after, True, "http-401", 401)
            case _:
                return Unavailable("busy", after, False, "http-503", 503)

    def query(self, message_id: str, digest: str) -> Answer:
        match self.step.answer:
            case "held":
                return Delivered(Receipt(new_id(), message_id, self.post.now, digest, "stored"))
            case "never":
                return NotReceived()
            case "away":
                return Unavailable("busy", None, False, "http-503", 503)
            case _:
                return Unknown("silence", "http-500")

    def fetch(self, handoff_id: str, after: int) -> list[bytes]:
        return []

    def digests(self, from_day: date, to_day: date, line: int = 1, split: int = 1) -> Digests:
        raise CallFailed(Unknown("no ledger is kept"))

    def ledger(self, from_day: date, to_day: date, buckets: Sequence[str] = ()) -> Iterator[Item]:
        return iter(())

    def check(self) -> list[str]:
        return []

    def close(self) -> None:
        """Nothing is open."""


FAILING = ("unknown", "unknown", "busy", "busy", "endpoint")
steps = st.builds(
    Step, st.sampled_from((*FAILING * 3, "refused", "weak", "delivered")), st.sampled_from(("silent", "silent", "never", "away", "held")),
    st.none() | st.integers(0, 200_000), st.integers(0, 9).map(lambda n: n == 0))
stubborn = st.builds(Step, st.sampled_from(FAILING), st.sampled_from(("silent", "never", "away")), st.none() | st.integers(0, 9000))
able = st.builds(Abilities, st.booleans(), st.booleans(), st.booleans(), st.just(True))


@pytest.mark.guarantee("S1", "F13", "M3", "M4", "G1")
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(steps, max_size=12) | st.lists(stubborn, min_size=12, max_size=36), st.lists(able, min_size=1, max_size=3), st.lists(st.booleans(), max_size=2),
       st.integers(0, 2**32))
@example([Step("unknown", "silent")] * 36, [Abilities(True, True, True, True)] * 3, [False, True], 1)
@example([Step("busy")] * 36, [Abilities(True, True, True, True)] * 3, [False, False], 2)
@example([Step("endpoint")] * 36, [Abilities(True, True, True, True)] * 2, [False], 3)
def test_no_sequence_of_outcomes_loses_a_message_or_hurries_it(post: Post, script: list[Step], abilities: list[Abilities], same: list[bool], seed: int) -> None:
    told = [Told(post, a) for a in abilities]
    post.reaches(*told, same=same[: len(told) - 1])
    post.dice = Random(seed)  # noqa: S311
    handoff = post.send()
    message_id: str = post.row("select message_id from outbox where handoff_id = %s", handoff)["message_id"]
    body = post.house.bodies.get("court-990100")
    died = False
    for step in script:
        row = post.outbox(message_id)
        if row["state"] not in SENDABLE:
            break
        if row["next_attempt_at"] > post.now:
            post.time.set(row["next_attempt_at"] - timedelta(microseconds=1))
            assert post.claim() == [], "tried before its date"
            post.time.set(row["next_attempt_at"])
        leased, = post.claim(seconds=60)
        assert leased.message_id == message_id
        assert leased.doubtful == (row["state"] == "UNKNOWN")
        told[leased.way].step = step
        if step.dies:
            died = True
            post.wait(seconds=60)
            with post.transaction() as connection:
                outbox.reap(connection, post.now)
        else:
            post.try_now(leased)
        _stands(post, handoff, message_id)
    found = post.attempts(message_id)
    assert [a["attempt_no"] for a in found] == list(range(1, len(found) + 1)), "every try has one row"
    _keeps_the_schedule(found, died, len(told))
    for before, after in pairwise(found):
        if after["way"] != before["way"]:
            assert after["way"] > before["way"]
            assert not before["doubt"] or body.system(before["way"]) == body.system(after["way"]), "a doubt was carried into another system"
        if before["doubt"] and after["sent_bytes"]:
            # Sent again in doubt: the partner said that it has not got it, or takes an id once.
            assert after["asked"] == "not-received" or abilities[after["way"]].idempotent
    assert {m for t in told for m in t.sent} <= {message_id}, "never under another id"
    # The next example begins where nothing waits.
    post.rows("update outbox set state = 'DEAD', lease_owner = null, lease_until = null where state in ('QUEUED', 'RETRY_WAIT', 'UNKNOWN') returning 1")


def _stands(post: Post, handoff: str, message_id: str) -> None:
    """What must be true after every try."""
    row = post.outbox(message_id)
    duties = [d for d in post.duties("undelivered") if d["handoff_id"] == handoff]
    last = post.attempts(message_id)[-1]
    assert row["state"] in (*SENDABLE, "RECEIPTED", "WEAK_RECEIPT", "DEAD")
    assert post.sealer.open(row["body_sealed"], f"outbox:{message_id}"), "the bytes are never deleted"
    assert (row["dead_at"] is not None) == (row["state"] == "DEAD")
    if row["state"] in SENDABLE:
        assert row["next_attempt_at"] == last["next_at"] >= post.now, "it has a next date, the one its last try tells"
        assert last["doubt"] == (row["state"] == "UNKNOWN")
        assert len(duties) == (1 if row["way"] else 0), "who was moved to another way is a person's duty until it has arrived"
    else:
        assert last["next_at"] is None
        assert len(duties) == (1 if row["state"] == "DEAD" else 0)


def _keeps_the_schedule(found: list[dict[str, Any]], died: bool, ways: int) -> None:
    for way, tries in groupby(found, key=lambda a: a["way"]):
        rows = list(tries)
        if way != found[-1]["way"]:
            assert len(rows) >= TEN, "given up before its schedule was spent"
        waiting = [a for a in rows if a["klass"] == "endpoint-fault"]
        # Only a fault of the endpoint is waited out beyond the schedule, and only where no other way may be taken.
        if not waiting and not died:
            assert len(rows) <= TEN
        for number, a in enumerate(rows, 1):
            if a["next_at"] is None or a["code"] == "sender-gone" or (a["next_at"] == a["at"]):
                continue
            wait = (a["next_at"] - a["at"]).total_seconds()
            if number >= TEN:
                assert wait == LONGEST.total_seconds(), "beyond the schedule once a day"
                continue
            usual = DELAYS[number].total_seconds()
            assert wait >= usual * EARLY - 1e-6, "earlier than promised"
            assert wait <= max(usual * LATE, LONGEST.total_seconds()) + 1e-6
            if a["status"] is None:
                assert wait <= usual * LATE + 1e-6, "later than promised"
    assert len({a["way"] for a in found}) <= ways
