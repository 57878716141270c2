"""The list of rows that could not come in, beside the input: row number, reference, reason. Nothing else of a row is written."""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from cli.faults import Fault
from cli.importing.rows import Bad
from cli.shell import say

HEADING = ("行号", "编号", "原因")
_BOM = "\ufeff"


class Rejects:
    """Collects rejected rows in a file that appears only when the import has ended; without any, none appears and an old one goes.

    Until then they are in a file without a name, so that a killed import leaves nothing and two imports do not meet.
    """

    def __init__(self, source: Path, *, write: bool = True) -> None:
        self.count = 0
        self.path: Path | None = None
        self._file: IO[str] | None = None
        self._writer: Any = None
        if write:
            self._open(source)

    def __enter__(self) -> Rejects:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        if self._file is None or self.path is None:
            return
        with self._file as file:
            if self.count:
                # Also after a failure half-way: what was rejected so far is true.
                file.seek(0)
                _put(self.path, file)
            elif kind is None and _ours(self.path):
                self.path.unlink()

    def add(self, bad: Bad) -> None:
        """One more."""
        self.count += 1
        if self._writer is not None:
            self._writer.writerow((bad.number, _harmless(bad.ref), bad.reason))

    def _open(self, source: Path) -> None:
        name = f"{source.name}.rejected.csv"
        for folder in (source.absolute().parent, Path.cwd()):
            path = folder / name
            if path.is_dir():
                continue
            try:
                file = tempfile.TemporaryFile("w+", dir=folder, encoding="utf-8", newline="")  # noqa: SIM115
            except OSError:
                continue
            if folder != source.absolute().parent:
                say(f"注意：不能写入 {source.parent}，退件清单改写到 {path}")
            self.path, self._file = path, file
            # Spreadsheet programs take a file for UTF-8 by this mark only.
            file.write(_BOM)
            self._writer = csv.writer(file)
            self._writer.writerow(HEADING)
            return
        raise Fault(f"退件清单 {name} 写不进 {source.parent}，也写不进当前文件夹", "换一个可写的文件夹再运行")


def _put(path: Path, content: IO[str]) -> None:
    """The whole file under its name in one step, readable by its owner only."""
    number, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(number, "w", encoding="utf-8", newline="") as file:
            shutil.copyfileobj(content, file)
        os.replace(fresh, path)
    except BaseException:
        os.unlink(fresh)
        raise


def _harmless(ref: str) -> str:
    # A spreadsheet program would run what begins like this.
    return "'" + ref if ref[:1] in ("=", "+", "-", "@") else ref


def _ours(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.readline().strip() == ",".join(HEADING)
    except (OSError, UnicodeDecodeError):
        return False
