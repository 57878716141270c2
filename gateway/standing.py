"""Where a hand-off's messages stand, to say in the receipt whether this one is in order, told before, or past a gap.

It reads only; `models.inbox` decides again, under a lock, when the message is applied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.wire.receipts import Status
from models.db import Connection


@dataclass(slots=True)
class Standing:
    """A hand-off of a body: its petition, the last sequence applied, and the later ones already stored."""

    body: str
    petition_no: str
    applied: int
    stored: set[int] = field(default_factory=set)

    def take(self, sequence: int) -> Status:
        """What the receipt for this sequence says; counts it as stored."""
        if sequence <= self.applied or sequence in self.stored:
            return "duplicate"
        self.stored.add(sequence)
        first_missing = self.applied + 1
        while first_missing in self.stored:
            self.stored.discard(first_missing)
            self.applied = first_missing
            first_missing += 1
        return "stored" if sequence <= self.applied else "held"


_SQL = """
select h.handoff_id, h.body, h.petition_no, h.seq_in,
       array(select i.sequence from inbox i where i.handoff_id = h.handoff_id and i.sequence > h.seq_in)
from handoff h where h.handoff_id = any(%s)
"""


def read(connection: Connection, handoff_ids: Sequence[str]) -> dict[str, Standing]:
    """By hand-off id; one that does not exist is not there."""
    found = {}
    for handoff_id, body, petition_no, applied, later in connection.execute(_SQL, (list(handoff_ids),)):
        standing = found[handoff_id] = Standing(body, petition_no, applied)
        for sequence in sorted(later):
            standing.take(sequence)
    return found
