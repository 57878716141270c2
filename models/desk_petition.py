"""经办: what the people of the bureau do with a petition that is with them: route, classify, split, link, guide, dispute, review, close.

As in models.desk: each function takes the caller's transaction and `now` (aware), commits nothing and returns the door's answer. `clerk` is the staff
number of whoever acts; a clerk who has withdrawn from a petition (回避) is refused. `reason` is kept sealed beside the journal row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from models.db import Connection
from models.desk import act, arbiter, bureau, day
from models.moves import Answer, Move, Refused, Route
from models.seal import Sealer
from models.splitting import Part as Part
from models.splitting import all_or_nothing
from models.splitting import split as split
from models.told_facts import forget_implied, merge_facts
from rules.calendar import SHANGHAI
from rules.edge_guards import NEVER_REPLACED
from rules.filling import fill
from rules.house import House
from rules.limits import LimitError, parse_limit
from rules.remedies import higher
from rules.routing import Routed, route

BY_HAND = "by-hand"
_ASSIGNED = "经办人确定（信访工作条例第二十二条第一款）"


def send(
    connection: Connection, petition_no: str, body: str, reason: str, house: House, sealer: Sealer, now: datetime, *,
    way: str = "", basis: str = "", facts: Mapping[str, Any] | None = None, limit: str = "", clerk: str = "",
) -> Answer:
    """经办人转送: send a petition to the body a person chose. The guards hold all the same: never to the accused, never round in a circle.

    Args:
        way, basis: empty: those of the routing row, where the table leads to this body as well; else 转送 and art 22(1).
        limit: the period set for the result, e.g. `30d`: only with 交办 (art 22(1)3), where the body then owes a report by that day.
        facts: what the clerk found out (config.facts.Facts); completes what the ledger has. An accused body, once named, stays named.
    """
    blocked = _receiver(body, petition_no, house)
    if blocked is not None:
        return blocked
    row = connection.execute("select facts from petition where petition_no = %s", (petition_no,)).fetchone()
    if row is None:
        return Refused("unknown", "没有此信访事项", petition_no)
    merged = merge_facts(forget_implied(row[0], facts or {}, house), facts or {}, petition_no)
    if isinstance(merged, Refused):
        return merged
    filled = fill(merged, house.table)
    known = merged if isinstance(filled, str) else filled
    found = route(merged, house.table, house.bodies, house.bureau, now.astimezone(SHANGHAI).date())
    branch = known.branch or (branch_of(found.row.id) if found.row is not None else "")
    track = ""
    also: tuple[str, ...] = ()
    if isinstance(found, Routed) and found.body.code == body:
        way, basis, track, also = way or found.way, basis or "；".join(found.basis), found.track, tuple(other.code for other in found.also)
    if limit and (why := _unset(limit, way)) is not None:
        return Refused("guard", why, petition_no)
    to = Route(body, way or "转送", BY_HAND, (basis or _ASSIGNED)[:120], branch, known.klass or "", known.model_dump(exclude_none=True), track, also, limit)
    return act(connection, Move("petition.route", bureau(house, clerk), petition_no=petition_no, note=reason, route=to), house, sealer, now)


def _unset(limit: str, way: str) -> str | None:
    """Why this period cannot be set for the result; None where it can."""
    try:
        parse_limit(limit)
    except LimitError as error:
        return str(error)
    return None if way == "交办" else "只有交办可以指定办理期限；请写明方式为交办（条例第二十二条第一款第三项）"


def _receiver(body: str, petition_no: str, house: House) -> Refused | None:
    if body not in house.bodies:
        return Refused("unknown", f"机关目录中没有 {body[:80]}；用 tonglu bodies 查看代码", petition_no)
    if body == house.bureau:
        return Refused("guard", "不能转送给本单位；自行答复请用 guide 或 close", petition_no)
    return None


def branch_of(row_id: str) -> str:
    """The branch a routing row belongs to: ``B3.1a-retrial`` is B3.1a. Empty for rows that belong to none."""
    head = row_id.split("-")[0]
    return head if head.startswith("B") else ""


def guide(connection: Connection, petition_no: str, told_on: date, reason: str, house: House, sealer: Sealer, now: datetime, *, body: str = "", clerk: str = "") -> Answer:
    """引导: the petitioner was told, on that day, which body to turn to (`body`, if it is one of the directory). 信访工作条例第二十条、第二十二条."""
    if body and body not in house.bodies:
        return Refused("unknown", f"机关目录中没有 {body}；用 tonglu bodies 查看代码", petition_no)
    data = {**day(told_on), **({"to": body} if body else {})}
    return _do(connection, "petition.guide", petition_no, reason, data, house, sealer, now, clerk)


def close_petition(connection: Connection, petition_no: str, told_on: date, reason: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "") -> Answer:
    """办结 without a hand-off: the petitioner was told why, on that day. 信访工作条例第十九条、第三十六条."""
    return _do(connection, "petition.close", petition_no, reason, day(told_on), house, sealer, now, clerk)


def classify(
    connection: Connection, petition_no: str, facts: Mapping[str, Any], reason: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "",
) -> Answer:
    """甄别: complete or correct what is known of a petition (config.facts.Facts; "-" takes a fact back). Who stands accused cannot be taken back.

    A petition that was taken for a repeat and is none is freed here: `pending_elsewhere` "-".
    """
    row = connection.execute("select facts from petition where petition_no = %s for update", (petition_no,)).fetchone()
    if row is None:
        return Refused("unknown", "没有此信访事项", petition_no)
    merged = merge_facts(forget_implied(row[0], facts, house), facts, petition_no, NEVER_REPLACED)
    if isinstance(merged, Refused):
        return merged
    told = {name: value for name, value in merged.model_dump().items() if row[0].get(name) != value}
    return _do(connection, "petition.classify", petition_no, reason, {"facts": told}, house, sealer, now, clerk)


def recuse(connection: Connection, petition_no: str, who: str, reason: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "") -> Answer:
    """回避: this clerk (staff number) must not act on this petition any more. 信访工作条例第二十八条第三款."""
    return _do(connection, "petition.recuse", petition_no, reason, {"clerk": who}, house, sealer, now, clerk)


def report_up(connection: Connection, petition_no: str, reason: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "") -> Answer:
    """报请本级党委、政府决定 a grave or urgent matter. 信访工作条例第二十二条第一款第一项."""
    return _do(connection, "petition.report_up", petition_no, reason, {}, house, sealer, now, clerk)


def conference_up(connection: Connection, petition_no: str, reason: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "") -> Answer:
    """报上一级联席会议 what the conference that has it lets lie past its time: the one above has it from then on (inference, gaps.yaml 14)."""
    return _do(connection, "petition.conference_up", petition_no, reason, {}, house, sealer, now, clerk)


def decide_up(connection: Connection, petition_no: str, reason: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "") -> Answer:
    """Record what the government decided on a matter that was reported to it; the clerk then carries it out."""
    move = Move("decision.assign", arbiter(connection, house, petition_no=petition_no, clerk=clerk), petition_no=petition_no, data={"reason": reason}, note=reason)
    return act(connection, move, house, sealer, now)


def dispute(
    connection: Connection, petition_no: str, reason: str, house: House, sealer: Sealer, now: datetime, *, disputants: Sequence[str] = (), clerk: str = "",
) -> Answer:
    """报请协调 which body accepts: the disputants' common superior decides, else the joint conference coordinates. 信访工作条例第二十四条."""
    unknown = [code for code in disputants if code not in house.bodies]
    if unknown:
        return Refused("unknown", f"机关目录中没有 {unknown[0][:80]}；用 tonglu bodies 查看代码", petition_no)
    return _do(connection, "petition.dispute", petition_no, reason, {"disputants": list(disputants)}, house, sealer, now, clerk)


def designate(connection: Connection, petition_no: str, body: str, reason: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "") -> Answer:
    """指定受理单位: what the common superior or the joint conference decided. It binds: the body may not object again. 信访工作条例第二十四条."""
    blocked = _receiver(body, petition_no, house)
    if blocked is not None:
        return blocked
    row = connection.execute("select facts, branch, klass from petition where petition_no = %s", (petition_no,)).fetchone()
    if row is None:
        return Refused("unknown", "没有此信访事项", petition_no)
    to = Route(body, "交办", "designated", "指定受理（信访工作条例第二十四条）", row[1], row[2])
    move = Move("petition.designate", arbiter(connection, house, petition_no=petition_no, clerk=clerk), petition_no=petition_no, data={"reason": reason}, note=reason, route=to)
    return act(connection, move, house, sealer, now)


def dispute_closed(connection: Connection, petition_no: str, reason: str, house: House, sealer: Sealer, now: datetime) -> Answer:
    """协调结束 without a designation: what the arbiter said is for the clerk to carry out. 信访工作条例第二十四条."""
    move = Move("petition.dispute_closed", arbiter(connection, house, petition_no=petition_no), petition_no=petition_no, data={"reason": reason}, note=reason)
    return act(connection, move, house, sealer, now)


def designate_instead(
    connection: Connection, handoff_id: str, body: str, reason: str, house: House, sealer: Sealer, now: datetime, *, materials: Sequence[str] = (),
    clerk: str = "",
) -> Answer:
    """裁定改由另一单位受理: the disputed hand-off ends and a binding one to `body` begins, both or neither."""
    row = connection.execute("select petition_no from handoff where handoff_id = %s", (handoff_id,)).fetchone()
    if row is None:
        return Refused("unknown", "没有此转送件", handoff_id=handoff_id)
    who = arbiter(connection, house, handoff_id=handoff_id, clerk=clerk)
    blocked = _receiver(body, row[0], house)
    if blocked is not None:
        return blocked
    known = connection.execute("select branch, klass from petition where petition_no = %s", (row[0],)).fetchone() or ("", "")
    to = Route(body, "交办", "designated", "指定受理（信访工作条例第二十四条）", known[0], known[1])
    data = {"reason": reason, **({"materials": list(materials)} if materials else {})}
    moves = [
        Move("ruling.return", who, handoff_id=handoff_id, data=data, note=reason),
        Move("petition.designate", who, petition_no=row[0], data={"reason": reason}, note=reason, route=to),
    ]
    return all_or_nothing(connection, moves, house, sealer, now)


def guide_filed(
    connection: Connection, petition_no: str, case_no: str, filed_on: date, reason: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "",
) -> Answer:
    """引导之后: the organ confirmed that it filed the matter, under this number, on that day."""
    data = {"partner_case_no": case_no, "filed_on": filed_on.isoformat()}
    return _do(connection, "guide.filed", petition_no, reason, data, house, sealer, now, clerk)


def guide_ended(connection: Connection, petition_no: str, told_on: date, reason: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "") -> Answer:
    """引导之后: the petitioner did not go on (asked on that day); the guidance ends."""
    return _do(connection, "guide.ended", petition_no, reason, day(told_on), house, sealer, now, clerk)


def guide_back(connection: Connection, petition_no: str, reason: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "") -> Answer:
    """引导之后: the organ did not take it; the petition is the clerk's again."""
    return _do(connection, "guide.back", petition_no, reason, {}, house, sealer, now, clerk)


def link(connection: Connection, petition_no: str, other: str, told_on: date, reason: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "") -> Answer:
    """关联: this petition repeats `other`, or its matter is pending there; it is not sent, and the petitioner was told so. 信访工作条例第十九条第三款."""
    known = connection.execute("select coalesce(first_petition_no, petition_no) from petition where petition_no = %s", (other,)).fetchone()
    if known is None and other.startswith(f"XF{house.division(house.bureau)}"):
        return Refused("unknown", f"没有编号为 {other[:30]} 的信访事项", petition_no)
    # A number that another bureau gave cannot be looked up here; the guard of the act asks for its form.
    if known is not None and other != petition_no and known[0] != petition_no:
        other = known[0]  # a repeat of a repeat is linked to the first of them
    return _do(connection, "petition.link", petition_no, reason, {"other": other, **day(told_on)}, house, sealer, now, clerk)


def reopen(connection: Connection, petition_no: str, new_facts: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "") -> Answer:
    """以新的事实和理由再提: what was closed or concluded is the clerk's again. `new_facts` are kept sealed. 信访工作条例第三十六条第三款 (inference)."""
    return _do(connection, "petition.reopen", petition_no, new_facts, {"new_facts": bool(new_facts.strip())}, house, sealer, now, clerk)


def review(
    connection: Connection, petition_no: str, reason: str, house: House, sealer: Sealer, now: datetime, *, body: str = "", late_reason: str = "", clerk: str = "",
) -> Answer:
    """复查 or, once reviewed, 复核: hand the petition to the next higher body. `body`: which one, where several lead the last; "" takes the first. Arts 35, 36.

    Where nobody says otherwise, one that has given it back, or lost it, is passed over.
    """
    row = connection.execute("select stage, branch, klass, state, returned_by from petition where petition_no = %s", (petition_no,)).fetchone()
    if row is None:
        return Refused("unknown", "没有此信访事项", petition_no)
    stage, branch, klass, state, returned_by = row
    again = state == "WITH_CLERK" and stage != "handling"
    name = "review" if stage == "handling" or (again and stage == "review") else "rereview"
    sql = "select body from handoff where petition_no = %s and stage = %s and state = 'CLOSED' order by closed_at desc, handoff_id desc limit 1"
    answered = connection.execute(sql, (petition_no, "handling" if name == "review" else "review")).fetchone()
    last = answered[0] if answered else None
    above = higher(last, house.bodies) if last is not None and last in house.bodies else ()
    choice = body or next((code for code in above if code not in returned_by), next(iter(above), ""))
    if not choice:
        return Refused("guard", "机关目录中没有原办理机关的上一级机关；请在 bodies.yaml 中写明 superior", petition_no)
    blocked = _receiver(choice, petition_no, house)
    if blocked is not None:
        return blocked
    article = "第三十五条" if name == "review" else "第三十六条"
    to = Route(choice, "复查" if name == "review" else "复核", name, f"信访工作条例{article}", branch, klass)
    data = {"reason": reason, **({"late_reason": late_reason} if late_reason else {})}
    return act(connection, Move(f"petition.{name}", bureau(house, clerk), petition_no=petition_no, data=data, note=reason, route=to), house, sealer, now)


def propose(
    connection: Connection, petition_no: str, kind: str, to: str, ground: str, reason: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "",
) -> Answer:
    """提出三项建议之一 (`models.proposals.KINDS`) to a body; the answer's `handoff_id` is the proposal's id. 信访工作条例第四十条."""
    return _do(connection, "proposal.issue", petition_no, reason, {"kind": kind, "to": to, "ground": ground}, house, sealer, now, clerk)


def proposal_feedback(
    connection: Connection, petition_no: str, proposal_id: str, adopted: str, feedback_on: date, reason: str, house: House, sealer: Sealer, now: datetime, *,
    clerk: str = "",
) -> Answer:
    """登记建议的书面反馈: adopted (`models.proposals.ADOPTED`), on that day, with the reasons where not adopted."""
    data = {"proposal_id": proposal_id, "adopted": adopted, "feedback_on": feedback_on.isoformat()}
    return _do(connection, "proposal.feedback", petition_no, reason, data, house, sealer, now, clerk)


def _do(
    connection: Connection, name: str, petition_no: str, reason: str, data: Mapping[str, Any], house: House, sealer: Sealer, now: datetime, clerk: str,
) -> Answer:
    said = {"reason": reason, **data}
    return act(connection, Move(name, bureau(house, clerk), petition_no=petition_no, data=said, note=reason), house, sealer, now)
