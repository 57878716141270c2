"""What the monkey will do and when: the whole plan of a run, from its seed alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from cli.chaos.dice import Dice

WORKERS = ("worker", "worker-2")
# How often each is a victim. Prefect's server takes seconds and much of a small machine to start, so it dies more rarely.
_VICTIMS = {"worker": 5.0, "worker-2": 4.0, "gateway": 5.0, "sandbox": 3.5, "backend": 2.5, "postgresql": 2.5, "prefect": 0.7}
_FROZEN = (*WORKERS, "gateway", "sandbox")
# What finds no room: a table, or the write-ahead log itself, which is the server's end.
WAL = "write-ahead log"
_FULL = ("inbox", "inbox", "inbox", "outbox", "journal", WAL)


class Kind(StrEnum):
    """What can be done. The first three kill."""

    KILL = "kill"
    KILL_TOGETHER = "kill-together"
    KILL_AT_START = "kill-at-start"
    STORM = "storm"
    FULL_DISK = "full-disk"
    WRONG_CLOCK = "wrong-clock"
    AWAY = "away"
    FREEZE = "freeze"
    DROP_PREFECT = "drop-prefect"


_SPARE = 1.12
_MERCILESS = 0.25
KILLS = (Kind.KILL, Kind.KILL_TOGETHER, Kind.KILL_AT_START)
_HOW_OFTEN = {Kind.KILL: 6.0, Kind.KILL_TOGETHER: 2.0, Kind.KILL_AT_START: 2.0, Kind.STORM: 1.0, Kind.FULL_DISK: 1.0, Kind.WRONG_CLOCK: 1.0, Kind.AWAY: 0.7,
              Kind.FREEZE: 1.0, Kind.DROP_PREFECT: 0.15}


@dataclass(frozen=True, slots=True)
class Act:
    """One act of the monkey.

    Attributes:
        at: seconds from the beginning. whom: services; for clocks and absences shares of the list of bodies (0 to 1); for the disk what finds no room.
        seconds: real time it lasts; for a kill at the start, how long after the new process is there. amount: what it is about, by kind: times the rates of
        the wire, seconds a clock is fast, virtual hours a body is away. merciless: done at its time, whatever is still down.
    """

    at: float
    kind: Kind
    whom: tuple[str | float, ...] = ()
    seconds: float = 0.0
    amount: float = 0.0
    merciless: bool = False

    @property
    def kills(self) -> int:
        """How many processes it means to kill."""
        return len(self.whom) * (2 if self.kind is Kind.KILL_AT_START else 1) if self.kind in KILLS else 0


def plan(dice: Dice, kills: int, seconds: float) -> list[Act]:
    """At least so many kills and everything else that belongs to chaos, spread over so many seconds of real time, in order."""
    rng = dice.stream("plan")
    # At least one of each, however short the run.
    drawn = [Act(0.0, Kind.KILL, ("prefect",)), *(_draw(rng, kind) for kind in Kind)]
    # Some will find nobody: what is to be killed is being started just then.
    while sum(act.kills for act in drawn) < kills * _SPARE + 2:
        drawn.append(_draw(rng, rng.choices(list(_HOW_OFTEN), list(_HOW_OFTEN.values()))[0]))
    rng.shuffle(drawn)
    moments = sorted(rng.uniform(0, seconds) for _ in drawn)
    return [replace(act, at=at, merciless=rng.random() < _MERCILESS) for at, act in zip(moments, drawn, strict=True)]


def _draw(rng: Random, kind: Kind) -> Act:
    whom: tuple[str | float, ...] = ()
    seconds, amount = 0.0, 0.0
    match kind:
        case Kind.KILL:
            whom = (_victim(rng),)
        case Kind.KILL_TOGETHER:
            whom = tuple(dict.fromkeys(_victim(rng) for _ in range(rng.randint(2, 6))))
        case Kind.KILL_AT_START:
            # A backend has no start of its own to be killed in.
            whom, seconds = (rng.choice([*WORKERS, "gateway", "sandbox", "postgresql"]),), rng.random()
        case Kind.STORM:
            seconds, amount = rng.uniform(2, 8), rng.uniform(3, 7)
        case Kind.FULL_DISK:
            whom, seconds = (rng.choice(_FULL),), rng.uniform(2, 6)
        case Kind.WRONG_CLOCK:
            whom, seconds, amount = _some_bodies(rng), rng.uniform(3, 12), rng.choice([-1, 1]) * rng.randint(120, 600)
        case Kind.AWAY:
            whom, amount = _some_bodies(rng), rng.uniform(0.1, 6)
        case Kind.FREEZE:
            whom, seconds = (rng.choice(_FROZEN),), rng.uniform(0.5, 4)
    return Act(0.0, kind, whom, seconds, amount)


def _victim(rng: Random) -> str:
    return rng.choices(list(_VICTIMS), list(_VICTIMS.values()))[0]


def _some_bodies(rng: Random) -> tuple[float, ...]:
    return tuple(rng.random() for _ in range(rng.randint(1, 4)))
