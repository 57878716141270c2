"""`GET /petitions/{no}`: where a petition is, who holds it, by when, and the road it took. Codes, dates and names of bodies; nothing of a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from connectors.wire.strictjson import dumps
from gateway.answers import Refused, plain
from gateway.context import Context
from gateway.intake import Gate
from gateway.reader import Reader
from models.db import Connection
from models.journalling import safe
from rules.calendar import SHANGHAI
from rules.house import PETITIONER, House

_PETITION = "select state, holder, next_due, received_at, registered_at, closed_at, klass, outcome, flags, stage from petition where petition_no = %s"
_HANDOFFS = """select handoff_id, body, way, basis, round, state, holder, next_due, partner_case_no, issued_at, delivered_at, accepted_at, closed_at, flags
               from handoff where petition_no = %s order by handoff_id"""
_TIMELINE = """select j.seq, j.at, j.actor, j.act, j.handoff_id, h.body, j.from_state, j.to_state, j.holder, j.next_due
               from journal j left join handoff h using (handoff_id) where j.petition_no = %s order by j.seq"""


class Status:
    """The handler of the question."""

    def __init__(self, context: Context, gate: Gate, reader: Reader) -> None:
        self._context, self._gate, self._reader = context, gate, reader

    async def show(self, request: Request) -> Response:
        """The petition as JSON, times in Asia/Shanghai; 404 for a number that was never given."""
        self._gate.name(request)
        number: str = request.path_params["petition_no"]
        found = None
        if len(number) == 22 and number.isascii() and number.isalnum():
            now = self._context.time.now()
            found = await self._reader.run(lambda c: describe(c, number, self._context.house, now))
        if found is None:
            raise Refused(plain(404, "unknown-petition", "无此信访事项", "没有这个编号的信访事项；编号是 XF 加二十位数字"))
        return Response(dumps(found), media_type="application/json")


def describe(connection: Connection, number: str, house: House, now: datetime) -> dict[str, Any] | None:
    """Everything that may be told about a petition; None for one that does not exist. `days` counts Beijing days since it was received."""
    row = connection.execute(_PETITION, (number,)).fetchone()
    if row is None:
        return None
    state, holder, due, received, registered, closed, klass, outcome, flags, stage = row
    return {
        "petition_no": number,
        "state": state,
        "state_zh": house.roads.state("petition", state).zh,
        "holder": _who(holder, house),
        "next_due": _time(due),
        "received_at": _time(received),
        "registered_at": _time(registered),
        "closed_at": _time(closed),
        "days": ((closed or now).astimezone(SHANGHAI).date() - received.astimezone(SHANGHAI).date()).days,
        "klass": klass,
        "stage": stage,
        "outcome": outcome,
        "flags": flags,
        "handoffs": [_handoff(row, house) for row in connection.execute(_HANDOFFS, (number,))],
        "timeline": [_line(row, house) for row in connection.execute(_TIMELINE, (number,))],
    }


def _handoff(row: tuple[Any, ...], house: House) -> dict[str, Any]:
    handoff_id, body, way, basis, turn, state, holder, due, case_no, issued, delivered, accepted, closed, flags = row
    return {
        "handoff_id": handoff_id, "body": _who(body, house), "way": way, "basis": basis, "round": turn,
        "state": state, "state_zh": house.roads.state("handoff", state).zh, "holder": _who(holder, house), "next_due": _time(due),
        # A case number is a body's own text; one that could be a sentence is not passed on.
        "partner_case_no": safe("partner_case_no", case_no),
        "issued_at": _time(issued), "delivered_at": _time(delivered), "accepted_at": _time(accepted), "closed_at": _time(closed), "flags": flags,
    }


def _line(row: tuple[Any, ...], house: House) -> dict[str, Any]:
    seq, at, actor, act, handoff_id, body, before, after, holder, due = row
    machine = "petition" if handoff_id is None else "handoff"
    return {
        "seq": seq, "at": _time(at), "by": _who(actor.partition("#")[0].partition(":")[2], house), "act": act, "handoff_id": handoff_id, "body": _who(body, house),
        "from": before, "to": after, "to_zh": _zh(machine, after, house), "holder": _who(holder, house), "next_due": _time(due),
    }


def _zh(machine: str, state: str, house: House) -> str:
    states = house.roads.machine("petition" if machine == "petition" else "handoff").states
    return states[state].zh if state in states else ""


def _who(code: str | None, house: House) -> dict[str, str] | None:
    if not code:
        return None
    if code == PETITIONER:
        return {"code": code, "name": "信访人"}
    if code == "tonglu":
        return {"code": code, "name": "系统"}
    return {"code": code, "name": house.bodies.get(code).name if code in house.bodies else code}


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else instant.astimezone(SHANGHAI).isoformat(timespec="seconds")
