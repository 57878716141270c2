"""Every random decision of a run, from its seed: the same seed and the same place in a sequence have the same answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    """What the wire does to one request and its answer."""

    LOST_REQUEST = "lost_request"
    LOST_REPLY = "lost_reply"
    CUT_REPLY = "cut_reply"
    DELAYED = "delayed"
    DOUBLED = "doubled"
    HELD_BACK = "held_back"


@dataclass(frozen=True, slots=True)
class Rates:
    """How often each fault comes, as a share of all requests; together below 1."""

    lost_request: float = 0.03
    lost_reply: float = 0.04
    cut_reply: float = 0.015
    delayed: float = 0.01
    doubled: float = 0.03
    held_back: float = 0.015

    def __post_init__(self) -> None:
        shares = self.by_fault.values()
        if any(share < 0 for share in shares) or sum(shares) >= 1:
            raise ValueError("each rate must be 0 or more, and all together less than 1")

    @property
    def by_fault(self) -> Mapping[Fault, float]:
        """The same, by kind."""
        return {Fault(name): share for name, share in asdict(self).items()}

    def times(self, factor: float) -> Rates:
        """All of them more often (or, below 1, more rarely), kept together at 0.9 at most. Raises ValueError for a negative factor."""
        factor = min(factor, 0.9 / total) if (total := sum(self.by_fault.values())) else factor
        return Rates(**{name.value: share * factor for name, share in self.by_fault.items()})


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one request: `fault` (None: it passes), `seconds` to wait where the fault waits, `share` of the answer that a cut leaves."""

    fault: Fault | None
    seconds: float
    share: float


class Dice:
    """The dice of one run; sequences of other names are independent."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def stream(self, name: str) -> Random:
        """A sequence of its own."""
        return Random(f"{self.seed}/{name}")  # noqa: S311  (chaos, not cryptography)

    def fate(self, name: str, number: int, rates: Rates) -> Fate:
        """What becomes of the `number`-th request on the line `name`."""
        draw = self.stream(f"{name}/{number}")
        point, seconds, share = draw.random(), draw.uniform(0.2, 3.0), draw.random()
        for fault, rate in rates.by_fault.items():
            if point < rate:
                return Fate(fault, seconds, share)
            point -= rate
        return Fate(None, seconds, share)
