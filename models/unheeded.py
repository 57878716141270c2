"""Messages of bodies that were read and not acted on: kept as they came, for whoever must judge what they are worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.wire import events
from models.db import Connection
from models.seal import Sealer


@dataclass(frozen=True, slots=True)
class Unheeded:
    """One of them, unsealed. `data`: the fields that the wire format knows; they may hold words about a person."""

    body: str
    message: str
    received_at: datetime
    data: dict[str, Any] = field(repr=False)


def unheeded(connection: Connection, petition_no: str, sealer: Sealer) -> list[Unheeded]:
    """Those of a petition in the order they came; what was erased (检举控告工作规则 art 15) is not among them. Raises SealError for one that was altered."""
    rows = connection.execute("""select body, message, message_id, received_at, raw_sealed from inbox
                                 where petition_no = %s and state = 'QUARANTINED' and raw_sealed <> '' order by id""", (petition_no,))
    return [Unheeded(body, message, received_at, events.known(message, events.decode(sealer.open(raw, f"inbox:{body}:{message_id}")).data))
            for body, message, message_id, received_at, raw in rows]
