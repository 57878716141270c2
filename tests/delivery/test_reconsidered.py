"""What was sure when it was decided and is not any more: tried again since, in the partner's hands just now, gone on paper, or deadly to whoever sends it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.schedule import DELAYS
from connectors.wire import problems
from models import outbox, resending
from models.desk import bureau, deliver_by_hand
from models.outbox import Leased
from models.settling import Result
from rules.edge_guards import REFUSED
from tests.connectors.partner import Reply, Request, partner
from tests.delivery.post import Post


def at_work(request: Request) -> Reply:
    """409: the same message is being processed at this moment."""
    problem = problems.in_progress()
    return Reply(409, problems.encode(problem), {"Content-Type": problems.MEDIA_TYPE})


def on_paper(post: Post, handoff: str) -> None:
    with post.transaction() as connection:
        post.done(deliver_by_hand(connection, handoff, "澜送2026-1", post.now.date(), "收发室", post.house, post.sealer, post.now))


def state(post: Post) -> str:
    return str(post.row("select state from outbox")["state"])


@pytest.mark.guarantee("M4", "G1")
@pytest.mark.parametrize("by_word", [False, True], ids=["the ledger was sure", "a person was sure"])
def test_an_order_to_send_again_counts_for_nothing_once_it_was_tried_since(post: Post, by_word: bool) -> None:
    post.send()
    leased, = post.claim()
    post.settle(Result(leased, "retry", "http-503", next_at=post.now))
    with post.transaction() as connection:
        found = resending.one(connection, leased.message_id, post.now)
    assert found is not None
    assert found.has == "no"
    order = resending.Order(found.message_id, found.handoff_id, True, by_word, found.attempts)
    again, = post.claim()
    post.settle(Result(again, "unknown", "read-timeout", next_at=post.now + timedelta(hours=1)))

    def send(one: resending.Order) -> set[str]:
        with post.transaction() as connection:
            going, _ = resending.send_again(connection, [one], bureau(post.house), "", post.house, post.sealer, post.now)
        return going

    assert send(order) == set()
    assert state(post) == "UNKNOWN", "the doubt stands"
    assert send(resending.Order(found.message_id, found.handoff_id, False, False, 2)) == {found.message_id}
    assert state(post) == "UNKNOWN"


@pytest.mark.guarantee("M4", "F13")
def test_a_body_that_is_at_work_on_a_message_may_come_to_hold_it(post: Post) -> None:
    handoff = post.send()
    with partner(at_work) as one:
        post.reaches(post.connector(one))
        tries = post.deliver_all(handoff)
    assert {(a["klass"], a["doubt"]) for a in tries} == {("ambiguous", True)}
    assert state(post) == "DEAD"
    assert REFUSED not in post.handoff(handoff)["flags"], "so that it cannot simply be taken back"
    with post.transaction() as connection:
        found = resending.one(connection, tries[0]["message_id"], post.now)
    assert found is not None
    assert found.has == "maybe"


@pytest.mark.guarantee("G1")
@pytest.mark.parametrize("erased", [False, True])
@pytest.mark.parametrize("how", ["given back untried", "left by a dead sender"])
def test_what_went_on_paper_while_it_was_leased_is_not_sent_after_it(post: Post, how: str, erased: bool) -> None:
    handoff = post.send()
    if erased:
        with post.transaction() as connection:
            connection.execute("update petition set flags = '{upper-level,content-erased}'")
    leased, = post.claim(seconds=60)
    on_paper(post, handoff)
    with post.transaction() as connection:
        if how == "given back untried":
            outbox.release(connection, [leased], leased_by(post, leased), post.now)
        else:
            post.wait(seconds=60)
            assert outbox.reap(connection, post.now, DELAYS) == 1
    row = post.row("select state, dead_at, lease_owner, body_sealed = '' as gone from outbox")
    assert row == {"state": "DEAD", "dead_at": post.now, "lease_owner": None, "gone": erased}
    with post.transaction() as connection:
        assert resending.requeue(connection, [leased.message_id], post.now, ask=False) == 0
        assert resending.cannot_go(connection, [leased.message_id]) == [leased.message_id]
    post.wait(days=9)
    assert post.claim() == []


def leased_by(post: Post, leased: Leased) -> str:
    return str(post.outbox(leased.message_id)["lease_owner"])


@pytest.mark.guarantee("F3")
def test_a_message_that_kills_its_senders_is_left_alone_longer_and_longer(post: Post) -> None:
    post.send()
    waits = []
    for _ in range(12):
        leased, = post.claim(seconds=60)
        post.wait(seconds=60)
        with post.transaction() as connection:
            assert outbox.reap(connection, post.now, DELAYS) == 1
        due = post.outbox(leased.message_id)["next_attempt_at"]
        waits.append(due - post.now)
        assert post.attempts(leased.message_id)[-1]["next_at"] == due
        post.time.set(due)
    assert waits[:3] == [timedelta(0)] * 3, "an accident"
    for wait, delay in zip(waits[3:], [*DELAYS[4:], *[DELAYS[-1]] * 9], strict=False):
        assert 0.8 * delay <= wait <= 1.2 * delay
    assert state(post) == "UNKNOWN"


def test_a_receipted_message_that_the_partner_lost_may_still_be_there(post: Post) -> None:
    post.send()
    leased, = post.claim()
    post.settle(post.receipted(leased))
    with post.transaction() as connection:
        assert resending.requeue(connection, [leased.message_id], post.now, ask=False) == 1
        found = resending.one(connection, leased.message_id, post.now)
    assert found is not None
    assert (found.state, found.has) == ("RETRY_WAIT", "maybe")
