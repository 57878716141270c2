"""The connector against the sandbox: two rooms that share only the wire, and must understand each other."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Delivered, NotReceived, Unavailable, Unknown
from connectors.http.connector import HttpConnector
from connectors.http.options import HttpOptions
from connectors.wire.events import decode, new_id
from connectors.wire.ledger import day_digest
from connectors.wire.receipts import body_digest
from connectors.wire.times import BEIJING
from runtime.timesource import FixedTime
from sandbox.config import parse
from sandbox.main import server
from tests.connectors.partner import BUREAU, KEYS, NOW, encoded
from tests.connectors.test_http_submit import outgoing

DAY = NOW.astimezone(BEIJING).date()


@contextmanager
def sandbox(folder: Path, manner: str, clock: FixedTime, **options: Any) -> Iterator[HttpConnector]:
    """A sandbox with one court of this manner, and a connector to it."""
    body = {"manner": manner, "options": options, "to_body": KEYS.to_body, "from_body": KEYS.from_body}
    running = server(parse({"bodies": {"court-990100": body}, "ledger": folder / "ledger.sqlite"}), "127.0.0.1", 0, clock.now)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    end = time.monotonic() + 10
    while not running.started and time.monotonic() < end:
        time.sleep(0.01)
    port = running.servers[0].sockets[0].getsockname()[1]
    connector = HttpConnector(HttpOptions(base_url=f"http://127.0.0.1:{port}/court-990100"), KEYS, clock.now, BUREAU)
    with ExitStack() as stack:
        stack.callback(thread.join, 10)
        stack.callback(setattr, running, "should_exit", True)
        stack.callback(connector.close)
        yield connector


@pytest.mark.guarantee("P2")
def test_delivered_once_however_often_it_is_sent(tmp_path: Path) -> None:
    message = outgoing()
    with sandbox(tmp_path, "prompt", FixedTime(NOW)) as connector:
        assert connector.check() == []
        assert connector.query(message.message_id, body_digest(message.raw)) == NotReceived()
        first = connector.submit(message)
        assert isinstance(first, Delivered)
        assert connector.submit(message) == first
        assert connector.query(message.message_id, body_digest(message.raw)) == first


@pytest.mark.guarantee("F5", "P3")
def test_a_lost_answer_is_unknown_until_it_is_asked_for(tmp_path: Path) -> None:
    message = outgoing()
    with sandbox(tmp_path, "loses_answer", FixedTime(NOW)) as connector:
        lost = connector.submit(message)
        assert isinstance(lost, Unknown)
        assert lost.code == "connection-lost"
        assert isinstance(connector.query(message.message_id, body_digest(message.raw)), Delivered)


def test_each_refusal_of_a_flaky_body_is_read_rightly(tmp_path: Path) -> None:
    message = outgoing()
    with sandbox(tmp_path, "flaky", FixedTime(NOW), tries=3, retry_after=90) as connector:
        ambiguous, busy, away, done = (connector.submit(message) for _ in range(4))
    assert isinstance(ambiguous, Unknown)
    for outcome, code in ((busy, "http-429"), (away, "http-503")):
        assert isinstance(outcome, Unavailable)
        assert (outcome.code, outcome.retry_after) == (code, timedelta(seconds=90))
    assert isinstance(done, Delivered)


def test_ledger_digests_and_messages_agree(tmp_path: Path) -> None:
    clock = FixedTime(NOW)
    messages = [outgoing(encoded(sequence=1)) for _ in range(5)]
    with sandbox(tmp_path, "prompt", clock) as connector:
        for message in messages:
            assert isinstance(connector.submit(message), Delivered)
        first = messages[0].handoff_id
        end = time.monotonic() + 10
        while not connector.fetch(first, 0) and time.monotonic() < end:
            clock.advance(timedelta(hours=6))
            time.sleep(0.05)
        raws = connector.fetch(first, 0)
        assert raws
        events = [decode(raw) for raw in raws]
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        assert {(event.subject, event.to) for event in events} == {(first, BUREAU)}
        assert [decode(raw).sequence for raw in connector.fetch(first, 1)] == [event.sequence for event in events[1:]]
        items = list(connector.ledger(DAY, DAY))
        assert {item.handoff_id for item in items} == {message.handoff_id for message in messages}
        assert {item.body_digest for item in items} == {body_digest(message.raw) for message in messages}
        assert connector.digests(DAY, DAY).days == [day_digest(DAY, items)]
        assert connector.digests(DAY + timedelta(days=1), DAY + timedelta(days=2)).days == []


@pytest.mark.guarantee("F22", "P7")
def test_a_clock_that_is_off_pauses_the_endpoint(tmp_path: Path) -> None:
    with sandbox(tmp_path, "prompt", FixedTime(NOW)) as connector:
        late = FixedTime(NOW + timedelta(minutes=6))
        stale = HttpConnector(connector.options, KEYS, late.now, BUREAU)
        outcome = stale.submit(outgoing())
        assert isinstance(outcome, Unavailable)
        assert (outcome.endpoint, outcome.code) == (True, "bad-signature")
        assert any("时钟" in finding for finding in stale.check())
        with pytest.raises(ValueError, match="handoff_id"):
            stale.fetch(new_id() + "x", 0)
        stale.close()
