"""All processes of one installation, in the order they start: PostgreSQL, Prefect's server, sandbox if asked, gateway, worker, runner."""

from __future__ import annotations

import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from config.settings import Settings
from connectors.keyring import Keyring
from models import migrate
from models.db import LEDGER
from models.seal import sealer_for
from rules.house import House
from runtime.child import Child
from runtime.postgres import PrivatePostgres
from runtime.supervisor import Backoff, Service

PREFECT = "prefect"
# A part that has run calmly for a while is started again at once, however often it crashed before; none is ever given up.
BACKOFF = Backoff(first=0.5, most=15.0, calm=20.0)


class StackError(RuntimeError):
    """The installation cannot start; says why and what to do."""


class LedgerServer:
    """PostgreSQL with both databases in it and the ledger's tables up to date; private, or the one of TONGLU_DATABASE_URL."""

    name = "postgresql"

    def __init__(self, settings: Settings) -> None:
        self._given = settings.database_url
        self._server = None if self._given else PrivatePostgres(settings.data_dir / "postgres")

    @property
    def pid(self) -> int | None:
        return self._server.pid if self._server else None

    @property
    def log_path(self) -> Path | None:
        return self._server.log_path if self._server else None

    def start(self) -> None:
        if self._server is not None:
            self._server.start()
            for name in (LEDGER, PREFECT):
                if not self._server.database_exists(name):
                    self._server.create_database(name)
        else:
            _create_database(self._given, PREFECT)
        migrate.upgrade(self.ledger_url)

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()

    def alive(self) -> bool:
        return self._server.alive() if self._server else _answers(self._given)

    @property
    def ledger_url(self) -> str:
        return self._given or self._require().url(LEDGER)

    @property
    def prefect_url(self) -> str:
        return _with_database(self._given, PREFECT) if self._given else self._require().url(PREFECT)

    def _require(self) -> PrivatePostgres:
        assert self._server is not None  # noqa: S101  (only asked for when there is one)
        return self._server


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2):
            return True
    except psycopg.Error:
        return False


def _with_database(url: str, name: str) -> str:
    head, _, query = url.partition("?")
    return head.rpartition("/")[0] + "/" + name + (f"?{query}" if query else "")


def _create_database(url: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone() is None:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


@dataclass(frozen=True, slots=True)
class Address:
    """Where a part of the installation can be looked at."""

    zh: str
    url: str


class Stack:
    """Builds the services. Nothing runs before `services` are given to a Supervisor."""

    def __init__(
        self, settings: Settings, house: House, *, sandbox: Path | None = None, runner: bool = True, workers: int = 1, backoff: Backoff | None = None,
    ) -> None:
        """`workers`: how many resident workers (worker, worker-2 ...); `backoff`: of every service, where the usual one is not wanted."""
        self.settings, self.house = settings, house
        self.ledger = LedgerServer(settings)
        self.sandbox, self.runner, self.workers = sandbox, runner, workers
        self.backoff = backoff or BACKOFF

    def prepare(self) -> None:
        """Folders and keys that the processes expect; made once."""
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(exist_ok=True)
        sealer_for(self.settings.field_keys, self.settings.keys, create=True)
        Keyring(self.settings.keys).ensure([b.code for b in self.house.bodies if b.connector.kind != "desk"])

    @property
    def logs(self) -> Path:
        return self.settings.data_dir / "logs"

    def services(self) -> list[Service]:
        """In start order. Prefect's server takes longest and nothing that moves cases needs it, so nobody waits for it here."""
        from flows import server

        prefect = Service(self._child("prefect", server.server_argv(self.settings)), self.prefect_ready, backoff=self.backoff, awaited=False)
        found = [Service(self.ledger, backoff=self.backoff), prefect]
        if self.sandbox is not None:
            argv = [sys.executable, "-m", "cli.sandbox", str(self.sandbox), "--port", str(self.settings.sandbox_port)]
            found.append(self._service("sandbox", argv, probe(f"{self.settings.sandbox_own}/control/idle")))
        found.append(self._service("gateway", [sys.executable, "-m", "gateway"], probe(f"{self.settings.gateway_url}/healthz")))
        found.extend(self._service(name, [sys.executable, "-m", "cli.main", "work"]) for name in worker_names(self.workers))
        if self.runner:
            found.append(self._service("runner", [sys.executable, "-m", "cli.runner"]))
        return found

    def _service(self, name: str, argv: list[str], ready: Callable[[], bool] = lambda: True) -> Service:
        return Service(self._child(name, argv), ready, backoff=self.backoff)

    def prefect_ready(self) -> bool:
        return probe(f"{self.settings.prefect_api}/health")()

    def addresses(self) -> list[Address]:
        found = [Address("流程界面（Prefect）", f"http://{self.settings.host}:{self.settings.prefect_port}"),
                 Address("网关", f"{self.settings.gateway_url}/docs")]
        if self.sandbox is not None:
            found.append(Address("沙箱（虚构单位）", f"{self.settings.sandbox_own}/control/state"))
        return found

    def environment(self) -> dict[str, str]:
        """What the children are told: our settings, and Prefect's, on the same PostgreSQL."""
        from flows import server

        s = self.settings
        ours = {
            "TONGLU_DATABASE_URL": self.ledger.ledger_url, "TONGLU_DATA_DIR": s.data_dir, "TONGLU_CONFIG_DIR": s.config_dir, "TONGLU_KEYS_DIR": s.keys,
            "TONGLU_FIELD_KEYS": s.field_keys, "TONGLU_CLOCK": s.clock, "TONGLU_BUREAU": s.bureau, "TONGLU_HOST": s.host,
            "TONGLU_GATEWAY_PORT": s.gateway_port, "TONGLU_PREFECT_PORT": s.prefect_port, "TONGLU_SANDBOX_PORT": s.sandbox_port,
            "TONGLU_SANDBOX_URL": s.sandbox_url, "TONGLU_TRACE_BUDGET": s.trace_budget, "TONGLU_BATCH_SIZE": s.batch_size,
            "PYTHONUNBUFFERED": "1",
        }
        return {**os.environ, **{k: str(v) for k, v in ours.items()}, **server.prefect_env(s, self.ledger.prefect_url, s.data_dir / "prefect")}

    def _child(self, name: str, argv: list[str]) -> _Late:
        return _Late(name, argv, self.environment, self.logs / f"{name}.log")


def worker_names(count: int) -> list[str]:
    """What the resident workers of one installation are called."""
    return ["worker", *(f"worker-{number}" for number in range(2, count + 1))]


class _Late:
    """A child whose environment is known only once PostgreSQL runs (its port and password)."""

    def __init__(self, name: str, argv: list[str], environment: Callable[[], Mapping[str, str]], log_path: Path) -> None:
        self.name, self.log_path = name, log_path
        self._argv, self._environment = argv, environment
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def start(self) -> None:
        if self._child is None:
            self._child = Child(self.name, self._argv, env=self._environment(), log_path=self.log_path, grace=15)
        self._child.start()

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def alive(self) -> bool:
        return self._child is not None and self._child.alive()


def probe(url: str) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  (our own http URL)
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    return ready


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [int(s.getsockname()[1]) for s in sockets]
    finally:
        for s in sockets:
            s.close()


def taken(settings: Settings, *, sandbox: bool) -> list[int]:
    """Which of our ports somebody else already uses."""
    ports = [settings.gateway_port, settings.prefect_port, *([settings.sandbox_port] if sandbox else [])]
    busy = []
    for port in ports:
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((settings.host, port))
            except OSError:
                busy.append(port)
    return busy
