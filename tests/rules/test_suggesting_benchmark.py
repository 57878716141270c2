"""The benchmark counts rightly: on a small invented sheet whose answer is known."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from benchmarks.suggesting import FILE, Judged, at, calibration, confusion, judge, open_lexicon, read
from rules.suggesting import Suggester

ROWS = [
    ("1", "物业公司乱涨物业费", "业委会没有同意。", "城乡建设"),
    ("2", "学校强制补课收费", "班主任收补课费。", "教育文体"),
    ("3", "公交车班次太少", "请求增开公交线路。", "环境保护"),  # labelled wrongly on purpose
    ("4", "你好", "今天下雨了。", "交通运输"),
]


def sheet(folder: Path, columns: tuple[str, ...] = ("留言编号", "留言主题", "留言详情", "一级分类")) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(list(columns))
    for row in ROWS:
        book.active.append(list(row))
    book.active.append([None] * 4)
    book.active.append(["9", "在空行之后", "不读", "交通运输"])
    book.save(folder / FILE)
    return folder / FILE


def test_rows_are_read_judged_and_counted(tmp_path: Path) -> None:
    rows = list(read(sheet(tmp_path)))
    assert [row.label for row in rows] == ["城乡建设", "教育文体", "环境保护", "交通运输"]
    assert {row.half for row in rows} <= {"A", "B"}
    judged = judge(rows, Suggester(*open_lexicon()))
    assert [j.right for j in judged] == [True, True, False, False]
    assert at(judged, 0.5) == pytest.approx((0.75, 2 / 3))
    table = confusion(judged, 0.5)
    assert "| 环境保护 |" in table
    assert table.splitlines()[0].endswith("（不提） |")


def test_curve_and_bins_of_known_figures() -> None:
    judged = [Judged("甲", "a", 0.95, True), Judged("甲", "a", 0.92, False), Judged("乙", "b", 0.55, True), Judged("乙", "a", 0.1, False)]
    assert at(judged, 0.5) == pytest.approx((0.75, 2 / 3))
    assert at(judged, 0.99) == (0.0, 0.0)
    assert "| 0.90-1.00 | 2 | 0.94 | 0.50 |" in calibration(judged) or "| 0.90-1.00 | 2 | 0.93 | 0.50 |" in calibration(judged)


def test_a_missing_file_and_other_columns_are_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="not in this folder"):
        list(read(tmp_path / FILE))
    with pytest.raises(SystemExit, match="no columns"):
        list(read(sheet(tmp_path, ("a", "b", "c", "d"))))
