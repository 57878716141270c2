"""Messages that a body's failing endpoint has kept waiting for longer than a whole schedule: they go by its next way, as those do that were tried to the end.

While an endpoint fails, one message at a time is tried for all; the others would never come to the end of their own schedule.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from models import store
from models.breaker import SUSPENDED_NOW
from models.db import Connection
from models.door import advance
from models.moves import SYSTEM, Move
from models.seal import Sealer
from rules.house import House

CODE = "waited-out"
_AT_ONCE = 500
_WAITING = f"""select o.message_id, o.handoff_id, o.petition_no, o.way, o.state = 'UNKNOWN', o.attempts from outbox o
    join body w on w.code = o.body and w.way = o.way and w.breaker <> 'CLOSED'
    where o.body = %(body)s and o.state in ('QUEUED', 'RETRY_WAIT', 'UNKNOWN') and o.next_attempt_at <= %(since)s
      and (o.way, o.state = 'UNKNOWN') in (select * from unnest(%(ways)s::int[], %(doubts)s::bool[]))
      and not exists (select 1 from body b where b.code = o.body and b.way = 0 and {SUSPENDED_NOW})
    order by o.next_attempt_at, o.message_id limit {_AT_ONCE}"""


def waited_out(connection: Connection, body: str, patience: timedelta, house: House, sealer: Sealer, now: datetime) -> int:
    """Send on by another way what should have gone `patience` ago or earlier and was held back by an endpoint that fails (not by a person). Returns how many
    of the next 500 that have a way on; call it until it is 0.

    What may have arrived goes only by a way into the same system; for all of them a person is told (duty `undelivered`), as when a schedule is spent.
    """
    entry = house.bodies.get(body) if body in house.bodies else None
    if entry is None or not entry.fallbacks:
        return 0
    onward = {(at, doubtful): way for at in range(len(entry.ways)) for doubtful in (False, True) if (way := entry.next_way(at, doubtful=doubtful)) is not None}
    said = {"body": body, "since": now - patience, "now": now, "ways": [at for at, _ in onward], "doubts": [doubtful for _, doubtful in onward]}
    rows = connection.execute(_WAITING, said).fetchall()
    ways = {message_id: onward[at, doubtful] for message_id, _, _, at, doubtful, _ in rows}
    if not ways:
        return 0
    # The petitions are locked before the outbox rows, here and everywhere.
    numbers = sorted({number for message_id, _, number, *_ in rows if message_id in ways})
    connection.execute("select 1 from petition where petition_no = any(%s) order by petition_no for update", (numbers,))
    moved = {i for (i,) in connection.execute(
        """update outbox o set way = v.way, way_attempts = 0, next_attempt_at = %s
           from unnest(%s::text[], %s::int[], %s::int[]) as v(message_id, way, attempts)
           where o.message_id = v.message_id and o.attempts = v.attempts and o.state in ('QUEUED', 'RETRY_WAIT', 'UNKNOWN') returning o.message_id""",
        (now, list(ways), list(ways.values()), [attempts for message_id, *_, attempts in rows if message_id in ways]))}
    advance(connection, [
        Move("duty.open", SYSTEM, handoff_id=handoff, data={
            "kind": "undelivered", "ref": message_id, "code": CODE, "attempts": attempts, "message_id": message_id, "to_way": ways[message_id]})
        for message_id, handoff, _, _, _, attempts in rows if message_id in moved], house, sealer, now)
    store.notify(connection, "outbox")
    return len(moved)
