"""A worker that stands still for longer than its lease and then goes on as if nothing had been: what it holds has been done by another meanwhile."""

from __future__ import annotations

import signal

import pytest

from tests.crash.city import City
from tests.flows.world import COURT

POINTS = {
    "everything leased, nothing sent": "models.outbox:claim@exit > psycopg.connection:Connection.commit@exit",
    "before the bytes leave": "connectors.http.connector:HttpConnector.submit@entry",
    "the answer in hand": "connectors.carry:carry_once@exit",
    "the settlement made, not committed": "models.settling:settle@exit",
}


@pytest.mark.guarantee("G1", "M2", "M3", "F3")
@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS.keys())
def test_frozen_at(city: City, point: str) -> None:
    city.register(COURT, 3)
    frozen = city.start("worker", point=point, how="SIGSTOP")
    city.until(lambda: frozen.stopped)
    # Its session is open and so its lock is held: nobody takes it for dead. Only the end of its lease helps.
    other = city.start("worker")
    if "settling" in point:
        # What it holds locked it holds until PostgreSQL sees it gone; the others can but wait for it.
        frozen.signal(signal.SIGCONT)
    city.world.clock.step(seconds=city.world.settings.lease_seconds + 1)
    if "settling" not in point:
        city.until(lambda: city.world.states() == {"RECEIPTED": 3})
        frozen.signal(signal.SIGCONT)
    both = city.rest(frozen, other)
    for hours in (16.5, 1):
        both = city.step(*both, hours=hours)
    assert [process.stop() for process in both] == [0, 0]
    assert city.deaths == 0
    assert city.world.ask("select count(*) from receipt") == [(3,)]
    assert city.world.ask("select count(*) from journal where to_state = 'DELIVERED'") == [(3,)]
    if "claim" in point:
        # A try that is not made has no end of its own: the row is still the one that was written when the lease ended.
        assert city.world.ask("select code, count(*) from attempt where attempt_no = 1 group by 1") == [("sender-gone", 3)], "it must look before it sends"
    city.account()
