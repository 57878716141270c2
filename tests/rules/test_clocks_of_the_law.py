"""The clocks as the law has them: every track and kind of body against a second reading, and the dates they give."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config
from config.roadmap import Case, Clock, ClockContext, Stage
from rules.calendar import due, fraction
from rules.house import House, load_house
from rules.limits import parse_limit
from rules.roadmap import ClockRule, RoadMap

CN = ZoneInfo("Asia/Shanghai")
HOUSE: House = load_house(Path(config.__file__).parent, "bureau-990100")
CLOCKS = HOUSE.roads.clocks_file
ALL: dict[str, Clock] = {**CLOCKS.clocks, **CLOCKS.rungs}
CASES: list[tuple[str, Case]] = [(key, case) for key, clock in ALL.items() for case in clock.cases]


def rule(key: str, profile: str, branch: str = "", track: str = "", stage: Stage = "handling", flags: tuple[str, ...] = (), division: str = "990102") -> ClockRule | None:
    return HOUSE.roads.clock_rule(key, ClockContext(profile, branch, track, stage, frozenset(flags), division))


def case(key: str, profile: str, branch: str = "", track: str = "", stage: Stage = "handling", flags: tuple[str, ...] = (), division: str = "990102") -> Case:
    found = rule(key, profile, branch, track, stage, flags, division)
    assert found is not None
    return found.case


# track, profile, branch → acceptance, result, extension, what the result counts from. Read out of the laws by hand, not out of clocks.yaml.
@pytest.mark.parametrize(("track", "profile", "branch", "accept", "result", "extension", "since"), [
    ("suggestion", "agency", "B1", "15d", "60d", None, "acceptance"),
    ("suggestion", "court", "B1", "15d", "60d", None, "acceptance"),
    ("discipline_case", "discipline", "B2a", "15wd", "3mo", None, "delivery"),
    ("cadre_notice", "organisation", "B2c", "15d", "60d", None, "acceptance"),
    ("law_report", "agency", "B2b", "15d", "90d", None, "acceptance"),
    ("market_report", "agency", "B2b", "15d", "90d", None, "acceptance"),
    ("court_filing", "court", "B3.1a", "7d", "6mo", "6mo", "acceptance"),
    ("court_trial", "court", "B3.1d", "7d", "6mo", "6mo", "acceptance"),
    ("court_retrial", "court", "B3.1a", "7d", "3mo", "3mo", "delivery"),
    ("court_admin_retrial", "court", "B3.1a", "7d", "6mo", "6mo", "acceptance"),
    ("court_criminal_appeal", "court", "B3.1a", "7d", "3mo", "3mo", "acceptance"),
    ("court_enforcement_objection", "court", "B3.1a", "7d", "15d", None, "delivery"),
    ("court_enforcement", "court", "B3.1a", "15d", "6mo", None, "acceptance"),
    ("procuratorate_reply", "procuratorate", "B3.1b", "7d", "3mo", None, "delivery"),
    ("procuratorate_lead", "procuratorate", "B2b", "7d", "3mo", None, "delivery"),
    ("procuratorate_supervision", "procuratorate", "B3.1b", "7d", "3mo", None, "delivery"),
    ("procuratorate_case_supervision", "procuratorate", "B3.1b", "7d", "15d", None, "acceptance"),
    ("procuratorate_criminal_appeal", "procuratorate", "B3.1b", "7d", "3mo", "3mo", "acceptance"),
    ("police_case", "police", "B3.1c", "15d", "30d", "30d", "acceptance"),
    ("police_public_order", "police", "B3.1c", "15d", "30d", "30d", "acceptance"),
    ("police_refusal_review", "police", "B3.1c", "15d", "30d", "30d", "delivery"),
    ("labour_award", "labour_arbitration", "B3.2", "5wd", "45d", "15d", "acceptance"),
    ("land_award", "land_arbitration", "B3.2", "5wd", "60d", "30d", "acceptance"),
    ("commercial_award", "commercial_arbitration", "B3.2", "5d", "6mo", None, "acceptance"),
    ("party_appeal", "discipline", "B3.3", "15wd", "3mo", None, "acceptance"),
    ("supervision_review", "discipline", "B3.3", "15wd", "1mo", None, "delivery"),
    ("supervision_complaint", "discipline", "B3.3", "15wd", "1mo", None, "acceptance"),
    ("personnel_appeal", "organisation", "B3.3", "15d", "60d", "30d", "acceptance"),
    ("personnel_appeal", "agency", "B3.3", "15d", "30d", None, "delivery"),
    ("reconsideration_ordinary", "reconsideration", "B3.4", "5wd", "60d", "30d", "acceptance"),
    ("reconsideration_simple", "reconsideration", "B3.4", "5wd", "30d", None, "acceptance"),
    ("reconsideration_ordinary", "reconsideration", "B3.2", "5wd", "60d", "30d", "acceptance"),
    ("licensing", "agency", "B3.4", "5wd", "20wd", "10wd", "acceptance"),
    ("penalty", "agency", "B3.4", "15d", "90d", None, "acceptance"),
    ("information", "agency", "B3.4", "7wd", "20wd", "20wd", "delivery"),
    ("work_injury", "agency", "B3.4", "15d", "60d", None, "acceptance"),
    ("land_title", "agency", "B3.4", "15d", "6mo", None, "acceptance"),
    ("compensation", "court", "B3.1d", "5d", "2mo", None, "delivery"),
    ("compensation", "agency", "B3.4", "5d", "2mo", None, "delivery"),
    ("legal_aid", "agency", "B3.4", "7d", "3d", None, "acceptance"),
    ("administrative", "agency", "B3.4", "15d", "60d", "30d", "acceptance"),
    ("administrative", "police", "B3.4", "15d", "60d", "30d", "acceptance"),
    ("administrative", "police", "B3.1c", "15d", "30d", "30d", "acceptance"),
    ("wage_inspection", "agency", "B3.5", "15d", "60wd", "30wd", "acceptance"),
    ("wage_inspection", "agency", "B2b", "15d", "60wd", "30wd", "acceptance"),
    ("consumer", "agency", "B3.5", "7wd", "2mo", None, "delivery"),
    ("protective_duty", "agency", "B3.5", "15d", "2mo", None, "delivery"),
    ("protective_duty", "police", "B3.5", "15d", "2mo", None, "delivery"),
    ("petition_handling", "agency", "B3.6", "15d", "60d", "30d", "acceptance"),
    ("petition_handling", "police", "B3.6", "15d", "60d", "30d", "acceptance"),
    ("petition_simple", "agency", "B3.6", "15d", "60d", "30d", "acceptance"),
])
def test_each_track_has_the_limits_of_its_law(track: str, profile: str, branch: str, accept: str, result: str, extension: str | None, since: str) -> None:
    told = rule("result", profile, branch, track)
    assert told is not None
    assert (case("accept", profile, branch, track).limit, told.case.limit, told.case.extension, told.counts_from) == (accept, result, extension, since)


def test_the_table_above_leaves_out_no_track_and_no_body_a_row_leads_to() -> None:
    marks = next(mark for mark in test_each_track_has_the_limits_of_its_law.pytestmark if mark.name == "parametrize")  # type: ignore[attr-defined]
    assert {line[0] for line in marks.args[1]} == HOUSE.table.tracks.keys()
    assert {row.track for row in HOUSE.table.rows if row.track} <= HOUSE.table.tracks.keys()


def test_simple_handling_is_for_the_sixth_item_and_the_flag() -> None:
    simple = ("simple",)
    assert [case(key, "agency", "B3.6", "petition_simple", flags=simple).limit for key in ("issue", "accept", "result")] == ["1wd", "3wd", "10wd"]
    assert case("result", "agency", "B3.6", "petition_simple", flags=simple).extension is None
    assert case("result", "agency", "B3.5", "protective_duty", flags=simple).limit == "2mo"


def test_a_local_rule_is_tighter_and_stays_in_its_division() -> None:
    for division in ("990103", "990103100"):
        assert case("route", "bureau", division=division).limit == "5wd"
        assert case("result", "agency", "B3.6", "petition_handling", division=division).limit == "30d"
    for division in ("990102", "990100", "990000", "990104"):
        assert case("route", "bureau", division=division).limit == "15d"
        assert case("result", "agency", "B3.6", "petition_handling", division=division).limit == "60d"
    assert case("result", "reconsideration", "B3.4", "reconsideration_ordinary", division="990103").limit == "60d", "the law of reconsideration is no local matter"
    assert case("result", "agency", "B3.6", flags=("simple",), division="990103").limit == "10wd"


def test_acceptance_is_deemed_at_reconsideration_and_nowhere_else() -> None:
    deemed = [(key, one) for key, one in CASES if one.deemed]
    assert [(key, one.profile, one.deemed) for key, one in deemed] == [("accept", ("reconsideration",), "acceptance.deemed")]
    assert [edge.message for edge in HOUSE.roads.file.handoff.edges if edge.writer == "system" and edge.message != "receipt"] == ["acceptance.deemed"]


def test_a_hearing_stops_the_rereview_and_nothing_else() -> None:
    stopped = [(key, one.stage) for key, one in CASES if "HEARING" in (*ALL[key].pauses_in, *one.pauses_in)]
    assert stopped == [("review_opinion", ("rereview",))]
    assert case("review_opinion", "agency", "B3.6", stage="review").pauses_in == ()


@pytest.mark.parametrize("stage", ["review", "rereview"])
def test_a_review_runs_on_its_own_thirty_days_without_extension(stage: Stage) -> None:
    for profile in ("agency", "police", "bureau"):
        found = case("review_opinion", profile, "B3.6", stage=stage)
        assert (found.limit, found.extension) == ("30d", None)
        assert rule("accept", profile, "B3.6", stage=stage) is None
        assert rule("result", profile, "B3.6", stage=stage) is None
    assert rule("review_opinion", "agency", "B3.6") is None


def test_every_clock_and_rung_warns_at_half_and_at_four_fifths() -> None:
    for key, clock in ALL.items():
        assert {0.5, 0.8} <= set(clock.warn), key
        assert clock.trigger, key


def test_every_limit_has_an_article_or_says_that_it_is_internal() -> None:
    for key, one in CASES:
        assert one.basis, key
        assert one.row or one.verified == "internal", (key, one.name)
        assert one.verified == "internal" or "内部" not in one.basis, (key, one.name)
    assert all(duty.basis and (duty.row or duty.verified == "internal") for duty in CLOCKS.duties.values())


def test_the_ladder_climbs_from_the_body_to_people_who_are_asked_again() -> None:
    assert [(key, clock.owes, clock.on_expiry.next) for key, clock in CLOCKS.rungs.items()] == [
        ("urged", "partner", "supervised"), ("supervised", "partner", "conference"), ("bureau_late", "bureau", "conference"), ("conference", "joint_conference", "conference"),
    ]
    assert all(clock.on_expiry.next in CLOCKS.rungs or key == "objection_window" for key, clock in CLOCKS.clocks.items())


def test_the_whole_road_of_a_branch_fits_under_its_ceiling() -> None:
    start = dt.datetime(2026, 3, 2, 9, tzinfo=CN)
    for track in HOUSE.table.tracks:
        for row in (row for row in HOUSE.table.rows if row.track == track):
            for profile in {body.profile for body in HOUSE.bodies if row.to is not None and row.to.kind in (body.kind, "$organ")}:
                found = case("result", profile, row.branch, track)
                longest = due(start, found.limit, HOUSE.calendar).instant - start
                if found.extension is not None:
                    longest = 2 * longest
                assert start + longest < due(start, case("total", "bureau", row.branch).limit, HOUSE.calendar).instant, (row.id, profile)


@given(st.sampled_from(CASES), st.dates(dt.date(2022, 1, 1), dt.date(2026, 6, 1)), st.integers(0, 86399))
def test_warnings_come_in_order_before_the_end(which: tuple[str, Case], day: dt.date, second: int) -> None:
    key, one = which
    start = dt.datetime.combine(day, dt.time(), CN) + dt.timedelta(seconds=second)
    end = due(start, one.limit, HOUSE.calendar)
    rings = [fraction(start, end, share) for share in ALL[key].warn]
    assert rings == sorted(set(rings))
    assert start < rings[0] < rings[-1] < end.instant
    if not parse_limit(one.limit).exact:
        assert HOUSE.calendar.is_workday(end.last_day)


@pytest.mark.parametrize(("start", "key", "profile", "branch", "track", "last"), [
    ("2026-02-13", "objection_window", "agency", "B3.6", "petition_handling", "2026-02-27"),
    ("2026-02-13", "accept", "agency", "B3.6", "petition_handling", "2026-02-28"),
    ("2026-02-14", "route", "bureau", "", "", "2026-03-02"),
    ("2026-04-30", "accept", "reconsideration", "B3.4", "reconsideration_ordinary", "2026-05-11"),
    ("2026-09-18", "accept", "land_arbitration", "B3.2", "land_award", "2026-09-24"),
    ("2026-09-18", "accept", "agency", "B3.5", "protective_duty", "2026-10-08"),
    ("2026-03-02", "result", "agency", "B3.6", "petition_handling", "2026-05-06"),
    ("2024-01-31", "result", "discipline", "B3.3", "supervision_review", "2024-02-29"),
    ("2025-12-31", "result", "agency", "B3.5", "protective_duty", "2026-02-28"),
    ("2023-08-31", "result", "court", "B3.1a", "court_filing", "2024-02-29"),
    ("2022-09-30", "accept", "court", "B3.1a", "court_filing", "2022-10-08"),
    ("2023-12-29", "accept", "labour_arbitration", "B3.2", "labour_award", "2024-01-08"),
])
def test_dates(start: str, key: str, profile: str, branch: str, track: str, last: str) -> None:
    began = dt.datetime.fromisoformat(f"{start}T15:00").replace(tzinfo=CN)
    assert due(began, case(key, profile, branch, track).limit, HOUSE.calendar).last_day == dt.date.fromisoformat(last)


def test_sixty_and_thirty_days_are_ninety_from_acceptance() -> None:
    one = case("result", "agency", "B3.6", "petition_handling")
    assert one.extension is not None
    whole = parse_limit(one.limit) + parse_limit(one.extension)
    assert due(dt.datetime(2026, 3, 2, 9, tzinfo=CN), whole, HOUSE.calendar).last_day == dt.date(2026, 6, 1)


def test_a_label_says_how_well_the_basis_is_known_and_who_answers_for_it() -> None:
    ids = ("clocks.accept#Z01", "clocks.sign#rest")
    sure = RoadMap(HOUSE.roads.file, CLOCKS, ids)
    for roads, labels in ((HOUSE.roads, ("法定（待确认）", "内部时限", "法定")), (sure, ("法定", "内部时限（已确认）", "法定"))):
        told = [roads.clock_rule(key, ClockContext(profile, "B3.2", division="990100")) for key, profile in (("accept", "labour_arbitration"), ("sign", "court"), ("result", "labour_arbitration"))]
        assert tuple(one.label for one in told if one is not None) == labels
