"""Callbacks per second: the gateway, which verifies, seals and stores, against a bare ASGI app that INSERTs the body and commits.

Both are served by uvicorn in a process of its own, over one private PostgreSQL with its durable settings, and get the same signed bytes from
the same load generator, which is a third process of plain sockets. Short rounds alternate and ratios are
taken within a round, so that a noisy machine is noisy for both.

    python -m benchmarks.callbacks [--seconds 1] [--rounds 7] [--clients 1,8,32]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.common import Row, table, workplace
from config.settings import Settings
from connectors.keyring import Keyring
from connectors.wire.events import MEDIA_TYPE, Event, encode, event_type, new_id, urn_of
from connectors.wire.signing import sign
from models.db import Database
from models.door import advance
from models.migrate import upgrade
from models.moves import Actor, Arrival, Done, Move, Route
from models.seal import sealer_for
from rules.house import load_house

BODY, BUREAU = "court-990100", "bureau-990100"
KINDS = ("gateway", "insert", "echo")
WARM_UP_S = 0.3
MESSAGES_A_HANDOFF = 5
MOST_A_SECOND = 4000


def run(rounds: int = 7, seconds: float = 1.0, clients: Sequence[int] = (1, 8, 32)) -> list[Row]:
    """For each number of concurrent clients: medians over `rounds` rounds of `seconds` each, and of the ratios within each round."""
    rows = []
    with workplace() as (folder, pg):
        pg.create_database("ledger")
        upgrade(pg.url("ledger"))
        settings = Settings(database_url=pg.url("ledger"), data_dir=folder, bureau=BUREAU)
        feed = _Feed(settings)
        with ExitStack() as stack:
            ports = {kind: stack.enter_context(_served(kind, settings)) for kind in KINDS}
            for many in clients:
                files = [folder / f"requests-{turn}" for turn in range(rounds)]
                for file in files:
                    feed.write(file, int((seconds + WARM_UP_S) * MOST_A_SECOND))
                # Only the gateway looks at what it gets; the others may get the same again.
                rows += _rows(many, [{kind: _load(ports[kind], many, seconds, file) for kind in KINDS} for file in files])
    return rows


def _rows(many: int, rounds: Sequence[dict[str, dict[str, float]]]) -> list[Row]:
    def middle(kind: str, key: str) -> float:
        return statistics.median(one[kind][key] for one in rounds)

    who = f"{many} client{'s' if many > 1 else ''}"
    ratio = statistics.median(one["gateway"]["per_s"] / one["insert"]["per_s"] for one in rounds)
    spare = middle("echo", "per_s") / max(middle("gateway", "per_s"), middle("insert", "per_s"))
    return [
        Row(f"callbacks verified and durable, {who}", middle("gateway", "per_s"), "/s", f"bare ASGI INSERT {middle('insert', 'per_s'):,.0f}/s", ratio, "≥ 0.5"),
        Row(f"… time to the receipt, median, {who}", middle("gateway", "p50_ms"), "ms",
            f"bare {middle('insert', 'p50_ms'):.1f} ms; ours p95 {middle('gateway', 'p95_ms'):.1f} ms"),
        Row(f"… the load generator against an app that stores nothing, {who}", middle("echo", "per_s"), "/s", "", spare, "> 1"),
    ]


class _Feed:
    """Signed callbacks for hand-offs that exist, in sequence, as many as are asked for."""

    def __init__(self, settings: Settings) -> None:
        self._keyring = Keyring(settings.keys)
        self._keyring.ensure([BODY])
        self._house = load_house(settings.config_dir, BUREAU)
        self._sealer = sealer_for("", settings.keys, create=True)
        self._url = settings.database_url
        self._serial = 0

    def write(self, path: Path, count: int) -> None:
        """`count` whole HTTP requests, each preceded by its length; freshly signed."""
        keys, now = self._keyring.of(BODY), datetime.now(UTC)
        said = {"office": "立案庭", "person_role": "收件员", "signed_at": now.isoformat()}
        cases = self._issue(-(-count // MESSAGES_A_HANDOFF))
        with path.open("wb") as file:
            for i in range(count):
                number, handoff = cases[i % len(cases)]
                data = {"petition_no": number, "handoff_id": handoff, "round": 1, "to": urn_of(BUREAU), **said}
                event = Event(new_id(), urn_of(BODY), event_type("handoff.signed"), handoff, now, i // len(cases) + 1, data)
                raw = encode(event)
                headers = {"Host": "gateway", "Content-Type": f"{MEDIA_TYPE}; charset=utf-8", "Content-Length": str(len(raw)),
                           "Idempotency-Key": f'"{event.id}"', **sign(keys.from_body, event.id, int(now.timestamp()), raw)}
                head = f"POST /hooks/{BODY} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
                request = head.encode() + raw
                file.write(len(request).to_bytes(4, "big") + request)

    def _issue(self, count: int) -> list[tuple[str, str]]:
        bureau, now = Actor("bureau", BUREAU), datetime.now(UTC)
        arrivals = [Arrival("bench", f"{self._serial + i}", "990100", "online", "claim", now, "测试", "测试", None, {"klass": "claim"}, bureau) for i in range(count)]
        self._serial += count
        with Database(self._url) as database, database.transaction() as connection:
            made = advance(connection, arrivals, self._house, self._sealer, now)
            route = Route(BODY, "转送", "bench", "XF 22(1)", "B3.6", "claim")
            moves = [Move("petition.route", bureau, petition_no=m.petition_no, route=route) for m in made if isinstance(m, Done)]
            return [(m.petition_no, str(m.handoff_id)) for m in advance(connection, moves, self._house, self._sealer, now) if isinstance(m, Done)]


@contextlib.contextmanager
def _served(kind: str, settings: Settings) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    environment = {**os.environ, "TONGLU_DATABASE_URL": settings.database_url, "TONGLU_DATA_DIR": str(settings.data_dir),
                   "TONGLU_BUREAU": BUREAU, "TONGLU_GATEWAY_PORT": str(port), "TONGLU_CLOCK": ""}
    command = [sys.executable, "-m", "gateway"] if kind == "gateway" else [sys.executable, "-m", "benchmarks.callbacks_bare", kind, str(port)]
    process = subprocess.Popen(command, env=environment)
    try:
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{kind} did not start")
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _load(port: int, clients: int, seconds: float, requests: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.callbacks_load", str(port), str(clients), str(seconds), str(WARM_UP_S), str(requests)],
        check=True, capture_output=True, text=True,
    )
    result: dict[str, float] = json.loads(done.stdout)
    if result.pop("bad"):
        raise RuntimeError("some callbacks were not answered 202")
    return result


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--clients", default="1,8,32")
    given = parser.parse_args()
    rows = run(given.rounds, given.seconds, [int(part) for part in given.clients.split(",")])
    print(table("Callbacks", rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
