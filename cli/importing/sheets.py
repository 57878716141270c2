"""Rows out of .xlsx, .csv and .jsonl files, streaming: never the whole file in memory."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.faults import Fault
from cli.importing.mapping import FileForm

_CELL_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Raw:
    """One row: its number in the file (line or sheet row, from 1), and its cells by column, or why it cannot be read."""

    number: int
    cells: Mapping[str, Any]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """A file being read. `total` is how many rows it says it has, or None; blank rows are passed over without a word."""

    rows: Iterator[Raw]
    total: int | None = None


@contextmanager
def open_rows(path: Path, form: FileForm, columns: Sequence[str]) -> Iterator[Opened]:
    """Open a file for reading rows. `columns` must all stand in its heading (jsonl has none). Raises Fault, also for a file that is none of its kind."""
    if not path.is_file():
        raise Fault(f"没有文件 {path}", "检查路径")
    try:
        if form.format == "xlsx":
            with _xlsx(path, form, columns) as opened:
                yield opened
        elif form.format == "csv":
            csv.field_size_limit(_CELL_BYTES)
            # A byte that is not of the encoding spoils its own row only.
            encoding = "utf-8-sig" if form.encoding == "utf-8" else form.encoding
            with path.open(encoding=encoding, errors="surrogateescape", newline="") as file:
                yield Opened(_csv(csv.reader(file, delimiter=form.delimiter), form, columns))
        else:
            with path.open("rb") as lines:
                yield Opened(_jsonl(lines))
    except PermissionError:
        raise Fault(f"读不了 {path}", "检查文件权限") from None


@contextmanager
def _xlsx(path: Path, form: FileForm, columns: Sequence[str]) -> Iterator[Opened]:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError):
        raise Fault(f"{path.name} 不是可读的 .xlsx 文件（可能加了密码、损坏，或是旧的 .xls）", "用表格软件打开后另存为 .xlsx，不设密码") from None
    try:
        if form.sheet and form.sheet not in book.sheetnames:
            raise Fault(f"{path.name} 中没有工作表“{form.sheet}”", f"改正映射中的 sheet；现有：{'、'.join(book.sheetnames)}")
        sheet = book[form.sheet] if form.sheet else book.worksheets[0]
        rows = sheet.iter_rows(values_only=True)
        for _ in range(form.header_row - 1):
            next(rows, None)
        places = _places(next(rows, ()), columns)
        total = sheet.max_row - form.header_row if sheet.max_row else None
        yield Opened(_sheet(rows, form.header_row + 1, places), total)
    finally:
        book.close()


def _sheet(rows: Iterable[Sequence[Any]], first: int, places: Mapping[str, int]) -> Iterator[Raw]:
    for number, row in enumerate(rows, first):
        # Some sheets carry tens of thousands of blank rows after the last.
        if any(cell is not None and cell != "" for cell in row):
            yield Raw(number, {name: row[i] if i < len(row) else None for name, i in places.items()})


def _csv(reader: Any, form: FileForm, columns: Sequence[str]) -> Iterator[Raw]:
    header: Sequence[str] = ()
    for _ in range(form.header_row):
        header = next(reader, ())
    places, width = _places(header, columns), len(header)
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error:
            yield Raw(number, {}, "这一行不是合格的 CSV（引号不配对，或单元格过长）")
            continue
        if row is None:
            return
        if not any(row):
            continue
        if any(row[width:]):
            yield Raw(number, {}, "列数多于表头（内容中的分隔符须加引号）")
            continue
        yield Raw(number, {name: row[i] if i < len(row) else None for name, i in places.items()})


def _jsonl(lines: Iterable[bytes]) -> Iterator[Raw]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
        except (UnicodeDecodeError, ValueError, RecursionError):
            value = None
        yield Raw(number, value) if isinstance(value, dict) else Raw(number, {}, "这一行不是 UTF-8 的 JSON 对象")


def _places(header: Sequence[Any], columns: Sequence[str]) -> dict[str, int]:
    names = [str(cell).strip() if cell is not None else "" for cell in header]
    # What stands in the heading row is not repeated: in a file without a heading it would be somebody's case.
    missing = [c for c in columns if c not in names]
    if missing:
        raise Fault(f"表头中没有这些列：{'、'.join(missing)}", "改正映射中的列名或 header_row，或在文件中补上表头")
    doubled = [c for c in columns if names.count(c) > 1]
    if doubled:
        raise Fault(f"表头中有重复的列：{'、'.join(doubled)}", "改名或删去其中一列")
    return {c: names.index(c) for c in columns}
