"""The worker dies at every line between two systems, in the life of a few cases: routing, sending, a night that fetches what bodies said, clocks that ring."""

from __future__ import annotations

import pytest

from tests.crash.city import City
from tests.flows.world import COURT, HOUSING

COMMIT = "psycopg.connection:Connection.commit"

POINTS = {
    "routing, before a petition is locked": "flows.intake:batch@entry",
    "routing, everything changed and not committed": "flows.intake:batch@exit",
    "routing, committed": f"flows.intake:batch@exit > {COMMIT}@exit",
    "claim, before": "models.outbox:claim@entry",
    "claim, not committed": "models.outbox:claim@exit",
    "claim, committed and nothing sent": f"models.outbox:claim@exit > {COMMIT}@exit",
    "before the bytes of the first leave": "connectors.http.connector:HttpConnector.submit@entry",
    "before the bytes of the third leave": "connectors.http.connector:HttpConnector.submit@entry#3",
    "the bytes have left, the answer is not there": "http.client:HTTPConnection.getresponse@entry",
    "the answer is there and not read": "http.client:HTTPResponse.begin@exit",
    "the answer is read and not understood": "connectors.http.connector:HttpConnector.submit@exit",
    "between answer and settlement": "connectors.carry:carry_once@exit#2",
    "settlement, before": "models.settling:settle@entry",
    "settlement, not committed": "models.settling:settle@exit",
    "settlement, committed": f"models.settling:settle@exit > {COMMIT}@exit",
    "after a batch": "flows.dispatch:_Dispatch.close@entry",
    "the night begun, not committed": "models.recon:begin@exit",
    "the night begun": f"models.recon:begin@exit > {COMMIT}@exit",
    "differences recorded, not committed": "models.differences:record@exit",
    "differences recorded": f"models.differences:record@exit > {COMMIT}@exit",
    "messages fetched, not stored": "connectors.http.connector:HttpConnector.fetch@exit",
    "messages fetched and stored, not committed": "models.inbox:take_in@exit",
    "messages fetched and stored": f"models.inbox:take_in@exit > {COMMIT}@exit",
    "a day compared, not committed": "models.recon:reach@exit",
    "before the night is closed": "models.recon:finish@entry",
    "the night closed, not committed": "models.recon:finish@exit",
    "the night closed": f"models.recon:finish@exit > {COMMIT}@exit",
    "a message applied, not committed": "models.inbox:apply@exit#2",
    "a message applied": f"models.inbox:apply@exit#2 > {COMMIT}@exit",
    "a clock rung, not committed": "models.own_acts:ring@exit > models.store:flush@exit",
    "a clock rung": f"models.own_acts:ring@exit > {COMMIT}@exit",
    "dead senders' leases taken back, not committed": "flows.presence:reap@exit",
}


@pytest.mark.guarantee("F1", "F2", "F3", "F4", "F6", "M1", "M2", "M5", "M6")
@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS.keys())
def test_dead_at(city: City, point: str) -> None:
    city.world.control("manners", {"manner": "silent", "bodies": [HOUSING]})
    city.register(COURT, 3)
    city.register(HOUSING, 2)
    work = city.start("worker", point=point)
    [work] = city.rest(work)
    for hours in (16.5, 47):
        # What bodies say until half past one is fetched in the night that begins at two; a silent one is urged on the third day.
        [work] = city.step(work, hours=hours)
        [work] = city.step(work, hours=1)
    assert city.deaths == 1, "the point is not on this road"
    assert work.stop() == 0
    assert city.world.ask("select count(*), count(distinct petition_no) from handoff") == [(5, 5)]
    assert city.world.ask("select count(*) from handoff where body = %s and seq_in > 0", COURT) == [(3,)]
    assert city.world.ask("select count(*) from outbox where message = 'handoff.urge'") == [(2,)]
    city.account()
