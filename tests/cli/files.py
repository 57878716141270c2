"""Small invented files of every kind, and the mapping that reads them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl

COLUMNS = ("编号", "姓名", "标题", "时间", "正文", "渠道", "区")
MAPPING = """
name: window-log
file: {{format: {format}{more}}}
origin_ref: {{column: 编号}}
received_at: {{column: 时间, formats: ["%Y/%m/%d %H:%M:%S", "%Y-%m-%d"], timezone: Asia/Shanghai}}
subject: {{column: 标题, max: 30}}
text: {{column: 正文, max: 500}}
petitioner: {{name: 姓名}}
channel: {{column: 渠道, map: {{来信: letter, 走访: visit}}, default: online}}
division: {{column: 区, map: {{东屿: "990102", 西岭: "990103"}}}}
facts_from_text:
  - name: 甄别
    rules:
      - {{id: accuse, in: both, any: [收受], facts: {{klass: accusation}}, clerk: 可能含有检举控告}}
  - name: 领域
    rules:
      - {{id: housing, any: [供暖], unless: [学校], facts: {{sector: housing}}}}
    otherwise_clerk: 看不出领域
  - name: 类别
    rules:
      - {{id: suggestion, any: [建议], facts: {{klass: suggestion}}}}
    otherwise: {{klass: claim, art31: 6}}
skip:
  - {{column: 标题, equals: [测试]}}
"""


def mapping(folder: Path, form: str, more: str = "", text: str = MAPPING) -> Path:
    """The mapping in a file; `more` adds to its `file` part."""
    path = folder / f"{form}.yaml"
    path.write_text(text.format(format=form, more=more), encoding="utf-8")
    return path


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A good row, with changes."""
    good = {"编号": f"A{number:05d}", "姓名": f"司徒虚构{number}", "标题": f"第{number}户供暖不热", "时间": "2026/1/5 9:30:00",
            "正文": f"家中供暖不热，已报修{number}次，请予解决。", "渠道": "来信", "区": "东屿"}
    return {**good, **changes}


def xlsx(path: Path, rows: Sequence[dict[str, Any]], blank_rows: int = 0) -> Path:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("来件")
    sheet.append(list(COLUMNS))
    for each in rows:
        sheet.append([each.get(c) for c in COLUMNS])
    for _ in range(blank_rows):
        sheet.append([None] * len(COLUMNS))
    book.save(path)
    return path


def plain_csv(path: Path, rows: Sequence[dict[str, Any]], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def jsonl(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    return path


BAD: list[tuple[dict[str, Any], str]] = [
    ({"编号": None}, "缺少编号"),
    ({"编号": "x" * 65}, "编号（编号）过长"),
    ({"标题": ""}, "缺少标题"),
    ({"标题": "很长" * 20}, "标题过长"),
    ({"正文": None}, "缺少正文"),
    ({"正文": "长" * 501}, "正文过长"),
    ({"时间": "昨天上午"}, "看不懂"),
    ({"时间": ""}, "缺少时间"),
    ({"时间": "2026/2/30 9:30:00"}, "看不懂"),
    ({"时间": "2031/1/5 9:30:00"}, "在将来"),
    ({"时间": datetime(1026, 1, 5)}, "过早"),  # noqa: DTZ001
    ({"区": "南海"}, "不在映射的 map 之列"),
    ({"姓名": "长" * 301}, "过长"),
]
"""Every kind of row that cannot come in, and what is said about it."""
