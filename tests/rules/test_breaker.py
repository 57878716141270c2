"""The breaker and the bucket as rules: every order of events, two processes, time that jumps, stands still and goes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from rules import breaker as rules
from rules.breaker import FIRST_WAIT, LONGEST_WAIT, MOST_ASKED, STRIKES, Breaker, Bucket, Seen, wait_of

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
LEASE = timedelta(minutes=3)


def fails(kind: str = "failure", message: str = "m", owner: str = "a", asked: timedelta | None = None) -> Seen:
    return Seen(kind, message, owner, "http-503", asked)  # type: ignore[arg-type]


def opened(times: int = 1) -> Breaker:
    """Opened so many times in a row, the last probe failed at NOW."""
    breaker = rules.learn(Breaker(), fails("endpoint"), NOW)
    for _ in range(times - 1):
        assert breaker.probe_at is not None
        breaker = rules.learn(rules.probe(breaker, "p", "a", breaker.probe_at, LEASE), fails(message="p"), NOW)
    return breaker


@pytest.mark.guarantee("S2", "F12", "M11")
def test_the_third_failure_in_a_row_opens_and_a_receipt_or_a_refusal_begins_the_count_anew() -> None:
    for between in ("receipt", "refusal"):
        breaker = Breaker()
        for kind in ("failure", "failure", between, "failure", "failure"):
            breaker = rules.learn(breaker, fails(kind), NOW)
            assert breaker.state == "CLOSED"
        breaker = rules.learn(breaker, fails(), NOW)
        assert (breaker.state, breaker.failures, breaker.probe_at) == ("OPEN", STRIKES, NOW + FIRST_WAIT)
    untried = rules.learn(rules.learn(Breaker(), fails(), NOW), fails("nothing"), NOW)
    assert untried.failures == 1, "what was never tried says nothing"


@pytest.mark.guarantee("S2", "F10")
def test_one_fault_of_the_endpoint_opens() -> None:
    breaker = rules.learn(Breaker(), fails("endpoint"), NOW)
    assert (breaker.state, breaker.cause, breaker.opened_at) == ("OPEN", "http-503", NOW)
    assert rules.may_pass(breaker, NOW + FIRST_WAIT - timedelta(microseconds=1)) == "none"
    assert rules.may_pass(breaker, NOW + FIRST_WAIT) == "one"


@pytest.mark.guarantee("S2", "F11")
def test_the_wait_doubles_up_to_six_hours_and_what_the_body_asks_for_wins() -> None:
    waits = [breaker.probe_at - NOW for n in range(1, 12) if (breaker := opened(n)).probe_at is not None]
    assert waits[:4] == [timedelta(minutes=m) for m in (1, 2, 4, 8)]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT == wait_of(10_000)
    assert wait_of(9, timedelta(seconds=30)) == timedelta(seconds=30)
    assert wait_of(1, timedelta(days=900)) == MOST_ASKED
    assert wait_of(3, timedelta(0)) == wait_of(3, timedelta(seconds=-5)) == wait_of(3)


def test_what_the_body_asks_for_after_it_was_left_alone_still_counts() -> None:
    breaker = rules.learn(opened(), fails(asked=timedelta(hours=2)), NOW)
    assert breaker.probe_at == NOW + timedelta(hours=2)
    assert rules.learn(breaker, fails(asked=timedelta(minutes=1)), NOW).probe_at == NOW + timedelta(hours=2)
    assert rules.learn(breaker, fails(asked=timedelta(days=90)), NOW).probe_at == NOW + MOST_ASKED


@pytest.mark.guarantee("S2")
def test_only_the_probe_opens_again_and_any_receipt_closes() -> None:
    probing = rules.probe(opened(), "p", "a", NOW + FIRST_WAIT, LEASE)
    later = NOW + FIRST_WAIT + timedelta(seconds=5)
    for stranger in (fails(message="other"), fails(owner="b", message="p"), fails("endpoint", message="other")):
        assert rules.learn(probing, stranger, later).state == "HALF_OPEN"
    again = rules.learn(probing, fails(message="p"), later)
    assert (again.state, again.probe_at, again.opened_at) == ("OPEN", later + 2 * FIRST_WAIT, NOW)
    assert rules.learn(probing, fails("receipt", message="other", owner="b"), later) == Breaker()
    refused = rules.learn(probing, fails("refusal", message="p"), later)
    assert (refused.state, rules.may_pass(refused, later), refused.openings) == ("OPEN", "one", 1)


@pytest.mark.guarantee("S2", "M11")
def test_a_prober_that_died_is_replaced_at_once_or_when_its_lease_ends() -> None:
    probing = rules.probe(opened(), "p", "a", NOW + FIRST_WAIT, LEASE)
    began = NOW + FIRST_WAIT
    assert rules.may_pass(probing, began + LEASE - timedelta(microseconds=1)) == "none"
    assert rules.may_pass(probing, began + LEASE) == "one"
    with pytest.raises(ValueError, match="no probe"):
        rules.probe(probing, "q", "b", began, LEASE)
    assert rules.orphaned(probing, {"b"}, began) == probing
    assert rules.may_pass(rules.orphaned(probing, {"a", "b"}, began), began) == "one"
    assert rules.give_back(probing, ["q"], "a", began) == rules.give_back(probing, ["p"], "b", began) == probing
    back = rules.give_back(probing, ["p"], "a", began)
    assert (rules.may_pass(back, began), back.openings) == ("one", 1), "not tried, so not failed"


@given(st.integers(0, 10**9), st.integers(1, 30))
def test_time_stepped_back_makes_no_wait_longer_than_it_was_to_be(seconds: int, times: int) -> None:
    breaker = opened(times)
    before = NOW - timedelta(seconds=seconds)
    stepped = rules.at(breaker, before)
    assert breaker.probe_at is not None
    assert stepped.probe_at is not None
    assert stepped.probe_at - before <= breaker.probe_at - NOW
    assert rules.may_pass(stepped, before) == ("none" if times else "one")
    assert rules.may_pass(stepped, stepped.probe_at) == "one"


@dataclass
class _Flying:
    message: str
    owner: str
    probe: bool


@dataclass
class _World:
    now: datetime = NOW
    breaker: Breaker = field(default_factory=Breaker)
    sent: int = 0


class TwoWorkers(RuleBasedStateMachine):
    """Two processes send to one body in any interleaving, die, come back late, while time goes as it likes. Each claim is a transaction."""

    flying = Bundle("flying")

    def __init__(self) -> None:
        super().__init__()
        self.world = _World()
        self.probes: dict[str, tuple[str, datetime]] = {}
        self.longest = timedelta(0)

    def _set(self, breaker: Breaker) -> None:
        self.world.breaker = breaker
        if breaker.state == "OPEN":
            self.probes.clear()

    @rule(target=flying, owner=st.sampled_from("ab"))
    def claim(self, owner: str) -> _Flying:
        now = self.world.now
        self._set(rules.at(self.world.breaker, now))
        may = rules.may_pass(self.world.breaker, now)
        self.world.sent += 1
        message = f"m{self.world.sent}"
        if may == "one":
            assert all(until <= now for _, until in self.probes.values()), "a probe is still under way"
            self.probes = {message: (owner, now + LEASE)}
            self.world.breaker = rules.probe(self.world.breaker, message, owner, now, LEASE)
        return _Flying(message, owner, may == "one") if may != "none" else _Flying("", owner, False)

    @rule(one=consumes(flying), kind=st.sampled_from(["receipt", "refusal", "failure", "endpoint", "nothing"]),
          asked=st.none() | st.integers(-10, 10**7).map(lambda s: timedelta(seconds=s)))
    def settle(self, one: _Flying, kind: str, asked: timedelta | None) -> None:
        if one.message:
            before = self.world.breaker
            after = rules.learn(before, Seen(kind, one.message, one.owner, "code", asked), self.world.now)  # type: ignore[arg-type]
            if before.state == "HALF_OPEN" and after.state == "OPEN":
                assert before.probe_message == one.message
            if kind == "receipt":
                assert after == Breaker()
            self._set(after)

    @rule(one=consumes(flying))
    def give_back(self, one: _Flying) -> None:
        self._set(rules.give_back(self.world.breaker, [one.message], one.owner, self.world.now))

    @rule(owner=st.sampled_from("ab"))
    def die(self, owner: str) -> None:
        self._set(rules.orphaned(self.world.breaker, {owner}, self.world.now))

    @rule(seconds=st.integers(-10**7, 10**7) | st.just(0))
    def time_goes(self, seconds: int) -> None:
        self.world.now += timedelta(seconds=seconds)
        # However time went, what is believed of it from now on.
        self.probes = {m: (o, min(until, self.world.now + LEASE)) for m, (o, until) in self.probes.items()}

    @rule()
    def until_the_next_date(self) -> None:
        self._set(rules.at(self.world.breaker, self.world.now))
        if self.world.breaker.probe_at is not None and self.world.breaker.state != "CLOSED":
            self.world.now = max(self.world.now, self.world.breaker.probe_at)
            assert rules.may_pass(self.world.breaker, self.world.now) == "one"

    @invariant()
    def never_stuck(self) -> None:
        breaker = self.world.breaker
        if breaker.state == "CLOSED":
            assert breaker.failures < STRIKES
            assert breaker.probe_at is None
        else:
            seen = rules.at(breaker, self.world.now)
            assert seen.probe_at is not None
            assert seen.waits_from is not None
            assert seen.probe_at - self.world.now <= MOST_ASKED
            assert (breaker.state == "HALF_OPEN") == bool(breaker.probe_message)


TestTwoWorkers = TwoWorkers.TestCase

RATES = st.tuples(st.floats(0.001, 1000), st.integers(1, 1000))


@pytest.mark.guarantee("M11")
@given(RATES, st.lists(st.tuples(st.integers(-10**6, 10**6), st.integers(0, 2000), st.integers(0, 50)), max_size=30))
def test_tokens_never_exceed_the_burst_nor_fall_below_nothing(rate: tuple[float, int], steps: list[tuple[int, int, int]]) -> None:
    each, burst = rate
    bucket, now, taken, forward = Bucket(), NOW, 0, 0.0
    returned = 0
    for seconds, wanted, back in steps:
        was, now = now, now + timedelta(seconds=seconds)
        forward += max(0.0, (now - was).total_seconds())
        bucket = rules.refill(bucket, each, burst, now)
        assert bucket.tokens is not None
        assert 0 <= bucket.tokens <= burst
        count = min(wanted, rules.whole(bucket))
        bucket = rules.take(bucket, count)
        taken += count
        given_back = min(back, count)
        bucket = rules.put_back(bucket, given_back, burst)
        returned += given_back
        due = rules.due_again(bucket, each, burst)
        if due is None:
            assert rules.whole(bucket) >= 1
        else:
            assert due >= now
            assert rules.whole(rules.refill(bucket, each, burst, due)) >= 1, "a next date is a promise"
    assert taken - returned <= burst + forward * each + 1e-3 * (len(steps) + 1), "time gives so much and no more, whichever way it went"


@given(RATES, st.integers(1, 10**6))
def test_time_that_stands_still_or_goes_back_gives_nothing(rate: tuple[float, int], seconds: int) -> None:
    each, burst = rate
    empty = Bucket(0.0, NOW)
    for now in (NOW, NOW - timedelta(seconds=seconds)):
        assert rules.whole(rules.refill(empty, each, burst, now)) == 0
    back = rules.refill(empty, each, burst, NOW - timedelta(seconds=seconds))
    due = rules.due_again(back, each, burst)
    assert due is not None
    assert due <= NOW - timedelta(seconds=seconds) + timedelta(seconds=max(1.0, burst) / each + 1), "and nobody waits until the old time is there again"


def test_more_than_there_is_cannot_be_taken() -> None:
    with pytest.raises(ValueError, match="tokens"):
        rules.take(Bucket(1.5, NOW), 2)
