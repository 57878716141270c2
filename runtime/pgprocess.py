"""Which PostgreSQL runs on a data folder: read from its pid file and proved by what the process really is."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_ON_LINUX = sys.platform == "linux"


@dataclass(frozen=True)
class PidFile:
    """What PostgreSQL wrote into postmaster.pid: its pid, TCP port, socket folder, and whether it says it is ready."""

    pid: int
    port: int
    sockets: Path
    ready: bool


def read_pid_file(data: Path) -> PidFile | None:
    """The pid file of the data folder `data`; None if there is none or it is not yet written to its end."""
    try:
        lines = (data / "postmaster.pid").read_text("utf-8", "surrogateescape").splitlines()
        return PidFile(int(lines[0]), int(lines[3]), Path(lines[4]), lines[7].strip() == "ready")
    except (FileNotFoundError, IndexError, ValueError):
        return None


def is_server_of(pid: int, data: Path) -> bool:
    """Whether process `pid` is a `postgres` started with the data folder `data`, and not one that got its number."""
    if _ON_LINUX:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return Path(os.fsdecode(words[0])).name == "postgres" and os.fsencode(data) in words
    said = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return "postgres" in said and str(data) in said


def processes_of(data: Path) -> list[int]:
    """The pids of all processes of a PostgreSQL on `data`, its backends too: each of them has `data` as its folder."""
    if not _ON_LINUX:
        found = read_pid_file(data)
        return [found.pid] if found is not None and is_server_of(found.pid, data) else []
    pids = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            # Ended while we looked, or somebody else's, and then not a server on a folder that is ours alone.
            with contextlib.suppress(OSError):
                if os.readlink(entry / "cwd") == str(data) and (entry / "comm").read_text().startswith("postgres"):
                    pids.append(int(entry.name))
    return pids


def wait_until_gone(data: Path, seconds: float) -> list[int]:
    """Wait until no process runs on `data`, at most `seconds`. Returns the pids of those that still do."""
    until = time.monotonic() + seconds
    while left := processes_of(data):
        if time.monotonic() > until:
            break
        time.sleep(0.02)
    return left


def remove_stale_pid_file(data: Path) -> None:
    """Remove a pid file whose number now belongs to some other process; the caller knows that no server runs.

    A pid file of a dead process stays: PostgreSQL finds that out itself, and looks for shared memory still in use.
    """
    path = data / "postmaster.pid"
    try:
        first = path.read_text("utf-8", "surrogateescape").splitlines()[:1]
    except FileNotFoundError:
        return
    pid = int(first[0]) if first and first[0].strip().isdigit() else 0
    # An empty or torn file makes PostgreSQL refuse to start.
    if pid <= 0 or _exists(pid):
        path.unlink()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
