"""The nightly comparison goes on with everybody else, whatever one body's ledger does to us."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from connectors.base import CallFailed, Connector
from connectors.directory import Directory
from connectors.wire.ledger import Digests
from flows import dispatch, reconcile
from flows.comparison import LONGEST_S, Comparing, Comparison
from flows.context import Context
from flows.gate import Gate
from flows.trace import SILENT
from models import recon
from tests.flows.world import COURT, HOUSING, World, hand_off


def _past_all_sense(_: Context) -> None:
    raise OverflowError("a number past all sense")


def _too_slow(context: Context) -> None:
    """What one body listed makes a statement of ours run into its time limit: a real one, as PostgreSQL raises it."""
    with psycopg.connect(context.url) as connection:
        connection.execute("set statement_timeout = 10")
        connection.execute("select pg_sleep(60)")


def _ledger_gone(context: Context) -> None:
    """The server ends our session."""
    with psycopg.connect(context.url) as connection:
        connection.execute("select pg_terminate_backend(pg_backend_pid())")


class _Spoilt:
    """A connector whose ledger ends in an error that no connector should raise."""

    def __init__(self, real: Connector, spoil: Callable[[], None]) -> None:
        self._real, self._spoil = real, spoil

    def digests(self, *_: object) -> object:
        self._spoil()
        raise AssertionError("unreachable")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Directory:
    def __init__(self, real: Directory, spoil: Callable[[], None]) -> None:
        self._real, self._spoil = real, spoil

    def of(self, code: str) -> Any:
        found = self._real.of(code)
        return _Spoilt(found, self._spoil) if code == HOUSING and found is not None else found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def spoil(context: Context, how: Callable[[Context], None]) -> Context:
    return replace(context, directory=_Directory(context.directory, lambda: how(context)))  # type: ignore[arg-type]


def compare(context: Context, connector: Any, begun: recon.Begun, longest_s: float) -> None:
    async def play() -> None:
        async with Gate(1).place() as place:
            await Comparing(context, connector, Comparison(COURT), begun, reconcile.beijing_day(context.now()), place, longest_s).run()

    asyncio.run(play())


@pytest.mark.parametrize("how", [_past_all_sense, _too_slow])
def test_one_body_s_ledger_that_breaks_us_is_one_body_s_failed_night(context: Context, bureau: World, how: Callable[[Context], None]) -> None:
    hand_off(context, COURT, 2)
    hand_off(context, HOUSING, 2)
    asyncio.run(dispatch.run_all(context, SILENT))
    summary = asyncio.run(reconcile.run(spoil(context, how), SILENT))
    assert summary.failed == [HOUSING]
    assert dict(bureau.ask("select body, state from reconciliation")) == {COURT: "DONE", HOUSING: "FAILED"}
    assert asyncio.run(reconcile.run(context, SILENT)).failed == []
    assert dict(bureau.ask("select body, state from reconciliation")) == {COURT: "DONE", HOUSING: "DONE"}


class _FallsBack:
    """A body that moves between the first digests and the listing, and from then on knows only the first form of the line."""

    def __init__(self, real: Connector) -> None:
        self._real, self.asked = real, 0

    def digests(self, first: date, last: date, line: int = 1, split: int = 1) -> Digests:
        self.asked += 1
        if self.asked > 1:
            return self._real.digests(first, last)
        found = self._real.digests(first, last, line, split)
        return replace(found, days=[replace(day, sha256="0" * 64) for day in found.days])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def test_a_body_that_falls_back_to_the_first_form_in_between_is_not_accused(context: Context, bureau: World) -> None:
    hand_off(context, COURT, 2)
    asyncio.run(dispatch.run_all(context, SILENT))
    real = context.directory.of(COURT)
    assert real is not None
    falls = _FallsBack(real)
    day = reconcile.beijing_day(context.now())
    begun = context.transact_now(lambda c: recon.begin(c, COURT, day, context.now(), context.owner))
    assert begun is not None
    with pytest.raises(CallFailed) as caught:
        compare(context, falls, begun, LONGEST_S)
    assert (caught.value.outcome.code, falls.asked) == ("bad-ledger", 2)
    assert bureau.ask("select kind from difference union all select kind from duty where kind = 'security'") == []
    assert asyncio.run(reconcile.run(context, SILENT, COURT, again=True)).bodies[0].found == []


def test_a_ledger_of_ours_that_is_gone_ends_the_night_when_those_under_way_have_ended(context: Context, bureau: World) -> None:
    hand_off(context, COURT, 2)
    hand_off(context, HOUSING, 2)
    asyncio.run(dispatch.run_all(context, SILENT))
    with pytest.raises(psycopg.errors.AdminShutdown):
        asyncio.run(reconcile.run(spoil(context, _ledger_gone), SILENT))
    assert dict(bureau.ask("select body, state from reconciliation"))[HOUSING] == "RUNNING", "nothing is said of a body that only our own ledger failed"
    summary = asyncio.run(reconcile.run(context, SILENT))
    assert HOUSING in [c.body for c in summary.bodies]
    assert dict(bureau.ask("select body, state from reconciliation")) == {COURT: "DONE", HOUSING: "DONE"}


def test_a_comparison_has_an_end(context: Context, bureau: World) -> None:
    """However much a body lists: what is left is taken up later, at the day reached."""
    hand_off(context, COURT, 2)
    asyncio.run(dispatch.run_all(context, SILENT))
    connector = context.directory.of(COURT)
    assert connector is not None
    day = reconcile.beijing_day(context.now())
    begun = context.transact_now(lambda c: recon.begin(c, COURT, day, context.now(), context.owner))
    assert begun is not None
    with pytest.raises(CallFailed) as caught:
        compare(context, connector, begun, 0)
    assert caught.value.outcome.code == "too-long"


@pytest.mark.guarantee("M7")
def test_a_body_whose_ledger_cannot_be_read_for_three_nights_is_a_persons(context: Context, bureau: World) -> None:
    hand_off(context, COURT, 2)
    asyncio.run(dispatch.run_all(context, SILENT))
    told = []
    for _ in range(4):
        bureau.control("down", {"hours": 1, "mode": "503"})
        assert asyncio.run(reconcile.run(context, SILENT)).failed == [COURT]
        told.append(bureau.ask("select kind, body, petition_no, detail ->> 'code', zh from duty where closed_at is null and ref = %s", f"{COURT}:ledger-unread"))
        bureau.clock.step(days=1)
    assert told[:2] == [[], []]
    [(kind, body, number, code, zh)] = told[2]
    assert (kind, body, number, code) == ("security", COURT, None, "http-503")
    assert "连续三夜读不到该单位的账目（http-503）" in zh
    assert told[3] == told[2], "one duty while it is open"
    assert bureau.ask("select due_at > opened_at and due_at < opened_at + %s from duty where ref = %s", timedelta(days=10), f"{COURT}:ledger-unread") == [(True,)]
