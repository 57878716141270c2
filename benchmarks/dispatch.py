"""Hand-offs per second through the product, against (a) the same signed POSTs with one bare UPDATE each, and (b) a Prefect flow run per case.

All three send to the same sandbox process in the same run, by the same number of threads. (a) is the bare limit: sign, POST, read the answer,
one UPDATE, one commit. (b) is what a flow per case costs: async flow, run heartbeats off, eight at once, Prefect's server on PostgreSQL.
The product leases, unseals, signs, POSTs, verifies the receipt, moves the state, sets clocks, writes the journal and the attempt, and
is traced in Prefect as it ships.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import requests

from benchmarks.common import Row, sandbox, table, wait_for, workplace
from config.settings import Settings
from connectors.keyring import Keyring
from connectors.wire.signing import sign
from models import migrate, outbox
from models.db import Database
from models.door import advance
from models.moves import Actor, Arrival, Done, Move, Route
from models.seal import Sealer, sealer_for
from rules.house import House, load_house
from runtime.child import Child
from sandbox.config import SandboxConfig, parse

BODIES = ("agency-housing-990102", "agency-human_resources-990102", "court-990102", "agency-market-990103")
THREADS = 8
FLOWS_AT_ONCE = 8


def make_handoffs(database: Database, house: House, sealer: Sealer, count: int, mark: str, bodies: Sequence[str] = BODIES) -> None:
    """`count` petitions, registered and handed to the bodies in turn; their requests wait in the outbox."""
    now = datetime.now(UTC)
    clerk = Actor("bureau", house.bureau)
    arrivals = [Arrival("bench", f"{mark}-{i}", "990102", "online", "claim", now, f"基准测试 {mark} {i}", "正文" * 120,
                        {"name": "基准测试", "phone": "10000000000", "address": "东屿区"}, {"klass": "claim", "art31": 6, "division": "990102"}, clerk)
                for i in range(count)]
    with database.transaction() as connection:
        answers = advance(connection, arrivals, house, sealer, now)
        numbers = [a.petition_no for a in answers if isinstance(a, Done)]
        advance(connection, [Move("petition.route", clerk, petition_no=n, route=Route(bodies[i % len(bodies)], "转送", "B3.6", "XF 31(6)", "B3.6"))
                             for i, n in enumerate(numbers)], house, sealer, now)


def take_messages(database: Database, sealer: Sealer, owner: str, bodies: Sequence[str] = BODIES) -> list[outbox.Leased]:
    """Lease everything waiting, to have the same bytes for the bare limit."""
    from datetime import timedelta

    found: list[outbox.Leased] = []
    with database.transaction() as connection:
        for body in bodies:
            found += outbox.claim(connection, body, 100_000, owner, datetime.now(UTC), timedelta(hours=1), sealer)
    return found


class Bare:
    """The bare limit's thread: one session, one connection, one POST, one UPDATE, one commit at a time."""

    def __init__(self, url: str, base: str, ring: Keyring) -> None:
        self._url, self._base, self._ring = url, base, ring
        self._local = threading.local()

    def send(self, message: outbox.Leased) -> None:
        local = self._local
        if not hasattr(local, "session"):
            local.session, local.connection = requests.Session(), psycopg.connect(self._url)
        headers = {"content-type": "application/cloudevents+json; charset=utf-8", "idempotency-key": f'"{message.message_id}"',
                   **sign(self._ring.of(message.body).to_body, message.message_id, int(time.time()), message.raw)}
        answer = local.session.post(f"{self._base}/{message.body}/handoff/v1/messages", data=message.raw, headers=headers, timeout=20)
        assert answer.status_code == 200, answer.status_code
        local.connection.execute("update bare set done = true where message_id = %s", (message.message_id,))
        local.connection.commit()

    def rate(self, messages: Sequence[outbox.Leased]) -> float:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("create table if not exists bare (message_id text primary key, done bool not null default false)")
            with connection.cursor().copy("copy bare (message_id) from stdin") as copy:
                for message in messages:
                    copy.write_row((message.message_id,))
        began = time.monotonic()
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self.send, messages))
        return len(messages) / (time.monotonic() - began)


def flow_per_case(bare: Bare, messages: Sequence[outbox.Leased]) -> float:
    """Rate of one flow run a case, each doing the bare POST and UPDATE, eight at once, heartbeats off."""
    from prefect import flow
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    waiting = {m.message_id: m for m in messages}

    @flow(name="one-case", log_prints=False)
    async def one_case(message_id: str) -> None:
        await asyncio.to_thread(bare.send, waiting[message_id])

    async def run() -> float:
        gate = asyncio.Semaphore(FLOWS_AT_ONCE)

        async def one(message_id: str) -> None:
            async with gate:
                await one_case(message_id)

        with psycopg.connect(bare._url, autocommit=True) as connection, connection.cursor().copy("copy bare (message_id) from stdin") as copy:
            for message in messages:
                copy.write_row((message.message_id,))
        began = time.monotonic()
        await asyncio.gather(*(one(i) for i in waiting))
        return len(waiting) / (time.monotonic() - began)

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        return asyncio.run(run())


def sandbox_of(ring: Keyring, folder: Path) -> SandboxConfig:
    """Prompt bodies whose first answer comes hours later, so that only dispatching is measured."""
    bodies = {code: {"manner": "prompt", "to_body": list(ring.of(code).to_body), "from_body": list(ring.of(code).from_body)} for code in BODIES}
    return parse({"bodies": bodies, "ledger": folder / "sandbox.sqlite"})


def prefect_server(settings: Settings, database_url: str, folder: Path) -> tuple[Child, dict[str, str]]:
    """Prefect's server as the product runs it, and the environment of its clients."""
    from flows.server import prefect_env, server_argv

    env = prefect_env(settings, database_url, folder / "prefect")
    return Child("prefect", server_argv(settings), env={**os.environ, **env}, log_path=folder / "prefect.log"), env


def product(context: Any, count: int) -> float:
    """Rate of the product's own flow over everything that waits, one run a body, as the resident worker calls it."""
    from prefect.context import AsyncClientContext, SyncClientContext
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    from flows import dispatch
    from flows.context import using
    from flows.running import Prefect, perform

    prefect = Prefect(context.settings.prefect_api)

    async def run() -> float:
        async with AsyncClientContext():
            began = time.monotonic()

            async def one(body: str) -> Any:
                return await perform(prefect, lambda: dispatch.dispatch(body=body, count=count // len(BODIES)), lambda t: dispatch.run(context, t, body))

            summaries = await asyncio.gather(*(one(body) for body in BODIES))
            rate: float = sum(s.count("receipted") for s in summaries) / (time.monotonic() - began)
            assert sum(s.count("receipted") for s in summaries) == count, [(s.body, s.tried, s.count("receipted")) for s in summaries]
            if prefect.closing:
                await asyncio.wait([asyncio.wrap_future(showing) for showing in prefect.closing])
            return rate

    with using(context), temporary_settings({PREFECT_API_URL: context.settings.prefect_api, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
                                             PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED: False}), SyncClientContext():
        return asyncio.run(run())


def run(rounds: int = 3, count: int = 1600, flows: int = 120) -> list[Row]:
    """Medians over `rounds` rounds; in each the product past its trace budget, within it, (a) and (b) are measured one after the other."""
    from cli.stack import free_ports
    from flows.context import open_context

    with workplace() as (folder, pg):
        for name in ("ledger", "prefect"):
            pg.create_database(name)
        migrate.upgrade(pg.url("ledger"))
        prefect_port, sandbox_port = free_ports(2)
        settings = Settings(database_url=pg.url("ledger"), data_dir=folder, prefect_port=prefect_port, sandbox_port=sandbox_port, send_threads=THREADS // len(BODIES))
        house, sealer, ring = load_house(settings.config_dir, settings.bureau), sealer_for("", settings.keys, create=True), Keyring(settings.keys)
        ring.ensure(BODIES)
        server, env = prefect_server(settings, pg.url("prefect"), folder)
        os.environ.update(env)
        server.start()
        try:
            with sandbox(sandbox_of(ring, folder), folder, sandbox_port) as base, Database(pg.url("ledger")) as database:
                wait_for(f"{settings.prefect_api}/health", 120)
                context = open_context(settings)
                found: dict[str, list[float]] = {"past": [], "within": [], "bare": [], "flow": []}
                bare, within = Bare(pg.url("ledger"), base, ring), settings.trace_budget * len(BODIES) // 2
                try:
                    for i in range(rounds + 1):
                        make_handoffs(database, house, sealer, count, f"b{i}")
                        messages = take_messages(database, sealer, "bench")
                        a = bare.rate(messages)
                        make_handoffs(database, house, sealer, flows, f"f{i}")
                        b = flow_per_case(bare, take_messages(database, sealer, "bench"))
                        make_handoffs(database, house, sealer, count, f"p{i}")
                        past = product(context, count)
                        make_handoffs(database, house, sealer, within, f"w{i}")
                        inside = product(context, within)
                        if i:  # the first round warms everything up
                            for key, value in (("bare", a), ("flow", b), ("past", past), ("within", inside)):
                                found[key].append(value)
                            print(f"  round {i}: bare {a:,.0f}/s, product {past:,.0f}/s, traced one by one {inside:,.0f}/s, a flow a case {b:,.1f}/s", file=sys.stderr)
                finally:
                    context.close()
        finally:
            server.stop()
    middle = {key: statistics.median(values) for key, values in found.items()}
    # Ratios are taken within each round, where the machine was equally noisy for both, then their median.
    ratio = {key: statistics.median(x / y for x, y in zip(found[key], found["bare"], strict=True)) for key in ("past", "within")}
    per_flow = statistics.median(x / y for x, y in zip(found["past"], found["flow"], strict=True))
    return [
        Row(f"hand-offs dispatched, {count} to {len(BODIES)} bodies, Prefect tracing on", middle["past"], "/s", f"(a) bare {middle['bare']:,.0f}/s", ratio["past"], "≥ 0.5"),
        Row("the same", middle["past"], "/s", f"(b) a flow run a case {middle['flow']:,.1f}/s", per_flow, "≥ 20"),
        Row(f"within the trace budget: {within}, a task run each", middle["within"], "/s", f"(a) bare {middle['bare']:,.0f}/s", ratio["within"]),
    ]


if __name__ == "__main__":
    print(table("Dispatch", run()))
