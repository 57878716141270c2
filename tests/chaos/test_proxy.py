"""The line does what its dice say, and nothing else: each fault against a real server, told by what both sides saw."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
import requests

from cli.chaos.dice import Rates
from cli.chaos.wire import Wire
from tests.chaos.conftest import Remembering

HONEST = Rates(0, 0, 0, 0, 0, 0)
Between = Callable[[Rates], Wire]


def post(wire: Wire, body: bytes, path: str = "/x") -> bytes | None:
    """What came back, whole; None where the line broke."""
    try:
        answer = requests.post(f"http://127.0.0.1:{wire.outward_port}{path}", data=body, timeout=20)
    except requests.RequestException:
        return None
    return answer.content


def until(true: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return true()


def test_an_honest_line_changes_nothing(between: Between, partner: Remembering) -> None:
    wire = between(HONEST)
    with requests.Session() as session:
        for n in range(20):
            answer = session.post(f"http://127.0.0.1:{wire.outward_port}/{'chunked' if n % 2 else 'x'}", data=b"abc%d" % n, timeout=20)
            assert answer.content == (b"abc%d" % n)[::-1]
    assert partner.seen == [b"abc%d" % n for n in range(20)]
    assert wire.outward.counts == {"requests": 20}
    assert wire.busy == 0


def test_a_lost_request_never_arrives(between: Between, partner: Remembering) -> None:
    wire = between(Rates(0.9999, 0, 0, 0, 0, 0))
    assert post(wire, b"abc") is None
    assert partner.seen == []
    assert wire.outward.counts["lost_request"] == 1


def test_a_lost_reply_is_lost_after_the_other_side_has_acted(between: Between, partner: Remembering) -> None:
    wire = between(Rates(0, 0.9999, 0, 0, 0, 0))
    assert post(wire, b"abc") is None
    assert partner.seen == [b"abc"]


def test_a_cut_reply_is_never_whole(between: Between, partner: Remembering) -> None:
    wire = between(Rates(0, 0, 0.9999, 0, 0, 0))
    # One that is cut in its head has no length, and ends without a byte of its body.
    assert {post(wire, b"a long enough body %d" % n) for n in range(10)} <= {None, b""}
    assert len(partner.seen) == 10


def test_a_doubled_request_arrives_twice_and_is_answered_once(between: Between, partner: Remembering) -> None:
    wire = between(Rates(0, 0, 0, 0, 0.9999, 0))
    assert post(wire, b"abc") == b"cba"
    assert until(lambda: partner.seen == [b"abc", b"abc"])


def test_a_delayed_request_arrives(between: Between, partner: Remembering) -> None:
    wire = between(Rates(0, 0, 0, 0.9999, 0, 0))
    assert post(wire, b"abc") == b"cba"
    assert partner.seen == [b"abc"]


def test_a_request_held_back_is_passed_by_the_next(between: Between, partner: Remembering) -> None:
    wire = between(Rates(0, 0, 0, 0, 0, 0.9999))
    first: list[bytes | None] = []
    thread = threading.Thread(target=lambda: first.append(post(wire, b"first")))
    thread.start()
    assert until(lambda: wire.outward.counts["held_back"] == 1)
    wire.set_factor(0)
    assert post(wire, b"second") == b"dnoces"
    thread.join(20)
    assert first == [b"tsrif"]
    assert partner.seen == [b"second", b"first"]


def test_a_server_that_is_away_is_a_broken_line(between: Between, partner: Remembering) -> None:
    wire = between(HONEST)
    wire.outward.port = wire.homeward_port
    wire.homeward.port = 1
    assert post(wire, b"abc") is None
    assert wire.homeward.counts["nobody_there"] == 1


@pytest.mark.parametrize("raw", [b"nonsense\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"GET / HTTP/1.1\r\nHost"])
def test_garbage_harms_nobody_else(between: Between, partner: Remembering, raw: bytes) -> None:
    import socket

    wire = between(HONEST)
    with socket.create_connection(("127.0.0.1", wire.outward_port), timeout=20) as line:
        line.sendall(raw)
    assert post(wire, b"abc") == b"cba"
