"""The sandbox as an ASGI application."""

import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from connectors.wire import problems
from sandbox.answers import problem
from sandbox.config import SandboxConfig
from sandbox.control import Control, explain
from sandbox.house import House
from sandbox.manners.registry import BadManner
from sandbox.partner import Away, Partner, Refused

_log = logging.getLogger("sandbox")


def build(config: SandboxConfig, now: Callable[[], datetime]) -> Starlette:
    """The application of all bodies in `config`; `now` gives aware datetimes and may jump forward. Serve it with
    `sandbox.main.server`: under another server the manners that hang up cannot."""
    house = House(config, now)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with house.open():
            yield

    async def refused(request: Request, error: Exception) -> Response:
        return problem(error.document if isinstance(error, Refused) else problems.internal())

    async def absent(request: Request, error: Exception) -> Response:
        return error.answer if isinstance(error, Away) else problem(problems.internal())

    async def failed(request: Request, error: Exception) -> Response:
        _log.error("the ledger failed (%s); check that its disk has room and its file is whole", type(error).__name__)
        return problem(problems.internal())

    return Starlette(
        routes=[*Control(house).routes(), *Partner(house).routes()],
        exception_handlers={Refused: refused, Away: absent, ValidationError: explain, BadManner: explain, sqlite3.Error: failed},
        lifespan=lifespan,
    )
