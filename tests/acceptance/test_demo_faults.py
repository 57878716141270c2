"""The demonstration with every callback dropped, and broken off."""

from __future__ import annotations

from tests.acceptance.conftest import Make
from tests.acceptance.demo import NOUGHT, PARTS, SAMPLES, played
from tests.acceptance.installation import gone, touching


def test_with_every_callback_dropped_cases_advance_by_reconciliation_alone(install: Make) -> None:
    code, account, text = played(install(), "--days", "14", "--drop-callbacks")
    sums = account.sums
    assert code == 0, text[-3000:]
    assert {name: sums[name] for name in NOUGHT} == dict.fromkeys(NOUGHT, 0)
    assert sums["petitions"] == len(SAMPLES) + len(PARTS)
    assert sums["differences_found"] > 20
    assert sums["differences_open"] == 0
    assert sums["differences_healed"] + sums["differences_to_people"] >= sums["differences_found"]
    advanced = [row for row in account.rows if any(f"（{word}）" in row["road"] for word in ("已签收", "已受理", "办理中", "已办结待审", "办结"))]
    assert len(advanced) > 30
    assert sums["closed"] > 5


def test_broken_off_it_leaves_nothing_and_starts_afresh(install: Make) -> None:
    made = install()
    with made.running("demo") as running:
        running.wait_for("常驻工作进程：就绪")
        assert len(touching(made.folder)) > 5
        assert running.interrupt() == 130
        assert touching(made.folder) == {}
        assert "Traceback" not in running.text
    with made.running("demo") as running:
        running.wait_for("数据库 PostgreSQL：就绪")
        running.kill()
        gone(made.folder, 30)
    code, account, text = played(made, "--days", "1")
    assert code == 0, text[-3000:]
    assert account.sums["petitions"] > 5
