"""A body that treats one case so and another so."""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Mixed(BaseModel):
    """Which manner a case gets, decided once, when its first message arrives.

    `nth` {3: "silent"} names the third case's manner; else `cycle` is gone round case by case; else `weights`
    {"prompt": 3, "silent": 1} draws, the same draw for the same seed, body and petition. `options` holds the
    options of each manner by its name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: ClassVar[str] = "mixed"
    line: ClassVar[str] = "因案而异：按序号、轮次或权重选用其他方式"
    nth: Mapping[int, str] = {}
    cycle: tuple[str, ...] = ()
    weights: Mapping[str, float] = {}
    options: Mapping[str, Mapping[str, Any]] = {}
    start: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _some_choice(self) -> "Mixed":
        if not self.cycle and not self.weights:
            raise ValueError("mixed needs `cycle` (a list of manners) or `weights` (manner: weight)")
        if any(weight <= 0 for weight in self.weights.values()):
            raise ValueError("every weight must be above 0; leave a manner out instead")
        return self

    def pick(self, number: int, fraction: float) -> str:
        """The manner of the body's `number`th case (from 1); `fraction` in [0, 1) is its draw."""
        if number in self.nth:
            return self.nth[number]
        if self.cycle:
            return self.cycle[(self.start + number - 1) % len(self.cycle)]
        bounds = list(accumulate(self.weights.values()))
        return list(self.weights)[min(bisect_right(bounds, fraction * bounds[-1]), len(bounds) - 1)]

    def names(self) -> set[str]:
        """Every manner it can pick."""
        return {*self.nth.values(), *self.cycle, *self.weights}
