"""What callbacks are held against: the barest ASGI app that makes a body durable (`insert`), and one that stores nothing (`echo`).

    python -m benchmarks.callbacks_bare insert|echo PORT   (database by TONGLU_DATABASE_URL)
"""

from __future__ import annotations

import os
import sys
from typing import Any

import uvicorn
from psycopg_pool import AsyncConnectionPool

_ANSWER = b"{}"
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"2")]
# As many as the load has clients at most: none of them waits for a connection.
_CONNECTIONS = 32


class Bare:
    """Reads the body, INSERTs it in a transaction of its own, answers 202 after the commit."""

    def __init__(self, url: str) -> None:
        self._pool = AsyncConnectionPool(url, min_size=_CONNECTIONS, max_size=_CONNECTIONS, open=False, kwargs={"autocommit": True}) if url else None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if self._pool is not None:
            async with self._pool.connection() as connection:
                await connection.execute("insert into bare (body) values (%s)", (body,))
        await send({"type": "http.response.start", "status": 202, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": _ANSWER})

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        if self._pool is not None:
            await self._pool.open(wait=True)
            async with self._pool.connection() as connection:
                await connection.execute("create table if not exists bare (id bigint generated always as identity primary key, body bytea not null)")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._pool is not None:
            await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})


if __name__ == "__main__":
    app = Bare(os.environ["TONGLU_DATABASE_URL"] if sys.argv[1] == "insert" else "")
    # uvloop and httptools as in the gateway: what is compared is the application.
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), loop="uvloop", http="httptools", ws="none", access_log=False, log_level="warning")
