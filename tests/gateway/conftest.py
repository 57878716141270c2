"""A gateway on a port of its own, over a real ledger with hand-offs in it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from config.settings import Settings
from connectors.keyring import Keyring
from gateway.app import build
from gateway.context import Context
from gateway.main import config
from models.db import Database
from models.door import advance
from models.moves import Actor, Arrival, Done, Move, Route
from models.seal import Sealer, sealer_for
from rules.house import House, load_house
from runtime.timesource import FixedTime
from tests.gateway.partner import BUREAU, Case, Partner

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
COURT, HOUSING = "court-990100", "agency-housing-990102"
SECRET_WORDS = ("闻人不见", "灯下黑路口", "10000000001")


@dataclass(frozen=True)
class Ledger:
    """An open ledger and what it takes to put cases into it."""

    database: Database
    house: House
    sealer: Sealer
    keyring: Keyring
    settings: Settings
    time: FixedTime

    def issue(self, body: str, count: int = 1) -> list[Case]:
        """Petitions, registered and handed to `body`."""
        bureau = Actor("bureau", BUREAU)
        with self.database.transaction() as connection:
            made = advance(connection, [_arrival(i, bureau) for i in range(count)], self.house, self.sealer, self.time.now())
            routes = [Move("petition.route", bureau, petition_no=m.petition_no, route=Route(body, "转送", "test", "XF 22(1)", "B3.6", "claim"))
                      for m in made if isinstance(m, Done)]
            sent = advance(connection, routes, self.house, self.sealer, self.time.now())
        return [Case(m.petition_no, str(m.handoff_id), body) for m in sent if isinstance(m, Done)]

    def partner(self, url: str, code: str) -> Partner:
        return Partner(url, code, self.keyring.of(code), self.time.now())

    def rows(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        with self.database.transaction() as connection:
            return connection.execute(sql, params or None).fetchall()


_serial = iter(range(1_000_000))


def _arrival(number: int, actor: Actor) -> Arrival:
    person = {"name": SECRET_WORDS[0], "phone": SECRET_WORDS[2], "address": "东屿区无此路1号"}
    serial = next(_serial)  # a matter of its own each: the same person's same matter would be linked to the first
    return Arrival("test", f"T{serial}-{number}", "990100", "online", "claim", NOW, f"测试事项第{serial}号", SECRET_WORDS[1], person, {"klass": "claim"}, actor)


@pytest.fixture(scope="session")
def house() -> House:
    return load_house(Path(__file__).parents[2] / "config", BUREAU)


@pytest.fixture
def ledger(database: str, house: House, tmp_path: Path) -> Iterator[Ledger]:
    settings = Settings(database_url=database, data_dir=tmp_path, bureau=BUREAU)
    keyring = Keyring(settings.keys)
    keyring.ensure([COURT, HOUSING])
    with Database(database) as opened:
        yield Ledger(opened, house, sealer_for("", settings.keys, create=True), keyring, settings, FixedTime(NOW))


@pytest.fixture
def gateway(ledger: Ledger) -> Iterator[str]:
    """The URL of a gateway that serves this ledger from a thread of the test."""
    with serve(Context(ledger.settings, ledger.house, ledger.sealer, ledger.database, ledger.keyring, ledger.time)) as url:
        yield url


class serve:
    """A gateway in a thread, for the length of a `with`."""

    def __init__(self, context: Context) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._server = uvicorn.Server(config(build(context), context.settings))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})

    def __enter__(self) -> str:
        self._thread.start()
        wait_until(lambda: self._server.started or not self._thread.is_alive())
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        self._socket.close()
        assert not self._thread.is_alive()


def wait_until(true: Callable[[], bool], within: float = 30.0) -> None:
    """Until it holds. Raises AssertionError after `within` seconds."""
    until = time.monotonic() + within
    while not true():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.02)
