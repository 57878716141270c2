"""The static proof, defect by defect: what each way of stranding a case is called, where it is said to be, and by which way a case comes there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import config
from config.bodies import Bodies, Body
from config.roadmap import ClocksFile, RoadMapFile
from config.routing import RoutingTable
from config.source import ConfigError
from connectors.sound import HEARD, prove_house, require_sound
from rules.calendar import WorkCalendar
from rules.house import House
from rules.proof import Defect, Parts, Proof, missing_years, prove
from rules.proof.walk import Walk
from rules.roadmap import RoadMap
from tests.models.ledger import house
from tests.rules.mutations.judging import sound_parts

Data = dict[str, Any]
FOLDER = Path(config.__file__).parent


def data() -> Data:
    """The shipped configuration as plain data, to be broken."""
    p = sound_parts()
    return {"roads": p.roads.model_dump(by_alias=True), "clocks": p.clocks.model_dump(by_alias=True), "table": p.table.model_dump(),
            "bodies": [b.model_dump() for b in p.bodies]}


def parts(d: Data, **others: Any) -> Parts:
    p = sound_parts()
    bodies = Bodies(p.bodies.places, [Body.model_validate(b) for b in d["bodies"]])
    whole = {"kinds": p.kinds, "carried": p.carried, "heard": p.heard, "bureau": p.bureau, **others}
    return Parts(RoadMapFile.model_validate(d["roads"]), ClocksFile.model_validate(d["clocks"]), bodies, RoutingTable.model_validate(d["table"]), **whole)


def proof(d: Data, **others: Any) -> Proof:
    return prove(parts(d, **others))


def codes(found: Proof) -> set[str]:
    return {d.code for d in found.defects}


def one(found: Proof, code: str) -> Defect:
    return next(d for d in found.defects if d.code == code)


def edge(d: Data, message: str, machine: str = "handoff") -> Data:
    return next(e for e in d["roads"][machine]["edges"] if e["message"] == message)


def state(d: Data, key: str, machine: str = "handoff") -> Data:
    return d["roads"][machine]["states"][key]  # type: ignore[no-any-return]


def test_the_shipped_configuration_has_no_dead_end_and_says_what_was_explored() -> None:
    found = prove(sound_parts())
    assert found.defects == ()
    assert found.good
    e = found.explored
    assert e.situations > e.states  # petition, hand-off and stage together
    assert e.steps > e.edges
    assert e.routed > 1000
    assert e.seats > e.rows
    assert e.disputes > 100
    assert {note.code for note in found.notes} >= {"heirless", "no-rereviewer"}


def test_a_way_is_the_shortest_and_names_acts_and_states_in_chinese_with_their_codes() -> None:
    d = data()
    for each in d["roads"]["handoff"]["edges"]:
        each["from"] = tuple(s for s in each["from"] if s != "SUSPENDED") or each["from"]
    d["roads"]["handoff"]["edges"] = [e for e in d["roads"]["handoff"]["edges"] if e["message"] != "handoff.resumed"]
    way = one(proof(d), "dead-end").way
    assert way[0] == "已登记（REGISTERED）"
    assert way[-1] == "中止（handoff.suspended）到转办中·中止或待补正（HANDED_OFF/SUSPENDED）"
    acts = [step.partition("（")[2].partition("）")[0] for step in way[1:]]
    assert acts == ["petition.route", "handoff.request", "receipt", "handoff.accepted", "handoff.suspended"]


def test_a_loop_without_a_bound_is_shown_once_round() -> None:
    d = data()
    for each in d["roads"]["petition"]["states"].values():
        each["clocks"] = tuple(c for c in each["clocks"] if c != "total")
    del d["clocks"]["clocks"]["total"]
    loop = one(proof(d), "unbounded-loop")
    assert loop.way[-1] == "……"
    assert any("petition." in step or "handoff." in step or "guide." in step for step in loop.way[1:-1])


def no_clock(d: Data) -> None:
    state(d, "SIGNED")["clocks"] = ("review_opinion",)


def for_courts_only(d: Data) -> None:
    clock = d["clocks"]["clocks"]["result"]
    clock["cases"] = ({**clock["cases"][-1], "profile": ("court",)},)
    clock["optional"] = True


def judge_in_own_case(d: Data) -> None:
    d["bodies"] = [{**b, "superior": None if b["superior"] in ("bureau-990000", "joint_conference-990000") else b["superior"]}
                   for b in d["bodies"] if b["kind"] not in ("bureau", "joint_conference") or b["division"] not in ("990000", "000000")]


def glutton(d: Data) -> None:
    d["table"]["rows"].append({**d["table"]["rows"][0], "id": "A0-all", "rank": 1, "when": {"klass": "suggestion"}})


BREAKS: list[tuple[str, Callable[[Data], object], str, str]] = [
    ("dead-end", lambda d: d["roads"]["handoff"].update(edges=[e for e in d["roads"]["handoff"]["edges"] if "REPORTED" not in e["from"]]), "handoff.states.REPORTED", "REPORTED"),
    ("unreachable-state", lambda d: d["roads"]["handoff"]["states"].update(ATTIC={**state(d, "SIGNED"), "zh": "阁楼"}), "handoff.states.ATTIC", "阁楼"),
    ("no-such-state", lambda d: edge(d, "handoff.signed").update(to="ATTIC"), "handoff.edges", "ATTIC"),
    ("end-left", lambda d: edge(d, "handoff.urge").update(to="SIGNED", **{"from": ("CLOSED",)}), "handoff.states.CLOSED", "催办"),
    ("end-silent", lambda d: state(d, "WITHDRAWN").update(petition=None), "handoff.states.WITHDRAWN", "撤回"),
    ("no-holder", lambda d: state(d, "SIGNED").update(holder=None), "handoff.states.SIGNED", "没有持有者"),
    ("holder-cannot-act", lambda d: state(d, "OBJECTED").update(holder="partner"), "handoff.states.OBJECTED", "partner"),
    ("no-duty", lambda d: state(d, "OBJECTED").update(duty=None), "handoff.states.OBJECTED", "不给任何人立待办"),
    ("no-clock", no_clock, "handoff.states.SIGNED", "SIGNED"),
    ("no-clock", for_courts_only, "handoff.states.ACCEPTED", "没有一个在走的期限"),
    ("clock-not-holders", lambda d: d["clocks"]["clocks"]["suspension"].update(owes="bureau"), "handoff.states.SUSPENDED", "由别人承担"),
    ("ladder", lambda d: d["clocks"]["rungs"]["supervised"]["on_expiry"].update(next="urged"), "clocks.", "打转"),
    ("conference-not-asked", lambda d: d["clocks"]["rungs"]["supervised"]["on_expiry"].update(duty=None), "rungs.supervised", "联席会议"),
    ("clock-restarts", lambda d: state(d, "OBJECTED").update(clocks=("decide_objection", "objection_window", "review_opinion")), "OBJECTED", "重新起算"),
    ("clock-starts-late", lambda d: state(d, "DELIVERED").update(clocks=("sign", "objection_window", "review_opinion")), "DELIVERED", "accept"),
    ("nobody-told", lambda d: d["clocks"]["clocks"]["result"]["on_expiry"].update(urge=False), "clocks.result", "既不催办"),
    ("no-article", lambda d: d["clocks"]["clocks"]["route"]["cases"][-1].update(basis="", verified="yes"), "clocks.route.cases", "没有写条文"),
    ("no-warning", lambda d: d["clocks"]["rungs"]["urged"].update(warn=()), "rungs.urged", "不提醒"),
    ("deemed-elsewhere", lambda d: d["clocks"]["clocks"]["result"]["cases"][0].update(deemed="acceptance.deemed"), "clocks.result.cases.0", "行政复议以外"),
    ("case-unreachable", lambda d: d["clocks"]["clocks"]["result"].update(
        cases=(*d["clocks"]["clocks"]["result"]["cases"], d["clocks"]["clocks"]["result"]["cases"][0])), "clocks.result.cases", "永远用不到"),
    ("two-writers", lambda d: d["roads"]["handoff"].update(edges=(*d["roads"]["handoff"]["edges"], {**edge(d, "handoff.signed"), "writer": "system"})), "handoff.edges", "写了两次"),
    ("wrong-writer", lambda d: edge(d, "ruling.keep").update(writer="bureau"), "handoff.edges", "arbiter"),
    ("act-missing", lambda d: d["roads"]["petition"].update(edges=[e for e in d["roads"]["petition"]["edges"] if e["message"] != "petition.recuse"]), "petition.edges", "经办人回避"),
    ("guard-missing", lambda d: edge(d, "petition.link", "petition").update(guards=("petitioner_told",)), "petition.edges", "names_other"),
    ("unshielded", lambda d: edge(d, "petition.designate", "petition").update(guards=("reasons_given",)), "petition.edges", "被检举控告"),
    ("untold-end", lambda d: edge(d, "petition.close", "petition").update(guards=()), "petition.edges", "告知信访人"),
    ("no-paper-way", lambda d: edge(d, "delivery.by_hand").update(by_hand=False), "handoff.states.ISSUED", "人工送达"),
    ("answer-before-receipt", lambda d: edge(d, "handoff.signed").update(implied_receipt=False), "handoff.edges", "拒收"),
    ("remedy-cut", lambda d: edge(d, "petition.review", "petition").update({"from": ("WITH_CLERK",)}), "petition.states.CLOSED", "复查"),
    ("right-lost", lambda d: edge(d, "handoff.objected").update({"from": ("DELIVERED",)}), "handoff.states.SIGNED", "提出异议"),
    ("bureau-cut-off", lambda d: edge(d, "handoff.supervise").update({"from": ("SIGNED",)}), "handoff.states", "督办"),
    ("silent-body", lambda d: edge(d, "ruling.reassign").update({"from": ("SIGNED",)}), "handoff.states.DELIVERED", "收回改派"),
    ("edge-never-taken", lambda d: edge(d, "handoff.supervise").update(flag=None), "handoff.edges", "收回改派"),
    ("edge-never-taken", lambda d: d["clocks"]["rungs"]["conference"]["on_expiry"].update(duty=None), "petition.edges", "报上一级联席会议"),
    ("no-conference", lambda d: d.update(bodies=[b for b in d["bodies"] if b["code"] != "joint_conference-990100"]), "bodies", "没有终点"),
    ("judge-in-own-case", judge_in_own_case, "bodies.", "回避"),
    ("routing-hole", lambda d: d["table"].update(rows=[r for r in d["table"]["rows"] if r["id"] != "B3.2-labour"]), "rows", "arbitration=labour"),
    ("row-unreachable", glutton, "rows.", "永不适用"),
    ("row-to-nobody", lambda d: d.update(bodies=[b for b in d["bodies"] if b["kind"] != "land_arbitration"]), "rows.", "任何区划"),
]


@pytest.mark.parametrize(("code", "break_it", "where", "what"), BREAKS, ids=[f"{b[0]}-{i}" for i, b in enumerate(BREAKS)])
def test_every_way_to_strand_a_case_is_found_and_named(code: str, break_it: Callable[[Data], object], where: str, what: str) -> None:
    d = data()
    break_it(d)
    found = [x for x in proof(d).defects if x.code == code]
    assert any(where in x.key and what in x.what and x.cure for x in found), proof(d).defects


def test_what_the_wire_cannot_carry_or_bring_is_a_dead_end() -> None:
    assert "not-carried" in codes(proof(data(), carried={"handoff.request"}))
    assert "not-heard" in codes(proof(data(), heard=HEARD - {"handoff.result"}))
    assert "not-recorded" in codes(proof(data(), heard=HEARD | {"handoff.lost"}))
    assert "no-connector" in codes(proof(data(), kinds=set()))
    d = data()
    court = next(b for b in d["bodies"] if b["code"] == "court-990102")
    court.update(connector={"kind": "desk", "options": {}}, fallbacks=[{"kind": "http", "options": {"url": "https://court.example"}}])
    assert any("备用通道 1" in x.what for x in proof(d, kinds={"ftp"}).defects if x.code == "no-connector"), "another way must exist as well"
    assert "no-bureau" in codes(proof(data(), bureau="bureau-000001"))


def test_the_walk_knows_the_stages_of_the_remedies() -> None:
    walk = Walk(sound_parts())
    assert {n.stage for n in walk.nodes} == {"handling", "review", "rereview"}
    assert any(n.petition == "CONCLUDED" and n.stage == "rereview" for n in walk.nodes)
    assert not any(n.petition == "CONCLUDED" and n.stage == "handling" for n in walk.nodes)
    # 复查 is asked for when a petition has ended, 复核 when its review has.
    way = walk.way(next(n for n in walk.nodes if n.stage == "rereview"))
    assert [step.partition("（")[2].partition("）")[0] for step in way if "petition.re" in step] == ["petition.review", "petition.rereview"]


def test_a_start_is_refused_with_file_line_and_cure() -> None:
    h = house()
    require_sound(h, FOLDER)
    d = data()
    state(d, "SIGNED").update(holder=None)
    broken = House(h.bureau, h.bodies, RoadMap(RoadMapFile.model_validate(d["roads"]), h.roads.clocks_file), h.table, h.calendar, h.register, h.gaps, h.confirmed)
    with pytest.raises(ConfigError) as refused:
        require_sound(broken, FOLDER)
    said = str(refused.value)
    line = next(i for i, text in enumerate((FOLDER / "roadmap.yaml").read_text(encoding="utf-8").splitlines(), 1) if text.strip().startswith("SIGNED:"))
    assert f"roadmap.yaml:{line}: [no-holder]" in said
    assert "修正：写明 holder" in said
    assert all(x.line > 0 for x in prove_house(broken, FOLDER).defects)


def test_years_without_a_holiday_table() -> None:
    calendar = WorkCalendar()
    assert missing_years(calendar, 2025) == []
    assert missing_years(calendar, 2090) == [2090, 2091]


def test_every_code_is_explained_and_nothing_else() -> None:
    root = Path(config.__file__).parents[1]
    given = {code for file in (root / "rules" / "proof").glob("*.py") for code in re.findall(r'(?:Defect|Note)\(\s*"([a-z-]+)"', file.read_text(encoding="utf-8"))}
    given |= set(re.findall(r'"(act-not-everywhere|bureau-cut-off|silent-body)"', (root / "rules" / "proof" / "wherever.py").read_text(encoding="utf-8")))
    text = (root / "docs" / "check.md").read_text(encoding="utf-8").partition("## The codes")[2].partition("## The proof of the proof")[0]
    explained = {code for line in text.splitlines() if line.startswith("| `") for code in re.findall(r"`([a-z-]+)`", line.split("|")[1])}
    explained |= set(re.findall(r"`([a-z-]+)`", text.partition("### Notes")[2].partition("Unconfirmed")[0]))
    assert given == explained
    assert len(given) > 50
