"""Partners that are no good, for the benchmark of isolation: one hangs, one says 503, one answers a byte at a time. A process of its own.

``python -m benchmarks.isolation_dead PORTS.json`` listens on three free ports of 127.0.0.1, writes them into the file and serves until it is killed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

_DRIP_S = 0.5


async def _hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes everything and never answers."""
    while await reader.read(65_536):
        pass
    writer.close()


async def _busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says 503 to each request."""
    while await _request(reader):
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
    writer.close()


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Promises a receipt and sends it a byte at a time."""
    while await _request(reader):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n")
        for _ in range(400):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(_DRIP_S)
    writer.close()


async def _request(reader: asyncio.StreamReader) -> bool:
    """Read one request; False at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return False
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    await reader.readexactly(length)
    return True


async def _serve(ports: Path) -> None:
    servers = {name: await asyncio.start_server(handler, "127.0.0.1", 0) for name, handler in (("hang", _hang), ("busy", _busy), ("drip", _drip))}
    part = ports.with_suffix(".part")
    part.write_text(json.dumps({name: server.sockets[0].getsockname()[1] for name, server in servers.items()}))
    part.rename(ports)
    await asyncio.gather(*(server.serve_forever() for server in servers.values()))


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
