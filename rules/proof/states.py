"""Every state that can be reached comes to an end; every waiting state has a holder who can act, a duty that says so, and a way out."""

from __future__ import annotations

from collections.abc import Iterator

from config.roadmap import State
from rules.proof.defect import ROADS, Defect
from rules.proof.parts import ACTS_OF, FALLS_TO, MACHINES, RECEIPT, Parts
from rules.proof.walk import Walk
from rules.roadmap import MachineName
from rules.words import act_zh

# What may begin anew when a petition has ended: another matter (art 36(3)), or the next remedy within its time (arts 35, 36).
REOPENING = frozenset({"new_facts_given", "review_open", "rereview_open"})


def state_defects(parts: Parts, walk: Walk) -> Iterator[Defect]:
    yield from _starts(parts)
    for name in MACHINES:
        for key, state in parts.machine(name).states.items():
            at = (name, "states", key)
            seen = any(n.petition == key for n in walk.steps) if name == "petition" else key in walk.ended_by or walk.first(name, key) is not None
            if not seen:
                yield Defect("unreachable-state", ROADS, at, f"状态“{state.zh}”（{key}）从登记起走不到", "补上通向它的边，或删去该状态")
            if state.end:
                yield from _end(parts, name, key, state)
            elif state.holder != "handoff":
                yield from _held(parts, name, key, state, walk)
    yield from _stuck(walk)


def _starts(parts: Parts) -> Iterator[Defect]:
    for name in MACHINES:
        machine = parts.machine(name)
        start = machine.states.get(machine.start)
        if start is None or start.end or start.holder == "handoff":
            yield Defect("bad-start", ROADS, (name, "start"), f"起始状态 {machine.start} 不存在，或不是等待状态", "写一个有持有者的等待状态")
    fallen = parts.roads.petition.states.get(FALLS_TO)
    if fallen is None or fallen.end or fallen.holder != "bureau":
        yield Defect("no-clerk", ROADS, ("petition", "states", FALLS_TO), f"没有由信访部门经办的状态 {FALLS_TO}，退回的信访事项无处可去", "补上该状态，holder: bureau")
    if not any(state.holder == "handoff" for state in parts.roads.petition.states.values()):
        yield Defect("no-handing-off", ROADS, ("petition", "states"), "没有一个状态由转送件持有，事项送不出去", "补上 holder: handoff 的状态")
    for name in MACHINES:
        for i, edge in enumerate(parts.machine(name).edges):
            for target in {*edge.from_, *([] if edge.to == "same" else [edge.to])} - parts.machine(name).states.keys():
                yield Defect("no-such-state", ROADS, (name, "edges", i), f"边 {edge.message} 通向不存在的状态 {target}", "改正去向，或补上该状态")


def _end(parts: Parts, name: MachineName, key: str, state: State) -> Iterator[Defect]:
    at = (name, "states", key)
    for edge, _ in parts.away(name, key):
        if name == "handoff" or REOPENING.isdisjoint(edge.guards):
            yield Defect("end-left", ROADS, at, f"终结状态“{state.zh}”（{key}）还能以“{act_zh(edge.message)}”离开", "删去该边，或改为等待状态，写明持有者和期限")
    if name == "handoff" and state.petition is None:
        yield Defect("end-silent", ROADS, at, f"转送件以“{state.zh}”（{key}）终结后，信访事项成为什么没有写明", "写明 petition: 该信访事项随后的状态")
    for follow in filter(None, (state.petition, state.looped, *state.petition_by_stage.values())):
        after = parts.roads.petition.states.get(follow)
        if after is None or after.holder == "handoff":
            yield Defect("end-astray", ROADS, at, f"转送件终结后信访事项成为 {follow}，那里没有人持有", "改为由信访部门持有的状态，或终结状态")


def _held(parts: Parts, name: MachineName, key: str, state: State, walk: Walk) -> Iterator[Defect]:
    at = (name, "states", key)
    if state.holder is None:
        yield Defect("no-holder", ROADS, (*at, "holder"), f"等待状态“{state.zh}”（{key}）没有持有者", "写明 holder", walk.way_to(name, key))
        return
    if name == "petition" and state.holder in ("partner", "party"):
        yield Defect("holder-nobody", ROADS, (*at, "holder"), f"“{state.zh}”（{key}）没有转送件，却写由 {state.holder} 持有", "改为 bureau 或 arbiter")
    own = [edge for edge, _ in parts.away(name, key) if edge.writer in ACTS_OF[state.holder]]
    if not own:
        yield Defect("holder-cannot-act", ROADS, (*at, "holder"), f"“{state.zh}”（{key}）的持有者 {state.holder} 没有任何离开该状态的动作",
                     "补一条由持有者书写的边，或改正 holder", walk.way_to(name, key))
    if state.duty is None and state.holder in ("bureau", "arbiter", "joint_conference") and not _moved_on(parts, name, key):
        yield Defect("no-duty", ROADS, at, f"“{state.zh}”（{key}）等人处理，却不给任何人立待办", "写明 duty: {kind, zh}", walk.way_to(name, key))


def _moved_on(parts: Parts, name: MachineName, key: str) -> bool:
    """Whether the product itself takes the next step: at the start of the road, and where a receipt is awaited."""
    return key == parts.machine(name).start or any(edge.message == RECEIPT for edge, _ in parts.away(name, key))


def _stuck(walk: Walk) -> Iterator[Defect]:
    home, told = walk.homes(), set[tuple[str, str]]()
    for node in walk.nodes:
        name: MachineName = "petition" if node.handoff is None else "handoff"
        key = node.handoff or node.petition
        if node in home or (name, key) in told:
            continue
        told.add((name, key))
        yield Defect("dead-end", ROADS, (name, "states", key), f"{walk.named(node)}走不到任何终结状态", "补上通向终结状态的边", walk.way(node))
