"""`GET /healthz`: whether the gateway can do its work, and what it can tell of the rest. Names no case and no person; needs no token."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import psycopg
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from connectors.wire.strictjson import dumps
from gateway.context import Context
from models import migrate
from rules.calendar import SHANGHAI

# Anybody may ask; however many do, the database is asked once a second.
_FRESH_S = 1.0
_CONNECT_S = 3
# As flows/life.py says: a sign older than this is none.
_STALE_S = 15.0

_LOOK = """select (select version_num from alembic_version), (select count(*) from inbox where state = 'RECEIVED'),
           (select min(received_at) from inbox where state = 'RECEIVED')"""


class Health:
    """The handler. 200 when callbacks and petitions can be taken, 503 when not."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = asyncio.Lock()
        self._newest: str | None = None
        self._last: tuple[float, dict[str, Any]] | None = None

    async def show(self, request: Request) -> Response:
        """What was found, at most a second old."""
        async with self._lock:
            if self._last is None or time.monotonic() - self._last[0] > _FRESH_S:
                said = await asyncio.to_thread(self._look)
                self._last = (time.monotonic(), said)
        said = self._last[1]
        return Response(dumps(said), 200 if said["ok"] else 503, {"Cache-Control": "no-store"}, "application/json")

    def _look(self) -> dict[str, Any]:
        database = self._database()
        ready = database["reachable"] and database["migrations"] == "current"
        return {
            "ok": ready, "database": database, "clock": self._context.settings.clock or "machine",
            "now": self._context.time.now().astimezone(SHANGHAI).isoformat(timespec="seconds"), "worker": self._worker(),
        }

    def _database(self) -> dict[str, Any]:
        try:
            if self._newest is None:
                self._newest = migrate.status(self._context.database.url).newest
            with psycopg.connect(self._context.database.url, connect_timeout=_CONNECT_S, options="-c statement_timeout=3000 -c timezone=UTC") as connection:
                row = connection.execute(_LOOK).fetchone()
        except psycopg.errors.UndefinedTable:
            return {"reachable": True, "migrations": "missing"}
        except (psycopg.Error, SQLAlchemyError) as fault:
            return {"reachable": False, "migrations": "unknown", "fault": type(fault).__name__}
        version, waiting, oldest = row if row else (None, 0, None)
        since = None if oldest is None else (self._context.time.now() - oldest).total_seconds()
        state = "current" if version == self._newest else "behind"
        return {"reachable": True, "migrations": state, "callbacks_to_apply": waiting, "oldest_waits_s": since}

    def _worker(self) -> dict[str, Any] | None:
        """The resident worker's last sign of life, which it leaves in the data folder, and whether it could show runs at Prefect; None where none is known."""
        try:
            sign = json.loads((self._context.settings.data_dir / "worker.alive").read_text())
            ago = time.monotonic() - float(sign["monotonic"])
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return {"alive": 0 <= ago <= _STALE_S, "seconds_ago": round(ago, 1), "prefect": bool(sign.get("prefect"))}
