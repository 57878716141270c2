"""Planned steps of all bodies, done when their virtual time has come."""

import asyncio
import sqlite3
from functools import partial
from typing import TYPE_CHECKING

from sandbox.case import load, save
from sandbox.desk import Desk
from sandbox.downtime import all_away
from sandbox.instants import micros

if TYPE_CHECKING:
    from sandbox.house import House

POLL_SECONDS = 0.03
_AT_ONCE = 200


class Schedule:
    """Polls, because the injected clock may jump by hours without telling anybody."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self.held = False

    async def run(self) -> None:
        """Do what is due, until cancelled."""
        while True:
            due = self.due(_AT_ONCE)
            if due:
                await asyncio.gather(*(self._house.writer.do(partial(self._step, key)) for key in due))
            else:
                await asyncio.sleep(POLL_SECONDS)

    def due(self, limit: int) -> list[int]:
        """Ids of the steps due now, the oldest first; those of bodies that are away wait, and all while the steps are held."""
        if self.held:
            return []
        reader, now = self._house.reader, self._house.now()
        away = all_away(reader, now)
        rows = reader.execute("SELECT id, body FROM action WHERE due <= ? ORDER BY due, id", (micros(now),))
        found: list[int] = []
        for row in rows:
            if row["body"] not in away:
                found.append(int(row["id"]))
                if len(found) == limit:
                    break
        return found

    def _step(self, key: int, db: sqlite3.Connection) -> None:
        row = db.execute("DELETE FROM action WHERE id = ? RETURNING body, handoff_id, name", (key,)).fetchone()
        if row is None:  # an earlier step of this batch cancelled it
            return
        house = self._house
        case = load(db, row["body"], row["handoff_id"])
        manner = house.roster.of_case(db, row["body"], row["handoff_id"])
        if case is None or manner is None:
            raise LookupError("a planned step without a case: the ledger was changed from outside")
        now = house.now()
        manner.act(Desk(db, case, now, house.config.seed), row["name"])
        save(db, case, now)
