"""A page of the documentation of which a command writes one section, between two marks."""

from __future__ import annotations

from pathlib import Path

from cli.lapse.installation import LapseError


def write_between(path: Path, begin: str, end: str, text: str) -> None:
    """Put `text` between the marks of a Markdown file, which is made if it is not there. Raises LapseError where it has no marks, OSError where it cannot be written."""
    page = path.read_text(encoding="utf-8") if path.exists() else f"{begin}\n{end}\n"
    head, begun, rest = page.partition(begin)
    _, ended, tail = rest.partition(end)
    if not begun or not ended:
        raise LapseError(f"{path} 中没有标记 {begin} 和 {end}；请加上，或另指一个文件")
    path.write_text(f"{head}{begin}\n\n{text}\n\n{end}{tail}", encoding="utf-8")
