"""Waiting until nothing is left to do at this instant: time stands still until every process has done what is due."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
from psycopg_pool import PoolTimeout

from cli.lapse.installation import Installation, LapseError
from flows.due import look
from rules.calendar import SHANGHAI

_POLL_S = 0.04


class Stalled(LapseError):
    """Some process does not come to rest; names which, and from which instant on."""


def busy(installation: Installation, *, ours: bool = True, theirs: bool = True) -> str:
    """What is still to do at this instant, in Chinese; empty when nothing is. `ours`, `theirs`: whether that side is looked at.

    A side that does not answer is busy: it is starting, or it is down on purpose and should not be asked.
    """
    if theirs:
        try:
            state = installation.ask("idle", within=30)
        except LapseError as fault:
            return str(fault)
        if not state["idle"]:
            return f"沙箱：{state['callbacks_due']} 件回告、{state['steps_due']} 项动作{'，已出错' if state['broken'] else ''}"
    if ours:
        try:
            with installation.database.transaction() as connection:
                due = look(connection, installation.now)
        except (psycopg.OperationalError, PoolTimeout) as fault:
            return f"账本没有应答（{type(fault).__name__}）"
        if not due.idle:
            return f"工作进程：{due}"
    return ""


def rest(installation: Installation, within: float = 90.0, *, ours: bool = True, theirs: bool = True, also: Callable[[], str] = lambda: "") -> None:
    """Wait until nothing is due: at two looks in a row, because a message may be between two ledgers at the first.

    Args:
        within: real seconds it may take. also: what else has to be done, in Chinese; empty when it is.
    Raises:
        Stalled: it took longer.
    """
    until, quiet = time.monotonic() + within, 0
    while quiet < 2:
        why = also() or busy(installation, ours=ours, theirs=theirs)
        quiet = 0 if why else quiet + 1
        if time.monotonic() > until:
            raise Stalled(f"{installation.now.astimezone(SHANGHAI):%Y-%m-%d %H:%M} 之后一直没有静止：{why}")
        if why:
            time.sleep(_POLL_S)
