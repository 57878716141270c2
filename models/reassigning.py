"""收回改派: the joint conference takes a case from a body that stays silent, and says where it goes. One call of the door, as in models.desk."""

from __future__ import annotations

from datetime import datetime

from models.db import Connection
from models.desk import bureau
from models.moves import Actor, Answer, Move, Refused, Route
from models.seal import Sealer
from models.splitting import all_or_nothing
from rules.house import House
from rules.reassigning import ACCUSED, REASSIGN, own_law

_BASIS = "联席会议收回改派（信访工作条例第二十四条、第四十条）"
_UPWARD = "报其上一级机关（联席会议收回改派；信访工作条例第四十条）"


def reassign(
    connection: Connection, handoff_id: str, reason: str, house: House, sealer: Sealer, now: datetime, *, body: str = "", clerk: str = "",
) -> Answer:
    """收回改派 as the conference that holds the case decided; the bureau records it, through `clerk`. 信访工作条例第二十四条、第四十条 (inference, gaps.yaml 13).

    Args:
        reason: goes to the body that loses the case, and is kept sealed.
        body: who has it from now on. "": the petition is the clerk's to route. What runs under a law of its own is passed on to the next higher body,
            which may object; everything else is designated, which binds.

    Returns:
        `Done` of the last act; or the first `Refused`, and then nothing was done.
    """
    row = connection.execute(
        "select p.petition_no, p.facts, p.arbiter, p.klass, h.branch, h.accepted_at, h.flags from handoff h join petition p using (petition_no) where h.handoff_id = %s",
        (handoff_id,)).fetchone()
    if row is None:
        return Refused("unknown", "没有此转送件", handoff_id=handoff_id)
    number, facts, arbiter, klass, branch, accepted_at, flags = row
    found = house.bodies.get(arbiter) if arbiter in house.bodies else None
    who = Actor("arbiter", arbiter if found is not None and found.kind == "joint_conference" else house.conference_for(facts), clerk)
    moves = [Move(REASSIGN, who, handoff_id=handoff_id, data={"reason": reason}, note=reason)]
    if body and (body not in house.bodies or body == house.bureau):
        return Refused("unknown", f"机关目录中没有 {body[:80]}，或即为本单位；用 tonglu bodies 查看代码", number, handoff_id)
    if body:
        upward = accepted_at is not None and own_law(branch) and ACCUSED not in flags
        to = Route(body, "转送" if upward else "交办", "reassigned", _UPWARD if upward else _BASIS, branch, klass)
        name, actor = ("petition.route", bureau(house, clerk)) if upward else ("petition.designate", who)
        moves.append(Move(name, actor, petition_no=number, data={"reason": reason}, note=reason, route=to))
    return all_or_nothing(connection, moves, house, sealer, now)
