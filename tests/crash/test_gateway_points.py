"""The gateway dies around its commit: a body's message and a petition are there once, however often they are brought."""

from __future__ import annotations

import json

import pytest

from gateway.clients import add_client
from tests.crash.city import City
from tests.crash.conftest import Found
from tests.crash.test_worker_points import COMMIT
from tests.flows.world import COURT, PHONE
from tests.gateway.partner import Reply, call

CALLBACKS = {
    "before the insert": "models.inbox:take_in_async@entry",
    "committed, before the 202": "models.inbox:take_in_async@exit",
    "committed, the second": "models.inbox:take_in_async@exit#2",
    "the answer made": "gateway.writer:Writer.store@exit",
}
PETITIONS = {
    "before": "gateway.intake:Intake.take@entry",
    "not committed": "models.door:advance@exit",
    "committed": f"models.door:advance@exit > {COMMIT}@exit",
    "the answer made": "gateway.intake:Intake.take@exit",
}
FORM = {
    "origin_ref": "QT-7", "channel": "online", "received_at": "2026-03-01T09:30:00+08:00", "subject": "请求核实加装电梯的分摊", "text": "无人书面答复，请依法核实。",
    "petitioner": {"name": "欧阳澜生", "phone": PHONE}, "facts": {"klass": "claim", "branch": "B3.1a", "division": "990102", "stage": "first"},
}


@pytest.mark.guarantee("F17", "F14", "M5", "M6", "P6")
@pytest.mark.parametrize("point", CALLBACKS.values(), ids=CALLBACKS.keys())
def test_dead_while_bodies_call(found: Found, point: str) -> None:
    city = found(callbacks=True)
    city.register(COURT, 3)
    both = [city.start("worker"), city.gateway(point=point)]
    both = city.rest(*both)
    for minutes in (5 * 60, 6, 60, 150):  # signed; then what had no receipt is sent again, for as long as it takes
        both = city.step(*both, minutes=minutes)
    assert city.deaths == 1, "the point is not on this road"
    assert city.world.ask("select distinct state from handoff") == [("SIGNED",)]
    assert city.world.ask("select count(*), count(distinct message_id), min(via), max(via) from inbox") == [(3, 3, "hook", "hook")]
    assert city.world.control("state")["bodies"][COURT]["unsent"] == 0
    city.account()


def bring(city: City, token: str) -> Reply | None:
    """The answer to the form, None where the connection broke."""
    said = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        return call(f"http://127.0.0.1:{city.port}", "POST", "/petitions", said, json.dumps(FORM).encode())
    except OSError:
        return None


@pytest.mark.guarantee("G4", "F1", "F17")
@pytest.mark.parametrize("point", PETITIONS.values(), ids=PETITIONS.keys())
def test_dead_while_a_petition_is_handed_in(city: City, point: str) -> None:
    token = add_client(city.world.settings.keys, "front-desk")
    gateway = city.gateway(point=point)
    assert bring(city, token) is None
    assert gateway.wait() == -9
    city.gateway()
    [first, again] = [bring(city, token) for _ in range(2)]
    assert first is not None
    assert again is not None
    assert (first.status in (200, 201), again.status) == (True, 200)
    assert first.json["petition_no"] == again.json["petition_no"]
    assert city.world.ask("select petition_no from petition") == [(first.json["petition_no"],)]
    city.rest(city.start("worker"))
    city.account()
    assert city.world.ask("select count(*) from handoff where state = 'DELIVERED'") == [(1,)]
