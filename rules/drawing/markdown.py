"""Markdown, plainly: a heading that says where the page comes from, tables that no cell can break."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NOTE = "<!-- 由 tonglu docs 依配置生成，请勿手改；改配置后重新运行 tonglu docs。Generated from the configuration by `tonglu docs`. -->"


def page(title: str, *parts: str) -> str:
    """A page: title, where it comes from, its parts with a blank line between them; ends in one newline."""
    return "\n\n".join([f"# {title}", NOTE, *(part.strip("\n") for part in parts if part.strip())]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table. What a cell may not hold is escaped; an empty cell shows a dash."""
    lines = [list(head), ["---"] * len(head), *([_cell(cell) for cell in row] for row in rows)]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def bullets(lines: Iterable[str]) -> str:
    """A list, one line each."""
    return "".join(f"- {line}\n" for line in lines)


def anchor(name: str) -> str:
    """A place to link to."""
    return f'<a id="{name}"></a>'


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>") or "—"
