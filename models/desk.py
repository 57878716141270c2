"""经办: what the people of the bureau and of the joint conference do with a hand-off, each act one call of the door (petitions: models.desk_petition).

Console, command line and demonstration all act through these functions. Each takes the caller's transaction and `now` (aware), commits nothing,
and returns the door's answer: `Done`, or `Refused` with the reason in Chinese. `reason` is the person's own words: it goes to the body
where the act sends a message, and is kept sealed beside the journal row. Dates (`told_on`) are days in China.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

from models.by_paper import paper_fields
from models.db import Connection
from models.door import advance
from models.moves import Actor, Answer, Move, Refused
from models.seal import Sealer
from rules.house import House

Decision = Literal["upheld", "rejected", "escalated"]
Ruling = Literal["keep", "return"]
Review = Literal["accepted", "rework"]
FollowUp = Literal["told", "reroute"]


def act(connection: Connection, move: Move, house: House, sealer: Sealer, now: datetime) -> Answer:
    """One act of a person. Where a clerk has withdrawn from the petition, whoever acts must say who they are: the door then knows that it is another."""
    unnamed = nameless(connection, move)
    return unnamed if unnamed is not None else advance(connection, [move], house, sealer, now)[0]


def nameless(connection: Connection, move: Move) -> Refused | None:
    """The refusal of an act of nobody in particular on a petition from which somebody has withdrawn (回避), or None."""
    if move.actor.clerk:
        return None
    sql = "select petition_no from petition where petition_no = coalesce(%s, (select petition_no from handoff where handoff_id = %s)) and recused <> '{}'"
    row = connection.execute(sql, (move.petition_no, move.handoff_id)).fetchone()
    why = "此件有经办人回避，办理须写明经办人工号（条例第二十八条第三款）"
    return None if row is None else Refused("not-writer", why, row[0], move.handoff_id)


def bureau(house: House, clerk: str = "") -> Actor:
    """The bureau as it acts through one of its people (`clerk`: a staff number, "" where nobody is named)."""
    return Actor("bureau", house.bureau, clerk)


def day(told_on: date | None) -> dict[str, str]:
    return {"told_on": told_on.isoformat()} if told_on else {}


def decide_objection(
    connection: Connection, handoff_id: str, decision: Decision, reason: str, house: House, sealer: Sealer, now: datetime, *,
    materials: Sequence[str] = (), clerk: str = "",
) -> Answer:
    """异议核实: upheld (同意退回, with the list of materials given back), rejected or escalated (报请协调). 信访工作条例第二十三条、第二十四条."""
    data: dict[str, Any] = {"reason": reason}
    if decision == "upheld":
        data["materials"] = list(materials)
    return act(connection, Move(f"objection.{decision}", bureau(house, clerk), handoff_id=handoff_id, data=data, note=reason), house, sealer, now)


def rule_dispute(
    connection: Connection, handoff_id: str, ruling: Ruling, reason: str, house: House, sealer: Sealer, now: datetime, *, materials: Sequence[str] = (), clerk: str = "",
) -> Answer:
    """争议裁定 by the joint conference: keep (由该单位受理) or return (退回另行确定). 信访工作条例第二十四条."""
    data: dict[str, Any] = {"reason": reason, **({"materials": list(materials)} if materials else {})}
    move = Move(f"ruling.{ruling}", arbiter(connection, house, handoff_id=handoff_id, clerk=clerk), handoff_id=handoff_id, data=data, note=reason)
    return act(connection, move, house, sealer, now)


def arbiter(connection: Connection, house: House, *, handoff_id: str | None = None, petition_no: str | None = None, clerk: str = "") -> Actor:
    """Whoever rules on this petition as things stand: the arbiter that was found, else the joint conference that is on nobody's side.

    Its decision is recorded by the bureau that has it on paper, through `clerk`; the door refuses it where nothing waits for a ruling.
    """
    sql = "select p.arbiter, p.facts from petition p where p.petition_no = coalesce(%s, (select petition_no from handoff where handoff_id = %s))"
    row = connection.execute(sql, (petition_no, handoff_id)).fetchone()
    if row is None:
        return Actor("arbiter", house.conference, clerk)
    return Actor("arbiter", row[0] or house.conference_for(row[1]), clerk)


def review_result(
    connection: Connection, handoff_id: str, review: Review, reason: str, house: House, sealer: Sealer, now: datetime, *,
    told_on: date | None = None, defects: Sequence[str] = (), clerk: str = "",
) -> Answer:
    """办结报告审核: accepted (needs the day on which the petitioner was told) or rework (needs the reason)."""
    data: dict[str, Any] = {"reason": reason, **day(told_on), **({"defects": list(defects)} if defects else {})}
    return act(connection, Move(f"result.{review}", bureau(house, clerk), handoff_id=handoff_id, data=data, note=reason), house, sealer, now)


def follow_up(
    connection: Connection, handoff_id: str, step: FollowUp, reason: str, house: House, sealer: Sealer, now: datetime, *, told_on: date | None = None, clerk: str = "",
) -> Answer:
    """不予受理的后续: told (the petitioner was told of the remedy, on that day) or reroute (the petition goes back to the clerk)."""
    data = {"reason": reason, **day(told_on)}
    return act(connection, Move(f"decline.{step}", bureau(house, clerk), handoff_id=handoff_id, data=data, note=reason), house, sealer, now)


def urge(connection: Connection, handoff_id: str, reason: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "") -> Answer:
    """催办 a body that holds a hand-off. 信访工作条例第四十条."""
    data = {"reason": reason} if reason else {}
    return act(connection, Move("handoff.urge", bureau(house, clerk), handoff_id=handoff_id, data=data, note=reason), house, sealer, now)


def supplement(connection: Connection, handoff_id: str, text: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "") -> Answer:
    """补充材料: pass on to the body what the petitioner added."""
    move = Move("handoff.supplement", bureau(house, clerk), handoff_id=handoff_id, data={"text": text, "attachments": []}, note=text)
    return act(connection, move, house, sealer, now)


def supervise(
    connection: Connection, handoff_id: str, ground: str, reason: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "",
) -> Answer:
    """督办 a body on a ground of art 40(1) (`rules.edge_guards.SUPERVISION_GROUNDS`): goes to the body; the clerk's duty to supervise is done by it."""
    move = Move("handoff.supervise", bureau(house, clerk), handoff_id=handoff_id, data={"ground": ground, "reason": reason}, note=reason)
    return act(connection, move, house, sealer, now)


def take_back(connection: Connection, handoff_id: str, reason: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "") -> Answer:
    """收回 a hand-off whose request the body surely refused, so that it can be routed again. Refused while there is any doubt that the body has it."""
    connection.execute("select 1 from petition where petition_no = (select petition_no from handoff where handoff_id = %s) for update", (handoff_id,))
    row = connection.execute("select 1 from outbox where handoff_id = %s and state <> 'DEAD' limit 1", (handoff_id,)).fetchone()
    if row is not None:
        return Refused("guard", "来文还在投递中，或已送达，不能收回；可以要求撤回", handoff_id=handoff_id)
    return act(connection, Move("handoff.take_back", bureau(house, clerk), handoff_id=handoff_id, data={"reason": reason}, note=reason), house, sealer, now)


def deliver_by_hand(
    connection: Connection, handoff_id: str, register_no: str, delivered_on: date, signed_by: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "",
) -> Answer:
    """人工送达: the papers were handed over on that day, under that register number, to that post (a post, not a name). From now on this hand-off goes on paper.

    The request where it is still on its way; later the letters that the body's system does not take, whoever's fault that is.
    """
    row = connection.execute("select state from handoff where handoff_id = %s", (handoff_id,)).fetchone()
    data = {"register_no": register_no, "delivered_on": delivered_on.isoformat(), "signed_by": signed_by}
    name = "delivery.by_hand" if row is None or row[0] == "ISSUED" else "handoff.on_paper"
    move = Move(name, bureau(house, clerk), handoff_id=handoff_id, data=data, note=f"{register_no} {signed_by}")
    return act(connection, move, house, sealer, now)


def record_for(
    connection: Connection, handoff_id: str, message: str, data: Mapping[str, Any], register_no: str, house: House, sealer: Sealer, now: datetime, *,
    clerk: str = "",
) -> Answer:
    """代录: enter what a body without a system wrote on paper (`message`: its name on the wire, `data`: its fields), under the paper's register number.

    Only for bodies reached at the desk and hand-offs that go on paper: whoever has a system speaks for itself.
    """
    row = connection.execute("select body, flags from handoff where handoff_id = %s", (handoff_id,)).fetchone()
    if row is None:
        return Refused("unknown", "没有此转送件", handoff_id=handoff_id)
    body, flags = row
    if "by-hand" not in flags and body in house.bodies and house.bodies.get(body).connector.kind != "desk":
        return Refused("guard", "该单位有自己的系统，其回复应由其系统发来；确以纸质往来的，先办理人工送达", handoff_id=handoff_id)
    if not register_no.strip():
        return Refused("guard", "代录须写明来文的登记号", handoff_id=handoff_id)
    filled = paper_fields(message, data)
    if isinstance(filled, str):
        return Refused("guard", filled, handoff_id=handoff_id)
    name = message
    if message == "withdraw.answer":
        name = "withdraw.agreed" if filled.get("agreed") else "withdraw.refused"
    said = {**filled, "via": "by-hand", "register_no": register_no}
    return act(connection, Move(name, Actor("partner", body, clerk), handoff_id=handoff_id, data=said), house, sealer, now)


def withdraw(connection: Connection, handoff_id: str, reason: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "") -> Answer:
    """要求撤回: ask the body to give the case back; it ends only when the body agrees."""
    return act(connection, Move("handoff.withdraw", bureau(house, clerk), handoff_id=handoff_id, data={"reason": reason}, note=reason), house, sealer, now)


def duty_done(connection: Connection, duty_id: str, reason: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "") -> Answer:
    """A person did a duty that belongs to no state of the case; `Refused` for one that ends only by a decision."""
    row = connection.execute("select petition_no, handoff_id, kind, holder from duty where duty_id = %s and closed_at is null", (duty_id,)).fetchone()
    if row is None:
        return Refused("unknown", "没有此待办，或已办结")
    petition_no, handoff_id, kind, _ = row
    move = Move("duty.close", bureau(house, clerk), petition_no=petition_no, handoff_id=handoff_id, data={"duty_id": duty_id, "kind": kind}, note=reason)
    return act(connection, move, house, sealer, now)
