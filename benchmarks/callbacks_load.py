"""The load generator: prepared requests over kept-alive sockets, nothing parsed beyond status and length. Prints one JSON line.

    python -m benchmarks.callbacks_load PORT CLIENTS SECONDS WARM_UP_S FILE   (FILE: requests, each after its length in 4 bytes)
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path


def prepared(path: Path) -> Iterator[bytes]:
    """The requests in the file, from the start again when they are used up (to a gateway those are duplicates, and answered as such)."""
    data, at = path.read_bytes(), 0
    while data:
        length = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 4 + length]
        at = (at + 4 + length) % len(data)


def main(port: int, clients: int, seconds: float, warm_up: float, path: Path) -> dict[str, float]:
    """Each client has one request under way at any time. Returns requests per second and latencies after the warm-up."""
    requests = prepared(path)
    selector = selectors.DefaultSelector()
    sent_at: dict[socket.socket, float] = {}
    rest: dict[socket.socket, bytes] = {}
    took: list[float] = []
    bad = 0

    def send(client: socket.socket) -> None:
        sent_at[client] = time.perf_counter()
        client.sendall(next(requests))

    for _ in range(clients):
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(client, selectors.EVENT_READ)
        rest[client] = b""
        send(client)
    start = time.perf_counter() + warm_up
    end = start + seconds
    while (now := time.perf_counter()) < end:
        for key, _ in selector.select(1.0):
            assert isinstance(key.fileobj, socket.socket)
            client = key.fileobj
            data = rest[client] + client.recv(65_536)
            if not _whole(data):
                rest[client] = data
                continue
            rest[client] = b""
            now = time.perf_counter()
            if start <= now < end:
                took.append(now - sent_at[client])
            bad += not data.startswith(b"HTTP/1.1 202")
            send(client)
    took.sort()
    return {"per_s": len(took) / seconds, "p50_ms": took[len(took) // 2] * 1000, "p95_ms": took[len(took) * 95 // 100] * 1000, "bad": bad}


def _whole(data: bytes) -> bool:
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return False
    lower = head.lower()
    at = lower.find(b"content-length:")
    return at < 0 or len(body) >= int(lower[at + 15 :].split(b"\r\n", 1)[0])


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]), Path(sys.argv[5]))))
