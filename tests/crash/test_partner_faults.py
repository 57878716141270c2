"""Partners that say things twice, out of order or by a wrong clock, over the real wire: one effect each, and both ledgers equal."""

from __future__ import annotations

import json

import pytest

from tests.crash.city import City
from tests.crash.conftest import Found
from tests.flows.world import COURT, HOUSING


def start(city: City, manner: str, options: dict[str, object] | None = None) -> None:
    city.world.control("manners", {"manner": manner, "options": options or {}, "bodies": [COURT]})
    city.register(COURT, 3)


@pytest.mark.guarantee("F14", "F15", "M5", "M6")
def test_everything_is_said_twice_and_again_under_another_id(found: Found) -> None:
    city = found(callbacks=True)
    start(city, "sends_twice")
    both = city.rest(city.start("worker"), city.gateway())
    both = city.step(*both, hours=5)
    stored = city.world.ask("select count(*), count(distinct message_id), count(*) filter (where state = 'DUPLICATE') from inbox")
    assert stored == [(6, 6, 3)], "the same id is stored once, another id as a duplicate"
    assert city.world.ask("select count(*) from journal where to_state = 'SIGNED'") == [(3,)]
    told = city.world.control("state")["bodies"][COURT]["callbacks"]
    assert told.get("taken_unproven", 0) == 0
    city.account()


@pytest.mark.guarantee("F16", "M6", "S3", "P4")
def test_what_comes_past_a_gap_is_held_and_the_gap_asked_about_after_ten_minutes(city: City) -> None:
    """Of two messages the first is lost on the way; all within one day, so that no night helps."""
    start(city, "prompt", {"sign_hours": 1, "accept_days_min": 0.1, "accept_days_max": 0.1})
    both = city.rest(city.start("worker"), city.gateway())
    for hours in (2, 4):
        both = city.step(*both, hours=hours)
    for body, message_id, raw, _ in city.said_by_bodies():
        if json.loads(raw)["type"] == "cn.xf.handoff.accepted.v1":
            answer = city.call_back(city.port, body, message_id, raw)
            assert (answer.status, answer.json["status"]) == (202, "held")
    both = city.rest(*both)
    assert city.world.ask("select message, state, count(*) from inbox group by 1, 2") == [("handoff.accepted", "HELD", 3)]
    both = city.step(*both, minutes=9)
    assert city.world.ask("select distinct state from handoff") == [("DELIVERED",)]
    city.step(*both, minutes=2)
    # A gap that is just being asked about is not due any more; what comes of it is waited for.
    city.until(lambda: city.world.ask("select distinct state from handoff") == [("ACCEPTED",)])
    assert city.world.ask("select message, state, via, count(*) from inbox group by 1, 2, 3 order by 1") == [
        ("handoff.accepted", "APPLIED", "hook", 3), ("handoff.signed", "APPLIED", "recon", 3)]
    city.account()


@pytest.mark.guarantee("F22", "F10", "P7")
def test_a_partner_whose_clock_is_wrong_loses_nothing(found: Found) -> None:
    city = found(callbacks=True)
    city.world.control("skew", {"seconds": 600, "bodies": [COURT]})
    city.register(COURT, 2)
    city.register(HOUSING, 1)
    both = city.rest(city.start("worker"), city.gateway())
    assert city.world.ask("select body from outbox where state = 'RECEIPTED'") == [(HOUSING,)]
    assert city.world.ask("select count(*) from duty where kind = 'security' and body = %s and closed_at is null", COURT) == [(1,)]
    city.world.control("skew", {"seconds": 0, "bodies": [COURT]})
    for _ in range(8):
        both = city.step(*both, minutes=30)
    assert city.world.states() == {"RECEIPTED": 3}
    city.world.control("skew", {"seconds": -600, "bodies": [COURT]})
    both = city.step(*both, hours=5)
    assert city.world.ask("select count(*) from inbox where body = %s", COURT) == [(0,)], "signed by a clock that is wrong"
    city.world.control("skew", {"seconds": 0, "bodies": [COURT]})
    for _ in range(4):
        both = city.step(*both, hours=2)
    assert city.world.ask("select distinct state from handoff") == [("SIGNED",)]
    city.account()


@pytest.mark.guarantee("F14", "M5")
def test_two_gateways_at_once_are_one(found: Found) -> None:
    """The partner reaches one, the other, or after a silence both: the ledger is one."""
    city = found(callbacks=True)
    city.register(COURT, 3)
    both = city.rest(city.start("worker"), city.gateway())
    first = city.port
    both.append(city.second_gateway())
    both = city.step(*both, hours=5)
    assert city.world.ask("select count(*) from inbox") == [(3,)]
    raws = city.said_by_bodies()
    for port in (first, city.port):
        for body, message_id, raw, receipt in raws:
            again = city.call_back(port, body, message_id, raw)
            assert (again.status, again.body) == (202, receipt), "the same receipt, byte for byte, from either"
    assert city.world.ask("select count(*) from inbox") == [(3,)]
    city.account()
