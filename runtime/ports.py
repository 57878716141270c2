"""TCP ports for servers of ours on this machine: below those the kernel gives to outgoing connections.

A server that is killed and comes back needs its port again. One from the kernel's own range could meanwhile have become the near end of somebody's
outgoing connection, even of a client's that knocks at the closed port and happens to be given its number.
"""

from __future__ import annotations

import socket
from pathlib import Path
from random import SystemRandom

_LOWEST = 20_000
# Where the kernel does not tell: the lowest start of that range on any system we know.
_USUAL_START = 32_768
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def is_free(port: int) -> bool:
    """Whether somebody could listen on 127.0.0.1:`port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free(count: int) -> list[int]:
    """So many different ports of 127.0.0.1 on which nobody listens at this moment."""
    below = _kernels_start()
    ports = range(_LOWEST, below) if below > _LOWEST + 1000 else range(_LOWEST, 65_536)
    found: list[int] = []
    for port in SystemRandom().sample(ports, len(ports)):
        if len(found) == count:
            break
        if is_free(port):
            found.append(port)
    return found


def _kernels_start() -> int:
    try:
        return int(_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _USUAL_START
