"""Every way to falsify the ledger behind the door is found and named; the tables themselves refuse most."""

# ruff: noqa: S608  (falsified by hand, as whoever tampers would)

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest

from models import store
from models.journal import Count, verify
from models.moves import Move
from tests.models.ledger import CLERK, Ledger
from tests.models.paths import bring


def behind(ledger: Ledger, *statements: str) -> None:
    """As a superuser would: the triggers and foreign keys switched off."""
    with psycopg.connect(ledger.url) as connection:
        connection.execute("set session_replication_role = replica")
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def two(ledger: Ledger) -> tuple[Ledger, str, str]:
    """Two petitions with some history; the second is the one that will be tampered with."""
    first = bring(ledger, ledger.send(), "REPORTED")
    second = bring(ledger, ledger.send(), "IN_PROGRESS")
    assert ledger.flaws() == []
    return ledger, ledger.handoff(first)["petition_no"], ledger.handoff(second)["petition_no"]


Tamper = Callable[[str], tuple[str, ...]]
JOURNAL: dict[str, tuple[Tamper, int, str]] = {
    "altered": (lambda n: (f"update journal set detail = '{{\"to\": \"elsewhere\"}}' where petition_no = '{n}' and seq = 2",), 2, "内容被改动"),
    "time altered": (lambda n: (f"update journal set at = at - interval '1 day' where petition_no = '{n}' and seq = 3",), 3, "内容被改动"),
    "hash altered": (lambda n: (f"update journal set hash = sha256('x') where petition_no = '{n}' and seq = 3",), 3, "内容被改动"),
    "removed from the middle": (lambda n: (f"delete from journal where petition_no = '{n}' and seq = 3",), 3, "缺少"),
    "removed from the start": (lambda n: (f"delete from journal where petition_no = '{n}' and seq = 1",), 1, "缺少"),
    "cut off at the end": (lambda n: (f"delete from journal where petition_no = '{n}' and seq >= 6",), 6, "末尾缺少"),
    "removed whole": (lambda n: (f"delete from journal where petition_no = '{n}'",), 0, "全部流转记录被删除"),
    "reordered": (lambda n: tuple(f"update journal set seq = {b} where petition_no = '{n}' and seq = {a}" for a, b in ((3, 99), (4, 3), (99, 4))), 3, "内容被改动"),
    "inserted at the end": (lambda n: (
        f"""insert into journal (petition_no, seq, at, actor, act, from_state, to_state, detail, prev_hash, hash)
            select petition_no, seq + 1, at, actor, act, from_state, to_state, detail, hash, sha256('y') from journal
            where petition_no = '{n}' order by seq desc limit 1""",), 0, "链尾"),
    "inserted in the middle": (lambda n: (
        f"update journal set seq = seq + 100 where petition_no = '{n}' and seq >= 4", f"update journal set seq = seq - 99 where petition_no = '{n}' and seq > 100",
        f"""insert into journal (petition_no, seq, at, actor, act, from_state, to_state, detail, prev_hash, hash)
            select petition_no, 4, at, actor, act, from_state, to_state, detail, hash, hash from journal where petition_no = '{n}' and seq = 3"""), 4, "内容被改动"),
}
STATE: dict[str, tuple[Tamper, str]] = {
    "petition closed": (lambda n: (f"update petition set state = 'CLOSED', holder = null, next_due = null where petition_no = '{n}'",), "信访事项的状态"),
    "hand-off moved on": (lambda n: (f"update handoff set state = 'ACCEPTED' where petition_no = '{n}'",), "转送件的状态"),
    "date put off": (lambda n: (f"update handoff set next_due = next_due + interval '9 days' where petition_no = '{n}'",), "持有者或期限"),
    "petition's date put off": (lambda n: (f"update petition set next_due = next_due + interval '9 days' where petition_no = '{n}'",), "持有者或期限"),
    "holder changed": (lambda n: (f"update petition set holder = 'court-990000' where petition_no = '{n}'",), "持有者或期限"),
    "hand-off removed": (lambda n: (f"delete from handoff where petition_no = '{n}'",), "转送件的状态"),
    "petition removed, journal kept": (lambda n: (f"delete from petition where petition_no = '{n}'",), "事项被删除"),
    "petition removed with all of it": (lambda n: tuple(f"delete from {t} where petition_no = '{n}'" for t in ("journal", "petition", "handoff")), "事项被删除"),
    "counter lowered": (lambda n: ("update petition_counter set last = last - 1",), "登记簿"),
    "counter removed": (lambda n: ("delete from petition_counter",), "登记簿"),
}


@pytest.mark.parametrize("how", JOURNAL)
def test_a_falsified_journal_is_found_and_named(two: tuple[Ledger, str, str], how: str) -> None:
    ledger, first, second = two
    tamper, seq, words = JOURNAL[how]
    behind(ledger, *tamper(second))
    flaws = ledger.flaws()
    assert any(words in flaw.what and (seq == 0 or flaw.seq == seq) for flaw in flaws), flaws
    assert {flaw.petition_no for flaw in flaws} == {second}, "the other petition's chain is whole"
    assert second in str(flaws[0])
    assert first not in "".join(map(str, flaws))


@pytest.mark.parametrize("how", STATE)
def test_a_ledger_changed_behind_the_door_is_found_and_named(two: tuple[Ledger, str, str], how: str) -> None:
    ledger, _, second = two
    tamper, words = STATE[how]
    behind(ledger, *tamper(second))
    assert any(words in flaw.what and flaw.petition_no == second for flaw in ledger.flaws()), ledger.flaws()


@pytest.mark.parametrize("statement", ["update journal set act = 'x'", "delete from journal", "truncate journal", "update journal set id = default where false or seq = 1"])
def test_the_table_refuses_to_forget(two: tuple[Ledger, str, str], statement: str) -> None:
    ledger = two[0]
    with psycopg.connect(ledger.url) as connection, pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        connection.execute(statement)
    assert ledger.flaws() == []


@pytest.mark.parametrize("statement", [
    "update petition set holder = null", "update petition set next_due = null", "update handoff set holder = null", "update handoff set next_due = null",
    "update petition set state = 'CLOSED'", "update handoff set state = 'WITHDRAWN'"])
def test_the_tables_refuse_a_case_without_holder_or_date(two: tuple[Ledger, str, str], statement: str) -> None:
    with psycopg.connect(two[0].url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(statement)


def test_a_petition_has_one_open_handoff_by_the_tables_own_rule(two: tuple[Ledger, str, str]) -> None:
    ledger, first, second = two
    with psycopg.connect(ledger.url) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("update handoff set petition_no = %s where petition_no = %s", (second, first))


def test_verify_counts_what_it_read(two: tuple[Ledger, str, str]) -> None:
    ledger, count = two[0], Count()
    with psycopg.connect(ledger.url) as connection:
        assert list(verify(connection, count)) == []
    assert (count.petitions, count.rows) == (2, ledger.row("select count(*) as n from journal")["n"])


def test_a_clerks_words_stay_sealed_and_the_chain_covers_them(ledger: Ledger) -> None:
    number, words = ledger.register(), "信访人来电催问"
    ledger.done(ledger.one(Move("petition.note", CLERK, petition_no=number, note=words)))
    row = ledger.row("select * from journal where petition_no = %s and act = 'petition.note'", number)
    assert words.encode() not in row["note_sealed"]
    with ledger.transaction() as connection:
        assert store.notes(connection, number, ledger.sealer) == [(row["seq"], words)]
    behind(ledger, f"update journal set note_sealed = null where petition_no = '{number}' and seq = {row['seq']}")
    assert [flaw.seq for flaw in ledger.flaws()] == [row["seq"]]


def test_times_to_the_microsecond_survive_the_chain(ledger: Ledger) -> None:
    ledger.time.set(ledger.now + timedelta(microseconds=123_457))
    bring(ledger, ledger.send(), "REPORTED")
    assert ledger.flaws() == []
