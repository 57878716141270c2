"""Those above the bureau: the government that decides, the arbiter that rules, the joint conference, and whoever owes feedback on a proposal.

They have no system of their own here: the bureau records what they decided, through the acts meant for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cli.demo.by_hand import candidates
from cli.demo.office import Act, Office, Open, today
from config.body import code_of
from config.facts import Facts
from models import desk, desk_petition, reassigning
from models.db import Connection
from models.moves import Answer


class Arbiters:
    """What is done about each kind of duty that somebody above the bureau owes, and how long it lies first."""

    PATIENCE: Mapping[str, timedelta] = {
        "dispute.rule": timedelta(days=2), "proposal.feedback": timedelta(days=8), "conference": timedelta(days=1),
    }

    def __init__(self, office: Office) -> None:
        self._office, self._house, self._sealer = office, office.house, office.sealer

    def acts(self) -> Mapping[str, Act]:
        """By kind of duty, what is done."""
        return {"decision.give": self._decide, "dispute.rule": self._rule, "proposal.feedback": self._feedback, "conference": self._conference}

    def _by(self, now: datetime) -> dict[str, Any]:
        return {"house": self._house, "sealer": self._sealer, "now": now}

    def _decide(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        return desk_petition.decide_up(connection, duty.petition_no, "由主管部门牵头，当日处置并公布情况。", **self._by(now))

    def _rule(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        designated = self._office.hint(connection, duty.petition_no).designated
        if duty.handoff_id and designated is not None:
            return desk_petition.designate_instead(connection, duty.handoff_id, designated, "依职责划分，由该单位受理。", materials=["信访材料一份"], **self._by(now))
        if duty.handoff_id:
            return desk.rule_dispute(connection, duty.handoff_id, "keep", "依属地和职责，由原受理单位办理。", **self._by(now))
        chosen = designated or self._chosen(connection, duty.petition_no)
        return desk_petition.designate(connection, duty.petition_no, chosen, "指定该单位牵头受理。", **self._by(now)) if chosen else None

    def _chosen(self, connection: Connection, petition_no: str) -> str | None:
        """Whom the table would send it to, returned or not; else the body that an objection named."""
        row = connection.execute("select facts from petition where petition_no = %s", (petition_no,)).fetchone()
        found = candidates(Facts.model_validate(row[0]), self._house) if row else []
        named = code_of(str((self._office.said(connection, petition_no, "handoff.objected") or {}).get("suggested_body") or ""))
        return next(iter([*found, *([named] if named in self._house.bodies else [])]), None)

    def _feedback(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        kind = connection.execute("select kind from proposal where proposal_id = %s", (duty.ref,)).fetchone()
        advices = self._office.hint(connection, duty.petition_no).proposes
        adopted = next((advice.adopted for advice in advices if kind and advice.kind == kind[0]), "yes")
        return desk_petition.proposal_feedback(connection, duty.petition_no, duty.ref, adopted, today(now), "已研究并书面反馈采纳情况。", **self._by(now))

    def _conference(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        """Supervision did not help either: the conference has those answerable for the delay proposed for accountability, once; then it may take the case away."""
        if not duty.handoff_id:
            return None
        if self._office.happened(connection, duty.petition_no, "proposal.issue"):
            return self._reassign(connection, duty, now)
        row = connection.execute("select body from handoff where handoff_id = %s", (duty.handoff_id,)).fetchone()
        body = self._house.bodies.get(row[0]) if row else None
        if body is None:
            return None
        kind = "government" if body.kind == "discipline" else "discipline"
        places = [place.code for place in self._house.bodies.lineage(body.division)]
        found = next((other for place in places if (other := self._house.bodies.find(kind, place)) is not None), None)
        if found is None:
            return None
        return self._propose(connection, duty, found.code, now)

    def _propose(self, connection: Connection, duty: Open, to: str, now: datetime) -> Answer:
        return desk_petition.propose(connection, duty.petition_no, "accountability", to, "shirking", "催办、督办无果，建议追究责任。", **self._by(now))

    def _reassign(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        """Where the script names who shall have it; refused for as long as the supervision may still be answered."""
        other = self._office.hint(connection, duty.petition_no).designated
        if other is None:
            return None
        return reassigning.reassign(connection, duty.handoff_id, "催办、督办均无回音，收回另行确定承办单位。", body=other, **self._by(now))
