"""`tonglu resend` and `tonglu attempts`: one message and many, with a partner on a real port that tells what it has; nothing is done before it is said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import yaml

from models import resending, suspending
from models.desk import bureau, deliver_by_hand
from models.moves import Move
from models.outbox import Leased
from models.settling import Result
from runtime.timesource import write_instant
from tests.cli.conftest import REPO, Tonglu
from tests.connectors.partner import FROM_BODY, TO_BODY, Partner, Request, partner
from tests.delivery.post import Word, always, stores
from tests.models.ledger import CLERK, COURT, Ledger


@contextmanager
def court(tonglu: Tonglu, word: Word) -> Iterator[Partner]:
    """The court on a real port, with the bureau's keys for it."""
    folder = tonglu.folder / "keys" / "bodies"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{COURT}.json").write_text(json.dumps({"to_body": [TO_BODY], "from_body": [FROM_BODY]}))
    with partner(word, base=f"/{COURT}") as server:
        tonglu.env["TONGLU_SANDBOX_URL"] = server.url.removesuffix(f"/{COURT}")
        yield server


def with_fallback(tonglu: Tonglu, url: str, same: bool) -> None:
    """The same configuration, the court with another way."""
    folder = tonglu.folder / "config"
    shutil.copytree(REPO / "config", folder)
    path = folder / "bodies.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    next(b for b in data["bodies"] if b["code"] == COURT)["fallbacks"] = [{"kind": "http", "options": {"url": url}, "same_system": same}]
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    tonglu.env["TONGLU_CONFIG_DIR"] = str(folder)


def ends(ledger: Ledger, how: str) -> Leased:
    """A new request whose one try ended so: sure (busy, spent), doubt (spent), unknown, retry, weak, receipted, refused."""
    handoff = ledger.send()
    leased = next(m for m in ledger.claim() if m.handoff_id == handoff)
    later = ledger.now + timedelta(hours=5)
    result = {
        "sure": Result(leased, "dead", "http-503", "busy", sure=True, spent=True), "doubt": Result(leased, "dead", "read-timeout", spent=True),
        "unknown": Result(leased, "unknown", "read-timeout", next_at=later), "retry": Result(leased, "retry", "http-503", next_at=later),
        "weak": Result(leased, "weak", "receipt-missing"), "refused": Result(leased, "dead", "http-422", sure=True), "receipted": ledger.receipted(leased),
    }[how]
    ledger.settle(result)
    return leased


def outbox(ledger: Ledger, message_id: str) -> dict[str, Any]:
    return ledger.row("select state, way, way_attempts, dead_at, next_attempt_at from outbox where message_id = %s", message_id)


def keep(kept: dict[str, bytes], ledger: Ledger, *messages: Leased) -> None:
    """As if these had arrived."""
    word = stores(lambda: ledger.now, kept)
    for m in messages:
        word(Request("POST", "/", {"webhook-id": m.message_id}, m.raw, 0))


@pytest.mark.guarantee("F13", "M12")
def test_what_surely_did_not_arrive_goes_again_from_its_first_attempt(tonglu: Tonglu, ledger: Ledger) -> None:
    message = ends(ledger, "sure")
    assert "send-refused" in ledger.handoff(message.handoff_id)["flags"]
    with court(tonglu, stores(lambda: ledger.now)) as server:
        dry = tonglu.run("resend", message.message_id, "--dry-run")
        assert (dry.code, "对方应未持有" in dry.out, "对方没有此件" in dry.out) == (0, True, True), dry.err
        assert outbox(ledger, message.message_id)["state"] == "DEAD"
        assert not ledger.rows("select 1 from journal where act = 'message.resend'")
        ran = tonglu.run("resend", message.message_id, "--clerk", "1024", "--reason", "对方系统已恢复")
        assert ran.code == 0, ran.err
        assert {r.method for r in server.seen} == {"GET"}, "the worker sends, not the command"
    row = outbox(ledger, message.message_id)
    assert (row["state"], row["way_attempts"], row["dead_at"], row["next_attempt_at"]) == ("RETRY_WAIT", 0, None, ledger.now)
    kept = ledger.row("select actor, detail, note_sealed from journal where act = 'message.resend'")
    assert (kept["actor"], kept["detail"]) == ("bureau:bureau-990100#1024", {"message_id": message.message_id})
    assert kept["note_sealed"], "the words are kept, and sealed"
    assert "send-refused" not in ledger.handoff(message.handoff_id)["flags"], "it is under way again and cannot simply be taken back"
    assert ledger.flaws() == []


@pytest.mark.guarantee("F5", "M4")
@pytest.mark.parametrize("how", ["doubt", "unknown", "weak"])
def test_what_the_body_confirms_is_entered_and_not_sent(tonglu: Tonglu, ledger: Ledger, how: str) -> None:
    message = ends(ledger, how)
    kept: dict[str, bytes] = {}
    keep(kept, ledger, message)
    with court(tonglu, stores(lambda: ledger.now, kept)) as server:
        before = ledger.everything()
        dry = tonglu.run("resend", message.message_id, "--dry-run", "--not-held", "--reason", "电话称未收到")
        assert (dry.code, "对方可能已持有" in dry.out, "不重发" in dry.out) == (0, True, True), dry.err
        assert ledger.everything() == before
        ran = tonglu.run("resend", message.message_id, "--not-held", "--reason", "电话称未收到")
        assert (ran.code, "以对方系统为准" in ran.out) == (0, True), ran.err
        assert {r.method for r in server.seen} == {"GET"}
    assert outbox(ledger, message.message_id)["state"] == "RECEIPTED"
    assert ledger.duties("undelivered") == [], "the duty closed with the receipt"
    assert len(ledger.rows("select 1 from attempt")) == 1, "a question is no attempt"
    again = tonglu.run("resend", message.message_id)
    assert (again.code, "给出回执" in again.err) == (1, True)


@pytest.mark.guarantee("F13", "M4")
def test_a_doubt_needs_a_persons_word_before_it_goes_into_another_system(tonglu: Tonglu, ledger: Ledger) -> None:
    message = ends(ledger, "doubt")
    with_fallback(tonglu, "https://exchange.example/xf", same=False)
    with court(tonglu, always(500)):
        ran = tonglu.run("resend", message.message_id, "--way", "1")
        assert (ran.code, "另一个系统" in ran.err, "--not-held" in ran.err) == (1, True, True)
        assert outbox(ledger, message.message_id)["state"] == "DEAD"
        bare = tonglu.run("resend", message.message_id, "--way", "1", "--not-held")
        assert (bare.code, "--reason" in bare.err) == (2, True)
        ran = tonglu.run("resend", message.message_id, "--way", "1", "--not-held", "--reason", "3月2日电话核实", "--clerk", "7")
        assert (ran.code, "备用通道 1" in ran.out) == (0, True), ran.err
    assert {k: v for k, v in outbox(ledger, message.message_id).items() if k in ("state", "way", "way_attempts")} == {"state": "RETRY_WAIT", "way": 1, "way_attempts": 0}
    row = ledger.row("select detail, actor from journal where act = 'message.resend'")
    assert row == {"detail": {"message_id": message.message_id, "code": "not-held", "to_way": 1}, "actor": "bureau:bureau-990100#7"}
    none = tonglu.run("resend", message.message_id, "--way", "2")
    assert (none.code, "有 1 条备用通道" in none.err) == (2, True)


def test_a_doubt_goes_by_another_way_into_the_same_system_to_be_asked_about_there(tonglu: Tonglu, ledger: Ledger) -> None:
    message = ends(ledger, "doubt")
    with_fallback(tonglu, "https://backup.example/xf", same=True)
    with court(tonglu, always(500)):
        ran = tonglu.run("resend", message.message_id, "--way", "1")
        assert ran.code == 0, ran.err
    row = outbox(ledger, message.message_id)
    assert (row["state"], row["way"]) == ("UNKNOWN", 1), "in doubt still: it is asked about before it is sent"


def test_a_way_that_was_taken_out_of_the_file_strands_nothing(tonglu: Tonglu, ledger: Ledger) -> None:
    sure, doubt = ends(ledger, "sure"), ends(ledger, "doubt")
    with ledger.transaction() as connection:
        connection.execute("update outbox set way = 3")
    with court(tonglu, stores(lambda: ledger.now)) as server:
        ran = tonglu.run("resend", sure.message_id)
        assert (ran.code, "no way 3" in ran.err) == (2, True), ran.err
        ran = tonglu.run("resend", "--body", COURT, "--way", "0", "--yes")
        assert (ran.code, "排入重发 1 件，走主通道" in ran.out, doubt.message_id in ran.err) == (1, True, True), ran.err
        assert server.seen == [], "the way on which the doubt lies is gone: nobody there can be asked"
        ran = tonglu.run("resend", doubt.message_id, "--way", "0", "--not-held", "--reason", "电话核实")
        assert ran.code == 0, ran.err
    assert {(r["state"], r["way"]) for r in ledger.rows("select state, way from outbox")} == {("RETRY_WAIT", 0)}


def test_what_may_not_travel_any_more_is_not_sent_and_a_suspension_is_named(tonglu: Tonglu, ledger: Ledger) -> None:
    silenced, paper = ends(ledger, "refused"), ends(ledger, "doubt")
    ledger.done(ledger.clerk("handoff.take_back", silenced.handoff_id, reason="对方拒收"))
    with ledger.transaction() as connection:
        ledger.done(deliver_by_hand(connection, paper.handoff_id, "澜送2026-1", ledger.now.date(), "收发室", ledger.house, ledger.sealer, ledger.now))
        suspending.suspend(connection, COURT, "1024", "对方升级", None, ledger.house, ledger.now)
    with court(tonglu, stores(lambda: ledger.now)) as server:
        for message, why in ((silenced, "不应再收到"), (paper, "人工送达")):
            ran = tonglu.run("resend", message.message_id)
            assert (ran.code, why in ran.err, "人工暂停投递" in ran.err) == (1, True, True), ran.err
        assert server.seen == []
    assert {r["state"] for r in ledger.rows("select state from outbox")} == {"DEAD"}


def test_where_somebody_withdrew_whoever_resends_says_who_they_are(tonglu: Tonglu, ledger: Ledger) -> None:
    message = ends(ledger, "sure")
    ledger.done(ledger.one(_recuse(message.petition_no, "1042")))
    with court(tonglu, stores(lambda: ledger.now)):
        for clerk, why in (("", "--clerk"), ("1042", "已回避")):
            ran = tonglu.run("resend", message.message_id, "--clerk", clerk)
            assert (ran.code, why in ran.err) == (1, True), ran.err
            assert outbox(ledger, message.message_id)["state"] == "DEAD"
        assert tonglu.run("resend", message.message_id, "--clerk", "1024").code == 0


def _recuse(number: str, clerk: str) -> Move:
    return Move("petition.recuse", CLERK, petition_no=number, data={"clerk": clerk, "reason": "亲属"})


@pytest.mark.parametrize(("args", "what"), [
    ((), "二者取一"), (("x", "--body", COURT), "二者取一"), (("x", "--yes"), "--yes"), (("x", "--from", "2026-03-01"), "--from"),
    (("--body", "court-1"), "机关目录中没有"), (("--body", COURT, "--state", "RECEIPTED"), "不能批量重发"), (("--body", COURT, "--from", "soon"), "看不懂"),
    (("--body", COURT, "--from", "2026-03-09", "--to", "2026-03-08"), "其间没有时间"), (("--body", COURT, "--way", "1"), "没有备用通道"), (("no-such-message",), "没有这个编号"),
    (("--body", COURT, "--not-held"), "--reason"),
])
def test_what_cannot_be_meant_is_refused_with_its_cure(tonglu: Tonglu, ledger: Ledger, args: tuple[str, ...], what: str) -> None:
    assert ledger.rows("select 1 from outbox") == []
    ran = tonglu.run("resend", *args)
    assert (ran.code, what in ran.err) == (2, True), ran.err
    assert "修正" in ran.err or "加 --help" in ran.err


@pytest.mark.guarantee("F13", "M12", "M4")
def test_many_are_counted_asked_shown_and_only_then_sent(tonglu: Tonglu, ledger: Ledger) -> None:
    old = ends(ledger, "sure")
    ledger.wait(days=2)
    write_instant(tonglu.clock, ledger.now)
    kinds = {how: [ends(ledger, how) for _ in range(n)] for how, n in (("sure", 4), ("doubt", 6), ("unknown", 5), ("retry", 2), ("weak", 3), ("receipted", 2))}
    gone = ends(ledger, "refused")
    ledger.done(ledger.clerk("handoff.take_back", gone.handoff_id, reason="对方拒收"))
    kept: dict[str, bytes] = {}
    keep(kept, ledger, *kinds["doubt"][:2], *kinds["unknown"][:4], *kinds["weak"])
    day = ledger.now.date().isoformat()
    with court(tonglu, stores(lambda: ledger.now, kept)) as server:
        before = ledger.everything()
        ran = tonglu.run("resend", "--body", COURT, "--from", day, "--dry-run")
        assert ran.code == 0, ran.err
        assert ledger.everything() == before, "nothing was changed"
        assert {r.method for r in server.seen} == {"GET"}
        assert len(server.seen) == 6 + 5 + 3, "asked about what it may hold, and nothing else"
        for line in ("送不到\t可能已持有\t6", "送不到\t确未持有\t4", "不明\t可能已持有\t5", "无签名回执\t可能已持有\t3", "待重试\t确未持有\t2", "送不到\t该单位已不应再收到此件",
                     "对方答：已持有 9 件", "对方答：没有此件 5 件", "对方已持有，补登回执，不重发\t9", "重发（确未持有）\t6", "重发（先按编号询问）\t5"):
            assert line in ran.out, (line, ran.out)
        assert old.message_id not in ran.out + ran.err
        asks = tonglu.run("resend", "--body", COURT, "--from", day)
        assert (asks.code, "--yes" in asks.err) == (2, True), "nobody is there to say yes"
        assert ledger.everything() == before
        ran = tonglu.run("resend", "--body", COURT, "--from", day, "--yes", "--clerk", "1024", "--reason", "系统恢复")
        assert ran.code == 1, "one of them will not go"
        assert "补登回执 9 件；排入重发 11 件" in ran.out
        assert gone.message_id in ran.err
        assert {r.method for r in server.seen} == {"GET"}
    states = {r["message_id"]: r["state"] for r in ledger.rows("select message_id, state from outbox")}
    assert [states[m.message_id] for m in (*kinds["doubt"][:2], *kinds["unknown"][:4], *kinds["weak"], *kinds["receipted"])] == ["RECEIPTED"] * 11
    assert [states[m.message_id] for m in (*kinds["sure"], *kinds["retry"])] == ["RETRY_WAIT"] * 6
    assert [states[m.message_id] for m in (*kinds["doubt"][2:], *kinds["unknown"][4:])] == ["UNKNOWN"] * 5
    assert (states[old.message_id], states[gone.message_id]) == ("DEAD", "DEAD")
    rows = ledger.rows("select actor, count(*) as n from journal where act = 'message.resend' group by 1")
    assert rows == [{"actor": "bureau:bureau-990100#1024", "n": 11}]
    assert len(ledger.claim()) == 11, "at once, whatever its date was"
    assert ledger.flaws() == []
    only = tonglu.run("resend", "--body", COURT, "--to", day, "--state", "WEAK_RECEIPT", "--dry-run")
    assert (only.code, "没有符合条件的文书" in only.out) == (0, True)


@pytest.mark.guarantee("F12", "M3")
def test_a_body_that_does_not_answer_is_not_asked_a_thousand_times(tonglu: Tonglu, ledger: Ledger) -> None:
    for _ in range(40):
        ends(ledger, "unknown")
    with court(tonglu, always(500)) as server:
        ran = tonglu.run("resend", "--body", COURT, "--yes")
        assert ran.code == 0, ran.err
        assert len(server.seen) <= 5 + 8
        assert "没有问到" in ran.err
        assert "not-asked" in ran.err
    assert {r["state"] for r in ledger.rows("select state from outbox")} == {"UNKNOWN"}, "in doubt still, and tried again under the same id"
    assert len(ledger.claim()) == 40


def test_what_was_receipted_meanwhile_is_left_alone(ledger: Ledger) -> None:
    unknown, moving = ends(ledger, "unknown"), ends(ledger, "retry")
    ledger.settle(ledger.receipted(unknown))
    ledger.wait(hours=6)
    taken, = ledger.claim()
    orders = [resending.Order(m.message_id, m.handoff_id, True) for m in (unknown, moving)]
    with ledger.transaction() as connection:
        going, refused = resending.send_again(connection, orders, bureau(ledger.house), "", ledger.house, ledger.sealer, ledger.now)
    assert (going, refused) == (set(), {})
    assert {r["message_id"]: r["state"] for r in ledger.rows("select * from outbox")} == {unknown.message_id: "RECEIPTED", taken.message_id: "SENDING"}
    ledger.wait(minutes=5)
    with ledger.transaction() as connection:
        going, _ = resending.send_again(connection, orders, bureau(ledger.house), "", ledger.house, ledger.sealer, ledger.now)
    assert going == {moving.message_id}, "whose sender is long gone"
    assert [a["code"] for a in ledger.rows("select code from attempt where message_id = %s order by attempt_no", moving.message_id)] == ["http-503", "sender-gone"]


def test_attempts_are_told_with_their_dates(tonglu: Tonglu, ledger: Ledger) -> None:
    message = ends(ledger, "retry")
    ledger.wait(hours=6)
    again, = ledger.claim()
    ledger.settle(Result(again, "unknown", "read-timeout", next_at=ledger.now + timedelta(seconds=5)))
    shown = tonglu.run("attempts", message.petition_no)
    assert shown.code == 0, shown.err
    assert "已试 2 次" in shown.out
    assert "对方暂停服务" in shown.out
    assert "已发出，对方迟迟不答复" in shown.out
    told = tonglu.run("attempts", message.message_id, "--json").json
    assert [(a["attempt_no"], a["outcome"], a["code"]) for a in told[0]["attempts"]] == [(1, "retry", "http-503"), (2, "unknown", "read-timeout")]
    assert (told[0]["state"], told[0]["tried"]) == ("UNKNOWN", 2)
    none = tonglu.run("attempts", "XF99010020990101000001")
    assert (none.code, "没有这个编号" in none.err) == (2, True)

