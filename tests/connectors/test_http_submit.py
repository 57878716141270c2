"""Submitting over real HTTP: what goes out, and which receipts are believed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.base import Delivered, Outcome, Outgoing, Unknown, WeakReceipt
from connectors.wire import receipts
from connectors.wire.events import decode, new_id
from connectors.wire.signing import new_secret, verify
from runtime.timesource import FixedTime
from tests.connectors.partner import (
    NOW,
    TO_BODY,
    Reply,
    Request,
    encoded,
    honest,
    partner,
    receipt_for,
    signed,
)


def outgoing(raw: bytes | None = None, traceparent: str | None = None) -> Outgoing:
    raw = encoded() if raw is None else raw
    event = decode(raw)
    return Outgoing(event.id, event.subject, "court-990100", raw, traceparent)


def submit_to(answer: Callable[[Request], Reply], signed_receipts: bool = True) -> Outcome:
    with partner(answer) as there:
        connector = there.connector(signed_receipts=signed_receipts)
        try:
            return connector.submit(outgoing())
        finally:
            connector.close()


def test_what_goes_out_is_the_given_bytes_and_every_header() -> None:
    message = outgoing(encoded(title="中文 “引号”"), "00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    with partner(honest) as there:
        outcome = there.connector().submit(message)
        request = there.seen[0]
    assert isinstance(outcome, Delivered)
    assert outcome.receipt.message_id == message.message_id
    assert request.body == message.raw
    assert (request.method, request.path) == ("POST", "/p/court/handoff/v1/messages")
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert request.headers["idempotency-key"] == f'"{message.message_id}"'
    assert request.headers["traceparent"] == message.traceparent
    assert request.headers["accept-encoding"] == "identity"
    assert "urn:xf:bureau:990100" in request.headers["user-agent"]
    assert verify([TO_BODY], request.headers, request.body, NOW) == message.message_id


@pytest.mark.guarantee("M3")
def test_a_retry_is_stamped_anew_under_the_same_id() -> None:
    clock = FixedTime(NOW)
    message = outgoing()
    with partner(lambda request: Reply(429)) as there:
        connector = there.connector(clock.now)
        connector.submit(message)
        clock.advance(timedelta(hours=2))
        connector.submit(message)
        first, second = there.seen
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert verify([TO_BODY], second.headers, second.body, clock.now()) == message.message_id


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("word", ["stored", "duplicate", "held"])
def test_a_true_receipt_is_believed(status: int, word: str) -> None:
    outcome = submit_to(
        lambda request: signed(receipts.encode(receipt_for(request, status=word)), "r-1", status),
    )
    assert isinstance(outcome, Delivered)
    assert outcome.receipt.status == word


def forged(request: Request) -> Reply:
    return signed(receipts.encode(receipt_for(request)), "r-1", key=new_secret())


def own_words_back(request: Request) -> Reply:
    return signed(receipts.encode(receipt_for(request)), "r-1", key=TO_BODY)


def unsigned(request: Request) -> Reply:
    return Reply(200, receipts.encode(receipt_for(request)))


def old(request: Request) -> Reply:
    return signed(receipts.encode(receipt_for(request)), "r-1", at=NOW - timedelta(seconds=301))


def gibberish_signature(request: Request) -> Reply:
    reply = honest(request)
    return replace(reply, headers={**reply.headers, "webhook-signature": "nonsense"})


def changed_after_signing(request: Request) -> Reply:
    reply = honest(request)
    return replace(reply, body=reply.body.replace(b"stored", b"held"))


def for_another(request: Request) -> Reply:
    return signed(receipts.encode(receipt_for(request, message_id=new_id())), "r-1")


def other_receipt_id(request: Request) -> Reply:
    return signed(receipts.encode(receipt_for(request)), "r-2")


def other_bytes(request: Request) -> Reply:
    return signed(receipts.encode(receipt_for(request, body_digest=receipts.body_digest(b"other"))), "r-1")


def not_a_receipt(request: Request) -> Reply:
    return signed(b'{"code":0,"msg":"success"}', "r-1")


def zipped(request: Request) -> Reply:
    reply = honest(request)
    return replace(reply, headers={**reply.headers, "Content-Encoding": "gzip"})


@pytest.mark.guarantee("F8", "P1")
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (forged, "receipt-signature-mismatch"),
        (own_words_back, "receipt-signature-mismatch"),
        (unsigned, "receipt-signature-missing"),
        (old, "receipt-signature-stale"),
        (gibberish_signature, "receipt-signature-malformed"),
        (changed_after_signing, "receipt-signature-mismatch"),
        (for_another, "receipt-misplaced"),
        (other_receipt_id, "receipt-misplaced"),
        (other_bytes, "receipt-digest"),
        (not_a_receipt, "receipt-unreadable"),
        (zipped, "receipt-encoded"),
        (lambda request: Reply(204), "receipt-missing"),
        (lambda request: Reply(200, b"x" * 9_000_000), "receipt-too-large"),
    ],
)
def test_a_success_without_a_true_receipt_proves_nothing(answer: Callable[[Request], Reply], code: str) -> None:
    outcome = submit_to(answer)
    assert isinstance(outcome, Unknown)
    assert outcome.code == code


@pytest.mark.guarantee("F8")
def test_a_partner_that_signs_no_receipts_gives_weak_ones() -> None:
    for answer in (unsigned, not_a_receipt, lambda request: Reply(204)):
        outcome = submit_to(answer, signed_receipts=False)
        assert isinstance(outcome, WeakReceipt)
        assert outcome.detail.startswith("receipt-")
    assert isinstance(submit_to(honest, signed_receipts=False), Delivered)
    other = submit_to(other_bytes, signed_receipts=False)
    assert isinstance(other, Unknown)


def test_a_clock_that_steps_between_sending_and_answer_does_no_harm() -> None:
    clock = FixedTime(NOW)

    def slow(request: Request) -> Reply:
        made = clock.advance(timedelta(hours=6))
        reply = signed(receipts.encode(receipt_for(request)), "r-1", at=made)
        clock.advance(timedelta(days=1))
        return reply

    with partner(slow) as there:
        assert isinstance(there.connector(clock.now).submit(outgoing()), Delivered)


def test_one_connection_serves_many_messages_and_each_thread_has_its_own() -> None:
    with partner(honest) as there:
        connector = there.connector()

        def run() -> None:
            for _ in range(5):
                assert isinstance(connector.submit(outgoing()), Delivered)

        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(there.seen) == 15
        assert len({request.client_port for request in there.seen}) == 3
        connector.close()
        assert isinstance(connector.submit(outgoing()), Delivered)
        connector.close()


def test_no_cookie_is_kept() -> None:
    def sets(request: Request) -> Reply:
        reply = honest(request)
        return replace(reply, headers={**reply.headers, "Set-Cookie": "track=1; Path=/"})

    with partner(sets) as there:
        connector = there.connector()
        connector.submit(outgoing())
        connector.submit(outgoing())
        assert all("cookie" not in request.headers for request in there.seen)


def test_what_cannot_be_sent_is_named_before_it_is_sent() -> None:
    with pytest.raises(ValueError, match="traceparent"):
        outgoing(traceparent="00-x\r\nEvil: 1")
    with pytest.raises(ValueError, match="message_id"):
        Outgoing("a.b", "h", "court-990100", b"{}")
    assert "标题" not in repr(outgoing(encoded(title="标题")))
