"""Bodies without a system of their own, and papers delivered by hand: what they wrote on paper is entered by the bureau (代录)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cli.demo.office import Office, today
from models import desk
from models.moves import Refused
from rules.calendar import SHANGHAI

# How long after the step before each paper arrives.
_AFTER = {"DELIVERED": timedelta(hours=12), "SIGNED": timedelta(days=1), "ACCEPTED": timedelta(days=4), "IN_PROGRESS": timedelta(days=2)}
_SQL = """select h.handoff_id, h.petition_no, h.body, h.state, h.flags, h.round,
            (select max(j.at) from journal j where j.petition_no = h.petition_no and j.handoff_id = h.handoff_id and j.from_state <> j.to_state)
          from handoff h where h.state in ('DELIVERED', 'SIGNED', 'ACCEPTED', 'IN_PROGRESS') order by h.petition_no"""


class DeskBodies:
    """Enters the papers that have come in by now."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def work(self, now: datetime) -> int:
        """Returns how many papers were entered."""
        office, done = self._office, 0
        with office.database.transaction() as connection:
            for handoff_id, number, body, state, flags, round_, since in connection.execute(_SQL).fetchall():
                on_paper = "by-hand" in flags or office.house.bodies.get(body).connector.kind == "desk"
                if not on_paper or now - since < _AFTER[state]:
                    continue
                message, data = self._paper(state, body, number, round_, now)
                register = f"收{today(now):%Y%m%d}{number[-4:]}号"
                answer = desk.record_for(connection, handoff_id, message, data, register, office.house, office.sealer, now)
                done += not isinstance(answer, Refused)
        return done

    def _paper(self, state: str, body: str, number: str, round_: int, now: datetime) -> tuple[str, dict[str, Any]]:
        day = today(now).isoformat()
        case_no = f"受{number[-8:]}号"
        if state == "DELIVERED":
            return "handoff.signed", {"office": "办公室", "person_role": "收文岗", "signed_at": now.astimezone(SHANGHAI).isoformat()}
        if state == "SIGNED":
            return "handoff.accepted", {"partner_case_no": case_no, "procedure": "法定程序", "told_on": day}
        if self._office.house.bodies.get(body).kind == "mediation":
            return "handoff.settled", {"kind": "mediation", "agreed_on": day, "document_no": f"{case_no}调", "opinion": "双方达成调解协议。", "round": round_}
        return "handoff.result", {"outcome_code": "resolved", "document_no": f"{case_no}复", "opinion": "已依法处理并书面答复。", "attachments": [], "round": round_}
