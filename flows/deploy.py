"""Registers every flow at Prefect's server as a deployment: to be seen, run, paused and rescheduled in its UI. The definitions stand in prefect.yaml."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from prefect import Flow, get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate, WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName, WorkPoolFilter, WorkPoolFilterName
from prefect.client.schemas.objects import WorkPool
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.utilities.callables import parameter_schema
from pydantic import BaseModel, ConfigDict, ValidationError

from config.settings import settings
from flows.server import check_versions

POOL = "tonglu"
FILE = Path(__file__).parent / "prefect.yaml"
# Runs are for people and for the safety net; the resident worker has the machine.
_AT_ONCE = 2
_ABOUT = "通路：由人或定时启动的流程"


class BadDefinitions(ValueError):
    """prefect.yaml cannot be read; says where and what is wanted."""


class _Schedule(BaseModel):
    model_config = ConfigDict(extra="forbid")
    interval: int | None = None
    cron: str | None = None
    timezone: str


class _Definition(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    description: str
    entrypoint: str
    tags: list[str]
    parameters: dict[str, Any]
    work_pool: dict[str, str]
    enforce_parameter_schema: bool
    schedules: list[_Schedule]


@dataclass(frozen=True, slots=True)
class Deployed:
    """A registered deployment. `new` is False where it was there and kept its schedules."""

    name: str
    new: bool


def definitions(path: Path = FILE) -> list[_Definition]:
    """The deployments of prefect.yaml, in order. Raises BadDefinitions."""
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))["deployments"]
        return [_Definition.model_validate(row) for row in rows]
    except FileNotFoundError:
        raise BadDefinitions(f"没有 {path.name}；请从发行包中恢复该文件") from None
    except (yaml.YAMLError, KeyError, TypeError) as fault:
        raise BadDefinitions(f"{path.name} 读不懂（{type(fault).__name__}）；请对照发行包中的文件改正") from None
    except ValidationError as fault:
        faults = "；".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in fault.errors(include_url=False, include_input=False))
        raise BadDefinitions(f"{path.name} 有误：{faults}") from None


def deploy(api: str | None = None) -> list[Deployed]:
    """Register all deployments and the work pool at the server of `api` (default: PREFECT_API_URL, else the settings' port).

    A deployment that is already there keeps its schedules: an operator may have paused or moved them.

    Raises:
        BadDefinitions: prefect.yaml is wrong. VersionsDiffer: client and server do not match. requests.RequestException: no server answers.
    """
    where = api or PREFECT_API_URL.value() or settings().prefect_api
    check_versions(where)
    wanted = definitions()
    with temporary_settings({PREFECT_API_URL: where}):
        return asyncio.run(_deploy(wanted))


async def _deploy(wanted: Sequence[_Definition]) -> list[Deployed]:
    async with get_client() as client:
        await _make_pool(client)
        return [await _register(client, one) for one in wanted]


async def missing() -> list[str]:
    """What of ours the server of PREFECT_API_URL does not have: deployments by name, and the work pool. Raises httpx.HTTPError, PrefectHTTPStatusError."""
    async with get_client() as client:
        wanted = [one.name for one in definitions()]
        there = {one.name for one in await client.read_deployments(deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=wanted)))}
        absent = [name for name in wanted if name not in there]
        pools = await client.read_work_pools(limit=1, work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL])))
    return absent if pools and not _bare(pools[0]) else [*absent, POOL]


async def restore() -> list[Deployed]:
    """Register what `missing()` names, and nothing else: what is there stays as an operator left it. Returns the new ones.

    To be called by one process at a time. Raises as `deploy` and `missing` do.
    """
    absent = await missing()
    if not absent:
        return []
    return [one for one in await _deploy([one for one in definitions() if one.name in absent]) if one.new]


def make_pool(api: str) -> None:
    """Make the work pool at the server of `api` unless it is there. Raises httpx.HTTPError, PrefectHTTPStatusError."""
    async def make() -> None:
        async with get_client() as client:
            await _make_pool(client)

    with temporary_settings({PREFECT_API_URL: api}):
        asyncio.run(make())


async def _make_pool(client: PrefectClient) -> None:
    # One that is there is left as it is: an operator may have changed it.
    try:
        await client.create_work_pool(WorkPoolCreate(name=POOL, type="process", description=_ABOUT, concurrency_limit=_AT_ONCE))
    except ObjectAlreadyExists:
        if _bare(await client.read_work_pool(POOL)):
            await client.update_work_pool(POOL, WorkPoolUpdate(description=_ABOUT, concurrency_limit=_AT_ONCE))


def _bare(pool: WorkPool) -> bool:
    """Whether nobody but Prefect's own runner has made it: that knows neither our limit nor our words."""
    return pool.concurrency_limit is None and not pool.description


async def _register(client: PrefectClient, one: _Definition) -> Deployed:
    flow = _flow(one.entrypoint)
    flow_id = await client.create_flow(flow)
    schema = parameter_schema(flow).model_dump_for_openapi()
    try:
        known = await client.read_deployment_by_name(f"{flow.name}/{one.name}")
    except ObjectNotFound:
        await client.create_deployment(
            flow_id, one.name, schedules=[_schedule(s) for s in one.schedules], parameters=one.parameters, description=one.description,
            work_pool_name=one.work_pool["name"], tags=one.tags, entrypoint=one.entrypoint, pull_steps=[], parameter_openapi_schema=schema,
            enforce_parameter_schema=one.enforce_parameter_schema,
        )
        return Deployed(one.name, True)
    # Registering anew would drop the schedules and with them what an operator has done to them.
    await client.update_deployment(known.id, DeploymentUpdate(
        parameters=one.parameters, description=one.description, work_pool_name=one.work_pool["name"], tags=one.tags, entrypoint=one.entrypoint,
        pull_steps=[], parameter_openapi_schema=schema, enforce_parameter_schema=one.enforce_parameter_schema))
    return Deployed(one.name, False)


def _flow(entrypoint: str) -> Flow[..., Any]:
    module, _, name = entrypoint.rpartition(".")
    found = getattr(importlib.import_module(module), name, None)
    if not isinstance(found, Flow):
        raise BadDefinitions(f"prefect.yaml 的 entrypoint {entrypoint} 不是流程；应如 flows.dispatch.dispatch")
    return found


def _schedule(said: _Schedule) -> DeploymentScheduleCreate:
    if said.interval is not None:
        return DeploymentScheduleCreate(schedule=IntervalSchedule(interval=timedelta(seconds=said.interval), timezone=said.timezone), active=True)
    if said.cron is not None:
        return DeploymentScheduleCreate(schedule=CronSchedule(cron=said.cron, timezone=said.timezone), active=True)
    raise BadDefinitions("prefect.yaml 的 schedules 每项须写 interval（秒）或 cron")


def runner_argv() -> list[str]:
    """The command line of the process that runs what people and schedules ask for; to be run with `prefect_env` and our own settings."""
    return [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process", "--name", "tonglu"]
