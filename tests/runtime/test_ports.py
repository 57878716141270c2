"""Ports for our servers: free, different, not the kernel's to give away; and a killed PostgreSQL that waits for its own."""

from __future__ import annotations

import os
import signal
import socket
import threading
from pathlib import Path
from uuid import uuid4

from runtime import ports
from runtime.postgres import PrivatePostgres
from tests.runtime.processes import comes_true


def test_ports_are_different_free_and_below_the_kernels_own() -> None:
    found = ports.free(50)
    assert len(set(found)) == 50
    start = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(20_000 <= port < start for port in found)
    with socket.create_server(("127.0.0.1", found[0])):
        assert not ports.is_free(found[0])
    assert ports.is_free(found[1])


def test_a_killed_server_waits_for_its_port_and_keeps_its_address(enterable: Path) -> None:
    with PrivatePostgres(enterable / f"pg {uuid4().hex[:6]}") as server:
        url, pid, port = server.url(), server.pid, server.url().rpartition(":")[2].partition("/")[0]
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert comes_true(lambda: not server.alive())
        intruder = socket.socket()
        # Without SO_REUSEADDR of its own, as the near end of an outgoing connection would be.
        assert comes_true(lambda: _binds(intruder, int(port)))
        leaving = threading.Timer(1.5, intruder.close)
        leaving.start()
        server.start()
        leaving.join()
        assert server.url() == url
        assert server.pid not in (None, pid)


def _binds(sock: socket.socket, port: int) -> bool:
    try:
        sock.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True
