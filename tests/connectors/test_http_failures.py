"""The failure taxonomy over real sockets: not processed, perhaps processed, refused, endpoint at fault."""

from __future__ import annotations

import gc
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime

import pytest

from connectors.base import Delivered, Outcome, Refused, Unavailable, Unknown
from connectors.http.connector import HttpConnector
from connectors.http.options import HttpOptions
from connectors.http.retryafter import retry_after
from connectors.wire import problems, receipts
from tests.connectors.partner import (
    BUREAU,
    KEYS,
    NOW,
    Partner,
    Reply,
    Request,
    free_port,
    honest,
    partner,
    raw_partner,
    read_request,
    receipt_for,
    reset,
    signed,
)
from tests.connectors.test_http_submit import outgoing


def answering(status: int, problem: problems.Problem | None = None, retry: str | None = None) -> Callable[[Request], Reply]:
    headers = {}
    if problem is not None:
        headers["Content-Type"] = problems.MEDIA_TYPE + "; charset=utf-8"
    if retry is not None:
        headers["Retry-After"] = retry
    return lambda request: Reply(status, problems.encode(problem) if problem else b"", headers)


def submit(there: Partner, read_timeout: float = 0.3) -> Outcome:
    connector = there.connector(connect_timeout=0.5, read_timeout=read_timeout)
    try:
        return connector.submit(outgoing())
    finally:
        connector.close()


def outcome_of(status: int, problem: problems.Problem | None = None, retry: str | None = None) -> Outcome:
    with partner(answering(status, problem, retry)) as there:
        return submit(there, 5)


@pytest.mark.parametrize("status", [408, 425, 429])
def test_surely_not_processed(status: int) -> None:
    outcome = outcome_of(status)
    assert outcome == Unavailable(f"the receiver answered {status}", None, False, f"http-{status}")


def test_retry_after_in_both_forms() -> None:
    for retry, wait in (("120", 120), (format_datetime(NOW + timedelta(minutes=7), usegmt=True), 420)):
        for status in (429, 503):
            outcome = outcome_of(status, problems.unavailable(), retry)
            assert isinstance(outcome, Unavailable)
            assert (outcome.retry_after, outcome.endpoint) == (timedelta(seconds=wait), False)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("１２", None),
        ("0", timedelta(0)),
        ("  7 ", timedelta(seconds=7)),
        ("9" * 400, timedelta(days=7)),
        ("Fri, 13 Feb 2026 08:41:00 GMT", timedelta(minutes=1)),
        ("Friday, 13-Feb-26 08:41:00 GMT", timedelta(minutes=1)),
        ("Fri Feb 13 08:41:00 2026", timedelta(minutes=1)),
        ("Fri, 13 Feb 2026 16:41:00 +0800", timedelta(minutes=1)),
        ("Fri, 13 Feb 2020 08:41:00 GMT", timedelta(0)),
        ("Fri, 13 Feb 9999 08:41:00 GMT", timedelta(days=7)),
        ("Fri, 99 Feb 2026 08:41:00 GMT", None),
    ],
)
def test_every_form_of_retry_after(value: str | None, wait: timedelta | None) -> None:
    assert retry_after(value, NOW) == wait


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 520])
def test_perhaps_processed(status: int) -> None:
    outcome = outcome_of(status)
    assert isinstance(outcome, Unknown)
    assert outcome.code == f"http-{status}"


@pytest.mark.parametrize("status", [400, 406, 413, 414, 415, 422, 431])
def test_the_message_is_refused(status: int) -> None:
    outcome = outcome_of(status)
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.problem.status) == (f"http-{status}", status)


def test_a_refusal_keeps_the_reasons_given() -> None:
    outcome = outcome_of(422, problems.bad_event("data.round is missing"))
    assert isinstance(outcome, Refused)
    assert outcome.code == "bad-event"
    assert outcome.problem.detail == "data.round is missing"
    assert "round" not in repr(outcome)


@pytest.mark.parametrize("status", [401, 403, 404, 405, 410])
def test_the_endpoint_is_at_fault(status: int) -> None:
    outcome = outcome_of(status)
    assert isinstance(outcome, Unavailable)
    assert outcome.endpoint
    assert outcome.code == f"http-{status}"


def test_a_status_of_the_endpoint_with_a_reason_of_the_message() -> None:
    outcome = outcome_of(404, problems.unknown_handoff())
    assert isinstance(outcome, Refused)
    assert outcome.code == "unknown-handoff"
    keys = outcome_of(401, problems.bad_signature("mismatch"))
    assert isinstance(keys, Unavailable)
    assert (keys.endpoint, keys.code) == (True, "bad-signature")


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_a_redirect_is_never_followed(status: int) -> None:
    with partner(honest) as goal:
        answer = lambda request: Reply(status, b"", {"Location": goal.url + "/handoff/v1/messages"})  # noqa: E731
        with partner(answer) as there:
            outcome = submit(there, 5)
        assert goal.seen == []
    assert isinstance(outcome, Unavailable)
    assert (outcome.endpoint, outcome.code) == (True, "redirect")


def test_a_conflict_is_read_by_its_reason() -> None:
    busy = outcome_of(409, problems.in_progress(), "3")
    assert isinstance(busy, Unavailable)
    assert (busy.retry_after, busy.code) == (timedelta(seconds=3), "in-progress")
    assert isinstance(outcome_of(409, None, "3"), Unavailable)
    illegal = outcome_of(409, problems.illegal_transition("CLOSED"))
    assert isinstance(illegal, Refused)
    assert illegal.code == "illegal-transition"


@pytest.mark.parametrize("problem", [problems.already_processed(), None])
def test_processed_before_becomes_a_receipt_by_asking(problem: problems.Problem | None) -> None:
    kept: list[receipts.Receipt] = []

    def answer(request: Request) -> Reply:
        if request.method == "POST":
            kept.append(receipt_for(request))
            return answering(409, problem)(request)
        return signed(receipts.encode(kept[0]), kept[0].receipt_id)

    with partner(answer) as there:
        outcome = submit(there, 5)
        assert [request.method for request in there.seen] == ["POST", "GET"]
    assert isinstance(outcome, Delivered)


def test_processed_before_without_a_receipt_stays_unknown() -> None:
    def answer(request: Request) -> Reply:
        return answering(409, problems.already_processed())(request) if request.method == "POST" else Reply(500)

    with partner(answer) as there:
        outcome = submit(there, 5)
    assert isinstance(outcome, Unknown)
    assert outcome.code == "already-processed"


def connector_to(url: str, connect_timeout: float = 0.5) -> HttpConnector:
    options = HttpOptions(base_url=url, connect_timeout=connect_timeout, read_timeout=0.5)
    return HttpConnector(options, KEYS, lambda: NOW, BUREAU)


def test_nobody_listens() -> None:
    outcome = connector_to(f"http://127.0.0.1:{free_port()}").submit(outgoing())
    assert outcome == Unavailable("no connection: connect-failed", None, False, "connect-failed")


def test_no_such_host() -> None:
    outcome = connector_to("http://no-such-host.invalid").submit(outgoing())
    assert isinstance(outcome, Unavailable)
    assert (outcome.code, outcome.endpoint) == ("dns", False)


def test_a_server_that_comes_up_within_the_second_is_reached() -> None:
    port = free_port()
    served: list[bytes] = []

    def late() -> None:
        time.sleep(0.05)
        with socket.create_server(("127.0.0.1", port)) as listener:
            connection, _ = listener.accept()
            with connection:
                served.append(read_request(connection))
                connection.sendall(b"HTTP/1.1 429 x\r\nContent-Length: 0\r\n\r\n")

    thread = threading.Thread(target=late)
    thread.start()
    outcome = connector_to(f"http://127.0.0.1:{port}", 5).submit(outgoing())
    thread.join()
    assert outcome.code == "http-429"
    assert len(served) == 1


def test_a_full_queue_of_connections_times_out_unsent() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        fillers = []
        for _ in range(4):  # the kernel takes a few more than asked; the rest wait for an answer that never comes
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        outcome = connector_to(f"http://127.0.0.1:{port}", 0.3).submit(outgoing())
        for filler in fillers:
            filler.close()
    assert outcome == Unavailable("no connection: connect-timeout", None, False, "connect-timeout")


def test_a_reset_before_tls_is_unsent() -> None:
    with raw_partner(reset) as there:
        outcome = connector_to(there.url.replace("http:", "https:")).submit(outgoing())
    assert isinstance(outcome, Unavailable)
    assert outcome.code in ("connect-failed", "tls")
    assert not outcome.endpoint


def answer_late(connection: socket.socket) -> None:
    read_request(connection)
    time.sleep(1)


def reset_after_reading(connection: socket.socket) -> None:
    read_request(connection)
    reset(connection)


def close_after_reading(connection: socket.socket) -> None:
    read_request(connection)


def reset_half_way(connection: socket.socket) -> None:
    connection.recv(100)
    reset(connection)


def half_a_status_line(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 20")


def not_http(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"+OK POP3 ready\r\n")


def half_an_answer(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{"receipt_id"')


def half_a_chunk(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nabc")


def dripping(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n")
    for _ in range(100):
        try:
            connection.sendall(b" ")
        except OSError:
            return
        time.sleep(0.1)


def dripping_head(connection: socket.socket) -> None:
    read_request(connection)
    try:
        for letter in b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 100:
            connection.sendall(bytes([letter]))
            time.sleep(0.1)
    except OSError:
        return


def endless(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    try:
        while True:
            connection.sendall(b"x" * 65_536)
    except OSError:
        return


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (answer_late, "read-timeout"),
        (reset_after_reading, "connection-lost"),
        (close_after_reading, "connection-lost"),
        (reset_half_way, "connection-lost"),
        (half_a_status_line, "connection-lost"),
        (not_http, "connection-lost"),
        (half_an_answer, "receipt-cut-off"),
        (half_a_chunk, "receipt-cut-off"),
        (dripping, "receipt-too-slow"),
        (dripping_head, "read-timeout"),
        (endless, "receipt-too-large"),
    ],
)
def test_once_a_byte_is_out_the_end_is_unknown(script: Callable[[socket.socket], None], code: str) -> None:
    started = time.monotonic()
    with raw_partner(script) as there:
        outcome = submit(there, 5 if script is endless else 0.3)
    assert isinstance(outcome, Unknown)
    assert outcome.code == code
    assert time.monotonic() - started < 4


def test_the_connections_of_a_thread_go_with_it() -> None:
    closed = threading.Event()

    def until_closed(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 429 x\r\nContent-Length: 0\r\n\r\n")
        if connection.recv(1) == b"":
            closed.set()

    with raw_partner(until_closed) as there:
        connector = there.connector()
        thread = threading.Thread(target=connector.submit, args=(outgoing(),))
        thread.start()
        thread.join()
        gc.collect()
        assert closed.wait(3)
        connector.close()


def test_a_kept_connection_that_the_other_side_closed_is_opened_again() -> None:
    def once(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 429 x\r\nContent-Length: 0\r\n\r\n")

    with raw_partner(once) as there:
        connector = there.connector()
        for _ in range(3):
            assert connector.submit(outgoing()).code == "http-429"
            time.sleep(0.05)
        connector.close()
