"""What was promised when an outage ended, how long things took, and what counts as late; over a real ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.lapse.delays import ZERO, Promised, delays, promised
from models.db import Connection
from tests.models.ledger import Ledger

NOW = datetime.fromisoformat("2026-03-10T02:00:00+00:00")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    """A ledger with one hand-off whose request waits."""
    ledger = Ledger(database, "2026-03-02 09:00")
    with ledger.db:
        ledger.send()
        with ledger.transaction() as connection:
            yield connection


def _books(message: str, taken: bool, at: datetime) -> dict[str, dict[str, dict[str, list[object]]]]:
    return {"court-990100": {"items": {}, "received": {}, "issued": {message: ["h", 1, taken, at.isoformat()]}}}


def _request(connection: Connection) -> str:
    row = connection.execute("select message_id from outbox").fetchone()
    assert row is not None
    return str(row[0])


def test_what_is_due_already_is_promised_for_the_moment_of_the_return(connection: Connection) -> None:
    connection.execute("update outbox set state = 'RETRY_WAIT', next_attempt_at = %s", (NOW - MINUTE,))
    found = promised(connection, _books("m-1", False, NOW + MINUTE), NOW)
    assert found == Promised(NOW, {_request(connection): NOW}, {"m-1": NOW + MINUTE}, {})
    assert found.count == 2
    assert promised(connection, _books("m-1", True, NOW + MINUTE), NOW).callbacks == {}


def test_a_body_that_is_left_alone_puts_the_promise_off(connection: Connection) -> None:
    connection.execute("update outbox set state = 'RETRY_WAIT', next_attempt_at = %s", (NOW + MINUTE,))
    connection.execute("insert into body (code, way, failures, breaker, opened_at, waits_from, probe_at, updated_at) "
                       "select body, 0, 3, 'OPEN', %s, %s, %s, %s from outbox", (NOW, NOW, NOW + 5 * MINUTE, NOW))
    assert promised(connection, {}, NOW).messages == {_request(connection): NOW + 5 * MINUTE}


def test_what_stands_behind_another_is_not_promised_before_it(connection: Connection) -> None:
    issued = {"m-3": ["h", 3, False, (NOW + MINUTE).isoformat()], "m-2": ["h", 2, False, (NOW + 9 * MINUTE).isoformat()], "m-1": ["h", 1, True, NOW.isoformat()],
              "other": ["k", 1, False, NOW.isoformat()]}
    books = {"court-990100": {"items": {}, "received": {}, "issued": issued}}
    assert promised(connection, books, NOW).callbacks == {"m-3": NOW + 9 * MINUTE, "m-2": NOW + 9 * MINUTE, "other": NOW}
    # The partner does not know that we have fetched the second, and sends it first all the same.
    connection.execute(
        """insert into inbox (body, message_id, handoff_id, petition_no, message, round, sequence, event_at, raw_sealed, fingerprint, receipt, via, state, received_at,
           applied_at, note) select body, 'm-2', handoff_id, petition_no, 'handoff.accepted', 1, 2, %s, '', '', '', 'recon', 'APPLIED', %s, %s, '' from handoff""",
        (NOW, NOW, NOW))
    assert promised(connection, books, NOW).callbacks == {"m-3": NOW + 9 * MINUTE, "other": NOW}


def test_a_petition_not_yet_routed_is_promised_for_now(connection: Connection) -> None:
    connection.execute("update petition set state = 'REGISTERED'")
    assert set(promised(connection, {}, NOW).petitions.values()) == {NOW}


minutes = st.integers(0, 3000)


@given(due=minutes, back=minutes, promise=minutes, took=minutes, grain=st.integers(0, 60))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_late_is_what_came_a_step_after_its_promise(connection: Connection, due: int, back: int, promise: int, took: int, grain: int) -> None:
    """One message, due at `due`, the return at `back`, promised for `promise` minutes after that, receipted `took` minutes after it was due."""
    message, begun = _request(connection), NOW + due * MINUTE
    returned, done = NOW + back * MINUTE, NOW + (due + took) * MINUTE
    connection.execute("update petition set received_at = %s, registered_at = %s", (begun, begun))
    connection.execute("update outbox set created_at = %s, receipted_at = %s, state = 'RECEIPTED'", (begun, done))
    before = Promised(returned, {message: returned + promise * MINUTE}, {}, {})
    found = delays(connection, NOW, before, grain * MINUTE)
    assert found.messages == 1
    assert found.longest == took * MINUTE
    assert found.after == (done - returned if begun <= returned < done else ZERO)
    assert found.late == (done > returned + (promise + grain) * MINUTE)


def test_a_callback_is_counted_until_its_effect(connection: Connection) -> None:
    connection.execute(
        """insert into inbox (body, message_id, handoff_id, petition_no, message, round, sequence, event_at, raw_sealed, fingerprint, receipt, via, state, received_at,
           applied_at, note) select body, 'm-1', handoff_id, petition_no, 'handoff.signed', 1, 1, %s, '', '', '', 'hook', 'APPLIED', %s, %s, '' from handoff""",
        (NOW, NOW + MINUTE, NOW + 3 * MINUTE))
    before = Promised(NOW + MINUTE, {}, {"m-1": NOW + MINUTE}, {})
    assert delays(connection, NOW, before, MINUTE).late == 1
    found = delays(connection, NOW, before, 2 * MINUTE)
    assert (found.late, found.longest, found.after) == (0, 3 * MINUTE, 2 * MINUTE)
