"""What can happen on one branch's road: which routing rows lead there, whom they reach, which edges and states occur, which cases of clocks apply.

Nothing here is written twice: guards are asked, rows are read, cases are chosen as the door chooses them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import cast, get_args

from config.facts import Branch
from config.roadmap import SAME, Case, ClockContext, Edge, Stage
from config.rows import Destination, Row, Situation
from rules.edge_guards import GUARDS, No
from rules.edge_guards import Situation as Asked
from rules.house import House

BRANCHES: tuple[Branch, ...] = get_args(Branch)
STAGES: tuple[Stage, ...] = get_args(Stage)
_DECIDERS = {"discipline": ("discipline", "organisation", "agency")}
_OTHER_DECIDERS = ("agency", "police")
"""Whose decisions are meant where a row leaves the body to the facts: under art 31(3), and in every other procedure."""
_LATER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Road:
    """One branch's road through a house."""

    house: House
    branch: Branch

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Its routing rows, strongest first."""
        return tuple(sorted((row for row in self.house.table.rows if row.branch == self.branch), key=lambda row: (row.rank, row.id)))

    @cached_property
    def situations(self) -> dict[str, Situation]:
        """Its named situations."""
        return {key: each for key, each in self.house.table.situations.items() if each.branch == self.branch}

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The stages a hand-off can have here."""
        opened = {edge.stage for edge in self.house.roads.file.petition.edges if self.occurs(edge)}
        return tuple(stage for stage in STAGES if stage in opened)

    def occurs(self, edge: Edge) -> bool:
        """Whether an edge can be taken on this road: no guard closes it to this branch while another branch may take it."""
        if edge.message == "petition.guide" and not any(row.way == "引导" or row.visit for row in self.rows):
            return False
        if edge.writer == "system" and self._deems(edge.message):
            return edge.message in self._deemed
        return self._closed.isdisjoint(edge.guards) and not ("only_deemed" in edge.guards and not self._deemed)

    @cached_property
    def _closed(self) -> frozenset[str]:
        """The guards that refuse everything of this branch and let something of another pass."""
        return frozenset(
            guard for guard in GUARDS
            if not _passes(guard, self.branch, self.house) and any(_passes(guard, other, self.house) for other in BRANCHES)
        )

    def _deems(self, message: str) -> bool:
        return any(case.deemed == message for clock in self.house.roads.clocks_file.clocks.values() for case in clock.cases)

    @cached_property
    def _deemed(self) -> frozenset[str]:
        return frozenset(case.deemed for key in self.house.roads.clocks_file.clocks for case in self.cases(key, ("handling",)) if case.deemed)

    def contexts(self, stages: tuple[Stage, ...], rows: tuple[Row, ...]) -> tuple[ClockContext, ...]:
        """Every hand-off that these rows may make, as far as a clock can tell them apart."""
        asked = (stages, tuple(row.id for row in rows))
        if asked not in self._made:
            self._made[asked] = tuple(dict.fromkeys(self._contexts(stages, rows)))
        return self._made[asked]

    @cached_property
    def _made(self) -> dict[tuple[tuple[Stage, ...], tuple[str, ...]], tuple[ClockContext, ...]]:
        return {}

    @cached_property
    def _profiles(self) -> dict[str, frozenset[str]]:
        """The clock profiles that bodies of each kind have."""
        found: dict[str, set[str]] = {}
        for body in self.house.bodies:
            found.setdefault(body.kind, set()).add(body.profile)
        return {kind: frozenset(each) for kind, each in found.items()}

    def profiles(self, row: Row) -> frozenset[str]:
        """The clock profiles of the bodies that this row can reach; a kind of which there is no body stands for itself."""
        return frozenset() if row.to is None else frozenset(each for kind in kinds(row.to, row) for each in self._profiles.get(kind, (kind,)))

    def _contexts(self, stages: tuple[Stage, ...], rows: tuple[Row, ...]) -> Iterator[ClockContext]:
        cases = [case for clock in self.house.roads.clocks_file.clocks.values() for case in clock.cases]
        flags = sorted({flag for case in cases for flag in case.flag if flag != "simple" or self.branch == "B3.6"})
        places = sorted({prefix for case in cases for prefix in case.division})
        for row in rows:
            for profile in sorted(self.profiles(row)):
                for stage in stages:
                    for held in (frozenset[str](), *(frozenset({flag}) for flag in flags)):
                        for place in ("", *places):
                            yield ClockContext(profile, self.branch, row.track or "", stage, held, place)

    def cases(self, key: str, stages: tuple[Stage, ...] | None = None, rows: tuple[Row, ...] | None = None) -> tuple[Case, ...]:
        """The cases of a clock that can apply here (in these stages, by these rows; default: all), in the order of the file.

        The bureau's own clocks run before there is a hand-off.
        """
        clock = self.house.roads.clocks_file.clocks[key]
        found: dict[int, Case] = {}
        own = (ClockContext("bureau", self.branch, "", "handling", frozenset(), place) for place in ("", *sorted({p for c in clock.cases for p in c.division})))
        runs_before = any(key in state.clocks for state in self.house.roads.file.petition.states.values())
        runs_after = any(key in state.clocks for state in self.house.roads.file.handoff.states.values())
        for context in (*(own if runs_before else ()), *(self.contexts(stages or self.stages, rows or self.rows) if runs_after else ())):
            if clock.stage and context.stage not in clock.stage:
                continue
            i = next((i for i, case in enumerate(clock.cases) if case.fits(context)), None)
            if i is not None:
                found[i] = clock.cases[i]
        return tuple(found[i] for i in sorted(found))

    @cached_property
    def states(self) -> dict[str, frozenset[str]]:
        """The states that can be reached here, by machine."""
        roads = self.house.roads.file
        seen = {"petition": {roads.petition.start}, "handoff": {roads.handoff.start}}
        grown = True
        while grown:
            before = sum(map(len, seen.values()))
            for name in ("petition", "handoff"):
                machine = roads.petition if name == "petition" else roads.handoff
                for edge in machine.edges:
                    if edge.to != SAME and self.occurs(edge) and not seen[name].isdisjoint(edge.from_):
                        seen[name].add(edge.to)
                        if edge.petition:
                            seen["petition"].add(edge.petition)
            for key in seen["handoff"]:
                state = roads.handoff.states[key]
                if state.petition:
                    later = {state.petition_by_stage.get(stage, state.petition) for stage in self.stages}
                    seen["petition"] |= later | ({state.looped} if state.looped else set())
            grown = sum(map(len, seen.values())) > before
        return {name: frozenset(keys) for name, keys in seen.items()}


def kinds(to: Destination, row: Row) -> frozenset[str]:
    """The kinds of bodies a destination can mean for this row."""
    if to.body is not None:
        return frozenset(_DECIDERS.get(row.procedure or "", _OTHER_DECIDERS))
    if to.kind == "$organ":
        named = {str(value) for value in row.wants("organ")} - {"absent", "known"}
        return frozenset(named or {"court", "procuratorate", "police"})
    return frozenset({cast(str, to.kind)})


def _passes(guard: str, branch: str, house: House) -> bool:
    """Whether the guard lets anything of this branch pass: all it is told beside the branch is the same for every branch."""
    told = (Asked(house.bureau, house.bureau, {}, {}, 1, (), (), (), None, house.bodies, branch=branch, stage=stage, remedy_ends=_LATER) for stage in STAGES)
    return any(not isinstance(GUARDS[guard](each), No) for each in told)
