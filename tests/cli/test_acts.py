"""What clerks do by command, through the door: each act, what it refuses, and that words stay sealed."""

from __future__ import annotations

from pathlib import Path

import pytest

from models import desk, desk_petition
from models.moves import Done, Refused
from tests.cli.conftest import Tonglu
from tests.models.ledger import COURT, Ledger

WORDS = "经办意见中的虚构言语"


def number_of(ledger: Ledger, handoff: str) -> str:
    with ledger.transaction() as connection:
        row = connection.execute("select petition_no from handoff where handoff_id = %s", (handoff,)).fetchone()
    assert row is not None
    return str(row[0])


def state(ledger: Ledger, number: str) -> tuple[str, str | None]:
    with ledger.transaction() as connection:
        row = connection.execute("select p.state, h.state from petition p left join handoff h on h.handoff_id = p.open_handoff where petition_no = %s".replace(
            "where petition_no", "where p.petition_no"), (number,)).fetchone()
    assert row is not None
    return row[0], row[1]


def objected(ledger: Ledger) -> tuple[str, str]:
    handoff = ledger.deliver()
    Ledger.done(ledger.partner("handoff.objected", handoff))
    return number_of(ledger, handoff), handoff


def reported(ledger: Ledger) -> tuple[str, str]:
    handoff = ledger.accepted()
    Ledger.done(ledger.partner("handoff.result", handoff))
    return number_of(ledger, handoff), handoff


@pytest.mark.parametrize(
    ("args", "after"),
    [
        (["upheld", "--reason", WORDS, "--material", "转送函"], ("WITH_CLERK", None)),
        (["rejected", "--reason", WORDS], ("HANDED_OFF", "SIGNED")),
        (["escalated", "--reason", WORDS], ("HANDED_OFF", "ESCALATED")),
    ],
)
def test_decide(tonglu: Tonglu, ledger: Ledger, args: list[str], after: tuple[str, str | None]) -> None:
    number, handoff = objected(ledger)
    ran = tonglu.run("decide", number if args[0] == "upheld" else handoff, *args)
    assert ran.code == 0, ran.err
    assert "现状：" in ran.out
    assert state(ledger, number) == after
    assert WORDS not in tonglu.run("petition", number).out
    assert WORDS in tonglu.run("petition", number, "--reveal").out
    again = tonglu.run("decide", handoff, *args)
    assert again.code == 1
    assert "未办理" in again.err


def test_a_rejected_ground_is_remembered(tonglu: Tonglu, ledger: Ledger) -> None:
    number, handoff = objected(ledger)
    assert tonglu.run("decide", number, "rejected", "--reason", WORDS).code == 0
    Ledger.no(ledger.partner("handoff.objected", handoff), "guard")


@pytest.mark.parametrize(("ruling", "after"), [("keep", ("HANDED_OFF", "SIGNED")), ("return", ("WITH_CLERK", None))])
def test_rule(tonglu: Tonglu, ledger: Ledger, ruling: str, after: tuple[str, str | None]) -> None:
    number, _ = objected(ledger)
    assert tonglu.run("rule", number, ruling, "--reason", WORDS).code == 1  # nothing was put before the conference yet
    assert tonglu.run("decide", number, "escalated", "--reason", WORDS).code == 0
    assert tonglu.run("rule", number, ruling, "--reason", WORDS).code == 0
    assert state(ledger, number) == after


def test_review_accepts_or_sends_back(tonglu: Tonglu, ledger: Ledger) -> None:
    number, _ = reported(ledger)
    assert tonglu.run("review", number, "accepted").code == 2
    assert tonglu.run("review", number, "rework").code == 2
    assert tonglu.run("review", number, "rework", "--reason", WORDS, "--defect", "缺少依据").code == 0
    assert state(ledger, number) == ("HANDED_OFF", "IN_PROGRESS")
    other, _ = reported(ledger)
    assert tonglu.run("review", other, "accepted", "--told-on", "2026-03-02").code == 0
    assert state(ledger, other) == ("CLOSED", None)


@pytest.mark.parametrize(("args", "after"), [(["told", "--told-on", "2026-03-02"], "CLOSED"), (["reroute"], "WITH_CLERK")])
def test_followup(tonglu: Tonglu, ledger: Ledger, args: list[str], after: str) -> None:
    handoff = ledger.deliver()
    Ledger.done(ledger.partner("handoff.declined", handoff))
    number = number_of(ledger, handoff)
    assert tonglu.run("followup", number, *args).code == 0
    assert state(ledger, number) == (after, None)


def test_urge_and_withdraw_send_a_message(tonglu: Tonglu, ledger: Ledger) -> None:
    handoff = ledger.deliver()
    number = number_of(ledger, handoff)
    assert tonglu.run("urge", number, "--reason", "请尽快").code == 0
    assert tonglu.run("withdraw", number).code == 2
    assert tonglu.run("withdraw", number, "--reason", WORDS).code == 0
    messages = tonglu.run("petition", number, "--json").json["messages"]
    assert [m["message"] for m in messages] == ["handoff.request", "handoff.urge", "handoff.withdraw"]


def test_send_takes_the_tables_way_or_the_clerks(tonglu: Tonglu, ledger: Ledger) -> None:
    facts = {"klass": "claim", "art31": 6, "sector": "housing", "division": "990102"}
    first, second = ledger.register(facts=facts), ledger.register(facts=facts)
    assert tonglu.run("send", first, "--to", "agency-housing-990102").code == 0
    assert tonglu.run("send", second, "--to", "agency-market-990102", "--way", "交办", "--basis", "条例第二十二条", "--reason", WORDS).code == 0
    one, two = (tonglu.run("petition", n, "--json").json["handoffs"][0] for n in (first, second))
    assert (one["way"], one["basis"].split("；")[0]) == ("转送", "条例第三十一条第六项")
    assert (two["way"], two["basis"]) == ("交办", "条例第二十二条")
    assert tonglu.run("petition", first, "--json").json["branch"] == "B3.6"


@pytest.mark.parametrize(
    ("facts", "args", "word"),
    [
        ({"klass": "claim"}, ["--to", "court-000000"], "tonglu bodies"),
        ({"klass": "claim"}, ["--to", "bureau-990100"], "本单位"),
        ({"klass": "accusation"}, ["--to", "agency-housing-990102"], "须先补正"),
        ({"klass": "accusation", "accused_body": "agency-housing-990102"}, ["--to", "agency-housing-990102"], "被检举控告单位"),
        ({"klass": "accusation", "accused_body": "agency-housing-990102"}, ["--to", "agency-housing-990102", "--fact", "accused_body=court-990100"], "不能改写"),
        ({"klass": "claim"}, ["--to", COURT, "--fact", "accused_body=court-990100"], "被检举控告单位"),
        ({"klass": "claim"}, ["--to", COURT, "--fact", "klass=maybe"], "不合要求"),
        ({"klass": "claim", "pending_elsewhere": "XF99010020260302000009"}, ["--to", COURT], "已由"),
    ],
)
def test_send_keeps_the_guards(tonglu: Tonglu, ledger: Ledger, facts: dict[str, str], args: list[str], word: str) -> None:
    number = ledger.register(facts=facts)
    ran = tonglu.run("send", number, *args)
    assert ran.code == 1
    assert word in ran.err
    assert state(ledger, number) == ("REGISTERED", None)


def test_send_never_goes_round_in_a_circle(tonglu: Tonglu, ledger: Ledger) -> None:
    number, _ = objected(ledger)
    assert tonglu.run("decide", number, "upheld", "--reason", WORDS, "--material", "转送函").code == 0
    ran = tonglu.run("send", number, "--to", COURT)
    assert ran.code == 1
    assert "已退回" in ran.err


def test_send_to_a_merged_body_names_its_successor(ledger: Ledger, tonglu: Tonglu, tmp_path: Path) -> None:
    from tests.cli.conftest import REPO

    folder = tmp_path / "config"
    folder.mkdir()
    for file in (REPO / "config").glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        if file.name == "bodies.yaml":
            text = text.replace("  - code: agency-market-990103\n", "  - code: agency-market-990103\n    successor: agency-market-990100\n    since: \"2020-01-01\"\n", 1)
        (folder / file.name).write_text(text, encoding="utf-8")
    number = ledger.register()
    ran = tonglu.run("send", number, "--to", "agency-market-990103", TONGLU_CONFIG_DIR=str(folder))
    assert (ran.code, "agency-market-990100" in ran.err) == (1, True)


def test_guide_and_close_end_a_petition(tonglu: Tonglu, ledger: Ledger) -> None:
    first, second = ledger.register(), ledger.register()
    assert tonglu.run("guide", first).code == 2
    assert tonglu.run("guide", first, "--told-on", "2026-03-02", "--to", COURT).code == 0
    assert state(ledger, first) == ("GUIDED", None)
    assert tonglu.run("guided", first, "filed", "--case-no", "澜01民初12号").code == 2  # on which day?
    assert tonglu.run("guided", first, "filed", "--case-no", "澜01民初12号", "--on", "2026-03-02").code == 0
    assert state(ledger, first) == ("CLOSED", None)
    assert tonglu.run("close", second, "--told-on", "2026-03-02", "--reason", WORDS).code == 1  # only a clerk's petition is closed so
    with ledger.transaction() as connection:
        from models.door import advance
        from models.moves import Move
        from tests.models.ledger import CLERK

        advance(connection, [Move("petition.to_clerk", CLERK, petition_no=second)], ledger.house, ledger.sealer, ledger.now)
    assert tonglu.run("close", second, "--told-on", "2026-03-02", "--reason", WORDS).code == 0
    assert state(ledger, second) == ("CLOSED", None)


def test_a_duty_that_hangs_on_no_state_is_done_by_hand(tonglu: Tonglu, ledger: Ledger) -> None:
    from models.moves import SYSTEM, Move

    handoff = ledger.deliver()
    Ledger.done(ledger.one(Move("duty.open", SYSTEM, handoff_id=handoff, data={"kind": "quarantine", "ref": "x:1"})))
    ledger.one(Move("duty.open", SYSTEM, data={"kind": "security", "ref": "endpoint:x", "body": COURT}))
    Ledger.done(ledger.partner("handoff.objected", handoff))
    duties = {d["kind"]: d["duty_id"] for d in tonglu.run("duties", "--json").json}
    assert set(duties) == {"quarantine", "security", "objection.decide"}
    assert tonglu.run("duty", "done", duties["quarantine"], "--reason", WORDS).code == 0
    assert tonglu.run("duty", "done", duties["security"]).code == 0
    ran = tonglu.run("duty", "done", duties["objection.decide"])
    assert (ran.code, "未办理" in ran.err) == (1, True)
    assert tonglu.run("duty", "done", duties["quarantine"]).code == 1
    assert {d["kind"] for d in tonglu.run("duties", "--json").json} == {"objection.decide"}
    assert tonglu.run("verify").code == 0


def test_desk_answers_for_what_is_not_there(ledger: Ledger) -> None:
    with ledger.transaction() as connection:
        nobody = "0199aaaa-0000-7000-8000-000000000000"
        for answer in (
            desk.urge(connection, nobody, "", ledger.house, ledger.sealer, ledger.now),
            desk.duty_done(connection, nobody, "", ledger.house, ledger.sealer, ledger.now),
            desk_petition.send(connection, "XF99010020260302999999", COURT, "", ledger.house, ledger.sealer, ledger.now),
        ):
            assert isinstance(answer, Refused)
            assert answer.code == "unknown"


def test_desk_passes_on_what_the_petitioner_added(ledger: Ledger) -> None:
    handoff = ledger.accepted()
    with ledger.transaction() as connection:
        answer = desk.supplement(connection, handoff, WORDS, ledger.house, ledger.sealer, ledger.now)
        assert isinstance(answer, Done)
        row = connection.execute("select message_id, body_sealed from outbox where message = 'handoff.supplement'").fetchone()
        assert row is not None
        assert WORDS in ledger.sealer.open(row[1], f"outbox:{row[0]}").decode()


def test_branch_of_a_row() -> None:
    assert [desk_petition.branch_of(r) for r in ("B3.1a-retrial-visit", "B3.6", "B2a", "A0-grave")] == ["B3.1a", "B3.6", "B2a", ""]
