"""Every page and sheet of the generated documentation."""

from __future__ import annotations

from collections.abc import Iterator

from config.areas import Areas
from rules.drawing.branch_sheets import branch_sheet
from rules.drawing.branches import BRANCHES, Road
from rules.drawing.pages.bodies import bodies_page
from rules.drawing.pages.branch import branch_page
from rules.drawing.pages.clocks import clocks_page
from rules.drawing.pages.index import index_page
from rules.drawing.pages.law import law_page
from rules.drawing.pages.roadmap import road_map_page
from rules.drawing.pages.where import where_index, where_pages
from rules.drawing.pages.who import who_page
from rules.drawing.phrases import Phrases
from rules.drawing.sheets import whole_sheet
from rules.house import House

__all__ = ["pages"]


def pages(house: House, areas: Areas) -> Iterator[tuple[str, str]]:
    """Each file's path inside the folder (with `/`) and its text, one after the other. Pure: the same configuration gives the same bytes."""
    say = Phrases(house, areas)
    of = {branch: Road(house, branch) for branch in BRANCHES}
    yield "README.md", index_page(say)
    yield "road-map.svg", whole_sheet(say)
    yield "road-map.md", road_map_page(say)
    yield "who.md", who_page(say)
    yield "clocks.md", clocks_page(say)
    yield "law.md", law_page(say)
    yield "bodies.md", bodies_page(say)
    yield "where/README.md", where_index(say)
    yield from where_pages(of, say)
    for branch, road in of.items():
        yield f"branches/{branch}.svg", branch_sheet(road, say)
        yield f"branches/{branch}.md", branch_page(road, say)
