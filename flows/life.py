"""The resident worker's sign of life: a small file, written every second."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from config.settings import Settings

STALE_S = 15.0


@dataclass(frozen=True, slots=True)
class Sign:
    """Who gave it and how it fares. `monotonic` is the machine's own count of seconds, the same for all its processes."""

    pid: int
    owner: str
    monotonic: float
    prefect: bool
    running: int


def path(settings: Settings) -> Path:
    return settings.data_dir / "worker.alive"


def give(settings: Settings, owner: str, *, prefect: bool, running: int) -> None:
    """Write the sign. Raises OSError if the data folder cannot be written."""
    target = path(settings)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    fresh.write_text(json.dumps(asdict(Sign(os.getpid(), owner, time.monotonic(), prefect, running))))
    fresh.replace(target)


def last(settings: Settings) -> Sign | None:
    """The last sign; None if there is none, it cannot be read, or it is older than STALE_S seconds (or from before the machine's start)."""
    try:
        sign = Sign(**json.loads(path(settings).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return sign if 0 <= time.monotonic() - sign.monotonic <= STALE_S else None
