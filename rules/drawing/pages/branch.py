"""One branch in words: its sheet, its rows, its limits, what else the petitioner may do, what never happens on it."""

from __future__ import annotations

from rules.drawing.branches import Road
from rules.drawing.markdown import bullets, page, table
from rules.drawing.phrases import Phrases
from rules.drawing.words import BRANCH_ZH, HOLDER_ZH, act


def branch_page(road: Road, say: Phrases) -> str:
    """The page beside the branch's sheet."""
    house = road.house
    rows = [(f"{row.label} `{row.id}`", say.conditions(row), say.goes(row), say.way(row), say.track(row),
             "；".join(row.basis), say.row_label(row)) for row in road.rows]
    limits = [(clock.zh, HOLDER_ZH[clock.owes], say.whom(case), say.limit(case), say.basis(case.basis), say.case_label(key, case))
              for key, clock in house.roads.clocks_file.clocks.items() for case in road.cases(key)]
    remedies = [say.remedy(house.table.remedies[name]) for name in dict.fromkeys(name for row in road.rows for name in row.alternatives)]
    return page(
        f"{road.branch}　{BRANCH_ZH[road.branch]}", f"![{road.branch}]({road.branch}.svg)", "## 去向", "自上而下，最先符合的一行定去向。",
        table(("情形", "须具备的事实", "去向", "方式", "期限轨道", "依据", "性质"), rows), "## 期限", table(("期限", "谁应作为", "适用", "时限", "依据", "性质"), limits),
        "## 信访人还有什么途径", bullets(remedies) or "本分支没有另外的法定途径。", "## 不会出现的状态和步骤", bullets(_never(road)) or "没有：整张路线图都可能出现。",
    )


def _never(road: Road) -> list[str]:
    roads = road.house.roads.file
    lines = []
    for title, name, machine in (("信访事项", "petition", roads.petition), ("转送件", "handoff", roads.handoff)):
        states = [state.zh for key, state in machine.states.items() if key not in road.states[name]]
        acts = list(dict.fromkeys(act(edge.message) for edge in machine.edges if not road.occurs(edge) or road.states[name].isdisjoint(edge.from_)))
        if states:
            lines.append(f"{title}的状态：{'、'.join(states)}")
        if acts:
            lines.append(f"{title}的步骤：{'、'.join(acts)}")
    return lines
