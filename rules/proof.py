"""The static proof that no case can be stranded: over the configuration alone, before any case exists. Pure; `tonglu check` prints it.

Loading already refuses what contradicts itself in one place (config.roadmap, config.bodies, config.routing). Here the whole is followed: from every
state to an end, from every clock to people who are asked again and again, from every routing row to somebody who can be reached.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from config.bodies import Bodies, Body
from config.facts import Facts, Organ
from config.roadmap import SAME, Clock, ClocksFile, Edge, Machine, RoadMapFile
from config.routing import Destination, RoutingTable, Row
from rules.calendar import WorkCalendar
from rules.destination import Seat, resolve

DESK = "desk"
PEOPLE = "joint_conference"
# Where a hand-off ends, the petition goes to this state unless the road map names another (models.door).
_FALLS_TO = "WITH_CLERK"


@dataclass(frozen=True, slots=True)
class Defect:
    """A dead end. `where`: file and key; `what` and `cure`: Chinese, for the operator."""

    where: str
    what: str
    cure: str

    def __str__(self) -> str:
        return f"{self.where}：{self.what}。修正：{self.cure}"


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """A limit or a routing row whose legal basis nobody has read in full yet, and what the product does meanwhile."""

    where: str
    what: str
    verified: str
    meanwhile: str


def prove(
    roads: RoadMapFile, clocks: ClocksFile, bodies: Bodies, table: RoutingTable, *, kinds: Collection[str], carried: Collection[str], bureau: str,
) -> list[Defect]:
    """Every dead end of this configuration; empty when there is none.

    Args:
        kinds: the kinds of connector there are; `desk` (people at our own console) counts without being named.
        carried: the messages the wire can carry to a body.
        bureau: the code of the bureau whose installation this is.
    """
    return [
        *_machine("petition", roads.petition, _petition_steps(roads), clocks),
        *_machine("handoff", roads.handoff, _steps(roads.handoff), clocks),
        *_starts(roads),
        *_writers("petition", roads.petition),
        *_writers("handoff", roads.handoff),
        *_letters(roads, carried),
        *_people(bodies, bureau),
        *_reached(bodies, kinds),
        *_rows(table, bodies),
    ]


# -- states and clocks --------------------------------------------------------------------------------------------------------


def _steps(machine: Machine) -> dict[str, set[str]]:
    steps: dict[str, set[str]] = {name: set() for name in machine.states}
    for edge in machine.edges:
        for start in edge.from_:
            steps.setdefault(start, set()).add(start if edge.to == SAME else edge.to)
    return steps


def _petition_steps(roads: RoadMapFile) -> dict[str, set[str]]:
    """A petition that has been handed off leaves that state by what becomes of the hand-off."""
    steps = _steps(roads.petition)
    ends = {s.petition or _FALLS_TO for s in roads.handoff.states.values() if s.end} | {e.petition for e in roads.handoff.edges if e.petition}
    for name, state in roads.petition.states.items():
        if state.holder == "handoff":
            steps[name] |= ends
    return steps


def _machine(name: str, machine: Machine, steps: Mapping[str, set[str]], clocks: ClocksFile) -> Iterator[Defect]:
    ends = {key for key, state in machine.states.items() if state.end}
    home = _backwards(steps, ends)
    seen = _forwards(steps, {machine.start})
    for key, state in machine.states.items():
        where = f"roadmap.yaml {name}.{key}"
        for target in sorted(steps.get(key, set()) - machine.states.keys()):
            yield Defect(where, f"通向不存在的状态 {target}", "改正去向，或补上该状态")
        if key not in home:
            yield Defect(where, f"状态“{state.zh}”走不到任何终结状态", "补上通向终结状态的边")
        if key not in seen:
            yield Defect(where, f"状态“{state.zh}”从起始状态走不到", "补上通向它的边，或删去该状态")
        if state.end or state.holder == "handoff":
            continue
        if state.holder is None:
            yield Defect(where, f"等待状态“{state.zh}”没有持有者", "写明 holder")
        running = [c for c in state.clocks if c in clocks.clocks and key not in clocks.clocks[c].pauses_in]
        if not running:
            yield Defect(where, f"状态“{state.zh}”没有一个在走的期限（没写，或都在此状态暂停）", "在 clocks 中写一个不在此状态暂停的期限")
        broken = {c: why for c in running if (why := _ladder(clocks.clocks[c], clocks, state.duty is not None))}
        if running and len(broken) == len(running):
            for clock, why in broken.items():
                yield Defect(f"clocks.yaml {clock}", f"状态“{state.zh}”到期后无人可找：{why}", "让 on_expiry.next 最终通到 conference（repeats: true）")


def _ladder(clock: Clock, clocks: ClocksFile, asked: bool) -> str | None:
    """Why the ladder above a clock does not end with people who are asked again and again; None when it does. `asked`: the state itself opens a duty."""
    at, seen = clock, set[str]()
    while True:
        asked = asked or at.on_expiry.duty is not None
        follow = at.on_expiry.next
        if follow is None:
            return f"“{at.zh}”届满后没有下一级"
        if follow not in clocks.rungs:
            return f"下一级 {follow} 不存在"
        if follow in seen:
            break
        seen.add(follow)
        at = clocks.rungs[follow]
    if at.on_expiry.next != follow or not at.repeats:
        return f"“{at.zh}”在各级之间打转，而不停在重复提醒的一级"
    if at.owes != PEOPLE:
        return f"最后一级“{at.zh}”不由联席会议承担"
    return None if asked else "各级都没有给任何人立待办"


def _starts(roads: RoadMapFile) -> Iterator[Defect]:
    start = roads.handoff.states.get(roads.handoff.start)
    if start is None or start.end:
        yield Defect("roadmap.yaml handoff.start", "转送件的起始状态不存在，或就是终结状态", "写一个等待状态")
    if _FALLS_TO not in roads.petition.states:
        yield Defect("roadmap.yaml petition", f"没有状态 {_FALLS_TO}，退回的信访事项无处可去", "补上经办人处理的状态")


def _forwards(steps: Mapping[str, set[str]], start: set[str]) -> set[str]:
    seen, todo = set(start), list(start)
    while todo:
        fresh = steps.get(todo.pop(), set()) - seen
        seen |= fresh
        todo.extend(fresh)
    return seen


def _backwards(steps: Mapping[str, set[str]], ends: set[str]) -> set[str]:
    turned: dict[str, set[str]] = {}
    for start, targets in steps.items():
        for target in targets:
            turned.setdefault(target, set()).add(start)
    return _forwards(turned, ends)


# -- edges ------------------------------------------------------------------------------------------------------------------


def _writers(name: str, machine: Machine) -> Iterator[Defect]:
    first: dict[tuple[str, str], Edge] = {}
    for edge in machine.edges:
        for start in edge.from_:
            other = first.setdefault((start, edge.message), edge)
            if other is not edge:
                who = "、".join(sorted({other.writer, edge.writer}))
                yield Defect(f"roadmap.yaml {name}.{start}", f"边 {edge.message} 写了两次（书写者：{who}）", "每条边只能有一个书写者：保留一条")


def _letters(roads: RoadMapFile, carried: Collection[str]) -> Iterator[Defect]:
    for edge in roads.handoff.edges:
        if edge.sends and edge.sends not in carried:
            yield Defect("roadmap.yaml handoff", f"边 {edge.message} 要发 {edge.sends}，而线路格式中没有这种消息", "改用 docs/wire.md 所列的消息名")


# -- people and bodies ------------------------------------------------------------------------------------------------------


def _people(bodies: Bodies, bureau: str) -> Iterator[Defect]:
    if bureau not in bodies:
        yield Defect("bodies.yaml", f"信访部门 {bureau} 不在机关目录中", "补上该部门，或改正 TONGLU_BUREAU")
    elif bodies.find(PEOPLE, bodies.get(bureau).division) is None:
        yield Defect("bodies.yaml", f"{bodies.get(bureau).name}没有联席会议，逐级督办没有终点", "补写该区划的 joint_conference")


def _reached(bodies: Bodies, kinds: Collection[str]) -> Iterator[Defect]:
    for body in bodies:
        if body.connector.kind != DESK and body.connector.kind not in kinds:
            known = "、".join(sorted({DESK, *kinds}))
            yield Defect(f"bodies.yaml {body.code}", f"{body.name}的连接方式 {body.connector.kind} 不存在，送不到", f"改用以下之一：{known}")


def _rows(table: RoutingTable, bodies: Bodies) -> Iterator[Defect]:
    divisions = sorted({body.division for body in bodies})
    sectors = sorted({body.sector for body in bodies if body.sector})
    for row in table.rows:
        if row.to is None:
            continue
        if not any(True for _ in _seats(row.to, row, bodies, divisions, sectors)):
            yield Defect(f"routing.yaml {row.id}", f"“{row.label}”在任何区划都找不到去向", "改正去向，或在 bodies.yaml 中补写该机关")


def _seats(to: Destination, row: Row, bodies: Bodies, divisions: Iterable[str], sectors: Iterable[str]) -> Iterator[Body]:
    """Bodies this destination can mean, over every division, sector and organ the row allows."""
    if to.body is not None:
        yield from bodies
        return
    organs = get_args(Organ) if to.kind == "$organ" else (None,)
    fields = list(sectors) if to.sector == "$sector" else [None]
    wanted = row.when.get("sector")
    if isinstance(wanted, str) and wanted in fields:
        fields = [wanted]
    for division in divisions:
        for organ in organs:
            for sector in fields:
                seat = resolve(to, _facts(division, organ, sector, to), bodies)
                if isinstance(seat, Seat):
                    yield seat.body


def _facts(division: str, organ: str | None, sector: str | None, to: Destination) -> Facts:
    told = {"division": division, "organ": organ, "sector": sector, "accused_level": "district" if to.level == "above_accused" else None}
    return Facts.model_validate({name: value for name, value in told.items() if value is not None})


# -- what is not confirmed ----------------------------------------------------------------------------------------------------

_ZH = {"internal": "内部时限", "memory": "凭记忆", "inference": "我方理解"}


def unconfirmed(clocks: ClocksFile, table: RoutingTable) -> list[Unconfirmed]:
    """Limits and rows that rest on a service level, a memory or a reading of ours, and how they are treated until somebody confirms them."""
    found: list[Unconfirmed] = []
    for part in (clocks.clocks, clocks.rungs):
        for key, clock in part.items():
            for case in clock.cases:
                if case.verified in _ZH:
                    whom = "、".join((*case.profile, *case.branch)) or "其余"
                    label = "内部时限" if case.verified == "internal" else "法定（待确认）"
                    found.append(Unconfirmed(f"clocks.yaml {key}", f"{clock.zh}（{whom}）{case.limit}，{case.basis}", _ZH[case.verified],
                                             f"照此计时，到期日旁标“{label}”"))
    for row in table.rows:
        if row.verified in _ZH:
            what = f"{row.label}，{'；'.join(row.basis)}"
            does = "照此转送，依据待确认" if row.to else "照此交经办人，依据待确认"
            found.append(Unconfirmed(f"routing.yaml {row.id}", what, _ZH[row.verified], does))
    return found


def missing_years(calendar: WorkCalendar, year: int) -> list[int]:
    """Which of this year and the next have no holiday table: due dates that touch them are provisional."""
    return [y for y in (year, year + 1) if not calendar.known(y)]
