"""The sheet of one branch: where it comes from and goes to, what of the road map occurs on it, its limits with their articles, what else the petitioner may do."""

from __future__ import annotations

from config.roadmap import Clock
from config.rows import Row
from rules.drawing.branches import Road
from rules.drawing.machines import span
from rules.drawing.panels import Block, panel
from rules.drawing.phrases import Phrases
from rules.drawing.sheets import APART, block, machine_diagram, paper_width, sheet
from rules.drawing.words import BRANCH_ZH, LEVEL_RULE_ZH

_SHARES = (0.6, 0.72, 0.85, 1.0, 1.2, 1.4)
"""How wide the tables may be, beside diagrams of width 1."""


def branch_sheet(road: Road, say: Phrases) -> str:
    """One branch on one sheet."""
    roads, clocks = road.house.roads.file, road.house.roads.clocks_file

    def limit(key: str, clock: Clock) -> str | None:
        limits = [case.limit for case in road.cases(key)]
        return span(limits) if limits else None

    drawn = [
        block("二、信访事项在本分支可能经过的状态", machine_diagram("petition", roads, clocks, limit, sorted(road.states["petition"]), road.occurs)),
        block("三、转送件在本分支可能经过的状态", machine_diagram("handoff", roads, clocks, limit, sorted(road.states["handoff"]), road.occurs)),
    ]
    about = f"去向：{'、'.join(dict.fromkeys(say.destination(row.to).partition('（')[0] for row in road.rows if row.to is not None)) or '由经办人确定'}。"
    return sheet(f"{road.branch}　{BRANCH_ZH[road.branch]}", about, drawn, *_beside(road, say, drawn))


def _beside(road: Road, say: Phrases, drawn: list[Block]) -> tuple[list[Block], list[Block]]:
    """The tables beside the diagrams, and the first of them above or beside, as makes the letters largest on the paper."""
    width = max(each[2] for each in drawn)
    tried: list[tuple[list[Block], list[Block]]] = []
    for share in _SHARES:
        beside = width * share
        right = [_clocks(road, say, beside), _remedies(road, say, beside)]
        tried += [(right, [_rows(road, say, width + APART + beside)]), ([_rows(road, say, beside), *right], [])]
    return min(tried, key=lambda each: paper_width(drawn, *each))


def _rows(road: Road, say: Phrases, width: float) -> Block:
    """Rows that lead to the same place in the same way stand together; so do those to agencies, each named beside its situation."""
    together: dict[tuple[str, ...], list[tuple[str, Row]]] = {}
    for row in road.rows:
        label, goes = row.label, say.goes(row)
        if row.to is not None and row.to.sector in say.areas.sectors and not row.also:
            label, goes = f"{row.label}（{say.areas.sectors[row.to.sector]}）", f"括号内的主管部门（{LEVEL_RULE_ZH[row.to.level]}）"
        together.setdefault((goes, say.way(row), say.track(row) or "—", say.row_label(row)), []).append((label, row))
    rows = [("、".join(dict.fromkeys(name for name, _ in each)), goes, way, track, "；".join(dict.fromkeys(basis for _, row in each for basis in row.basis)), label)
            for (goes, way, track, label), each in together.items()]
    return panel("一、什么情形，去哪里，怎么去", (("情形", 34), ("去向", 24), ("方式", 10), ("期限轨道", 11), ("依据", 36), ("性质", 9)), rows, width)


def _clocks(road: Road, say: Phrases, width: float) -> Block:
    """What the partner owes, and whatever differs from branch to branch; the bureau's own limits stand in the boxes."""
    clocks = road.house.roads.clocks_file.clocks
    rows = [(clock.zh, say.whom(case), say.limit(case), say.basis(case.basis), say.case_label(key, case))
            for key, clock in clocks.items() for case in road.cases(key) if clock.owes != "bureau" or len(clock.cases) > 1]
    return panel("四、本分支的期限（其余期限见框内和期限表）", (("期限", 16), ("适用", 24), ("时限", 26), ("依据", 24), ("性质", 12)), rows, width)


def _remedies(road: Road, say: Phrases, width: float) -> Block:
    names = dict.fromkeys(name for row in road.rows for name in row.alternatives)
    rows = [(remedy.zh, remedy.limit or "—", say.basis(remedy.basis), say.label(remedy.verified)) for remedy in (road.house.table.remedies[name] for name in names)]
    none = [("本分支没有另外的法定途径", "—", "—", "—")]
    return panel("五、信访人还有什么途径", (("途径", 34), ("期限", 26), ("依据", 26), ("性质", 12)), rows or none, width)
