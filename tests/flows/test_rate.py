"""A body with a rate gets as many messages as it agreed to, from all workers together; a body that gets none is shown in the day's figures."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from flows import bulletin, dispatch
from flows.context import Context
from flows.due import look
from flows.trace import SILENT
from models import breaker, outbox, suspending
from rules.breaker import Seen
from tests.flows.conftest import Build
from tests.flows.world import COURT, HOUSING, World, hand_off
from tests.support.road import config_by


@pytest.mark.guarantee("M11")
def test_two_workers_keep_to_a_body_s_rate_together(build: Build, tmp_path: Path) -> None:
    world = build()
    folder = config_by(tmp_path / "config", {})
    path = folder / "bodies.yaml"
    old = f'    connector: {{kind: http, options: {{url: "{{sandbox}}/{COURT}"}}}}'
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, f"    rate: {{per_minute: 60, burst: 5}}\n{old}"), encoding="utf-8")
    world.settings = world.settings.model_copy(update={"config_dir": folder})
    ours, theirs = world.open(), world.open()
    hand_off(ours, COURT, 20)
    hand_off(ours, HOUSING, 20)

    async def both() -> int:
        return sum(s.tried for s in await asyncio.gather(*(dispatch.run(c, SILENT, COURT) for c in (ours, theirs))))

    assert asyncio.run(both()) == 5
    assert asyncio.run(both()) == 0
    due = ours.transact_now(lambda c: look(c, ours.now()))
    assert [(w.body, w.count) for w in due.bodies] == [(HOUSING, 20)], "one that waits for a token is not due, another is"
    assert asyncio.run(dispatch.run(ours, SILENT, HOUSING)).tried == 20
    sent = 5
    while sent < 20:
        date = ours.transact_now(outbox.next_attempt)
        assert date is not None
        world.clock.step(seconds=(date - world.clock.now()).total_seconds())
        got = asyncio.run(both())
        assert got == 1, "one token a second"
        sent += got
    assert world.states() == {"RECEIPTED": 40}
    ours.close()
    theirs.close()


@pytest.mark.guarantee("F10", "F29")
def test_the_day_s_figures_name_who_gets_nothing_and_why(context: Context, bureau: World) -> None:
    hand_off(context, COURT, 1)
    now = context.now()
    context.transact_now(lambda c: breaker.learn(c, COURT, [(0, Seen("endpoint", "m", "w1", "http-401"))], now))
    context.transact_now(lambda c: suspending.suspend(c, HOUSING, "1024", "对方档案室搬迁", now + timedelta(days=2), context.house, now))
    figures = context.transact_now(lambda c: bulletin.count(c, now))
    text = bulletin.write(context, figures)
    assert "| 东屿区人民法院 | 接口不通（http-401），自 03-02 09:00 起，03-02 09:01 起有到期文书即试投一件 |" in text
    assert "人工暂停，至 03-04 09:00" in text
    assert "搬迁" not in text, "a person's own words stay in the ledger"
    bureau.clock.step(minutes=1)
    [_] = context.transact_now(lambda c: outbox.claim(c, COURT, 5, "w1", context.now(), timedelta(minutes=3), context.sealer))
    assert "正在试投一件" in bulletin.write(context, context.transact_now(lambda c: bulletin.count(c, context.now())))
