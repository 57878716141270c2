"""What the ledger knows of a body's silence: asked by the guards of 收回改派 (rules.reassigning)."""

from __future__ import annotations

from datetime import datetime

from config.gaps import TAKING_AWAY
from config.roadmap import ClockContext
from models import clocking
from models.db import Connection
from models.records import HandoffRow, PetitionRow, Working
from rules.calendar import due
from rules.house import House
from rules.reassigning import ACCUSED, NONE, TAKEN, Silence, own_law

# The time a body has to answer once it is supervised (clocks.yaml, rungs).
SUPERVISED = "supervised"
_UPPER_LEVEL = "upper-level"
# A letter counts once the body gave a receipt, or a person brought it another way and said so; one of before the body last moved is answered by that.
# The first receipt counts, which is the one kept: sent again because the body's ledger lacks it, the letter is receipted anew and gives no new time.
_REACHED = """
with moved as (select coalesce(max(seq), 0) as seq from journal where petition_no = %(petition)s and handoff_id = %(handoff)s and actor like 'partner:%%' and from_state <> to_state)
select min(coalesce(r.stored_at, o.receipted_at, d.closed_at)) from outbox o
join journal j on j.petition_no = %(petition)s and j.handoff_id = o.handoff_id and j.act = 'handoff.supervise' and j.at = o.created_at and j.seq > (select seq from moved)
left join receipt r on r.message_id = o.message_id
left join duty d on d.kind = 'undelivered' and d.ref = o.message_id and d.closed_at is not null
where o.handoff_id = %(handoff)s and o.message = 'handoff.supervise' and coalesce(r.stored_at, o.receipted_at, d.closed_at) is not null
"""


def of_handoff(connection: Connection, work: Working, house: House, petition: PetitionRow, handoff: HandoffRow, context: ClockContext, accused: bool) -> Silence:
    """How long the body of this hand-off has been silent, and whether it was told so. `accused`: it stands on the accused's side by now."""
    roads = house.roads
    climbed = [c for c in clocking.running(work, petition.petition_no, handoff.handoff_id)
               if c.paused_at is None and roads.is_rung(c.key) and roads.clock(c.key).owes == "joint_conference"]
    late = any(roads.clock(c.root).owes in ("partner", "party") for c in climbed)
    reached = _reached(connection, handoff)
    ends = None if reached is None else _answered_by(house, context, reached)
    return Silence(house.gaps.choice(TAKING_AWAY) == "reassign", late, ends, accused, handoff.accepted_at is not None, _UPPER_LEVEL in petition.flags)


def of_petition(work: Working, petition: PetitionRow) -> Silence:
    """From whom this petition was taken."""
    if not petition.returned_by:
        return NONE  # nearly every petition; the others are few enough to look through what was read with them
    gone = {h.body for h in work.handoffs.values() if h.petition_no == petition.petition_no and TAKEN in h.flags}
    taken = gone.intersection(petition.returned_by)
    last = work.handoffs.get(work.last_handoff.get(petition.petition_no, ""))
    upward = (last is not None and TAKEN in last.flags and ACCUSED not in last.flags and last.body in taken and last.accepted_at is not None
              and own_law(last.branch))
    return Silence(taken=taken, last=last.body if last is not None and upward else None)


def _reached(connection: Connection, handoff: HandoffRow) -> datetime | None:
    """Since when the body has known that it is supervised and done nothing; None while it may not know."""
    row = connection.execute(_REACHED, {"petition": handoff.petition_no, "handoff": handoff.handoff_id}).fetchone()
    return row[0] if row else None


def _answered_by(house: House, context: ClockContext, since: datetime) -> datetime:
    rule = house.roads.clock_rule(SUPERVISED, context) if house.roads.is_rung(SUPERVISED) else None
    return since if rule is None else due(since, rule.case.limit, house.calendar).instant
