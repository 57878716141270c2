"""Connections that do not wait for ever: whoever has fallen silent, the server or what stands between, is given up after a while.

PostgreSQL's own limit of a statement helps only while its answer arrives, and TCP's limits only while nothing on the way acknowledges in its stead.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from psycopg.errors import _WaitTimeout

T = TypeVar("T")

# From the server's own limit until the line is taken for dead: its refusal has had time to arrive.
GRACE_S = 5.0


class Silent(psycopg.OperationalError):
    """Nothing came back in time. What was asked may have been done all the same, exactly as when a line breaks."""


def arguments(patience: float) -> dict[str, Any]:
    """psycopg's arguments for connections whose statements may take `patience` seconds. A host that died is noticed within 25 s."""
    limit = int(patience * 1000)
    # The server looks after its end as well: a session that nobody holds any more must give back its locks.
    alive = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
    return {"options": f"-c timezone=UTC -c statement_timeout={limit} {alive}", "connect_timeout": 5, "tcp_user_timeout": limit,
            "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}


class Patient(psycopg.Connection[Any]):
    """Waits for no single answer longer than `patience` + GRACE_S seconds, then closes itself and raises Silent."""

    patience = 60.0

    def wait(self, gen: Generator[Any, Any, T], interval: float = 0.1, timeout: float | None = None) -> T:
        """As psycopg's own, with a limit also where none is asked for."""
        try:
            return super().wait(gen, interval, self.patience + GRACE_S if timeout is None else timeout)
        except _WaitTimeout:
            if timeout is not None:
                raise
            self.close()
            raise Silent("the ledger's server does not answer") from None


class AsyncPatient(psycopg.AsyncConnection[Any]):
    """As Patient, for an event loop."""

    patience = 60.0

    async def wait(self, gen: Generator[Any, Any, T], interval: float = 0.1, timeout: float | None = None) -> T:
        """As psycopg's own, with a limit also where none is asked for."""
        try:
            return await super().wait(gen, interval, self.patience + GRACE_S if timeout is None else timeout)
        except _WaitTimeout:
            if timeout is not None:
                raise
            await self.close()
            raise Silent("the ledger's server does not answer") from None


def async_patient(patience: float) -> type[AsyncPatient]:
    """As `patient`, for an event loop."""
    return type("AsyncPatient", (AsyncPatient,), {"patience": patience})


def patient(patience: float) -> type[Patient]:
    """The class of connections that wait for `patience` seconds, for a pool or to connect by."""
    return type("Patient", (Patient,), {"patience": patience})
