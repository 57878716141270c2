"""The road map drawn for people: tables of states, edges and clocks and a diagram, all from the YAML, so that they cannot differ from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from config.roadmap import SAME, Clock, ClocksFile, Machine, RoadMapFile
from rules.limits import parse_limit

HOLDERS = {"bureau": "信访部门 bureau", "partner": "收件单位 partner", "party": "消息所指的一方 party", "joint_conference": "联席会议 joint conference",
           "handoff": "随转送件 the hand-off's"}
WRITERS = {"bureau": "信访部门 bureau", "partner": "收件单位 partner", "system": "系统 system", "arbiter": "裁定者 arbiter"}
VERIFIED = {"yes": "", "quote": "（转引 quoted）", "memory": "（待确认 unconfirmed）", "inference": "（推断 inference）", "internal": "（内部时限 internal）"}

_HEAD = """# 路线图 · The road map

<!-- Written by rules/drawing.py from config/roadmap.yaml and config/clocks.yaml. Change those, then write this page anew:
     python -m rules.drawing > docs/road-map.md -->

信访事项和转送件各处于一个状态；每条边只有一个书写者；每个等待状态都有持有者和期限，届满后做什么写在期限表中。
A petition and a hand-off are each in one state. Each edge has one writer. Each waiting state has a holder and a clock, and the table of
clocks says what happens when it runs out.
"""


def road_map_markdown(roads: RoadMapFile, clocks: ClocksFile) -> str:
    """The whole page, in Chinese and English, ending in a newline. Pure: the same configuration gives the same bytes."""
    parts = [_HEAD]
    for title, machine in (("信访事项 Petition", roads.petition), ("转送件 Hand-off", roads.handoff)):
        parts += [f"## {title}\n", _diagram(machine), _states(machine), _edges(machine)]
    parts += ["## 期限 Clocks\n", _clocks(clocks.clocks), "## 届满之后 After a clock has run out\n", _rungs(clocks.rungs), "## 待办 Duties\n", _duties(clocks)]
    return "\n".join(parts)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _diagram(machine: Machine) -> str:
    """A Mermaid state diagram; edges between the same two states share an arrow, edges that stay are left to the table."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for edge in machine.edges:
        for start in edge.from_:
            if edge.to not in (SAME, start):
                arrows.setdefault((start, edge.to), []).append(edge.message)
    names = [f'    state "{key} {state.zh}" as {key}' for key, state in machine.states.items()]
    moves = [f"    {start} --> {end}: {' / '.join(messages)}" for (start, end), messages in arrows.items()]
    ends = [f"    {key} --> [*]" for key, state in machine.states.items() if state.end]
    return "\n".join(["```mermaid", "stateDiagram-v2", *names, f"    [*] --> {machine.start}", *moves, *ends, "```", ""])


def _states(machine: Machine) -> str:
    rows = [
        (f"`{key}`", state.zh, "终结 end" if state.end else HOLDERS[state.holder or "bureau"], ", ".join(f"`{clock}`" for clock in state.clocks) or "—",
         state.duty.zh if state.duty else "—")
        for key, state in machine.states.items()
    ]
    return _table(("状态 State", "中文", "持有者 Holder", "期限 Clocks", "经办人待办 Duty"), rows)


def _edges(machine: Machine) -> str:
    rows = [
        (f"`{edge.message}`", ", ".join(f"`{start}`" for start in edge.from_), "不变 same" if edge.to == SAME else f"`{edge.to}`", WRITERS[edge.writer],
         ", ".join(f"`{guard}`" for guard in edge.guards) or "—", f"`{edge.sends}`" if edge.sends else "—", edge.basis)
        for edge in machine.edges
    ]
    return _table(("消息 Message", "从 From", "到 To", "书写者 Writer", "守则 Guards", "发出 Sends", "依据 Basis"), rows)


def _cases(clock: Clock) -> Iterator[tuple[str, str, str]]:
    for case in clock.cases:
        whom = "、".join((*case.profile, *case.branch)) or "其余 all others" if len(clock.cases) > 1 else "全部 all"
        longest = f"，可延长 {parse_limit(case.extension).zh}" if case.extension else ""
        yield whom, f"{parse_limit(case.limit).zh} `{case.limit}`{longest}", f"{case.basis}{VERIFIED[case.verified]}"


def _clocks(table: dict[str, Clock]) -> str:
    rows = [
        (f"`{key}`" if first else "", clock.zh if first else "", HOLDERS[clock.owes] if first else "", *case, _warned(clock) if first else "",
         _expiry(clock) if first else "")
        for key, clock in table.items() for first, case in ((n == 0, c) for n, c in enumerate(_cases(clock)))
    ]
    return _table(("期限 Clock", "中文", "谁应作为 Owed by", "适用 For", "时限 Limit", "依据 Basis", "预警、暂停 Warns, pauses", "届满后 When it ends"), rows)


def _rungs(table: dict[str, Clock]) -> str:
    rows = [(f"`{key}`", clock.zh, HOLDERS[clock.owes], *case[1:], _expiry(clock)) for key, clock in table.items() for case in _cases(clock)]
    return _table(("级 Rung", "中文", "谁应作为 Owed by", "时限 Limit", "依据 Basis", "届满后 When it ends"), rows)


def _warned(clock: Clock) -> str:
    told = [f"{'、'.join(f'{share:.0%}' for share in clock.warn)} 时预警"] if clock.warn else []
    still = [f"在 {'、'.join(clock.pauses_in)} 暂停"] if clock.pauses_in else []
    return "；".join([*told, *still]) or "—"


def _expiry(clock: Clock) -> str:
    follow = clock.on_expiry
    steps = [
        f"标记 `{follow.flag}`" if follow.flag else "",
        "催办 `handoff.urge`" if follow.urge else "",
        f"待办：{follow.duty.zh}（{HOLDERS[follow.duty.holder]}）" if follow.duty else "",
        ("再次 again " if clock.repeats else "转入 then ") + f"`{follow.next}`" if follow.next else "",
    ]
    return "；".join(step for step in steps if step) or "—"


def _duties(clocks: ClocksFile) -> str:
    return _table(("待办 Duty", "中文", "时限 Limit"), [(f"`{key}`", duty.zh, parse_limit(duty.limit).zh) for key, duty in clocks.duties.items()])


if __name__ == "__main__":
    from pathlib import Path

    import config
    from config.roadmap import load_roadmap
    from rules.edge_guards import GUARDS

    print(road_map_markdown(*load_roadmap(Path(config.__file__).parent, GUARDS.keys())), end="")
