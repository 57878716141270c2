"""Run by file name, with the standard library alone: limits how large a file a PostgreSQL server and what it has started may write.

    python -I -S filelimit.py SERVER_PID BYTES        (BYTES -1: no limit)

It first becomes the user that the server runs as, because the kernel lets only that user (or a more privileged one than root in a container) limit it.
Prints how many processes have the limit; exit status 1 and a reason where it may not be set.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from pathlib import Path


def children(server: int) -> list[int]:
    """The processes that this one has started, and that live."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError):
                # The name, in brackets, may hold anything; what follows it does not.
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == server:
                    found.append(int(entry.name))
    return found


def limit(pid: int, most: int) -> int:
    """Set it for one process; 0 if that has ended. Raises PermissionError."""
    try:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if most < 0 else most, hard))
    except ProcessLookupError:
        return 0
    return 1


def main() -> int:
    server, most = int(sys.argv[1]), int(sys.argv[2])
    try:
        owner = os.stat(f"/proc/{server}")
        if owner.st_uid != os.geteuid():
            os.setgroups([])
            os.setgid(owner.st_gid)
            os.setuid(owner.st_uid)
        # The server first: whatever it starts from then on has the limit from birth.
        print(limit(server, most) + sum(limit(pid, most) for pid in children(server)))
    except FileNotFoundError:
        print(0)
    except (PermissionError, AttributeError, ValueError) as fault:
        print(f"{type(fault).__name__}: {fault}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
