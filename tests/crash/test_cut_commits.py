"""The ledger has committed and the line breaks before we are told: tried again, and nothing is done twice."""

from __future__ import annotations

import pytest

from tests.crash.city import City
from tests.crash.cutting import Cutter
from tests.flows.world import COURT, HOUSING

COMMITS = {
    "routing": "where state = 'REGISTERED' and petition_no >",
    "claim": "set state = 'SENDING'",
    "settlement": "insert into receipt (",
    "a message applied": "update inbox i set state",
    "messages fetched": "insert into inbox",
    "the night begun": "insert into reconciliation",
    "differences recorded": "insert into difference",
    "a clock rung": "from clock where state = 'OPEN'",
    "an urge queued": "copy outbox",
}


@pytest.mark.guarantee("F7", "M2")
@pytest.mark.parametrize("after", COMMITS.values(), ids=COMMITS.keys())
def test_told_that_it_failed_though_it_was_done(city: City, after: str) -> None:
    city.world.control("manners", {"manner": "silent", "bodies": [HOUSING]})
    cutter = Cutter(city.world.url, after)
    city.stack.callback(cutter.close)
    city.register(COURT, 3)
    city.register(HOUSING, 2)
    work = city.start("worker", url=cutter.url)
    lease = city.world.settings.lease_seconds

    def settled() -> bool:
        # What was leased in the commit that nobody told of waits for the end of its lease, and no longer.
        if cutter.cuts and city.world.ask("select count(*) from outbox where state = 'SENDING'") != [(0,)]:
            city.world.clock.step(seconds=lease + 1)
        return city.quiet()

    city.until(settled)
    for hours in (16.5, 1, 47, 1):
        city.world.clock.step(hours=hours)
        city.until(settled)
    assert cutter.cuts >= 1, "no such commit on this road"
    assert work.stop() == 0
    assert city.world.ask("select count(*), count(distinct petition_no) from handoff") == [(5, 5)]
    assert city.world.ask("select count(*) from outbox where message = 'handoff.urge'") == [(2,)]
    city.account()
