"""The clerk of the demonstration: does the bureau's open duties by plain rules, through the same acts as a real one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cli.demo.by_hand import ByHand
from cli.demo.office import Act, Office, Open, today
from models import desk, desk_petition
from models.db import Connection
from models.moves import Answer, Refused
from rules.edge_guards import REFUSED

# Sandbox bodies that shirk say so by this reason, those whose duties overlap by that; the others name a reason that holds.
SHIRKING = "hard-to-handle"
OVERLAPPING = "overlapping-duties"
THIN = "incomplete"


class Clerk:
    """What is done about each kind of duty that the bureau owes, and how long it lies first."""

    # Where a duty has a date of hours it is done at once; where the law waits for the organ or the parties, later.
    PATIENCE: Mapping[str, timedelta] = {
        "report.grave": timedelta(0), "guide.followup": timedelta(days=5), "judicial.confirmation": timedelta(days=3),
    }

    def __init__(self, office: Office) -> None:
        self._office, self._house, self._sealer = office, office.house, office.sealer

    def acts(self) -> Mapping[str, Act]:
        """By kind of duty, what is done."""
        return {
            "objection.decide": self._objection, "route.by_hand": ByHand(self._office), "result.review": self._review, "decline.followup": self._declined,
            "supplement.get": self._supplement, "guide.followup": self._guided, "supervise": self._supervise, "undelivered": self._undelivered,
            "judicial.confirmation": self._told, "report.grave": self._told, "reassign.tell": self._told, "quarantine": self._note, "difference": self._note, "security": self._note,
        }

    def _by(self, connection: Connection, duty: Open, now: datetime) -> dict[str, Any]:
        clerk = self._office.staff(connection, duty.petition_no) if duty.petition_no else ""
        return {"house": self._house, "sealer": self._sealer, "now": now, "clerk": clerk}

    def _objection(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        code = (self._office.said(connection, duty.petition_no, "handoff.objected", duty.handoff_id) or {}).get("reason_code")
        by = self._by(connection, duty, now)
        if code == SHIRKING:
            return desk.decide_objection(connection, duty.handoff_id, "rejected", "所述理由不影响职责划分，请依法受理。", **by)
        if code == OVERLAPPING:
            return desk.decide_objection(connection, duty.handoff_id, "escalated", "职责交叉，协商不成，报请协调。", **by)
        return desk.decide_objection(connection, duty.handoff_id, "upheld", "经核实，确不属该单位职责。", materials=["转送函", "信访材料一份"], **by)

    def _review(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        said = self._office.said(connection, duty.petition_no, "handoff.result", duty.handoff_id) or {}
        by = self._by(connection, duty, now)
        if said.get("outcome_code") == THIN:
            return desk.review_result(connection, duty.handoff_id, "rework", "未列事实认定与法律依据，请补正后重报。", **by)
        answer = desk.review_result(connection, duty.handoff_id, "accepted", "事实清楚，依据充分。", told_on=today(now), **by)
        if not isinstance(answer, Refused):
            self._propose(connection, duty, by)
        return answer

    def _propose(self, connection: Connection, duty: Open, by: Mapping[str, Any]) -> None:
        if self._office.happened(connection, duty.petition_no, "proposal.issue"):
            return
        for advice in self._office.hint(connection, duty.petition_no).proposes:
            desk_petition.propose(connection, duty.petition_no, advice.kind, advice.to, "improper", "同类问题反复出现，建议从制度上解决。", **by)

    def _declined(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        by = self._by(connection, duty, now)
        if self._office.hint(connection, duty.petition_no).reroutes:
            return desk.follow_up(connection, duty.handoff_id, "reroute", "另有单位有权处理，改送。", **by)
        return desk.follow_up(connection, duty.handoff_id, "told", "已告知救济途径和期限。", told_on=today(now), **by)

    def _supplement(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        by = self._by(connection, duty, now)
        desk.supplement(connection, duty.handoff_id, "信访人已补充所需材料。", **by)
        return desk.duty_done(connection, duty.duty_id, "已请信访人补充材料并转交。", **by)

    def _guided(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        hint, by, number = self._office.hint(connection, duty.petition_no), self._by(connection, duty, now), duty.petition_no
        if hint.gives_up:
            return desk_petition.guide_ended(connection, number, today(now), "经回访，信访人不再提出。", **by)
        if hint.turned_away:
            return desk_petition.guide_back(connection, number, "有权机关未收件，信访人再次来访。", **by)
        return desk_petition.guide_filed(connection, number, f"立{number[-8:]}号", today(now), "有权机关已收件登记。", **by)

    def _supervise(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        return desk.supervise(connection, duty.handoff_id, "overdue", "经催办仍未办理，请说明情况并限期办结。", **self._by(connection, duty, now))

    def _undelivered(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        """A request that the body's system refused goes on paper where that is agreed, else it is taken back; whatever else did not arrive is noted."""
        row = connection.execute("select state, flags from handoff where handoff_id = %s", (duty.handoff_id,)).fetchone()
        by = self._by(connection, duty, now)
        if row is not None and row[0] == "ISSUED" and REFUSED in row[1]:
            if self._office.hint(connection, duty.petition_no).on_paper:
                return desk.deliver_by_hand(connection, duty.handoff_id, f"送{duty.petition_no[-8:]}号", today(now), "收发室", **by)
            return desk.take_back(connection, duty.handoff_id, "对方系统拒收，收回改送。", **by)
        return self._note(connection, duty, now)

    def _told(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        return desk.duty_done(connection, duty.duty_id, "已告知、报告，并留存记录。", **self._by(connection, duty, now))

    def _note(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        return desk.duty_done(connection, duty.duty_id, "已核对。", **self._by(connection, duty, now))
