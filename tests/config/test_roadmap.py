"""roadmap.yaml and clocks.yaml: the shipped ones are sound, and every way to break them is named with file, line and cure."""

from __future__ import annotations

from pathlib import Path

import pytest

import config
from config.roadmap import Case, ClockContext, Stage, load_roadmap
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


def test_the_shipped_map_is_sound_and_has_the_states_of_the_law() -> None:
    roads, clocks = load_roadmap(FOLDER, GUARDS.keys())
    assert roads.petition.states.keys() == {"REGISTERED", "WITH_CLERK", "REPORTED_UP", "DISPUTED", "GUIDED", "HANDED_OFF", "CLOSED", "CONCLUDED", "SPLIT", "LINKED"}
    assert {name for name, state in roads.petition.states.items() if state.end} == {"CLOSED", "CONCLUDED", "SPLIT", "LINKED"}
    assert len(roads.handoff.states) == 15
    assert all(edge.basis for machine in (roads.petition, roads.handoff) for edge in machine.edges)
    assert all(case.basis for clock in clocks.clocks.values() for case in clock.cases)
    assert {guard for edge in (*roads.petition.edges, *roads.handoff.edges) for guard in edge.guards} <= GUARDS.keys()


SIGNED = "SIGNED: {zh: 已签收, fhir: received, holder: partner, clocks: [objection_window, accept, review_opinion]}"
RECEIPT = "{message: receipt, from: [ISSUED], to: DELIVERED, writer: system,"


@pytest.mark.parametrize(("name", "old", "new", "words"), [
    ("roadmap.yaml", SIGNED, SIGNED.replace("holder: partner, ", ""), "SIGNED 没有持有者"),
    ("roadmap.yaml", SIGNED, SIGNED.replace("clocks: [objection_window, accept, review_opinion]", "clocks: []"), "SIGNED 没有期限"),
    ("roadmap.yaml", SIGNED, SIGNED.replace("accept,", "accepts,"), "accepts 在 clocks.yaml 中不存在"),
    ("roadmap.yaml", "WITHDRAWN: {zh: 撤回, fhir: cancelled, end: true,", "WITHDRAWN: {zh: 撤回, fhir: cancelled, end: true, holder: bureau,", "终结状态 WITHDRAWN"),
    ("roadmap.yaml", "start: DRAFT", "start: DRAUGHT", "DRAUGHT"),
    ("roadmap.yaml", RECEIPT, RECEIPT.replace("DELIVERED", "ARRIVED"), "ARRIVED"),
    ("roadmap.yaml", RECEIPT, RECEIPT.replace("[ISSUED]", "[SENT]"), "SENT"),
    ("roadmap.yaml", "    - " + RECEIPT, "    - " + RECEIPT.replace("system", "bureau") + ' basis: "x"}\n    - ' + RECEIPT, "书写者：bureau、system"),
    ("roadmap.yaml", RECEIPT, RECEIPT.replace("system", "nobody"), "writer"),
    ("roadmap.yaml", "guards: [names_office]", "guards: [names_nobody]", "names_nobody"),
    ("roadmap.yaml", "extends: result", "extends: results", "results"),
    ("roadmap.yaml", "duty: {kind: supplement.get,", "duty: {kind: supplement.fetch,", "supplement.fetch"),
    ("roadmap.yaml", "RETURNED: {zh: 已退回, fhir: rejected, end: true, petition: WITH_CLERK,", "RETURNED: {zh: 已退回, fhir: rejected, end: true, petition: WITH_NOBODY,", "WITH_NOBODY"),
    ("roadmap.yaml", "looped: DISPUTED", "looped: DISPUTING", "DISPUTING"),
    ("roadmap.yaml", "petition_by_stage: {rereview: CONCLUDED}", "petition_by_stage: {rereview: ENDED}", "ENDED"),
    ("roadmap.yaml", "writer: bureau, petition: WITH_CLERK", "writer: bureau, petition: LOST", "LOST"),
    ("roadmap.yaml", "from: [REPORTED_UP], to: WITH_CLERK", "from: [REPORTED_UP], to: same", "REPORTED_UP 没有出路"),
    ("clocks.yaml", "warn: [0.5, 0.8]", "warn: [0.8, 0.5]", "warn"),
    ("clocks.yaml", "warn: [0.5, 0.8]", "warn: [0.5, 1.5]", "warn"),
    ("clocks.yaml", "profile: [court], limit: 7d", "profile: [courts], limit: 7d", "courts"),
    ("clocks.yaml", "branch: [B3.6], limit", "branch: [B36], limit", "B36"),
    ("clocks.yaml", "{profile: [court], limit: 7d,", "{limit: 7d,", "永远用不到"),
    ("clocks.yaml", '{limit: 15d, basis: "XF 23(3)", verified: "yes", row: [X09]}', '{profile: [agency], limit: 15d, basis: "XF 23(3)", verified: "yes", row: [X09]}', "没有兜底的一行"),
    ("clocks.yaml", "{id: mediation, profile: [mediation]", "{id: rest, profile: [mediation]", "有两行都叫 rest"),
    ("clocks.yaml", "counts_from: acceptance", "counts_from: receipt", "counts_from"),
    ("clocks.yaml", "deemed: acceptance.deemed", "deemed: acceptance.presumed", "acceptance.presumed"),
    ("clocks.yaml", "id: mediation,", "id: Mediation,", "格式不对"),
    ("clocks.yaml", "next: bureau_late", "next: bureau_later", "bureau_later"),
    ("clocks.yaml", "repeats: true", "repeats: false", "自我重复"),
    ("clocks.yaml", "pauses_in: [SUSPENDED,", "pauses_in: [SUSPENSE,", "SUSPENSE"),
    ("clocks.yaml", "duty: {kind: undelivered,", "duty: {kind: unsent,", "unsent"),
    ("clocks.yaml", "  security: {zh: 安全事项核查, limit: 1wd, basis: \"内部\"}", "", "security"),
    ("clocks.yaml", "limit: 24h", "limit: 24hours", "limit"),
    ("clocks.yaml", "rungs:\n", "  unused:\n    zh: 无用\n    owes: bureau\n    cases: [{limit: 1d, basis: x, verified: internal}]\n    on_expiry: {}\nrungs:\n", "没有任何状态使用"),
])
def test_a_fault_is_named_with_its_line_and_a_cure(tmp_path: Path, name: str, old: str, new: str, words: str) -> None:
    faults = broken(tmp_path, name, old, new)
    hits = [fault for fault in faults if words in fault]
    assert hits, faults
    assert name in hits[0]
    assert any(character.isdigit() for character in hits[0])


def at(profile: str, branch: str = "", track: str = "", stage: Stage = "handling", flags: tuple[str, ...] = (), division: str = "") -> ClockContext:
    return ClockContext(profile, branch, track, stage, frozenset(flags), division)


@pytest.mark.parametrize(("wish", "yes", "no"), [
    ({"profile": ("court",), "branch": ("B1",)}, [at("court", "B1")], [at("court"), at("agency", "B1")]),
    ({"profile": ("court", "police")}, [at("court"), at("police", "B1")], [at("agency")]),
    ({"track": ("licensing",)}, [at("agency", track="licensing")], [at("agency"), at("agency", track="penalty")]),
    ({"stage": ("review",)}, [at("agency", stage="review")], [at("agency"), at("agency", stage="rereview")]),
    ({"flag": ("simple", "bound")}, [at("agency", flags=("simple",)), at("agency", flags=("late", "bound"))], [at("agency"), at("agency", flags=("late",))]),
    ({"division": ("9901",)}, [at("agency", division="990103"), at("agency", division="990100")], [at("agency", division="990203"), at("agency")]),
    ({"division": ("990103",), "branch": ("B3.6",)}, [at("agency", "B3.6", division="990103100")], [at("agency", "B3.6", division="990102"), at("agency", division="990103")]),
    ({}, [at("any", "any"), at("")], []),
])
def test_conditions_are_joined_by_and_their_values_by_or(wish: dict[str, tuple[str, ...]], yes: list[ClockContext], no: list[ClockContext]) -> None:
    case = Case.model_validate({"limit": "1d", "basis": "x", "verified": "yes", **wish})
    assert all(case.fits(one) for one in yes)
    assert not any(case.fits(one) for one in no)
    assert case.open_to_all == (not wish)


@pytest.mark.parametrize(("told", "name"), [({}, "rest"), ({"row": ("X19",)}, "X19"), ({"row": ("X01", "X02")}, "X01+X02"), ({"row": ("X19",), "id": "local"}, "local")])
def test_a_case_has_a_name_that_outlives_its_place(told: dict[str, object], name: str) -> None:
    assert Case.model_validate({"limit": "1d", "basis": "x", "verified": "yes", **told}).name == name
