"""Everybody who acts in the demonstration beside the bodies' own systems, in the order in which they sit down to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from cli.demo.arbiters import Arbiters
from cli.demo.clerk import Clerk
from cli.demo.desk_bodies import DeskBodies
from cli.demo.office import Act, Office, Open
from cli.demo.petitioners import Petitioners
from models.db import Connection
from models.moves import Refused

# Nobody answers the minute a duty appears.
THINKING = timedelta(hours=6)
# What could not be done is looked at again the next day.
AGAIN = timedelta(days=1)


class People:
    """Works through what is open; counts what was done, by kind."""

    def __init__(self, office: Office) -> None:
        self._office = office
        clerk, arbiters = Clerk(office), Arbiters(office)
        self._acts: Mapping[str, Act] = {**clerk.acts(), **arbiters.acts()}
        self._patience = {**clerk.PATIENCE, **arbiters.PATIENCE}
        self._others = (DeskBodies(office), Petitioners(office))
        self._tried: dict[str, datetime] = {}
        self.done: dict[str, int] = {}

    def work(self, now: datetime) -> int:
        """Do every duty that has lain long enough, and whatever comes in on paper. Returns how many acts were done."""
        count = sum(other.work(now) for other in self._others)
        with self._office.database.transaction() as connection:
            duties = [duty for duty in self._open(connection) if self._ripe(duty) <= now]
        for duty in duties:
            with self._office.database.transaction() as connection:
                answer = self._acts[duty.kind](connection, duty, now)
            self._tried[duty.duty_id] = now
            if answer is not None and not isinstance(answer, Refused):
                self.done[duty.kind] = self.done.get(duty.kind, 0) + 1
                count += 1
        return count

    def next_look(self, connection: Connection, now: datetime) -> datetime | None:
        """When the next duty will have lain long enough; what was tried in vain is no reason to hurry."""
        fresh = (duty for duty in self._open(connection) if duty.duty_id not in self._tried)
        return min((ripe for duty in fresh if (ripe := self._ripe(duty)) > now), default=None)

    def _open(self, connection: Connection) -> list[Open]:
        # By petition, not by id: ids made at one instant fall in any order, and what is split first gets the lower numbers.
        sql = """select duty_id, kind, ref, coalesce(petition_no, ''), coalesce(handoff_id, ''), holder, opened_at from duty
                 where closed_at is null and kind = any(%s) order by opened_at, petition_no, kind, ref"""
        return [Open(*row) for row in connection.execute(sql, (list(self._acts),))]

    def _ripe(self, duty: Open) -> datetime:
        first = duty.opened_at + self._patience.get(duty.kind, THINKING)
        tried = self._tried.get(duty.duty_id)
        return first if tried is None else max(first, tried + AGAIN)
