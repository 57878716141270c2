"""The generated documentation is that of the configuration beside it, and the same configuration always gives the same bytes."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

import config
from config.areas import load_areas
from rules.drawing.pages import pages
from rules.house import load_house

FOLDER = Path(config.__file__).parent
GENERATED = FOLDER.parent / "docs" / "generated"
CURE = "write them anew with `tonglu docs` (or `make docs`) and commit docs/generated"


@cache
def drawn() -> dict[str, str]:
    return dict(pages(load_house(FOLDER, "bureau-990100"), load_areas(FOLDER / "areas.yaml")))


def test_nothing_in_the_folder_is_stale_missing_or_left_over() -> None:
    there = {path.relative_to(GENERATED).as_posix(): path.read_bytes() for path in GENERATED.rglob("*") if path.is_file()}
    stale = sorted(name for name in there.keys() | drawn().keys() if there.get(name) != drawn().get(name, "").encode("utf-8"))
    assert not stale, f"not as config/ is now: {', '.join(stale)}; {CURE}"


def test_the_same_configuration_gives_the_same_bytes() -> None:
    again = dict(pages(load_house(FOLDER, "bureau-990100"), load_areas(FOLDER / "areas.yaml")))
    assert again == drawn()


@pytest.mark.parametrize("name", [name for name in drawn() if name.endswith(".md")])
def test_every_table_is_rectangular_and_every_link_leads_somewhere(name: str) -> None:
    text = drawn()[name]
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    for block in text.split("\n\n"):
        rows = [line.replace("\\|", "") for line in block.splitlines() if line.startswith("| ")]
        assert len({row.count("|") for row in rows}) <= 1, block[:200]
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, place = target.partition("#")
        other = (Path(name).parent / path).as_posix() if path else name
        parts: list[str] = []
        for part in other.split("/"):
            parts = parts[:-1] if part == ".." else [*parts, part]
        other = "/".join(part for part in parts if part != ".")
        assert other in drawn(), f"{name} links to {target}"
        if place:
            assert f'<a id="{place}"></a>' in drawn()[other] or f"## {place}\n" in drawn()[other], f"{name} links to {target}"
