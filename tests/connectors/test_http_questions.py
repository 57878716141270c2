"""Questions by GET: signed both ways, page after page, and whose answer is believed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from connectors.base import CallFailed, Delivered, NotReceived, Unavailable, Unknown
from connectors.http.connector import MAX_EMPTY_PAGES, MAX_FETCH_BYTES, HttpConnector
from connectors.http.options import HttpOptions
from connectors.wire import ledger, pages, problems, receipts
from connectors.wire.events import new_id
from connectors.wire.ledger import Item, day_digest
from connectors.wire.receipts import Receipt, body_digest
from connectors.wire.signing import new_secret, request_target, verify
from tests.connectors.partner import (
    BUREAU,
    COURT,
    FROM_BODY,
    KEYS,
    NOW,
    PETITION,
    TO_BODY,
    Reply,
    Request,
    encoded,
    free_port,
    partner,
    signed,
)
from tests.connectors.test_http_failures import answering, connector_to

DAY = date(2026, 2, 13)


def answered(body: bytes) -> Callable[[Request], Reply]:
    return lambda request: signed(body, request.headers["webhook-id"])


def item() -> Item:
    return Item(new_id(), PETITION, None, "SIGNED", 1, 1, 1, NOW, body_digest(b"x"))


def not_found(request: Request) -> Reply:
    return Reply(404, problems.encode(problems.unknown_message()), {"Content-Type": problems.MEDIA_TYPE})


@pytest.mark.guarantee("P3")
def test_the_question_by_key() -> None:
    receipt = Receipt("r-9", new_id(), NOW - timedelta(days=2), body_digest(b"x"), "stored")
    with partner(lambda request: signed(receipts.encode(receipt), "r-9")) as there:
        connector = there.connector()
        answer = connector.query(receipt.message_id, receipt.body_digest)
        assert answer == Delivered(receipt)
        # The proof is kept as it came: whoever has the secret can verify it again years later.
        assert isinstance(answer, Delivered)
        assert answer.raw == receipts.encode(receipt)
        headers = dict(line.split(": ", 1) for line in answer.signature.splitlines())
        assert verify((FROM_BODY,), headers, answer.raw, NOW) == "r-9"
        request = there.seen[0]
        assert request.path == f"/p/court/handoff/v1/messages/{receipt.message_id}"
        verify([TO_BODY], request.headers, request_target("GET", request.path), NOW)
        other = connector.query(receipt.message_id, body_digest(b"y"))
        assert isinstance(other, Unknown)
        assert other.code == "receipt-digest"
        wrong = connector.query(new_id(), receipt.body_digest)
        assert isinstance(wrong, Unknown)
        assert wrong.code == "receipt-misplaced"
        with pytest.raises(ValueError, match="message_id"):
            connector.query("../ledger", receipt.body_digest)


@pytest.mark.guarantee("P3", "M4")
def test_not_received_is_told_from_a_missing_page() -> None:
    with partner(not_found) as there:
        assert there.connector().query(new_id(), body_digest(b"x")) == NotReceived()
    with partner(lambda request: Reply(404)) as there:
        outcome = there.connector().query(new_id(), body_digest(b"x"))
        assert isinstance(outcome, Unavailable)
        assert outcome.endpoint
    for status in (204, 400, 500):
        with partner(answering(status)) as there:
            assert isinstance(there.connector().query(new_id(), body_digest(b"x")), Unknown)
            weak = there.connector(signed_receipts=False)
            assert isinstance(weak.query(new_id(), body_digest(b"x")), Unknown)


@pytest.mark.guarantee("P4")
def test_messages_come_in_pages_byte_for_byte() -> None:
    handoff_id = new_id()
    raws = [encoded("handoff.progress", source=COURT, to=BUREAU, sequence=n, handoff_id=handoff_id, note="办理中") for n in range(1, 6)]

    def answer(request: Request) -> Reply:
        after = int(request.path.rpartition("=")[2])
        body = pages.encode_messages(raws[after : after + 2], after + 2 >= len(raws))
        return signed(body, request.headers["webhook-id"])

    with partner(answer) as there:
        connector = there.connector()
        assert connector.fetch(handoff_id, 0) == raws
        assert connector.fetch(handoff_id, 3) == raws[3:]
        assert connector.fetch(handoff_id, 5) == []
        with pytest.raises(ValueError, match="handoff_id"):
            connector.fetch("../x", 0)


def test_pages_that_go_round_in_a_ring_are_left() -> None:
    handoff_id = new_id()
    raw = encoded("handoff.resumed", source=COURT, to=BUREAU, handoff_id=handoff_id)
    with partner(answered(pages.encode_messages([raw], False))) as there, pytest.raises(CallFailed, match="endless"):
        there.connector().fetch(handoff_id, 0)
    ring = ledger.encode_page([item()], "same")
    with partner(answered(ring)) as there, pytest.raises(CallFailed, match="endless"):
        list(there.connector().ledger(DAY, DAY))


def test_a_listing_of_nothing_and_one_that_takes_too_long_end() -> None:
    def empty(request: Request) -> Reply:
        return signed(ledger.encode_page([], new_id()), request.headers["webhook-id"])

    with partner(empty) as there, pytest.raises(CallFailed) as caught:
        list(there.connector().ledger(DAY, DAY))
    assert (caught.value.outcome.code, len(there.seen)) == ("endless-pages", MAX_EMPTY_PAGES)

    def slow(request: Request) -> Reply:
        return signed(ledger.encode_page([item()], new_id()), request.headers["webhook-id"])

    with partner(slow) as there, pytest.raises(CallFailed) as caught:
        list(HttpConnector(HttpOptions(base_url=there.url), KEYS, lambda: NOW, BUREAU, listing_s=0).ledger(DAY, DAY))
    assert (caught.value.outcome.code, len(there.seen)) == ("too-long", 1)


@pytest.mark.guarantee("P4")
def test_what_a_body_sent_is_had_in_pieces_that_memory_can_bear() -> None:
    """More than is kept at once: the beginning is given, in order, and the rest when it is asked for again."""
    handoff_id = new_id()
    raws = [encoded("handoff.progress", source=COURT, to=BUREAU, sequence=n, handoff_id=handoff_id, note="办理中", scan="办" * 80_000) for n in range(1, 181)]

    def answer(request: Request) -> Reply:
        after = int(request.path.rpartition("=")[2])
        return signed(pages.encode_messages(raws[after : after + 20], after + 20 >= len(raws)), request.headers["webhook-id"])

    with partner(answer) as there:
        first = there.connector().fetch(handoff_id, 0)
        assert len(first) < len(raws)
        assert sum(len(raw) for raw in first[:-20]) < MAX_FETCH_BYTES <= sum(len(raw) for raw in first)
        assert first + there.connector().fetch(handoff_id, len(first)) == raws
        hurried = HttpConnector(HttpOptions(base_url=there.url), KEYS, lambda: NOW, BUREAU, listing_s=0)
        assert hurried.fetch(handoff_id, 0) == raws[:20], "what came in time is had"


def test_the_ledger_comes_in_pages() -> None:
    items = [item() for _ in range(5)]
    bodies = {"": (items[:2], "a/+ 1"), "cursor=a%2F%2B+1": (items[2:4], "b"), "cursor=b": (items[4:], None)}

    def answer(request: Request) -> Reply:
        target = request_target("GET", request.path)
        verify([TO_BODY], request.headers, target, NOW)
        part, cursor = bodies[next((word for word in request.path.split("&") if word.startswith("cursor")), "")]
        return signed(ledger.encode_page(part, cursor), request.headers["webhook-id"])

    with partner(answer) as there:
        assert list(there.connector(page_limit=2).ledger(DAY, DAY)) == items
        assert there.seen[0].path == "/p/court/handoff/v1/ledger?from=2026-02-13&to=2026-02-13&limit=2"


def test_digests_and_days_nobody_asked_for() -> None:
    days = [day_digest(DAY, [item(), item()])]
    with partner(answered(ledger.encode_digests(days))) as there:
        connector = there.connector()
        assert connector.digests(DAY, DAY) == ledger.Digests(days)
        with pytest.raises(CallFailed, match="not asked"):
            connector.digests(DAY + timedelta(days=1), DAY + timedelta(days=2))


def misplaced(request: Request) -> Reply:
    return signed(ledger.encode_digests([]), new_id())


def forged(request: Request) -> Reply:
    return signed(ledger.encode_digests([]), request.headers["webhook-id"], key=new_secret())


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (misplaced, "answer-misplaced"),
        (forged, "answer-forged"),
        (lambda request: Reply(200, ledger.encode_digests([])), "answer-forged"),
        (answered(b"{}"), "bad-ledger"),
        (lambda request: Reply(200, b"x" * 9_000_000), "answer-too-large"),
        (lambda request: Reply(500), "http-500"),
        (lambda request: Reply(422), "http-422"),
        (lambda request: Reply(302, b"", {"Location": "http://127.0.0.1:1/"}), "redirect"),
    ],
)
def test_an_answer_that_cannot_be_believed_is_named(answer: Callable[[Request], Reply], code: str) -> None:
    with partner(answer) as there, pytest.raises(CallFailed) as caught:
        there.connector().digests(DAY, DAY)
    assert caught.value.outcome.code == code


@pytest.mark.parametrize("body", [b"{}", b'{"messages":["{}"],"complete":false}', pages.encode_messages([b"{}"] * (pages.MAX_PAGE_MESSAGES + 1), True)],
                         ids=["nothing", "no event", "too many"])
def test_a_page_that_cannot_be_read_is_named(body: bytes) -> None:
    with partner(answered(body)) as there, pytest.raises(CallFailed) as caught:
        there.connector().fetch(new_id(), 0)
    assert caught.value.outcome.code == "bad-page"


def test_check_says_in_chinese_what_is_wrong() -> None:
    with partner(answered(ledger.encode_digests([]))) as there:
        assert there.connector().check() == []
    with partner(forged) as there:
        assert ["密钥" in finding for finding in there.connector().check()] == [True]
    with partner(lambda request: Reply(404)) as there:
        assert ["base_url" in finding for finding in there.connector().check()] == [True]
    nobody = connector_to(f"http://127.0.0.1:{free_port()}").check()
    assert ["连不上" in finding for finding in nobody] == [True]
    far = connector_to("http://no-such-host.invalid").check()
    assert [("https" in finding, "主机名" in finding) for finding in far] == [(True, False), (False, True)]
