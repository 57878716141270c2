"""Callbacks: what bodies tell the bureau, from their outbox to its hooks, under the same id until it says 2xx."""

import asyncio
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from sandbox.downtime import all_away
from sandbox.instants import micros
from sandbox.post import Poster, Reply

if TYPE_CHECKING:
    from sandbox.house import House

POLL_SECONDS = 0.03
_AT_ONCE = 500
# Tries close together in real time first: a gateway that restarts is back in a second, and a stepped clock may stand
# still meanwhile.
_QUICK = (0.1, 0.3, 0.9)
# Then the pace of Standard Webhooks in virtual time, or every 15 real seconds, whichever comes first.
_SLOW = tuple(timedelta(minutes=m) for m in (5, 30, 120, 300, 600, 840, 1200, 1440))
_SLOW_REAL = 15.0

_READY = """
SELECT o.id, o.body, o.message_id, o.handoff_id, o.attempts FROM outbox o INDEXED BY outbox_unsent WHERE o.sent = 0
AND (o.ordered = 0 OR NOT EXISTS (
  SELECT 1 FROM outbox e WHERE e.sent = 0 AND e.body = o.body AND e.handoff_id = o.handoff_id AND e.id < o.id))
"""


@dataclass(frozen=True)
class Waiting:
    """A message that may leave now."""

    id: int
    body: str
    message_id: str
    handoff_id: str
    attempts: int


class Outbox:
    """Sends in order per hand-off, several hand-offs at once. Counters are by body, since the start."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._pool = ThreadPoolExecutor(house.config.senders, thread_name_prefix="sandbox-callback")
        self._poster = Poster()
        self._flying: dict[int, str] = {}
        self._not_before: dict[int, float] = {}  # real seconds: a quick try waits for its moment
        self._at_latest: dict[int, float] = {}  # real seconds: a slow one need not wait for the virtual clock longer
        self._tasks: set[asyncio.Task[None]] = set()
        self.dropping = house.config.drop_callbacks
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)

    async def run(self) -> None:
        """Send what may leave, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            room = self._house.config.senders * 2 - len(self._flying)
            started = 0
            for waiting in self.ready(room + len(self._flying) + len(self._not_before)) if room > 0 else ():
                if started == room:
                    break
                if waiting.handoff_id in self._flying.values() or time.monotonic() < self._not_before.get(waiting.id, 0):
                    continue
                self._flying[waiting.id] = waiting.handoff_id
                task = loop.create_task(self._send(waiting))
                self._tasks.add(task)
                task.add_done_callback(self._landed)
                started += 1
            await asyncio.sleep(POLL_SECONDS if not started else 0.002)

    def ready(self, limit: int = _AT_ONCE) -> list[Waiting]:
        """The first of what is due by the virtual clock, or by the real one after a failure; in flight included, bodies that are
        away not."""
        if self.dropping or self._house.config.hooks_url is None:
            return []
        reader, now = self._house.reader, self._house.now()
        away, real = all_away(reader, now), time.monotonic()
        late = [key for key, moment in self._at_latest.items() if moment <= real]
        marks = ",".join("?" * len(late))
        rows = reader.execute(
            f"{_READY} AND (o.send_at <= ? OR o.id IN ({marks})) ORDER BY o.id",
            (micros(now), *late),
        )
        present = (row for row in rows if row["body"] not in away)
        return [Waiting(row["id"], row["body"], row["message_id"], row["handoff_id"], row["attempts"]) for row in islice(present, limit)]

    async def ask(self, body: str, path: str, handoff_id: str) -> bytes | None:
        """A signed question to the bureau's hooks about a hand-off; the answer's bytes if 200 and signed by the bureau."""
        house = self._house
        found = await asyncio.get_running_loop().run_in_executor(
            self._pool,
            self._poster.get,
            f"{house.config.hooks_url}/{body}{path}",
            house.signing_keys(body, handoff_id=handoff_id),
            house.config.bodies[body].to_body,
            partial(house.clock, body),
        )
        self.counts[body]["questions" if found is not None else "questions_unanswered"] += 1
        return found

    async def close(self) -> None:
        """Wait for what is in flight."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._pool.shutdown()
        self._poster.close()

    def _landed(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._house.broken = type(failure).__name__

    async def _send(self, waiting: Waiting) -> None:
        house, body = self._house, waiting.body
        try:
            row = house.reader.execute("SELECT raw FROM outbox WHERE id = ? AND sent = 0", (waiting.id,)).fetchone()
            if row is None:
                return
            keys = house.signing_keys(body, handoff_id=waiting.handoff_id)
            reply = await asyncio.get_running_loop().run_in_executor(
                self._pool,
                self._poster.post,
                f"{house.config.hooks_url}/{body}",
                keys,
                house.config.bodies[body].to_body,
                waiting.message_id,
                bytes(row["raw"]),
                partial(house.clock, body),
            )
            await self._settle(waiting, reply)
        finally:
            del self._flying[waiting.id]

    async def _settle(self, waiting: Waiting, reply: Reply) -> None:
        counts = self.counts[waiting.body]
        if reply.taken:
            counts["taken" if reply.proven else "taken_unproven"] += 1
            self._not_before.pop(waiting.id, None)
            self._at_latest.pop(waiting.id, None)
            await self._house.writer.do(
                lambda db: db.execute(
                    "UPDATE outbox SET copies = copies - 1, sent = (copies <= 1), attempts = attempts + 1 WHERE id = ?",
                    (waiting.id,),
                )
            )
            return
        counts[f"refused_{reply.status}" if reply.status else "unreached"] += 1
        if waiting.attempts < len(_QUICK):
            self._not_before[waiting.id] = time.monotonic() + _QUICK[waiting.attempts]
            await self._house.writer.do(lambda db: db.execute("UPDATE outbox SET attempts = attempts + 1 WHERE id = ?", (waiting.id,)))
            return
        pause = _SLOW[min(waiting.attempts - len(_QUICK), len(_SLOW) - 1)]
        pause = max(pause, timedelta(seconds=reply.retry_after))
        due = micros(self._house.now() + pause)
        self._not_before.pop(waiting.id, None)
        self._at_latest[waiting.id] = time.monotonic() + _SLOW_REAL
        await self._house.writer.do(lambda db: db.execute("UPDATE outbox SET attempts = attempts + 1, send_at = ? WHERE id = ?", (due, waiting.id)))
