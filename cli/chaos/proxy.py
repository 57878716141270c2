"""A line between two parties that speak HTTP/1.1: passes on byte for byte, and by seeded dice loses, delays, doubles, holds back and cuts."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

from cli.chaos.dice import Dice, Fate, Fault, Rates

_HEAD_BYTES = 65_536
_BODY_BYTES = 64 * 1024 * 1024
# A request that is held back waits for another to pass it, at most so long.
_HELD_FOR_S = 2.0
_UPSTREAM_WITHIN_S = 60.0


class Line:
    """One direction. Belongs to the event loop that starts it; `counts` may be read from any thread.

    Args:
        name: of this line in the report and for the dice.
        port: where the other side listens on 127.0.0.1; may be set later, before the first request.
    """

    def __init__(self, name: str, dice: Dice, rates: Rates, port: int = 0) -> None:
        self.name, self.port = name, port
        self._dice, self.rates = dice, rates
        self.counts: Counter[str] = Counter()
        self.in_flight = 0
        self._number = 0
        self._held: set[asyncio.Event] = set()
        self._later: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self, listen_on: int = 0) -> int:
        """Listen on 127.0.0.1 (0: a free port). Returns the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", listen_on, limit=_HEAD_BYTES)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Listen no more, and cut what is open."""
        for task in self._later:
            task.cancel()
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.gather(*self._later, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while (request := await _message(reader, answer=False)) is not None:
                self.in_flight += 1
                try:
                    answer = await self._exchange(request)
                finally:
                    self.in_flight -= 1
                if answer is None:
                    writer.transport.abort()
                    return
                writer.write(answer.raw)
                await writer.drain()
                if not answer.lasts:
                    return
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, _Garbled):
            self.counts["broken_off"] += 1
        finally:
            self._open.discard(writer)
            with contextlib.suppress(OSError):
                writer.close()

    async def _exchange(self, request: _Whole) -> _Whole | None:
        """What the caller is told; None: the line breaks."""
        number, self._number = self._number, self._number + 1
        fate = self._dice.fate(self.name, number, self.rates)
        self.counts["requests"] += 1
        if fate.fault is not None:
            self.counts[fate.fault.value] += 1
        if fate.fault is Fault.LOST_REQUEST:
            return None
        if fate.fault is Fault.DELAYED:
            await asyncio.sleep(fate.seconds)
        if fate.fault is Fault.HELD_BACK:
            await self._until_passed()
        answer = await self._forward(request)
        for held in self._held:
            held.set()
        if answer is None:
            return None
        return self._spoilt(request, answer, fate)

    def _spoilt(self, request: _Whole, answer: _Whole, fate: Fate) -> _Whole | None:
        match fate.fault:
            case Fault.LOST_REPLY:
                return None
            case Fault.CUT_REPLY:
                # At least its last byte is missing, so that it is never whole by chance.
                return _Whole(answer.raw[:int(fate.share * len(answer.raw))], lasts=False)
            case Fault.DOUBLED:
                task = asyncio.get_running_loop().create_task(self._again(request, fate.seconds))
                self._later.add(task)
                task.add_done_callback(self._later.discard)
        return answer

    async def _again(self, request: _Whole, seconds: float) -> None:
        """The second copy, a while later: past whatever has been said since."""
        await asyncio.sleep(seconds)
        await self._forward(request)

    async def _until_passed(self) -> None:
        passed = asyncio.Event()
        self._held.add(passed)
        try:
            await asyncio.wait_for(passed.wait(), _HELD_FOR_S)
        except TimeoutError:
            self.counts["held_alone"] += 1
        finally:
            self._held.discard(passed)

    async def _forward(self, request: _Whole) -> _Whole | None:
        """On a connection of its own: one that was kept may have died unseen, and would be a fault that nobody drew."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=_HEAD_BYTES)
        except OSError:
            self.counts["nobody_there"] += 1
            return None
        try:
            writer.write(request.raw)
            return await asyncio.wait_for(_message(reader, answer=True), _UPSTREAM_WITHIN_S)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, _Garbled):
            self.counts["hung_up"] += 1
            return None
        finally:
            writer.transport.abort()


class _Garbled(Exception):
    """Not HTTP as the product speaks it."""


class _Whole:
    """One request or answer, head and body; `lasts`: the connection goes on after it."""

    __slots__ = ("lasts", "raw")

    def __init__(self, raw: bytes, *, lasts: bool) -> None:
        self.raw, self.lasts = raw, lasts


async def _message(reader: asyncio.StreamReader, *, answer: bool) -> _Whole | None:
    """Read to the end of one message; None where the other side has closed before its first byte. Raises _Garbled and what asyncio raises."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as broken:
        if not broken.partial:
            return None
        raise
    first, *lines = head[:-4].split(b"\r\n")
    fields = {name.strip().lower(): value.strip().lower() for name, _, value in (line.partition(b":") for line in lines)}
    lasts = fields.get(b"connection") != b"close"
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        return _Whole(head + await _chunks(reader), lasts=lasts)
    if b"content-length" in fields:
        length = fields[b"content-length"]
        if not length.isdigit() or int(length) > _BODY_BYTES:
            raise _Garbled
        return _Whole(head + await reader.readexactly(int(length)), lasts=lasts)
    if not answer or first.split(b" ")[1:2] in ([b"204"], [b"304"]):
        return _Whole(head, lasts=lasts)
    return _Whole(head + await reader.read(-1), lasts=False)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        parts += [line, await reader.readexactly(size + 2)]
        if size == 0:
            return b"".join(parts)
