"""Whether bodies that are away, hang, refuse or answer a byte at a time delay the others: from the commit of a hand-off to its receipt, p95.

A steady stream goes to twenty healthy bodies of a sandbox, while none, one, ten or fifty others, each with a backlog that became due at the same moment, are
no good: in turn they refuse the connection, take it and never answer, say 503, or answer a byte at a time. Each round with dead bodies is held against a round
with none, measured just before it. The worker is the product's own process, begun anew for every round and warmed up by one message a healthy body; Prefect is
left out, because its runs would need more of two cores than the stream. The dead bodies' breakers are closed at the beginning: what is measured is the
worst time, when nobody knows yet that they are dead.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.common import Row, sandbox, table, workplace
from benchmarks.dispatch import make_handoffs
from config.settings import Settings
from connectors.keyring import Keyring
from flows import life
from models import migrate
from models.db import Database
from models.door import advance
from models.moves import Actor, Arrival, Done, Move, Route
from models.seal import Sealer, sealer_for
from rules.house import House, load_house
from runtime.child import Child
from sandbox.config import parse
from tests.support.big_house import BUREAU, write_big_house

HEALTHY, MOST_DEAD, BACKLOG = 20, 50, 20
COUNTS = (1, 10, 50)
KINDS = ("refuses", "hang", "busy", "drip")


@dataclass(frozen=True, slots=True)
class _Place:
    settings: Settings
    house: House
    sealer: Sealer
    database: Database
    healthy: Sequence[str]
    dead: Sequence[str]


def run(rounds: int = 3, seconds: float = 20.0, per_second: float = 10.0, counts: Sequence[int] = COUNTS) -> list[Row]:
    """Medians over `rounds`; in each, every number of dead bodies has a round of `seconds` of its own beside one with none."""
    from cli.stack import free_ports

    with workplace() as (folder, pg), ExitStack() as stack:
        pg.create_database("ledger")
        migrate.upgrade(pg.url("ledger"))
        [port] = free_ports(1)
        settings = Settings(database_url=pg.url("ledger"), data_dir=folder, sandbox_port=port, config_dir=folder / "config", bureau=BUREAU)
        healthy, dead = _write(folder, stack)
        sealer, ring = sealer_for("", settings.keys, create=True), Keyring(settings.keys)
        ring.ensure([*healthy, *dead])
        said = {code: {"manner": "silent", "to_body": list(ring.of(code).to_body), "from_body": list(ring.of(code).from_body)} for code in healthy}
        stack.enter_context(sandbox(parse({"bodies": said, "ledger": folder / "sandbox.sqlite"}), folder, port))
        database = stack.enter_context(Database(pg.url("ledger")))
        place = _Place(settings, load_house(settings.config_dir, BUREAU), sealer, database, healthy, dead)
        make_handoffs(database, place.house, sealer, HEALTHY, "first", healthy)
        found: dict[int, list[float]] = {n: [] for n in counts}
        bare: list[float] = []
        ratios: dict[int, list[float]] = {n: [] for n in counts}
        for i in range(rounds):
            for n in counts:
                without, with_ = (_round(place, m, f"r{i}d{n}m{m}n", seconds, per_second) for m in (0, n))
                bare.append(without)
                found[n].append(with_)
                ratios[n].append(with_ / without)
                print(f"  round {i + 1}: {n} dead {with_ * 1000:,.0f} ms, none {without * 1000:,.0f} ms", file=sys.stderr)
    against = f"none dead {statistics.median(bare) * 1000:,.0f} ms"
    return [Row(f"commit to receipt of {HEALTHY} healthy bodies, p95, {n} dead beside them", statistics.median(found[n]) * 1000, "ms", against,
                statistics.median(ratios[n]), "≤ 1.5") for n in counts]


def _write(folder: Path, stack: ExitStack) -> tuple[list[str], list[str]]:
    """A country with enough bodies, the last of them reached at the servers of `isolation_dead`. Returns the codes of the healthy and of the dead."""
    ports = folder / "ports.json"
    server = Child("dead", [sys.executable, "-m", "benchmarks.isolation_dead", str(ports)], env=dict(os.environ), log_path=folder / "dead.log")
    server.start()
    stack.callback(server.stop)
    until = time.monotonic() + 60
    while not ports.exists():
        assert time.monotonic() < until, (folder / "dead.log").read_text()
        time.sleep(0.05)
    at = json.loads(ports.read_text())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        at["refuses"] = free.getsockname()[1]
    write_big_house(folder / "config", 600)
    path = folder / "config" / "bodies.yaml"
    text = path.read_text(encoding="utf-8")
    house = load_house(folder / "config", BUREAU)
    codes = [b.code for b in house.bodies if b.kind == "agency" and b.lasts and b.connector.kind == "http"]
    healthy, dead = codes[:HEALTHY], codes[HEALTHY : HEALTHY + MOST_DEAD]
    for n, code in enumerate(dead):
        text = text.replace(f'"{{sandbox}}/{code}"', f'"http://127.0.0.1:{at[KINDS[n % len(KINDS)]]}/{code}"')
    path.write_text(text, encoding="utf-8")
    return healthy, dead


def _round(place: _Place, dead: int, mark: str, seconds: float, per_second: float) -> float:
    """The p95, in seconds, of a stream of so many seconds with so many dead bodies. Nothing of the round before is left."""
    with place.database.transaction() as connection:
        connection.execute("update outbox set state = 'DEAD', lease_owner = null, lease_until = null where body = any(%s) and state <> 'DEAD'", (list(place.dead),))
        connection.execute("delete from body where code = any(%s)", (list(place.dead),))
    ours = {"TONGLU_DATABASE_URL": place.settings.database_url, "TONGLU_DATA_DIR": str(place.settings.data_dir), "TONGLU_BUREAU": BUREAU,
            "TONGLU_CONFIG_DIR": str(place.settings.config_dir), "TONGLU_SANDBOX_PORT": str(place.settings.sandbox_port), "PREFECT_API_URL": "http://127.0.0.1:9/api"}
    worker = Child("worker", [sys.executable, "-m", "flows.worker"], env={**os.environ, **ours}, log_path=place.settings.data_dir / "worker.log", grace=0.2)
    (place.settings.data_dir / "worker.alive").unlink(missing_ok=True)
    worker.start()
    try:
        _until(lambda: life.last(place.settings) is not None, worker)
        make_handoffs(place.database, place.house, place.sealer, HEALTHY, f"warm-{mark}", place.healthy)
        _until(lambda: _waiting(place) == 0, worker)
        if dead:
            make_handoffs(place.database, place.house, place.sealer, dead * BACKLOG, f"dead-{mark}", place.dead[:dead])
        sent = _stream(place, mark, int(seconds * per_second), per_second)
        _until(lambda: _waiting(place) == 0, worker)
    finally:
        worker.stop()
    with place.database.transaction() as connection:
        got = dict(connection.execute("select petition_no, receipted_at from outbox where petition_no = any(%s)", (list(sent),)).fetchall())
    waits = sorted((got[number] - committed).total_seconds() for number, committed in sent.items())
    p95: float = waits[int(len(waits) * 0.95)]
    return max(p95, 0.001)


def _stream(place: _Place, mark: str, count: int, per_second: float) -> dict[str, datetime]:
    """Hand-offs to the healthy bodies in turn, at a steady rate; by petition number, when each was committed."""
    sent: dict[str, datetime] = {}
    began = time.monotonic()
    clerk = Actor("bureau", BUREAU)
    for i in range(count):
        time.sleep(max(0.0, began + i / per_second - time.monotonic()))
        now = datetime.now(UTC)
        arrival = Arrival("bench", f"{mark}-{i}", "990102", "online", "claim", now, f"基准测试 {mark} {i}", "正文" * 120,
                          {"name": "基准测试", "phone": "10000000000", "address": "东屿区"}, {"klass": "claim", "art31": 6, "division": "990102"}, clerk)
        with place.database.transaction() as connection:
            [answer] = advance(connection, [arrival], place.house, place.sealer, now)
            assert isinstance(answer, Done), answer
            body = place.healthy[i % len(place.healthy)]
            [routed] = advance(connection, [Move("petition.route", clerk, petition_no=answer.petition_no, route=Route(body, "转送", "B3.6", "XF 31(6)", "B3.6"))],
                               place.house, place.sealer, now)
            assert isinstance(routed, Done), routed
        sent[answer.petition_no] = datetime.now(UTC)
    return sent


def _waiting(place: _Place) -> int:
    """Messages of healthy bodies without a receipt."""
    with place.database.transaction() as connection:
        row = connection.execute("select count(*) from outbox where body = any(%s) and state <> 'RECEIPTED'", (list(place.healthy),)).fetchone()
    return int(row[0]) if row else 0


def _until(ready: object, worker: Child, seconds: float = 120) -> None:
    assert callable(ready)
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, worker.log_path.read_text()[-2000:] if worker.log_path else "no log"
        time.sleep(0.05)


if __name__ == "__main__":
    print(table("Isolation", run()))
