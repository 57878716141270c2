"""The nightly comparison goes on with everybody else, whatever one body's ledger does to us."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from connectors.base import Connector
from connectors.directory import Directory
from flows import dispatch, reconcile
from flows.context import Context
from flows.trace import SILENT
from tests.flows.world import COURT, HOUSING, World, hand_off


class _Spoilt:
    """A connector whose ledger ends in an error that no connector should raise."""

    def __init__(self, real: Connector) -> None:
        self._real = real

    def digests(self, *_: object) -> object:
        raise OverflowError("a number past all sense")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Directory:
    def __init__(self, real: Directory) -> None:
        self._real = real

    def of(self, code: str) -> Any:
        found = self._real.of(code)
        return _Spoilt(found) if code == HOUSING and found is not None else found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def test_one_body_s_ledger_that_breaks_us_is_one_body_s_failed_night(context: Context, bureau: World) -> None:
    hand_off(context, COURT, 2)
    hand_off(context, HOUSING, 2)
    asyncio.run(dispatch.run_all(context, SILENT))
    spoilt = replace(context, directory=_Directory(context.directory))  # type: ignore[arg-type]
    summary = asyncio.run(reconcile.run(spoilt, SILENT))
    assert summary.failed == [HOUSING]
    assert dict(bureau.ask("select body, state from reconciliation")) == {COURT: "DONE", HOUSING: "FAILED"}
    assert asyncio.run(reconcile.run(context, SILENT)).failed == []
    assert dict(bureau.ask("select body, state from reconciliation")) == {COURT: "DONE", HOUSING: "DONE"}
