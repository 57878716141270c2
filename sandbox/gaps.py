"""Messages held behind a gap: after ten minutes the body asks the bureau for what is missing (handoff-protocol §1.9)."""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from connectors.wire import pages
from connectors.wire.events import TO_BODY, BadEvent, decode, urn_of
from sandbox.downtime import all_away
from sandbox.instants import micros

if TYPE_CHECKING:
    from sandbox.house import House

POLL_SECONDS = 0.2
PATIENCE = timedelta(minutes=10)  # virtual

_HELD = """
SELECT i.body, i.handoff_id, coalesce(h.last_seq_in, 0) AS last FROM inbox i
LEFT JOIN handoff h ON h.body = i.body AND h.handoff_id = i.handoff_id
WHERE i.fate = 'held' GROUP BY 1, 2 HAVING min(i.received_at) <= ?
"""


class Gaps:
    """Asks once for each ten virtual minutes that a gap stays open."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._asked: dict[tuple[str, str], datetime] = {}

    async def run(self) -> None:
        """Ask for what is missing, until cancelled."""
        while True:
            for body, handoff_id, last in self.due():
                asked_at = self._house.now()
                await self._ask(body, handoff_id, last)
                self._asked[body, handoff_id] = asked_at
            await asyncio.sleep(POLL_SECONDS)

    def due(self) -> list[tuple[str, str, int]]:
        """(body, hand-off id, last message in order) of each gap to ask about now."""
        house, now = self._house, self._house.now()
        if house.outbox.dropping or house.config.hooks_url is None:
            return []
        rows = house.reader.execute(_HELD, (micros(now - PATIENCE),)).fetchall()
        away = all_away(house.reader, now) if rows else {}
        return [
            (row["body"], row["handoff_id"], row["last"])
            for row in rows
            if row["body"] not in away and now - self._asked.get((row["body"], row["handoff_id"]), now - PATIENCE) >= PATIENCE
        ]

    async def _ask(self, body: str, handoff_id: str, last: int) -> None:
        house = self._house
        found = await house.outbox.ask(body, f"/handoffs/{handoff_id}/messages?after={last}", handoff_id)
        if found is None:
            return
        try:
            for raw in pages.decode_messages(found).messages:
                event = decode(raw)
                if event.to == urn_of(body) and event.name in TO_BODY and event.subject == handoff_id:
                    reception = house.receptions[body]
                    await house.writer.do(partial(reception.fetched, event=event, raw=raw, now=house.now()))
        except (pages.BadPage, BadEvent):
            house.outbox.counts[body]["bad_pages"] += 1
