"""What clerks do by command with a petition that is with them: each act, what it refuses, its dry run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Tonglu
from tests.cli.test_acts import WORDS, number_of, objected, reported, state
from tests.models.ledger import COURT, Ledger

HOUSING = "agency-housing-990102"
ABOVE_HOUSING = "agency-housing-990100"


def ok(tonglu: Tonglu, *args: str | Path) -> str:
    ran = tonglu.run(*args)
    assert ran.code == 0, ran.err
    return ran.out


def answered(tonglu: Tonglu, ledger: Ledger) -> str:
    """A matter of art 31(6), answered by the district's housing agency on the day."""
    handoff = ledger.accepted(HOUSING)
    Ledger.done(ledger.partner("handoff.result", handoff, body=HOUSING))
    number = number_of(ledger, handoff)
    ok(tonglu, "review", number, "accepted", "--told-on", "2026-03-02")
    return number


def test_classify_completes_the_facts_and_says_so_in_the_journal(tonglu: Tonglu, ledger: Ledger) -> None:
    number = ledger.register(facts={})
    ok(tonglu, "classify", number, "--fact", "klass=claim", "--fact", "art31=6", "--reason", WORDS)
    [row] = [j for j in tonglu.run("petition", number, "--json").json["timeline"] if j["act"] == "petition.classify"]
    assert row["detail"]["facts_set"] == "art31=6,klass=claim"
    assert tonglu.run("classify", number, "--fact", "klass=claim").code == 2  # why?
    ok(tonglu, "classify", number, "--fact", "accused_body=agency-housing-990102", "--reason", WORDS)
    ran = tonglu.run("classify", number, "--fact", "accused_body=agency-market-990102", "--reason", WORDS)
    assert (ran.code, "不能改写" in ran.err) == (1, True)


def test_split_makes_each_part_a_petition_of_its_own(tonglu: Tonglu, ledger: Ledger, tmp_path: Path) -> None:
    number = ledger.register()
    parts = tmp_path / "parts.yaml"
    parts.write_text("- {subject: 甲事, text: 甲事的经过, facts: {klass: claim}}\n- {subject: 乙事, text: 乙事的经过}\n", encoding="utf-8")
    tried = ok(tonglu, "split", number, "--parts", parts, "--reason", WORDS, "--dry-run")
    assert "已拆分" in tried
    assert state(ledger, number) == ("REGISTERED", None)
    ok(tonglu, "split", number, "--parts", parts, "--reason", WORDS)
    assert state(ledger, number) == ("SPLIT", None)
    children = [r["petition_no"] for r in ledger.rows("select petition_no from petition where parent_petition_no = %s", number)]
    assert len(children) == 2
    shown = tonglu.run("petition", number).out
    assert all(child in shown for child in children)
    assert "甲事" not in shown
    assert "甲事的经过" in tonglu.run("petition", min(children), "--reveal").out


@pytest.mark.parametrize("text", ["", "- {subject: 甲, text: 乙}", "甲: 乙", "- 甲\n- 乙", "- {subject: 甲}\n- {subject: 乙}", "- {subject: 甲, text: 乙, x: 1}\n- {subject: 甲, text: 乙}",
                                  "- {subject: 甲, text: 乙, facts: [1]}\n- {subject: 甲, text: 乙}", "- [\n"])
def test_parts_that_cannot_be_read_are_refused_and_nothing_of_them_is_told(tonglu: Tonglu, ledger: Ledger, tmp_path: Path, text: str) -> None:
    number = ledger.register()
    parts = tmp_path / "parts.yaml"
    parts.write_text(text, encoding="utf-8")
    ran = tonglu.run("split", number, "--parts", parts, "--reason", WORDS)
    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert state(ledger, number) == ("REGISTERED", None)


def test_link_ends_a_repeat_at_the_first(tonglu: Tonglu, ledger: Ledger) -> None:
    first, again = ledger.register("a"), ledger.register("b")
    assert tonglu.run("link", again, "--to", again, "--told-on", "2026-03-02", "--reason", WORDS).code == 1
    assert tonglu.run("link", again, "--to", "XF99010020260302009999", "--told-on", "2026-03-02", "--reason", WORDS).code == 1  # a number of ours that was never given
    ok(tonglu, "link", ledger.register("c"), "--to", "XF99020020260302000001", "--told-on", "2026-03-02", "--reason", WORDS)  # another bureau's
    assert tonglu.run("link", again, "--to", "XF1", "--told-on", "2026-03-02", "--reason", WORDS).code == 1
    ok(tonglu, "link", again, "--to", first, "--told-on", "2026-03-02", "--reason", WORDS)
    assert state(ledger, again) == ("LINKED", None)
    assert f"关联：{first}" in tonglu.run("petition", again).out
    ok(tonglu, "reopen", again, "--new-facts", WORDS)
    assert state(ledger, again) == ("WITH_CLERK", None)


def test_guidance_ends_by_a_filing_by_the_petitioners_word_or_comes_back(tonglu: Tonglu, ledger: Ledger) -> None:
    numbers = [ledger.register(str(n)) for n in range(3)]
    for number in numbers:
        ok(tonglu, "guide", number, "--told-on", "2026-03-02", "--to", COURT)
        assert state(ledger, number) == ("GUIDED", None)
    assert tonglu.run("guided", numbers[0], "filed", "--on", "2026-03-02").code == 2
    ok(tonglu, "guided", numbers[0], "filed", "--case-no", "澜01民初12号", "--on", "2026-03-02")
    ok(tonglu, "guided", numbers[1], "ended", "--on", "2026-03-02", "--reason", WORDS)
    ok(tonglu, "guided", numbers[2], "back", "--reason", WORDS)
    assert [state(ledger, n)[0] for n in numbers] == ["CLOSED", "CLOSED", "WITH_CLERK"]


def test_a_grave_matter_is_reported_up_and_comes_back_with_a_decision(tonglu: Tonglu, ledger: Ledger) -> None:
    number = ledger.register(facts={"klass": "claim", "grave": True})
    assert sum(d["kind"] == "report.grave" for d in tonglu.run("duties", "--json").json) == 2
    ok(tonglu, "report-up", number, "--reason", WORDS)
    assert ledger.petition(number)["holder"] == "government-990100"
    ok(tonglu, "decision", number, "--reason", WORDS)
    assert state(ledger, number) == ("WITH_CLERK", None)


def test_a_dispute_is_ruled_on_and_the_designated_body_is_bound(tonglu: Tonglu, ledger: Ledger) -> None:
    number = ledger.register()
    ok(tonglu, "dispute", number, "--between", HOUSING, "--between", COURT, "--reason", WORDS)
    assert state(ledger, number) == ("DISPUTED", None)
    other = ledger.register()
    ok(tonglu, "dispute", other, "--reason", WORDS)
    ok(tonglu, "dispute-closed", other, "--reason", WORDS)
    assert state(ledger, other) == ("WITH_CLERK", None)
    ok(tonglu, "designate", number, "--to", HOUSING, "--reason", WORDS, "--dry-run")
    assert state(ledger, number) == ("DISPUTED", None)
    ok(tonglu, "designate", number, "--to", HOUSING, "--reason", WORDS)
    assert state(ledger, number) == ("HANDED_OFF", "ISSUED")
    assert "bound" in ledger.row("select flags from handoff where petition_no = %s", number)["flags"]


def test_designating_another_body_ends_the_disputed_hand_off_as_well(tonglu: Tonglu, ledger: Ledger) -> None:
    number, handoff = objected(ledger)
    ok(tonglu, "decide", handoff, "escalated", "--reason", WORDS)
    ran = tonglu.run("designate", number, "--to", "agency-nowhere-990100", "--reason", WORDS)
    assert ran.code == 1
    assert state(ledger, number) == ("HANDED_OFF", "ESCALATED")
    ok(tonglu, "designate", number, "--to", HOUSING, "--reason", WORDS)
    assert ledger.handoff(handoff)["state"] == "RETURNED"
    assert state(ledger, number) == ("HANDED_OFF", "ISSUED")


def test_the_ladder_of_remedies_step_by_step(tonglu: Tonglu, ledger: Ledger) -> None:
    number = answered(tonglu, ledger)
    assert state(ledger, number) == ("CLOSED", None)
    assert "三十日内请求复查" in tonglu.run("petition", number).out
    ran = tonglu.run("remedy", number, "--reason", WORDS, "--to", "agency-market-990100")
    assert (ran.code, "上一级" in ran.err) == (1, True)
    ok(tonglu, "remedy", number, "--reason", WORDS, "--to", ABOVE_HOUSING)
    row = ledger.row("select body, way from handoff where petition_no = %s and stage = 'review'", number)
    assert (row["body"], row["way"]) == (ABOVE_HOUSING, "复查")
    assert "程序：复查" in tonglu.run("petition", number).out


def test_no_review_before_an_answer(tonglu: Tonglu, ledger: Ledger) -> None:
    number = ledger.register()
    assert tonglu.run("remedy", number, "--reason", WORDS).code == 1
    number, _ = reported(ledger)
    assert tonglu.run("remedy", number, "--reason", WORDS).code == 1


def test_a_clerk_who_has_withdrawn_does_nothing_more(tonglu: Tonglu, ledger: Ledger) -> None:
    number = ledger.register()
    ok(tonglu, "recuse", number, "--who", "07", "--reason", WORDS, "--clerk", "12")
    ran = tonglu.run("send", number, "--to", HOUSING, "--clerk", "07")
    assert (ran.code, "回避" in ran.err) == (1, True)
    assert tonglu.run("send", number, "--to", HOUSING, TONGLU_CLERK="07").code == 1
    ok(tonglu, "send", number, "--to", HOUSING, "--clerk", "12")


def test_a_proposal_waits_for_its_written_feedback(tonglu: Tonglu, ledger: Ledger) -> None:
    number, _ = objected(ledger)
    assert tonglu.run("propose", number, "policy", "--to", HOUSING, "--ground", "overdue", "--reason", WORDS).code == 1
    ok(tonglu, "propose", number, "improve", "--to", HOUSING, "--ground", "overdue", "--reason", WORDS)
    [proposal] = tonglu.run("petition", number, "--json").json["proposals"]
    [duty] = [d for d in tonglu.run("duties", "--json").json if d["kind"] == "proposal.feedback"]
    assert duty["holder"] == HOUSING
    assert tonglu.run("feedback", number, proposal["proposal_id"], "no", "--on", "2026-03-02").code == 1  # why not?
    ok(tonglu, "feedback", number, proposal["proposal_id"], "yes", "--on", "2026-03-02")
    assert not [d for d in tonglu.run("duties", "--json").json if d["kind"] == "proposal.feedback"]
    assert tonglu.run("feedback", number, proposal["proposal_id"], "yes", "--on", "2026-03-02").code == 1


def test_papers_by_hand_and_the_answer_of_a_body_without_a_system(tonglu: Tonglu, ledger: Ledger) -> None:
    handoff = ledger.send("government-990102")
    number = number_of(ledger, handoff)
    ok(tonglu, "byhand", number, "--register-no", "澜信送2026-015", "--on", "2026-03-02", "--signed-by", "收发室", "--dry-run")
    assert state(ledger, number) == ("HANDED_OFF", "ISSUED")
    ok(tonglu, "byhand", number, "--register-no", "澜信送2026-015", "--on", "2026-03-02", "--signed-by", "收发室")
    assert state(ledger, number) == ("HANDED_OFF", "DELIVERED")
    assert tonglu.run("record", number, "handoff.accepted", "--register-no", "收2026-031", "--field", "partner_case_no=澜政受9").code == 1
    assert tonglu.run("record", number, "handoff.accepted", "--register-no", "收2026-031", "--field", "partner_case_no").code == 2
    ok(tonglu, "record", number, "handoff.accepted", "--register-no", "收2026-031", "--field", "partner_case_no=澜政受9号", "--field", "procedure=petition",
       "--field", "told_on=2026-03-02")
    assert state(ledger, number) == ("HANDED_OFF", "ACCEPTED")
    assert tonglu.run("verify").code == 0


def test_whoever_has_a_system_speaks_for_itself(tonglu: Tonglu, ledger: Ledger) -> None:
    handoff = ledger.deliver()
    ran = tonglu.run("record", handoff, "handoff.signed", "--register-no", "收2026-031", "--field", "office=立案庭", "--field", "signed_at=2026-03-02")
    assert (ran.code, "自己的系统" in ran.err) == (1, True)


def test_supervision_names_its_ground_and_what_may_have_arrived_is_not_taken_back(tonglu: Tonglu, ledger: Ledger) -> None:
    handoff = ledger.deliver()
    assert tonglu.run("supervise", handoff, "--ground", "because", "--reason", WORDS).code == 1
    ok(tonglu, "supervise", handoff, "--ground", "overdue", "--reason", WORDS)
    assert ledger.row("select count(*) as n from outbox where message = 'handoff.supervise'")["n"] == 1
    sent = ledger.send()
    assert tonglu.run("takeback", sent, "--reason", WORDS).code == 1
