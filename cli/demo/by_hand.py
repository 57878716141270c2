"""The clerk's hardest duty, route.by_hand: what to do with a petition that the table alone does not send anywhere. Plain rules, first that fits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cli.demo.office import Office, Open, today
from cli.demo.script import Hint
from config.body import code_of
from config.facts import Facts
from models import desk_petition
from models.db import Connection
from models.desk_petition import Part
from models.moves import Answer, Refused
from rules.edge_guards import REFUSED
from rules.house import House
from rules.remedies import higher
from rules.routing import Routed, ToClerk, route

_NO_RECEIVERS = ("joint_conference", "bureau")


@dataclass(frozen=True, slots=True)
class _Case:
    """The petition on the clerk's table."""

    number: str
    facts: Facts
    returned_by: tuple[str, ...]
    refused_by: tuple[str, ...]
    declined_by: tuple[str, ...]
    channel: str
    hint: Hint
    staff: str


class ByHand:
    """Decides route.by_hand."""

    def __init__(self, office: Office) -> None:
        self._office, self._house, self._sealer = office, office.house, office.sealer

    def __call__(self, connection: Connection, duty: Open, now: datetime) -> Answer | None:
        case = self._case(connection, duty.petition_no)
        if case.hint.recuses and not self._office.happened(connection, case.number, "petition.recuse"):
            desk_petition.recuse(connection, case.number, case.staff, "与本件有利害关系，申请回避。", self._house, self._sealer, now, clerk=case.staff)
            case = self._case(connection, duty.petition_no)
        return self._unsent(connection, case, now) or self._sent(connection, case, now)

    def _case(self, connection: Connection, number: str) -> _Case:
        row = connection.execute("select facts, returned_by, channel from petition where petition_no = %s", (number,)).fetchone()
        assert row is not None  # noqa: S101  (a duty has its petition)
        tried = connection.execute("select body, flags, outcome from handoff where petition_no = %s order by handoff_id", (number,)).fetchall()
        refused = tuple(body for body, flags, _ in tried if REFUSED in flags)
        declined = tuple(body for body, _, outcome in tried if outcome == "declined")
        return _Case(number, Facts.model_validate(row[0]), tuple(row[1]), refused, declined, row[2], self._office.hint(connection, number),
                     self._office.staff(connection, number))

    def _unsent(self, connection: Connection, case: _Case, now: datetime) -> Answer | None:
        """What is not to be sent, or not yet, or not as it is."""
        number, hint, facts, staff, day = case.number, case.hint, case.facts, case.staff, today(now)
        by: dict[str, Any] = {"house": self._house, "sealer": self._sealer, "now": now, "clerk": staff}
        happened = self._office.happened
        if hint.parts:
            parts = [Part(part.subject, part.text, part.facts.model_dump(exclude_none=True)) for part in hint.parts]
            return desk_petition.split(connection, number, parts, "一信数事，分别登记办理。", **by)
        if facts.pending_elsewhere:
            linked = desk_petition.link(connection, number, facts.pending_elsewhere, day, "同一事项正在办理中。", **by)
            # What another bureau has is in its ledger, not in ours.
            return desk_petition.close_petition(connection, number, day, "同一事项已由他处受理，不另行转送。", **by) if isinstance(linked, Refused) else linked
        if facts.grave and not happened(connection, number, "decision.assign"):
            return desk_petition.report_up(connection, number, "情况重大、紧急，建议由主管部门立即处置。", **by)
        if facts.reviewed or facts.concluded:
            reason = "已经复核，没有新的事实和理由，不再受理。" if facts.reviewed else "已经依法终结，已做好解释疏导。"
            return desk_petition.close_petition(connection, number, day, reason, **by)
        if happened(connection, number, "withdraw.agreed"):
            return desk_petition.close_petition(connection, number, day, "信访人撤回，已书面确认。", **by)
        if facts.several_bodies and not happened(connection, number, "petition.dispute"):
            others = [body.code for body in self._candidates(case) if body.kind not in _NO_RECEIVERS]
            return desk_petition.dispute(connection, number, "几个单位协商不成，提请协调。", disputants=others, **by)
        if hint.learns is not None and not happened(connection, number, "petition.classify"):
            learned = desk_petition.classify(connection, number, hint.learns.model_dump(exclude_none=True), "经电话核实。", **by)
            return learned if isinstance(learned, Refused) else self._sent(connection, self._case(connection, number), now)
        return None

    def _sent(self, connection: Connection, case: _Case, now: datetime) -> Answer:
        found = route(case.facts, self._house.table, self._house.bodies, self._house.bureau, today(now))
        by: dict[str, Any] = {"house": self._house, "sealer": self._sealer, "now": now, "clerk": case.staff}
        fresh = not case.returned_by and not self._office.happened(connection, case.number, "petition.guide")
        if case.channel == "visit" and fresh and isinstance(found, Routed) and found.way == "引导":
            return desk_petition.guide(connection, case.number, today(now), "已当面说明并引导至有权处理的机关。", body=found.body.code, **by)
        for code in self._receivers(connection, case):
            answer = desk_petition.send(connection, case.number, code, "经办人确定去向", **by)
            if not isinstance(answer, Refused):
                return answer
        return desk_petition.close_petition(connection, case.number, today(now), "已书面告知信访人不再转送的理由和途径。", **by)

    def _candidates(self, case: _Case) -> list[Any]:
        found = route(case.facts, self._house.table, self._house.bodies, self._house.bureau)
        return list(found.candidates) if isinstance(found, ToClerk) else [found.body, *found.alternatives]

    def _receivers(self, connection: Connection, case: _Case) -> list[str]:
        """Codes to try, in this order: the body the clerk finds competent or an objection named, the table's, and those above one whose system refused."""
        named = code_of(str((self._office.said(connection, case.number, "handoff.objected") or {}).get("suggested_body") or ""))
        codes = [case.hint.sent_to] if case.hint.sent_to else []
        codes += [named] if named in self._house.bodies else []
        bodies = self._candidates(case)
        if case.facts.grave:
            # The government has decided; whoever is competent carries it out.
            bodies.sort(key=lambda body: body.kind == "government")
        codes += [body.code for body in bodies if body.kind not in _NO_RECEIVERS]
        codes += [above for code in case.refused_by for above in reversed(higher(code, self._house.bodies))]
        tried = {*case.returned_by, *case.refused_by, *case.declined_by}
        return [code for code in dict.fromkeys(codes) if code not in tried]


def candidates(facts: Facts, house: House) -> list[str]:
    """Codes of bodies that could have a petition with these facts: neither conferences nor bureaus."""
    found = route(facts, house.table, house.bodies, house.bureau)
    bodies = found.candidates if isinstance(found, ToClerk) else (found.body, *found.alternatives)
    return [body.code for body in bodies if body.kind not in _NO_RECEIVERS]
