"""What the demonstration ends with: one row a petition, and the sums that must be nought. Read from both ledgers, the bureau's and the bodies'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from models import journal
from models.db import Connection, Database
from models.tables import HANDOFF_ENDS, PETITION_ENDS
from rules.calendar import SHANGHAI
from rules.house import PETITIONER, House
from rules.words import KLASS_ZH, OUTCOME_ZH


@dataclass(frozen=True, slots=True)
class Line:
    """One petition: nothing personal, so that it may be shown, logged and written to a file."""

    petition_no: str
    origin_ref: str
    klass: str
    branch: str
    situation: str
    road: str
    state: str
    holder: str
    next_due: str
    outcome: str
    days: int


@dataclass(slots=True)
class Sums:
    """The demonstration's account. Everything in `must_be_nought` has to be 0 for it to have succeeded, and no promised road may be missing."""

    petitions: int = 0
    handoffs: int = 0
    messages_out: int = 0
    messages_in: int = 0
    receipts: int = 0
    closed: int = 0
    open: int = 0
    lost: int = 0
    doubled: int = 0
    without_holder: int = 0
    without_due_date: int = 0
    overdue_unrung: int = 0
    journal_flaws: int = 0
    differences_found: int = 0
    differences_healed: int = 0
    differences_to_people: int = 0
    differences_open: int = 0
    reconciliations: int = 0
    duties_opened: int = 0
    duties_open: int = 0
    quarantined: int = 0
    by_state: dict[str, int] = field(default_factory=dict)
    by_manner: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    virtual_days: float = 0.0
    roads_missing: int = 0

    @property
    def must_be_nought(self) -> dict[str, int]:
        return {"lost": self.lost, "doubled": self.doubled, "without_holder": self.without_holder, "without_due_date": self.without_due_date,
                "overdue_unrung": self.overdue_unrung, "journal_flaws": self.journal_flaws}

    @property
    def good(self) -> bool:
        return self.petitions > 0 and not any(self.must_be_nought.values()) and not self.roads_missing

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "good": self.good}


def lines(connection: Connection, house: House, now: datetime) -> list[Line]:
    """One line a petition, in order of its number."""
    road: dict[str, list[str]] = {}
    sql = "select petition_no, body, way, state, outcome from handoff order by petition_no, handoff_id"
    for number, body, way, state, _ in connection.execute(sql):
        zh = house.roads.state("handoff", state).zh
        road.setdefault(number, []).append(f"{way}{house.bodies.get(body).name}（{zh}）")
    found = []
    sql = """select petition_no, origin_ref, klass, branch, coalesce(facts->>'situation', ''), state, holder, next_due, outcome, received_at, closed_at
             from petition order by petition_no"""
    for number, ref, klass, branch, situation, state, holder, due, outcome, received, closed in connection.execute(sql):
        found.append(Line(
            number, ref, KLASS_ZH.get(klass, klass), branch, _situation(house, situation), " → ".join(road.get(number, ["（未转送）"])), house.roads.state("petition", state).zh,
            name_of(house, holder), due.astimezone(SHANGHAI).strftime("%Y-%m-%d") if due else "", OUTCOME_ZH.get(outcome, outcome),
            ((closed or now) - received).days,
        ))
    return found


def _situation(house: House, slug: str) -> str:
    found = house.table.situations.get(slug)
    return found.zh if found is not None else slug


def name_of(house: House, code: str | None) -> str:
    """What a clerk calls a holder."""
    if code is None:
        return ""
    return "信访人" if code == PETITIONER else house.bodies.get(code).name if code in house.bodies else code


def account(database: Database, effects: Mapping[str, Mapping[str, Any]], house: House, now: datetime) -> Sums:
    """Hold both ledgers together.

    Args:
        effects: what the bodies really did, by hand-off id: `cases` (how many cases were opened), `issued` (business message → how often).
    """
    sums, ends = Sums(), list(PETITION_ENDS)
    with database.transaction() as connection:
        one = _one(connection)
        sums.petitions, sums.handoffs = one("select count(*) from petition"), one("select count(*) from handoff")
        sums.messages_out, sums.messages_in = one("select count(*) from outbox"), one("select count(*) from inbox where state <> 'DUPLICATE'")
        sums.receipts = one("select count(*) from receipt")
        sums.closed = one("select count(*) from petition where state = any(%s)", ends)
        sums.open = sums.petitions - sums.closed
        sums.without_holder = one("select count(*) from petition where state <> all(%s) and holder is null", ends)
        sums.without_due_date = one("select count(*) from petition where state <> all(%s) and next_due is null", ends)
        sums.overdue_unrung = one("select count(*) from clock where state = 'OPEN' and paused_at is null and ring_at < %s - interval '12 hours'", now)
        sums.differences_found = one("select count(*) from difference")
        sums.differences_healed = one("select count(*) from difference where healed_at is not null")
        sums.differences_to_people = one("select count(*) from difference where action = 'duty'")
        sums.differences_open = sums.differences_found - one("select count(*) from difference where healed_at is not null or action = 'duty'")
        sums.reconciliations = one("select count(*) from reconciliation where state = 'DONE'")
        sums.duties_opened, sums.duties_open = one("select count(*) from duty"), one("select count(*) from duty where closed_at is null")
        sums.quarantined = one("select count(*) from inbox where state = 'QUARANTINED'")
        sums.by_state = {house.roads.state("petition", s).zh: n for s, n in connection.execute("select state, count(*) from petition group by 1 order by 1")}
        sums.lost, sums.doubled = _lost(connection, effects, house), _doubled(connection, effects)
    with database.transaction() as connection:
        sums.journal_flaws = sum(1 for _ in journal.verify(connection))
    return sums


def _one(connection: Connection) -> Any:
    def count(sql: str, *params: Any) -> int:
        row = connection.execute(sql, params).fetchone()
        return int(row[0]) if row else 0

    return count


def _lost(connection: Connection, effects: Mapping[str, Mapping[str, Any]], house: House) -> int:
    """Hand-offs that somebody believes delivered and the body does not hold, and undelivered ones that nobody is told about.

    What went on paper is in no system, and a hand-off that ended undelivered (taken back, its petition routed anew) is not under way any more.
    """
    lost = 0
    sql = """select h.handoff_id, h.body, h.acked_out, h.state, 'by-hand' = any(h.flags),
               exists (select 1 from outbox o where o.handoff_id = h.handoff_id and o.state in ('QUEUED', 'RETRY_WAIT', 'UNKNOWN', 'SENDING')),
               exists (select 1 from duty d where d.handoff_id = h.handoff_id and d.closed_at is null) from handoff h where h.issued_at is not null"""
    for handoff_id, body, acked, state, on_paper, moving, told in connection.execute(sql):
        if on_paper or house.bodies.get(body).connector.kind == "desk":
            continue
        held = int(effects.get(handoff_id, {}).get("cases", 0)) > 0
        if (acked > 0 and not held) or (acked == 0 and state not in HANDOFF_ENDS and not moving and not told):
            lost += 1
    return lost


def _doubled(connection: Connection, effects: Mapping[str, Mapping[str, Any]]) -> int:
    """Cases opened twice for one hand-off, and messages of a body applied twice."""
    doubled = sum(1 for seen in effects.values() if int(seen.get("cases", 0)) > 1)
    sql = """select count(*) from (select 1 from inbox where state = 'APPLIED' group by handoff_id, sequence having count(*) > 1) twice"""
    row = connection.execute(sql).fetchone()
    return doubled + (int(row[0]) if row else 0)
