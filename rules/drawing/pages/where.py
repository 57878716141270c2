"""Where does it go? By situation in one index, by kind of procedure in one page each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from config.facts import Branch
from config.rows import PROCEDURES, Row
from rules.drawing.branches import Road
from rules.drawing.markdown import anchor, bullets, page, table
from rules.drawing.phrases import Phrases
from rules.drawing.words import BRANCH_ZH
from rules.house import House

_ABOUT = """按情形找：找到最像的一行，看去向和方式，点情形看时限、依据和信访人的其他途径。同一情形有几行的，须具备的事实不同。
事实互相矛盾、缺少关键事实、或者没有一行合适的，一律交经办人，并写明理由。

命令行里问：`tonglu route situation=拼写 division=区划代码`；拼写见表中代码。"""
CLERK = "clerk"


def where_index(say: Phrases) -> str:
    """Every named situation, and the kinds of procedure."""
    house = say.house
    parts = [_ABOUT, "## 按程序", bullets([*(f"[{zh}]({name}.md)：{_sum(house, name)}" for name, zh in PROCEDURES.items()),
                                          f"[先由人判断的]({CLERK}.md)：{_sum(house, None)}"]), "## 按情形"]
    for branch in dict.fromkeys(each.branch for each in house.table.situations.values()):
        rows = []
        for key, situation in house.table.situations.items():
            for row in (row for row in house.table.rows if situation.branch == branch and key in row.wants("situation")):
                rows.append((f"[{situation.zh}]({_file(row)}#{row.id}) `{key}`", say.goes(row), say.way(row), say.track(row)))
        parts += [f"### {branch} [{BRANCH_ZH[branch]}](../branches/{branch}.md)", table(("情形", "去向", "方式", "期限轨道"), rows)]
    return page("这件事去哪里", *parts)


def where_pages(of: Mapping[Branch, Road], say: Phrases) -> Iterator[tuple[str, str]]:
    """One page for each kind of procedure, and one for what a person judges first."""
    house = say.house
    for name, title in (*PROCEDURES.items(), (None, "先由人判断的")):
        rows = sorted((row for row in house.table.rows if row.procedure == name), key=lambda row: (row.rank, row.id))
        overview = table(("情形", "去向", "方式"), [(f"[{row.label}](#{row.id})", say.goes(row), say.way(row)) for row in rows])
        sections = [part for row in rows for part in (f"{anchor(row.id)}\n## {row.label} `{row.id}`", bullets(_row(row, of, say)))]
        yield f"where/{name or CLERK}.md", page(f"这件事去哪里：{title}", "自上而下，最先符合的一行定去向。[按情形找](README.md)", overview, *sections)


def _row(row: Row, of: Mapping[Branch, Road], say: Phrases) -> Iterator[str]:
    if row.branch in of:
        yield f"分支：[{row.branch} {BRANCH_ZH[cast(Branch, row.branch)]}](../branches/{row.branch}.md)"
    yield f"须具备：{say.conditions(row)}"
    yield f"**去向：{say.goes(row)}**" + (f"，方式：{say.way(row)}" if row.way else "")
    if row.to is not None and row.branch in of:
        yield from _limits(row, of[cast(Branch, row.branch)], say)
    if row.beside:
        yield f"与 {'、'.join(f'`{each}`' for each in row.beside)} 同时符合的，交经办人"
    yield f"依据：{'；'.join(row.basis)}（{say.row_label(row)}）"
    if row.alternatives:
        yield f"信访人还可以：{'；'.join(say.remedy(each) for each in say.house.table.remedies_of(row))}"
    yield f"告知信访人：{row.note}"
    if row.visit is not None:
        yield f"走访的，告知：{row.visit.note}"


def _limits(row: Row, road: Road, say: Phrases) -> Iterator[str]:
    """What the receiving body owes, where it differs from body to body."""
    for key, clock in say.house.roads.clocks_file.clocks.items():
        cases = road.cases(key, rows=(row,)) if clock.owes == "partner" and len(clock.cases) > 1 else ()
        for case in cases:
            whom = f"（{say.whom(case)}）" if len(cases) > 1 else ""
            yield f"{clock.zh}{whom}：{say.limit(case)}，{say.basis(case.basis)}，{say.case_label(key, case)}"


def _sum(house: House, procedure: str | None) -> str:
    return f"{sum(row.procedure == procedure for row in house.table.rows)} 行"


def _file(row: Row) -> str:
    return f"{row.procedure or CLERK}.md"
