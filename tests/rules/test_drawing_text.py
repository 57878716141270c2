"""Words on sheets and pages: lines never wider than their column, nothing lost, no cell that breaks a table, articles by their statutes' names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from config.areas import load_areas
from rules.drawing.asked import answers
from rules.drawing.markdown import table
from rules.drawing.measure import text_width, wrap
from rules.drawing.phrases import Phrases
from rules.drawing.words import FLAG_ZH, HOLDER_ZH, KIND_ZH
from rules.house import load_house
from rules.words import ACT_ZH
from tests.rules.test_drawing_current import FOLDER

SAY = Phrases(load_house(FOLDER, "bureau-990100"), load_areas(FOLDER / "areas.yaml"))
TEXT = st.text(alphabet="信访事项办结，。（）；a b C1.5-XF", max_size=60)


@given(TEXT, st.floats(8, 20), st.floats(60, 400))
def test_wrapped_lines_fit_and_lose_nothing(text: str, size: float, width: float) -> None:
    lines = wrap(text, size, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(text_width(line, size) <= width + 1e-6 for line in lines)


@given(st.lists(st.sampled_from(["信", "访，", "事", "（项", "办。", "结）"]), max_size=40), st.floats(100, 300))
def test_no_line_begins_with_closing_or_ends_with_opening_punctuation(parts: list[str], width: float) -> None:
    for line in wrap("".join(parts), 20, width):
        assert line[:1] not in ("，", "。", "；", "）")
        assert line[-1:] != "（"


@given(st.lists(st.lists(st.text(alphabet="甲|\n \\b", max_size=8), min_size=2, max_size=2), max_size=5))
def test_no_cell_breaks_a_table(rows: list[list[str]]) -> None:
    lines = table(("一", "二"), rows).splitlines()
    assert len(lines) == len(rows) + 2


def test_articles_are_said_by_their_statutes_names() -> None:
    assert SAY.basis("XF 22(1), 30; FY 62") == "信访工作条例 22(1)、30；行政复议法 62"
    assert SAY.basis("handoff-protocol 1.11 W6") == "本系统规则"
    assert SAY.basis("内部（XF 34）") == "内部（信访工作条例 34）"
    clocks = SAY.house.roads.clocks_file
    for clock in (*clocks.clocks.values(), *clocks.rungs.values()):
        for case in clock.cases:
            assert not any(f"{key} " in SAY.basis(case.basis) for key in SAY.house.register.instruments if key.isascii()), case.basis


def test_everything_a_reader_meets_has_a_chinese_name() -> None:
    clocks = SAY.house.roads.clocks_file
    for clock in (*clocks.clocks.values(), *clocks.rungs.values()):
        assert clock.owes in HOLDER_ZH
        for case in clock.cases:
            assert {*case.flag} <= FLAG_ZH.keys(), "name the flag in rules/drawing/words.py"
            assert {*case.profile} <= KIND_ZH.keys()
    assert {body.kind for body in SAY.house.bodies} | {body.profile for body in SAY.house.bodies} <= KIND_ZH.keys()
    assert {body.sector for body in SAY.house.bodies if body.sector and body.lasts} <= SAY.areas.sectors.keys()
    assert {edge.message for machine in (SAY.roads.petition, SAY.roads.handoff) for edge in machine.edges} <= ACT_ZH.keys()


def test_what_strangers_ask_is_answered_with_who_has_it_and_until_when() -> None:
    told = {each.state or each.question: each.answer for each in answers(SAY)}
    clock = SAY.house.roads.clock("decide_objection")
    assert f"由信访部门办，{clock.zh}" in told["OBJECTED"]
    assert "同意退回→已退回" in told["OBJECTED"]
    assert "异议不成立→已签收" in told["OBJECTED"]
    assert "报请协调→争议协调" in told["OBJECTED"]
    assert "上一级机关复查" in told["HANDED_OFF"]
    assert all("联席会议" in answer for question, answer in told.items() if question.endswith("呢？"))
