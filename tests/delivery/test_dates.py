"""The dates of all attempts, from the first to the last, for every class of failure, with the dice at both ends: real ledger, real servers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.base import Abilities
from connectors.carry import faulty
from connectors.schedule import DELAYS, LONGEST
from models import outbox
from tests.connectors.partner import Reply, Request, free_port, partner
from tests.delivery.post import Loaded, Post, Word, always, gaps, never_seen, stores

DAY = LONGEST.total_seconds()
FIFTH = pytest.mark.parametrize("end", [0, 1])
# What the promise says, once more and by hand: seconds after the attempt before.
PROMISED = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)


def promised(end: int) -> list[float]:
    return [seconds * (0.8, 1.2)[end] for seconds in PROMISED]


@pytest.mark.guarantee("S1")
def test_the_schedule_is_the_one_that_is_written_down() -> None:
    text = (Path(__file__).parents[2] / "docs" / "delivery-guarantees.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith("| after the one before |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")][1:-1]
    units = {"s": 1, "min": 60, "h": 3600}
    said = [int(found[1]) * units[found[2]] for cell in cells if (found := re.fullmatch(r"(\d+) (s|min|h)", cell))]
    assert cells[0] == "at once"
    assert [0, *said] == [0, *PROMISED] == [delay.total_seconds() for delay in DELAYS]


def closing(end: str, message: Post, handoff: str, sure: bool) -> None:
    """What must stand at the end of a schedule: dead, with its bytes, its date, and a person's duty."""
    row = message.row("select * from outbox where handoff_id = %s", handoff)
    assert (row["state"], row["dead_at"], row["attempts"]) == ("DEAD", message.now, len(DELAYS)), end
    assert message.sealer.open(row["body_sealed"], f"outbox:{row['message_id']}"), "nothing is deleted"
    duty, = message.duties("undelivered")
    assert (duty["ref"], duty["handoff_id"], duty["closed_at"]) == (row["message_id"], handoff, None)
    last = message.attempts(row["message_id"])[-1]
    assert (last["outcome"], last["next_at"], last["doubt"]) == ("dead", None, not sure)
    assert message.claim() == []
    assert message.flaws() == []


@pytest.mark.guarantee("S1", "F11", "F13", "M12")
@FIFTH
@pytest.mark.parametrize("word", ["busy", "nobody"])
def test_surely_not_processed_goes_by_the_schedule_to_its_end(post: Post, end: int, word: str) -> None:
    post.dice = Loaded(end)
    handoff = post.send()
    with partner(always(429)) as server:
        if word == "nobody":
            server.url = f"http://127.0.0.1:{free_port()}"
        post.reaches(post.connector(server))
        found = post.deliver_all(handoff)
    assert [a["attempt_no"] for a in found] == list(range(1, 11))
    assert gaps(found) == pytest.approx(promised(end))
    assert {a["klass"] for a in found} == {"not-processed"}
    sent = [(a["sent_bytes"] > 0, bool(a["sent_digest"]), a["status"]) for a in found]
    assert set(sent) == ({(True, True, 429)} if word == "busy" else {(False, False, None)}), "nothing went out where nobody listened"
    assert all(a["started_at"] == a["at"] and a["took_ms"] >= 0 and a["asked"] == "" for a in found)
    closing(word, post, handoff, sure=True)


@pytest.mark.guarantee("S1", "F11")
@FIFTH
def test_what_the_partner_asks_for_is_kept_and_no_more_than_a_day(post: Post, end: int) -> None:
    post.dice = Loaded(end)
    handoff = post.send()
    answers = iter([always(503, Retry_After="3600"), always(429, Retry_After="60"), always(503, Retry_After="864000"), always(503, Retry_After="0")])
    last: list[Word] = []

    def word(request: Request) -> Reply:
        last[:] = [next(answers, last[0] if last else always(429))]
        return last[0](request)

    with partner(word) as server:
        post.reaches(post.connector(server))
        found = post.deliver_all(handoff)
    usual = promised(end)
    assert gaps(found)[:4] == pytest.approx([3600 * (1, 1.2)[end], max(usual[1], 60 * (1, 1.2)[end]), DAY, usual[3]])
    assert gaps(found)[4:] == pytest.approx(usual[4:])
    assert len(found) == len(DELAYS)


@pytest.mark.guarantee("F4", "F5", "F12", "F13", "M3")
@FIFTH
@pytest.mark.parametrize("cause", ["500", "lost"])
@pytest.mark.parametrize("asked", ["silent", "not-there"])
def test_in_doubt_it_is_asked_about_and_sent_again_under_its_id(post: Post, end: int, cause: str, asked: str) -> None:
    """Where the partner says that it has not got it, each attempt begins without doubt; where it says nothing, its de-duplication is relied on."""
    post.dice = Loaded(end)
    handoff = post.send()
    seen: list[str] = []

    def word(request: Request) -> Reply:
        seen.append(f"{request.method} {request.headers.get('idempotency-key', request.path.rsplit('/', 1)[1])}")
        if request.method == "GET":
            return never_seen(request) if asked == "not-there" else Reply(500)
        if cause == "lost":
            raise ConnectionError("the line breaks before the answer")
        return Reply(500)

    with partner(word) as server:
        post.reaches(post.connector(server))
        found = post.deliver_all(handoff)
    message_id = found[0]["message_id"]
    assert gaps(found) == pytest.approx(promised(end))
    assert {a["klass"] for a in found} == {"ambiguous"}
    assert [a["asked"] for a in found] == ["", *["not-received" if asked == "not-there" else "http-500"] * 9]
    assert all(a["sent_bytes"] and a["sent_digest"] == post.outbox(message_id)["digest"] for a in found)
    assert seen == [f'POST "{message_id}"', *[f"GET {message_id}", f'POST "{message_id}"'] * 9], "never a new id"
    assert all(a["outcome"] == "unknown" and a["doubt"] for a in found[:-1])
    closing(cause, post, handoff, sure=False)


@pytest.mark.guarantee("F13", "M3", "M4")
@FIFTH
def test_who_cannot_be_asked_and_takes_a_message_twice_is_sent_it_once(post: Post, end: int) -> None:
    post.dice = Loaded(end)
    first = post.send()
    posts: list[str] = []

    def word(request: Request) -> Reply:
        posts.append(request.method)
        return Reply(502)

    with partner(word) as server:
        post.reaches(post.connector(server, Abilities(False, True, False, True)))
        found = post.deliver_all(first)
        assert posts == ["POST"], "once, and never again"
        assert [(a["outcome"], a["code"], a["sent_bytes"] > 0) for a in found] == [("unknown", "http-502", True), ("dead", "doubtful", False)]
        assert gaps(found) == pytest.approx(promised(end)[:1])
        posts.clear()
        post.reaches(post.connector(server, Abilities(False, True, True, True)))
        found = post.deliver_all(post.send())
    assert posts == ["POST", *["GET"] * 9], "asked to the end of the schedule, sent once"
    assert gaps(found) == pytest.approx(promised(end))
    assert [a["sent_bytes"] > 0 for a in found] == [True, *[False] * 9]
    assert found[-1]["doubt"]
    assert len(post.duties("undelivered")) == 2


@pytest.mark.guarantee("F10", "S1")
@FIFTH
@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_fault_of_the_endpoint_is_mended_by_people_so_the_message_waits(post: Post, end: int, status: int) -> None:
    post.dice = Loaded(end)
    handoff = post.send()
    with partner(always(status)) as server:
        post.reaches(post.connector(server))
        found = post.deliver_all(handoff, most=14)
    assert gaps(found) == pytest.approx([*promised(end), *[DAY] * 5])
    assert {(a["klass"], a["outcome"], a["status"], a["doubt"]) for a in found} == {("endpoint-fault", "retry", status, False)}
    assert post.row("select state, dead_at from outbox") == {"state": "RETRY_WAIT", "dead_at": None}
    assert post.duties("undelivered") == []


@pytest.mark.guarantee("S1")
@FIFTH
def test_our_own_fault_waits_as_well(post: Post, end: int) -> None:
    """No keys, a wrong option: nothing can go out, and nothing is given up."""
    dice = Loaded(end)
    post.send()
    for n in range(12):
        leased, = post.claim()
        post.settle(faulty(leased, "no-keys", "the body's connector is not configured", post.now, dice, sent=False).result)
        row = post.attempts(leased.message_id)[-1]
        assert (row["klass"], row["sent_bytes"], row["outcome"]) == ("own-fault", 0, "retry")
        assert gaps([row]) == pytest.approx([promised(end)[n] if n < 9 else DAY])
        post.time.set(row["next_at"])


@pytest.mark.guarantee("F9")
@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_message_refused_for_good_is_tried_once_and_given_to_a_person(post: Post, status: int) -> None:
    handoff = post.send()
    with partner(always(status)) as server, partner(stores(lambda: post.now)) as other:
        post.reaches(post.connector(server), post.connector(other))
        found = post.deliver_all(handoff)
        assert (len(server.seen), len(other.seen)) == (1, 0), "what is refused goes by no other way"
    assert [(a["klass"], a["outcome"], a["status"], a["doubt"]) for a in found] == [("message-refused", "dead", status, False)]
    assert post.row("select state, way from outbox") == {"state": "DEAD", "way": 0}
    assert len(post.duties("undelivered")) == 1
    assert "send-refused" in post.handoff(handoff)["flags"], "it can be taken back and routed anew"


@pytest.mark.guarantee("F8")
def test_a_weak_receipt_is_the_end_of_trying_and_not_of_doubt(post: Post) -> None:
    weak = post.send()
    with partner(always(200)) as server:
        post.reaches(post.connector(server, signed_receipts=False))
        found = post.deliver_all(weak)
        assert [(a["klass"], a["outcome"], a["status"], a["doubt"], a["next_at"]) for a in found] == [("weak", "weak", 200, True, None)]
        assert post.row("select state from outbox where handoff_id = %s", weak) == {"state": "WEAK_RECEIPT"}
        post.reaches(post.connector(server))
        post.dice = Loaded(0)
        found = post.deliver_all(post.send(), most=3)
    assert gaps(found) == pytest.approx(promised(0)[:3])
    assert {(a["klass"], a["code"], a["status"]) for a in found} == {("ambiguous", "receipt-missing", 200)}


@pytest.mark.guarantee("F5", "M3", "M4")
def test_a_lost_answer_is_had_by_asking(post: Post) -> None:
    handoff = post.send()
    kept: dict[str, bytes] = {}
    honest = stores(lambda: post.now, kept)
    lost: list[int] = []

    def word(request: Request) -> Reply:
        reply = honest(request)
        if request.method == "POST" and not lost:
            lost.append(1)
            raise ConnectionError("stored, and the answer lost")
        return reply

    with partner(word) as server:
        post.reaches(post.connector(server))
        found = post.deliver_all(handoff)
        assert [r.method for r in server.seen] == ["POST", "GET"]
    assert [(a["klass"], a["asked"], a["outcome"], a["sent_bytes"] > 0) for a in found] == [
        ("ambiguous", "", "unknown", True), ("delivered", "receipted", "receipted", False)]
    assert len(kept) == 1
    assert post.row("select state from outbox") == {"state": "RECEIPTED"}


@pytest.mark.guarantee("F3", "F4", "F6", "M2")
def test_a_try_whose_sender_died_has_its_row_as_well(post: Post) -> None:
    handoff = post.send()
    leased, = post.claim(seconds=60)
    began = post.now
    post.wait(seconds=61)
    with post.transaction() as connection:
        assert outbox.reap(connection, post.now) == 1
        assert outbox.reap(connection, post.now) == 0
    row, = post.attempts(leased.message_id)
    assert (row["attempt_no"], row["started_at"], row["at"], row["next_at"]) == (1, began, post.now, post.now)
    assert (row["outcome"], row["klass"], row["code"], row["doubt"]) == ("unknown", "ambiguous", "sender-gone", True)
    with partner(stores(lambda: post.now)) as server:
        post.reaches(post.connector(server))
        found = post.deliver_all(handoff)
        assert [r.method for r in server.seen] == ["GET", "POST"], "asked about before it is sent"
    assert [a["outcome"] for a in found] == ["unknown", "receipted"]
    # The sender lives after all, and tells: its word takes the place of what was supposed of it, and changes nothing else.
    post.settle(post.receipted(leased), owner="w1")
    assert [(a["attempt_no"], a["outcome"]) for a in post.attempts(leased.message_id)] == [(1, "receipted"), (2, "receipted")]
    assert len(post.rows("select 1 from receipt")) == 1


@pytest.mark.guarantee("F7")
def test_a_settlement_told_twice_is_one_row(post: Post) -> None:
    post.send()
    leased, = post.claim()
    result = post.receipted(leased)
    assert [post.settle(result), post.settle(result)] == [1, 0]
    row, = post.attempts(leased.message_id)
    assert (row["outcome"], row["doubt"]) == ("receipted", False)
