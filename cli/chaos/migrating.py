"""A migration killed again and again: ledgers of every old version, with rows in them, brought to the newest while process and server die.

The place of each kill is not left to luck: a lock on one table makes the migration wait there, in the middle of its work, and there it is killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal

import psycopg

from cli.chaos.filling import columns_of, digests, fill
from models import migrate
from runtime.postgres import PrivatePostgres

Victim = Literal["process", "backend", "server"]
VICTIMS: tuple[Victim, ...] = ("process", "backend", "server")
# Tables that the migrations past a version change, in the order in which they come to them.
_CHANGED: Mapping[str, tuple[str, ...]] = {
    "0001": ("duty", "petition", "handoff", "body", "outbox", "attempt", "reconciliation", "difference"),
    "0002": ("petition", "handoff", "body", "outbox", "attempt", "reconciliation", "difference"),
    "0003": ("body", "outbox", "attempt", "reconciliation", "difference"),
}
# Columns whose meaning went into others.
_DROPPED: Mapping[str, frozenset[str]] = {"body": frozenset({"paused_until", "pause_reason"})}
OLD = tuple(_CHANGED)
_REACHES_WITHIN_S = 60.0
_BACK_WITHIN_S = 60.0
_THROUGH_WITHIN_S = 180.0
_ROWS = 2000

_AT_THE_GATE = """select a.pid from pg_locks l join pg_stat_activity a using (pid) join pg_class c on c.oid = l.relation
                  where not l.granted and c.relname = %s and a.datname = current_database()"""


@dataclass(slots=True)
class Migrated:
    """What became of it. `kills` by victim; `flaws` must be empty."""

    ledgers: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    flaws: list[str] = field(default_factory=list)


def migrations_killed(folder: Path, rng: Random, kills: int) -> Migrated:
    """Migrate one ledger of each old version under kills, on a PostgreSQL of its own under `folder`.

    Args:
        rng: chooses victims and places. kills: how many for each ledger, after which it is let through.
    """
    found = Migrated()
    with PrivatePostgres(folder / "postgres") as server:
        for version in OLD:
            name = f"chaos_{version}"
            server.create_database(name)
            migrate.upgrade(server.url(name), version)
            with psycopg.connect(server.url(name)) as connection:
                fill(connection, _ROWS)
                columns = columns_of(connection)
                before = digests(connection, columns)
                lasting = digests(connection, _lasting(columns), leave_out=("difference",))
            found.ledgers += 1
            for _ in range(kills):
                victim, table = rng.choice(VICTIMS), rng.choice(_CHANGED[version])
                if _killed_at(folder, server, name, victim, table):
                    found.kills[victim] += 1
                else:
                    found.flaws.append(f"{version}: the migration did not come to {table} within {_REACHES_WITHIN_S:.0f} s")
                _look_half_way(server, name, version, columns, before, found)
            code = _upgrading(folder, server.url(name)).wait(_THROUGH_WITHIN_S)
            if code != 0:
                found.flaws.append(f"{version}: the last, undisturbed migration ended with {code}")
            _look_at_the_end(server, name, version, columns, lasting, found)
    return found


def _lasting(columns: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {table: tuple(name for name in names if name not in _DROPPED.get(table, ())) for table, names in columns.items()}


def _killed_at(folder: Path, server: PrivatePostgres, name: str, victim: Victim, table: str) -> bool:
    """Start a migration, and kill it where it waits for this table."""
    process = None
    try:
        with _gate(server.url(name), table):
            process = _upgrading(folder, server.url(name))
            backend = _arrives(server.url(name), table, process)
            if backend is None:
                return False
            pid = {"process": process.pid, "backend": backend, "server": server.pid}[victim]
            assert pid is not None  # noqa: S101  (a server that answered a moment ago)
            os.kill(pid, signal.SIGKILL)
    finally:
        if process is not None:
            if victim == "process":
                process.kill()
            # Its database has died under it: it ends by itself, and not well.
            process.wait(_THROUGH_WITHIN_S)
    _bring_back(server)
    return True


@contextmanager
def _gate(url: str, table: str) -> Iterator[None]:
    # The server may be killed while the gate stands; what is left of it then is nothing to undo.
    with suppress(psycopg.OperationalError), psycopg.connect(url) as connection:
        connection.execute(f'lock table "{table}" in access share mode')
        yield
        connection.rollback()


def _arrives(url: str, table: str, process: subprocess.Popen[bytes]) -> int | None:
    until = time.monotonic() + _REACHES_WITHIN_S
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < until and process.poll() is None:
            row = connection.execute(_AT_THE_GATE, (table,)).fetchone()
            if row is not None:
                return int(row[0])
            time.sleep(0.02)
    process.kill()
    return None


def _upgrading(folder: Path, url: str) -> subprocess.Popen[bytes]:
    """`tonglu db upgrade`, as a process of its own; what it says of a killed database is not shown."""
    environment = {**os.environ, "TONGLU_DATABASE_URL": url, "TONGLU_DATA_DIR": str(folder), "TONGLU_KEYS_DIR": str(folder / "keys"), "TONGLU_FIELD_KEYS": ""}
    return subprocess.Popen([sys.executable, "-m", "cli.main", "db", "upgrade"], env=environment,
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _bring_back(server: PrivatePostgres) -> None:
    until = time.monotonic() + _BACK_WITHIN_S
    while True:
        server.start()
        with suppress(psycopg.OperationalError), server.connect():
            return
        if time.monotonic() > until:
            raise TimeoutError("PostgreSQL did not come back after it was killed during a migration")
        time.sleep(0.05)


def _look_half_way(
    server: PrivatePostgres, name: str, version: str, columns: dict[str, tuple[str, ...]], before: dict[str, tuple[int, str]], found: Migrated,
) -> None:
    """Killed in the middle, the ledger is what it was: nothing of one transaction stays."""
    with psycopg.connect(server.url(name)) as connection:
        row = connection.execute("select version_num from alembic_version").fetchone()
        if row != (version,):
            found.flaws.append(f"{version}: killed in the middle, it stands at {row}")
        elif columns_of(connection) != columns or digests(connection, columns) != before:
            found.flaws.append(f"{version}: killed in the middle, its rows or columns are not what they were")


def _look_at_the_end(
    server: PrivatePostgres, name: str, version: str, columns: dict[str, tuple[str, ...]], before: dict[str, tuple[int, str]], found: Migrated,
) -> None:
    """Through, it is of the newest version, and every row that was there is there as it was."""
    state = migrate.status(server.url(name))
    if not state.ready:
        found.flaws.append(f"{version}: in the end at {state.current} instead of {state.newest}, with {len(state.drift)} columns that differ")
        return
    with psycopg.connect(server.url(name)) as connection:
        now, lasting = columns_of(connection), _lasting(columns)
        if any(set(names) - set(now[table]) for table, names in lasting.items()):
            found.flaws.append(f"{version}: columns are gone")
            return
        after = digests(connection, lasting, leave_out=("difference",))
        unlike = [table for table, seen in after.items() if seen != before[table]]
        if unlike:
            found.flaws.append(f"{version}: rows changed in {', '.join(unlike)}")
        counted = connection.execute("select count(*), count(distinct (reconciliation_id, handoff_id, kind)) from difference").fetchone()
        if counted != (_ROWS, _ROWS):
            found.flaws.append(f"{version}: differences told twice are {counted} now")
        said = connection.execute("select count(*) filter (where way_attempts <> attempts) from outbox").fetchone()
        told = connection.execute("select count(*) filter (where told_out <> acked_out) from handoff").fetchone()
        if said != (0,) or (version < "0003" and told != (0,)):
            found.flaws.append(f"{version}: new columns were not filled from the old ones")
