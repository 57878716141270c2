"""Helpers for tests with real processes: who lives, who is whose child, waiting for a fact."""

from __future__ import annotations

import os
import site
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def lives(pid: int) -> bool:
    """Whether process `pid` runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def parent_of(pid: int) -> int:
    """The parent of process `pid`, 0 if it has ended."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def everybody() -> list[int]:
    """The numbers of all processes."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def comes_true(fact: Callable[[], bool], seconds: float = 15.0) -> bool:
    """Whether `fact` becomes true within `seconds`."""
    until = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def python_for(user: int) -> str | None:
    """A Python of our version that `user` can run, where ours lies in a folder closed to others; None without one."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{name}", f"/usr/local/bin/{name}"):
        try:
            subprocess.run([candidate, "-c", ""], check=True, user=user, group=user, extra_groups=[], cwd="/")
        except (PermissionError, FileNotFoundError):
            continue
        return candidate
    return None


def owner(script: str, *arguments: str, user: int | None = None, python: str = sys.executable) -> subprocess.Popen[str]:
    """A Python process that runs `script` with the house on its path; its output can be read line by line."""
    return subprocess.Popen(
        [python, "-c", script, *arguments],
        cwd="/",
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), *site.getsitepackages()]),
            "PYTHONUNBUFFERED": "1",
        },
        stdout=subprocess.PIPE,
        text=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )


def next_line(process: subprocess.Popen[str]) -> str:
    """The next line that `process` prints; fails if it ends before."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the process ended without a word"
    return line.strip()
