"""The index over the road map answers truly: None for what the map does not hold, and labels that say what stands behind a limit."""

from __future__ import annotations

from pathlib import Path

import config
from config.confirmed import case_id
from config.roadmap import ClockContext, load_roadmap
from rules.edge_guards import GUARDS
from rules.roadmap import RoadMap

ROADS, CLOCKS = load_roadmap(Path(config.__file__).parent, GUARDS.keys())


def test_what_the_map_does_not_hold_is_none() -> None:
    roads = RoadMap(ROADS, CLOCKS)
    assert roads.edge("handoff", "DELIVERED", "no.such") is None
    assert roads.edge("handoff", "NOWHERE", "receipt") is None
    assert roads.edge("petition", "REGISTERED", "receipt") is None


def test_a_clock_that_no_case_fits_does_not_run() -> None:
    roads = RoadMap(ROADS, CLOCKS)
    assert roads.clock_rule("review_opinion", ClockContext("agency", "B3.6", stage="handling")) is None
    rule = roads.clock_rule("review_opinion", ClockContext("agency", "B3.6", stage="review"))
    assert rule is not None
    assert rule.case.limit == "30d"


def test_a_clock_is_labelled_by_what_stands_behind_it() -> None:
    roads = RoadMap(ROADS, CLOCKS)
    for key in (*CLOCKS.clocks, *CLOCKS.rungs):
        for case in roads.clock(key).cases:
            at = ClockContext(
                (*case.profile, "agency")[0], (*case.branch, "B3.6")[0], (*case.track, "")[0], (*case.stage, "handling")[0], frozenset(case.flag), (*case.division, "")[0]
            )
            rule = roads.clock_rule(key, at)
            if rule is not None:
                expected = {"yes": "法定", "quote": "法定", "memory": "法定（待确认）", "inference": "法定（待确认）", "internal": "内部时限"}[rule.case.verified]
                assert rule.label == expected
                sure = RoadMap(ROADS, CLOCKS, {case_id(key, rule.case, roads.is_rung(key))}).clock_rule(key, at)
                assert sure is not None
                assert sure.label == ("内部时限（已确认）" if rule.case.verified == "internal" else "法定")
    assert roads.is_rung("conference")
    assert not roads.is_rung("accept")
