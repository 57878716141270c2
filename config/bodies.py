"""The bodies that send, receive and answer, all of them together: who sits where, who leads whom, who took over from whom.

Every question is answered from an index, so that ten thousand bodies are asked as quickly as sixty. Where a question takes a day (`on`, a Beijing
day), it is answered for that day; without one, as if everything the file foresees had already happened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from pathlib import Path

from config.bodies_faults import faults
from config.body import (
    HTTP_OPTIONS,
    LEVEL_ZH,
    LEVELS,
    SANDBOX,
    BodiesFile,
    Body,
    Code,
    Connector,
    ConnectorKind,
    Division,
    Kind,
    Level,
    Name,
    Place,
    Profile,
    Slug,
)
from config.source import load_located, raise_if

__all__ = [
    "HTTP_OPTIONS",
    "LEVELS",
    "LEVEL_ZH",
    "SANDBOX",
    "Bodies",
    "BodiesFile",
    "Body",
    "Code",
    "Connector",
    "ConnectorKind",
    "Division",
    "Kind",
    "Level",
    "Name",
    "Place",
    "Profile",
    "Slug",
    "load_bodies",
]


class Bodies:
    """All bodies, to look up. Build it with `load_bodies`, which proves the file sound."""

    def __init__(self, places: Iterable[Place], bodies: Iterable[Body]) -> None:
        self._places = {place.code: place for place in places}
        self._bodies = {body.code: body for body in bodies}
        self._seats: dict[tuple[str, str | None, str], Body] = {(body.kind, body.sector, body.division): body for body in self._bodies.values()}
        self._lineages: dict[str, tuple[Place, ...]] = {}
        self._led: dict[str, list[str]] | None = None
        self._families: dict[str, frozenset[str]] | None = None
        self._above: dict[str, frozenset[str]] = {}
        self._below: dict[str, frozenset[str]] = {}

    def __iter__(self) -> Iterator[Body]:
        return iter(self._bodies.values())

    def __len__(self) -> int:
        return len(self._bodies)

    def __contains__(self, code: object) -> bool:
        return code in self._bodies

    def get(self, code: str) -> Body:
        """The body of this code. Raises `KeyError` for one that bodies.yaml does not hold."""
        return self._bodies[code]

    # -- seats ---------------------------------------------------------------------------------------------------------------

    def find(self, kind: str, division: str, sector: str | None = None, on: date | None = None) -> Body | None:
        """The body of this kind (and sector) that holds its powers in exactly this division, or None; merged and abolished ones are passed over."""
        body = self.seat(kind, division, sector)
        return body if body is not None and body.holds(on) else None

    def seat(self, kind: str, division: str, sector: str | None = None) -> Body | None:
        """The body of this kind (and sector) that has, or once had, its seat in exactly this division; `current` says who holds its powers."""
        return self._seats.get((kind, sector, division))

    def place(self, division: str) -> Place | None:
        """The division of this code, or None."""
        return self._places.get(division)

    @property
    def places(self) -> tuple[Place, ...]:
        """Every division, in the file's order."""
        return tuple(self._places.values())

    def lineage(self, division: str) -> tuple[Place, ...]:
        """The division and those above it, nearest first; empty for an unknown division."""
        if division not in self._places:
            return ()
        if division not in self._lineages:
            found: dict[str, Place] = {}
            place: Place | None = self._places[division]
            while place is not None and place.code not in found:
                found[place.code] = place
                place = self._places.get(place.superior) if place.superior else None
            self._lineages[division] = tuple(found.values())
        return self._lineages[division]

    # -- succession ----------------------------------------------------------------------------------------------------------

    def current(self, code: str, on: date | None = None) -> Body | None:
        """Who holds this body's powers: itself, or the end of its chain of successors; None once they were left to nobody. Raises `KeyError`."""
        body, seen = self._bodies[code], {code}
        while not body.holds(on):
            if body.successor is None or body.successor in seen:
                return None
            seen.add(body.successor)
            body = self._bodies[body.successor]
        return body

    def family(self, code: str) -> frozenset[str]:
        """Codes of every body joined to this one by succession, before it and after it, whatever the day; itself included. Raises `KeyError`."""
        if self._families is None:
            self._families = self._all_families()
        return self._families.get(code) or frozenset({self._bodies[code].code})

    def _all_families(self) -> dict[str, frozenset[str]]:
        """By code, for bodies that have or are a successor; the others are alone."""
        joined: dict[str, set[str]] = {}
        for body in self._bodies.values():
            if body.successor is not None:
                one = joined.setdefault(body.code, {body.code})
                other = joined.setdefault(body.successor, {body.successor})
                if one is not other:
                    one |= other
                    joined.update(dict.fromkeys(other, one))
        return {code: frozenset(members) for code, members in joined.items()}

    def designator(self, code: str, on: date | None = None) -> Body | None:
        """Who says which body takes over when this one left its powers to nobody: the government of its division, else the nearest above.

        信访工作条例 art 24(2): the Party committee or government of the same level, or whom it designates. That a government's own powers fall to
        the one above it, and that the nearest above steps in where a division has none, is our reading (inference). Raises `KeyError`.
        """
        seats = (self.seat("government", place.code) for place in self.lineage(self._bodies[code].division))
        holders = (self.current(seat.code, on) for seat in seats if seat is not None and seat.code != code)
        return next((body for body in holders if body is not None and body.code != code), None)

    # -- who leads whom ------------------------------------------------------------------------------------------------------

    def above(self, code: str) -> frozenset[str]:
        """Codes of every body that leads this one, directly or not, in either line. Raises `KeyError`."""
        if code not in self._above:
            found: set[str] = set()
            todo = [code]
            while todo:
                leaders = set(self._bodies[todo.pop()].leaders) - found
                found |= leaders
                todo.extend(leaders)
            self._above[code] = frozenset(found)
        return self._above[code]

    def below(self, code: str) -> frozenset[str]:
        """Codes of every body that this one leads, directly or not, in either line; empty for an unknown one."""
        if code not in self._below:
            if self._led is None:
                led: dict[str, list[str]] = {}
                for body in self._bodies.values():
                    for leader in body.leaders:
                        led.setdefault(leader, []).append(body.code)
                self._led = led
            found: set[str] = set()
            todo = [code]
            while todo:
                fresh = set(self._led.get(todo.pop(), ())) - found
                found |= fresh
                todo.extend(fresh)
            self._below[code] = frozenset(found)
        return self._below[code]

    def leads(self, leader: str, led: str) -> bool:
        """Whether the first body leads the second, directly or not, in either line. Raises `KeyError` for an unknown second."""
        return leader in self.above(led)

    def common_superior(self, codes: Collection[str], on: date | None = None) -> Body | None:
        """The nearest body that leads all of these, in either line, and is none of them; None where there is none. Raises `KeyError`.

        信访工作条例 art 24(1): the common next-higher body decides a dispute of competence. Nearest: it leads no other that leads them all; among
        several, the fewest steps from the farthest of them, then the fewest steps in sum, then by way of their own line rather than `led_by`, then
        by code. One whose powers passed on stands for its successor; one that left them to nobody is passed over.
        """
        climbs = [self._climb(code) for code in sorted(set(codes))]
        if not climbs:
            return None
        heirs = {code: self.current(code, on) for code in set(climbs[0]).intersection(*climbs[1:])}
        common = [code for code, heir in heirs.items() if code not in codes and heir is not None and heir.code not in codes]
        nearest = [code for code in common if not any(self.leads(code, other) for other in common)]
        if not nearest:
            return None
        return heirs[min(nearest, key=lambda code: (*_cost(climb[code] for climb in climbs), code))]

    def _climb(self, code: str) -> dict[str, tuple[int, int]]:
        """The body and every one above it, with the cheapest way up: steps, and how many of them left the own line."""
        best, todo = {code: (0, 0)}, deque([code])
        while todo:
            body = self._bodies[todo.popleft()]
            steps, aside = best[body.code]
            for leader in body.leaders:
                cost = (steps + 1, aside + (leader != body.superior))
                if leader not in best or cost < best[leader]:
                    best[leader] = cost
                    todo.append(leader)
        return best


def _cost(ways: Iterable[tuple[int, int]]) -> tuple[int, int, int]:
    steps, aside = zip(*ways, strict=True)
    return max(steps), sum(steps), sum(aside)


def load_bodies(path: Path) -> Bodies:
    """Bodies from a YAML file. Raises `ConfigError` with every fault of the file."""
    file, located = load_located(path, BodiesFile)
    raise_if(list(faults(file, located)))
    return Bodies(file.divisions, file.bodies)
