"""The page about the road map says what the YAML says, and the index over it answers truly."""

from __future__ import annotations

from pathlib import Path

import config
from config.roadmap import load_roadmap
from rules.drawing import road_map_markdown
from rules.edge_guards import GUARDS
from rules.roadmap import RoadMap

FOLDER = Path(config.__file__).parent
ROADS, CLOCKS = load_roadmap(FOLDER, GUARDS.keys())


def test_the_page_in_the_documentation_is_not_stale() -> None:
    page = (FOLDER.parent / "docs" / "road-map.md").read_text("utf-8")
    assert page == road_map_markdown(ROADS, CLOCKS), "write it anew: python -m rules.drawing > docs/road-map.md"


def test_the_page_names_every_state_edge_and_clock() -> None:
    page = road_map_markdown(ROADS, CLOCKS)
    for machine in (ROADS.petition, ROADS.handoff):
        for key, state in machine.states.items():
            assert f'state "{key} {state.zh}" as {key}' in page
        for edge in machine.edges:
            assert f"| `{edge.message}` |" in page
            if edge.to != "same":
                assert all(f"    {start} --> {edge.to}: " in page for start in edge.from_ if start != edge.to)
    for key in (*CLOCKS.clocks, *CLOCKS.rungs, *CLOCKS.duties):
        assert f"| `{key}` |" in page
    # Every table is rectangular: no cell of the YAML breaks a row.
    for block in page.split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert len({line.replace("\\|", "").count("|") for line in rows}) <= 1


def test_what_the_map_does_not_hold_is_none() -> None:
    roads = RoadMap(ROADS, CLOCKS)
    assert roads.edge("handoff", "DELIVERED", "no.such") is None
    assert roads.edge("handoff", "NOWHERE", "receipt") is None
    assert roads.edge("petition", "REGISTERED", "receipt") is None


def test_a_clock_is_labelled_by_what_stands_behind_it() -> None:
    roads = RoadMap(ROADS, CLOCKS)
    labels = {who: roads.clock_rule("accept", who, "").label for who in ("court", "labour_arbitration", "police", "agency")}
    assert labels == {"court": "法定", "labour_arbitration": "法定（待确认）", "police": "法定（待确认）", "agency": "法定"}
    assert roads.clock_rule("sign", "court", "").label == "内部时限"
    assert roads.clock_rule("result", "court", "B3.6").case.limit == "60d"
    assert roads.clock_rule("result", "court", "B3.1a").case.limit == "6mo"
    assert roads.is_rung("conference")
    assert not roads.is_rung("accept")
