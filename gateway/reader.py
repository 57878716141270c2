"""Reads of the ledger for one answer: in threads of their own, a bounded number of them, each with an end in sight."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import psycopg

from connectors.wire import problems
from gateway.answers import Refused
from models.db import Connection, Database

T = TypeVar("T")

_THREADS = 8
_MOST_WAITING = 64
_WITHIN_S = 10.0

log = logging.getLogger("tonglu.gateway")


class Reader:
    """Runs one transaction at a time in each thread; refuses (503) what the ledger cannot answer now."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pool = ThreadPoolExecutor(_THREADS, "gateway-reader")
        self._under_way = 0

    async def run(self, work: Callable[[Connection], T]) -> T:
        """The result of `work` in one transaction, committed. Raises Refused (503) when the database is away or too slow."""
        if self._under_way >= _MOST_WAITING:
            raise Refused(problems.unavailable())
        self._under_way += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, self._transaction, work)
        future.add_done_callback(self._ended)
        try:
            return await asyncio.wait_for(asyncio.shield(future), _WITHIN_S)
        except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError) as fault:
            log.error("数据库暂不可用：%s", type(fault).__name__)
            raise Refused(problems.unavailable()) from None

    def close(self) -> None:
        """No more work; what runs is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _transaction(self, work: Callable[[Connection], T]) -> T:
        with self._database.transaction() as connection:
            return work(connection)

    def _ended(self, future: asyncio.Future[T]) -> None:
        self._under_way -= 1
        # Asked for, so that an exception after nobody waits any more is not reported with its words.
        if not future.cancelled():
            future.exception()
