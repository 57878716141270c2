"""The road map, ready to be asked: which edge, which clocks, which limit. Pure; built once from the configuration."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from config.confirmed import case_id
from config.roadmap import SAME, Case, Clock, ClockContext, ClocksFile, CountsFrom, Edge, Machine, RoadMapFile, State

MachineName = Literal["petition", "handoff"]


@dataclass(frozen=True, slots=True)
class ClockRule:
    """A clock with the case that applies to one body and branch. `confirmed`: an operator answers for it (confirmed.yaml)."""

    key: str
    clock: Clock
    case: Case
    confirmed: bool = False

    @property
    def counts_from(self) -> CountsFrom:
        """Which day of the hand-off is its day 0."""
        return self.case.counts_from or self.clock.counts_from

    @property
    def stops_in(self) -> tuple[str, ...]:
        """The states in which it stands still: those of the whole clock that this case does not run through, and the case's own."""
        return (*(state for state in self.clock.pauses_in if state not in self.case.runs_in), *self.case.pauses_in)

    @property
    def label(self) -> str:
        """What a clerk reads beside a date: 内部时限 for a service level, 待确认 for an unconfirmed reading of the law."""
        if self.case.verified == "internal":
            return "内部时限（已确认）" if self.confirmed else "内部时限"
        return "法定" if self.confirmed or self.case.verified in ("yes", "quote") else "法定（待确认）"


class RoadMap:
    """Index over states, edges and clocks.

    Look-ups answer None for what the map does not hold; they never raise for bad input from outside. `confirmed`: ids of confirmed.yaml.
    """

    def __init__(self, roads: RoadMapFile, clocks: ClocksFile, confirmed: Collection[str] = ()) -> None:
        self.file = roads
        self._confirmed = frozenset(confirmed)
        self.clocks_file = clocks
        self._edges: dict[tuple[str, str, str], Edge] = {}
        for name in ("petition", "handoff"):
            for edge in self.machine(name).edges:
                for start in edge.from_:
                    self._edges[name, start, edge.message] = edge
        self._clocks = {**clocks.clocks, **clocks.rungs}
        self._rules: dict[tuple[object, ...], ClockRule | None] = {}
        self._telling = frozenset(flag for clock in self._clocks.values() for case in clock.cases for flag in case.flag)

    def machine(self, name: MachineName) -> Machine:
        return self.file.petition if name == "petition" else self.file.handoff

    def state(self, machine: MachineName, name: str) -> State:
        return self.machine(machine).states[name]

    def edge(self, machine: MachineName, state: str, message: str) -> Edge | None:
        """The edge that this message takes out of this state, or None where the map has none."""
        return self._edges.get((machine, state, message))

    @staticmethod
    def target(edge: Edge, state: str) -> str:
        return state if edge.to == SAME else edge.to

    def clock(self, key: str) -> Clock:
        return self._clocks[key]

    def is_rung(self, key: str) -> bool:
        return key in self.clocks_file.rungs

    def clock_rule(self, key: str, at: ClockContext) -> ClockRule | None:
        """The clock `key` as it runs for one hand-off; None where it does not run for it (another stage, or no case fits)."""
        where = (key, at.profile, at.branch, at.track, at.stage, at.flags & self._telling, at.division)
        if where not in self._rules:
            clock = self._clocks[key]
            runs = not clock.stage or at.stage in clock.stage
            case = next((case for case in clock.cases if case.fits(at)), None) if runs else None
            self._rules[where] = None if case is None else ClockRule(key, clock, case, case_id(key, case, self.is_rung(key)) in self._confirmed)
        return self._rules[where]

    def duty_limit(self, kind: str) -> str:
        return self.clocks_file.duties[kind].limit

    def duty_zh(self, kind: str) -> str:
        return self.clocks_file.duties[kind].zh
