"""The clerk of the demonstration: does the bureau's open duties by plain rules, through the same acts as a real one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from config.facts import Facts
from models import desk, desk_petition
from models.db import Connection, Database
from models.moves import Answer, Refused
from models.seal import Sealer
from rules.calendar import SHANGHAI
from rules.house import House
from rules.routing import ToClerk, route

# Nobody answers the minute a duty appears.
THINKING = timedelta(hours=6)
# Sandbox bodies that shirk say so by this reason; the others name a reason that holds.
SHIRKING = "hard-to-handle"
THIN = "incomplete"


@dataclass(frozen=True, slots=True)
class Open:
    """One open duty."""

    duty_id: str
    kind: str
    petition_no: str | None
    handoff_id: str | None
    holder: str


class Clerk:
    """Works through what is open; counts what was done, by kind."""

    def __init__(self, database: Database, house: House, sealer: Sealer) -> None:
        self._database, self._house, self._sealer = database, house, sealer
        self.done: dict[str, int] = {}
        self._stuck: set[str] = set()

    def work(self, now: datetime) -> int:
        """Do every duty of the bureau that has been open for a while. Returns how many were done."""
        sql = """select duty_id, kind, petition_no, handoff_id, holder from duty where closed_at is null and opened_at <= %s
                 and holder = %s order by duty_id"""
        with self._database.transaction() as connection:
            duties = [Open(*row) for row in connection.execute(sql, (now - THINKING, self._house.bureau))]
        count = 0
        for duty in duties:
            if duty.duty_id in self._stuck:
                continue
            with self._database.transaction() as connection:
                answer = self._do(connection, duty, now)
            if answer is None or isinstance(answer, Refused):
                self._stuck.add(duty.duty_id)
            else:
                self.done[duty.kind] = self.done.get(duty.kind, 0) + 1
                count += 1
        return count

    def next_look(self, connection: Connection, now: datetime) -> datetime | None:
        """When the next duty will have been open long enough."""
        sql = "select duty_id, opened_at from duty where closed_at is null and holder = %s and opened_at > %s"
        ahead = [at + THINKING for duty_id, at in connection.execute(sql, (self._house.bureau, now - THINKING)) if duty_id not in self._stuck]
        return min(ahead, default=None)

    def _do(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        act = self._acts().get(duty.kind)
        return act(connection, duty, now) if act else None

    def _acts(self) -> dict[str, Callable[[Connection, Open, datetime], Answer | None]]:
        return {
            "objection.decide": self._objection,
            "route.by_hand": self._route,
            "result.review": self._review,
            "decline.followup": self._declined,
            "supplement.get": self._supplement,
            "quarantine": self._note,
            "difference": self._note,
            "undelivered": self._note,
            "security": self._note,
        }

    def _said(self, connection: Connection, duty: Open, act: str) -> dict[str, Any]:
        row = connection.execute(
            "select detail from journal where petition_no = %s and act = %s order by seq desc limit 1", (duty.petition_no, act)).fetchone()
        return dict(row[0]) if row else {}

    def _objection(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        said = self._said(connection, duty, "handoff.objected")
        if said.get("reason_code") == SHIRKING:
            return desk.decide_objection(connection, duty.handoff_id or "", "rejected", "所述理由不影响职责划分，请依法受理。", self._house, self._sealer, now)
        return desk.decide_objection(connection, duty.handoff_id or "", "upheld", "经核实，确不属该单位职责。", self._house, self._sealer, now,
                                     materials=["转送函", "信访材料一份"])

    def _route(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        number = duty.petition_no or ""
        row = connection.execute("select facts, returned_by, channel from petition where petition_no = %s", (number,)).fetchone()
        if row is None:
            return None
        facts, returned_by, channel = Facts.model_validate(row[0]), row[1], row[2]
        found = route(facts, self._house.table, self._house.bodies, self._house.bureau)
        candidates = list(found.candidates) if isinstance(found, ToClerk) else [found.body, *found.alternatives]
        suggested = self._said(connection, duty, "handoff.objected").get("suggested_body", "")
        code = str(suggested).removeprefix("urn:xf:").replace(":", "-")
        if code in self._house.bodies:
            candidates.insert(0, self._house.bodies.get(code))
        told_on = now.astimezone(SHANGHAI).date()
        if channel == "visit" and not returned_by and not isinstance(found, ToClerk) and found.way == "引导":
            return desk_petition.guide(connection, number, told_on, "已当面说明并引导至有权处理的机关。", self._house, self._sealer, now)
        for body in candidates:
            if body.code in returned_by:
                continue
            answer = desk_petition.send(connection, number, body.code, "经办人确定去向", self._house, self._sealer, now)
            if not isinstance(answer, Refused):
                return answer
        return desk_petition.close_petition(connection, number, told_on, "已书面告知信访人不再转送的理由和途径。", self._house, self._sealer, now)

    def _review(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        thin = self._said(connection, duty, "handoff.result").get("outcome_code") == THIN
        if thin:
            return desk.review_result(connection, duty.handoff_id or "", "rework", "未列事实认定与法律依据，请补正后重报。", self._house, self._sealer, now)
        return desk.review_result(connection, duty.handoff_id or "", "accepted", "事实清楚，依据充分。", self._house, self._sealer, now,
                                  told_on=now.astimezone(SHANGHAI).date())

    def _declined(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        return desk.follow_up(connection, duty.handoff_id or "", "told", "已告知救济途径和期限。", self._house, self._sealer, now,
                              told_on=now.astimezone(SHANGHAI).date())

    def _supplement(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        desk.supplement(connection, duty.handoff_id or "", "信访人已补充所需材料。", self._house, self._sealer, now)
        return desk.duty_done(connection, duty.duty_id, "已请信访人补充材料并转交。", self._house, self._sealer, now)

    def _note(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        return desk.duty_done(connection, duty.duty_id, "已核对。", self._house, self._sealer, now)
