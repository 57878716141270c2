"""The clock of our machine is put back by a day in the middle of everything, and runs on from there."""

from __future__ import annotations

import pytest

from tests.crash.city import City
from tests.flows.world import COURT, HOUSING


@pytest.mark.guarantee("F30", "G3")
@pytest.mark.parametrize("point", ["", "connectors.http.connector:HttpConnector.submit@exit#2"], ids=["at rest", "with messages on the wire"])
def test_nothing_is_doubled_and_nothing_stands_still_for_ever(city: City, point: str) -> None:
    city.world.control("manners", {"manner": "silent", "bodies": [HOUSING]})
    city.register(COURT, 3)
    city.register(HOUSING, 2)
    work = city.start("worker")
    [work] = city.rest(work)
    [work] = city.step(work, hours=16.5)
    [work] = city.step(work, hours=1)
    assert work.stop() == 0
    city.register(COURT, 3 if not point else 2)
    city.world.clock.step(days=-1)
    city.register(HOUSING, 1)
    work = city.start("worker", point=point)
    [work] = city.rest(work)
    for _ in range(5):
        [work] = city.step(work, hours=24)
    assert city.deaths == bool(point)
    assert city.world.ask("select count(*) from outbox where message = 'handoff.urge'") == [(3,)]
    city.account()
