"""calendar.yaml: the shipped file is sound, and faults are named."""

from pathlib import Path

import pytest

import config
from config.calendar import load_calendar
from config.source import ConfigError


def test_the_shipped_file_loads() -> None:
    assert load_calendar(Path(config.__file__).parent / "calendar.yaml").days == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("days:\n  - {date: 2027-02-30, work: false, name: 春节}\n", "写成 2026-02-14 这样的日期"),
        ("days:\n  - {date: 20270206, work: false, name: 春节}\n", "x.yaml:2: 20270206 不是日期"),
        (
            "days:\n  - {date: 2027-02-06, work: false, name: 春节}\n  - {date: 2027-02-06, work: true, name: 调休}\n",
            "x.yaml:3: 日期 2027-02-06 重复",
        ),
        ("complete_years: [2027]\ndays: []\n", "x.yaml:1: 2027 年写为完整"),
        ("days:\n  - {date: 2027-02-06, work: 休, name: 春节}\n", "应为 true 或 false"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_calendar(path)
