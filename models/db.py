"""Connections to the ledger. Long work never holds one: open, change, commit, close; then the slow call; then open again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import psycopg
from psycopg_pool import ConnectionPool

from models.patience import arguments, patient

# The ledger's database on a private server.
LEDGER = "tonglu"

Connection: TypeAlias = "psycopg.Connection[Any]"
AsyncConnection: TypeAlias = "psycopg.AsyncConnection[Any]"


def sqlalchemy_url(url: str) -> str:
    """The same database for SQLAlchemy, with psycopg 3 named as its driver."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


class Database:
    """A pool of connections to one ledger. Sessions are UTC; every `transaction` commits or rolls back whole."""

    def __init__(self, url: str, *, size: int = 8, patience: float = 0) -> None:
        """`patience`: seconds that a statement may take before it fails, and (a little later) a silent server is given up; 0: for ever."""
        self.url = url
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url, min_size=1, max_size=size, open=False, timeout=30, check=ConnectionPool.check_connection,
            connection_class=patient(patience) if patience else psycopg.Connection[Any],
            kwargs=arguments(patience) if patience else {"options": "-c timezone=UTC"},
        )

    def __enter__(self) -> Database:
        self._pool.open(wait=True, timeout=30)
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: commits when the block ends well, rolls back on any exception."""
        with self._pool.connection() as connection:
            yield connection
