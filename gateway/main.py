"""Run the gateway: `python -m gateway`. One process; host, port and everything else from the settings."""

from __future__ import annotations

import socket
import sys

import psycopg
import uvicorn
from fastapi import FastAPI

from config.settings import Settings
from config.source import ConfigError
from connectors.keyring import Keyring
from connectors.sound import require_sound
from gateway.app import build
from gateway.context import Context
from models import migrate
from models.db import Database
from models.seal import SealError, sealer_for
from rules.house import load_house
from runtime.timesource import TimeSourceError, from_setting

# Long enough for what is being stored to be answered, short enough that an operator does not reach for kill -9.
_GRACE_S = 10
_BACKLOG = 1024


class CannotStart(Exception):
    """The gateway must not start like this; the message (Chinese, for the operator) says why and how to mend it."""


def prepare(settings: Settings) -> Context:
    """Everything the gateway needs, loaded and checked; its database is not open yet. Raises CannotStart."""
    if not settings.database_url:
        raise CannotStart("没有设置数据库：请设置 TONGLU_DATABASE_URL=postgresql://…，或用 tonglu up 启动全部服务")
    try:
        house = load_house(settings.config_dir, settings.bureau)
        require_sound(house, settings.config_dir)
        sealer = sealer_for(settings.field_keys, settings.keys)
        time = from_setting(settings.clock)
        time.now()
        state = migrate.status(settings.database_url)
    except (ConfigError, SealError, TimeSourceError) as fault:
        raise CannotStart(str(fault)) from None
    except Exception as fault:
        if isinstance(fault.__cause__, psycopg.OperationalError):
            raise CannotStart("连不上数据库；请检查 TONGLU_DATABASE_URL，并确认 PostgreSQL 已启动") from None
        raise
    if state.current != state.newest:
        raise CannotStart(f"数据库的版本是 {state.current or '空'}，程序需要 {state.newest}；请先运行 tonglu db upgrade")
    return Context(settings, house, sealer, Database(settings.database_url), Keyring(settings.keys), time)


def config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """How uvicorn serves it: no access log, since paths name cases; no header that tells what runs here."""
    return uvicorn.Config(
        app, host=settings.host, port=settings.gateway_port, loop="uvloop", http="httptools", ws="none", lifespan="on", workers=1,
        access_log=False, server_header=False, log_level="warning", backlog=_BACKLOG, timeout_graceful_shutdown=_GRACE_S, timeout_keep_alive=75,
    )


def run(settings: Settings, listening: socket.socket | None = None) -> None:
    """Serve until SIGTERM or SIGINT, on `listening` if given, else on host and port of the settings. Raises CannotStart."""
    context = prepare(settings)
    with context.database:
        server = uvicorn.Server(config(build(context), settings))
        server.run(sockets=[listening] if listening else None)
    if not server.started:
        raise CannotStart(f"{settings.host}:{settings.gateway_port} 不能监听；请换一个端口（TONGLU_GATEWAY_PORT），或结束占用它的进程")


def main() -> int:
    """The command; 0 when it ended in order."""
    try:
        run(Settings())
    except CannotStart as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0
