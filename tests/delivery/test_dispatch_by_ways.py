"""The resident worker's sending, where a body's first way is dead and its second is well."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from config.bodies import Bodies
from config.body import Fallback
from connectors.directory import Directory
from connectors.keyring import Keyring
from flows import dispatch, lookup
from flows.context import Context
from flows.trace import SILENT
from models import resending
from models.desk import bureau as who
from tests.connectors.partner import free_port
from tests.flows.conftest import build, bureau  # noqa: F401
from tests.flows.world import BUREAU, COURT, World, hand_off

MANY = 60


def with_dead_front(context: Context, bureau: World) -> Context:  # noqa: F811
    """The court by a way where nobody listens, and by the sandbox as its fallback."""
    bodies = context.house.bodies
    court = bodies.get(COURT)
    nobody = court.connector.model_copy(update={"options": {"url": f"http://127.0.0.1:{free_port()}"}})
    back = Fallback(kind=court.connector.kind, options=court.connector.options)
    moved = Bodies(bodies.places, [b.model_copy(update={"connector": nobody, "fallbacks": (back,)}) if b.code == COURT else b for b in bodies])
    urn = bodies.get(BUREAU).urn
    directory = Directory(moved, Keyring(context.settings.keys).of, bureau.sandbox, context.now, urn)
    return replace(context, house=replace(context.house, bodies=moved), directory=directory)


def test_what_is_sent_by_another_way_does_not_wait_for_the_first(bureau: World) -> None:  # noqa: F811
    opened = bureau.open()
    context = with_dead_front(opened, bureau)
    try:
        hand_off(context, COURT, MANY)
        first = asyncio.run(dispatch.run(context, SILENT, COURT))
        assert first.count("receipted") == 0
        assert first.probe_at is not None
        with context.database.transaction() as connection:
            found = resending.find(connection, COURT, None, None, ("QUEUED", "RETRY_WAIT", "UNKNOWN"), context.now())
            orders = [resending.Order(c.message_id, c.handoff_id, True) for c in found]
            going, refused = resending.send_again(
                connection, orders, who(context.house, "1024"), "主系统停机", context.house, context.sealer, context.now(), way=1)
        assert (len(going), refused) == (MANY, {})
        second = asyncio.run(dispatch.run(context, SILENT, COURT))
        assert second.count("receipted") == MANY, "in one run, though the first way is left alone"
        assert bureau.ask("select code, way, breaker from body where breaker <> 'CLOSED'") == [(COURT, 0, "OPEN")]
        assert bureau.ask("select distinct way from outbox") == [(1,)]
        assert bureau.ask("select count(*) from journal where act = 'message.resend' and actor = 'bureau:bureau-990100#1024'") == [(MANY,)]
        [[number]] = bureau.ask("select petition_no from outbox limit 1")
        with context.database.transaction() as connection:
            told = lookup.timeline(connection, context, str(number)) or ""
        assert "| 转送件 | 东屿区人民法院 | 备用通道 1 | 已回执 |" in told, told
        assert all(seen["cases"] == 1 for seen in bureau.control("effects").values())
    finally:
        context.directory.close()
        opened.close()
