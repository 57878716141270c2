"""The one place that knows what time it is.

Everything that needs the date or the hour is handed a :class:`TimeSource`, so that a demo or a test runs a month in
seconds and all processes agree. Instants are aware and in UTC; they are shown and counted in Asia/Shanghai elsewhere.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

SETTING = "TONGLU_CLOCK"

# A file system stamps times in steps of some milliseconds: two writes within one step look the same to stat().
_STAMP_GRAIN_NS = 100_000_000


class TimeSourceError(ValueError):
    """The time cannot be told; the message says what is wrong and how to mend it."""


class TimeSource(Protocol):
    """Tells the time to whoever needs it."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class MachineTime:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)


class FixedTime:
    """A clock that stands still until it is told to move; for tests inside one process. Safe between threads."""

    def __init__(self, instant: datetime) -> None:
        self._lock = threading.Lock()
        self._instant = _in_utc(instant)

    def now(self) -> datetime:
        """The instant last set, aware, in UTC."""
        return self._instant

    def set(self, instant: datetime) -> None:
        """Move to `instant` (aware), forwards or backwards. Raises TimeSourceError if it names no time zone."""
        with self._lock:
            self._instant = _in_utc(instant)

    def advance(self, step: timedelta) -> datetime:
        """Move on by `step` and return the new instant. Raises TimeSourceError for a negative step."""
        if step < timedelta(0):
            raise TimeSourceError(f"时钟只能向前拨，得到的步长是 {step}；要往回拨请用 set()")
        with self._lock:
            self._instant += step
            return self._instant


class FileTime:
    """A clock read from a file that holds one instant, shared by all processes that read the same file.

    The file is written by :func:`write_instant`. It is read again only when its stat changes, so that `now()` costs a
    stat call (about a microsecond). Safe between threads.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._known: tuple[tuple[int, int, int], datetime] | None = None

    def now(self) -> datetime:
        """The instant in the file, aware, in UTC. Raises TimeSourceError if the file cannot be read or understood."""
        known = self._known
        try:
            stat = os.stat(self._path)
            stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if known is not None and known[0] == stamp:
                return known[1]
            text = self._path.read_bytes()
        except OSError as fault:
            raise TimeSourceError(
                f"读不到时钟文件 {self._path}（{fault.strerror}）；请在其中写入一个时刻，如 2026-03-16T00:00:00+00:00，"
                f"或取消环境变量 {SETTING} 以使用本机时钟"
            ) from fault
        instant = self._parse(text)
        # Kept only once the stamp is old enough that a later write is sure to get another one.
        self._known = (stamp, instant) if time.time_ns() - stat.st_mtime_ns > _STAMP_GRAIN_NS else None
        return instant

    def _parse(self, content: bytes) -> datetime:
        try:
            return _in_utc(datetime.fromisoformat(content.decode("ascii").strip()))
        except ValueError as fault:
            raise TimeSourceError(
                f"时钟文件 {self._path} 的内容不是一个带时区的 ISO 8601 时刻（应如 2026-01-05T01:00:00+00:00）；"
                "请用 write_instant 重写"
            ) from fault


def write_instant(path: Path | str, instant: datetime) -> None:
    """Write `instant` (aware) into the clock file `path`, creating or replacing it in one step.

    A reader sees the old instant or the new one, never half of either. Raises TimeSourceError if `instant` names no
    time zone, OSError if the folder cannot be written.
    """
    target = Path(path)
    fresh = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    content = _in_utc(instant).isoformat() + "\n"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(content)
        fresh.replace(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def from_setting(value: str | None) -> TimeSource:
    """The time source that TONGLU_CLOCK asks for: nothing, "" or "machine", or "file:<path>".

    The file need not exist yet. Raises TimeSourceError for any other value.
    """
    wanted = (value or "").strip()
    if wanted in ("", "machine"):
        return MachineTime()
    kind, separator, path = wanted.partition(":")
    if kind == "file" and separator and path:
        return FileTime(path)
    raise TimeSourceError(f'{SETTING}="{wanted}" 无法识别；可用的值是 machine（本机时钟，默认）或 file:<路径>')


def _in_utc(instant: datetime) -> datetime:
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise TimeSourceError(f"时刻 {instant.isoformat()} 没有时区；请写明，例如 2026-01-05T01:00:00+00:00")
    return instant.astimezone(UTC)
