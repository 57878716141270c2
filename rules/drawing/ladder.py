"""The ladder of escalation as boxes: what every clock leads to when its time is up, rung by rung, to the people at its end."""

from __future__ import annotations

from config.roadmap import Clock, ClocksFile
from rules.drawing.machines import AMBER, GREY, SMALL, span
from rules.drawing.nodes import Cell, Node, Row, flow
from rules.drawing.words import END_FRAME, END_GROUND, HOLDER_FRAME, HOLDER_GROUND, HOLDER_ZH

FIRST = "…"
_WIDE = 470.0


def ladder_table(clocks: ClocksFile) -> list[list[Node]]:
    """Columns: the clocks by the rung that follows them, then the rungs, one step a column."""
    groups: dict[str | None, list[str]] = {}
    for key, clock in clocks.clocks.items():
        groups.setdefault(clock.on_expiry.next, []).append(key)
    depth: dict[str, int] = {}

    def deep(key: str) -> int:
        follow = clocks.rungs[key].on_expiry.next
        if key not in depth:
            depth[key] = 0
            depth[key] = 1 + deep(follow) if follow is not None and follow != key else 0
        return depth[key]

    most = max((deep(key) for key in clocks.rungs), default=0)
    table: list[list[Node]] = [[_group(follow, keys, clocks) for follow, keys in groups.items()]]
    for step in range(most, -1, -1):
        table.append([_rung(key, clocks) for key in clocks.rungs if depth[key] == step])
    return table


def _group(follow: str | None, keys: list[str], clocks: ClocksFile) -> Node:
    title = f"届满后：{clocks.rungs[follow].zh}" if follow is not None else "届满后只作标记"
    words = [Cell(f"{clocks.clocks[key].zh}　", 11.5, data={"clock": key}) for key in keys]
    rows = [Row((Cell(f"期限 {len(keys)} 种", SMALL, GREY), Cell("逾期 →" if follow else "不升级", 11.5, AMBER, bold=True)), follow), *flow(words, _WIDE)]
    return Node(f"{FIRST}{follow}", (Row((Cell(title, 13, bold=True),)),), tuple(rows), END_GROUND, END_FRAME)


def _rung(key: str, clocks: ClocksFile) -> Node:
    rung = clocks.rungs[key]
    follow = rung.on_expiry.next
    rows = [Row((Cell("限", SMALL, AMBER, bold=True), Cell(span([case.limit for case in rung.cases]), 11.5, AMBER, bold=True)))]
    rows += [Row((Cell(words, 11.5),)) for words in _does(rung)]
    if follow == key:
        rows.append(Row((Cell("届满再次提请，直到有人处理", 11.5, bold=True),)))
    elif follow is not None:
        rows.append(Row((Cell(f"逾期 → {clocks.rungs[follow].zh}", 11.5, AMBER, bold=True),), follow))
    return Node(key, (Row((Cell(rung.zh, 14.5, bold=True), Cell(key, SMALL, GREY))), Row((Cell(f"由谁作为：{HOLDER_ZH[rung.owes]}", 12, bold=True),))), tuple(rows),
                HOLDER_GROUND[rung.owes], HOLDER_FRAME[rung.owes], heavy=rung.repeats, data={"rung": key})


def _does(clock: Clock) -> list[str]:
    duty = clock.on_expiry.duty
    return [f"届满：{HOLDER_ZH[duty.holder]}待办", *([f"“{duty.zh}”"])] if duty else []
