"""Runs a sandbox: one process, one port, many bodies."""

from collections.abc import Callable
from datetime import datetime
from typing import cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.answers import TRANSPORT
from sandbox.app import build
from sandbox.config import SandboxConfig


class HangingUpProtocol(HttpToolsProtocol):
    """Hands the application its connection, so that it can break it: no ASGI message says "close without an answer"."""

    def on_message_begin(self) -> None:
        """A new request begins."""
        super().on_message_begin()
        cast(dict[str, object], self.scope)[TRANSPORT] = self.transport


def server(config: SandboxConfig, host: str, port: int, now: Callable[[], datetime]) -> uvicorn.Server:
    """A server ready to run; `port` 0 takes a free one. Bind it to 127.0.0.1: /control is open to whoever reaches
    it."""
    return uvicorn.Server(
        uvicorn.Config(
            build(config, now),
            host=host,
            port=port,
            http=HangingUpProtocol,
            ws="none",
            access_log=False,
            log_level="warning",
            lifespan="on",
            server_header=False,
            timeout_keep_alive=120,
            timeout_graceful_shutdown=5,
        )
    )


def run(config: SandboxConfig, host: str, port: int, now: Callable[[], datetime]) -> None:
    """Serve until SIGINT or SIGTERM."""
    server(config, host, port, now).run()
