"""The demonstration with the worker killed in the middle, and with every callback dropped."""

from __future__ import annotations

from tests.acceptance.conftest import Make
from tests.acceptance.demo import NOUGHT, SAMPLES, played


def test_with_every_callback_dropped_cases_advance_by_reconciliation_alone(install: Make) -> None:
    code, account, text = played(install(), "--days", "14", "--drop-callbacks")
    sums = account.sums
    assert code == 0, text[-3000:]
    assert {name: sums[name] for name in NOUGHT} == dict.fromkeys(NOUGHT, 0)
    assert sums["petitions"] == len(SAMPLES)
    assert sums["differences_found"] > 20
    assert sums["differences_open"] == 0
    assert sums["differences_healed"] + sums["differences_to_people"] >= sums["differences_found"]
    advanced = [row for row in account.rows if any(f"（{word}）" in row["road"] for word in ("已签收", "已受理", "办理中", "已办结待审", "办结"))]
    assert len(advanced) > 30
    assert sums["closed"] > 5
