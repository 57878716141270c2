"""经办: what the people of the bureau and of the joint conference do, each act one call of the door.

Console, command line and demonstration all act through these functions. Each takes the caller's transaction and `now` (aware), commits nothing,
and returns the door's answer: `Done`, or `Refused` with the reason in Chinese. `reason` is the person's own words: it goes to the body
where the act sends a message, and is kept sealed beside the journal row. Dates (`told_on`) are days in China.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

from pydantic import ValidationError

from config.facts import NAMES, Facts
from models import outbox, store
from models.db import Connection
from models.door import advance
from models.moves import Actor, Answer, Move, Refused, Route
from models.seal import Sealer
from rules.house import House
from rules.routing import Routed, route

Decision = Literal["upheld", "rejected", "escalated"]
Ruling = Literal["keep", "return"]
Review = Literal["accepted", "rework"]
FollowUp = Literal["told", "reroute"]

BY_HAND = "by-hand"
_ASSIGNED = "经办人确定（信访工作条例第二十二条第一款）"
# Correcting these would let material about an accused body travel to it after all.
_NEVER_REPLACED = ("accused", "accused_body", "accused_level", "pending_elsewhere")


def _act(connection: Connection, move: Move, house: House, sealer: Sealer, now: datetime) -> Answer:
    return advance(connection, [move], house, sealer, now)[0]


def _bureau(house: House) -> Actor:
    return Actor("bureau", house.bureau)


def _day(told_on: date | None) -> dict[str, str]:
    return {"told_on": told_on.isoformat()} if told_on else {}


def decide_objection(
    connection: Connection, handoff_id: str, decision: Decision, reason: str, house: House, sealer: Sealer, now: datetime, *,
    materials: Sequence[str] = (),
) -> Answer:
    """异议核实: upheld (同意退回, with the list of materials given back), rejected or escalated (报请协调). 信访工作条例第二十三条、第二十四条."""
    data: dict[str, Any] = {"reason": reason}
    if decision == "upheld":
        data["materials"] = list(materials)
    return _act(connection, Move(f"objection.{decision}", _bureau(house), handoff_id=handoff_id, data=data, note=reason), house, sealer, now)


def rule_dispute(
    connection: Connection, handoff_id: str, ruling: Ruling, reason: str, house: House, sealer: Sealer, now: datetime, *, materials: Sequence[str] = (),
) -> Answer:
    """争议裁定 by the joint conference: keep (由该单位受理) or return (退回另行确定). 信访工作条例第二十四条."""
    data: dict[str, Any] = {"reason": reason, **({"materials": list(materials)} if materials else {})}
    move = Move(f"ruling.{ruling}", Actor("arbiter", house.conference), handoff_id=handoff_id, data=data, note=reason)
    return _act(connection, move, house, sealer, now)


def review_result(
    connection: Connection, handoff_id: str, review: Review, reason: str, house: House, sealer: Sealer, now: datetime, *,
    told_on: date | None = None, defects: Sequence[str] = (),
) -> Answer:
    """办结报告审核: accepted (needs the day on which the petitioner was told) or rework (needs the reason)."""
    data: dict[str, Any] = {"reason": reason, **_day(told_on), **({"defects": list(defects)} if defects else {})}
    return _act(connection, Move(f"result.{review}", _bureau(house), handoff_id=handoff_id, data=data, note=reason), house, sealer, now)


def follow_up(
    connection: Connection, handoff_id: str, step: FollowUp, reason: str, house: House, sealer: Sealer, now: datetime, *, told_on: date | None = None,
) -> Answer:
    """不予受理的后续: told (the petitioner was told of the remedy, on that day) or reroute (the petition goes back to the clerk)."""
    data = {"reason": reason, **_day(told_on)}
    return _act(connection, Move(f"decline.{step}", _bureau(house), handoff_id=handoff_id, data=data, note=reason), house, sealer, now)


def urge(connection: Connection, handoff_id: str, reason: str, house: House, sealer: Sealer, now: datetime) -> Answer:
    """催办 a body that holds a hand-off. 信访工作条例第四十条."""
    data = {"reason": reason} if reason else {}
    return _act(connection, Move("handoff.urge", _bureau(house), handoff_id=handoff_id, data=data, note=reason), house, sealer, now)


def supplement(connection: Connection, handoff_id: str, text: str, house: House, sealer: Sealer, now: datetime) -> Answer:
    """补充材料: pass on to the body what the petitioner added."""
    move = Move("handoff.supplement", _bureau(house), handoff_id=handoff_id, data={"text": text, "attachments": []}, note=text)
    return _act(connection, move, house, sealer, now)


def withdraw(connection: Connection, handoff_id: str, reason: str, house: House, sealer: Sealer, now: datetime) -> Answer:
    """要求撤回: ask the body to give the case back; it ends only when the body agrees."""
    return _act(connection, Move("handoff.withdraw", _bureau(house), handoff_id=handoff_id, data={"reason": reason}, note=reason), house, sealer, now)


def send(
    connection: Connection, petition_no: str, body: str, reason: str, house: House, sealer: Sealer, now: datetime, *,
    way: str = "", basis: str = "", facts: Mapping[str, Any] | None = None,
) -> Answer:
    """经办人转送: send a petition to the body a person chose. The guards hold all the same: never to the accused, never round in a circle.

    Args:
        way, basis: empty: those of the routing row, where the table leads to this body as well; else 转送 and art 22(1).
        facts: what the clerk found out (config.facts.Facts); completes what the ledger has. An accused body, once named, stays named.
    """
    blocked = _receiver(body, petition_no, house)
    if blocked is not None:
        return blocked
    row = connection.execute("select facts from petition where petition_no = %s", (petition_no,)).fetchone()
    if row is None:
        return Refused("unknown", "没有此信访事项", petition_no)
    merged = merge_facts(row[0], facts or {}, petition_no)
    if isinstance(merged, Refused):
        return merged
    found = route(merged, house.table, house.bodies, house.bureau)
    agrees = isinstance(found, Routed) and found.body.code == body
    branch = merged.branch or (branch_of(found.row.id) if found.row is not None else "")
    if isinstance(found, Routed) and agrees:
        way, basis = way or found.way, basis or "；".join(found.basis)
    to = Route(body, way or "转送", BY_HAND, (basis or _ASSIGNED)[:120], branch, merged.klass or "", merged.model_dump(exclude_none=True))
    return _act(connection, Move("petition.route", _bureau(house), petition_no=petition_no, note=reason, route=to), house, sealer, now)


def _receiver(body: str, petition_no: str, house: House) -> Refused | None:
    if body not in house.bodies:
        return Refused("unknown", f"机关目录中没有 {body}；用 tonglu bodies 查看代码", petition_no)
    heir = house.bodies.current(body)
    if heir.code != body:
        return Refused("guard", f"该单位职权已由{heir.name}（{heir.code}）承继，请改发", petition_no)
    if body == house.bureau:
        return Refused("guard", "不能转送给本单位；自行答复请用 guide 或 close", petition_no)
    return None


def merge_facts(known: Mapping[str, Any], told: Mapping[str, Any], petition_no: str | None = None) -> Facts | Refused:
    """The ledger's facts completed and corrected by a clerk; what protects against a leak cannot be taken back."""
    for name in _NEVER_REPLACED:
        if name in known and name in told and told[name] != known[name]:
            return Refused("guard", f"{NAMES[name]}已登记，不能改写；确有错误的，应办结后重新登记", petition_no)
    try:
        return Facts.model_validate({**known, **told})
    except ValidationError as error:
        names = "、".join(dict.fromkeys(str(e["loc"][0]) if e["loc"] else "facts" for e in error.errors()))
        return Refused("guard", f"事实 {names} 的值不合要求；可用的事实和取值见 docs/routing.md", petition_no)


def branch_of(row_id: str) -> str:
    """The branch a routing row belongs to: ``B3.1a-retrial`` is B3.1a. Empty for rows that belong to none."""
    head = row_id.split("-")[0]
    return head if head.startswith("B") else ""


def guide(connection: Connection, petition_no: str, told_on: date, reason: str, house: House, sealer: Sealer, now: datetime, *, body: str = "") -> Answer:
    """引导: the petitioner was told, on that day, which body to turn to (`body`, if it is one of the directory). 信访工作条例第二十条、第二十二条."""
    if body and body not in house.bodies:
        return Refused("unknown", f"机关目录中没有 {body}；用 tonglu bodies 查看代码", petition_no)
    data = {**_day(told_on), **({"to": body} if body else {})}
    return _act(connection, Move("petition.guide", _bureau(house), petition_no=petition_no, data=data, note=reason), house, sealer, now)


def close_petition(connection: Connection, petition_no: str, told_on: date, reason: str, house: House, sealer: Sealer, now: datetime) -> Answer:
    """办结 without a hand-off: the petitioner was told why, on that day. 信访工作条例第十九条、第三十六条."""
    return _act(connection, Move("petition.close", _bureau(house), petition_no=petition_no, data=_day(told_on), note=reason), house, sealer, now)


def duty_done(connection: Connection, duty_id: str, reason: str, house: House, sealer: Sealer, now: datetime) -> Answer:
    """A person did a duty that belongs to no state of the case; `Refused` for one that ends only by a decision."""
    row = connection.execute("select petition_no, handoff_id, kind, holder from duty where duty_id = %s and closed_at is null", (duty_id,)).fetchone()
    if row is None:
        return Refused("unknown", "没有此待办，或已办结")
    petition_no, handoff_id, kind, _ = row
    move = Move("duty.close", _bureau(house), petition_no=petition_no, handoff_id=handoff_id, data={"duty_id": duty_id, "kind": kind}, note=reason)
    return _act(connection, move, house, sealer, now)


def pause(connection: Connection, body: str, until: datetime, reason: str, house: House, now: datetime) -> None:
    """暂停投递 to a body until then (aware); its messages wait. Raises ValueError for an unknown body or a date that is past."""
    _known(body, house)
    if until <= now:
        raise ValueError("暂停的截止时间已过；请写将来的时间")
    outbox.pause(connection, body, until, reason, now, fault=False)


def resume(connection: Connection, body: str, house: House, now: datetime) -> bool:
    """恢复投递. Returns whether the body had been paused. Raises ValueError for an unknown body."""
    _known(body, house)
    sql = "update body set paused_until = null, pause_reason = '', failures = 0, updated_at = %s where code = %s and paused_until is not null"
    changed = connection.execute(sql, (now, body)).rowcount > 0
    if changed:
        store.notify(connection, "outbox")
    return changed


def _known(body: str, house: House) -> None:
    if body not in house.bodies:
        raise ValueError(f"机关目录中没有 {body}；用 tonglu bodies 查看代码")
