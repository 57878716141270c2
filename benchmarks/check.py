"""How long the proof takes: `tonglu check` and the part of it that every start runs, with the sample's bodies and with ten thousand."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import config
from benchmarks.common import Row
from connectors.sound import prove_house, require_sound
from rules.house import load_house
from tests.support.big_house import BUREAU, write_big_house

MANY = 10_000
ROUNDS = 3
WANTED = {"sample": 10.0, "many": 60.0}


def run() -> list[Row]:
    """Seconds to load and prove a configuration, medians of a few rounds. Raises RuntimeError when a configuration is not sound: its figures would say nothing."""
    with tempfile.TemporaryDirectory(prefix="tonglu-check-") as folder:
        write_big_house(Path(folder), MANY)
        rows = []
        for which, where in (("sample", Path(config.__file__).parent), ("many", Path(folder))):
            house = load_house(where, BUREAU)
            proof = prove_house(house, where)
            if not proof.good:
                raise RuntimeError(f"{which}: {proof.defects[0]}")
            name = f"{len(house.bodies):,} bodies"
            loading = _seconds(lambda at=where: load_house(at, BUREAU))  # type: ignore[misc]
            proving = _seconds(lambda h=house, at=where: prove_house(h, at))  # type: ignore[misc]
            starting = _seconds(lambda h=house, at=where: require_sound(h, at))  # type: ignore[misc]
            rows += [
                Row(f"check, {name}: load and prove", loading + proving, "s", f"{WANTED[which]:.0f} s", (loading + proving) / WANTED[which], "ratio below 1"),
                Row(f"start, {name}: the cheap part", starting * 1000, "ms", "1 s", starting, "ratio below 1"),
            ]
        return rows


def _seconds(act: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.monotonic()
        act()
        taken.append(time.monotonic() - began)
    return median(taken)
