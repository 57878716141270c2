"""From a callback's arrival to its state being applied and committed, with gateway, resident worker and Prefect's server running as they ship.

The arrival is the moment before the callback is sent; the end is the commit that applied it, as PostgreSQL stamps it (track_commit_timestamp).
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime

import requests

from benchmarks.common import Row, table, wait_for, workplace
from benchmarks.dispatch import BODIES, make_handoffs, prefect_server, take_messages
from config.settings import Settings
from connectors.keyring import Keyring
from connectors.wire import events
from connectors.wire.signing import sign
from models import migrate, outbox, settling
from models.db import Database
from models.seal import sealer_for
from rules.house import load_house
from runtime.child import Child
from runtime.postgres import PrivatePostgres


def run(count: int = 600, per_second: float = 60.0) -> list[Row]:
    """`count` callbacks at a steady rate from four threads, each for another hand-off."""
    from cli.stack import free_ports

    with workplace() as (folder, _), PrivatePostgres(folder / "stamped", settings={"track_commit_timestamp": "on"}) as pg:
        for name in ("ledger", "prefect"):
            pg.create_database(name)
        migrate.upgrade(pg.url("ledger"))
        gateway_port, prefect_port = free_ports(2)
        settings = Settings(database_url=pg.url("ledger"), data_dir=folder, gateway_port=gateway_port, prefect_port=prefect_port)
        house, sealer, ring = load_house(settings.config_dir, settings.bureau), sealer_for("", settings.keys, create=True), Keyring(settings.keys)
        ring.ensure(BODIES)
        server, env = prefect_server(settings, pg.url("prefect"), folder)
        ours = {"TONGLU_DATABASE_URL": settings.database_url, "TONGLU_DATA_DIR": str(folder), "TONGLU_GATEWAY_PORT": str(gateway_port),
                "TONGLU_PREFECT_PORT": str(prefect_port)}
        children = [server, *(Child(name, [sys.executable, "-m", *argv], env={**os.environ, **env, **ours}, log_path=folder / f"{name}.log")
                              for name, argv in (("gateway", ["gateway"]), ("worker", ["cli.main", "work"])))]
        with Database(settings.database_url) as database, ExitStack() as stack:
            make_handoffs(database, house, sealer, count, "latency")
            messages = take_messages(database, sealer, "bench")
            with database.transaction() as connection:
                settling.settle(connection, [settling.Result(m, "receipted", "bench") for m in messages], "bench", house, sealer, datetime.now(UTC))
            for child in children:
                child.start()
                stack.callback(child.stop)
            wait_for(f"{settings.prefect_api}/health", 120)
            wait_for(f"{settings.gateway_url}/healthz")
            time.sleep(5)  # the worker's first look
            sent = _send(settings, ring, house.bodies.get(settings.bureau).urn, messages, per_second)
            waits = _applied(database, sent)
    ordered = sorted(waits)
    p95 = ordered[int(len(ordered) * 0.95)]
    return [Row(f"callback to state applied, {count} at {per_second:.0f}/s, p50", statistics.median(waits) * 1000, "ms"),
            Row("… p95", p95 * 1000, "ms", "", None, "< 1,000"), Row("… longest", ordered[-1] * 1000, "ms")]


def _send(settings: Settings, ring: Keyring, bureau: str, messages: list[outbox.Leased], per_second: float) -> dict[str, datetime]:
    sent: dict[str, datetime] = {}
    began = time.monotonic()

    def one(item: tuple[int, outbox.Leased]) -> None:
        number, m = item
        time.sleep(max(0.0, began + number / per_second - time.monotonic()))
        now = datetime.now(UTC)
        event = events.Event(events.new_id(), events.urn_of(m.body), events.event_type("handoff.signed"), m.handoff_id, now, 1, {
            "petition_no": m.petition_no, "handoff_id": m.handoff_id, "round": 1, "to": bureau, "office": "立案庭", "person_role": "书记员",
            "signed_at": now.isoformat()})
        raw = events.encode(event)
        headers = {"content-type": "application/cloudevents+json; charset=utf-8", **sign(ring.of(m.body).from_body, event.id, int(time.time()), raw)}
        sent[m.handoff_id] = datetime.now(UTC)
        answer = requests.post(f"{settings.gateway_url}/hooks/{m.body}", data=raw, headers=headers, timeout=20)
        assert answer.status_code == 202, answer.status_code

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, enumerate(messages)))
    return sent


def _applied(database: Database, sent: dict[str, datetime]) -> list[float]:
    until = time.monotonic() + 60
    while True:
        with database.transaction() as connection:
            rows = connection.execute("select handoff_id, pg_xact_commit_timestamp(xmin) from inbox where state = 'APPLIED'").fetchall()
        if len(rows) >= len(sent):
            return [(at - sent[handoff_id]).total_seconds() for handoff_id, at in rows]
        assert time.monotonic() < until, f"only {len(rows)} of {len(sent)} applied"
        time.sleep(0.2)


if __name__ == "__main__":
    print(table("From callback to state", run()))
