"""The two machines of the road map as boxes: who holds a state, which clocks run in it, what may be done and where that leads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from config.roadmap import SAME, Clock, ClocksFile, Edge, Machine, RoadMapFile, State
from rules.drawing.nodes import Cell, Node, Row
from rules.drawing.words import END_FRAME, END_GROUND, HOLDER_FRAME, HOLDER_GROUND, HOLDER_ZH, WRITER_COLOUR, WRITER_SIGN, act
from rules.limits import parse_limit
from rules.roadmap import MachineName
from rules.words import STAGE_ZH

SMALL = 10.5
GREY = "#57606a"
AMBER = "#7d4e00"
MOST = 330.0
LimitText = Callable[[str, Clock], str | None]
"""What a clock's row says of its length; None where the clock does not run."""


def machine_nodes(
    name: MachineName, roads: RoadMapFile, clocks: ClocksFile, limit: LimitText, states: Collection[str] | None = None, occurs: Callable[[Edge], bool] = lambda edge: True,
) -> list[Node]:
    """One box a state, in the order of the file. `states`, `occurs`: only these states and edges (default: all)."""
    machine = roads.petition if name == "petition" else roads.handoff
    shown = [key for key in machine.states if states is None or key in states]
    stages = {edge.stage for edge in roads.petition.edges if occurs(edge)}
    return [_node(name, key, roads, clocks, limit, [edge for edge in machine.edges if key in edge.from_ and occurs(edge)], stages) for key in shown]


def _node(name: MachineName, key: str, roads: RoadMapFile, clocks: ClocksFile, limit: LimitText, edges: list[Edge], stages: Collection[str]) -> Node:
    machine = roads.petition if name == "petition" else roads.handoff
    state = machine.states[key]
    holder = state.holder or "bureau"
    first = Row((Cell(state.zh, 14.5, bold=True), Cell(key, SMALL, GREY)))
    owner = "终结" if state.end else f"在谁手里：{HOLDER_ZH[holder]}"
    second = Row((*([Cell("起点", 11, "#24292f", chip=True)] if key == machine.start else []), Cell(owner, 12, bold=True)))
    moves = [_move(name, key, edge, machine, roads.petition) for edge in edges if edge.to not in (SAME, key)]
    stays = [cell for edge in edges if edge.to in (SAME, key) for cell in _stay(name, key, edge)]
    wide = max([MOST - 40, *(row.width for row in moves)])
    rows = [*_clocks(key, state, clocks, limit), *moves, *_pairs(stays, wide), *_notes(name, state, roads.petition, stages)]
    return Node(key, (first, second), tuple(rows), END_GROUND if state.end else HOLDER_GROUND[holder], END_FRAME if state.end else HOLDER_FRAME[holder],
                heavy=state.end or key == machine.start, data={"state": f"{name}.{key}"})


def _clocks(at: str, state: State, clocks: ClocksFile, limit: LimitText) -> Iterator[Row]:
    for key in state.clocks:
        clock = clocks.clocks[key]
        told = limit(key, clock)
        if told is not None:
            told += stands_still(at, clock)
            yield Row((Cell("限", SMALL, AMBER, bold=True), Cell(clock.zh, 11.5, AMBER, data={"clock": key}), Cell(told, 11.5, AMBER, bold=True)))


def stands_still(state: str, clock: Clock) -> str:
    """Said beside a clock's limit where it does not count in this state: for all, or only for those stages whose case says so."""
    if state in clock.pauses_in:
        through = dict.fromkeys(branch for case in clock.cases if state in case.runs_in for branch in case.branch)
        return f"（暂停，{'、'.join(through)}除外）" if through else "（暂停）"
    stages = dict.fromkeys(STAGE_ZH[stage] for case in clock.cases if state in case.pauses_in for stage in case.stage)
    return f"（{'、'.join(stages)}的暂停）" if stages else ""


def _move(name: str, key: str, edge: Edge, machine: Machine, petition: Machine) -> Row:
    to = machine.states[edge.to].zh + (f"，信访事项→{petition.states[edge.petition].zh}" if edge.petition else "")
    return Row((_chip(edge), Cell(act(edge.message), 12.5, data=_edge(name, key, edge)), Cell(edge.message, 9.5, GREY), Cell(f"→ {to}", 11.5, "#1f2328")), edge.to)


def _stay(name: str, key: str, edge: Edge) -> list[Cell]:
    return [_chip(edge), Cell(act(edge.message), 11.5, data=_edge(name, key, edge))]


def _pairs(stays: list[Cell], width: float) -> list[Row]:
    """Sign and word never part at the end of a line."""
    rows: list[Row] = []
    line: list[Cell] = [Cell("状态不变：", 11, GREY)] if stays else []
    for sign, word in zip(stays[::2], stays[1::2], strict=True):
        if sum(cell.width for cell in (*line, sign, word)) > width:
            rows.append(Row(tuple(line)))
            line = []
        line += [sign, word]
    return [*rows, Row(tuple(line))] if line else rows


def _notes(name: str, state: State, petition: Machine, stages: Collection[str]) -> list[Row]:
    """What becomes of the petition when its hand-off ends so."""
    if name != "handoff" or state.petition is None:
        return []
    told = [f"信访事项随之：{petition.states[state.petition].zh}"]
    told += [f"{STAGE_ZH[stage]}的：{petition.states[key].zh}" for stage, key in state.petition_by_stage.items() if stage in stages]
    told += [f"退回过多：{petition.states[state.looped].zh}"] if state.looped else []
    return [Row((Cell(words, 11, "#24292f"),)) for words in told]


def _chip(edge: Edge) -> Cell:
    return Cell(WRITER_SIGN[edge.writer], 11, WRITER_COLOUR[edge.writer], chip=True)


def _edge(name: str, key: str, edge: Edge) -> dict[str, str]:
    return {"edge": f"{name}.{edge.message}", "from": key, "to": edge.to, "writer": edge.writer}


def days(limit: str) -> float:
    """A limit in days, roughly: to put limits in order, never to count one."""
    parsed = parse_limit(limit)
    return parsed.count * {"wd": 1.4, "d": 1, "mo": 30.4, "h": 1 / 24, "min": 1 / 1440}[parsed.unit]


def span(limits: Collection[str]) -> str:
    """`60日`, `7日、15日` or, for more than three, `7日至6个月`: the limits there are, shortest first."""
    ordered = [parse_limit(each).zh for each in sorted(set(limits), key=lambda each: (days(each), each))]
    return "、".join(ordered) if len(ordered) <= 2 else f"{ordered[0]}至{ordered[-1]}"


def whole_limit(key: str, clock: Clock) -> str:
    """What the whole map says of a clock: all its limits."""
    return span([case.limit for case in clock.cases])
