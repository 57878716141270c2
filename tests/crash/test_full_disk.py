"""No room on a disk: PostgreSQL's, so that nothing is promised; our own, so that a log and a sign of life are missing and the cases go on."""

from __future__ import annotations

import json

import psycopg
import pytest

from gateway.clients import add_client
from tests.crash.city import City
from tests.crash.conftest import Found
from tests.crash.test_gateway_points import FORM
from tests.flows.world import COURT
from tests.gateway.partner import call

# What PostgreSQL says when a table cannot grow, said by PostgreSQL.
_FULL = """create function no_room() returns trigger language plpgsql as $$ begin
  raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$"""


@pytest.mark.guarantee("F18", "G2", "G4", "P6")
def test_without_room_for_the_inbox_nothing_is_promised_and_nothing_lost(found: Found) -> None:
    city = found(callbacks=True)
    token = add_client(city.world.settings.keys, "front-desk")
    said = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    city.register(COURT, 2)
    both = city.rest(city.start("worker"), city.gateway())
    url = f"http://127.0.0.1:{city.port}"
    with psycopg.connect(city.world.url, autocommit=True) as connection:
        connection.execute(_FULL)
        for table in ("inbox", "petition"):
            connection.execute(f"create trigger no_room before insert on {table} for each row execute function no_room()")
        city.world.clock.step(hours=5)
        city.until(lambda: len(city.said_by_bodies()) == 2)
        for body, message_id, raw, receipt in city.said_by_bodies():
            answer = city.call_back(city.port, body, message_id, raw)
            assert (answer.status, receipt) == (503, b"")
            assert int(answer.headers["retry-after"]) > 0
        assert call(url, "POST", "/petitions", said, json.dumps(FORM).encode()).status == 503
        assert city.world.ask("select (select count(*) from inbox), (select count(*) from petition)") == [(0, 2)]
        for table in ("inbox", "petition"):
            connection.execute(f"drop trigger no_room on {table}")
    assert call(url, "POST", "/petitions", said, json.dumps(FORM).encode()).status == 201
    both = city.rest(*both)
    for _ in range(3):
        both = city.step(*both, hours=1)
    assert city.world.ask("select count(*) from inbox where state = 'APPLIED' and via = 'hook'") == [(2,)]
    assert city.world.control("state")["bodies"][COURT]["unsent"] == 0
    city.account()


@pytest.mark.guarantee("M8", "G1")
def test_without_room_for_logs_and_signs_of_life_the_cases_go_on(city: City) -> None:
    city.register(COURT, 3)
    work = city.start("worker", largest_file=0)
    [work] = city.rest(work)
    for hours in (16.5, 1):
        [work] = city.step(work, hours=hours)
    assert city.world.ask("select state, count(*) from handoff group by 1") == [("SIGNED", 3)]
    assert not (city.folder / "worker.alive").exists()
    assert work.stop() == 0
    city.account()
