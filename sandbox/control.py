"""The sandbox's own switches, for demos and tests; not part of the wire, unsigned, to be bound to localhost."""

import sqlite3
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.wire import problems
from connectors.wire.times import format_time
from sandbox.answers import problem
from sandbox.audit import books, effects, manners, next_due, state
from sandbox.downtime import Span, set_spans
from sandbox.house import House
from sandbox.lies import LedgerConfig, keep
from sandbox.manners.registry import LINES, BadManner


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MannerChange(_Body):
    """Which manner the cases that come from now on get, at these bodies (None: all)."""

    manner: str
    options: Mapping[str, Any] = {}
    bodies: list[str] | None = None


class Casting(_Body):
    """Which manner the cases of one petition get that come from now on, at one body (None: at every one)."""

    petition_no: str = Field(pattern=r"^XF[0-9]{20}$")
    manner: str
    options: Mapping[str, Any] = {}
    body: str | None = None


class Dropping(_Body):
    """Whether to leave the hooks alone."""

    drop: bool


class DownChange(_Body):
    """How long, in virtual hours from now, the bodies (None: all) are away; 0 brings them back."""

    hours: float = Field(ge=0, le=24 * 3650)
    mode: str = Field("close", pattern="^(close|503)$")
    bodies: list[str] | None = None


class Holding(_Body):
    """Whether bodies do nothing new of their own; what they have issued still leaves, what comes is still taken in. Outlives no restart."""

    hold: bool


class Skew(_Body):
    """By how many seconds the clocks of these bodies (None: all) are fast, or, below 0, slow; 0 sets them right. Outlives no restart."""

    seconds: int = Field(ge=-86_400, le=86_400)
    bodies: list[str] | None = None


class LedgerChange(_Body):
    """How these bodies (None: all) keep their ledgers from now on; outlives a restart."""

    ledger: LedgerConfig
    bodies: list[str] | None = None


class Control:
    """The handlers, over one house."""

    def __init__(self, house: House) -> None:
        self._house = house

    def routes(self) -> list[Route]:
        """The routes under /control."""
        return [
            Route("/control/idle", self.idle),
            Route("/control/state", self.state),
            Route("/control/effects", self.effects),
            Route("/control/books", self.books),
            Route("/control/manners", self.manners),
            Route("/control/manners", self.change_manners, methods=["POST"]),
            Route("/control/cast", self.cast, methods=["POST"]),
            Route("/control/drop_callbacks", self.drop_callbacks, methods=["POST"]),
            Route("/control/down", self.down, methods=["POST"]),
            Route("/control/ledger", self.ledger, methods=["POST"]),
            Route("/control/skew", self.skew, methods=["POST"]),
            Route("/control/hold_steps", self.hold_steps, methods=["POST"]),
        ]

    async def idle(self, request: Request) -> Response:
        """GET: whether there is nothing to do before time moves on, and when it will next have to; cheap to ask."""
        return JSONResponse(self._idle())

    async def state(self, request: Request) -> Response:
        """GET: as `idle`, with counts by body."""
        house, brief = self._house, self._idle()
        codes, now = list(house.config.bodies), house.now()
        counts = await house.read(lambda db: state(db, codes, now))
        for code, found in counts.items():
            found["manner"] = house.roster.of_body(house.reader, code)[0]
            found["callbacks"] = dict(house.outbox.counts[code])
        return JSONResponse({**brief, "manners": await house.read(manners), "bodies": counts})

    def _idle(self) -> dict[str, Any]:
        house = self._house
        now = house.now()
        ready, steps = house.outbox.ready(), house.schedule.due(10_000)
        soonest = next_due(house.reader, now, house.outbox.dropping)
        return {
            "now": format_time(now),
            "idle": not ready and not steps and not house.gaps.due() and house.broken is None,
            "broken": house.broken,
            "steps_due": len(steps),
            "callbacks_due": len(ready),
            "next_due": None if soonest is None else format_time(soonest),
            "drop_callbacks": house.outbox.dropping,
        }

    async def effects(self, request: Request) -> Response:
        """GET: what was really done, by hand-off id."""
        return JSONResponse(await self._house.read(effects))

    async def books(self, request: Request) -> Response:
        """GET: by body, hand-offs, messages received and messages issued, to be held against the bureau's ledger."""
        return JSONResponse(await self._house.read(books))

    async def manners(self, request: Request) -> Response:
        """GET: every manner with its line in Chinese."""
        return JSONResponse(dict(LINES))

    async def change_manners(self, request: Request) -> Response:
        """POST {manner, options, bodies}."""
        change = MannerChange.model_validate_json(await request.body())
        codes = self._codes(change.bodies)

        def work(db: sqlite3.Connection) -> None:
            for code in codes:
                self._house.roster.change(db, code, change.manner, change.options)

        await self._house.writer.do(work)
        return JSONResponse({"changed": codes})

    async def cast(self, request: Request) -> Response:
        """POST {petition_no, manner, options, body}."""
        part = Casting.model_validate_json(await request.body())
        codes = self._codes(None if part.body is None else [part.body])
        await self._house.writer.do(lambda db: self._house.roster.cast(db, part.petition_no, part.body, part.manner, part.options))
        return JSONResponse({"cast": codes})

    async def drop_callbacks(self, request: Request) -> Response:
        """POST {drop}."""
        self._house.outbox.dropping = Dropping.model_validate_json(await request.body()).drop
        return JSONResponse({"drop_callbacks": self._house.outbox.dropping})

    async def down(self, request: Request) -> Response:
        """POST {hours, mode, bodies}."""
        change = DownChange.model_validate_json(await request.body())
        codes, now = self._codes(change.bodies), self._house.now()
        spans = [Span.of(now, timedelta(hours=change.hours), change.mode)] if change.hours else []

        def work(db: sqlite3.Connection) -> None:
            for code in codes:
                set_spans(db, code, spans)

        await self._house.writer.do(work)
        return JSONResponse({"changed": codes})

    async def hold_steps(self, request: Request) -> Response:
        """POST {hold}."""
        self._house.schedule.held = Holding.model_validate_json(await request.body()).hold
        return JSONResponse({"hold": self._house.schedule.held})

    async def skew(self, request: Request) -> Response:
        """POST {seconds, bodies}."""
        change = Skew.model_validate_json(await request.body())
        codes = self._codes(change.bodies)
        for code in codes:
            self._house.skew[code] = timedelta(seconds=change.seconds)
        return JSONResponse({"changed": codes})

    async def ledger(self, request: Request) -> Response:
        """POST {ledger: {fault, every, handoffs, digests, form, strict}, bodies}."""
        change = LedgerChange.model_validate_json(await request.body())
        codes = self._codes(change.bodies)

        def work(db: sqlite3.Connection) -> None:
            for code in codes:
                keep(db, code, change.ledger)

        await self._house.writer.do(work)
        return JSONResponse({"changed": codes})

    def _codes(self, wanted: list[str] | None) -> list[str]:
        known = self._house.config.bodies
        for code in wanted or []:
            if code not in known:
                raise BadManner(f"no body {code} is served here; there are: {', '.join(known)}")
        return list(known) if wanted is None else wanted


async def explain(request: Request, error: Exception) -> Response:
    """What is wrong with a control request, as a problem document."""
    if isinstance(error, ValidationError):
        detail = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['msg']}" for fault in error.errors(include_url=False, include_input=False)
        )
    else:
        detail = str(error)
    return problem(problems.bad_request(detail))
