"""What a branch's sheet says can occur is what the rules let happen, and its clocks are those that the door would choose."""

from __future__ import annotations

import pytest

from config.facts import Branch
from config.roadmap import ClockContext
from config.samples import load_samples
from rules.drawing.branches import BRANCHES, Road
from rules.house import load_house
from rules.routing import Routed, route
from tests.rules.test_drawing_current import FOLDER

HOUSE = load_house(FOLDER, "bureau-990100")
ROADS = {branch: Road(HOUSE, branch) for branch in BRANCHES}
LITIGATION = {"B3.1a", "B3.1b", "B3.1c", "B3.1d"}
ONLY: dict[str, set[str]] = {
    # 复查、复核: art 31(6) alone (XF 35, 36); 依法终结: litigation alone (XF 31(1)); visitors are led to organs of litigation (XF 22(2));
    # deemed acceptance: reconsideration alone (FY 30), which art 31(2) reaches for expropriated land and art 31(4) always.
    "petition.review": {"B3.6"},
    "petition.rereview": {"B3.6"},
    "handoff.concluded": LITIGATION,
    "petition.guide": LITIGATION,
    "acceptance.deemed": {"B3.2", "B3.4"},
}


@pytest.mark.parametrize("message", sorted(ONLY))
def test_what_the_law_keeps_to_some_branches_occurs_in_no_other(message: str) -> None:
    edges = [edge for machine in (HOUSE.roads.file.petition, HOUSE.roads.file.handoff) for edge in machine.edges if edge.message == message]
    assert edges
    assert {branch for branch, road in ROADS.items() if all(road.occurs(edge) for edge in edges)} == ONLY[message]


def test_states_that_only_such_edges_reach_are_shown_there_and_nowhere_else() -> None:
    assert {branch for branch, road in ROADS.items() if "CONCLUDED" in road.states["petition"]} == {"B3.6"}
    assert {branch for branch, road in ROADS.items() if "GUIDED" in road.states["petition"]} == LITIGATION
    for road in ROADS.values():
        assert road.states["handoff"] == HOUSE.roads.file.handoff.states.keys()


@pytest.mark.parametrize("branch", BRANCHES)
def test_every_row_and_situation_of_the_table_is_on_one_branch(branch: Branch) -> None:
    road = ROADS[branch]
    assert [row.id for row in road.rows] == sorted((row.id for row in road.rows), key=lambda each: (HOUSE.table.row(each).rank, each))
    assert {row.id for row in road.rows} == {row.id for row in HOUSE.table.rows if row.id.startswith(branch) and not row.id[len(branch):][:1].isalnum()}
    assert all(each.branch == branch for each in road.situations.values())


def test_no_row_is_on_no_sheet() -> None:
    shown = {row.id for road in ROADS.values() for row in road.rows}
    assert {row.id for row in HOUSE.table.rows} - shown == {row.id for row in HOUSE.table.rows if row.branch == "A0"}


def test_the_clocks_of_every_sample_petition_stand_on_its_branch() -> None:
    seen = 0
    for sample in load_samples(FOLDER / "samples" / "petitions.yaml"):
        found = route(sample.facts, HOUSE.table, HOUSE.bodies, HOUSE.bureau)
        if not isinstance(found, Routed) or found.row.branch not in BRANCHES:
            continue
        road = next(road for branch, road in ROADS.items() if branch == found.row.branch)
        for stage in road.stages:
            at = ClockContext(found.body.profile, found.row.branch, found.row.track or "", stage, frozenset(), found.body.division)
            for state in HOUSE.roads.file.handoff.states.values():
                for key in state.clocks:
                    rule = HOUSE.roads.clock_rule(key, at)
                    if rule is not None:
                        assert rule.case in road.cases(key), f"{sample.ref}: {key}"
                        assert rule.case in road.cases(key, rows=(found.row,)), f"{sample.ref}: {key}"
                        seen += 1
    assert seen > 500
