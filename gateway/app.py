"""The gateway as one FastAPI application: what bodies and the bureau's own systems call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gateway import openapi
from gateway.answers import Refused, no_such_path, plain, problem, refused, wrong_method
from gateway.checks import Doorman
from gateway.clients import Clients
from gateway.context import Context
from gateway.health import Health
from gateway.hook import Hook
from gateway.intake import Gate, Intake
from gateway.questions import Questions
from gateway.reader import Reader
from gateway.reading import Gone
from gateway.shield import Shield
from gateway.status import Status
from gateway.writer import Writer

_PAGE_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


def build(context: Context) -> FastAPI:
    """The application over one installation; `context.database` must be open while it runs."""
    doorman, gate = Doorman(context.house, context.keyring), Gate(Clients(context.settings.keys))
    writer, reader = Writer(context.database.url, context.sealer), Reader(context.database)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await writer.stop()
        reader.close()

    # Plain routes: each path reads its request strictly and says in its own words what is wrong; FastAPI serves the description.
    routes = [
        Route("/hooks/{body}", Hook(context, doorman, writer)),
        *Questions(context, doorman, reader).routes(),
        Route("/petitions", Intake(context, gate, reader).take, methods=["POST"]),
        Route("/petitions/{petition_no}", Status(context, gate, reader).show, methods=["GET"]),
        Route("/healthz", Health(context).show, methods=["GET"]),
        Route("/docs", _docs, methods=["GET"]),
    ]
    app = FastAPI(
        title="通路 Tonglu", lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False,
        exception_handlers={Refused: _refused, HTTPException: _http, Gone: _gone},
    )
    app.router.routes[:0] = routes
    app.add_middleware(Shield)
    app.openapi = openapi.describe  # type: ignore[method-assign]
    return app


async def _docs(request: Request) -> Response:
    return HTMLResponse(openapi.page(), headers=_PAGE_HEADERS)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - registered for nothing else
    return refused(error)


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # nobody is there to read it


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    if error.status_code == 404:
        return problem(no_such_path())
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "GET")
        return problem(wrong_method(allowed), {"Allow": allowed})
    return problem(plain(error.status_code, "http-error", "请求有误", "the request cannot be served"))
