"""What the demonstration ends with: one row a petition, and the sums that must be nought. Read from both ledgers, the bureau's and the bodies'."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from cli.lapse import account as lapse
from cli.lapse.account import Books
from models.db import Connection, Database
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


def account(database: Database, books: Books, house: House, now: datetime) -> Sums:
    """Hold both ledgers together, as `cli.lapse.account` does; what waits for its next date is good, because a demonstration ends in the middle of things.

    Args:
        books: the partners' own, by body (`/control/books` of the sandbox).
    """
    found, sums = lapse.account(database, books, house, now, settled=False), Sums()
    counts = found.counts
    sums.petitions, sums.closed, sums.handoffs = counts["petitions"], counts["closed"], counts["handoffs"]
    sums.open = sums.petitions - sums.closed
    sums.messages_out, sums.messages_in, sums.receipts = counts["messages_out"], counts["messages_in"] - counts["duplicates"], counts["receipts"]
    sums.duties_opened, sums.duties_open, sums.quarantined = counts["duties"], counts["duties_open"], counts["quarantined"]
    sums.reconciliations, sums.differences_found, sums.differences_healed = counts["nights"], counts["differences"], counts["healed"]
    sums.lost, sums.doubled, sums.overdue_unrung = found.lost, found.doubled, found.family(lapse.CLOCKS)
    sums.without_holder = found.breaches["petition-without-holder"].count + found.breaches["handoff-without-holder"].count
    sums.without_due_date, sums.journal_flaws = found.breaches["petition-without-date"].count, found.family(lapse.JOURNAL)
    with database.transaction() as connection:
        sums.differences_to_people = _one(connection, "select count(*) from difference where action = 'duty'")
        sums.differences_open = sums.differences_found - _one(connection, "select count(*) from difference where healed_at is not null or action = 'duty'")
        sums.by_state = {house.roads.state("petition", s).zh: n for s, n in connection.execute("select state, count(*) from petition group by 1 order by 1")}
    return sums


def _one(connection: Connection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0
