"""A bureau of its own for a test: ledger, keys, a stepped clock in a file, and the sandbox's bodies on a real port."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import requests

from config.settings import Settings
from connectors.keyring import Keyring
from connectors.wire.events import Event, encode, event_type, new_id, urn_of
from connectors.wire.receipts import Receipt, body_digest
from connectors.wire.receipts import encode as encode_receipt
from flows import intake
from flows.context import Context, open_context
from flows.trace import SILENT
from models import inbox
from models.door import advance
from models.inbox import Incoming
from models.moves import Actor, Arrival
from models.seal import sealer_for
from runtime.timesource import FileTime, write_instant
from sandbox.config import SandboxConfig, parse

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # Monday, nine in the morning in Beijing
COURT, HOUSING, LABOUR = "court-990102", "agency-housing-990102", "labour_arbitration-990102"
BUREAU = "bureau-990100"
FACTS: Mapping[str, Mapping[str, Any]] = {
    COURT: {"klass": "claim", "branch": "B3.1a", "division": "990102", "stage": "first"},
    HOUSING: {"klass": "claim", "branch": "B3.6", "sector": "housing", "division": "990102"},
    LABOUR: {"klass": "claim", "branch": "B3.2", "arbitration": "labour", "division": "990102"},
}
# Invented; looked for afterwards where they must not be.
NAME, PHONE, ADDRESS, SUBJECT = "欧阳澜生", "10012345678", "东屿区望潮路九十九号", "请求核实旧楼加装电梯的分摊"
TEXT = "我家住在望潮路旧楼，去年冬天以来多次询问加装电梯的费用如何分摊，一直没有人书面答复，恳请有关单位依法核实并给一个说法。"
SECRETS = (NAME, PHONE, ADDRESS, SUBJECT, TEXT[:12], TEXT[20:32])


class Clock:
    """The stepped clock, in a file that every process of the test reads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        write_instant(path, START)
        self.source = FileTime(path)

    def now(self) -> datetime:
        return self.source.now()

    def step(self, **by: float) -> None:
        write_instant(self.path, self.now() + timedelta(**by))


@dataclass
class World:
    """What a test works with. `sandbox` is the base URL of the partner bodies."""

    settings: Settings
    clock: Clock
    sandbox: str
    url: str

    def open(self) -> Context:
        return open_context(self.settings)

    def env(self, **more: str) -> dict[str, str]:
        """The environment of another process of this bureau."""
        s = self.settings
        ours = {"TONGLU_DATABASE_URL": self.url, "TONGLU_DATA_DIR": str(s.data_dir), "TONGLU_KEYS_DIR": str(s.keys), "TONGLU_CLOCK": s.clock,
                "TONGLU_SANDBOX_URL": self.sandbox, "TONGLU_TRACE_BUDGET": str(s.trace_budget), "TONGLU_LEASE_SECONDS": str(s.lease_seconds)}
        return {**os.environ, **ours, **more}

    def worker(self, **more: str) -> subprocess.Popen[bytes]:
        """A resident worker in a process of its own."""
        folder = Path(__file__).parent.parent.parent
        log = open(self.settings.data_dir / "worker.log", "ab")  # noqa: SIM115  (the process keeps it)
        return subprocess.Popen([sys.executable, "-m", "flows.worker"], cwd=folder, env=self.env(**more), stdout=log, stderr=subprocess.STDOUT)

    def control(self, path: str, say: Mapping[str, Any] | None = None) -> Any:
        url = f"{self.sandbox}/control/{path}"
        answer = requests.get(url, timeout=10) if say is None else requests.post(url, json=say, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, sql: str, *given: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(sql, given).fetchall()

    def states(self) -> dict[str, int]:
        return dict(self.ask("select state, count(*) from outbox group by 1"))

    def until(self, ready: Callable[[], bool], seconds: float = 20) -> float:
        """Wait for something; returns how long it took."""
        began = time.monotonic()
        while not ready():
            assert time.monotonic() - began < seconds, (self.states(), self.ask("select state, count(*) from petition group by 1"))
            time.sleep(0.02)
        return time.monotonic() - began


def world(url: str, folder: Path, sandbox: str, **more: Any) -> World:
    """A bureau in `folder` with its ledger at `url`."""
    clock = Clock(folder / "clock")
    settings = Settings(database_url=url, data_dir=folder, keys_dir=folder / "keys", clock=f"file:{clock.path}", sandbox_url=sandbox, **more)
    sealer_for("", settings.keys, create=True)
    return World(settings, clock, sandbox, url)


def sandbox_config(folder: Path, bodies: Sequence[str], manner: str = "prompt", options: Mapping[str, Any] | None = None, **more: Any) -> SandboxConfig:
    """The partner side of these bodies, with the same keys as the bureau's."""
    ring = Keyring(folder / "keys")
    ring.ensure(bodies)
    said = {code: {"manner": manner, "options": dict(options or {}), "to_body": ring.of(code).to_body, "from_body": ring.of(code).from_body}
            for code in bodies}
    return parse({"bodies": said, "ledger": str(folder / "sandbox.sqlite"), **more})


def register(context: Context, body: str, count: int, start: int = 0, facts: Mapping[str, Any] | None = None) -> list[str]:
    """Register petitions that the table sends to `body`, each with an invented person."""
    actor = Actor("bureau", BUREAU)
    known = dict(FACTS[body] if facts is None else facts)
    arrivals = [
        Arrival("test", f"{body}-{i}", "990102", "letter", "claim", context.now(), f"{SUBJECT}（{body}-{i}）", TEXT,
                {"name": NAME, "phone": PHONE, "address": ADDRESS}, known, actor)
        for i in range(start, start + count)
    ]
    answers = context.transact_now(lambda c: advance(c, arrivals, context.house, context.sealer, context.now()))
    return [a.petition_no or "" for a in answers]


def hand_off(context: Context, body: str, count: int, start: int = 0) -> list[str]:
    """Register and route; the requests then wait in the outbox."""
    numbers = register(context, body, count, start)
    asyncio.run(intake.run(context, SILENT))
    return numbers


def say(context: Context, handoff_id: str, name: str, sequence: int, **data: Any) -> Incoming:
    """A message of the hand-off's body as the gateway would store it."""
    body, number, round_ = context.transact_now(
        lambda c: c.execute("select body, petition_no, round from handoff where handoff_id = %s", (handoff_id,)).fetchone())  # type: ignore[misc]
    common = {"petition_no": number, "handoff_id": handoff_id, "round": round_, "to": urn_of(BUREAU)}
    event = Event(new_id(context.now()), urn_of(body), event_type(name), handoff_id, context.now(), sequence, {**common, **data})
    raw = encode(event)
    receipt = encode_receipt(Receipt(new_id(), event.id, context.now(), body_digest(raw), "stored"))
    from hashlib import sha256

    message = Incoming(body, event.id, handoff_id, name, round_, sequence, event.time, raw, sha256(raw).digest(), receipt)
    context.transact_now(lambda c: inbox.take_in(c, [message], context.sealer, context.now()))
    return message


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
