"""Every state a case can come to, petition and hand-off together, and the shortest way there. Pure breadth-first search over the road map."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from config.roadmap import Edge, Stage
from rules.proof.parts import FALLS_TO, Parts
from rules.words import STAGE_ZH, act_zh


@dataclass(frozen=True, slots=True)
class Node:
    """Where a case stands: the petition's state, its open hand-off's (None: it has none), and how far it has come: handling, review, re-review."""

    petition: str
    handoff: str | None
    stage: Stage


@dataclass(frozen=True, slots=True)
class Step:
    act: str
    to: Node


class Walk:
    """The explored graph. `nodes`: everything reachable; `steps`: what leads from each to the next."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.start = Node(parts.roads.petition.start, None, "handling")
        self.steps: dict[Node, list[Step]] = {}
        self.ended_by: set[str] = set()
        """End states of a hand-off that are reached: no node stands for them, the petition goes on at once."""
        self._came: dict[Node, tuple[Node, str]] = {}
        todo = deque([self.start])
        while todo:
            node = todo.popleft()
            if node in self.steps:
                continue
            self.steps[node] = list(self._from(node))
            for step in self.steps[node]:
                if step.to not in self._came and step.to != self.start:
                    self._came[step.to] = (node, step.act)
                todo.append(step.to)

    @property
    def nodes(self) -> list[Node]:
        """Nearest first."""
        return list(self.steps)

    def _from(self, node: Node) -> Iterator[Step]:
        roads = self.parts.roads
        if node.petition not in roads.petition.states:
            return
        if node.handoff is None:
            for edge, target in self.parts.away("petition", node.petition):
                if _open_at(edge, node.stage, self.ended(node)):
                    yield Step(edge.message, self._enter(edge, target, node.stage))
            return
        for edge, target in self.parts.away("handoff", node.handoff):
            state = roads.handoff.states.get(target)
            if state is None:
                continue
            if not state.end:
                yield Step(edge.message, Node(node.petition, target, node.stage))
                continue
            self.ended_by.add(target)
            yield Step(edge.message, Node(edge.petition or state.petition_by_stage.get(node.stage) or state.petition or FALLS_TO, None, node.stage))
            if state.looped and edge.writer != "arbiter":
                yield Step(edge.message, Node(state.looped, None, node.stage))

    def _enter(self, edge: Edge, target: str, stage: Stage) -> Node:
        state = self.parts.roads.petition.states.get(target)
        if state is not None and state.holder == "handoff":
            return Node(target, self.parts.roads.handoff.start, edge.stage)
        return Node(target, None, "handling" if "new_facts_given" in edge.guards else stage)

    def ended(self, node: Node) -> bool:
        state = self.parts.roads.petition.states.get(node.petition)
        return node.handoff is None and state is not None and state.end

    def homes(self) -> set[Node]:
        """Nodes from which a case can still end."""
        back: dict[Node, list[Node]] = {}
        for node, steps in self.steps.items():
            for step in steps:
                back.setdefault(step.to, []).append(node)
        home = {node for node in self.steps if self.ended(node)}
        todo = list(home)
        while todo:
            for before in back.get(todo.pop(), ()):
                if before not in home:
                    home.add(before)
                    todo.append(before)
        return home

    def way(self, node: Node) -> tuple[str, ...]:
        """The shortest way from the start, as a clerk reads it."""
        acts: list[str] = []
        while node in self._came:
            before, act = self._came[node]
            acts.append(f"{act_zh(act)}（{act}）到{self.named(node)}")
            node = before
        return (self.named(self.start), *reversed(acts))

    def named(self, node: Node) -> str:
        """`转办中·办理中（HANDED_OFF/IN_PROGRESS，复查）`."""
        roads = self.parts.roads
        petition = roads.petition.states.get(node.petition)
        zh, codes = petition.zh if petition else "？", node.petition
        if node.handoff is not None:
            handoff = roads.handoff.states.get(node.handoff)
            zh, codes = f"{zh}·{handoff.zh if handoff else '？'}", f"{codes}/{node.handoff}"
        return f"{zh}（{codes}{'，' + STAGE_ZH[node.stage] if node.stage != 'handling' else ''}）"

    def first(self, machine: str, state: str) -> Node | None:
        """The nearest node in which the petition, or the hand-off, is in this state."""
        return next((n for n in self.steps if (n.petition if machine == "petition" and n.handoff is None else n.handoff if machine == "handoff" else None) == state), None)

    def way_to(self, machine: str, state: str) -> tuple[str, ...]:
        node = self.first(machine, state)
        return () if node is None else self.way(node)


def _open_at(edge: Edge, stage: Stage, ended: bool) -> bool:
    """What the guards say of the ladder of remedies (rules.edge_guards): a step is asked for when the one before it was answered, and again
    when the body it went to has given it back."""
    if "not_under_review" in edge.guards and stage != "handling":
        return False
    if "review_open" in edge.guards:
        return stage == ("handling" if ended else "review")
    if "rereview_open" in edge.guards:
        return stage == ("review" if ended else "rereview")
    return True
