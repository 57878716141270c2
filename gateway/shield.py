"""The last line: whatever else fails becomes a 500 problem document, and a log line that quotes nothing of the request."""

from __future__ import annotations

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.wire import problems
from gateway.answers import problem
from gateway.faults import where

log = logging.getLogger("tonglu.gateway")


class Shield:
    """ASGI middleware. Without it the server would print the exception's words, and those may be a petitioner's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; answer 500 where nothing was answered yet."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as fault:  # noqa: BLE001 - the boundary
            log.error("请求处理失败：%s", where(fault))
            if not begun:
                await problem(problems.internal())(scope, receive, send)
