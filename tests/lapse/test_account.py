"""Every check of the account can fail: a true small run is good, and each thing done to its ledgers is found under its own name."""

# ruff: noqa: S608  (statements of the test's own)

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from cli.lapse.account import CHECKS, Account, account, examine
from flows import dispatch, reconcile, watch
from flows.context import open_context, using
from flows.trace import SILENT
from models.db import Connection, Database
from rules.house import House
from runtime.postgres import PrivatePostgres
from tests.flows import world as worlds
from tests.flows.world import COURT, HOUSING, LABOUR, hand_off
from tests.models.ledger import house
from tests.sandbox.conftest import serving

Books = dict[str, dict[str, dict[str, Any]]]


@dataclass
class Played:
    """A run at rest: the ledger, the partners' books, what the gateway would have answered."""

    url: str
    books: Books
    now: datetime
    acknowledged: dict[str, str]


@pytest.fixture(scope="module")
def played(pg: PrivatePostgres, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Six hand-offs to two bodies, delivered, answered for by the ledger alone, left until limits ran out, and compared."""
    folder: Path = tmp_path_factory.mktemp("account")
    name = f"played_{uuid4().hex}"
    pg.create_database(name, template)
    bureau = worlds.world(pg.url(name), folder, "")
    config = worlds.sandbox_config(folder, [COURT, HOUSING, LABOUR], "silent", {"sign_hours": 0, "until_urged": 1}, drop_callbacks=True)
    with serving(config, bureau.clock) as url:  # type: ignore[arg-type]
        bureau.sandbox, bureau.settings = url, bureau.settings.model_copy(update={"sandbox_url": url})
        context = open_context(bureau.settings)
        try:
            with using(context):
                hand_off(context, COURT, 3)
                hand_off(context, HOUSING, 3)
                for days in (0, 4, 30, 30):
                    bureau.clock.step(days=days)
                    asyncio.run(watch.run(context, SILENT))
                    asyncio.run(dispatch.run_all(context, SILENT))
                    bureau.until(lambda: bool(bureau.control("idle")["idle"]))
                    asyncio.run(reconcile.run(context, SILENT, again=True))
                    asyncio.run(watch.run(context, SILENT))
                    asyncio.run(dispatch.run_all(context, SILENT))
        finally:
            context.close()
        books: Books = bureau.control("books")
    known = {message for (message,) in bureau.ask("select message_id from inbox")}
    for book in books.values():  # nobody called: what was fetched counts as acknowledged, so that there is something to lose
        for message, said in book["issued"].items():
            said[2] = message in known
    yield Played(pg.url(name), books, bureau.clock.now(), dict(bureau.ask("select origin_ref, petition_no from petition")))
    pg.drop_database(name)


@dataclass
class Case:
    """The run, to be spoilt in a transaction that is taken back."""

    connection: Connection
    books: Books
    now: datetime
    acknowledged: dict[str, str]
    contradicted: list[str] = field(default_factory=list)
    house: House = field(default_factory=house)

    def sql(self, *statements: str) -> None:
        for statement in statements:
            assert self.connection.execute(statement).rowcount != 0, statement

    def account(self, **more: Any) -> Account:
        return examine(self.connection, self.books, self.house, self.now, client="test", acknowledged=self.acknowledged, contradicted=self.contradicted, **more)


@pytest.fixture
def case(played: Played) -> Iterator[Case]:
    with psycopg.connect(played.url) as connection:
        connection.execute("set session_replication_role = replica")  # the ledger's own guards would refuse most of this
        yield Case(connection, copy.deepcopy(played.books), played.now, dict(played.acknowledged))
        connection.rollback()


@pytest.mark.guarantee("G1", "G2", "G3", "G4")
def test_a_true_run_is_good(case: Case) -> None:
    found = case.account()
    assert not found.broken()
    assert found.good
    counts = found.counts
    assert counts["handoffs"] == counts["delivered"] == counts["partner_cases"] == 6
    assert counts["applied"] > 0
    assert counts["clocks_fired"] > 0
    assert counts["messages_out"] > 6, "what a limit that ran out sends must be among the messages"
    assert all(count > 0 and ours == theirs for body, (count, ours, theirs) in found.digests.items()), found.digests


def _first(books: Books, what: str) -> tuple[dict[str, Any], str]:
    book = next(book[what] for book in books.values() if book[what])
    return book, min(book)


def _forget_case(case: Case) -> None:
    book, one = _first(case.books, "items")
    del book[one]


def _double_case(case: Case) -> None:
    book, one = _first(case.books, "items")
    other = next(b for b in case.books.values() if b["items"] is not book)
    other["items"][one] = list(book[one])


def _strange_case(case: Case) -> None:
    book, one = _first(case.books, "items")
    book["0190aaaa-0000-7000-8000-000000000000"] = list(book[one])


def _forget_message(case: Case) -> None:
    book, one = _first(case.books, "received")
    del book[one]


def _strange_message(case: Case) -> None:
    book, one = _first(case.books, "received")
    book["0190aaaa-0000-7000-8000-000000000001"] = list(book[one])


def _reissued(case: Case) -> None:
    book, one = _first(case.books, "received")
    book[one][2] = "duplicate"


def _other_state(case: Case) -> None:
    book, one = _first(case.books, "items")
    book[one][2] = "WITHDRAWN"


def _other_number(case: Case) -> None:
    case.acknowledged[min(case.acknowledged)] = "XF99010220260302999999"


def _unknown_reference(case: Case) -> None:
    case.acknowledged["never-stored"] = "XF99010220260302999998"


def _told_two_numbers(case: Case) -> None:
    case.contradicted.append(min(case.acknowledged))


def _sql(*statements: str) -> Callable[[Case], None]:
    return lambda case: case.sql(*statements)


_ONE_HEARD = "message_id = (select min(message_id) from inbox where state = 'APPLIED')"
_ONE_SENT = "message_id = (select min(message_id) from outbox where sequence = 1)"
_FIRED = "id = (select min(id) from clock where state = 'FIRED')"
SPOILT: dict[str, tuple[Callable[[Case], None], set[str]]] = {
    "the partner has forgotten a case": (_forget_case, {"handoff-not-held", "ledger-unequal"}),
    "two partners have one case": (_double_case, {"case-doubled", "ledger-unequal"}),
    "a partner has a case of nobody": (_strange_case, {"case-unknown", "ledger-unequal"}),
    "the partner has forgotten a message": (_forget_message, {"message-not-held"}),
    "a partner has a message of nobody": (_strange_message, {"message-unknown"}),
    "a message was sent under two ids": (_reissued, {"message-reissued"}),
    "the partner believes another state": (_other_state, {"ledger-unequal"}),
    "another number than was said": (_other_number, {"intake-lost"}),
    "an acknowledged petition is not there": (_unknown_reference, {"intake-lost"}),
    "one reference, two numbers": (_told_two_numbers, {"petition-doubled"}),
    "taken for a repeat": (_sql("update petition set flags = flags || '{repeat}' where petition_no = (select min(petition_no) from petition)"), {"petition-doubled"}),
    "a message on its way": (_sql(f"update outbox set state = 'RETRY_WAIT' where {_ONE_SENT}"), {"message-under-way"}),
    "given up, nobody told": (_sql(f"update outbox set state = 'DEAD' where {_ONE_SENT}"), {"undelivered-untold"}),
    "a callback is gone": (_sql(f"delete from inbox where {_ONE_HEARD}"), {"callback-lost"}),
    "a callback was never applied": (_sql(f"update inbox set state = 'RECEIVED' where {_ONE_HEARD}"), {"callback-unapplied"}),
    "a callback is held for ever": (_sql(f"update inbox set state = 'HELD' where {_ONE_HEARD}"), {"callback-unapplied"}),
    "quarantined, nobody told": (_sql(f"update inbox set state = 'QUARANTINED' where {_ONE_HEARD}"), {"quarantine-untold"}),
    "applied twice": (_sql(f"""insert into inbox (body, message_id, handoff_id, petition_no, message, round, sequence, event_at, raw_sealed, fingerprint, receipt, via, state,
        received_at, applied_at, note) select body, message_id || 'x', handoff_id, petition_no, message, round, sequence, event_at, raw_sealed, fingerprint, receipt,
        via, state, received_at, applied_at, note from inbox where {_ONE_HEARD}"""), {"callback-applied-twice"}),
    "nobody holds a petition": (
        _sql("alter table petition drop constraint petition_held", "update petition set holder = null where petition_no = (select min(petition_no) from petition)"),
        {"petition-without-holder"}),
    "a petition has no date": (
        _sql("alter table petition drop constraint petition_held", "update petition set next_due = null where petition_no = (select min(petition_no) from petition)"),
        {"petition-without-date"}),
    "a hand-off has no date": (
        _sql("alter table handoff drop constraint handoff_held", "update handoff set next_due = null where handoff_id = (select min(handoff_id) from handoff)"),
        {"handoff-without-holder"}),
    "a limit did not ring": (
        _sql("update clock set ring_at = now() - interval '20 years', due_at = now() - interval '20 years', state = 'OPEN', paused_at = null "
             "where id = (select min(id) from clock where state <> 'FIRED')"), {"clock-not-rung"}),
    "a limit rang and nothing was written": (_sql("delete from journal where act = 'clock.expired' and id = (select min(id) from journal where act = 'clock.expired')"),
                                             {"clock-not-journalled"}),
    "a limit rang twice": (_sql(f"update clock set due_at = (select due_at from clock where {_FIRED}) + interval '1 second' where {_FIRED}"), {"clock-not-journalled"}),
    "a limit ran out for nothing": (_sql(
        f"""insert into clock (petition_no, key, root, owes, "limit", basis, label, started_at, due_at, ring_at, warned, provisional, state, closed_at)
            select petition_no, key, 'nothing', owes, "limit", basis, label, started_at, due_at, ring_at, warned, provisional, state, closed_at + interval '1 second'
            from clock where {_FIRED}""",
        f"""insert into journal (petition_no, seq, at, actor, act, from_state, to_state, detail, prev_hash, hash)
            select j.petition_no, 9999, j.at, j.actor, j.act, j.from_state, j.to_state, j.detail, j.prev_hash, j.hash
            from journal j join clock c using (petition_no, handoff_id) where c.{_FIRED.replace("(select min(id)", "(select min(clock.id)")}
              and j.act = 'clock.expired' and j.detail->>'key' = c.key"""), {"clock-without-effect"}),
    "an overdue duty lies": (
        _sql("insert into duty (duty_id, kind, ref, holder, zh, detail, state_bound, opened_at, due_at, escalations, closed_by) "
             "values ('d-1', 'notify', 'x', 'bureau-990100', '告知', '{}', false, '2026-01-01', '2026-01-02', 0, '')"), {"duty-not-rung"}),
}


@pytest.mark.parametrize("what", SPOILT)
def test_what_is_wrong_is_found_under_its_name(case: Case, what: str) -> None:
    spoil, codes = SPOILT[what]
    spoil(case)
    found = case.account()
    assert {check.code for check, _ in found.broken()} == codes
    assert not found.good
    assert all(breach.count >= len(breach.examples) > 0 for _, breach in found.broken())


def test_every_check_was_seen_to_fail() -> None:
    assert {code for _, codes in SPOILT.values() for code in codes} | {"journal-flaw"} == {check.code for check in CHECKS}


def test_a_changed_line_of_the_journal_is_found(pg: PrivatePostgres, played: Played) -> None:
    name = f"spoilt_{uuid4().hex}"
    pg.create_database(name, played.url.rpartition("/")[2])
    with psycopg.connect(pg.url(name)) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("update journal set actor = 'nobody' where id = (select max(id) from journal)")
    for url, flaws in ((played.url, 0), (pg.url(name), 1)):
        with Database(url, size=2) as database:
            found = account(database, played.books, house(), played.now, client="test", acknowledged=played.acknowledged)
        assert {check.code: breach.count for check, breach in found.broken()} == ({"journal-flaw": flaws} if flaws else {})
    pg.drop_database(name)


def test_what_waits_is_no_fault_while_it_may_still_wait(case: Case) -> None:
    case.sql(f"update outbox set state = 'RETRY_WAIT' where {_ONE_SENT}")
    assert case.account(settled=False).good
    case.now += timedelta(days=400)
    assert {check.code for check, _ in case.account(settled=False).broken()} >= {"clock-not-rung"}
