"""One Prefect server a session, on the session's PostgreSQL, started as the product starts it; a bureau and its partners a test."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, PREFECT_LOGGING_LEVEL, temporary_settings

from config.settings import Settings
from flows.context import Context, using
from flows.server import prefect_env, server_argv
from runtime.postgres import PrivatePostgres
from tests.flows import world as worlds
from tests.flows.world import COURT, HOUSING, LABOUR, World
from tests.sandbox.conftest import serving


@dataclass
class PrefectServer:
    """The running server: its API, its database, and its process, which a test may stop and start."""

    settings: Settings
    env: dict[str, str]
    database: str
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def api(self) -> str:
        return self.settings.prefect_api

    def start(self) -> None:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(server_argv(self.settings), env={**os.environ, **self.env}, stdout=log, stderr=subprocess.STDOUT)
        until = time.monotonic() + 240
        while True:
            try:
                if requests.get(f"{self.api}/health", timeout=5).status_code == 200:
                    return
            except requests.RequestException:
                time.sleep(0.2)
            assert time.monotonic() < until, self.log.read_text()[-2000:]

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
            self.process = None


@pytest.fixture(scope="session")
def prefect_server(pg: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    folder = tmp_path_factory.mktemp("prefect")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    pg.create_database("prefect")
    settings = Settings(data_dir=folder, prefect_port=port)
    server = PrefectServer(settings, prefect_env(settings, pg.url("prefect"), folder / "home"), pg.url("prefect"), folder / "server.log")
    server.start()
    with temporary_settings({PREFECT_API_URL: server.api, PREFECT_LOGGING_LEVEL: "WARNING"}):
        yield server
    server.stop()


@pytest.fixture
def shown(prefect_server: PrefectServer) -> Iterator[PrefectServer]:
    """Flows called in this test are shown at the session's Prefect server, without run heartbeats as in the worker."""
    with temporary_settings({PREFECT_API_URL: prefect_server.api, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield prefect_server


Build = Callable[..., World]


@pytest.fixture
def build(database: str, tmp_path: Path) -> Iterator[Build]:
    """build(manner, options=..., **settings) -> World, with the sandbox's bodies serving."""
    with ExitStack() as stack:

        def make(manner: str = "prompt", options: dict[str, Any] | None = None, sandbox: dict[str, Any] | None = None, **more: Any) -> World:
            made = worlds.world(database, tmp_path, "", **more)
            config = worlds.sandbox_config(tmp_path, [COURT, HOUSING, LABOUR], manner, options, **{"drop_callbacks": True, **(sandbox or {})})
            made.sandbox = stack.enter_context(serving(config, made.clock))  # type: ignore[arg-type]
            made.settings = made.settings.model_copy(update={"sandbox_url": made.sandbox})
            return made

        yield make


@pytest.fixture
def bureau(build: Build) -> World:
    """A bureau with prompt partners that keep their callbacks to themselves."""
    return build()


@pytest.fixture
def context(bureau: World) -> Iterator[Context]:
    opened = bureau.open()
    with using(opened):
        yield opened
    opened.close()
