"""A body whose first result cannot stand."""

from typing import ClassVar

from sandbox import texts
from sandbox.desk import Desk
from sandbox.manners.base import Manner, Options


class Rework(Manner[Options]):
    """Reports a thin result (outcome code `incomplete`, no facts, no law); sent back, reports a good one in the next
    round."""

    name: ClassVar[str] = "rework"
    line: ClassVar[str] = "首次办结报告敷衍，退回重办后才像样"

    def result(self, desk: Desk) -> dict[str, object]:
        """Thin the first time."""
        return texts.thin_result(desk.case) if desk.remember("results") == 1 else texts.result(desk.case)
