"""Who does what and when: first by step (what comes after it), then by state (who holds it, what may be done, what happens if nobody acts)."""

from __future__ import annotations

from config.roadmap import SAME, Edge, Machine, State
from rules.drawing.asked import answers, held
from rules.drawing.machines import stands_still, whole_limit
from rules.drawing.markdown import anchor, bullets, page, table
from rules.drawing.phrases import Phrases
from rules.drawing.words import ARBITER_ZH, HOLDER_ZH, WRITER_ZH, act
from rules.limits import parse_limit
from rules.words import PROPOSAL_ZH

FEEDBACK = "proposal.feedback"
_ABOUT = """先看第一张表：做了一步以后，事情到谁手里、多久之内要办什么。再看各个状态：在谁手里，能做什么，没有人动会怎样。
图：[路线图](road-map.md)。确切的时限随机关、分支而异，见[期限表](clocks.md)。
""" + ARBITER_ZH


def who_page(say: Phrases) -> str:
    """The page."""
    roads = say.roads
    parts = [_ABOUT, "## 常问", bullets(_asked(say)), "## 一步之后", "### 信访事项", _after(roads.petition, say), "### 转送件", _after(roads.handoff, say)]
    for title, name, machine in (("信访事项", "petition", roads.petition), ("转送件", "handoff", roads.handoff)):
        parts.append(f"## {title}的各个状态")
        for key, state in machine.states.items():
            parts += [f"{anchor(f'{name}.{key}')}\n### {state.zh} `{key}`", bullets(_state(key, state, machine, say))]
    parts += ["## 三项建议", bullets(_proposals(say))]
    return page("谁在什么时候做什么", *parts)


def _asked(say: Phrases) -> list[str]:
    return [f"**{each.question}** {each.answer}" + (f"[详见](#{each.machine}.{each.state})" if each.state else "") for each in answers(say)]


def _then(edge: Edge, machine: Machine, say: Phrases) -> str:
    """Who acts after an edge; where the hand-off ends, what the petition becomes."""
    state, petition = machine.states[edge.to], say.roads.petition.states
    becomes = edge.petition or state.petition
    return held(state, say) + (f"；信访事项转为“{petition[becomes].zh}”" if becomes is not None else "")


def _after(machine: Machine, say: Phrases) -> str:
    rows = [(act(edge.message), WRITER_ZH[edge.writer], "、".join(machine.states[key].zh for key in edge.from_),
             "不变" if edge.to == SAME else machine.states[edge.to].zh, "不变" if edge.to == SAME else _then(edge, machine, say)) for edge in machine.edges]
    return table(("步骤", "谁来做", "可在何时做", "之后的状态", "之后谁办、多久"), rows)


def _proposals(say: Phrases) -> list[str]:
    """What stands beside the road map: a proposal is owed an answer, whether the case is closed or not."""
    duty = say.house.roads.clocks_file.duties.get(FEEDBACK)
    if duty is None:
        return [f"{'、'.join(PROPOSAL_ZH.values())}：没有反馈期限"]
    return [f"{'、'.join(PROPOSAL_ZH.values())}：由信访部门提出，不改变事项和转送件的状态",
            f"{HOLDER_ZH[duty.holder]}须在 {parse_limit(duty.limit).zh} 内“{duty.zh}”（{say.basis(duty.basis)}，{say.label(duty.verified, f'duties.{FEEDBACK}')}）；到期没有反馈的，提请联席会议"]


def _state(key: str, state: State, machine: Machine, say: Phrases) -> list[str]:
    roads, clocks = say.roads, say.house.roads.clocks_file
    if state.end:
        lines = ["**终结**：没有人再欠什么。"]
        if state.petition is not None:
            later = [f"转为“{roads.petition.states[state.petition].zh}”"]
            later += [f"复核的转为“{roads.petition.states[name].zh}”" for name in state.petition_by_stage.values()]
            later += [f"退回过多的转为“{roads.petition.states[state.looped].zh}”"] if state.looped else []
            lines.append(f"信访事项：{'；'.join(later)}")
    else:
        lines = [f"**在谁手里**：{HOLDER_ZH[state.holder or 'bureau']}" + (f"，待办“{state.duty.zh}”" if state.duty else "")]
    by: dict[str, list[Edge]] = {}
    for edge in machine.edges:
        if key in edge.from_:
            by.setdefault(edge.writer, []).append(edge)
    for writer, edges in by.items():
        acts = "、".join(act(edge.message) + ("" if edge.to in (SAME, key) else f"（→{machine.states[edge.to].zh}）") for edge in edges)
        lines.append(f"**{WRITER_ZH[writer]}可以**：{acts}")
    for name in state.clocks:
        clock = clocks.clocks[name]
        lines.append(f"**没有人动**：{HOLDER_ZH[clock.owes]}须在 {whole_limit(name, clock)} 内“{clock.zh}”{stands_still(key, clock)}；届满：{say.after(clock)}。逐级：{say.ladder(clock)}")
    return lines
