"""Another way: taken when the one before is spent, never with a doubt into another system; the duty stays until a receipt is there, by whatever way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.schedule import DELAYS, WHOLE
from models import breaker, onward, suspending
from models.desk import deliver_by_hand
from models.settling import Result
from rules.breaker import Seen
from tests.connectors.partner import Reply, Request, partner
from tests.delivery.post import Loaded, Post, always, never_seen, stores
from tests.models.ledger import COURT

TEN = len(DELAYS)


def undelivered(post: Post) -> tuple[int, int]:
    """Duties of delivery: open, and closed."""
    rows = post.rows("select closed_at from duty where kind = 'undelivered'")
    return sum(r["closed_at"] is None for r in rows), sum(r["closed_at"] is not None for r in rows)


@pytest.mark.guarantee("F13", "M12", "G1")
def test_a_spent_way_leads_to_the_next_at_once_and_the_duty_closes_with_the_receipt(post: Post) -> None:
    post.dice = Loaded(1)
    handoff = post.send()
    with partner(always(429)) as away, partner(stores(lambda: post.now)) as other:
        post.reaches(post.connector(away), post.connector(other))
        found = post.deliver_all(handoff, most=TEN)
        assert len(away.seen) == TEN
        row = post.outbox(found[0]["message_id"])
        assert (row["state"], row["way"], row["way_attempts"], row["next_attempt_at"], row["dead_at"]) == ("RETRY_WAIT", 1, 0, post.now, None)
        assert (found[-1]["outcome"], found[-1]["next_at"]) == ("retry", post.now), "at once"
        duty, = post.duties("undelivered")
        assert "备用通道 1" in duty["zh"]
        assert duty["detail"]["to_way"] == 1
        assert "send-refused" not in post.handoff(handoff)["flags"], "it is still under way"
        found = post.deliver_all(handoff)
        assert [(r.method, r.headers["idempotency-key"]) for r in other.seen] == [("POST", f'"{row["message_id"]}"')], "the same id"
    assert [(a["attempt_no"], a["way"]) for a in found] == [*((n, 0) for n in range(1, TEN + 1)), (TEN + 1, 1)]
    assert post.handoff(handoff)["state"] == "DELIVERED"
    assert undelivered(post) == (0, 1)
    assert post.flaws() == []


@pytest.mark.guarantee("F13", "M4")
def test_a_doubt_waits_for_a_person_rather_than_go_into_another_system(post: Post) -> None:
    post.dice = Loaded(0)
    handoff = post.send()
    with partner(always(500)) as sick, partner(stores(lambda: post.now)) as other:
        post.reaches(post.connector(sick), post.connector(other))
        found = post.deliver_all(handoff)
        assert other.seen == []
    assert (len(found), found[-1]["outcome"], found[-1]["doubt"]) == (TEN, "dead", True)
    assert post.row("select state, way from outbox") == {"state": "DEAD", "way": 0}
    assert undelivered(post) == (1, 0)


@pytest.mark.guarantee("F13", "M3", "F5")
@pytest.mark.parametrize("arrived", [True, False])
def test_a_doubt_goes_by_a_way_into_the_same_system_and_is_asked_about_there_first(post: Post, arrived: bool) -> None:
    post.dice = Loaded(0)
    handoff = post.send()
    kept: dict[str, bytes] = {}
    honest = stores(lambda: post.now, kept)

    def loses(request: Request) -> Reply:
        if arrived and request.method == "POST":
            honest(request)
        return Reply(502)

    with partner(loses) as front, partner(stores(lambda: post.now)) as elsewhere, partner(honest) as back:
        post.reaches(post.connector(front), post.connector(elsewhere), post.connector(back), same=[False, True])
        found = post.deliver_all(handoff)
        assert elsewhere.seen == []
        assert [r.method for r in back.seen] == (["GET"] if arrived else ["GET", "POST"])
    assert (found[-1]["way"], found[-1]["asked"], found[-1]["outcome"]) == (2, "receipted" if arrived else "not-received", "receipted")
    assert len(kept) == 1, "one effect, whichever way it went"
    assert undelivered(post) == (0, 1)


@pytest.mark.guarantee("F13", "S1")
def test_the_last_way_has_its_own_schedule_and_an_end(post: Post) -> None:
    post.dice = Loaded(1)
    handoff = post.send()
    with partner(always(429)) as one, partner(always(401)) as two, partner(always(429)) as three:
        post.reaches(post.connector(one), post.connector(two), post.connector(three))
        found = post.deliver_all(handoff)
    assert [a["way"] for a in found] == [*[0] * TEN, *[1] * TEN, *[2] * TEN], "a fault of the endpoint waits only where there is no other way"
    row = post.row("select * from outbox")
    assert (row["state"], row["way"], row["dead_at"]) == ("DEAD", 2, post.now)
    assert post.sealer.open(row["body_sealed"], f"outbox:{row['message_id']}")
    assert undelivered(post) == (1, 0)
    assert "send-refused" in post.handoff(handoff)["flags"], "now it surely did not arrive"


@pytest.mark.guarantee("F13", "M12")
def test_a_receipt_that_comes_after_the_end_closes_the_duty(post: Post) -> None:
    """By whatever way: here a sender who was given up for dead long ago."""
    handoff = post.send()
    with partner(always(429)) as away:
        post.reaches(post.connector(away))
        late, = post.claim()
        post.try_now(late)
        post.deliver_all(handoff)
    assert undelivered(post) == (1, 0)
    assert post.settle(post.receipted(late)) == 1
    row = post.row("select state, dead_at from outbox")
    assert row == {"state": "RECEIPTED", "dead_at": None}
    assert undelivered(post) == (0, 1)
    assert post.handoff(handoff)["state"] == "DELIVERED"


def shut(post: Post) -> None:
    with post.transaction() as connection:
        breaker.learn(connection, COURT, [(0, Seen("endpoint", "m", "w1", "http-401"))], post.now)


@pytest.mark.guarantee("F11", "F13", "M11")
def test_what_a_failing_endpoint_kept_waiting_a_whole_schedule_goes_by_another_way(post: Post) -> None:
    waiting = [post.send() for _ in range(3)]
    with partner(never_seen) as one, partner(stores(lambda: post.now)) as two:
        post.reaches(post.connector(one), post.connector(two))
        doubtful, = post.claim(limit=1)
        post.settle(Result(doubtful, "unknown", "timeout", next_at=post.now))
        shut(post)

        def moved() -> int:
            with post.transaction() as connection:
                return onward.waited_out(connection, COURT, WHOLE, post.house, post.sealer, post.now)

        assert moved() == 0
        post.wait(seconds=WHOLE.total_seconds() - 1)
        assert moved() == 0
        with post.transaction() as connection:
            suspending.suspend(connection, COURT, "1024", "升级", post.now + timedelta(days=9), post.house, post.now)
        post.wait(hours=24)
        assert moved() == 0, "what a person holds back waits"
        with post.transaction() as connection:
            suspending.resume(connection, COURT, "1024", "好了", post.house, post.now)
        assert moved() == 2, "all but the one in doubt"
        assert moved() == 0
        rows = {r["message_id"]: (r["way"], r["state"]) for r in post.rows("select * from outbox")}
        assert rows.pop(doubtful.message_id) == (0, "UNKNOWN")
        assert set(rows.values()) == {(1, "QUEUED")}
        assert undelivered(post) == (2, 0)
        for message in [m for m in post.claim() if m.way == 1]:
            post.try_now(message)
    assert sum(post.handoff(h)["state"] == "DELIVERED" for h in waiting) == 2
    assert undelivered(post) == (0, 2)
    assert post.flaws() == []


@pytest.mark.guarantee("F13")
def test_what_must_not_stay_here_is_kept_as_long_as_it_has_a_way_to_go(post: Post) -> None:
    """An accusation that belongs above is erased when it has arrived or is given up (检举控告工作规则 art 15), not when it takes another way."""
    post.dice = Loaded(1)
    handoff = post.send()
    with post.transaction() as connection:
        connection.execute("update petition set flags = '{upper-level,content-erased}'")
    with partner(always(429)) as away, partner(always(429)) as other:
        post.reaches(post.connector(away), post.connector(other))
        post.deliver_all(handoff, most=TEN)
        row = post.row("select * from outbox")
        assert (row["way"], row["state"]) == (1, "RETRY_WAIT")
        assert post.sealer.open(row["body_sealed"], f"outbox:{row['message_id']}")
        post.deliver_all(handoff)
    assert post.row("select state, body_sealed from outbox") == {"state": "DEAD", "body_sealed": b""}


@pytest.mark.guarantee("G1")
@pytest.mark.parametrize("erased", [False, True])
def test_what_was_handed_over_on_paper_while_it_was_being_sent_is_not_sent_again(post: Post, erased: bool) -> None:
    handoff = post.send()
    if erased:
        with post.transaction() as connection:
            connection.execute("update petition set flags = '{upper-level,content-erased}'")
    with partner(always(500)) as away, partner(stores(lambda: post.now)) as other:
        post.reaches(post.connector(away), post.connector(other))
        leased, = post.claim()
        with post.transaction() as connection:
            post.done(deliver_by_hand(connection, handoff, "澜送2026-1", post.now.date(), "收发室", post.house, post.sealer, post.now))
        post.try_now(leased)
        row = post.row("select state, dead_at, body_sealed = '' as gone from outbox")
        assert row == {"state": "DEAD", "dead_at": post.now, "gone": erased}
        last, = post.attempts(leased.message_id)
        assert (last["outcome"], last["klass"], last["doubt"], last["next_at"]) == ("dead", "ambiguous", True, None)
        assert undelivered(post) == (0, 0), "it was delivered, on paper"
        post.wait(days=9)
        assert post.claim() == []
    assert post.flaws() == []
