"""The whole configuration of one installation, loaded and checked as one: what the door and the flows are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from config.bodies import Bodies, load_bodies
from config.calendar import load_calendar
from config.confirmed import Confirmed, every_id, load_confirmed
from config.gaps import Gaps, load_gaps
from config.roadmap import load_roadmap
from config.routing import RoutingTable, load_routing
from config.source import ConfigError, Problem
from config.statutes import Register, load_statutes, track_faults
from rules.calendar import WorkCalendar
from rules.edge_guards import GUARDS
from rules.ladder import PETITIONER, conference_for
from rules.roadmap import RoadMap

__all__ = ["PETITIONER", "House", "load_house"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class House:
    """Bodies, road map, routing table, calendar, the register of the law with its gaps, and the bureau whose installation this is."""

    bureau: str
    bodies: Bodies
    roads: RoadMap
    table: RoutingTable
    calendar: WorkCalendar
    register: Register
    gaps: Gaps
    confirmed: Confirmed

    @property
    def conference(self) -> str:
        """The joint conference of the bureau's division: the people every escalation ends with."""
        body = self.bodies.find("joint_conference", self.bodies.get(self.bureau).division)
        assert body is not None, "load_house checks it"  # noqa: S101
        return body.code

    def conference_for(self, facts: Mapping[str, Any]) -> str:
        """The joint conference that a petition with these facts ends with: never one on the side it complains of."""
        return conference_for(facts, self.bodies, self.bodies.get(self.bureau).division)

    def division(self, body: str) -> str:
        return self.bodies.get(body).division if body in self.bodies else ""

    def profile(self, body: str) -> str:
        return self.bodies.get(body).profile if body in self.bodies else "agency"


def load_house(folder: Path, bureau: str) -> House:
    """Everything in one configuration folder.

    Raises:
        ConfigError: every fault of every file, each with file, line and cure. Nothing starts on a faulty configuration.
    """
    problems: list[Problem] = []
    bodies = _collect(problems, lambda: load_bodies(folder / "bodies.yaml"))
    roads = _collect(problems, lambda: load_roadmap(folder, GUARDS.keys()))
    calendar = _collect(problems, lambda: load_calendar(folder / "calendar.yaml"))
    table = None if bodies is None else _collect(problems, lambda: load_routing(folder / "routing.yaml", bodies))
    if bodies is not None and (bureau not in bodies or bodies.get(bureau).kind != "bureau"):
        problems.append(Problem("bodies.yaml", 1, f"设置的信访部门 {bureau} 不在机关目录中，或不是信访部门", "改正 TONGLU_BUREAU，或在 bodies.yaml 中补上该部门"))
    gaps = _collect(problems, lambda: load_gaps(folder / "gaps.yaml"))
    register = None if roads is None else _collect(problems, lambda: load_statutes(folder, *roads, GUARDS.keys()))
    known = every_id(roads[1], table, register, gaps) if roads and table and register and gaps else None
    confirmed = _collect(problems, lambda: load_confirmed(folder / "confirmed.yaml", known))
    if roads is not None and table is not None:
        problems.extend(track_faults(folder, roads[1], table.tracks.keys()))
    if problems or bodies is None or roads is None or calendar is None or table is None or register is None or gaps is None or confirmed is None:
        raise ConfigError(problems)
    return House(bureau, bodies, RoadMap(*roads, confirmed.ids), table, WorkCalendar(calendar), register, gaps, confirmed)


def _collect(problems: list[Problem], load: Callable[[], T]) -> T | None:
    try:
        return load()
    except ConfigError as error:
        problems.extend(error.problems)
        return None
