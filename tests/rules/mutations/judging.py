"""Is the damage found? By the proof, or by loading: what a start would be refused for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

from pydantic import ValidationError

from config.bodies import Bodies, load_bodies
from config.roadmap import ClocksFile, RoadMapFile, load_roadmap
from config.routing import RoutingTable, load_routing
from config.source import ConfigError
from config.statutes import load_statutes, track_faults
from connectors.registry import KINDS
from connectors.sound import HEARD
from connectors.wire.events import TO_BODY
from rules.edge_guards import GUARDS
from rules.proof import Defect, Parts, road_defects
from rules.proof.people import People
from rules.proof.routes import Routes
from tests.rules.mutations.world import BUREAU, FILES, World, snapshot

Loaded = tuple[RoadMapFile, ClocksFile, Bodies, RoutingTable]


@dataclass(frozen=True)
class Verdict:
    """How it was found: `load`, a defect's code, or None for not at all."""

    by: str | None
    said: str = ""


@lru_cache(maxsize=1)
def sound_parts() -> Parts:
    bodies = load_bodies(snapshot() / "bodies.yaml")
    return Parts(*load_roadmap(snapshot(), GUARDS.keys()), bodies, load_routing(snapshot() / "routing.yaml", bodies), KINDS.keys(), TO_BODY, HEARD, BUREAU)


def judge(world: World, folder: Path) -> Verdict:
    """Asks the proof first where only road map or clocks are damaged, then loading; for bodies and routing loading first. `folder`: to write in."""
    if world.touched & {"bodies", "routing"}:
        loaded = _load(world, folder)
        return loaded if isinstance(loaded, Verdict) else _prove(loaded, world)
    found = _proved(world)
    if found.by:
        return found
    loaded = _load(world, folder)
    return loaded if isinstance(loaded, Verdict) else found


def _proved(world: World) -> Verdict:
    whole = sound_parts()
    try:
        roads = RoadMapFile.model_validate(world.roadmap) if "roadmap" in world.touched else whole.roads
        clocks = ClocksFile.model_validate(world.clocks) if "clocks" in world.touched else whole.clocks
    except ValidationError as error:
        return Verdict("load", str(error.errors()[0]["loc"]))
    try:
        return _prove((roads, clocks, whole.bodies, whole.table), world)
    except KeyError:
        # The data name what is not there. Loading refuses that first; were it to let it pass, the test would see that nothing found it.
        return Verdict(None)


def _prove(loaded: Loaded, world: World) -> Verdict:
    """The parts of the proof that look at the damaged files: the others would say of the shipped ones what they always say."""
    parts = Parts(*loaded, less(KINDS.keys(), world.less_kinds), less(TO_BODY, world.less_carried), less(HEARD, world.less_heard), BUREAU)
    checks: list[Iterable[Defect]] = []
    if world.touched & {"roadmap", "clocks"}:
        checks.append(road_defects(parts))
    if world.less_kinds or "bodies" in world.touched:
        checks.append(People(parts).defects())
    if world.touched & {"bodies", "routing"}:
        checks.append(Routes(parts).defects())
    first = next(chain.from_iterable(checks), None)
    return Verdict(first.code, str(first)) if first else Verdict(None)


def less(whole: Collection[str], without: Collection[str]) -> frozenset[str]:
    return frozenset(whole) - frozenset(without)


_WRITTEN: dict[Path, set[str]] = {}
"""By folder, the files in it that differ from the shipped ones."""


def _load(world: World, folder: Path) -> Verdict | Loaded:
    """What a start would read, or why it would refuse; files that were not touched are not read again."""
    written = _WRITTEN.setdefault(folder, set())
    for name in (*FILES, "statutes"):
        path = folder / f"{name}.yaml"
        if name in world.touched:
            path.write_text(json.dumps(getattr(world, name), ensure_ascii=False), encoding="utf-8")
        elif not path.exists() or name in written:
            shutil.copyfile(snapshot() / f"{name}.yaml", path)
    _WRITTEN[folder] = set(world.touched)
    try:
        return _read(folder, world.touched)
    except ConfigError as error:
        return Verdict("load", str(error.problems[0]))


def _read(folder: Path, touched: Collection[str]) -> Loaded:
    whole = sound_parts()
    roads, clocks = whole.roads, whole.clocks
    if {"roadmap", "clocks"} & set(touched):
        roads, clocks = load_roadmap(folder, GUARDS.keys())
        load_statutes(folder, roads, clocks, GUARDS.keys())
    bodies = load_bodies(folder / "bodies.yaml") if "bodies" in touched else whole.bodies
    table = load_routing(folder / "routing.yaml", bodies) if {"bodies", "routing"} & set(touched) else whole.table
    if {"clocks", "routing"} & set(touched) and (problems := track_faults(folder, clocks, table.tracks.keys())):
        raise ConfigError(problems)
    return roads, clocks, bodies, table
