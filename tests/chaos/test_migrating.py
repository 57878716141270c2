"""A migration that is killed in its middle leaves the old version whole, and the next start finishes it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from cli.chaos.dice import Dice
from cli.chaos.filling import columns_of, digests, fill
from cli.chaos.migrating import OLD, migrations_killed
from models import migrate
from runtime.postgres import PrivatePostgres


@pytest.mark.guarantee("F27")
def test_a_migration_may_be_killed_anywhere_and_again(enterable: Path) -> None:
    found = migrations_killed(enterable / "migrating", Dice(11).stream("migrating"), 1)
    assert found.flaws == []
    assert found.ledgers == len(OLD)
    assert found.kills.total() == len(OLD)
    assert len(found.kills) > 1, "one kind of victim only: choose another seed"


@pytest.mark.parametrize("version", OLD)
def test_the_rows_of_an_old_ledger_are_all_looked_at(pg: PrivatePostgres, version: str) -> None:
    """A row that a migration lost, or altered, would be seen."""
    name = f"filled_{version}"
    pg.create_database(name)
    migrate.upgrade(pg.url(name), version)
    with psycopg.connect(pg.url(name)) as connection:
        fill(connection, 30)
        columns = columns_of(connection)
        before = digests(connection, columns)
        assert set(columns) == {t for (t,) in connection.execute("select tablename from pg_tables where schemaname = 'public'")} - {
            "alembic_version", "matter", "refusal", "proposal", "suspension"}
        assert before["outbox"][0] == 30
        assert before["difference"][0] == 33
        connection.execute("update outbox set attempts = attempts + 1 where message_id = 'm7'")
        connection.execute("delete from receipt where message_id = 'm30'")
        changed = digests(connection, columns)
        assert {table for table in before if before[table] != changed[table]} == {"outbox", "receipt"}
        connection.rollback()
    pg.drop_database(name)
