"""`tonglu outages`, a few of its rows, from outside: the parts were really away, and nothing was lost or doubled by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.lapse.account import CHECKS
from cli.lapse.rows import chosen
from tests.acceptance.installation import Installation, fresh_folder, gone, touching

ROWS = "partner-5min,gateway-5min,worker-10s,postgresql-kill,callbacks-3d"
HANDOFFS = 18


@dataclass
class Played:
    code: int
    text: str
    rows: dict[str, dict[str, Any]]
    report: str
    left: dict[int, str]


@pytest.fixture(scope="module")
def played(enterable: Path) -> Iterator[Played]:
    folder = fresh_folder(enterable)
    made = Installation(folder)
    json_file, report = enterable / "outages.json", enterable / "outages.md"
    code, text = made.run("outages", "--rows", ROWS, "--handoffs", str(HANDOFFS), "--seed", "11", "--json", json_file, "--report", report, seconds=570)
    assert json_file.exists(), text[-3000:]
    rows = {row["row"]: row for row in json.loads(json_file.read_text(encoding="utf-8"))["rows"]}
    yield Played(code, text, rows, report.read_text(encoding="utf-8"), touching(folder))
    gone(folder, 60)


@pytest.mark.guarantee("G1", "G2", "G3", "G4", "F11", "F19", "F23")
def test_nothing_is_lost_and_nothing_doubled(played: Played) -> None:
    assert played.code == 0, played.text[-3000:]
    assert set(played.rows) == {row.code for row in chosen(ROWS)}
    for row in played.rows.values():
        assert row["good"], row
        assert (row["lost"], row["doubled"]) == (0, 0), row
        # On a busy machine a connection may fail at the promised date itself.
        assert row["late"] <= row["under_way"] // 10, row
        assert row["account"]["checks"] == {check.code: 0 for check in CHECKS}, row


def test_every_row_was_what_it_says(played: Played) -> None:
    for row in chosen(ROWS):
        found = played.rows[row.code]
        assert found["handoffs"] == HANDOFFS, found
        assert found["messages"] >= 2 * HANDOFFS, "each hand-off is sent and signed for"
        if row.service in ("sandbox", "gateway", "worker"):
            assert timedelta(seconds=found["longest_s"]) >= row.length, found
            assert found["under_way"] > 0, found
    by_night = played.rows["callbacks-3d"]
    assert by_night["account"]["counts"]["fetched"] > HANDOFFS, by_night
    last = next(reversed(played.rows.values()))["account"]["counts"]
    assert last["handoffs"] == last["partner_cases"] == last["acknowledged_petitions"] == HANDOFFS * len(played.rows)


def test_its_table_stands_in_the_report_and_on_the_screen(played: Played) -> None:
    for row in chosen(ROWS):
        assert f"| {row.en} |" in played.report
        assert row.zh in played.text
    assert f"{len(played.rows)} outages, {HANDOFFS * len(played.rows)} hand-offs" in played.report
    assert "--seed 11 --handoffs 18" in played.report


def test_it_leaves_nothing_running(played: Played) -> None:
    assert played.left == {}
