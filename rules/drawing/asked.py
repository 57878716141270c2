"""What strangers ask, answered from the configuration: after this step, who has it; when nobody acts, what happens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from config.roadmap import SAME, Edge, Machine, State
from rules.drawing.machines import whole_limit
from rules.drawing.phrases import Phrases
from rules.drawing.words import HOLDER_ZH, act
from rules.limits import parse_limit
from rules.words import STAGE_ZH

STEPS = (
    ("法院（或者别的承办单位）认为不归它管，提出异议，之后到哪里？", "handoff.objected"),
    ("承办单位不予受理，之后到哪里？", "handoff.declined"),
    ("两家都说不归自己管，谁来定？", "objection.escalated"),
    ("承办单位报结以后呢？", "handoff.result"),
    ("来访的人被引导到法院，之后谁跟着？", "petition.guide"),
    ("重大、紧急事项报请决定以后呢？", "petition.report_up"),
    ("信访人对答复不服，要求复查呢？", "petition.review"),
)
WAITS = (("承办单位到期不受理、不告知呢？", "accept"), ("承办单位到期不办结呢？", "result"), ("信访部门自己拖着不转呢？", "route"))


@dataclass(frozen=True, slots=True)
class Answer:
    """`state` and `machine` name the state the answer is about; both empty where it is about a clock."""

    question: str
    answer: str
    machine: str = ""
    state: str = ""


def answers(say: Phrases) -> Iterator[Answer]:
    """Every question whose step or clock this configuration has."""
    roads, clocks = say.roads, say.house.roads.clocks_file.clocks
    for question, message in STEPS:
        for name, machine in (("petition", roads.petition), ("handoff", roads.handoff)):
            edge = next((edge for edge in machine.edges if edge.message == message and edge.to != SAME), None)
            if edge is not None:
                state = machine.states[edge.to]
                told = f"“{state.zh}”：{_opened(edge, say) or held(state, say)}。{_ways_out(edge.to, machine)}依据：{say.basis(edge.basis)}。"
                yield Answer(question, told, name, edge.to)
    for question, key in WAITS:
        if key in clocks:
            clock = clocks[key]
            yield Answer(question, f"“{clock.zh}”（{whole_limit(key, clock)}）届满：{say.after(clock)}。逐级：{say.ladder(clock)}。")


def held(state: State, say: Phrases) -> str:
    """Who has it in this state, and what they owe by when."""
    if state.end:
        return "终结"
    if state.holder == "handoff":
        return "随转送件，见转送件各状态"
    holder, clocks = state.holder or "bureau", say.house.roads.clocks_file.clocks
    owed = [f"{clocks[key].zh} {whole_limit(key, clocks[key])}" for key in state.clocks if clocks[key].owes == holder and key != "total"]
    return f"由{HOLDER_ZH[holder]}办" + (f"，{'；'.join(owed)}" if owed else "")


def _opened(edge: Edge, say: Phrases) -> str:
    """For an edge that opens a hand-off of a later stage: to whom, and by when they answer. Empty for every other edge."""
    if edge.stage == "handling":
        return ""
    clocks = say.house.roads.clocks_file.clocks.values()
    owed = [f"{clock.zh} {parse_limit(case.limit).zh}" for clock in clocks if clock.owes == "partner" for case in clock.cases if edge.stage in case.stage]
    to = "由原办理机关的上一级机关" if "next_higher" in edge.guards else "另开转送件"
    return f"{to}{STAGE_ZH[edge.stage]}" + (f"，{'；'.join(owed)}" if owed else "")


def _ways_out(key: str, machine: Machine) -> str:
    out = [f"{act(edge.message)}→{machine.states[edge.to].zh}" for edge in machine.edges if key in edge.from_ and edge.to not in (SAME, key)]
    return f"出路：{'、'.join(out)}。" if out else ""
