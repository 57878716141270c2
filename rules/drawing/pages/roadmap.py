"""The road map in words: every state and every edge in a table, under the sheet that shows them."""

from __future__ import annotations

from config.roadmap import SAME, Edge, Machine
from rules.drawing.markdown import page, table
from rules.drawing.phrases import Phrases
from rules.drawing.words import HOLDER_ZH, WRITER_ZH, act

_ABOUT = """信访事项和转送件各处于一个状态。每个等待状态恰有一个持有者和一个最近期限；每条边只有一个书写者；期限届满后做什么见[期限表](clocks.md)。

![路线图](road-map.svg)

打印：A3 竖放。每个分支另有一张图，见[分支](README.md#分支)。"""


def road_map_page(say: Phrases) -> str:
    """The page beside road-map.svg."""
    parts = [_ABOUT]
    for title, machine in (("信访事项", say.roads.petition), ("转送件", say.roads.handoff)):
        parts += [f"## {title}的状态", _states(machine, say), f"## {title}的边", _edges(machine, say)]
    return page("路线图", *parts)


def _states(machine: Machine, say: Phrases) -> str:
    roads, clocks = say.roads, say.house.roads.clocks_file
    rows = []
    for key, state in machine.states.items():
        becomes = []
        if state.petition is not None:
            becomes = [f"信访事项转为“{roads.petition.states[name].zh}”" + (f"（{why}）" if why else "")
                       for name, why in ((state.petition, ""), *((each, "复核的") for each in state.petition_by_stage.values()), *([(state.looped, "退回过多的")] if state.looped else []))]
        rows.append((f"{state.zh} `{key}`", "终结" if state.end else HOLDER_ZH[state.holder or "bureau"],
                     "、".join(clocks.clocks[clock].zh for clock in state.clocks), state.duty.zh if state.duty else "；".join(becomes)))
    return table(("状态", "在谁手里", "在此运行的期限", "待办，或终结之后"), rows)


def _edges(machine: Machine, say: Phrases) -> str:
    return table(("步骤", "谁来写", "从", "到", "守则", "发给承办单位", "依据"), [_edge(edge, machine, say) for edge in machine.edges])


def _edge(edge: Edge, machine: Machine, say: Phrases) -> tuple[str, ...]:
    to = "状态不变" if edge.to == SAME else machine.states[edge.to].zh
    return (f"{act(edge.message)} `{edge.message}`", WRITER_ZH[edge.writer], "、".join(machine.states[start].zh for start in edge.from_), to,
            "、".join(f"`{guard}`" for guard in edge.guards), f"`{edge.sends}`" if edge.sends else "", say.basis(edge.basis))
