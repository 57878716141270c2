"""A disk that is full, for a while: PostgreSQL's processes may write no file beyond a size (RLIMIT_FSIZE), and the kernel refuses what goes past it.

That is a real refusal at a real write: a table that must grow cannot, and where the write-ahead log is what cannot be written, the server crashes and recovers.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cli.chaos import filelimit
from runtime import pgprocess

_WITHIN_S = 60


class CannotLimit(RuntimeError):
    """The limit cannot be set on this system; says why."""


def fill(data: Path, most_bytes: int) -> int:
    """Let no process of the PostgreSQL on the data folder `data` write a file beyond `most_bytes`; its backends to come inherit it.

    Returns how many processes have the limit now, 0 if none runs. Raises CannotLimit where the system has no such call or forbids it.
    """
    return _limit(data, most_bytes)


def free(data: Path) -> int:
    """Take the limit away again, from every process that runs on `data` now. Returns from how many. Raises CannotLimit."""
    return _limit(data, -1)


def _limit(data: Path, most_bytes: int) -> int:
    found = pgprocess.read_pid_file(data)
    if found is None or not pgprocess.is_server_of(found.pid, data):
        return 0
    command = [sys.executable, "-I", "-S", str(Path(filelimit.__file__).resolve()), str(found.pid), str(most_bytes)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_WITHIN_S, check=False)
    if done.returncode != 0:
        raise CannotLimit(f"the size of files cannot be limited on this system ({sys.platform}): {(done.stdout or done.stderr).strip()[-200:]}")
    return int(done.stdout)
