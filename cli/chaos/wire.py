"""Both lines of one installation, in a thread of their own: what the product asks the bodies, and what the bodies tell the product."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType

from cli.chaos.dice import Dice, Rates
from cli.chaos.proxy import Line

_START_WITHIN_S = 10.0


class Wire:
    """`outward`: product to bodies; `homeward`: bodies to product. As a context manager it listens from entry to exit."""

    def __init__(self, dice: Dice, rates: Rates) -> None:
        self._rates = rates
        self.outward, self.homeward = Line("outward", dice, rates), Line("homeward", dice, rates)
        self.outward_port = self.homeward_port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)

    @property
    def lines(self) -> tuple[Line, Line]:
        """Both."""
        return self.outward, self.homeward

    @property
    def busy(self) -> int:
        """How many requests are under way now."""
        return sum(line.in_flight for line in self.lines)

    def set_factor(self, factor: float) -> None:
        """Make faults so many times as frequent as the rates say; 0: an honest line. What is drawn already still happens."""
        for line in self.lines:
            line.rates = self._rates.times(factor)

    def __enter__(self) -> Wire:
        self._thread.start()
        self.outward_port, self.homeward_port = (
            asyncio.run_coroutine_threadsafe(line.start(), self._loop).result(_START_WITHIN_S) for line in self.lines
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        for line in self.lines:
            asyncio.run_coroutine_threadsafe(line.stop(), self._loop).result(_START_WITHIN_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_WITHIN_S)
        if not self._loop.is_running():
            self._loop.close()
