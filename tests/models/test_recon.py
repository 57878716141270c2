"""Both ledgers side by side: equal digests when they agree, every difference found, healed or given to a person."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, timedelta

import pytest

from connectors.wire.ledger import DayDigest, Item, day_digest
from connectors.wire.ledger import digest as digest_of
from models import comparing, differences, recon
from models.comparing import Disagreement, Look
from models.inbox import apply
from models.listed import Listed, Part
from models.settling import Result
from rules.ledgers import Finding
from tests.models.ledger import BUREAU, COURT, Ledger
from tests.models.paths import PATHS, bring

DAY = date(2026, 3, 2)


def items(ledger: Ledger, body: str = COURT, after: str | None = None, limit: int = 1000, until: date = DAY) -> list[Item]:
    with ledger.transaction() as connection:
        return recon.our_items(connection, body, DAY, until, after, limit)


def look(ledger: Ledger, theirs: list[Item], day: date = DAY) -> Look:
    """One day of the court's ledger, as it lists it, held against ours."""
    with ledger.transaction() as connection, Listed() as listed:
        listed.add(day, theirs)
        return comparing.hold(connection, COURT, [Part(day)], listed, {})


def compare(ledger: Ledger, theirs: list[Item], day: date = DAY) -> list[tuple[str, str, str]]:
    return [(d.handoff_id, d.finding.kind, d.finding.action) for d in look(ledger, theirs, day).found]


def act_on(ledger: Ledger, theirs: list[Item]) -> list[Disagreement]:
    found = look(ledger, theirs).found
    with ledger.transaction() as connection:
        run = recon.begin(connection, COURT, DAY, ledger.now, again=True)
        assert run
        return differences.record(connection, run.id, COURT, found, ledger.house, ledger.sealer, ledger.now)


def test_our_digests_are_those_of_the_wire_format(ledger: Ledger) -> None:
    for start in ("2026-03-02 00:00", "2026-03-02 23:59", "2026-03-03 00:00"):
        ledger.at(start)
        for state in PATHS:
            bring(ledger, ledger.send(), state)
            ledger.send_all()
    ledger.send("police-990100")
    unsent = ledger.send()
    with ledger.transaction() as connection:
        days = recon.our_digests(connection, COURT, DAY, DAY + timedelta(days=1))
        both = [recon.our_items(connection, COURT, d.day, d.day, None, 1000) for d in days]
    assert [d.count for d in days] == [2 * len(PATHS), len(PATHS)]
    assert days == [day_digest(d.day, mine) for d, mine in zip(days, both, strict=True)]
    assert unsent not in {item.handoff_id for mine in both for item in mine}
    assert [i.handoff_id for i in items(ledger)] == sorted(i.handoff_id for i in items(ledger))
    page = items(ledger, limit=5)
    assert items(ledger, after=page[-1].handoff_id, limit=5)[0].handoff_id > page[-1].handoff_id
    # A partner whose ledger says the same has nothing to be asked about.
    assert compare(ledger, items(ledger)) == []


DIFFERENCES = [
    ({"state": "SIGNED"}, "state_differs", "duty"), ({"round": 2}, "state_differs", "duty"), ({"last_seq_in": 3}, "receipt_lost", "ask"),
    ({"last_seq_in": 1}, "messages_missing_at_partner", "resend"), ({"last_seq_out": 9}, "partner_ahead", "fetch"),
    ({"last_seq_out": 0}, "we_ahead", "duty"), ({"partner_case_no": "另一案号"}, "two_case_numbers", "duty"),
    ({"body_digest": "sha-256=:" + "A" * 43 + "=:"}, "digest_differs", "duty"),
]


@pytest.mark.parametrize(("change", "kind", "action"), DIFFERENCES, ids=[d[1] for d in DIFFERENCES])
def test_every_difference_is_found_and_acted_on(ledger: Ledger, change: dict[str, object], kind: str, action: str) -> None:
    handoff = ledger.deliver()
    ledger.done(ledger.partner("handoff.accepted", handoff, sequence=1))
    ledger.send_all()
    ledger.done(ledger.clerk("handoff.urge", handoff))
    ledger.send_all()
    theirs, = (replace(item, **change) for item in items(ledger))  # type: ignore[arg-type]
    assert compare(ledger, [theirs]) == [(handoff, kind, action)]
    assert [d.finding.action for d in act_on(ledger, [theirs])] == [action]
    row = ledger.row("select * from difference")
    assert (row["kind"], row["action"], row["handoff_id"], row["healed_at"]) == (kind, action, handoff, None)
    duties = ledger.duties("difference")
    assert len(duties) == (action == "duty")
    waiting = ledger.rows("select sequence, state from outbox where state = 'UNKNOWN'")
    assert waiting == []
    resent = ledger.rows("select sequence, state from outbox where state = 'RETRY_WAIT'")
    # Sent, not asked about: a partner that lists from its registry and answers from its inbox would say that it has it.
    assert resent == ([{"sequence": 2, "state": "RETRY_WAIT"}] if action == "resend" else [])
    if action == "duty":
        assert (duties[0]["holder"], duties[0]["detail"]["code"]) == (BUREAU, kind)
        act_on(ledger, [theirs])
        assert len(ledger.duties("difference")) == 1, "seen again the next night, it is still one duty"
    assert ledger.flaws() == []


@pytest.mark.guarantee("M7", "F20")
def test_what_they_do_not_have_goes_again_under_the_same_id(ledger: Ledger) -> None:
    handoff = ledger.send()
    ledger.send_all()
    ids = ledger.rows("select message_id from outbox")
    assert compare(ledger, []) == [(handoff, "missing_at_partner", "resend")]
    act_on(ledger, [])
    again, = ledger.claim()
    assert [{"message_id": again.message_id}] == ids
    assert not again.doubtful
    with ledger.transaction() as connection:
        assert differences.open_differences(connection) == 1
        assert differences.mark_healed(connection, ledger.now) == 0
    ledger.settle(ledger.receipted(again))
    with ledger.transaction() as connection:
        assert differences.mark_healed(connection, ledger.now) == 1
        assert differences.mark_healed(connection, ledger.now) == 0
        assert differences.open_differences(connection) == 0
    assert ledger.row("select healed from reconciliation")["healed"] == 1


def test_what_we_never_sent_is_a_matter_of_security(ledger: Ledger) -> None:
    handoff = ledger.send()
    ledger.send_all()
    mine, = items(ledger)
    stranger = replace(mine, handoff_id="00000000-0000-7000-8000-000000000000")
    assert [k for _, k, _ in compare(ledger, [mine, stranger])] == ["unknown_to_us"]
    act_on(ledger, [mine, stranger])
    act_on(ledger, [mine, stranger])
    duty, = ledger.duties("security")
    assert (duty["petition_no"], duty["handoff_id"], duty["body"]) == (None, None, COURT)
    assert ledger.handoff(handoff)["state"] == "DELIVERED"


def test_a_handoff_whose_receipt_was_lost_is_asked_about_sooner(ledger: Ledger) -> None:
    ledger.send()
    leased, = ledger.claim()
    ledger.settle(Result(leased, "unknown", "timeout", next_at=ledger.now + timedelta(hours=10)))
    theirs = Item(leased.handoff_id, leased.petition_no, None, "DELIVERED", 1, 1, 0, ledger.now, leased.digest)
    assert compare(ledger, []) == [], "without a receipt they may well not have it"
    assert compare(ledger, [theirs]) == [(leased.handoff_id, "receipt_lost", "ask")]
    act_on(ledger, [theirs])
    assert [m.message_id for m in ledger.claim()] == [leased.message_id]


def test_another_bodys_handoff_is_not_ours_to_compare(ledger: Ledger) -> None:
    other = ledger.send("police-990100")
    ledger.send_all("police-990100")
    theirs, = items(ledger, "police-990100")
    assert compare(ledger, [theirs]) == [(other, "of_another_body", "duty")]
    found, = look(ledger, [theirs]).found
    assert (found.petition_no, found.ours) == (None, None), "one body learns nothing of another's cases"


@pytest.mark.guarantee("F21")
def test_a_hand_off_listed_on_another_day_or_of_another_petition_is_told_from_one_that_is_missing(ledger: Ledger) -> None:
    handoff = ledger.send()
    ledger.send_all()
    mine, = items(ledger)
    tomorrow = DAY + timedelta(days=1)
    assert compare(ledger, [mine], tomorrow) == [(handoff, "day_differs", "duty")]
    assert compare(ledger, [replace(mine, petition_no="XF99010020260302000999")]) == [(handoff, "petition_differs", "duty")]
    # Whichever of the two days is read first: it is listed, so nothing is sent again for good.
    for first, second in (((DAY, []), (tomorrow, [mine])), ((tomorrow, [mine]), (DAY, []))):
        with ledger.transaction() as connection:
            run = recon.begin(connection, COURT, DAY, ledger.now, again=True)
            assert run
        for day, listed in (first, second):
            found = look(ledger, listed, day).found
            with ledger.transaction() as connection:
                differences.record(connection, run.id, COURT, found, ledger.house, ledger.sealer, ledger.now)
        kept = ledger.rows("select kind from difference where reconciliation_id = %s", run.id)
        assert [row["kind"] for row in kept] == ["day_differs"]
    assert len(ledger.duties("difference")) == 1


def test_with_every_callback_dropped_what_is_fetched_heals(ledger: Ledger) -> None:
    handoff = ledger.send()
    ledger.send_all()
    mine, = items(ledger)
    theirs = replace(mine, state="ACCEPTED", last_seq_out=2, partner_case_no="（2026）澜01信1号")
    missing, = act_on(ledger, [theirs])
    assert (missing.finding, missing.handoff_id) == (Finding("partner_ahead", "fetch"), handoff)
    ledger.take_in(ledger.incoming(handoff, "handoff.signed", 1), ledger.incoming(handoff, "handoff.accepted", 2))
    with ledger.transaction() as connection:
        apply(connection, 10, ledger.house, ledger.sealer, ledger.now)
        assert differences.mark_healed(connection, ledger.now) == 1
    assert compare(ledger, [theirs]) == []


# -- one comparison a night -----------------------------------------------------------------------------------------------


@pytest.mark.guarantee("F26", "M9")
def test_two_runs_of_one_night_are_one(ledger: Ledger) -> None:
    got: list[recon.Begun | None] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        with ledger.transaction() as connection:
            got.append(recon.begin(connection, COURT, DAY, ledger.now))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(x is None for x in got) == [False, True, True, True]


@pytest.mark.guarantee("F28")
def test_a_failed_or_abandoned_night_is_taken_up_where_it_was_a_done_one_is_not(ledger: Ledger) -> None:
    dead: set[str] = set()

    def begin(owner: str, again: bool = False) -> recon.Begun | None:
        with ledger.transaction() as connection:
            return recon.begin(connection, COURT, DAY, ledger.now, owner, lambda _, before: before in dead, again=again)

    def finish(run: recon.Begun, state: str) -> None:
        with ledger.transaction() as connection:
            recon.finish(connection, run.id, ledger.now, state=state, days=1, differing=0, items=0, note="x" * 900)

    first = begin("w1")
    assert first is not None
    ledger.wait(hours=9)
    assert begin("w2") is None, "however long it takes: its maker lives"
    with ledger.transaction() as connection:
        recon.reach(connection, first.id, DAY, 3, 40)
        recon.reach(connection, first.id, DAY - timedelta(days=1), 3, 2)
    dead.add("w1")
    assert begin("w2") == recon.Begun(first.id, DAY), "at the day it had reached, never before it"
    assert begin("w3") is None
    assert ledger.row("select owner, listed from reconciliation") == {"owner": "w2", "listed": 42}
    finish(first, "FAILED")
    assert begin("w3") == recon.Begun(first.id, DAY)
    finish(first, "DONE")
    dead.add("w3")
    ledger.wait(days=2)
    assert begin("w4") is None
    second = begin("w4", again=True)
    assert second is not None
    assert second.id != first.id
    rows = ledger.rows("select run, state from reconciliation order by run")
    assert [(r["run"], r["state"]) for r in rows] == [(1, "DONE"), (2, "RUNNING")]


def test_a_number_past_all_sense_in_one_ledger_does_not_stop_the_healing_of_all(ledger: Ledger) -> None:
    handoff, other = ledger.deliver(), ledger.deliver()
    ledger.send_all()
    mine = {item.handoff_id: item for item in items(ledger)}
    act_on(ledger, [replace(mine[handoff], last_seq_out=10**30), replace(mine[other], last_seq_in=2)])
    ledger.send_all()
    with ledger.transaction() as connection:
        assert differences.mark_healed(connection, ledger.now) == 1
    assert [r["handoff_id"] for r in ledger.rows("select handoff_id from difference where healed_at is null")] == [handoff]


@pytest.mark.guarantee("M7")
def test_what_does_not_heal_becomes_a_persons(ledger: Ledger) -> None:
    """A message that the partner counts and cannot give again: asked for night after night, and on the second working day by a clerk."""
    handoff = ledger.deliver()
    ledger.send_all()
    mine, = items(ledger)
    for day, duties in ((2, 0), (3, 0), (4, 1), (5, 1)):
        ledger.at(f"2026-03-0{day} 10:00")
        [found] = act_on(ledger, [replace(mine, state="SIGNED", last_seq_out=1)])
        assert (found.finding.action, len(ledger.duties("difference"))) == ("fetch", duties), day
    [duty] = ledger.duties("difference")
    assert (duty["holder"], duty["handoff_id"], duty["detail"]["code"]) == (BUREAU, handoff, "partner_ahead")
    ledger.take_in(ledger.incoming(handoff, "handoff.signed", 1))
    ledger.apply()
    with ledger.transaction() as connection:
        assert differences.mark_healed(connection, ledger.now) == 4, "it heals all the same, once the message is there"
    assert ledger.flaws() == []


def compared(ledger: Ledger, theirs: list[Item]) -> list[tuple[str, str]]:
    """A whole night: compared, acted on, done, sent, healed."""
    found = look(ledger, theirs).found
    with ledger.transaction() as connection:
        run = recon.begin(connection, COURT, DAY, ledger.now, again=True)
        assert run
        kept = differences.record(connection, run.id, COURT, found, ledger.house, ledger.sealer, ledger.now)
        recon.finish(connection, run.id, ledger.now, state=recon.DONE, days=1, differing=1, items=len(theirs))
    ledger.send_all()
    with ledger.transaction() as connection:
        differences.mark_healed(connection, ledger.now)
    return [(d.finding.kind, d.finding.action) for d in kept]


@pytest.mark.guarantee("M7", "F21")
@pytest.mark.parametrize(("seen", "kind", "action"), [(1, "messages_missing_at_partner", "resend"), (3, "receipt_lost", "ask")])
def test_a_ledger_that_does_not_move_although_all_is_receipted_is_a_persons(ledger: Ledger, seen: int, kind: str, action: str) -> None:
    handoff = ledger.deliver()
    ledger.send_all()
    ledger.done(ledger.clerk("handoff.urge", handoff))
    ledger.send_all()

    def tries() -> int:
        return len(ledger.rows("select 1 from attempt"))

    before = tries()
    theirs = [replace(item, last_seq_in=seen) for item in items(ledger)]
    assert compared(ledger, theirs) == [(kind, action)]
    assert ledger.duties("difference") == []
    once = tries()
    assert once - before == (action == "resend")
    for day in (3, 4, 5):
        ledger.at(f"2026-03-0{day} 03:00")
        assert compared(ledger, theirs) == [(kind, "duty")]
        assert tries() == once, "not a third time"
        [duty] = ledger.duties("difference")
        assert (duty["handoff_id"], duty["detail"]["code"]) == (handoff, kind)
    assert compared(ledger, items(ledger)) == []
    assert ledger.flaws() == []


@pytest.mark.guarantee("F20")
def test_a_ledger_that_comes_nearer_night_by_night_is_nobodys(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    ledger.send_all()
    for _ in range(2):
        ledger.done(ledger.clerk("handoff.urge", handoff))
        ledger.send_all()
    for day, seen in ((3, 1), (4, 2)):
        ledger.at(f"2026-03-0{day} 03:00")
        assert compared(ledger, [replace(item, last_seq_in=seen) for item in items(ledger)]) == [("messages_missing_at_partner", "resend")]
    assert ledger.duties("difference") == []


def test_what_was_not_sent_again_before_the_ledger_was_read_proves_nothing(ledger: Ledger) -> None:
    """Healed by somebody else while this comparison reads: its listing is older than the receipt."""
    handoff = ledger.deliver()
    ledger.send_all()
    ledger.done(ledger.clerk("handoff.urge", handoff))
    ledger.send_all()
    theirs = [replace(item, last_seq_in=1) for item in items(ledger)]
    found = look(ledger, theirs).found
    with ledger.transaction() as connection:
        first = recon.begin(connection, COURT, DAY, ledger.now, again=True)
        assert first
        differences.record(connection, first.id, COURT, found, ledger.house, ledger.sealer, ledger.now)
        recon.finish(connection, first.id, ledger.now, state=recon.DONE, days=1, differing=1, items=1)
        second = recon.begin(connection, COURT, DAY, ledger.now, again=True)
        assert second
    ledger.wait(minutes=1)
    ledger.send_all()
    with ledger.transaction() as connection:
        assert differences.mark_healed(connection, ledger.now) == 1
        [kept] = differences.record(connection, second.id, COURT, found, ledger.house, ledger.sealer, ledger.now)
    assert kept.finding.action == "resend"
    assert ledger.duties("difference") == []


@pytest.mark.guarantee("F21")
def test_more_strangers_than_a_person_could_look_at_are_one_duty(ledger: Ledger) -> None:
    ledger.send()
    ledger.send_all()
    mine, = items(ledger)
    many = differences.MOST_STRANGERS + 1
    strangers = [replace(mine, handoff_id=f"00000000-0000-7000-8000-{n:012x}") for n in range(many)]
    for _ in range(2):
        act_on(ledger, [mine, *strangers])
    [duty] = ledger.duties("security")
    assert (duty["body"], duty["petition_no"], duty["detail"]["code"], duty["detail"]["parts"]) == (COURT, None, "unknown_to_us", many)
    assert f"我方未发之件 {many} 件" in duty["zh"]
    assert ledger.rows("select count(*) from difference where kind = 'unknown_to_us'") == [{"count": 2 * many}], "each is kept"


def test_a_body_that_could_not_be_read_for_three_nights_is_told_from_one_that_was(ledger: Ledger) -> None:
    def night(day: int, state: str) -> bool:
        with ledger.transaction() as connection:
            run = recon.begin(connection, COURT, date(2026, 3, day), ledger.now)
            assert run
            recon.finish(connection, run.id, ledger.now, state=state, days=0, differing=0, items=0)
            return recon.unread(connection, COURT, date(2026, 3, day))

    told = [night(day, state) for day, state in enumerate(["FAILED", "FAILED", "DONE", "FAILED", "FAILED", "FAILED", "FAILED", "DONE", "FAILED"], 2)]
    assert told == [False, False, False, False, False, True, True, False, False]


@pytest.mark.parametrize("strangers", [3, 1200], ids=["few", "many"])
def test_many_are_held_like_few(ledger: Ledger, strangers: int) -> None:
    """Few are handed over with the question, many by a temporary table: the answers are the same, also where one is listed twice."""
    for _ in range(3):
        bring(ledger, ledger.send(), "ACCEPTED")
    ledger.send_all()
    first, second, third = items(ledger)
    made = [replace(first, handoff_id=f"00000000-0000-7000-8000-{n:012x}") for n in range(strangers)]
    older = replace(second, state="SIGNED", last_seq_out=0)
    listed = [older, *made, first, second, third, replace(third, partner_case_no="另一\t案号\\1")]
    found = look(ledger, listed)
    told = [(d.handoff_id, d.finding.kind) for d in found.found]
    assert told[:strangers] == [(item.handoff_id, "unknown_to_us") for item in made]
    assert told[strangers:] == [(third.handoff_id, "two_case_numbers")], "the later of two readings holds; two numbers are two numbers"
    given = day_digest(DAY, [first, second, listed[-1], *made], 2)
    for digest, wrong in ((given, []), (replace(given, sha256="0" * 64), [Part(DAY)]), (replace(given, count=1), [Part(DAY)]), (DayDigest(DAY, 0, digest_of(())), [Part(DAY)])):
        with ledger.transaction() as connection, Listed() as held:
            held.add(DAY, listed)
            again = comparing.hold(connection, COURT, [Part(DAY)], held, {Part(DAY): digest}, 2)
        assert again.contradicted == wrong
        assert again.found == found.found


def test_parts_that_hold_nothing_contradict_nothing(ledger: Ledger) -> None:
    with ledger.transaction() as connection, Listed() as held:
        found = comparing.hold(connection, COURT, [Part(DAY, "0a"), Part(DAY, "0b")], held, {Part(DAY, "0a"): DayDigest(DAY, 0, digest_of(()), "0a")})
    assert (found.found, found.contradicted) == ([], [])
