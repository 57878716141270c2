"""Prefect's database made where it is missing, and the ledger's server under the supervisor: killed while others start, while its tables are made, and always back."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from cli import prefect_database
from cli.prefect_database import NoPrefectDatabase
from cli.stack import LedgerServer, StackError
from config.settings import Settings
from models import migrate
from runtime.child import Child
from runtime.postgres import PrivatePostgres
from runtime.supervisor import Backoff, Service, State, Supervisor
from tests.runtime.processes import comes_true

QUICK = Backoff(first=0.1, most=0.5)


@pytest.fixture(scope="module")
def server(enterable: Path) -> Iterator[PrivatePostgres]:
    with PrivatePostgres(enterable / f"own {uuid4().hex[:6]}") as made:
        made.create_database("ledger")
        yield made


def ask(url: str, command: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(command)
        return list(cursor.fetchall()) if cursor.description else []


@pytest.mark.guarantee("M10", "F25")
def test_it_is_made_where_it_is_missing_and_anew_where_only_a_part_is_left(server: PrivatePostgres) -> None:
    ledger, own = server.url("ledger"), server.url("prefect")
    assert prefect_database.address(ledger) == own
    assert prefect_database.make(ledger)
    assert not prefect_database.make(ledger)  # empty: its server has never been there
    ask(own, "create table alembic_version (version_num text)")
    assert not prefect_database.make(ledger)  # its server was killed before its first migration
    ask(own, "insert into alembic_version values ('abc')")
    for name in prefect_database._NEEDED:
        ask(own, f'create table "{name}" (id int)')
    assert not prefect_database.make(ledger)  # whole
    ask(own, "drop table flow_run")
    with psycopg.connect(own):  # somebody is still connected
        assert prefect_database.make(ledger)
    assert ask(own, "select count(*) from pg_tables where schemaname = 'public'") == [(0,)]
    server.drop_database("prefect")
    assert prefect_database.make(ledger)


def test_without_the_right_to_make_it_the_cure_is_named(server: PrivatePostgres) -> None:
    server.drop_database("prefect")
    ask(server.url("ledger"), "create role plain login password 'plain'")
    url = server.url("ledger").replace(server.url("").partition("@")[0], "postgresql://plain:plain")
    with pytest.raises(NoPrefectDatabase, match="CREATE DATABASE prefect"):
        prefect_database.make(url)


def test_its_address_keeps_what_the_ledgers_says_of_the_way() -> None:
    assert prefect_database.address("postgresql://u:p@h:5/ledger?sslmode=require") == "postgresql://u:p@h:5/prefect?sslmode=require"


@pytest.mark.guarantee("F23", "F27")
def test_a_ledger_killed_while_its_tables_are_made_is_whole_in_the_end(enterable: Path) -> None:
    ledger, ending = LedgerServer(Settings(data_dir=enterable / f"killed {uuid4().hex[:6]}")), threading.Event()

    def kill() -> None:
        for wait in (0.3, 0.15, 0.05):
            if not comes_true(lambda: ledger.pid is not None or ending.is_set(), 60):
                return
            time.sleep(wait)
            if (pid := ledger.pid) is not None:
                os.kill(pid, signal.SIGKILL)

    killing = threading.Thread(target=kill)
    killing.start()
    with Supervisor([Service(ledger, ledger.answers, backoff=QUICK)]) as supervisor:
        killing.join()
        ending.set()
        assert comes_true(supervisor.healthy, 60)
        assert migrate.status(ledger.ledger_url).ready


@pytest.mark.guarantee("F23")
def test_killed_while_others_start_it_comes_back_at_its_address_and_they_come_up(enterable: Path) -> None:
    ledger = LedgerServer(Settings(data_dir=enterable / f"start {uuid4().hex[:6]}"))
    told: list[str] = []

    def ready() -> bool:
        if not told:
            told.append(ledger.ledger_url)
            pid = ledger.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
        return ledger.answers()

    with Supervisor([Service(ledger, ledger.answers, backoff=QUICK), Service(Child("other", ["sleep", "600"]), ready)]) as supervisor:
        assert comes_true(supervisor.healthy, 60)
        assert [ledger.ledger_url] == told
        assert comes_true(lambda: supervisor.health()[0].restarts >= 1, 10)
        assert migrate.status(ledger.ledger_url).ready


def test_a_server_of_your_own_that_is_away_is_named_and_one_that_goes_away_is_not_taken_for_ours(server: PrivatePostgres, tmp_path: Path) -> None:
    away = LedgerServer(Settings(data_dir=tmp_path, database_url="postgresql://u:p@127.0.0.1:9/ledger"))
    with pytest.raises(StackError, match="TONGLU_DATABASE_URL"):
        away.start()
    server.create_database("theirs")
    own = LedgerServer(Settings(data_dir=tmp_path, database_url=server.url("theirs")))
    with Supervisor([Service(own, own.answers)]) as supervisor:
        assert migrate.status(own.ledger_url).ready
        ask(server.url("ledger"), "alter database theirs allow_connections false")
        ask(server.url("ledger"), "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'theirs'")
        assert comes_true(lambda: supervisor.health()[0].state is State.UNREADY)
        ask(server.url("ledger"), "alter database theirs allow_connections true")
        assert comes_true(supervisor.healthy)
        assert supervisor.health()[0].restarts == 0
