"""Migrations: from nothing to what the code says, once, whoever comes first; drift is seen."""

from __future__ import annotations

import multiprocessing

import psycopg
import pytest

from models.migrate import status, upgrade


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
