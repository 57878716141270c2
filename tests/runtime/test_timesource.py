"""The time source: what each kind answers, and what it says of a bad setting."""

from __future__ import annotations

import os
import tempfile
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.timesource import FileTime, FixedTime, MachineTime, TimeSourceError, from_setting, write_instant

MORNING = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
BEIJING = timezone(timedelta(hours=8))
instants = st.builds(
    lambda hours, zone: (MORNING + timedelta(hours=hours, microseconds=hours)).astimezone(zone),
    st.integers(-300_000, 300_000),
    st.sampled_from([UTC, BEIJING]),
)


def test_the_machine_tells_utc() -> None:
    assert MachineTime().now().utcoffset() == timedelta(0)


def test_a_fixed_clock_moves_only_when_told() -> None:
    clock = FixedTime(datetime(2026, 1, 5, 9, 0, tzinfo=BEIJING))
    assert clock.now() == MORNING
    assert clock.now().tzinfo is UTC
    assert clock.advance(timedelta(days=30)) == MORNING + timedelta(days=30)
    clock.set(MORNING)
    assert clock.now() == MORNING


def test_a_fixed_clock_refuses_what_has_no_zone_or_runs_backwards() -> None:
    with pytest.raises(TimeSourceError, match="时区"):
        FixedTime(MORNING.replace(tzinfo=None))
    with pytest.raises(TimeSourceError, match="向前"):
        FixedTime(MORNING).advance(timedelta(seconds=-1))


@given(st.lists(instants, min_size=1, max_size=20))
def test_a_file_clock_tells_every_instant_written_at_once(steps: list[datetime]) -> None:
    path = Path(tempfile.gettempdir()) / f"tonglu-clock-{os.getpid()}"
    clock = FileTime(path)
    try:
        for step in steps:
            write_instant(path, step)
            assert clock.now() == step
            assert clock.now().tzinfo is UTC
    finally:
        path.unlink()


def test_readers_never_see_half_an_instant(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    write_instant(path, MORNING)
    clock, seen, done = FileTime(path), set[datetime](), threading.Event()
    faults: list[Exception] = []

    def read() -> None:
        try:
            while not done.is_set():
                seen.add(clock.now())
        except TimeSourceError as fault:
            faults.append(fault)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    written = {MORNING + timedelta(hours=hour) for hour in range(200)}
    for instant in sorted(written):
        write_instant(path, instant)
    done.set()
    for reader in readers:
        reader.join()
    assert not faults
    assert seen <= written
    assert clock.now() == max(written)
    assert [entry.name for entry in tmp_path.iterdir()] == ["clock"]


@pytest.mark.parametrize("content", [b"", b"tomorrow", b"2026-01-05T01:00:00", b"\xff\xfe\x00", b"1767574800"])
def test_a_spoilt_clock_file_is_named_with_the_cure(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clock"
    path.write_bytes(content)
    with pytest.raises(TimeSourceError, match="write_instant") as told:
        FileTime(path).now()
    assert str(path) in str(told.value)


def test_a_missing_clock_file_is_named_with_the_cure(tmp_path: Path) -> None:
    clock = FileTime(tmp_path / "none")
    with pytest.raises(TimeSourceError, match="TONGLU_CLOCK"):
        clock.now()
    write_instant(tmp_path / "none", MORNING)
    assert clock.now() == MORNING


def test_an_old_clock_file_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    write_instant(path, MORNING)
    long_ago = 1_700_000_000
    os.utime(path, (long_ago, long_ago))
    clock = FileTime(path)
    assert clock.now() == MORNING
    stamp = path.stat()
    path.write_bytes(path.read_bytes().replace(b"2026", b"2027"))  # same inode and length
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert clock.now() == MORNING
    write_instant(path, MORNING + timedelta(days=1))
    assert clock.now() == MORNING + timedelta(days=1)


@pytest.mark.parametrize("value", [None, "", " ", "machine"])
def test_the_machine_is_the_default(value: str | None) -> None:
    assert isinstance(from_setting(value), MachineTime)


def test_a_file_is_chosen_by_its_path_spaces_and_colons_too(tmp_path: Path) -> None:
    path = tmp_path / "a clock: here"
    write_instant(path, MORNING)
    assert from_setting(f"file:{path}").now() == MORNING


@pytest.mark.parametrize("value", ["file:", "file", "sundial", "/var/clock", "fixed:2026-01-05"])
def test_any_other_setting_is_refused_with_the_choice(value: str) -> None:
    with pytest.raises(TimeSourceError, match="machine"):
        from_setting(value)
