"""roadmap.yaml and clocks.yaml: the shipped ones are sound, and every way to break them is named with file, line and cure."""

from __future__ import annotations

from pathlib import Path

import pytest

import config
from config.roadmap import Case, load_roadmap
from config.source import ConfigError
from rules.edge_guards import GUARDS

FOLDER = Path(config.__file__).parent


def broken(tmp_path: Path, name: str, old: str, new: str) -> list[str]:
    for file in ("roadmap.yaml", "clocks.yaml"):
        text = (FOLDER / file).read_text("utf-8")
        if file == name:
            assert text.count(old) >= 1, old
            text = text.replace(old, new, 1)
        (tmp_path / file).write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_roadmap(tmp_path, GUARDS.keys())
    return [str(problem) for problem in caught.value.problems]


def test_the_shipped_map_is_sound_and_has_fourteen_states() -> None:
    roads, clocks = load_roadmap(FOLDER, GUARDS.keys())
    assert len(roads.handoff.states) == 14
    assert all(edge.basis for machine in (roads.petition, roads.handoff) for edge in machine.edges)
    assert all(case.basis for clock in clocks.clocks.values() for case in clock.cases)
    assert {guard for edge in (*roads.petition.edges, *roads.handoff.edges) for guard in edge.guards} <= GUARDS.keys()


SIGNED = "SIGNED: {zh: 已签收, fhir: received, holder: partner, clocks: [objection_window, accept]}"
RECEIPT = "{message: receipt, from: [ISSUED], to: DELIVERED, writer: system,"


@pytest.mark.parametrize(("name", "old", "new", "words"), [
    ("roadmap.yaml", SIGNED, SIGNED.replace("holder: partner, ", ""), "SIGNED 没有持有者"),
    ("roadmap.yaml", SIGNED, SIGNED.replace("clocks: [objection_window, accept]", "clocks: []"), "SIGNED 没有期限"),
    ("roadmap.yaml", SIGNED, SIGNED.replace("accept]", "accepts]"), "accepts 在 clocks.yaml 中不存在"),
    ("roadmap.yaml", "WITHDRAWN: {zh: 撤回, fhir: cancelled, end: true,", "WITHDRAWN: {zh: 撤回, fhir: cancelled, end: true, holder: bureau,", "终结状态 WITHDRAWN"),
    ("roadmap.yaml", "start: DRAFT", "start: DRAUGHT", "DRAUGHT"),
    ("roadmap.yaml", RECEIPT, RECEIPT.replace("DELIVERED", "ARRIVED"), "ARRIVED"),
    ("roadmap.yaml", RECEIPT, RECEIPT.replace("[ISSUED]", "[SENT]"), "SENT"),
    ("roadmap.yaml", "    - " + RECEIPT, "    - " + RECEIPT.replace("system", "bureau") + ' basis: "x"}\n    - ' + RECEIPT, "书写者：bureau、system"),
    ("roadmap.yaml", RECEIPT, RECEIPT.replace("system", "nobody"), "writer"),
    ("roadmap.yaml", "guards: [names_office]", "guards: [names_nobody]", "names_nobody"),
    ("roadmap.yaml", "extends: result", "extends: results", "results"),
    ("roadmap.yaml", "duty: {kind: supplement.get,", "duty: {kind: supplement.fetch,", "supplement.fetch"),
    ("roadmap.yaml", "RETURNED: {zh: 已退回, fhir: rejected, end: true, petition: WITH_CLERK}",
     "RETURNED: {zh: 已退回, fhir: rejected, end: true, petition: WITH_NOBODY}", "WITH_NOBODY"),
    ("roadmap.yaml", "writer: bureau, petition: WITH_CLERK", "writer: bureau, petition: LOST", "LOST"),
    ("roadmap.yaml", "from: [SUSPENDED], to: IN_PROGRESS", "from: [SUSPENDED], to: same", "SUSPENDED 没有出路"),
    ("clocks.yaml", "warn: [0.5, 0.8]", "warn: [0.8, 0.5]", "warn"),
    ("clocks.yaml", "warn: [0.5, 0.8]", "warn: [0.5, 1.5]", "warn"),
    ("clocks.yaml", "profile: [court], limit: 7d", "profile: [courts], limit: 7d", "courts"),
    ("clocks.yaml", "branch: [B3.6], limit", "branch: [B36], limit", "B36"),
    ("clocks.yaml", "{profile: [court], limit: 7d,", "{limit: 7d,", "永远用不到"),
    ("clocks.yaml", '{limit: 15d, basis: "XF 23(3)", verified: "yes"}\n    on_expiry', '{profile: [agency], limit: 15d, basis: "XF 23(3)", verified: "yes"}\n    on_expiry',
     "没有兜底的一行"),
    ("clocks.yaml", "next: bureau_late", "next: bureau_later", "bureau_later"),
    ("clocks.yaml", "repeats: true", "repeats: false", "自我重复"),
    ("clocks.yaml", "pauses_in: [SUSPENDED,", "pauses_in: [SUSPENSE,", "SUSPENSE"),
    ("clocks.yaml", "duty: {kind: undelivered,", "duty: {kind: unsent,", "unsent"),
    ("clocks.yaml", "  security: {zh: 安全事项核查, limit: 1wd}", "", "security"),
    ("clocks.yaml", "limit: 24h", "limit: 24hours", "limit"),
    ("clocks.yaml", "rungs:\n", "  unused:\n    zh: 无用\n    owes: bureau\n    cases: [{limit: 1d, basis: x, verified: internal}]\n    on_expiry: {}\nrungs:\n", "没有任何状态使用"),
])
def test_a_fault_is_named_with_its_line_and_a_cure(tmp_path: Path, name: str, old: str, new: str, words: str) -> None:
    faults = broken(tmp_path, name, old, new)
    hits = [fault for fault in faults if words in fault]
    assert hits, faults
    assert name in hits[0]
    assert any(character.isdigit() for character in hits[0])


def test_a_case_fits_by_profile_and_branch() -> None:
    case = Case(limit="1d", basis="x", verified="yes", profile=("court",), branch=("B1",))
    assert [case.fits(*who) for who in (("court", "B1"), ("court", ""), ("agency", "B1"))] == [True, False, False]
    assert Case(limit="1d", basis="x", verified="yes").fits("any", "any")
