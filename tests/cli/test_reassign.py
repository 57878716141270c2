"""`tonglu reassign`: the conference takes a case from a silent body, by command; what it refuses, and what is shown of the body's late answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.timesource import write_instant
from tests.cli.conftest import Tonglu
from tests.cli.test_acts import WORDS, number_of, state
from tests.models.ledger import Ledger
from tests.models.paths import silent_to_the_end

HOUSING, OTHER = "agency-housing-990102", "agency-housing-990100"


@pytest.fixture
def silent(tonglu: Tonglu, ledger: Ledger) -> tuple[str, str]:
    """A petition whose body has let everything pass; the command stands at the same instant."""
    handoff = ledger.deliver(HOUSING)
    silent_to_the_end(ledger, handoff)
    write_instant(tonglu.clock, ledger.now)
    return number_of(ledger, handoff), handoff


def test_it_goes_back_to_the_clerk_and_never_to_the_same_body(tonglu: Tonglu, ledger: Ledger, silent: tuple[str, str]) -> None:
    number, _ = silent
    assert "reassign" in {row["kind"]: tonglu.run("duties").out for row in tonglu.run("duties", "--json").json}["conference"]
    assert tonglu.run("reassign", number).code == 2  # why?
    tried = tonglu.run("reassign", number, "--reason", WORDS, "--dry-run")
    assert (tried.code, "试算完毕" in tried.err, state(ledger, number)) == (0, True, ("HANDED_OFF", "DELIVERED"))
    ran = tonglu.run("reassign", number, "--reason", WORDS)
    assert (ran.code, "已收回，交回经办人" in ran.out) == (0, True), ran.err
    assert state(ledger, number) == ("WITH_CLERK", None)
    assert {d["kind"] for d in tonglu.run("duties", "--json").json} >= {"reassign.tell", "route.by_hand"}
    again = tonglu.run("send", number, "--to", HOUSING, "--reason", WORDS)
    assert (again.code, "收回" in again.err) == (1, True)
    assert tonglu.run("send", number, "--to", OTHER, "--reason", WORDS).code == 0
    shown = tonglu.run("petition", number).out
    assert "收回改派" in shown
    assert WORDS not in shown


def test_it_goes_straight_to_another_body(tonglu: Tonglu, ledger: Ledger, silent: tuple[str, str]) -> None:
    number, handoff = silent
    for to, word in ((HOUSING, "收回"), ("agency-moon-990102", "tonglu bodies"), ("bureau-990100", "本单位")):
        ran = tonglu.run("reassign", handoff, "--to", to, "--reason", WORDS)
        assert (ran.code, word in ran.err) == (1, True), ran.err
    assert state(ledger, number) == ("HANDED_OFF", "DELIVERED")
    assert tonglu.run("reassign", handoff, "--to", OTHER, "--reason", WORDS).code == 0
    assert state(ledger, number) == ("HANDED_OFF", "ISSUED")
    assert tonglu.run("verify").code == 0


def test_too_early_is_refused_and_says_what_lacks(tonglu: Tonglu, ledger: Ledger) -> None:
    number = number_of(ledger, ledger.deliver(HOUSING))
    ran = tonglu.run("reassign", number, "--reason", WORDS)
    assert (ran.code, "持有此件" in ran.err) == (1, True)
    ledger.let_pass(30)
    write_instant(tonglu.clock, ledger.now)
    ran = tonglu.run("reassign", number, "--reason", WORDS)
    assert (ran.code, "先督办" in ran.err) == (1, True)
    assert tonglu.run("reassign", "XF99010020260302999999", "--reason", WORDS).code == 2
    assert tonglu.run("reassign", "--help").code == 0


def test_an_operator_who_lets_the_conference_only_coordinate_is_obeyed(tonglu: Tonglu, silent: tuple[str, str], tmp_path: Path) -> None:
    from tests.cli.conftest import REPO

    folder = tmp_path / "config"
    folder.mkdir()
    for file in (REPO / "config").glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        (folder / file.name).write_text(text.replace("choice: reassign", "choice: coordinate") if file.name == "gaps.yaml" else text, encoding="utf-8")
    ran = tonglu.run("reassign", silent[0], "--reason", WORDS, TONGLU_CONFIG_DIR=str(folder))
    assert (ran.code, "第13项" in ran.err) == (1, True)
    said = tonglu.run("check", TONGLU_CONFIG_DIR=str(folder)).out
    assert "只协调、督办、提出建议" in said


def test_the_late_answer_is_shown_to_whoever_may_read_it(tonglu: Tonglu, ledger: Ledger, silent: tuple[str, str]) -> None:
    number, handoff = silent
    assert tonglu.run("reassign", number, "--to", OTHER, "--reason", WORDS).code == 0
    ledger.take_in(ledger.incoming(handoff, "handoff.result", 1, HOUSING, opinion="迟到的虚构意见"))
    assert ledger.apply().quarantined == 1
    shown = tonglu.run("petition", number).out
    assert "来文 报结" in shown
    assert "原承办单位" in shown
    assert "迟到的虚构意见" not in shown
    opened = tonglu.run("petition", number, "--reveal")
    assert "迟到的虚构意见" in opened.out
    assert "个人信息" in opened.err


def test_a_silent_conference_is_reported_to_the_one_above(tonglu: Tonglu, ledger: Ledger, silent: tuple[str, str]) -> None:
    number, _ = silent
    ledger.let_pass(20)
    write_instant(tonglu.clock, ledger.now)
    assert "tonglu conference-up" in tonglu.run("duties", "--kind", "conference.up").out
    assert tonglu.run("conference-up", number).code == 2  # why?
    ran = tonglu.run("conference-up", number, "--reason", WORDS)
    assert (ran.code, "已报上一级联席会议" in ran.out) == (0, True), ran.err
    assert "澜江省" in ran.out
    ran = tonglu.run("conference-up", number, "--reason", WORDS)
    assert (ran.code, "还没有届满" in ran.err) == (1, True)
