"""Whose turn it is: bodies with messages are served in turn, so that a large backlog cannot keep a small one waiting for ever."""

from __future__ import annotations

from collections.abc import Sequence

from models.outbox import Waiting


class Turns:
    """Remembers in which order bodies were served; in memory, since a new worker may begin with anybody."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._turn = 0

    def order(self, bodies: Sequence[Waiting]) -> list[Waiting]:
        """Those never served first, in the order given, then by how long ago their last turn was."""
        return sorted(bodies, key=lambda waiting: self._last.get(waiting.body, 0))

    def took(self, body: str) -> None:
        """This body has its turn now."""
        self._turn += 1
        self._last[body] = self._turn
