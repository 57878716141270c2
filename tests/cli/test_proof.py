"""The static proof: the shipped configuration has no dead end, and every way to make one is found and named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from config.bodies import Bodies, Body
from config.roadmap import ClocksFile, RoadMapFile
from config.routing import RoutingTable
from connectors.registry import KINDS
from connectors.wire.events import TO_BODY
from rules.calendar import WorkCalendar
from rules.proof import Defect, missing_years, prove, unconfirmed
from tests.models.ledger import BUREAU, house

Parts = dict[str, Any]


def parts() -> Parts:
    """The shipped configuration as plain data, to be broken."""
    h = house()
    return {
        "roads": h.roads.file.model_dump(by_alias=True), "clocks": h.roads.clocks_file.model_dump(by_alias=True), "table": h.table.model_dump(),
        "bodies": [b.model_dump() for b in h.bodies], "bureau": BUREAU, "kinds": set(KINDS), "carried": set(TO_BODY),
    }


def defects(p: Parts) -> list[Defect]:
    h = house()
    places = [h.bodies.place(d) for d in sorted({b.division for b in h.bodies})]
    bodies = Bodies([place for place in places if place is not None], [Body.model_validate(b) for b in p["bodies"]])
    return prove(RoadMapFile.model_validate(p["roads"]), ClocksFile.model_validate(p["clocks"]), bodies, RoutingTable.model_validate(p["table"]),
                 kinds=p["kinds"], carried=p["carried"], bureau=p["bureau"])


def test_the_shipped_configuration_has_no_dead_end() -> None:
    assert defects(parts()) == []


def state(name: str, machine: str = "handoff") -> Callable[[Parts], Parts]:
    return lambda p: p["roads"][machine]["states"][name]


def without_edges(machine: str, keep: Callable[[Parts], bool]) -> Callable[[Parts], None]:
    def change(p: Parts) -> None:
        p["roads"][machine]["edges"] = [e for e in p["roads"][machine]["edges"] if keep(e)]

    return change


def change(where: Callable[[Parts], Any], **values: Any) -> Callable[[Parts], None]:
    return lambda p: where(p).update(values)


def rung(name: str, part: str = "rungs") -> Callable[[Parts], Any]:
    return lambda p: p["clocks"][part][name]


def on_expiry(name: str, part: str = "rungs") -> Callable[[Parts], Any]:
    return lambda p: p["clocks"][part][name]["on_expiry"]


def cycle(p: Parts) -> None:
    p["clocks"]["rungs"]["supervised"]["on_expiry"]["next"] = "urged"


def nobody_asked(p: Parts) -> None:
    for clock in [*p["clocks"]["clocks"].values(), *p["clocks"]["rungs"].values()]:
        clock["on_expiry"]["duty"] = None


def second_writer(p: Parts) -> None:
    p["roads"]["handoff"]["edges"] += ({"message": "handoff.signed", "from": ["DELIVERED"], "to": "SIGNED", "writer": "system", "basis": "x"},)


def to_nowhere(p: Parts) -> None:
    p["roads"]["handoff"]["edges"][0]["to"] = "ATTIC"


def lonely(p: Parts) -> None:
    p["roads"]["handoff"]["states"]["ATTIC"] = {**p["roads"]["handoff"]["states"]["SIGNED"], "zh": "阁楼"}


def drop_bodies(keep: Callable[[Parts], bool]) -> Callable[[Parts], None]:
    def drop(p: Parts) -> None:
        p["bodies"] = [b for b in p["bodies"] if keep(b)]

    return drop


def no_connector(p: Parts) -> None:
    p["kinds"].remove("http")


BREAKS: list[tuple[str, Callable[[Parts], None], str, str]] = [
    ("no way out", without_edges("handoff", lambda e: "REPORTED" not in e["from"]), "handoff.REPORTED", "走不到任何终结状态"),
    ("an unreachable state", lonely, "handoff.ATTIC", "从起始状态走不到"),
    ("an edge to nowhere", to_nowhere, "handoff.DRAFT", "不存在的状态 ATTIC"),
    ("no holder", change(state("SIGNED"), holder=None), "handoff.SIGNED", "没有持有者"),
    ("no clock", change(state("SIGNED"), clocks=[]), "handoff.SIGNED", "没有一个在走的期限"),
    ("only a paused clock", change(state("SUSPENDED"), clocks=["result"]), "handoff.SUSPENDED", "都在此状态暂停"),
    ("a clock with nothing above it", change(on_expiry("issue", "clocks"), next=None), "clocks.yaml issue", "没有下一级"),
    ("a rung with nothing above it", change(on_expiry("supervised"), next=None), "clocks.yaml", "没有下一级"),
    ("a rung that is not there", change(on_expiry("urged"), next="attic"), "clocks.yaml", "attic 不存在"),
    ("rungs in a circle", cycle, "clocks.yaml", "打转"),
    ("a last rung that asks once", change(rung("conference"), repeats=False), "clocks.yaml", "打转"),
    ("a last rung without people", change(rung("conference"), owes="partner"), "clocks.yaml", "不由联席会议承担"),
    ("nobody gets a duty", nobody_asked, "clocks.yaml", "没有给任何人立待办"),
    ("two writers", second_writer, "handoff.DELIVERED", "partner、system"),
    ("a start that is the end", lambda p: p["roads"]["handoff"].update(start="CLOSED"), "handoff.start", "终结状态"),
    ("a message the wire does not know", lambda p: p["carried"].discard("handoff.urge"), "handoff", "handoff.urge"),
    ("a bureau that is not there", lambda p: p.update(bureau="bureau-000000"), "bodies.yaml", "bureau-000000"),
    ("no joint conference", drop_bodies(lambda b: b["kind"] != "joint_conference"), "bodies.yaml", "联席会议"),
    ("a connector nobody has", no_connector, "bodies.yaml court-990100", "http"),
    ("a row to nowhere", drop_bodies(lambda b: b["kind"] != "land_arbitration"), "routing.yaml B3.2-land", "找不到去向"),
    ("a sector nobody has", drop_bodies(lambda b: b["kind"] != "reconsideration"), "routing.yaml B3.4-reconsideration", "找不到去向"),
]


@pytest.mark.parametrize(("break_it", "where", "what"), [b[1:] for b in BREAKS], ids=[b[0] for b in BREAKS])
def test_every_way_to_strand_a_case_is_found(break_it: Callable[[Parts], None], where: str, what: str) -> None:
    p = parts()
    break_it(p)
    found = defects(p)
    assert any(where in d.where and what in d.what and d.cure for d in found), found


def test_a_petition_can_end_by_its_hand_off_or_by_the_clerk_and_needs_one_of_them() -> None:
    p = parts()
    p["roads"]["petition"]["edges"] = [e for e in p["roads"]["petition"]["edges"] if e["to"] != "CLOSED"]
    assert defects(p) == []  # by what becomes of the hand-off
    for each in p["roads"]["handoff"]["states"].values():
        each["petition"] = "WITH_CLERK" if each["end"] else None
    assert {"roadmap.yaml petition.WITH_CLERK", "roadmap.yaml petition.HANDED_OFF"} <= {d.where for d in defects(p)}


def test_what_is_not_confirmed_is_listed_with_what_happens_meanwhile() -> None:
    h = house()
    points = unconfirmed(h.roads.clocks_file, h.table)
    assert any(u.where == "clocks.yaml sign" and u.verified == "内部时限" and "内部时限" in u.meanwhile for u in points)
    assert any(u.where == "routing.yaml B2a" and u.verified == "我方理解" for u in points)
    assert not any(u.where == "routing.yaml B3.6" for u in points)


def test_years_without_a_holiday_table() -> None:
    calendar = WorkCalendar()
    assert missing_years(calendar, 2025) == []
    assert missing_years(calendar, 2090) == [2090, 2091]
