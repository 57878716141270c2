"""An import that is killed in the middle and run again is complete, and nothing is in it twice."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.cli import files
from tests.cli.conftest import Tonglu
from tests.models.ledger import Ledger

ROWS = 6000


def count(ledger: Ledger) -> tuple[int, int]:
    with ledger.transaction() as connection:
        row = connection.execute("select count(*), count(distinct origin_ref) from petition").fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def test_kill_in_the_middle_then_again(tonglu: Tonglu, ledger: Ledger, tmp_path: Path) -> None:
    path = files.plain_csv(tmp_path / "a.csv", [files.row(n) for n in range(ROWS)])
    by = files.mapping(tmp_path, "csv")
    process = tonglu.spawn("import", path, "--mapping", by)
    try:
        until = time.monotonic() + 90
        while count(ledger)[0] == 0:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.communicate()
    held = count(ledger)[0]
    assert 0 < held < ROWS
    assert held % 500 == 0
    ran = tonglu.run("import", path, "--mapping", by)
    assert ran.code == 0, ran.err
    assert f"新登记 {ROWS - held}，已有 {held}" in ran.out
    assert count(ledger) == (ROWS, ROWS)
    assert tonglu.run("verify").code == 0


def test_two_imports_of_one_file_at_once(tonglu: Tonglu, ledger: Ledger, tmp_path: Path) -> None:
    path = files.plain_csv(tmp_path / "a.csv", [*(files.row(n) for n in range(1500)), files.row(9999, 正文="")])
    by = files.mapping(tmp_path, "csv")
    both = [tonglu.spawn("import", path, "--mapping", by) for _ in range(2)]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [1, 1], said
    assert count(ledger) == (1500, 1500)
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["a.csv", "a.csv.rejected.csv", "clock", "csv.yaml"]
