"""What is proved: the parts of one configuration, and the questions every check asks of its road map."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from config.bodies import Bodies
from config.roadmap import SAME, Case, Clock, ClocksFile, Edge, Machine, RoadMapFile, Stage, State
from config.routing import RoutingTable
from rules.roadmap import MachineName

STAGES: tuple[Stage, ...] = ("handling", "review", "rereview")
MACHINES: tuple[MachineName, ...] = ("petition", "handoff")
DESK = "desk"
CONFERENCE = "joint_conference"
# Where a hand-off ends, the petition goes to this state unless the road map names another (models.edges).
FALLS_TO = "WITH_CLERK"
RECEIPT = "receipt"
# Who may take the acts of a state that waits for this holder. What a party must bring is told to the body, which then goes on.
ACTS_OF: dict[str, frozenset[str]] = {
    "bureau": frozenset({"bureau"}), "partner": frozenset({"partner"}), "party": frozenset({"partner", "bureau"}),
    "arbiter": frozenset({"arbiter"}), CONFERENCE: frozenset({"arbiter"}), "handoff": frozenset(),
}
# Guards that wait for a flag. What sets the flag is an edge of the road map, or (send-refused) the delivery itself.
WAITS_FOR = {"only_deemed": "deemed-accepted", "withdraw_was_asked": "withdraw-asked", "supervised_in_vain": "supervision-given"}

# Guards that wait for a duty which the end of a clock opens.
WAITS_FOR_DUTY = {"conference_silent": "conference.up"}


@dataclass(frozen=True)
class Parts:
    """One configuration.

    Attributes:
        kinds: the kinds of connector there are; `desk` (people at our own console) counts without being named.
        carried: the messages the wire can carry to a body; heard: those it can bring back from one.
        bureau: the code of the bureau whose installation this is.
    """

    roads: RoadMapFile
    clocks: ClocksFile
    bodies: Bodies
    table: RoutingTable
    kinds: Collection[str]
    carried: Collection[str]
    heard: Collection[str]
    bureau: str

    def machine(self, name: MachineName) -> Machine:
        return self.roads.petition if name == "petition" else self.roads.handoff

    def waiting(self, name: MachineName) -> Iterator[tuple[str, State]]:
        """States that have not ended and are held by somebody of their own."""
        return ((key, state) for key, state in self.machine(name).states.items() if not state.end and state.holder != "handoff")

    @cached_property
    def leaving(self) -> dict[tuple[MachineName, str], list[tuple[Edge, str]]]:
        """By machine and state, the edges that lead away and where to, those alone that can ever be taken."""
        found: dict[tuple[MachineName, str], list[tuple[Edge, str]]] = {}
        for name in MACHINES:
            for edge in self.machine(name).edges:
                if self.usable(edge):
                    for start in edge.from_:
                        if edge.to not in (SAME, start):
                            found.setdefault((name, start), []).append((edge, edge.to))
        return found

    def away(self, name: MachineName, state: str) -> list[tuple[Edge, str]]:
        return self.leaving.get((name, state), [])

    def has(self, name: MachineName, state: str, message: str) -> bool:
        """Whether this act can be taken in this state."""
        return any(edge.message == message and state in edge.from_ for edge in self.machine(name).edges)

    @cached_property
    def flags_set(self) -> frozenset[str]:
        """Flags that an edge or the end of a clock sets."""
        return frozenset((*(edge.flag for name in MACHINES for edge in self.machine(name).edges if edge.flag),
                          *(clock.on_expiry.flag for _, clock in self.all_clocks() if clock.on_expiry.flag)))

    @cached_property
    def duties_opened(self) -> frozenset[str]:
        """Kinds of duties that the end of a clock opens."""
        return frozenset(clock.on_expiry.duty.kind for _, clock in self.all_clocks() if clock.on_expiry.duty)

    @cached_property
    def deemed(self) -> frozenset[str]:
        """Edges that some clock takes by itself when it runs out."""
        return frozenset(case.deemed for _, clock in self.all_clocks() for case in clock.cases if case.deemed)

    def usable(self, edge: Edge) -> bool:
        """Whether anything can ever take this edge: the system takes receipts and what is deemed; a guard that waits for a flag needs one who sets it."""
        if edge.writer == "system" and edge.message not in {RECEIPT, *self.deemed}:
            return False
        return (all(WAITS_FOR[guard] in self.flags_set for guard in edge.guards if guard in WAITS_FOR)
                and all(WAITS_FOR_DUTY[guard] in self.duties_opened for guard in edge.guards if guard in WAITS_FOR_DUTY))

    def all_clocks(self) -> Iterator[tuple[str, Clock]]:
        yield from self.clocks.clocks.items()
        yield from self.clocks.rungs.items()

    @cached_property
    def overlays(self) -> frozenset[str]:
        """Clocks of the petition that run on while a hand-off is open: they bound the whole, and stand for no state of their own."""
        return frozenset(key for state in self.roads.petition.states.values() if state.holder == "handoff" for key in state.clocks)

    def runs_for_all(self, clock: Clock, state: str, stage: Stage) -> bool:
        """Whether this clock runs, and does not stand still, in this state for every hand-off of this stage."""
        if (clock.stage and stage not in clock.stage) or state in clock.pauses_in:
            return False
        fitting = [case for case in clock.cases if not case.stage or stage in case.stage]
        return any(_open(case) for case in fitting) and not any(state in case.pauses_in for case in fitting)


def _open(case: Case) -> bool:
    return not (case.profile or case.branch or case.track or case.flag or case.division)
