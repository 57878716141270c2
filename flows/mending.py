"""Runs whose process died stay Running at Prefect for ever: here they are told to have crashed. No case depends on it; only what operators see.

Every run of the resident worker bears its owner's name as a tag (flows/presence.py), so that it is known, not guessed, whether its process lives.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from datetime import datetime, timedelta

from prefect import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Crashed

from flows import bulletin, dispatch, intake, lookup, presence, receive, reconcile, watch
from flows.context import Context
from models.db import Connection
from runtime.timesource import MachineTime, TimeSource

log = logging.getLogger("tonglu.mend")

FLOWS = tuple(f.name for f in (
    dispatch.dispatch, receive.receive, intake.intake, watch.watch, reconcile.reconcile, bulletin.bulletin, lookup.lookup))
TAG = "进程:"
# A worker that is just opening a new session to the ledger looks dead for a moment.
_DEAD_FOR = timedelta(minutes=2)
# No run of ours takes so long; one that its living process has lost (Prefect was away when it ended) looks no different.
_LOST_AFTER = timedelta(hours=6)
_NOBODYS_AFTER = timedelta(hours=1)
_PAGE = 200
_MESSAGE = "运行所在的进程已不在；案件以账本为准，无需处理"


def tag(owner: str) -> str:
    """The tag of the runs of the process that leases under this name."""
    return TAG + owner


def is_left(run: FlowRun, now: datetime, lives: Callable[[str], bool]) -> bool:
    """Whether nobody will ever end this run.

    Args:
        now: machine time, aware: Prefect's own stamps are. lives: whether the owner of this name does.
    """
    began = run.start_time or run.expected_start_time or run.created
    if began is None:
        return False
    age = now - began
    owner = next((word.removeprefix(TAG) for word in run.tags if word.startswith(TAG)), None)
    if owner is not None:
        return age > _LOST_AFTER or (age > _DEAD_FOR and not lives(owner))
    return age > _LOST_AFTER or (age > _NOBODYS_AFTER and not _process_lives(run.infrastructure_pid))


def _process_lives(where: str | None) -> bool:
    """Whether `host:pid`, as Prefect writes it, is a process of this machine; of another machine's it cannot be told, and is believed."""
    host, _, pid = (where or "").rpartition(":")
    if not pid.isdigit():
        return False
    if host and host != socket.gethostname():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


async def mend(context: Context, clock: TimeSource | None = None) -> int:
    """Set every run of ours that a dead process left Running or Pending to Crashed. Returns how many.

    `clock` tells Prefect's time, which is the machine's also where the product's is stepped. Raises httpx.HTTPError, psycopg.Error.
    """
    now = (clock or MachineTime()).now()
    wanted = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING])))
    ours = FlowFilter(name=FlowFilterName(any_=list(FLOWS)))
    left: list[FlowRun] = []
    async with get_client() as client:
        offset = 0
        while page := await client.read_flow_runs(flow_filter=ours, flow_run_filter=wanted, limit=_PAGE, offset=offset):
            left.extend(await context.transact(lambda c, page=page: _left(c, page, now, context.owner)))  # type: ignore[misc]
            offset += len(page)
        for run in left:
            await client.set_flow_run_state(run.id, Crashed(message=_MESSAGE), force=True)
    if left:
        log.warning("%d flow runs of dead processes are shown as crashed now", len(left))
    return len(left)


def _left(connection: Connection, page: list[FlowRun], now: datetime, own: str) -> list[FlowRun]:
    return [run for run in page if is_left(run, now, lambda owner: owner == own or presence.alive(connection, owner))]
