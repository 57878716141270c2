"""No case goes round without a bound: on every cycle stands a guard that counts, or a clock runs over it that nothing in it starts anew."""

from __future__ import annotations

from collections.abc import Iterator

from rules.proof.defect import ROADS, Defect
from rules.proof.parts import Parts
from rules.proof.walk import Node, Step, Walk
from rules.words import act_zh

# Guards that let an act be taken only so often for one petition: what makes each of them a bound.
BOUNDS = {
    "not_a_loop": "同一单位退回后不再转给它，共三次后不再转送",
    "not_bound": "有约束力的裁定、指定之后不得再提异议",
    "extension_allowed": "只能延长一次",
    "only_deemed": "只能补登一次",
    "new_facts_given": "须有新的事实和理由",
    "review_open": "复查只在办理之后",
    "rereview_open": "复核只在复查之后",
}


def loop_defects(parts: Parts, walk: Walk) -> Iterator[Defect]:
    bounded = {(name, edge.message) for name, machine in (("petition", parts.roads.petition), ("handoff", parts.roads.handoff))
               for edge in machine.edges if not BOUNDS.keys().isdisjoint(edge.guards)}
    steps = {node: [s for s in found if ("handoff" if node.handoff else "petition", s.act) not in bounded] for node, found in walk.steps.items()}
    for cycle in _cycles(steps):
        if _overlaid(cycle, parts):
            continue
        first = min(cycle, key=walk.nodes.index)
        round_trip = _round(first, cycle, steps)
        names = "、".join(sorted({parts.roads.handoff.states[n.handoff].zh if n.handoff else parts.roads.petition.states[n.petition].zh for n in cycle}))
        key = ("handoff", "states", first.handoff) if first.handoff else ("petition", "states", first.petition)
        yield Defect("unbounded-loop", ROADS, key, f"可以无限次往返（{names}）：没有计数的守则，也没有贯穿其间而不重新起算的期限",
                     "在其中各状态的 clocks 中写一个贯穿的期限（例如 total），或在其中一条边写有次数限制的守则", (*walk.way(first), *round_trip))


def _overlaid(cycle: set[Node], parts: Parts) -> bool:
    """Whether one clock runs in every state of the cycle without standing still in all of them: it is never started anew inside."""
    petition = [set(parts.roads.petition.states[n.petition].clocks) for n in cycle]
    shared = set.intersection(*petition)
    if all(n.handoff for n in cycle):
        states = parts.roads.handoff.states
        shared |= set.intersection(*(set(states[str(n.handoff)].clocks) for n in cycle))
    known = parts.clocks.clocks
    return any(c in known and known[c].on_expiry.next and any(parts.runs_for_all(known[c], n.handoff or n.petition, n.stage) for n in cycle)
               and all(parts.runs_for_all(known[c], "", n.stage) for n in cycle) for c in shared)


def _round(first: Node, cycle: set[Node], steps: dict[Node, list[Step]]) -> tuple[str, ...]:
    """One way round, from this node back to it."""
    came: dict[Node, tuple[Node, str]] = {}
    todo = [first]
    while todo:
        node = todo.pop(0)
        for step in steps[node]:
            if step.to == first:
                acts = [f"{act_zh(step.act)}（{step.act}）"]
                while node != first:
                    node, act = came[node]
                    acts.append(f"{act_zh(act)}（{act}）")
                return (*reversed(acts), "……")
            if step.to in cycle and step.to not in came:
                came[step.to] = (node, step.act)
                todo.append(step.to)
    return ()


def _cycles(steps: dict[Node, list[Step]]) -> Iterator[set[Node]]:
    """Strongly connected parts with more than one node, or one that leads to itself (Tarjan, without recursion)."""
    index: dict[Node, int] = {}
    low: dict[Node, int] = {}
    stack: list[Node] = []
    on: set[Node] = set()
    for root in steps:
        if root in index:
            continue
        work: list[tuple[Node, Iterator[Step]]] = [(root, iter(steps[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on.add(root)
        while work:
            node, rest = work[-1]
            step = next(rest, None)
            if step is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    part = set[Node]()
                    while node not in part:
                        last = stack.pop()
                        on.discard(last)
                        part.add(last)
                    if len(part) > 1 or any(s.to == node for s in steps[node]):
                        yield part
            elif step.to not in index:
                index[step.to] = low[step.to] = len(index)
                stack.append(step.to)
                on.add(step.to)
                work.append((step.to, iter(steps.get(step.to, ()))))
            elif step.to in on:
                low[node] = min(low[node], index[step.to])
