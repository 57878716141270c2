"""Who sends, and whether they still live: an advisory lock that PostgreSQL gives back the moment a process dies.

A lease alone would make a dead sender's messages wait until it ends, in a time that a demonstration may not even let pass. The lock tells at once.
"""

from __future__ import annotations

import os
import secrets
import threading
from datetime import date, datetime

import psycopg

from connectors.schedule import DELAYS
from models import breaker, outbox
from models.db import Connection
from models.patience import arguments, patient

# The first half of the advisory lock's key; the second is the owner's hash.
_SPACE = 0x74676F77
# The same for days.
_DAYS = 0x74676461


class Presence:
    """This process's name as an owner of leases, and the session that proves it alive. Safe between threads."""

    def __init__(self, url: str, patience: float = 60.0) -> None:
        self.owner = f"w{os.getpid()}-{secrets.token_hex(4)}"
        self._url, self._patience = url, patience
        self._lock = threading.Lock()
        self._session: Connection | None = None

    def keep(self) -> None:
        """Take the lock, or make sure that it is still held; after a lost session a new one is opened. Raises psycopg.OperationalError."""
        with self._lock:
            if self._session is not None and not self._session.closed:
                try:
                    self._session.execute("select 1")
                    return
                except psycopg.OperationalError:
                    self._session.close()
            session = patient(self._patience).connect(self._url, autocommit=True, application_name=f"tonglu {self.owner}", **arguments(self._patience))
            try:
                # After a silence the server may still hold it for the session that was given up; then this fails, and is tried again.
                session.execute("select pg_advisory_lock(%s, hashtext(%s))", (_SPACE, self.owner))
            except psycopg.OperationalError:
                session.close()
                raise
            self._session = session

    def first(self, day: date) -> bool:
        """Whether this process is the one to show what is shown once a day; the claim lasts as long as its session. Raises psycopg.OperationalError."""
        self.keep()
        with self._lock:
            assert self._session is not None  # noqa: S101  (kept just now)
            row = self._session.execute("select pg_try_advisory_lock(%s, %s)", (_DAYS, day.toordinal())).fetchone()
        return bool(row and row[0])

    def close(self) -> None:
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None


def alive(connection: Connection, owner: str) -> bool:
    """Whether the process that leases under this name lives (its lock is held by some session)."""
    row = connection.execute("select pg_try_advisory_xact_lock(%s, hashtext(%s))", (_SPACE, owner)).fetchone()
    return not (row and row[0])


def reap(connection: Connection, own: str, now: datetime) -> int:
    """Messages whose sender is dead, or whose lease has run out, become UNKNOWN, due at once (from the fourth try on by the schedule); what it was probing another may probe. Returns how many.

    `own` is never taken for dead here: its session may just be reconnecting.
    """
    owners = {o for (o,) in connection.execute("select distinct lease_owner from outbox where state = 'SENDING'")}
    dead = [owner for owner in sorted((owners | set(breaker.probers(connection))) - {own}) if not alive(connection, owner)]
    if dead:
        connection.execute("update outbox set lease_until = %s where state = 'SENDING' and lease_owner = any(%s) and lease_until > %s", (now, dead, now))
    found = outbox.reap(connection, now, DELAYS)
    if dead:
        breaker.free(connection, dead, now)
    return found
