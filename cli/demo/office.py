"""What the people of the demonstration share: the ledger, the rules, who acts, and what has been said in a case so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from cli.demo.script import Hint, Play
from models.db import Connection, Database
from models.moves import Answer
from models.seal import Sealer
from rules.calendar import SHANGHAI
from rules.house import House

# Two clerks, so that one can withdraw (回避) and the other go on.
STAFF = ("0107", "0212")


@dataclass(frozen=True, slots=True)
class Open:
    """One open duty."""

    duty_id: str
    kind: str
    ref: str
    petition_no: str
    handoff_id: str
    holder: str
    opened_at: datetime


Act = Callable[[Connection, Open, datetime], Answer | None]
"""Does a duty; None: nothing to be done about it now."""


@dataclass(frozen=True, slots=True)
class Office:
    """The desk all of them sit at."""

    database: Database
    house: House
    sealer: Sealer
    play: Play

    def staff(self, connection: Connection, petition_no: str) -> str:
        """The staff number of the first clerk who has not withdrawn from this petition."""
        row = connection.execute("select recused from petition where petition_no = %s", (petition_no,)).fetchone()
        recused = row[0] if row else []
        return next((one for one in STAFF if one not in recused), "")

    def hint(self, connection: Connection, petition_no: str) -> Hint:
        """What the script says of this petition."""
        row = connection.execute("select origin_ref from petition where petition_no = %s", (petition_no,)).fetchone()
        return self.play.hint(row[0] if row else "")

    def said(self, connection: Connection, petition_no: str, act: str, handoff_id: str | None = None) -> dict[str, Any] | None:
        """What the journal kept of the last such act, on this hand-off or on any; None where there was none."""
        row = connection.execute(
            "select detail from journal where petition_no = %s and act = %s and handoff_id is not distinct from coalesce(%s, handoff_id) order by seq desc limit 1",
            (petition_no, act, handoff_id)).fetchone()
        return dict(row[0]) if row else None

    def happened(self, connection: Connection, petition_no: str, act: str) -> bool:
        """Whether this act stands in the petition's journal."""
        return self.said(connection, petition_no, act) is not None


def today(now: datetime) -> date:
    """The Beijing day."""
    return now.astimezone(SHANGHAI).date()
