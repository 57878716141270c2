"""One writing thread with group commit: whoever asks while a commit is on its way shares the next one.

A disk flush costs milliseconds and a row costs microseconds, so hundreds of callers a second share some dozens of
flushes.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_BATCH = 256


class _Job:
    __slots__ = ("failure", "future", "result", "work")

    def __init__(self, work: Callable[[sqlite3.Connection], Any], future: asyncio.Future[Any]) -> None:
        self.work, self.future = work, future
        self.result: Any = None
        self.failure: BaseException | None = None


class Writer:
    """Runs functions on the ledger, each in its own savepoint, many to a commit. Results arrive only after the
    commit."""

    def __init__(self, connection: sqlite3.Connection, loop: asyncio.AbstractEventLoop) -> None:
        self._connection, self._loop = connection, loop
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sandbox-ledger", daemon=True)
        self._thread.start()

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in the ledger's thread; returns its result once committed, raises what it raised (its own rows
        undone)."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(_Job(work, future))
        return await future

    async def close(self) -> None:
        """Finish what was asked, then close the ledger."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            jobs, last = [first], False
            while len(jobs) < _BATCH and not last:
                try:
                    following = self._queue.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    last = True
                else:
                    jobs.append(following)
            self._commit(jobs)
            self._loop.call_soon_threadsafe(_resolve, jobs)
            if last:
                return

    def _commit(self, jobs: list[_Job]) -> None:
        db = self._connection
        try:
            db.execute("BEGIN IMMEDIATE")
            for job in jobs:
                db.execute("SAVEPOINT job")
                try:
                    job.result = job.work(db)
                except Exception as failure:  # noqa: BLE001  handed to the caller, who alone knows what it means
                    job.failure = failure
                    db.execute("ROLLBACK TO job")
                db.execute("RELEASE job")
            db.execute("COMMIT")
        except sqlite3.Error as failure:  # the disk is full or the file is gone: nobody in this batch may believe in a commit
            if db.in_transaction:
                db.execute("ROLLBACK")
            for job in jobs:
                job.failure = failure


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.failure is not None:
            job.future.set_exception(job.failure)
        else:
            job.future.set_result(job.result)
