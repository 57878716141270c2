"""The gateway as one FastAPI application: what bodies and the bureau's own systems call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.routing import Route

from gateway.checks import Doorman
from gateway.context import Context
from gateway.hook import Hook
from gateway.writer import Writer


def build(context: Context) -> FastAPI:
    """The application over one installation; `context.database` must be open while it runs."""
    doorman = Doorman(context.house, context.keyring)
    writer = Writer(context.database.url, context.sealer)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        writer.start()
        yield
        await writer.stop()

    app = FastAPI(title="通路 Tonglu", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.router.routes.insert(0, Route("/hooks/{body}", Hook(context, doorman, writer)))
    return app
