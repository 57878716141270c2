"""What wakes the worker: PostgreSQL's notifications, and time that steps."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta

import psycopg

from models.patience import arguments, async_patient
from models.store import CHANNEL
from runtime.timesource import TimeSource

log = logging.getLogger("tonglu.wake")

_POLL_S = 0.04
_ASK_EVERY_S = 30.0
_STEP = timedelta(seconds=0.5)


async def listen(url: str, wake: asyncio.Event, patience: float = 60.0) -> None:
    """Set `wake` whenever somebody notifies on the product's channel. Ends when cancelled.

    Comes back by itself after a restart of PostgreSQL, and when the server has fallen silent: while nothing is notified it is asked whether it is there,
    at least every `patience` seconds.
    """
    pause = 0.2
    line = async_patient(patience)
    while True:
        try:
            async with await line.connect(url, autocommit=True, application_name="tonglu-listen", **arguments(patience)) as connection:
                await connection.execute(f"listen {CHANNEL}")
                # What was notified while nobody listened is found by looking.
                wake.set()
                pause = 0.2
                while True:
                    async for _ in connection.notifies(timeout=min(patience, _ASK_EVERY_S)):
                        wake.set()
                    await connection.execute("select 1")
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
