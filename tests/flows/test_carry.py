"""One try, over every combination of what a partner can do and answer: no doubt is forgotten, nothing waits without a date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Abilities, Answer, Delivered, NotReceived, Outcome, Outgoing, Refused, Unavailable, Unknown, WeakReceipt
from connectors.carry import carry, carry_once
from connectors.schedule import DELAYS
from connectors.wire.ledger import Digests, Item
from connectors.wire.problems import Problem
from connectors.wire.receipts import Receipt, body_digest
from models.outbox import Leased

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
RECEIPT = Receipt("r-1", "m-1", NOW, body_digest(b"{}"), "stored")


class Scripted:
    """A body that answers as it is told, and remembers what it was asked."""

    def __init__(self, abilities: Abilities, outcome: Outcome, answer: Answer) -> None:
        self._abilities, self._outcome, self._answer = abilities, outcome, answer
        self.calls: list[str] = []

    @property
    def abilities(self) -> Abilities:
        return self._abilities

    def submit(self, message: Outgoing) -> Outcome:
        self.calls.append("submit")
        return self._outcome

    def query(self, message_id: str, digest: str) -> Answer:
        self.calls.append("query")
        return self._answer

    def fetch(self, handoff_id: str, after: int) -> list[bytes]:
        return []

    def digests(self, from_day: date, to_day: date, line: int = 1, split: int = 1) -> Digests:
        return Digests([])

    def ledger(self, from_day: date, to_day: date, buckets: Sequence[str] = ()) -> Iterator[Item]:
        return iter(())

    def check(self) -> list[str]:
        return []

    def close(self) -> None:
        """Nothing is open."""


def leased(attempts: int, doubtful: bool) -> Leased:
    return Leased("m-1", "h-1", "XF99010020260302000001", "court-990102", "handoff.request", 1, 1, "DELIVERED", b"{}", RECEIPT.body_digest, attempts, doubtful)


away = st.builds(Unavailable, st.just("away"), st.none() | st.timedeltas(timedelta(0), timedelta(days=3)), st.booleans())
unknown = st.builds(Unknown, st.just("silence"))
refused = st.just(Refused(Problem("about:blank", 422, "标题", "对方的话里可能有姓名", None, "receiver", "never")))
outcomes = st.one_of(st.just(Delivered(RECEIPT)), st.just(WeakReceipt(200, "no receipt")), refused, unknown, away)
answers = st.one_of(st.just(Delivered(RECEIPT)), st.just(NotReceived()), unknown, away)
abilities = st.builds(Abilities, st.booleans(), st.booleans(), st.booleans(), st.booleans())


@given(abilities, outcomes, answers, st.integers(1, 12), st.booleans(), st.integers())
def test_no_try_forgets_a_doubt_or_waits_without_a_date(
    able: Abilities, outcome: Outcome, answer: Answer, attempts: int, doubtful: bool, seed: int,
) -> None:
    body = Scripted(able, outcome, answer)
    carried = carry_once(body, leased(attempts, doubtful), lambda: NOW, Random(seed))  # noqa: S311
    result = carried.result
    assert (result.next_at is not None) == (result.verdict in ("retry", "unknown"))
    assert result.next_at is None or result.next_at > NOW
    assert (result.evidence is not None) == (result.verdict == "receipted")
    assert body.calls.count("submit") <= 1
    assert "姓名" not in result.detail
    if not doubtful:
        assert body.calls == ["submit"]
        return
    if able.can_query:
        assert body.calls[0] == "query"
    if body.calls == ["query", "submit"]:
        assert isinstance(answer, NotReceived) or able.idempotent
    if not able.can_query and not able.idempotent:
        assert body.calls == []
        assert result.verdict == "dead"
    if result.verdict == "retry":
        # Known not to be there: the body said so itself.
        assert able.can_query
        assert isinstance(answer, NotReceived)


@given(st.integers(1, 40), away)
def test_a_spent_schedule_ends_with_people_unless_the_endpoint_is_at_fault(attempts: int, outcome: Unavailable) -> None:
    body = Scripted(Abilities(True, True, True, True), outcome, NotReceived())
    carried = carry_once(body, leased(attempts, False), lambda: NOW, Random(1))  # noqa: S311
    spent = attempts >= len(DELAYS)
    assert carried.unavailable
    assert carried.result.verdict == ("dead" if spent and not outcome.endpoint else "retry")
    if outcome.retry_after and carried.result.next_at and not spent:
        assert carried.result.next_at - NOW >= min(outcome.retry_after, timedelta(hours=24))


def test_a_desk_has_it_by_our_own_console() -> None:
    result = carry(None, leased(1, False), lambda: NOW, Random(1))  # noqa: S311
    assert (result.verdict, result.code) == ("receipted", "desk")
    assert result.evidence is not None
