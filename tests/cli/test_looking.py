"""`petition`, `petitions`, `duties`, `verify`: looking at cases shows nothing personal unless asked, and then says so."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Tonglu
from tests.models.ledger import PERSON, SUBJECT, TEXT, Ledger

PERSONAL = [*PERSON.values(), SUBJECT, TEXT]


def test_a_petitions_whole_road(tonglu: Tonglu, ledger: Ledger) -> None:
    handoff = ledger.accepted()
    number = _number(ledger, handoff)
    ran = tonglu.run("petition", number)
    assert ran.code == 0
    for word in (number, "登记", "确定去向", "发出转送件", "受理", "澜川市中级人民法院", "持有者", "办结"):
        assert word in ran.out
    assert not [word for word in PERSONAL if word in ran.out + ran.err]
    told = tonglu.run("petition", number, "--json").json
    assert told["open_handoff"] == handoff
    assert [j["seq"] for j in told["timeline"]] == list(range(1, len(told["timeline"]) + 1))
    assert told["messages"][0]["message"] == "handoff.request"


def _number(ledger: Ledger, handoff: str) -> str:
    with ledger.transaction() as connection:
        row = connection.execute("select petition_no from handoff where handoff_id = %s", (handoff,)).fetchone()
    assert row is not None
    return str(row[0])


def test_reveal_opens_the_sealed_fields_and_is_loud(tonglu: Tonglu, ledger: Ledger) -> None:
    number = ledger.register()
    ran = tonglu.run("petition", number, "--reveal")
    assert all(word in ran.out for word in PERSONAL)
    assert ran.err.count("！！！") >= 4
    assert tonglu.run("petition", number, "--reveal", "--json").code == 2


def test_lists_filter_and_count(tonglu: Tonglu, ledger: Ledger) -> None:
    waiting, sent = ledger.register(), _number(ledger, ledger.deliver())
    rows = tonglu.run("petitions", "--json").json
    assert {r["petition_no"] for r in rows} == {waiting, sent}
    assert [r["petition_no"] for r in tonglu.run("petitions", "--holder", "court-990100", "--json").json] == [sent]
    assert [r["petition_no"] for r in tonglu.run("petitions", "--state", "DELIVERED", "--json").json] == [sent]
    assert [r["petition_no"] for r in tonglu.run("petitions", "--body", "court-990100", "--json").json] == [sent]
    assert len(tonglu.run("petitions", "--origin", "window", "--json").json) == 2
    assert tonglu.run("petitions", "--overdue", "--json").json == []
    assert tonglu.run("petitions", "--state", "NOWHERE").code == 2
    counts = tonglu.run("petitions", "--counts", "--json").json
    assert sum(c["petitions"] for c in counts) == 2
    ran = tonglu.run("petitions", "--limit", "1")
    assert "--limit" in ran.err
    assert not [word for word in PERSONAL if word in ran.out + ran.err]


def test_what_is_late_is_marked(tonglu: Tonglu, ledger: Ledger) -> None:
    number = ledger.register()
    tonglu.clock.write_text("2026-06-01T00:00:00+00:00\n")
    assert [r["petition_no"] for r in tonglu.run("petitions", "--overdue", "--json").json] == [number]
    assert "已逾期" in tonglu.run("petitions").out


def test_verify_names_what_was_changed(tonglu: Tonglu, ledger: Ledger) -> None:
    number = ledger.register()
    ledger.register()
    ran = tonglu.run("verify")
    assert (ran.code, "完好" in ran.out) == (0, True)
    with ledger.transaction() as connection:
        connection.execute("alter table journal disable trigger all")
        connection.execute("update journal set actor = 'bureau:elsewhere' where petition_no = %s and seq = 1", (number,))
        connection.execute("alter table journal enable trigger all")
    ran = tonglu.run("verify")
    assert ran.code == 1
    assert number in ran.out
    assert "第1条" in ran.out


@pytest.mark.parametrize("by", ["counts", "rows"])
def test_duties_say_who_what_and_how(tonglu: Tonglu, ledger: Ledger, by: str) -> None:
    ledger.partner("handoff.objected", ledger.deliver())
    if by == "counts":
        told = tonglu.run("duties", "--counts", "--json").json
        assert told == [{"kind": "objection.decide", "holder": "bureau-990100", "duties": 1, "overdue": 0}]
    else:
        ran = tonglu.run("duties")
        assert "tonglu decide" in ran.out
        assert "核实异议" in ran.out
        assert tonglu.run("duties", "--holder", "court-990100", "--json").json == []
