"""A clerk's command dies: it was done or it was not, the screen never said more than the ledger, and asked again the case goes on."""

from __future__ import annotations

import json

import pytest

from connectors.keyring import Keyring
from tests.crash.city import City
from tests.crash.test_worker_points import COMMIT
from tests.flows.world import COURT

ACTS = {
    "before": ("models.door:advance@entry", 0),
    "not committed": ("models.door:advance@exit", 0),
    "about to commit": (f"models.door:advance@exit > {COMMIT}@entry", 0),
    "committed": (f"models.door:advance@exit > {COMMIT}@exit", 1),
}
KEYS = {
    "before": "connectors.keyring:Keyring.rotate@entry",
    "written beside": "connectors.keyring:Keyring._write_beside@exit",
    "in its place": "pathlib:Path.replace@exit",
    "the answer": "connectors.keyring:Keyring.rotate@exit",
}


@pytest.mark.guarantee("F1", "F2", "M1")
@pytest.mark.parametrize(("point", "done"), ACTS.values(), ids=ACTS.keys())
def test_dead_while_a_clerk_withdraws(city: City, point: str, done: int) -> None:
    [number] = city.register(COURT, 1)
    work = city.start("worker")
    [work] = city.rest(work)
    died = city.command("withdraw", number, "--reason", "来件人已另行提出", point=point)
    assert died.code == -9
    assert "已要求撤回" not in died.log.read_text(), "it was told before it was kept"
    [work] = city.rest(work)
    assert city.world.ask("select count(*) from outbox where message = 'handoff.withdraw'") == [(done,)]
    if not done:
        again = city.command("withdraw", number, "--reason", "来件人已另行提出")
        assert again.code == 0, again.log.read_text()
    [work] = city.rest(work)
    assert city.world.ask("select count(*) from outbox where message = 'handoff.withdraw' and state = 'RECEIPTED'") == [(1,)]
    for hours in (16.5, 1, 23, 1):  # what one night could not fetch, the next does
        [work] = city.step(work, hours=hours)
    city.account()


@pytest.mark.parametrize("point", KEYS.values(), ids=KEYS.keys())
def test_dead_while_a_key_is_rotated(city: City, point: str) -> None:
    ring = Keyring(city.world.settings.keys)
    before = ring.of(COURT)
    assert city.command("keys", "rotate", COURT, point=point).code == -9
    keys = json.loads(ring.path(COURT).read_text())
    assert (keys["to_body"][-1], keys["from_body"][-1]) == (before.to_body[-1], before.from_body[-1]), "the key that the other side has is gone"
    city.register(COURT, 2)
    city.rest(city.start("worker"))
    assert city.command("keys", "rotate", COURT).code == 0
    assert city.world.states() == {"RECEIPTED": 2}
    city.account()
