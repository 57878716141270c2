"""The command itself, small: the whole product under the monkey, and not one promise broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.lapse.account import CHECKS
from tests.acceptance.installation import Installation, fresh_folder

HANDOFFS, KILLS = 150, 15
# Everything slow shares one machine; a quiet one needs a tenth of this.
LIMIT = 900.0


@pytest.fixture(scope="module")
def played(enterable: Path) -> tuple[int, dict[str, Any], str, str]:
    """Exit status, the JSON, what was printed, the Markdown."""
    installation = Installation(fresh_folder(enterable))
    told, page = installation.folder / "chaos.json", installation.folder / "chaos.md"
    code, text = installation.run("chaos", "--seed", "11", "--handoffs", str(HANDOFFS), "--minutes", "0.6", "--kills", str(KILLS), "--days", "2",
                                  "--migrations", "0", "--json", told, "--report", page, seconds=LIMIT)
    assert told.exists(), text[-3000:]
    return code, json.loads(told.read_text(encoding="utf-8")), text, page.read_text(encoding="utf-8")


@pytest.mark.guarantee("G1", "G2", "G3", "G4", "F23")
def test_nothing_is_lost_doubled_or_forgotten(played: tuple[int, dict[str, Any], str, str]) -> None:
    code, found, text, _ = played
    assert found["account"]["checks"] == {check.code: 0 for check in CHECKS}, text[-3000:]
    assert found["flaws"] == []
    assert found["good"] is True
    assert code == 0
    assert found["account"]["counts"]["petitions"] == found["fed"]["acknowledged"] == HANDOFFS
    assert found["account"]["counts"]["handoffs"] >= HANDOFFS


def test_it_was_chaos(played: tuple[int, dict[str, Any], str, str]) -> None:
    """A run in which nothing happened would prove nothing."""
    _, found, _, _ = played
    assert found["kills"]["total"] >= KILLS * 0.8
    assert {"worker", "gateway", "sandbox", "prefect"} & set(found["kills"]["by_process"]) >= {"prefect"}
    assert sum(found["restarts"].values()) >= KILLS * 0.5
    for line in ("outward", "homeward"):
        assert all(found["faults"][line].get(fault, 0) > 0 for fault in ("lost_request", "lost_reply", "doubled"))
    assert found["trouble"]["messages_in_doubt"] > 0
    assert found["account"]["counts"]["attempts"] > found["account"]["counts"]["messages_out"]
    assert found["virtual_days"] >= 2


def test_what_it_tells_names_nobody(played: tuple[int, dict[str, Any], str, str]) -> None:
    _, found, text, page = played
    told = json.dumps(found, ensure_ascii=False) + text + page
    assert "螺湾路" not in told
    assert "--seed 11" in page
    assert "**no breach**" in page
