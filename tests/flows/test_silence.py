"""A server that falls silent without closing anything: nobody waits for it for ever, and everybody comes back when it speaks again."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from flows.presence import Presence, alive
from flows.wake import listen
from models import patience
from models.db import Database
from models.patience import Silent
from models.store import CHANNEL


class Proxy:
    """Between us and PostgreSQL, on a real port. While `silent`, it takes every byte and every connection and passes nothing on."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (str(parts.hostname), int(parts.port or 5432))
        self._listening = socket.create_server(("127.0.0.1", 0))
        port = self._listening.getsockname()[1]
        self.url = urlunsplit(parts._replace(netloc=parts.netloc.rsplit("@", 1)[0] + f"@127.0.0.1:{port}" if "@" in parts.netloc else f"127.0.0.1:{port}"))
        self.silent, self._going = threading.Event(), True
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        other: dict[socket.socket, socket.socket] = {}
        with selectors.DefaultSelector() as selector:
            selector.register(self._listening, selectors.EVENT_READ)
            while self._going:
                for key, _ in selector.select(0.05):
                    end = key.fileobj
                    assert isinstance(end, socket.socket)
                    if end is self._listening:
                        pair = (end.accept()[0], socket.create_connection(self._server))
                        other.update(zip(pair, reversed(pair), strict=True))
                        for one in pair:
                            selector.register(one, selectors.EVENT_READ)
                    elif end in other:
                        self._pass_on(end, other, selector)
        for end in [*other, self._listening]:
            end.close()

    def _pass_on(self, end: socket.socket, other: dict[socket.socket, socket.socket], selector: selectors.BaseSelector) -> None:
        data = b""
        with contextlib.suppress(OSError):
            data = end.recv(65_536)
            if data and not self.silent.is_set():
                other[end].sendall(data)
        if not data:
            for one in (other.pop(end), end):
                other.pop(one, None)
                selector.unregister(one)
                one.close()

    def close(self) -> None:
        self._going = False
        self._thread.join(10)


@pytest.fixture
def proxy(database: str) -> Iterator[Proxy]:
    made = Proxy(database)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "GRACE_S", 0.5)


@pytest.mark.guarantee("F24")
def test_a_transaction_ends_and_the_next_one_is_well(proxy: Proxy) -> None:
    with Database(proxy.url, size=2, patience=1) as opened:
        with opened.transaction() as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        with contextlib.ExitStack() as stack:
            stack.callback(proxy.silent.clear)
            connection = stack.enter_context(opened.transaction())
            connection.execute("select 1")
            proxy.silent.set()
            with pytest.raises(Silent):
                connection.execute("select 2")
        with opened.transaction() as connection:
            assert connection.execute("select 3").fetchone() == (3,)


@pytest.mark.guarantee("F24")
def test_a_statement_that_takes_too_long_is_ended_by_the_server(proxy: Proxy) -> None:
    with Database(proxy.url, size=1, patience=1) as opened:
        with pytest.raises(psycopg.errors.QueryCanceled), opened.transaction() as connection:
            connection.execute("select pg_sleep(30)")
        with opened.transaction() as connection:
            assert connection.execute("select 1").fetchone() == (1,)


def test_the_sign_of_life_is_given_again(proxy: Proxy, database: str) -> None:
    presence = Presence(proxy.url, 1)
    presence.keep()
    proxy.silent.set()
    with pytest.raises(psycopg.OperationalError):
        presence.keep()
    proxy.silent.clear()

    with Database(database) as direct:
        for _ in range(200):  # the server may still hold the lock for the session that was given up
            with contextlib.suppress(psycopg.OperationalError):
                presence.keep()
                break
        with direct.transaction() as connection:
            assert alive(connection, presence.owner)
    presence.close()


@pytest.mark.guarantee("F24", "M8")
def test_notifications_come_again_after_a_silence(proxy: Proxy, database: str) -> None:
    async def go() -> None:
        wake = asyncio.Event()
        listening = asyncio.create_task(listen(proxy.url, wake, 1))
        await asyncio.wait_for(wake.wait(), 20)
        proxy.silent.set()
        await asyncio.sleep(3)  # asked after a second, given up half a second past the next
        proxy.silent.clear()
        wake.clear()
        await asyncio.wait_for(wake.wait(), 30)  # it listens anew
        async with await psycopg.AsyncConnection.connect(database, autocommit=True) as direct:
            wake.clear()
            await direct.execute(f"notify {CHANNEL}")
            await asyncio.wait_for(wake.wait(), 20)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)

    asyncio.run(go())
