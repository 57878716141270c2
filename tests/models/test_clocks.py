"""Every clock's dates, under the working calendar of 2026 (shifted days as in the State Council's notice)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from config.bodies import Bodies
from connectors.wire import events
from models import clocking
from models.moves import SYSTEM, Move, Route
from tests.models.ledger import CLERK, CONFERENCE, COURT, Ledger, beijing, last_day
from tests.models.paths import bring

AGENCY, LAND = "agency-housing-990102", "land_arbitration-990103"


def petition_due(ledger: Ledger, number: str, root: str) -> str:
    return last_day(ledger.row("select due_at from clock where petition_no = %s and root = %s and state = 'OPEN'", number, root)["due_at"])


@pytest.mark.parametrize(("start", "window", "accept"), [
    ("2026-02-13 10:00", "2026-02-27", "2026-02-28"), ("2026-02-14 10:00", "2026-02-28", "2026-03-02"),
    ("2026-04-30 10:00", "2026-05-11", "2026-05-15"), ("2026-09-18 23:59", "2026-09-24", "2026-10-08"),
])
def test_the_examples_of_the_statutes(ledger: Ledger, start: str, window: str, accept: str) -> None:
    ledger.at(start)
    handoff = ledger.deliver(AGENCY)
    assert ledger.due(handoff, "objection_window") == window
    assert ledger.due(handoff, "accept") == accept
    assert petition_due(ledger, ledger.register(), "route") == accept


@pytest.mark.parametrize(("state", "root", "last"), [
    ("DELIVERED", "sign", "2026-03-04"), ("OBJECTED", "decide_objection", "2026-03-04"), ("ESCALATED", "ruling", "2026-03-09"),
    ("DECLINED", "decline_followup", "2026-03-04"), ("SUSPENDED", "suspension", "2026-04-01"), ("REPORTED", "review_result", "2026-03-09"),
    ("IN_PROGRESS", "result", "2026-05-06"), ("OBJECTED", "accept", "2026-03-17"), ("SIGNED", "objection_window", "2026-03-09"),
])
def test_the_limits_of_a_state(ledger: Ledger, state: str, root: str, last: str) -> None:
    assert ledger.due(bring(ledger, ledger.send(AGENCY), state), root) == last


def test_the_receipt_is_waited_for_by_the_hour(ledger: Ledger) -> None:
    handoff = ledger.send()
    assert ledger.clocks(handoff)["receipt"]["due_at"] == ledger.now + timedelta(hours=24)
    assert ledger.clocks(handoff)["receipt"]["ring_at"] == (ledger.now + timedelta(hours=24) * 0.1667).replace(microsecond=0)


def test_the_clerks_limit(ledger: Ledger) -> None:
    number = ledger.register()
    ledger.done(ledger.one(Move("petition.to_clerk", CLERK, petition_no=number)))
    assert petition_due(ledger, number, "clerk") == "2026-03-04"
    assert last_day(ledger.duties("route.by_hand")[0]["due_at"]) == "2026-03-04"


@pytest.mark.parametrize(("body", "accept", "branch", "result"), [
    ("court-990100", "2026-03-09", "B3.1a", "2026-09-02"), ("procuratorate-990100", "2026-03-09", "B3.1b", "2026-06-02"),
    ("discipline-990100", "2026-03-23", "B2a", "2026-06-02"), ("police-990100", "2026-03-17", "B3.1c", "2026-04-01"),
    ("labour_arbitration-990100", "2026-03-09", "B3.2", "2026-04-16"), ("land_arbitration-990103", "2026-03-09", "B3.2", "2026-05-06"),
    (AGENCY, "2026-03-17", "B3.5", "2026-05-06"), (AGENCY, "2026-03-17", "B3.6", "2026-05-06"), ("court-990100", "2026-03-09", "B3.6", "2026-05-06"),
])
def test_a_body_of_each_profile_has_its_own_limits(ledger: Ledger, body: str, accept: str, branch: str, result: str) -> None:
    handoff = ledger.deliver(body, branch)
    assert ledger.due(handoff, "accept") == accept
    ledger.done(ledger.partner("handoff.accepted", handoff, body))
    assert ledger.due(handoff, "result") == result
    assert ledger.petition_of(handoff)["next_due"] == ledger.clocks(handoff)["result"]["due_at"]


# -- extension ------------------------------------------------------------------------------------------------------------


def test_an_extension_counts_from_acceptance_and_comes_once(ledger: Ledger) -> None:
    handoff = ledger.accepted(AGENCY)
    ledger.no(ledger.partner("handoff.extended", handoff, AGENCY, days=31), "guard")
    ledger.no(ledger.partner("handoff.extended", handoff, AGENCY, approver=""), "guard")
    ledger.done(ledger.partner("handoff.extended", handoff, AGENCY, days=30))
    assert ledger.due(handoff, "result") == "2026-06-01"
    assert ledger.petition_of(handoff)["next_due"] == ledger.clocks(handoff)["result"]["due_at"]
    ledger.no(ledger.partner("handoff.extended", handoff, AGENCY, days=1), "guard")


def test_an_extension_by_fewer_days_is_only_that_long(ledger: Ledger) -> None:
    handoff = ledger.accepted(AGENCY)
    ledger.done(ledger.partner("handoff.extended", handoff, AGENCY, days=10))
    assert ledger.due(handoff, "result") == "2026-05-11"  # 70 日: the Monday itself
    court = ledger.accepted(COURT, "B3.1a")
    ledger.done(ledger.partner("handoff.extended", court, days=20))
    assert ledger.due(court, "result") == "2026-09-22"  # 2026-09-02 and 20 日, not the six months the court might have asked for
    other = ledger.accepted(COURT, "B3.1a")
    ledger.no(ledger.partner("handoff.extended", other, days=200), "guard")
    ledger.done(ledger.partner("handoff.extended", other, days=181))
    assert ledger.due(other, "result") == "2027-03-02"


def test_what_may_not_be_extended_is_not(ledger: Ledger) -> None:
    handoff = ledger.accepted("procuratorate-990100", "B3.1b")
    ledger.no(ledger.partner("handoff.extended", handoff, "procuratorate-990100", days=5), "guard")
    late = ledger.accepted(AGENCY)
    ledger.at("2026-05-07 00:00")  # the term is over though no watcher has rung it yet
    ledger.no(ledger.partner("handoff.extended", late, AGENCY), "guard")


def test_an_extension_keeps_the_time_that_the_clock_stood_still(ledger: Ledger) -> None:
    handoff = ledger.accepted(LAND, "B3.2")
    ledger.done(ledger.partner("handoff.suspended", handoff, LAND))
    ledger.wait(days=20)
    ledger.done(ledger.partner("handoff.resumed", handoff, LAND))
    ledger.done(ledger.partner("handoff.extended", handoff, LAND, days=30))
    assert ledger.due(handoff, "result") == "2026-06-22"  # 90 日 end on 2026-06-01, and 20 日 later is a Sunday


# -- pauses ---------------------------------------------------------------------------------------------------------------


def test_the_petition_procedure_knows_no_suspension(ledger: Ledger) -> None:
    handoff = ledger.accepted(AGENCY)
    was = ledger.due(handoff, "result")
    ledger.done(ledger.partner("handoff.suspended", handoff, AGENCY, party="petitioner"))
    assert ledger.petition_of(handoff)["holder"] == "petitioner"
    ledger.wait(days=20)
    ledger.done(ledger.partner("handoff.resumed", handoff, AGENCY))
    assert ledger.due(handoff, "result") == was


def test_a_suspension_stops_the_result_clock_for_as_many_days(ledger: Ledger) -> None:
    handoff = ledger.accepted(AGENCY, "B3.5")
    was = ledger.clocks(handoff)["result"]
    ledger.wait(days=3, hours=5)
    ledger.done(ledger.partner("handoff.suspended", handoff, AGENCY, party="petitioner"))
    assert ledger.petition_of(handoff)["holder"] == "petitioner"
    assert ledger.petition_of(handoff)["next_due"] == ledger.clocks(handoff)["suspension"]["due_at"]
    ledger.wait(days=7, minutes=3)
    ledger.ring_all()
    ledger.done(ledger.partner("handoff.resumed", handoff, AGENCY))
    now = ledger.clocks(handoff)["result"]
    assert now["due_at"] - was["due_at"] == timedelta(days=7), "a limit ends with a day, however long the minutes were"
    assert now["ring_at"] - was["ring_at"] == timedelta(days=7, minutes=3)
    assert (now["id"], now["started_at"], now["paused_at"]) == (was["id"], was["started_at"], None)
    assert ledger.petition_of(handoff)["holder"] == AGENCY


def test_rework_goes_on_with_the_clock_that_the_report_stopped(ledger: Ledger) -> None:
    handoff = ledger.accepted(AGENCY)
    was = ledger.clocks(handoff)["result"]["due_at"]
    ledger.done(ledger.partner("handoff.result", handoff, AGENCY))
    ledger.wait(days=4)
    ledger.done(ledger.clerk("result.rework", handoff))
    assert was + timedelta(days=4) == beijing("2026-05-11 00:00"), "four days on would be Sunday's end"
    assert ledger.due(handoff, "result") == "2026-05-11"
    assert ledger.handoff(handoff)["round"] == 2
    ledger.no(ledger.partner("handoff.result", handoff, AGENCY, round=1), "guard")
    ledger.done(ledger.partner("handoff.result", handoff, AGENCY, round=2))


def test_working_days_that_were_left_are_counted_again(ledger: Ledger) -> None:
    to = Route(AGENCY, "导入", "B3.4-agency", "行政许可法 42", "B3.4", "claim", None, "licensing")
    handoff = ledger.done(ledger.one(Move("petition.route", CLERK, petition_no=ledger.register(), route=to))).handoff_id or ""
    ledger.done(ledger.receipt(handoff))
    ledger.done(ledger.partner("handoff.accepted", handoff, AGENCY))
    assert ledger.due(handoff, "result") == "2026-03-30"
    ledger.at("2026-03-06 15:00")
    ledger.done(ledger.partner("handoff.suspended", handoff, AGENCY, party="petitioner"))
    ledger.at("2026-04-03 10:00")  # Friday; 04-04 to 04-06 are holidays, and sixteen working days were left after 03-06
    ledger.done(ledger.partner("handoff.resumed", handoff, AGENCY))
    assert ledger.due(handoff, "result") == "2026-04-28"


def test_what_the_law_counts_from_receipt_is_not_longer_for_a_late_acceptance(ledger: Ledger) -> None:
    handoff = ledger.deliver("procuratorate-990100", "B3.1b")
    ledger.wait(days=5)
    ledger.done(ledger.partner("handoff.accepted", handoff, "procuratorate-990100"))
    assert ledger.due(handoff, "result") == "2026-06-02"  # three months of 2026-03-02 (GJ 163)


def test_what_the_law_counts_from_acceptance_is(ledger: Ledger) -> None:
    handoff = ledger.deliver(AGENCY)
    ledger.wait(days=10)
    ledger.done(ledger.partner("handoff.accepted", handoff, AGENCY, told_on="2026-03-11"))
    assert ledger.due(handoff, "result") == "2026-05-11"  # sixty days of 2026-03-12 (XF 34)


@pytest.mark.parametrize(("asks", "state"), [(False, "ACCEPTED"), (True, "SIGNED")])
def test_silence_at_reconsideration_is_acceptance_and_asking_for_what_is_missing_is_no_silence(ledger: Ledger, asks: bool, state: str) -> None:
    handoff = ledger.deliver("reconsideration-990100", "B3.4")
    ledger.done(ledger.partner("handoff.signed", handoff, "reconsideration-990100"))
    if asks:
        ledger.done(ledger.partner("supplement.requested", handoff, "reconsideration-990100"))
    assert ledger.due(handoff, "accept") == "2026-03-09"
    ledger.at("2026-03-10 00:01")
    ledger.ring_all()
    assert ledger.handoff(handoff)["state"] == state
    assert ("deemed-accepted" in ledger.handoff(handoff)["flags"]) != asks
    assert ("unaccepted" in ledger.handoff(handoff)["flags"])


def test_the_day_of_acceptance_is_the_notices_where_the_operator_says_so(ledger: Ledger) -> None:
    gaps = ledger.house.gaps
    chosen = {**gaps.gaps, "1": gaps.gaps["1"].model_copy(update={"choice": "notice"})}
    ledger.house = replace(ledger.house, gaps=gaps.model_copy(update={"gaps": chosen}))
    handoff = ledger.deliver(AGENCY)
    ledger.wait(days=10)
    ledger.done(ledger.partner("handoff.accepted", handoff, AGENCY, told_on="2026-03-04"))
    assert ledger.due(handoff, "result") == "2026-05-06"  # sixty days of 2026-03-04 end on 05-03, a holiday
    assert ledger.handoff(handoff)["accepted_at"] == beijing("2026-03-04 12:00")


def test_the_notices_day_lies_between_delivery_and_now(ledger: Ledger) -> None:
    gaps = ledger.house.gaps
    chosen = {**gaps.gaps, "1": gaps.gaps["1"].model_copy(update={"choice": "notice"})}
    house = replace(ledger.house, gaps=gaps.model_copy(update={"gaps": chosen}))
    delivered, now = beijing("2026-03-02 15:00"), beijing("2026-03-06 09:00")
    for told, since in (("2026-03-01", delivered), ("2026-03-02", delivered), ("2026-03-04", beijing("2026-03-04 12:00")), ("2026-03-06", now), ("2026-03-09", now)):
        assert clocking.accepted_since(told, delivered, now, house) == since
        assert clocking.accepted_since(told, delivered, now, ledger.house) == now, "the sample counts from the message"


def test_the_total_ceiling_is_that_of_the_branch_once_it_is_known(ledger: Ledger) -> None:
    number = ledger.register(facts={"klass": "claim"})
    assert petition_due(ledger, number, "total") == "2028-03-02"
    ledger.wait(days=3)
    ledger.send(AGENCY, "B3.6", petition_no=number)
    assert petition_due(ledger, number, "total") == "2026-08-31"  # 180 日 of 2026-03-02 end on a Saturday
    row = ledger.row("select * from clock where petition_no = %s and root = 'total'", number)
    assert (row["limit"], row["started_at"], row["label"]) == ("180d", beijing("2026-03-02 09:00"), "内部时限")


def test_a_suspension_that_nobody_ends_goes_to_the_body_then_up(ledger: Ledger) -> None:
    handoff = ledger.accepted(AGENCY)
    ledger.done(ledger.partner("handoff.suspended", handoff, AGENCY, party="petitioner"))
    ledger.let_pass(31)
    assert ledger.petition_of(handoff)["holder"] == AGENCY, "the petitioner's time is up: the body must say what comes next"
    ledger.let_pass(20)
    assert ledger.petition_of(handoff)["holder"] == CONFERENCE
    ledger.done(ledger.partner("handoff.resumed", handoff, AGENCY))
    assert ledger.petition_of(handoff)["holder"] == AGENCY


def test_a_case_suspended_while_the_conference_has_it_is_held_by_whom_it_waits_for(ledger: Ledger) -> None:
    handoff = ledger.accepted(AGENCY, "B3.5")
    ledger.let_pass(100)
    assert ledger.petition_of(handoff)["holder"] == CONFERENCE
    ledger.done(ledger.partner("handoff.suspended", handoff, AGENCY))
    assert ledger.petition_of(handoff)["holder"] == AGENCY
    ledger.wait(days=2)
    ledger.done(ledger.partner("handoff.resumed", handoff, AGENCY))
    assert ledger.petition_of(handoff)["holder"] == CONFERENCE, "its old ladder goes on where it stood"


# -- ringing --------------------------------------------------------------------------------------------------------------


@pytest.mark.guarantee("G3")
def test_warnings_then_the_end_each_once(ledger: Ledger) -> None:
    handoff = ledger.accepted(AGENCY)
    ledger.let_pass(70)
    told = ledger.rows("select act, detail from journal where handoff_id = %s and act like 'clock.%%' and detail ->> 'root' = 'result' order by seq", handoff)
    assert [(r["act"], r["detail"].get("warning")) for r in told][:3] == [("clock.warned", 1), ("clock.warned", 2), ("clock.expired", None)]
    assert {"overdue"} <= set(ledger.handoff(handoff)["flags"])
    urge = ledger.row("select * from journal where handoff_id = %s and act = 'handoff.urge' order by seq limit 1", handoff)
    assert urge["next_due"] is not None, "no row of the journal, even between two steps of one act, tells of a case without a date"


@pytest.mark.guarantee("G3", "M9")
def test_two_watchers_ring_a_clock_once(ledger: Ledger) -> None:
    handoff = ledger.send()
    ledger.wait(hours=25)
    clock = ledger.clocks(handoff)["receipt"]["id"]
    ring = Move("clock.ring", SYSTEM, handoff_id=handoff, data={"clock": clock})
    ledger.take(ring, ring)
    ledger.take(ring)
    assert len(ledger.rows("select 1 from journal where act = 'clock.expired'")) == 1
    assert len(ledger.duties("undelivered")) == 1


def test_a_clock_is_rung_for_whom_it_runs_whatever_the_caller_named(ledger: Ledger) -> None:
    handoff = ledger.send()
    ledger.wait(hours=25)
    number = ledger.handoff(handoff)["petition_no"]
    ledger.take(Move("clock.ring", SYSTEM, petition_no=number, data={"clock": ledger.clocks(handoff)["receipt"]["id"]}))
    assert "undelivered" in ledger.handoff(handoff)["flags"]
    assert ledger.petition(number)["next_due"] > ledger.now
    assert ledger.flaws() == []


def test_a_clock_does_not_ring_early_or_for_another(ledger: Ledger) -> None:
    handoff = ledger.deliver()
    before = ledger.everything()
    clock = ledger.clocks(handoff)["sign"]["id"]
    for target in (clock, 10**9):
        answer = ledger.one(Move("clock.ring", SYSTEM, handoff_id=handoff, data={"clock": target}))
        assert not ledger.done(answer).new
    assert ledger.everything() == before


# -- the day a petition was received -----------------------------------------------------------------------------------------


def test_the_fifteen_days_run_from_receipt_not_from_registration(ledger: Ledger) -> None:
    number = ledger.register(received=beijing("2026-02-26 17:00"))
    assert petition_due(ledger, number, "route") == "2026-03-13"
    assert ledger.petition(number)["flags"] == []


def test_one_registered_too_late_says_so_and_gets_a_date_that_can_be_kept(ledger: Ledger) -> None:
    number = ledger.register(received=beijing("2020-01-02 17:00"))
    assert ledger.petition(number)["flags"] == ["late-registration"]
    assert petition_due(ledger, number, "route") == "2026-03-17"


def test_a_receipt_date_in_the_future_gives_no_longer_limit(ledger: Ledger) -> None:
    assert petition_due(ledger, ledger.register(received=beijing("2026-04-01 09:00")), "route") == "2026-03-17"


def test_what_a_message_tells_the_body_are_the_limits_that_run(ledger: Ledger) -> None:
    ledger.send("discipline-990100", "B2a")
    said = events.decode(ledger.claim("discipline-990100")[0].raw).data
    assert said["due"] == {"objection_window": "5wd", "accept": "15wd", "result": "3mo"}


def test_a_body_struck_from_the_directory_stops_no_clock(ledger: Ledger) -> None:
    handoff, other = ledger.deliver(AGENCY), ledger.deliver()
    whole = ledger.house
    ledger.house = replace(whole, bodies=_Without(whole.bodies, AGENCY))  # type: ignore[arg-type]
    ledger.let_pass(40)
    assert ledger.handoff(handoff)["holder"] == CONFERENCE, "nobody can be urged, so people are asked"
    assert "handoff.urge" in {r["message"] for r in ledger.rows("select message from outbox where handoff_id = %s", other)}
    assert {r["message"] for r in ledger.rows("select message from outbox where handoff_id = %s", handoff)} == {"handoff.request"}
    ledger.no(ledger.clerk("handoff.urge", handoff), "guard")
    ledger.house = whole
    ledger.done(ledger.clerk("handoff.urge", handoff))
    assert ledger.flaws() == []


class _Without:
    """The directory without one of its bodies."""

    def __init__(self, bodies: Bodies, gone: str) -> None:
        self._bodies, self._gone = bodies, gone

    def __contains__(self, code: str) -> bool:
        return code != self._gone and code in self._bodies

    def get(self, code: str) -> object:
        if code not in self:
            raise KeyError(code)
        return self._bodies.get(code)

    def __getattr__(self, name: str) -> object:
        return getattr(self._bodies, name)
