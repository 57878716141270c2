"""Migrations: from nothing to what the code says, once, whoever comes first; drift is seen."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from models import breaker, suspending
from models.migrate import status, upgrade
from rules.breaker import Breaker


def test_an_empty_database_becomes_what_the_tables_say(empty_database: str) -> None:
    assert status(empty_database).current is None
    assert not status(empty_database).ready
    upgrade(empty_database)
    state = status(empty_database)
    assert state.ready, state.drift
    assert state.current == state.newest == "0004"
    upgrade(empty_database)
    assert status(empty_database) == state


def test_a_ledger_of_the_first_version_is_brought_up_with_what_it_holds(empty_database: str) -> None:
    upgrade(empty_database, "0001")
    assert not status(empty_database).ready
    insert = """insert into duty (duty_id, kind, ref, holder, zh, state_bound, opened_at, due_at, escalations, closed_at, closed_by)
                values (%s, 'quarantine', 'r', 'b', 'x', false, '2026-03-02Z', '2026-03-03Z', 0, %s, '')"""
    with psycopg.connect(empty_database) as connection:
        connection.execute(insert, ("d1", "2026-03-02 12:00Z"))
    upgrade(empty_database)
    assert status(empty_database).ready
    with psycopg.connect(empty_database) as connection:
        connection.execute(insert, ("d2", None))
    with psycopg.connect(empty_database) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(insert, ("d3", None))


@pytest.mark.guarantee("F27", "F29")
def test_what_was_one_pause_becomes_a_breaker_or_a_suspension(empty_database: str) -> None:
    """Version 0003 knew one pause for both: a fault's reason was a code and had counted, a person's was in their own words."""
    upgrade(empty_database, "0003")
    insert = "insert into body (code, paused_until, pause_reason, failures, updated_at) values (%s, %s, %s, %s, '2026-03-02 01:00Z')"
    with psycopg.connect(empty_database) as connection:
        for row in [("court-990100", "2026-03-02 05:00Z", "http-503", 3), ("police-990100", "2026-03-09 00:00Z", "对方系统升级", 0),
                    ("agency-housing-990102", "2026-03-08 00:00Z", "对方系统升级", 4), ("court-990102", None, "", 2), ("court-990103", None, "", 0)]:
            connection.execute(insert, row)
    upgrade(empty_database)
    assert status(empty_database).ready, status(empty_database).drift
    now = datetime(2026, 3, 2, 2, tzinfo=UTC)
    with psycopg.connect(empty_database) as connection:
        found = {s.body: s for s in breaker.standing(connection, now)}
        assert sorted(found) == ["agency-housing-990102", "court-990100", "police-990100"]
        court = found["court-990100"].breaker
        assert (court.state, court.openings, court.probe_at, court.cause) == ("OPEN", 3, datetime(2026, 3, 2, 5, tzinfo=UTC), "http-503")
        assert breaker.admit(connection, "court-990100", 10, now) == breaker.Admission(10, shut=frozenset({0}))
        assert breaker.admit(connection, "court-990100", 10, now + timedelta(hours=3)).probes == {0}
        for body, until in (("police-990100", datetime(2026, 3, 9, tzinfo=UTC)), ("agency-housing-990102", datetime(2026, 3, 8, tzinfo=UTC))):
            assert (found[body].suspended, found[body].suspended_until, found[body].suspended_reason) == (True, until, "对方系统升级")
            assert found[body].breaker == Breaker()
        assert [(a.body, a.act, a.reason) for a in suspending.acts(connection)] == [
            ("police-990100", "suspend", "对方系统升级"), ("agency-housing-990102", "suspend", "对方系统升级")]


def test_two_processes_migrate_at_once(empty_database: str) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=upgrade, args=(empty_database,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    assert status(empty_database).ready


@pytest.mark.parametrize(("change", "words"), [
    ("alter table petition drop column outcome", "outcome"), ("alter table clock add column extra text", "extra"),
    ("alter table handoff alter column round type text", "round"), ("drop index clock_ringing", "clock_ringing"), ("drop table document", "document")])
def test_drift_is_seen_and_named(database: str, change: str, words: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(change)
    state = status(database)
    assert not state.ready
    assert words in " ".join(state.drift)
