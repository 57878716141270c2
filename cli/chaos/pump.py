"""Time under chaos: it never waits for anybody. A minute each second, and in between the long steps to the night and to noon that a plan of days asks for."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from cli.chaos.wire import Wire
from cli.lapse.installation import Installation
from rules.calendar import SHANGHAI

HALF_DAY = timedelta(hours=12)
# Below what a signature may be old, so that a request under way stays good over it; a fault may delay one by three seconds.
_SMALL, _SMALL_EVERY_S = timedelta(minutes=1), 1.0
# A long step makes every request under way look forged. Two of three wait so long for a moment without any, then come all the same; the third does not wait.
_PATIENCE_S = 3.0
_IMPATIENT = 3
_LOOK_EVERY_S = 0.05
_NIGHT_HOUR = 2


class Pump:
    """Moves the clock of an installation; counts what it did."""

    def __init__(self, installation: Installation, wire: Wire, days: float, seconds: float) -> None:
        """`days` of the installation's time pass in so many real `seconds`."""
        self._installation, self._wire, self._seconds = installation, wire, seconds
        self.wanted = max(1, round(days * 2))
        self.long = self.small = self.over_requests = 0

    def run(self, each: Callable[[int], None], done: Callable[[], bool], at_most: float) -> None:
        """Make all the steps, and go on by minutes until `done`; at most so many real seconds.

        `each` hears of the number of a long step just before it is made, first of number 0 at the beginning.
        """
        began = time.monotonic()
        each(0)
        small_at = began + _SMALL_EVERY_S
        while (now := time.monotonic()) - began < at_most:
            if self.long < self.wanted and now - began >= (self.long + 1) * self._seconds / (self.wanted + 1):
                self._step_long()
                each(self.long)
            elif self.long >= self.wanted and done():
                return
            elif now >= small_at:
                self._installation.step_to(self._installation.now + _SMALL)
                self.small += 1
                small_at = now + _SMALL_EVERY_S
            time.sleep(_LOOK_EVERY_S)

    def _step_long(self) -> None:
        until = time.monotonic() + (0 if self.long % _IMPATIENT == 1 else _PATIENCE_S)
        while self._wire.busy and time.monotonic() < until:
            time.sleep(_LOOK_EVERY_S / 10)
        self.over_requests += self._wire.busy
        self._installation.step_to(next_point(self._installation.now))
        self.long += 1


def next_point(now: datetime) -> datetime:
    """The next 02:00 (when the night's comparison begins) or 14:00 in Beijing after `now`."""
    point = now.astimezone(SHANGHAI).replace(hour=_NIGHT_HOUR, minute=0, second=0, microsecond=0)
    while point <= now:
        point += HALF_DAY
    return point
