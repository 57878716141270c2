"""The private PostgreSQL in use: databases, URLs, guests."""

from __future__ import annotations

import psycopg
import pytest

from runtime.postgres import PostgresError, PrivatePostgres


def test_a_database_is_reached_by_its_url_with_a_password(empty_database: str) -> None:
    assert empty_database.startswith("postgresql://tonglu:")
    assert "@127.0.0.1:" in empty_database
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_without_the_password_nobody_gets_in_over_tcp(pg: PrivatePostgres) -> None:
    wrong = pg.url("postgres").replace(":", ":x", 2).replace("postgresql:x", "postgresql:")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(wrong)


def test_what_is_committed_is_on_disk_and_logs_name_no_values(pg: PrivatePostgres) -> None:
    with pg.connect() as connection:
        for name, value in {
            "fsync": "on",
            "synchronous_commit": "on",
            "log_error_verbosity": "terse",
            "timezone": "UTC",
        }.items():
            row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
            assert row == (value,)
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            connection.execute("SELECT '澜川某人'::int")
    assert "澜川某人" not in pg.log_path.read_text()


def test_a_copy_of_a_template_has_its_tables(pg: PrivatePostgres) -> None:
    pg.create_database("basics_template")
    with psycopg.connect(pg.url("basics_template")) as connection:
        connection.execute("CREATE TABLE road (n int)")
    pg.create_database("basics copy/%", "basics_template")
    with psycopg.connect(pg.url("basics copy/%")) as connection:
        assert connection.execute("SELECT count(*) FROM road").fetchone() == (0,)
    for name in ("basics copy/%", "basics_template"):
        assert pg.database_exists(name)
        pg.drop_database(name)
        assert not pg.database_exists(name)


def test_impossible_databases_are_refused_with_a_reason(pg: PrivatePostgres) -> None:
    with pytest.raises(PostgresError, match="已经存在"):
        pg.create_database("postgres")
    with pytest.raises(PostgresError, match="不存在"):
        pg.create_database("basics_x", "no_such_template")
    with pytest.raises(PostgresError, match="63"):
        pg.create_database("x" * 64)


def test_a_second_user_of_the_folder_attaches_and_does_not_stop_the_server(pg: PrivatePostgres) -> None:
    guest = PrivatePostgres(pg.folder)
    with guest:
        assert not guest.owned
        assert guest.alive()
        assert guest.url("a") == pg.url("a")
        assert guest.pid == pg.pid
    assert not guest.alive()
    assert pg.owned
    assert pg.alive()


def test_a_url_before_the_start_is_refused(pg: PrivatePostgres) -> None:
    with pytest.raises(PostgresError, match="start"):
        PrivatePostgres(pg.folder).url()
