"""A partner that restores an old backup: what it lost is sent again under the same ids, what it had said before is a person's, nothing is done twice."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
import requests

from flows import dispatch, reconcile
from flows.context import using
from flows.trace import SILENT
from tests.flows import world as worlds
from tests.flows.world import COURT, World, hand_off
from tests.sandbox.conftest import serving


@pytest.mark.guarantee("F20")
def test_what_an_old_backup_lacks_is_sent_again_with_the_same_ids(database: str, tmp_path: Path) -> None:
    bureau = worlds.world(database, tmp_path, "")
    config = worlds.sandbox_config(tmp_path, [COURT], "silent", drop_callbacks=True)
    kept = tmp_path / "backup.sqlite"
    with serving(config, bureau.clock) as url:  # type: ignore[arg-type]
        send(bureau, url, 3)
    shutil.copy(config.ledger, kept)
    with serving(config, bureau.clock) as url:  # type: ignore[arg-type]
        send(bureau, url, 4, start=3)
        assert found(bureau, url) == {}
    for leftover in tmp_path.glob("sandbox.sqlite*"):
        leftover.unlink()
    shutil.copy(kept, config.ledger)
    sent = bureau.ask("select message_id, digest from outbox order by 1")
    with serving(config, bureau.clock) as url:  # type: ignore[arg-type]
        assert found(bureau, url) == {"missing_at_partner": 4}
        effects = requests.get(f"{url}/control/effects", timeout=10).json()
        assert sorted(effects) == [h for (h,) in bureau.ask("select handoff_id from handoff order by 1")]
        assert {seen["cases"] for seen in effects.values()} == {1}, "what it had kept is not made twice"
        assert bureau.ask("select message_id, digest from outbox order by 1") == sent, "the same ids, the same bytes"
        assert found(bureau, url) == {}
    assert bureau.ask("select count(*) from duty where kind in ('difference', 'security')") == [(0,)]
    assert bureau.ask("select count(*), count(healed_at) from difference") == [(4, 4)]


def send(bureau: World, url: str, count: int, start: int = 0) -> None:
    context = bureau_at(bureau, url).open()
    try:
        with using(context):
            hand_off(context, COURT, count, start)
            asyncio.run(dispatch.run_all(context, SILENT))
    finally:
        context.close()


def found(bureau: World, url: str) -> dict[str, int]:
    """What the night finds at the partner that is served there."""
    context = bureau_at(bureau, url).open()
    try:
        with using(context):
            [comparison] = asyncio.run(reconcile.run(context, SILENT, COURT, again=True)).bodies
    finally:
        context.close()
    assert comparison.failed == ""
    kinds = [d.finding.kind for d in comparison.found]
    return {kind: kinds.count(kind) for kind in kinds}


def bureau_at(bureau: World, url: str) -> World:
    bureau.settings, bureau.sandbox = bureau.settings.model_copy(update={"sandbox_url": url}), url
    return bureau
