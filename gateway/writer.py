"""Those who store: callbacks that arrive together are committed together, and nobody is answered before the commit.

A few threads, each with a connection of its own, take from one queue. While one waits for the disk, further callbacks gather; the next free one
takes them all. Under load a commit is shared by many, alone it is had at once.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from queue import Empty, SimpleQueue

import psycopg

from connectors.wire import receipts
from connectors.wire.events import Event, new_id
from connectors.wire.receipts import Receipt
from gateway import standing
from gateway.faults import where
from models.db import Connection
from models.inbox import Incoming, Stored, take_in
from models.seal import Sealer

MOST_TOGETHER = 200
MOST_WAITING = 4000
# While one waits for the disk another prepares the next commit; more than that only makes commits smaller.
WRITERS = 2
# A commit costs about as much for many as for one: with several senders it is worth this long to have them in the same.
_PATIENCE_S = 0.001

# A server that went away without a word must not hold callbacks for longer than their senders wait. Every statement here looks rows up by their
# keys; one planned while the tables were nearly empty must not go on reading them whole.
_OPTIONS = {"options": "-c timezone=UTC -c statement_timeout=10000 -c enable_seqscan=off -c plan_cache_mode=force_generic_plan", "connect_timeout": 3, "tcp_user_timeout": 10_000, "application_name": "tonglu-gateway"}

log = logging.getLogger("tonglu.gateway")


class Away(Exception):
    """The ledger cannot be reached, or too much waits for it: nothing is promised, the sender must come again with the same id."""


class Broken(Exception):
    """Storing failed for a reason of our own; it stands in the log."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A message whose signature, form and addressee are good. `now` is when it arrived."""

    body: str
    event: Event
    raw: bytes
    now: datetime


Answer = Stored | Away | Broken
_Waiting = tuple[Verified, "asyncio.Future[Answer]"]


class Writer:
    """Stores verified messages. `start` and `stop` belong to the event loop that calls `store`."""

    def __init__(self, url: str, sealer: Sealer, writers: int = WRITERS) -> None:
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._hands = [_Hand(url, sealer, self._queue) for _ in range(writers)]
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin; connections are opened when the first messages come."""
        self._loop = asyncio.get_running_loop()
        for hand in self._hands:
            hand.start(self._loop)

    async def stop(self) -> None:
        """Store what still waits, then end."""
        for _ in self._hands:
            self._queue.put(None)
        for hand in self._hands:
            await asyncio.to_thread(hand.join)

    async def store(self, message: Verified) -> Stored:
        """What the inbox says to this message, once it is committed: see `models.inbox.Stored`; `misnamed` if its petition
        number is not that of the hand-off. Raises Away and Broken."""
        if self._loop is None or not any(hand.alive for hand in self._hands) or self._queue.qsize() >= MOST_WAITING:
            raise Away
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._queue.put((message, future))
        answer = await future
        if isinstance(answer, Stored):
            return answer
        raise answer


class _Hand:
    """One of the threads that store, with its connection."""

    def __init__(self, url: str, sealer: Sealer, queue: SimpleQueue[_Waiting | None]) -> None:
        self._url, self._sealer, self._queue = url, sealer, queue
        self._thread = threading.Thread(target=self._run, name="gateway-writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection: Connection | None = None
        self._together = 1

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            batch, going = self._gather()
            if batch:
                answers = self._answers([message for message, _ in batch])
                assert self._loop is not None  # noqa: S101 - set before the thread starts
                self._loop.call_soon_threadsafe(_tell, batch, answers)
        self._disconnect()

    def _gather(self) -> tuple[list[_Waiting], bool]:
        """All that wait, at most MOST_TOGETHER; and whether to go on. Where several came together before, several are expected again."""
        item = self._queue.get()
        batch: list[_Waiting] = []
        until = time.monotonic() + _PATIENCE_S
        while item is not None:
            batch.append(item)
            if len(batch) >= MOST_TOGETHER:
                break
            try:
                left = until - time.monotonic() if len(batch) < self._together else 0.0
                item = self._queue.get(timeout=left) if left > 0 else self._queue.get_nowait()
            except Empty:
                break
        self._together = len(batch)
        return batch, item is not None

    def _answers(self, messages: Sequence[Verified]) -> Sequence[Answer]:
        for again in (True, False):
            try:
                return self._store(messages)
            except psycopg.OperationalError as fault:
                # A connection that lay idle over a restart of the server fails once; the ids make trying again harmless.
                self._disconnect()
                if not again:
                    log.error("收到的消息未能入库（%d 条，已请对方稍后重发）：%s", len(messages), type(fault).__name__)
            except Exception as fault:  # noqa: BLE001 - whatever it is, those who wait must be told
                self._disconnect()
                if len(messages) > 1:
                    # One message must not be the ruin of those it happened to arrive with.
                    return [answer for message in messages for answer in self._answers([message])]
                log.error("收到的一条消息未能入库：%s", where(fault))
                return [Broken()]
        return [Away() for _ in messages]

    def _store(self, messages: Sequence[Verified]) -> list[Answer]:
        # In order of their ids, so that two gateways that store the same messages cannot wait for each other.
        order = sorted(range(len(messages)), key=lambda i: (messages[i].body, messages[i].event.id, i))
        connection = self._connected()
        stands = standing.read(connection, [m.event.subject for m in messages])
        order = [i for i in order if not _misnamed(messages[i], stands)]
        incoming = [_incoming(messages[i], stands) for i in order]
        # One statement in autocommit: it is committed when it returns.
        found = take_in(connection, incoming, self._sealer, max(m.now for m in messages))
        answers: list[Answer] = [Stored("misnamed")] * len(messages)
        for i, answer in zip(order, found, strict=True):
            answers[i] = answer
        return answers

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._url, autocommit=True, **_OPTIONS)  # type: ignore[arg-type]
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _misnamed(message: Verified, stands: dict[str, standing.Standing]) -> bool:
    """Whether a body speaks of a hand-off of its own under another petition's number."""
    stand = stands.get(message.event.subject)
    return stand is not None and stand.body == message.body and stand.petition_no != message.event.data["petition_no"]


def _incoming(message: Verified, stands: dict[str, standing.Standing]) -> Incoming:
    event = message.event
    stand = stands.get(event.subject)
    status: receipts.Status = stand.take(event.sequence) if stand is not None and stand.body == message.body else "stored"
    receipt = Receipt(new_id(message.now), event.id, message.now, receipts.body_digest(message.raw), status)
    return Incoming(
        message.body, event.id, event.subject, event.name, int(event.data["round"]), event.sequence, event.time, message.raw,
        sha256(message.raw).digest(), receipts.encode(receipt),
    )


def _tell(batch: Sequence[_Waiting], answers: Sequence[Answer]) -> None:
    for (_, future), answer in zip(batch, answers, strict=True):
        if not future.done():
            future.set_result(answer)
