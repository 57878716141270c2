"""All bodies of one sandbox together: their ledger, their receptions, what is due, what is on its way."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sandbox.config import BodyConfig, SandboxConfig
from sandbox.gaps import Gaps
from sandbox.ledger import Ledger
from sandbox.manners.base import Manner
from sandbox.outbox import Outbox
from sandbox.reception import Reception
from sandbox.roster import Roster
from sandbox.schedule import Schedule
from sandbox.store import open_ledger, open_reader
from sandbox.writer import Writer

T = TypeVar("T")
_log = logging.getLogger("sandbox")


class House:
    """The sandbox behind its HTTP face. `now` is the injected clock (aware datetimes); it may jump."""

    def __init__(self, config: SandboxConfig, now: Callable[[], datetime]) -> None:
        self.config, self.now = config, now
        self.roster = Roster(config.bodies, config.seed)
        self.receptions = {code: Reception(code, config.seed, self.roster.choose) for code in config.bodies}
        self.ledgers = {code: Ledger(code, body.ledger) for code, body in config.bodies.items()}
        self.skew: dict[str, timedelta] = {}
        self.broken: str | None = None
        self.writer: Writer
        self.reader: sqlite3.Connection
        self.outbox: Outbox
        self.schedule: Schedule
        self.gaps: Gaps

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Open the ledger and let time work; closes both at the end."""
        loop = asyncio.get_running_loop()
        self.writer = Writer(open_ledger(self.config.ledger), loop)
        self.reader = open_reader(self.config.ledger)
        self.outbox = Outbox(self)
        self.schedule = Schedule(self)
        self.gaps = Gaps(self)
        work = [loop.create_task(part.run()) for part in (self.schedule, self.outbox, self.gaps)]
        for task in work:
            task.add_done_callback(self._stopped)
        try:
            yield
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            await self.outbox.close()
            await self.writer.close()
            self.reader.close()

    def body(self, code: str) -> BodyConfig | None:
        """A body's configuration, or None where it is not served."""
        return self.config.bodies.get(code)

    def clock(self, code: str) -> datetime:
        """What the body's own clock shows, by which it stamps, signs and judges signatures: `now` unless it was set wrong on purpose."""
        return self.now() + self.skew.get(code, timedelta(0))

    def signing_keys(self, code: str, manner: Manner[Any] | None = None, handoff_id: str | None = None) -> Sequence[str]:
        """What the body signs with: as the manner of the case wants, or of the body where there is no case."""
        keys = self.config.bodies[code].from_body
        if manner is None and handoff_id is not None:
            manner = self.roster.of_case(self.reader, code, handoff_id)
        oldest = self.roster.oldest_key_only(self.reader, code) if manner is None else manner.only_oldest_key
        return keys[-1:] if oldest else keys

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a long reading beside the others, on a connection of its own."""

        def reading() -> T:
            connection = open_reader(self.config.ledger)
            try:
                return work(connection)
            finally:
                connection.close()

        return await asyncio.to_thread(reading)

    def _stopped(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled():
            return
        failure = task.exception()
        self.broken = type(failure).__name__
        _log.error("the sandbox's own work stopped; it answers 500 from now on", exc_info=failure)
