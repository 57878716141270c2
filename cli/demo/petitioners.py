"""The petitioners who come again: for 复查, for 复核, with new facts, or to withdraw what they asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from cli.demo.office import Office
from cli.demo.script import Hint
from models import desk, desk_petition
from models.db import Connection
from models.moves import Answer, Refused
from models.tables import PETITION_ENDS

_ACTS = ("petition.review", "petition.rereview", "petition.reopen", "handoff.withdraw")
_SQL = """select p.petition_no, p.origin_ref, p.state, p.closed_at, p.open_handoff,
            (select h.delivered_at from handoff h where h.handoff_id = p.open_handoff),
            (select count(*) from journal j where j.petition_no = p.petition_no and j.act = any(%s))
          from petition p where p.origin = 'demo' and p.origin_ref = any(%s) order by p.petition_no"""


class Petitioners:
    """Asks what the script says they ask, some days after the last answer."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._refs: Sequence[str] = [ref for ref in office.play.refs if office.play.hint(ref).wishes]

    def work(self, now: datetime) -> int:
        """Returns how many requests were entered."""
        done = 0
        with self._office.database.transaction() as connection:
            for number, ref, state, closed_at, handoff_id, delivered_at, asked in connection.execute(_SQL, (list(_ACTS), list(self._refs))).fetchall():
                hint = self._office.play.hint(ref)
                wish = hint.wishes[asked] if asked < len(hint.wishes) else None
                since = delivered_at if wish == "withdraw" else closed_at if state in PETITION_ENDS else None
                if wish is None or since is None or now - since < timedelta(days=hint.patience_days):
                    continue
                done += not isinstance(self._ask(connection, wish, number, handoff_id, hint, now), Refused)
        return done

    def _ask(self, connection: Connection, wish: str, number: str, handoff_id: str, hint: Hint, now: datetime) -> Answer:
        by: dict[str, Any] = {"house": self._office.house, "sealer": self._office.sealer, "now": now, "clerk": self._office.staff(connection, number)}
        if wish == "withdraw":
            return desk.withdraw(connection, handoff_id, "信访人书面撤回。", **by)
        if wish == "reopen":
            return desk_petition.reopen(connection, number, "提交了此前没有的证据材料。", **by)
        return desk_petition.review(connection, number, "不服答复意见。", body=(hint.review_by or "") if wish == "review" else "", **by)
