"""Which outages there are, how one names them, and the table they become."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cli.lapse.installation import LapseError
from cli.lapse.matrix import BEGIN, END, Failed, cells, good, markdown, span, write_report
from cli.lapse.rows import ROWS, chosen

LENGTHS = {timedelta(seconds=10), timedelta(minutes=5), timedelta(hours=6), timedelta(days=3)}


def test_every_part_is_away_for_every_length() -> None:
    by_part = {part: {row.length for row in ROWS if row.service == part} for part in ("sandbox", "prefect", "gateway", "worker")}
    assert all(lengths == LENGTHS for lengths in by_part.values()), by_part
    assert {row.length for row in ROWS if row.service == "postgresql"} == {timedelta(0), timedelta(seconds=10), timedelta(minutes=5)}
    assert {(row.service, row.length) for row in ROWS} >= {("callbacks", timedelta(days=3))}
    assert len({row.code for row in ROWS}) == len({row.en for row in ROWS}) == len({row.zh for row in ROWS}) == len(ROWS)
    assert all(timedelta(0) < row.grain <= max(row.length / 5, timedelta(seconds=30)) for row in ROWS)


def test_rows_are_named_whole_or_by_their_part() -> None:
    assert chosen("") == list(ROWS)
    assert [row.code for row in chosen("gateway-5min, partner-3d")] == ["partner-3d", "gateway-5min"]
    assert [row.code for row in chosen("postgresql")] == ["postgresql-restart", "postgresql-kill", "postgresql-10s", "postgresql-5min"]


def test_an_unknown_row_is_refused_with_those_there_are() -> None:
    with pytest.raises(LapseError, match=r"partner-9d.*partner-3d"):
        chosen("partner-9d")


@pytest.mark.parametrize(("length", "zh", "en"), [
    (timedelta(0), "0 秒", "0 s"), (timedelta(seconds=59), "59 秒", "59 s"), (timedelta(minutes=5, seconds=30), "5 分 30 秒", "5 min 30 s"),
    (timedelta(days=1, hours=4, minutes=30), "1 天 4 小时", "1 d 4 h"), (timedelta(days=3), "3 天", "3 d")])
def test_a_span_is_said_as_people_say_it(length: timedelta, zh: str, en: str) -> None:
    assert (span(length, zh=True), span(length, zh=False)) == (zh, en)


def test_a_row_that_was_not_played_is_no_success() -> None:
    failed = Failed(ROWS[0], "工作进程没有静止")
    assert not good(failed)
    assert cells(failed, zh=True)[-1] == "工作进程没有静止"
    assert "not played to its end" in markdown([failed], 7, 60)


def test_the_table_stands_between_its_marks_and_nothing_else_is_touched(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Head\n\n{BEGIN}\nold\n{END}\n\ntail\n", encoding="utf-8")
    write_report(page, "| new |")
    assert page.read_text(encoding="utf-8") == f"# Head\n\n{BEGIN}\n\n| new |\n\n{END}\n\ntail\n"
    write_report(page, "| newer |")
    assert page.read_text(encoding="utf-8") == f"# Head\n\n{BEGIN}\n\n| newer |\n\n{END}\n\ntail\n"
    fresh = tmp_path / "fresh.md"
    write_report(fresh, "| new |")
    assert fresh.read_text(encoding="utf-8") == f"{BEGIN}\n\n| new |\n\n{END}\n"


def test_a_page_without_marks_is_left_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Somebody's own\n", encoding="utf-8")
    with pytest.raises(LapseError, match="标记"):
        write_report(page, "| new |")
    assert page.read_text(encoding="utf-8") == "# Somebody's own\n"
