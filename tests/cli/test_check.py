"""`tonglu check`, and that nothing which runs long starts on a configuration with a dead end. No ledger is needed for any of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.faults import FOUND, GOOD
from tests.cli.conftest import REPO, Tonglu

JSON_KEYS = {"schema", "good", "defects", "notes", "unconfirmed", "years_without_holidays", "explored", "seconds"}


@pytest.fixture
def tonglu(tmp_path: Path) -> Tonglu:
    made = Tonglu(tmp_path, "")
    made.clock.write_text("2026-03-02T01:00:00+00:00\n", encoding="utf-8")
    return made


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """The shipped configuration, in which a suspension leads to a hearing, a hearing to a suspension, and neither to anything else."""
    folder = tmp_path / "config"
    folder.mkdir()
    for file in (REPO / "config").glob("*.yaml"):
        (folder / file.name).write_bytes(file.read_bytes())
    path = folder / "roadmap.yaml"
    text = path.read_text(encoding="utf-8")
    for was, becomes in (
        ("from: [SUSPENDED], to: IN_PROGRESS", "from: [SUSPENDED], to: HEARING"), ("from: [HEARING], to: IN_PROGRESS", "from: [HEARING], to: SUSPENDED"),
        ("from: [ACCEPTED, IN_PROGRESS, SUSPENDED], to: REPORTED", "from: [ACCEPTED, IN_PROGRESS], to: REPORTED"),
        ("from: [ACCEPTED, IN_PROGRESS, HEARING], to: REPORTED", "from: [ACCEPTED, IN_PROGRESS], to: REPORTED"),
        ("IN_PROGRESS, HEARING, SUSPENDED], to: WITHDRAWN", "IN_PROGRESS], to: WITHDRAWN"),
    ):
        assert text.count(was) == 1, was
        text = text.replace(was, becomes)
    path.write_text(text, encoding="utf-8")
    return folder


def test_the_shipped_configuration_is_sound_and_says_what_was_explored(tonglu: Tonglu) -> None:
    ran = tonglu.run("check")
    assert ran.code == GOOD
    assert ran.out.splitlines()[-1] == "没有断头路"
    assert "种处境" in ran.out
    assert "种事实组合" in ran.out
    assert "内部时限" in ran.out  # the table of what nobody has confirmed yet


def test_json_keeps_its_shape(tonglu: Tonglu) -> None:
    told = tonglu.run("check", "--json").json
    assert told.keys() == JSON_KEYS
    assert told["schema"] == 2
    assert told["good"] is True
    assert told["defects"] == []
    assert {p["verified"] for p in told["unconfirmed"]} == {"内部时限", "凭记忆", "我方理解", "法律空白"}
    assert all(p.keys() == {"where", "what", "verified", "meanwhile"} and all(p.values()) for p in told["unconfirmed"])
    assert all(n.keys() == {"code", "what", "meanwhile"} for n in told["notes"])
    assert all(isinstance(v, int) and v > 0 for v in told["explored"].values())


def test_quiet_counts_the_open_points_instead_of_listing_them(tonglu: Tonglu) -> None:
    loud, quiet = tonglu.run("check"), tonglu.run("check", "--quiet")
    assert len(quiet.out.splitlines()) < 5 < len(loud.out.splitlines())
    assert "尚未确认的依据：" in quiet.err
    assert "路由" in quiet.err


def test_a_dead_end_is_named_with_its_line_its_way_and_its_cure(tonglu: Tonglu, broken: Path) -> None:
    ran = tonglu.run("check", "--quiet", TONGLU_CONFIG_DIR=str(broken))
    assert ran.code == FOUND
    line = next(i for i, text in enumerate((broken / "roadmap.yaml").read_text(encoding="utf-8").splitlines(), 1) if text.strip().startswith("SUSPENDED:"))
    said = next(text for text in ran.out.splitlines() if text.startswith(f"roadmap.yaml:{line}: [dead-end]"))
    assert "走法：已登记（REGISTERED） → 确定去向（petition.route）到转办中·拟转（HANDED_OFF/DRAFT）" in said
    assert "修正：" in said
    told = tonglu.run("check", "--json", TONGLU_CONFIG_DIR=str(broken)).json
    assert told["good"] is False
    defect = next(d for d in told["defects"] if (d["code"], d["line"]) == ("dead-end", line))
    assert defect.keys() == {"code", "file", "line", "key", "what", "cure", "way"}
    assert (defect["file"], defect["key"]) == ("roadmap.yaml", "handoff.states.SUSPENDED")
    assert defect["way"][0] == "已登记（REGISTERED）"


@pytest.mark.parametrize("command", ["up", "demo"])
def test_what_runs_long_does_not_start_on_a_dead_end(tonglu: Tonglu, broken: Path, command: str) -> None:
    ran = tonglu.run(command, TONGLU_CONFIG_DIR=str(broken))
    assert ran.code == 2
    assert "断头路，不能启动" in ran.err
    assert "roadmap.yaml:" in ran.err
    assert "修正：" in ran.err
    assert not (tonglu.folder / "postgres").exists()


def test_a_year_without_holidays_is_said_loudly_and_is_no_fault(tonglu: Tonglu) -> None:
    tonglu.clock.write_text("2040-05-01T00:00:00+00:00\n", encoding="utf-8")
    ran = tonglu.run("check", "--quiet")
    assert ran.code == GOOD
    assert "没有 2040 年的节假日安排表" in ran.err
    assert "没有 2041 年的节假日安排表" in ran.err
