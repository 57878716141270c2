"""The one who stores: callbacks that arrive together are committed together, and nobody is answered before the commit.

One connection, served by the event loop itself. While it waits for the disk, further callbacks gather; the next statement takes them all. Under load a
commit is shared by many, alone it is had at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

import psycopg

from connectors.wire import receipts
from connectors.wire.events import Event, new_id
from connectors.wire.receipts import Receipt
from gateway.faults import where
from models.db import AsyncConnection
from models.inbox import Incoming, Stored, take_in_async
from models.patience import arguments, async_patient
from models.seal import Sealer

MOST_TOGETHER = 200
MOST_WAITING = 4000

# A server that went away without a word must not hold callbacks for longer than their senders wait.
_PATIENCE_S = 10.0
# The statement looks rows up by their keys; planned while the tables were nearly empty, it must not go on reading them whole.
_PLAN = "-c enable_seqscan=off -c plan_cache_mode=force_generic_plan"

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
    """Stores verified messages. Belongs to the event loop that calls `store`."""

    def __init__(self, url: str, sealer: Sealer) -> None:
        self._url, self._sealer = url, sealer
        self._waiting: deque[_Waiting] = deque()
        self._work: asyncio.Task[None] | None = None
        self._connection: AsyncConnection | None = None

    async def stop(self) -> None:
        """Store what still waits, then end."""
        if self._work is not None:
            await self._work
        await self._disconnect()

    async def store(self, message: Verified) -> Stored:
        """What the inbox says to this message, once it is committed: see `models.inbox.Stored`. Raises Away and Broken."""
        if len(self._waiting) >= MOST_WAITING:
            raise Away
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((message, future))
        if self._work is None or self._work.done():
            # It begins when the loop has read whatever else has arrived by now.
            self._work = loop.create_task(self._store_all())
        answer = await future
        if isinstance(answer, Stored):
            return answer
        raise answer

    async def _store_all(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_TOGETHER))]
            for (_, future), answer in zip(batch, await self._answers([message for message, _ in batch]), strict=True):
                if not future.done():
                    future.set_result(answer)

    async def _answers(self, messages: Sequence[Verified]) -> Sequence[Answer]:
        for again in (True, False):
            try:
                return await self._store(messages)
            except psycopg.OperationalError as fault:
                # A connection that lay idle over a restart of the server fails once; the ids make trying again harmless.
                await self._disconnect()
                if not again:
                    log.error("收到的消息未能入库（%d 条，已请对方稍后重发）：%s", len(messages), type(fault).__name__)
            except Exception as fault:  # noqa: BLE001 - whatever it is, those who wait must be told
                await self._disconnect()
                if len(messages) > 1:
                    # One message must not be the ruin of those it happened to arrive with.
                    return [answer for message in messages for answer in await self._answers([message])]
                log.error("收到的一条消息未能入库：%s", where(fault))
                return [Broken()]
        return [Away() for _ in messages]

    async def _store(self, messages: Sequence[Verified]) -> Sequence[Answer]:
        # In order of their ids, so that two gateways that store the same messages cannot wait for each other.
        order = sorted(range(len(messages)), key=lambda i: (messages[i].body, messages[i].event.id, i))
        connection = await self._connected()
        # One statement in autocommit: it is committed when it returns.
        found = await take_in_async(connection, [_incoming(messages[i]) for i in order], self._sealer, max(m.now for m in messages))
        by_place = dict(zip(order, found, strict=True))
        return [by_place[i] for i in range(len(messages))]

    async def _connected(self) -> AsyncConnection:
        if self._connection is None or self._connection.closed:
            said = arguments(_PATIENCE_S)
            said["options"] += f" {_PLAN}"
            self._connection = await async_patient(_PATIENCE_S).connect(self._url, autocommit=True, application_name="tonglu-gateway", **said | {"connect_timeout": 3})
        return self._connection

    async def _disconnect(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None


def _incoming(message: Verified) -> Incoming:
    event, raw = message.event, message.raw
    receipt = Receipt(new_id(message.now), event.id, message.now, receipts.body_digest(raw), "stored")
    held, duplicate = replace(receipt, status="held"), replace(receipt, status="duplicate")
    return Incoming(
        message.body, event.id, event.subject, event.name, int(event.data["round"]), event.sequence, event.time, raw, sha256(raw).digest(),
        receipts.encode(receipt), receipts.encode(held), receipts.encode(duplicate), event.data["petition_no"],
    )
