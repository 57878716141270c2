"""All processes of one installation, in the order they start: PostgreSQL, Prefect's server, sandbox if asked, gateway, worker, runner."""

from __future__ import annotations

import http.client
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy.exc

from cli import prefect_database
from config.settings import Settings
from connectors.keyring import Keyring
from models import migrate
from models.db import LEDGER
from models.seal import sealer_for
from rules.house import House
from runtime import ports
from runtime.child import Child
from runtime.postgres import PostgresError, PrivatePostgres
from runtime.supervisor import Backoff, Service

# A part that has run calmly for a while is started again at once, however often it crashed before; none is ever given up.
BACKOFF = Backoff(first=0.5, most=15.0, calm=20.0)
# PostgreSQL may be killed while its tables are made.
_START_TRIES = 5
_TRY_FOR_S = 20.0
# One that cannot answer a trivial question within the first, again and again for the second, has hung or lost its database.
_PREFECT_ANSWERS_WITHIN_S = 8.0
_PREFECT_AGAIN_AFTER_S = 30.0
_GATEWAY_AGAIN_AFTER_S = 60.0


class StackError(RuntimeError):
    """The installation cannot start; says why and what to do."""


class LedgerServer:
    """PostgreSQL with the ledger in it, its tables up to date; private, or the one of TONGLU_DATABASE_URL, which others look after."""

    name = "postgresql"

    def __init__(self, settings: Settings) -> None:
        self._given = settings.database_url
        self._server = None if self._given else PrivatePostgres(settings.data_dir / "postgres")
        self._url = self._given
        self._up = False

    @property
    def pid(self) -> int | None:
        return self._server.pid if self._server else None

    @property
    def log_path(self) -> Path | None:
        return self._server.log_path if self._server else None

    def start(self) -> None:
        """Start it if it is ours, and bring the tables up to date. One that is killed meanwhile is started again.

        Raises StackError, or what PrivatePostgres and the migration raise.
        """
        began = time.monotonic()
        for again in range(_START_TRIES):
            try:
                self._start()
                self._up = True
                return
            except (PostgresError, psycopg.OperationalError, sqlalchemy.exc.OperationalError) as fault:
                # What fails slowly has been tried for long enough already.
                if again == _START_TRIES - 1 or time.monotonic() - began > _TRY_FOR_S:
                    if self._given:
                        raise StackError(f"连不上数据库（{type(fault).__name__}）；检查 TONGLU_DATABASE_URL 和数据库是否在运行") from None
                    raise
                time.sleep(0.5)

    def _start(self) -> None:
        if self._server is not None:
            self._server.start()
            if not self._server.database_exists(LEDGER):
                self._server.create_database(LEDGER)
            self._url = self._server.url(LEDGER)
        migrate.upgrade(self._url)

    def stop(self) -> None:
        self._up = False
        if self._server is not None:
            self._server.stop()

    def alive(self) -> bool:
        """Whether it runs. Somebody else's, once reached, is not ours to start again: whether it answers is what `answers` says."""
        return self._up if self._server is None else self._up and self._server.alive()

    def answers(self) -> bool:
        return self._server.alive() if self._server else _answers(self._given)

    @property
    def ledger_url(self) -> str:
        """As it was last started; it keeps its port and password over a crash. Raises StackError before its first start."""
        if not self._url:
            raise StackError("数据库尚未启动")
        return self._url

    @property
    def prefect_url(self) -> str:
        return prefect_database.address(self.ledger_url)

    def make_prefect_database(self) -> None:
        """Prefect's database may have been dropped. Raises as `prefect_database.make` does."""
        prefect_database.make(self.ledger_url)


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2):
            return True
    except psycopg.Error:
        return False


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

        prefect = Service(
            self._child("prefect", server.server_argv(self.settings), before=self.ledger.make_prefect_database, grace=5), self.prefect_ready,
            ready_within=90, backoff=self.backoff, awaited=False, restart_after=_PREFECT_AGAIN_AFTER_S)
        found = [Service(self.ledger, self.ledger.answers, backoff=self.backoff), prefect]
        if self.sandbox is not None:
            argv = [sys.executable, "-m", "cli.sandbox", str(self.sandbox), "--port", str(self.settings.sandbox_port)]
            found.append(self._service("sandbox", argv, probe(f"{self.settings.sandbox_own}/control/idle")))
        # One that says its database is away is not helped by a restart; one that says nothing has hung.
        asked = f"{self.settings.gateway_url}/healthz"
        found.append(Service(self._child("gateway", [sys.executable, "-m", "gateway"]), probe(asked), backoff=self.backoff,
                             restart_after=_GATEWAY_AGAIN_AFTER_S, answers=probe(asked, any_status=True)))
        found.extend(self._service(name, [sys.executable, "-m", "cli.main", "work"]) for name in worker_names(self.workers))
        if self.runner:
            found.append(self._service("runner", [sys.executable, "-m", "cli.runner"]))
        return found

    def _service(self, name: str, argv: list[str], ready: Callable[[], bool] = lambda: True) -> Service:
        return Service(self._child(name, argv), ready, backoff=self.backoff)

    def prefect_ready(self) -> bool:
        """Whether Prefect's server answers, its database included."""
        from flows import server

        return server.answers(self.settings.prefect_api, _PREFECT_ANSWERS_WITHIN_S)

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

    def _child(self, name: str, argv: list[str], *, before: Callable[[], None] = lambda: None, grace: float = 15.0) -> _Late:
        return _Late(name, argv, self.environment, self.logs / f"{name}.log", lambda: self.ledger.ledger_url, before, grace)


def worker_names(count: int) -> list[str]:
    """What the resident workers of one installation are called."""
    return ["worker", *(f"worker-{number}" for number in range(2, count + 1))]


class _Late:
    """A child whose environment is known only once PostgreSQL runs (its port and password). `before` is called each time before it starts.

    Should PostgreSQL ever come back at another address, this one counts as dead: it knows only the old one.
    """

    def __init__(
        self, name: str, argv: list[str], environment: Callable[[], Mapping[str, str]], log_path: Path, address: Callable[[], str],
        before: Callable[[], None], grace: float,
    ) -> None:
        self.name, self.log_path = name, log_path
        self._argv, self._environment, self._address, self._before, self._grace = argv, environment, address, before, grace
        self._child: Child | None = None
        self._knows = ""

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def start(self) -> None:
        if self.alive():
            return
        self.stop()
        self._before()
        self._knows = self._address()
        self._child = Child(self.name, self._argv, env=self._environment(), log_path=self.log_path, grace=self._grace)
        self._child.start()

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def alive(self) -> bool:
        return self._child is not None and self._child.alive() and self._knows == self._address()


def probe(url: str, *, any_status: bool = False) -> Callable[[], bool]:
    """Asks `url` for 200, or with `any_status` for any answer at all."""

    def ready() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  (our own http URL)
                return any_status or bool(answer.status == 200)
        except urllib.error.HTTPError:
            return any_status
        except (urllib.error.URLError, http.client.HTTPException, OSError):
            return False

    return ready


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now."""
    return ports.free(count)


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
