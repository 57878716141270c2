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
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import requests

from benchmarks.common import Row, sandbox, table, wait_for, workplace
from config.settings import Settings
from connectors.keyring import Keyring
from connectors.wire import events
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
    arrivals = [Arrival("bench", f"{mark}-{i}", "990102", "online", "claim", now, f"基准测试 {i}", "正文" * 120,
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


def rates(measure: Callable[[int], float], rounds: int) -> float:
    return statistics.median(measure(i) for i in range(rounds))
