"""How the directory grows: loading, routing and asking for common superiors, with the sample's bodies and with ten thousand, in turns of one run."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import config
from benchmarks.common import Row
from config.bodies import Bodies, load_bodies
from config.facts import Facts
from config.routing import RoutingTable, load_routing
from config.samples import load_samples
from rules.guards import may_send
from rules.routing import route
from tests.support.big_house import BUREAU, write_big_house

MANY = 10_000
ROUNDS = 7
ASKED = 2_000


@dataclass(frozen=True, slots=True)
class _House:
    folder: Path
    bodies: Bodies
    table: RoutingTable


@dataclass(frozen=True, slots=True)
class _Figures:
    load: float
    routes: float
    guards: float
    superiors: float


def run(many: int = MANY, rounds: int = ROUNDS) -> list[Row]:
    """Medians over the rounds; a ratio near 1 says that the number of bodies does not matter."""
    with tempfile.TemporaryDirectory(prefix="tonglu-bench-") as name:
        write_big_house(Path(name), many)
        houses = [_open(Path(config.__file__).parent), _open(Path(name))]
        rows: list[list[_Figures]] = [[], []]
        for number in range(rounds):
            for house, figures in zip(houses, rows, strict=True):
                figures.append(_measure(house, number))
    few = len(houses[0].bodies)
    small, large = ([median(getattr(f, part) for f in figures) for part in _Figures.__slots__] for figures in rows)
    asked = ("routes, all samples", "guards, an accused and a receiver drawn at random", "common superiors of two bodies drawn at random")
    return [
        Row(f"load {many:,} bodies", large[0], "s", f"{few} bodies {small[0]:.3f} s"),
        Row("the same, a body", large[0] / many * 1e6, "µs", f"{small[0] / few * 1e6:,.0f} µs", (large[0] / many) / (small[0] / few), "about 1 or less"),
        *(
            Row(f"{what}, {many:,} bodies", big, "/s", f"{few} bodies {little:,.0f}/s", big / little, "about 1")
            for what, big, little in zip(asked, large[1:], small[1:], strict=True)
        ),
    ]


def _open(folder: Path) -> _House:
    bodies = load_bodies(folder / "bodies.yaml")
    return _House(folder, bodies, load_routing(folder / "routing.yaml", bodies))


def _measure(house: _House, seed: int) -> _Figures:
    began = time.perf_counter()
    bodies = load_bodies(house.folder / "bodies.yaml")
    load = time.perf_counter() - began
    facts = [sample.facts for sample in load_samples(house.folder / "samples" / "petitions.yaml")]
    chance = random.Random(seed)  # noqa: S311
    codes = sorted(body.code for body in bodies)
    pairs = [(chance.choice(codes), chance.choice(codes)) for _ in range(ASKED)]
    accused = [(Facts.model_validate({"klass": "accusation", "accusation": "discipline", "accused_body": one}), bodies.get(other)) for one, other in pairs]
    times = max(1, ASKED // len(facts))
    # the directory is fresh: what its indexes cost to make is in the figures
    return _Figures(
        load,
        _rate([lambda f=f: route(f, house.table, bodies, BUREAU) for f in facts * times]),  # type: ignore[misc]
        _rate([lambda f=f, b=b: may_send(f, b, bodies) for f, b in accused]),  # type: ignore[misc]
        _rate([lambda p=p: bodies.common_superior(p) for p in pairs]),  # type: ignore[misc]
    )


def _rate(calls: Sequence[Callable[[], object]]) -> float:
    began = time.perf_counter()
    for call in calls:
        call()
    return len(calls) / (time.perf_counter() - began)
