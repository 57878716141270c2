"""The whole proof, and the part of it that every start runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from rules.house import House
from rules.proof.clocks import clock_defects
from rules.proof.defect import Defect, Note, locate, refusal
from rules.proof.edges import edge_defects
from rules.proof.loops import loop_defects
from rules.proof.parts import Parts
from rules.proof.people import People
from rules.proof.routes import Routes
from rules.proof.states import state_defects
from rules.proof.walk import Walk
from rules.proof.wherever import wherever_defects

__all__ = ["Explored", "Proof", "parts_of", "prove", "prove_house", "require_sound", "road_defects"]


@dataclass(frozen=True, slots=True)
class Explored:
    """How much was looked at.

    Attributes:
        states, edges: of both machines, as the road map names them; clocks, cases: of clocks.yaml, rungs included.
        situations: combinations of petition state, hand-off state and stage that a case can come to; steps: ways between them.
        routed: combinations of facts that were asked of the routing table; seats: of destination, division, level, organ and sector that lead to a
            body; to_clerk: those that are a clerk's. disputes: pairs of bodies for which an arbiter was looked for.
        rows, bodies, divisions: of routing.yaml and bodies.yaml.
    """

    states: int
    edges: int
    clocks: int
    cases: int
    situations: int
    steps: int
    rows: int
    routed: int
    seats: int
    to_clerk: int
    bodies: int
    divisions: int
    disputes: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found: `defects` (none: no case can be stranded), `notes` for the operator, and how much was explored."""

    defects: tuple[Defect, ...]
    notes: tuple[Note, ...]
    explored: Explored

    @property
    def good(self) -> bool:
        return not self.defects


def parts_of(house: House, kinds: Collection[str], carried: Collection[str], heard: Collection[str]) -> Parts:
    """The parts of a loaded configuration. Arguments as in `Parts`."""
    return Parts(house.roads.file, house.roads.clocks_file, house.bodies, house.table, kinds, carried, heard, house.bureau)


def prove(parts: Parts) -> Proof:
    """Everything that can be known of the configuration before any case exists. Pure; defects carry no lines yet (`locate`)."""
    walk, people, routes = Walk(parts), People(parts), Routes(parts)
    found = [*road_defects(parts, walk), *people.defects()]
    if parts.bureau in parts.bodies:
        found += routes.defects()
    roads, clocks = parts.roads, [clock for _, clock in parts.all_clocks()]
    explored = Explored(
        states=len(roads.petition.states) + len(roads.handoff.states), edges=len(roads.petition.edges) + len(roads.handoff.edges),
        clocks=len(clocks), cases=sum(len(clock.cases) for clock in clocks), situations=len(walk.nodes), steps=sum(map(len, walk.steps.values())),
        rows=len(parts.table.rows), routed=routes.asked, seats=routes.seated, to_clerk=routes.to_clerk, bodies=len(parts.bodies),
        divisions=len(parts.bodies.places), disputes=people.pairs,
    )
    return Proof(tuple(dict.fromkeys(found)), (*people.notes, *routes.notes), explored)


def road_defects(parts: Parts, walk: Walk | None = None) -> Iterator[Defect]:
    """The proof over road map and clocks alone: what every start can afford."""
    walk = walk or Walk(parts)
    yield from state_defects(parts, walk)
    yield from clock_defects(parts, walk)
    yield from wherever_defects(parts)
    yield from edge_defects(parts, walk)
    yield from loop_defects(parts, walk)


def prove_house(house: House, folder: Path, kinds: Collection[str], carried: Collection[str], heard: Collection[str]) -> Proof:
    """`prove`, with the line of every defect in the files of this folder."""
    proof = prove(parts_of(house, kinds, carried, heard))
    return Proof(tuple(locate(proof.defects, folder)), proof.notes, proof.explored)


def require_sound(house: House, folder: Path, kinds: Collection[str], carried: Collection[str], heard: Collection[str]) -> None:
    """Refuse to start on a configuration in which a case could be stranded: the cheap part of the proof (road map, clocks, people, connectors).

    Raises:
        ConfigError: every dead end found, with file, line and cure.
    """
    parts = parts_of(house, kinds, carried, heard)
    found = [*road_defects(parts), *People(parts).cheap()]
    if found:
        raise refusal(dict.fromkeys(found), folder)


