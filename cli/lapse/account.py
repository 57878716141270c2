"""The account of a run: every promise of delivery held against both ledgers, the bureau's and its partners', in sets.

Nothing here asks the product what it thinks of itself: its tables are read, and the partners' own books.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from models import journal
from models.db import Connection, Database
from models.tables import HANDOFF_ENDS, PETITION_ENDS
from rules.house import House

Books = Mapping[str, Mapping[str, Mapping[str, Any]]]
_EXAMPLES = 5
_WAITING = ["QUEUED", "RETRY_WAIT", "UNKNOWN", "SENDING"]
_THERE = ["RECEIPTED", "WEAK_RECEIPT"]
# A held message is asked about after ten minutes, and again an hour after it was asked about in vain.
_HELD_AT_MOST = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Check:
    """One promise: its code, the family it is counted under, and what a breach of it is called."""

    code: str
    family: str
    zh: str


LOST, DOUBLED, HOLDER, CLOCKS, JOURNAL, LEDGERS = "lost", "doubled", "holder", "clocks", "journal", "ledgers"
FAMILIES = {LOST: "丢失", DOUBLED: "重复", HOLDER: "无持有者或期限", CLOCKS: "期限未提醒", JOURNAL: "流转记录缺陷", LEDGERS: "两本账不一致"}
CHECKS = (
    Check("handoff-not-held", LOST, "我方有回执而对方没有立案的转送件"),
    Check("message-not-held", LOST, "我方有回执而对方没有收到的文书"),
    Check("undelivered-untold", LOST, "没有送达、不再重试、也无人知道的文书"),
    Check("message-under-way", LOST, "该了而未了的文书（待发、在途、存疑）"),
    Check("callback-lost", LOST, "我方已给回执而收件箱没有的来文"),
    Check("callback-unapplied", LOST, "收件箱中该用而未用的来文"),
    Check("quarantine-untold", LOST, "存疑而没有待办的来文"),
    Check("intake-lost", LOST, "已答复登记而账本没有或编号不符的信访事项"),
    Check("case-doubled", DOUBLED, "对方重复立案的转送件"),
    Check("case-unknown", DOUBLED, "对方立案而我方没有的转送件"),
    Check("message-reissued", DOUBLED, "同一文书以另一编号再发"),
    Check("message-unknown", DOUBLED, "对方收到而我方没有的文书"),
    Check("callback-applied-twice", DOUBLED, "同一来文两次生效"),
    Check("petition-doubled", DOUBLED, "同一来件两次登记"),
    Check("petition-without-holder", HOLDER, "没有持有者的信访事项"),
    Check("petition-without-date", HOLDER, "没有期限的信访事项"),
    Check("handoff-without-holder", HOLDER, "没有持有者或期限的转送件"),
    Check("clock-not-rung", CLOCKS, "到时没有提醒的期限"),
    Check("clock-not-journalled", CLOCKS, "届满而流转记录没有恰好一条的期限"),
    Check("clock-without-effect", CLOCKS, "届满而什么也没有发生的期限"),
    Check("duty-not-rung", CLOCKS, "逾期而没有上报的待办"),
    Check("journal-flaw", JOURNAL, "流转记录链条断裂或缺页"),
    Check("ledger-unequal", LEDGERS, "两本账不一致的转送件"),
)


@dataclass(slots=True)
class Breach:
    """How often a promise was broken, with some petition numbers, hand-off or message ids; nothing personal."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Account:
    """Counts of a run, and every check with its breaches (0 where it held)."""

    at: datetime
    counts: dict[str, int] = field(default_factory=dict)
    breaches: dict[str, Breach] = field(default_factory=lambda: {check.code: Breach() for check in CHECKS})
    # By body: how many hand-offs are compared, our digest, the partner's.
    digests: dict[str, tuple[int, str, str]] = field(default_factory=dict)

    def family(self, name: str) -> int:
        """How many breaches of all the checks of a family."""
        return sum(self.breaches[check.code].count for check in CHECKS if check.family == name)

    @property
    def lost(self) -> int:
        return self.family(LOST)

    @property
    def doubled(self) -> int:
        return self.family(DOUBLED)

    @property
    def good(self) -> bool:
        """Whether every promise held, over at least one hand-off."""
        return self.counts["handoffs"] > 0 and not any(breach.count for breach in self.breaches.values())

    def broken(self) -> list[tuple[Check, Breach]]:
        """The checks that failed."""
        return [(check, self.breaches[check.code]) for check in CHECKS if self.breaches[check.code].count]

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        return {"at": self.at.isoformat(), "good": self.good, "counts": self.counts, "families": {name: self.family(name) for name in FAMILIES},
                "checks": {check.code: self.breaches[check.code].count for check in CHECKS},
                "examples": {check.code: breach.examples for check, breach in self.broken()},
                "digests": {body: {"handoffs": count, "ours": ours, "theirs": theirs} for body, (count, ours, theirs) in sorted(self.digests.items())}}

    def breach(self, code: str, found: Collection[str]) -> None:
        """Note these as breaches of a check."""
        breach = self.breaches[code]
        breach.count += len(found)
        breach.examples = sorted({*breach.examples, *found})[:_EXAMPLES]


def account(database: Database, books: Books, house: House, now: datetime, **more: Any) -> Account:
    """`examine`, and every line of the journal. Raises psycopg.Error: the ledger cannot be read."""
    with database.transaction() as connection:
        found = examine(connection, books, house, now, **more)
    with database.transaction() as connection:
        found.breach("journal-flaw", [f"{flaw.petition_no}/{flaw.seq}" for flaw in journal.verify(connection)])
    return found


def examine(
    connection: Connection, books: Books, house: House, now: datetime, *, client: str = "", acknowledged: Mapping[str, str] | None = None,
    contradicted: Iterable[str] = (), settled: bool = True,
) -> Account:
    """Hold both ledgers together, at rest; all but the journal's chain.

    Args:
        books: the partners' own, by body (`/control/books` of the sandbox). now: the instant at which everything rests (aware).
        client, acknowledged: what the gateway answered to the system `client`, reference → petition number.
        contradicted: references that were answered with two numbers.
        settled: whether nothing may be under way any more; else what has a next attempt with its date is good.
    """
    found = Account(now)
    _counts(connection, found, books)
    _delivered(connection, found, books, house, settled=settled)
    _heard(connection, found, books)
    _handed_in(connection, found, client, acknowledged or {}, contradicted)
    _held(connection, found)
    _rung(connection, found, house)
    if settled:
        _equal(connection, found, books)
    return found


def _column(connection: Connection, sql: str, *params: Any) -> list[str]:
    return [str(value) for (value,) in connection.execute(sql, params)]


def _counts(connection: Connection, found: Account, books: Books) -> None:
    row = connection.execute(
        """select (select count(*) from petition), (select count(*) from petition where state = any(%s)), (select count(*) from handoff),
             (select count(*) from handoff where acked_out > 0), (select count(*) from outbox), (select count(*) from receipt), (select count(*) from attempt),
             (select count(*) from inbox), (select count(*) from inbox where state = 'APPLIED'), (select count(*) from inbox where state = 'DUPLICATE'),
             (select count(*) from inbox where state = 'QUARANTINED'), (select count(*) from inbox where via <> 'hook'),
             (select count(*) from outbox where state = 'DEAD'), (select count(*) from duty), (select count(*) from duty where closed_at is null),
             (select count(*) from clock where state = 'FIRED'), (select count(*) from journal), (select count(*) from difference),
             (select count(*) from difference where healed_at is not null), (select count(*) from reconciliation where state = 'DONE')""",
        (list(PETITION_ENDS),)).fetchone()
    names = ("petitions", "closed", "handoffs", "delivered", "messages_out", "receipts", "attempts", "messages_in", "applied", "duplicates", "quarantined",
             "fetched", "dead", "duties", "duties_open", "clocks_fired", "journal", "differences", "healed", "nights")
    found.counts.update(zip(names, row or (), strict=True))
    found.counts["partner_cases"] = sum(len(book["items"]) for book in books.values())
    found.counts["partner_messages"] = sum(len(book["issued"]) for book in books.values())


def _delivered(connection: Connection, found: Account, books: Books, house: House, *, settled: bool) -> None:
    """What we sent: each hand-off and each message of ours is at the partner once, or under way with a date, or somebody is told."""
    by_wire = [body.code for body in house.bodies if body.connector.kind != "desk"]
    cases: dict[str, list[str]] = {}
    for body, book in books.items():
        for handoff_id in book["items"]:
            cases.setdefault(handoff_id, []).append(body)
    known = dict(connection.execute("select handoff_id, body from handoff").fetchall())
    held = _column(connection, "select handoff_id from handoff where acked_out > 0 and body = any(%s) and not 'by-hand' = any(flags)", by_wire)
    found.breach("handoff-not-held", [one for one in held if known[one] not in cases.get(one, [])])
    found.breach("case-doubled", [one for one, bodies in cases.items() if len(bodies) > 1])
    found.breach("case-unknown", [one for one, bodies in cases.items() if known.get(one) not in bodies])
    received = {message: (body, *said) for body, book in books.items() for message, said in book["received"].items()}
    ours = {message: (body, state) for message, body, state in connection.execute("select message_id, body, state from outbox where body = any(%s)", (by_wire,))}
    found.breach("message-not-held", [one for one, (body, state) in ours.items() if state == "RECEIPTED" and received.get(one, ("",))[0] != body])
    found.breach("message-unknown", [one for one in received if one not in ours])
    found.breach("message-reissued", [one for one, (_, _, _, fate) in received.items() if fate == "duplicate"])
    # Whatever waits has a next date by its table's own rule, so it is a fault only where all should have come to an end.
    found.breach("message-under-way", _column(connection, "select message_id from outbox where %s and state = any(%s)", settled, _WAITING))
    # A hand-off that ended undelivered (taken back, its petition routed anew) is not under way any more.
    found.breach("undelivered-untold", _column(
        connection,
        """select o.message_id from outbox o join handoff h using (handoff_id) where o.body = any(%s) and h.state <> all(%s) and o.state <> all(%s)
             and not exists (select 1 from duty d where d.kind = 'undelivered' and d.ref = o.message_id)""", by_wire, list(HANDOFF_ENDS), _THERE + _WAITING))


def _heard(connection: Connection, found: Account, books: Books) -> None:
    """What partners sent: whatever they hold our receipt for stands in our inbox, and was applied once or is a person's."""
    inbox = {message for (message,) in connection.execute("select message_id from inbox")}
    acknowledged = [message for book in books.values() for message, (_, _, taken, _) in book["issued"].items() if taken]
    found.counts["acknowledged"] = len(acknowledged)
    found.breach("callback-lost", [message for message in acknowledged if message not in inbox])
    found.breach("callback-unapplied", _column(
        connection, "select message_id from inbox where state = 'RECEIVED' or (state = 'HELD' and received_at < %s)", found.at - _HELD_AT_MOST))
    found.breach("quarantine-untold", _column(
        connection, """select message_id from inbox i where state = 'QUARANTINED'
                       and not exists (select 1 from duty d where d.kind = 'quarantine' and d.ref = i.body || ':' || i.message_id)"""))
    found.breach("callback-applied-twice", _column(
        connection, "select handoff_id || '/' || sequence from inbox where state = 'APPLIED' group by handoff_id, sequence having count(*) > 1"))


def _handed_in(connection: Connection, found: Account, client: str, acknowledged: Mapping[str, str], contradicted: Iterable[str]) -> None:
    """Every petition that was answered for stands in the ledger under the number that was said, once."""
    if not client:
        return
    ours = dict(connection.execute("select origin_ref, petition_no from petition where origin = %s", (client,)).fetchall())
    found.counts["acknowledged_petitions"] = len(acknowledged)
    found.breach("intake-lost", [reference for reference, number in acknowledged.items() if ours.get(reference) != number])
    found.breach("petition-doubled", list(contradicted))
    # No two invented petitions are the same: one that is taken for a repeat was registered twice.
    found.breach("petition-doubled", _column(connection, "select petition_no from petition where origin = %s and 'repeat' = any(flags)", client))


def _held(connection: Connection, found: Account) -> None:
    for code, column in (("petition-without-holder", "holder"), ("petition-without-date", "next_due")):
        found.breach(code, _column(connection, f"select petition_no from petition where state <> all(%s) and {column} is null", list(PETITION_ENDS)))  # noqa: S608
    found.breach("handoff-without-holder", _column(
        connection, "select handoff_id from handoff where state <> all(%s) and (holder is null or next_due is null)", list(HANDOFF_ENDS)))


def _rung(connection: Connection, found: Account, house: House) -> None:
    """Every limit whose time has come has rung, each once, and something came of it; nobody's overdue duty is left lying."""
    found.breach("clock-not-rung", _column(
        connection, "select petition_no || '/' || key from clock where state = 'OPEN' and paused_at is null and least(ring_at, due_at) <= %s", found.at))
    found.breach("clock-not-journalled", _column(
        connection, """select c.petition_no || '/' || c.key from
          (select petition_no, handoff_id, key, due_at, count(*) n from clock where state = 'FIRED' group by 1, 2, 3, 4) c
          left join (select petition_no, handoff_id, detail->>'key' as key, (detail->>'clock_due')::timestamptz as due_at, count(*) n
                     from journal where act = 'clock.expired' group by 1, 2, 3, 4) j
            on j.petition_no = c.petition_no and j.handoff_id is not distinct from c.handoff_id and j.key = c.key and j.due_at = c.due_at
          where j.n is distinct from c.n"""))
    found.breach("clock-without-effect", _idle_clocks(connection, house))
    found.breach("duty-not-rung", _column(
        connection, "select duty_id from duty where closed_at is null and not state_bound and due_at <= %s", found.at))


def _idle_clocks(connection: Connection, house: House) -> list[str]:
    """Clocks that ran out although the road map names a consequence, and none of its consequences can be seen."""
    duties = set(connection.execute("select kind, ref from duty").fetchall())
    clocks = connection.execute("select petition_no, handoff_id, key, root, state, closed_at from clock").fetchall()
    there = {(number, handoff, key) for number, handoff, key, _, _, _ in clocks}
    moved = set(connection.execute("select petition_no, handoff_id, at from journal where from_state <> to_state").fetchall())
    urged = set(connection.execute("select handoff_id from journal where act = 'handoff.urge'").fetchall())
    idle = []
    for number, handoff, key, root, state, closed in clocks:
        follow = house.roads.clock(key).on_expiry
        expected = follow.duty or follow.next or follow.urge
        seen = (
            (follow.duty is not None and (follow.duty.kind, f"{handoff or number}:{root}") in duties)
            or (follow.next is not None and (number, handoff, follow.next) in there)
            or (follow.urge and (handoff,) in urged)
            or (number, handoff, closed) in moved
        )
        if state == "FIRED" and expected and not seen:
            idle.append(f"{number}/{key}")
    return idle


def _equal(connection: Connection, found: Account, books: Books) -> None:
    """Line by line and as one digest a body: what the bureau believes of the partner's ledger is what stands there."""
    ours: dict[str, dict[str, str]] = {}
    sql = """select body, handoff_id, concat_ws('|', petition_no, partner_round, partner_state, acked_out, seq_in, request_digest, coalesce(partner_case_no, ''))
             from handoff where acked_out > 0 and not 'by-hand' = any(flags)"""
    for body, handoff_id, line in connection.execute(sql):
        ours.setdefault(body, {})[handoff_id] = line
    for body, book in books.items():
        theirs = {handoff_id: "|".join(map(str, item)) for handoff_id, item in book["items"].items()}
        mine = ours.get(body, {})
        found.digests[body] = (len(theirs), _digest(mine), _digest(theirs))
        found.breach("ledger-unequal", [one for one in mine.keys() | theirs.keys() if mine.get(one) != theirs.get(one)])


def _digest(lines: Mapping[str, str]) -> str:
    return sha256("".join(f"{handoff_id}|{line}\n" for handoff_id, line in sorted(lines.items())).encode()).hexdigest()
