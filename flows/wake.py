"""What wakes the worker: PostgreSQL's notifications, and time that steps."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta

import psycopg

from models.store import CHANNEL
from runtime.timesource import TimeSource

log = logging.getLogger("tonglu.wake")

_POLL_S = 0.04
_STEP = timedelta(seconds=0.5)


async def listen(url: str, wake: asyncio.Event) -> None:
    """Set `wake` whenever somebody notifies on the product's channel; comes back by itself after a restart of PostgreSQL. Ends when cancelled."""
    pause = 0.2
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5, application_name="tonglu-listen") as connection:
                await connection.execute(f"listen {CHANNEL}")
                # What was notified while nobody listened is found by looking.
                wake.set()
                pause = 0.2
                async for _ in connection.notifies():
                    wake.set()
        except psycopg.OperationalError as fault:
            log.warning("the notifications broke off (%s); again in %.1f s", type(fault).__name__, pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, 5.0)


async def watch_time(source: TimeSource, wake: asyncio.Event, every: float = 1.0) -> None:
    """Set `wake` every `every` seconds, and within 50 ms of a step of the time source in either direction. Ends when cancelled."""
    known, since, ticked = source.now(), time.monotonic(), time.monotonic()
    while True:
        await asyncio.sleep(_POLL_S)
        now, moment = source.now(), time.monotonic()
        if abs((now - known) - timedelta(seconds=moment - since)) > _STEP and now != known:
            wake.set()
        if moment - ticked >= every:
            ticked = moment
            wake.set()
        known, since = now, moment
