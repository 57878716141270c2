"""What every flow works with, opened once a process: settings, configuration, ledger, keys, connectors and the time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from random import Random, SystemRandom
from typing import TypeVar

import psycopg

from config.settings import Settings
from config.settings import settings as own_settings
from connectors.directory import Directory
from connectors.keyring import Keyring
from connectors.sound import require_sound
from flows.lanes import Lanes
from flows.presence import Presence
from models.db import LEDGER, Connection, Database
from models.seal import Sealer, sealer_for
from rules.house import House, load_house
from runtime.postgres import PrivatePostgres
from runtime.timesource import TimeSource, from_setting

T = TypeVar("T")

_TRIES = 4


def ledger_url(settings: Settings) -> str:
    """The ledger's URL: the one set, or that of the private server under `data_dir`, which must be running.

    Raises:
        LedgerAway: no URL is set and no private server runs here.
    """
    if settings.database_url:
        return settings.database_url
    server = PrivatePostgres(settings.data_dir / "postgres", start_within=10)
    server.start()
    if server.owned:
        # A flow must not own the server: it would stop with the flow.
        server.stop()
        raise LedgerAway("账本的 PostgreSQL 没有运行；请先运行 tonglu up，或用 TONGLU_DATABASE_URL 指明服务器")
    return server.url(LEDGER)


class LedgerAway(RuntimeError):
    """The ledger cannot be reached; the message says how to mend it."""


@dataclass(frozen=True)
class Context:
    """Everything a flow needs. `owner` names this process on the leases it takes; `stopping` asks long work to come to an end."""

    settings: Settings
    house: House
    sealer: Sealer
    database: Database
    time: TimeSource
    directory: Directory
    presence: Presence
    url: str
    rng: Random = field(default_factory=SystemRandom)
    stopping: threading.Event = field(default_factory=threading.Event)
    clerks: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(8, "ledger"))

    @cached_property
    def lanes(self) -> Lanes:
        """The threads by which each body is called."""
        return Lanes(self.settings.send_threads)

    @property
    def owner(self) -> str:
        return self.presence.owner

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        return self.time.now()

    def transact_now(self, work: Callable[[Connection], T]) -> T:
        """One transaction in this thread. A deadlock or a lost connection is tried again; `work` must therefore do nothing but speak to the ledger."""
        for again in range(_TRIES):
            try:
                with self.database.transaction() as connection:
                    return work(connection)
            except psycopg.OperationalError:
                if again == _TRIES - 1:
                    raise
                time.sleep(0.1 * 2**again)
        raise AssertionError("unreachable")

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """As `transact_now`, in a thread, so that the event loop goes on."""
        return await asyncio.get_running_loop().run_in_executor(self.clerks, self.transact_now, work)

    async def call(self, work: Callable[[], T], body: str = "") -> T:
        """A slow call to a partner, in a thread of that body's own, with no session open."""
        with self.lanes.lane(body) as lane:
            return await asyncio.get_running_loop().run_in_executor(lane.threads, lane.around(work))

    def name(self, body: str) -> str:
        """A body's Chinese name."""
        return self.house.bodies.get(body).name if body in self.house.bodies else body

    def close(self) -> None:
        """Let threads end and close every connection."""
        self.stopping.set()
        self.lanes.close()
        self.clerks.shutdown(wait=True)
        self.directory.close()
        self.presence.close()
        self.database.__exit__()


def open_context(settings: Settings | None = None, *, time_source: TimeSource | None = None) -> Context:
    """Open everything, from the environment unless `settings` are given.

    Raises:
        ConfigError: the configuration is faulty (every fault, with file, line and cure).
        SealError: the keys for personal fields are missing.
        LedgerAway: the ledger's server does not run.
    """
    chosen = settings or own_settings()
    house = load_house(chosen.config_dir, chosen.bureau)
    require_sound(house, chosen.config_dir)
    clock = time_source or from_setting(chosen.clock)
    url = ledger_url(chosen)
    keyring = Keyring(chosen.keys)
    own_urn = house.bodies.get(chosen.bureau).urn
    directory = Directory(house.bodies, keyring.of, chosen.sandbox_base, clock.now, own_urn)
    database = Database(url, size=10, patience=chosen.database_patience).__enter__()
    presence = Presence(url, chosen.database_patience)
    presence.keep()
    return Context(chosen, house, sealer_for(chosen.field_keys, chosen.keys), database, clock, directory, presence, url)


_here: ContextVar[Context | None] = ContextVar("tonglu_context", default=None)
_lock = threading.Lock()
_process: list[Context] = []


@contextmanager
def using(context: Context) -> Iterator[Context]:
    """Flows called inside, and tasks started inside, work with this context."""
    token = _here.set(context)
    try:
        yield context
    finally:
        _here.reset(token)


def current() -> Context:
    """The context in use here; in the process of a deployment run it is opened from the environment the first time."""
    found = _here.get()
    if found is not None:
        return found
    with _lock:
        if not _process:
            _process.append(open_context())
        return _process[0]
