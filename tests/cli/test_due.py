"""`tonglu due`: the date, the days one by one, and what the configuration says of a limit. No ledger is needed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import config
from cli.main import app
from tests.cli.conftest import Ran

FOLDER = Path(config.__file__).parent
Due = Callable[..., Ran]


@pytest.fixture
def due(tmp_path: Path) -> Due:
    def run(*args: str, folder: Path = FOLDER) -> Ran:
        env = {"TONGLU_CONFIG_DIR": str(folder), "TONGLU_BUREAU": "bureau-990100", "TONGLU_DATA_DIR": str(tmp_path), "TONGLU_CLOCK": ""}
        result = CliRunner().invoke(app, ["due", *args], env=env)
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.mark.parametrize(("start", "limit", "last"), [
    ("2026-02-13", "5wd", "2026-02-27"), ("2026-02-13", "15d", "2026-02-28"), ("2026-02-14", "15d", "2026-03-02"), ("2026-04-30", "5wd", "2026-05-11"),
    ("2026-09-18", "5wd", "2026-09-24"), ("2026-09-18", "15d", "2026-10-08"), ("2026-03-02", "60d", "2026-05-06"), ("2026-03-02", "90d", "2026-06-01"),
])
def test_the_worked_dates(due: Due, start: str, limit: str, last: str) -> None:
    ran = due("--from", start, "--limit", limit, "--json")
    assert ran.code == 0
    assert (ran.json["last_day"], ran.json["provisional"]) == (last, False)
    assert ran.json["days"][-1]["day"] == last
    assert f"届满：{last}" in due("--from", start, "--limit", limit).out


def test_the_days_are_counted_one_by_one_with_the_reason(due: Due) -> None:
    ran = due("--from", "2026-02-13", "--limit", "5wd")
    lines = [line.split("\t") for line in ran.out.splitlines() if line.startswith("2026-")]
    assert [line[0] for line in lines] == [f"2026-02-{day}" for day in range(14, 28)]
    assert lines[0] == ["2026-02-14", "六", "1", "调休上班"]
    assert [line[2:] for line in lines[1:10]] == [["—", "春节"]] * 9
    assert [line[2] for line in lines[10:]] == ["2", "3", "4", "5"]
    assert "2026-02-27T16:00Z" in ran.out


def test_what_rolls_over_says_so(due: Due) -> None:
    days = due("--from", "2026-02-14", "--limit", "15d", "--json").json["days"]
    assert [(day["day"], day["number"], day["reason"]) for day in days[-2:]] == [("2026-03-01", 15, "周末"), ("2026-03-02", 0, "顺延至首个工作日")]


def test_hours_run_from_the_moment(due: Due) -> None:
    ran = due("--from", "2026-02-14T23:50", "--limit", "24h", "--json")
    assert (ran.json["instant"], ran.json["days"]) == ("2026-02-15T15:50:00+00:00", [])
    assert "2026-02-15 23:50（连续计算" in due("--from", "2026-02-14T23:50", "--limit", "24h").out
    assert due("--from", "2026-02-14T15:50+00:00", "--limit", "24h", "--json").json["instant"] == "2026-02-15T15:50:00+00:00"


def test_a_year_without_a_table_is_provisional_and_loud(due: Due) -> None:
    ran = due("--from", "2035-03-01", "--limit", "15d")
    assert "暂定：2035 年还没有节假日安排表" in ran.out
    assert "修正：升级 chinesecalendar，或在 calendar.yaml 中补写该年" in ran.out
    assert due("--from", "2035-03-01", "--limit", "15d", "--json").json["provisional"] is True


def test_the_calendar_of_the_operator_is_used(due: Due, tmp_path: Path) -> None:
    mine = tmp_path / "config"
    shutil.copytree(FOLDER, mine, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (mine / "calendar.yaml").write_text("complete_years: []\ndays:\n  - {date: 2026-03-03, work: false, name: 全市放假}\n", "utf-8")
    ran = due("--from", "2026-03-02", "--limit", "1wd", folder=mine)
    assert "全市放假" in ran.out
    assert "届满：2026-03-04" in ran.out


def test_a_clock_of_the_configuration_says_its_article_and_extension(due: Due) -> None:
    ran = due("--from", "2026-03-02", "--clock", "result", "--body", "court-990100", "--track", "court_retrial")
    assert ran.code == 0
    for words in ("clocks.result#F06", "3个月，法定（待确认）", "依据：MS 215（我方理解）；登记行 F06", "起算：送达之日", "由本院院长批准；延足至 2026-09-02", "届满：2026-06-02"):
        assert words in ran.out
    told = due("--from", "2026-03-02", "--clock", "result", "--body", "agency-housing-990102", "--branch", "B3.6", "--json").json
    assert (told["limit"], told["label"], told["last_day"]) == ("60d", "法定", "2026-05-06")
    assert told["extension"] == {"limit": "30d", "by": "机关、单位负责人", "told": "告知信访人理由", "last_day": "2026-06-01"}
    assert told["pauses_in"] == ["REPORTED"], "the petition procedure knows no suspension"


def test_stage_flag_division_and_the_bureaus_own_clocks(due: Due) -> None:
    again = due("--from", "2026-03-02", "--clock", "review_opinion", "--body", "agency-housing-990100", "--stage", "rereview", "--json").json
    assert (again["id"], again["pauses_in"], again["extension"]) == ("clocks.review_opinion#X23", ["REPORTED", "HEARING"], None)
    simple = due("--from", "2026-03-02", "--clock", "result", "--body", "agency-housing-990102", "--branch", "B3.6", "--flag", "simple", "--json").json
    assert (simple["limit"], simple["label"]) == ("10wd", "法定（待确认）")
    assert due("--from", "2026-03-02", "--clock", "result", "--body", "agency-housing-990103", "--track", "petition_handling", "--json").json["limit"] == "30d"
    assert due("--from", "2026-03-02", "--clock", "route", "--json").json["id"] == "clocks.route#X01+X02+X05+X07"
    assert due("--from", "2026-03-02", "--clock", "conference", "--json").json["id"] == "rungs.conference#X15"
    assert "届满：视为受理" in due("--from", "2026-03-02", "--clock", "accept", "--body", "reconsideration-990100", "--branch", "B3.4").out


@pytest.mark.parametrize(("args", "words"), [
    (["--from", "2026-02-30", "--limit", "5wd"], "起算日“2026-02-30”看不懂"),
    (["--from", "明天", "--limit", "5wd"], "写成 2026-02-13"),
    (["--from", "2026-02-13", "--limit", "5 days"], "写成 5wd（工作日）"),
    (["--from", "2026-02-13", "--limit", "0d"], "看不懂"),
    (["--from", "9999-12-01", "--limit", "9999mo"], "9999 年之后"),
    (["--from", "2026-02-13"], "须写其中一个"),
    (["--from", "2026-02-13", "--limit", "5wd", "--clock", "result"], "须写其中一个"),
    (["--from", "2026-02-13", "--limit", "5wd", "--body", "court-990100"], "--body 只与 --clock 同用"),
    (["--from", "2026-02-13", "--clock", "results"], "result（办结）"),
    (["--from", "2026-02-13", "--clock", "result"], "补写 --body"),
    (["--from", "2026-02-13", "--clock", "result", "--body", "court-1"], "机关目录中没有 court-1"),
    (["--from", "2026-02-13", "--clock", "result", "--body", "court-990100", "--track", "court_again"], "court_retrial"),
    (["--from", "2026-02-13", "--clock", "result", "--body", "court-990100", "--branch", "B4"], "B3.1a"),
    (["--from", "2026-02-13", "--clock", "result", "--body", "court-990100", "--stage", "last"], "rereview"),
    (["--from", "2026-02-13", "--clock", "result", "--body", "court-990100", "--flag", "urgent"], "不影响任何期限"),
    (["--from", "2026-02-13", "--clock", "review_opinion", "--body", "court-990100"], "它只用于阶段 review、rereview"),
    (["--from", "2026-02-13", "--clock", "result", "--body", "police-990100", "--track", "administrative"], "补写 --branch，用以下之一：B3.1c、B3.4"),
])
def test_bad_input_teaches(due: Due, args: list[str], words: str) -> None:
    ran = due(*args)
    assert ran.code == 2
    assert words in ran.err
    assert "修正：" in ran.err
    assert ran.out == ""


def test_json_is_json_whatever_is_asked(due: Due) -> None:
    for args in (["--limit", "24mo"], ["--clock", "total"], ["--clock", "receipt"]):
        told = json.loads(due("--from", "2024-02-29", *args, "--json").out)
        assert told["instant"].endswith("+00:00")
