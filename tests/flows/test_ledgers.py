"""Both ledgers side by side over real HTTP: what was lost is had after all, and a partner that lies about its ledger is caught."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from flows import dispatch, receive, reconcile
from flows.context import Context
from flows.reconcile import Summary
from flows.trace import SILENT
from models import recon
from rules.ledgers import WEEK, turn_of
from tests.flows.world import COURT, World, hand_off


def delivered(context: Context, bureau: World, count: int, body: str = COURT, start: int = 0) -> list[str]:
    """Hand-offs that the body has receipted and begun to work on, some days later; their ids."""
    numbers = hand_off(context, body, count, start)
    asyncio.run(dispatch.run_all(context, SILENT))
    return [h for (h,) in bureau.ask("select handoff_id from handoff where petition_no = any(%s) order by handoff_id", numbers)]


def pass_days(bureau: World, days: int) -> None:
    for _ in range(days):
        bureau.until(lambda: bool(bureau.control("idle")["idle"]))
        bureau.clock.step(days=1)
    bureau.until(lambda: bool(bureau.control("idle")["idle"]))


def night(context: Context, **more: Any) -> Summary:
    return asyncio.run(reconcile.run(context, SILENT, COURT, again=True, **more))


def kinds(summary: Summary) -> dict[str, int]:
    found: dict[str, int] = {}
    for comparison in summary.bodies:
        assert not comparison.failed, comparison.failed
        for d in comparison.found:
            found[d.finding.kind] = found.get(d.finding.kind, 0) + 1
    return found


def duties(bureau: World) -> list[tuple[str, str]]:
    return [(kind, code) for kind, code in bureau.ask(
        "select kind, detail ->> 'code' from duty where closed_at is null and kind in ('difference', 'security') order by duty_id")]


def equal(bureau: World, context: Context) -> bool:
    return kinds(night(context)) == {}


@pytest.mark.guarantee("M7", "F19")
def test_with_every_callback_lost_the_night_alone_moves_every_case(context: Context, bureau: World) -> None:
    delivered(context, bureau, 40)
    pass_days(bureau, 4)
    summary = night(context)
    assert kinds(summary) == {"partner_ahead": 40}
    assert (summary.healed, summary.open) == (40, 0)
    told = dict(bureau.ask("select state, count(*) from handoff group by 1"))
    assert sum(told.values()) == 40
    assert not set(told) & {"ISSUED", "DELIVERED", "SIGNED"}, told
    assert equal(bureau, context)
    assert duties(bureau) == []


@pytest.mark.guarantee("P5")
@pytest.mark.parametrize("ledger", [{"form": 1}, {"form": 1, "strict": True}, {"form": 2, "strict": True}], ids=["passes over", "refuses", "knows"])
def test_a_body_that_knows_no_parts_is_compared_by_whole_days(context: Context, bureau: World, ledger: dict[str, Any]) -> None:
    handoffs = delivered(context, bureau, 40)
    assert equal(bureau, context)
    pass_days(bureau, 3)
    night(context)
    bureau.control("ledger", {"ledger": {**ledger, "fault": "alters", "handoffs": handoffs[:1]}})
    found = night(context)
    assert kinds(found) == {"digest_differs": 1}
    [comparison] = found.bodies
    # By parts only those that differ are read; by days the day (twice, for what a person is to be troubled with must show twice).
    assert (comparison.listed < 40) == (ledger["form"] == 2), comparison.listed


LIES = [
    ("renumbers", "two_case_numbers"), ("twice", "two_case_numbers"), ("alters", "digest_differs"), ("invents", "unknown_to_us"), ("misdates", "day_differs"),
    ("renames", "petition_differs"),
]


@pytest.mark.guarantee("F21")
@pytest.mark.parametrize(("fault", "kind"), LIES, ids=[lie[0] for lie in LIES])
def test_a_lie_about_one_hand_off_is_found_and_is_a_person_s_once(context: Context, bureau: World, fault: str, kind: str) -> None:
    handoffs = delivered(context, bureau, 30)
    pass_days(bureau, 4)
    night(context)
    before = bureau.ask("select handoff_id, state, partner_case_no, seq_in, acked_out from handoff order by 1")
    # What has a number of another petition has the same line: it shows when it is listed, which the night's draw decides; here its part differs.
    bureau.control("ledger", {"ledger": {"fault": fault, "handoffs": handoffs[:1], "digests": "wrong" if fault == "renames" else "own"}})
    first = kinds(night(context))
    assert first.pop(kind) == 1
    assert set(first) <= {"ledger_contradicts_itself"}
    assert (bool(first)) == (fault == "renames"), first
    told = duties(bureau)
    assert (("security" if kind == "unknown_to_us" else "difference"), kind) in told
    assert kinds(night(context))[kind] == 1
    assert duties(bureau) == told, "seen again the next night, it is still one duty"
    assert bureau.ask("select handoff_id, state, partner_case_no, seq_in, acked_out from handoff order by 1") == before, "nothing is taken over in silence"
    bureau.control("ledger", {"ledger": {}})
    assert equal(bureau, context)


@pytest.mark.guarantee("F21")
def test_a_hand_off_that_went_to_another_body_is_told_without_its_number(context: Context, bureau: World) -> None:
    from tests.flows.world import HOUSING

    delivered(context, bureau, 3)
    [other] = delivered(context, bureau, 1, HOUSING)
    bureau.control("ledger", {"ledger": {"fault": "leaks", "handoffs": [other]}, "bodies": [COURT]})
    assert kinds(night(context)) == {"of_another_body": 1}
    assert duties(bureau) == [("security", "of_another_body")]
    assert bureau.ask("select petition_no, ours from difference") == [(None, {"evidence": {"day": "2026-03-02"}})]


@pytest.mark.guarantee("F20", "F21")
def test_a_receipt_for_what_the_ledger_lacks_is_sent_again_once_and_then_a_person_s(context: Context, bureau: World) -> None:
    handoffs = delivered(context, bureau, 30)
    lost = handoffs[7]
    [request] = [m for (m,) in bureau.ask("select message_id from outbox where handoff_id = %s", lost)]
    bureau.control("ledger", {"ledger": {"fault": "forgets", "handoffs": [lost]}})
    tries = "select count(*) from attempt where message_id = %s"
    first = night(context)
    assert kinds(first) == {"missing_at_partner": 1}
    assert bureau.ask(tries, request) == [(2,)], "sent again, same id"
    assert bureau.ask("select asked from attempt where message_id = %s and attempt_no = 2", request) == [("",)], "sent, not asked about"
    assert duties(bureau) == []
    for _ in range(3):
        assert kinds(night(context)) == {"receipt_without_case": 1}
        assert bureau.ask(tries, request) == [(2,)], "not again every night"
        assert duties(bureau) == [("difference", "receipt_without_case")]
    [(evidence,)] = bureau.ask("select ours -> 'evidence' from difference where kind = 'receipt_without_case' order by id limit 1")
    [(receipt,)] = bureau.ask("select receipt_id from receipt where message_id = %s", request)
    assert (evidence["message_id"], evidence["receipt_id"]) == (request, receipt)
    effects = bureau.control("effects")
    assert effects[lost]["cases"] == 1


@pytest.mark.guarantee("F20")
def test_what_is_listed_again_after_it_was_sent_again_is_no_lie_when_it_is_lost_a_second_time(context: Context, bureau: World) -> None:
    [lost, *_] = delivered(context, bureau, 3)
    for _ in range(2):
        bureau.control("ledger", {"ledger": {"fault": "forgets", "handoffs": [lost]}})
        assert kinds(night(context)) == {"missing_at_partner": 1}
        bureau.control("ledger", {"ledger": {}})
        assert equal(bureau, context)
    assert duties(bureau) == []


@pytest.mark.guarantee("F21")
def test_digests_copied_from_ours_are_no_proof(context: Context, bureau: World) -> None:
    """The partner's digests are what ours are, its ledger lacks everything: the night's spot check lists a part all the same."""
    delivered(context, bureau, 40)
    bureau.control("ledger", {"ledger": {"fault": "forgets", "digests": "true"}})
    found = kinds(night(context))
    assert found["ledger_contradicts_itself"] == 1
    assert found["missing_at_partner"] > 0
    assert ("security", "ledger_contradicts_itself") in duties(bureau)


@pytest.mark.guarantee("F21")
def test_digests_that_are_not_of_its_own_ledger(context: Context, bureau: World) -> None:
    delivered(context, bureau, 3)
    bureau.control("ledger", {"ledger": {"digests": "wrong"}})
    assert kinds(night(context)) == {"ledger_contradicts_itself": 1}
    [(handoff, number, action)] = bureau.ask("select handoff_id, petition_no, action from difference")
    assert (handoff, number, action) == ("2026-03-02/*", None, "duty")


def test_a_ledger_that_moves_between_two_readings_is_no_lie(context: Context, bureau: World) -> None:
    """Cases go on while the comparison is made: what a person would be troubled with must show twice, so nobody is."""
    delivered(context, bureau, 30)
    for _ in range(8):
        bureau.clock.step(hours=13)
        found = kinds(night(context))
        assert set(found) <= {"partner_ahead"}, found
    assert duties(bureau) == []


@pytest.mark.guarantee("M7")
def test_a_body_at_rest_is_compared_within_a_week(context: Context, bureau: World) -> None:
    bureau.control("manners", {"manner": "silent"})
    handoffs = delivered(context, bureau, 3)
    assert asyncio.run(reconcile.run(context, SILENT)).bodies[0].items == 3
    bureau.clock.step(days=1)
    # An end that needs no partner: what matters here is that nothing is open any more.
    context.transact_now(lambda c: c.execute(
        "update handoff set state = 'CLOSED', holder = null, next_due = null, closed_at = %s where handoff_id = any(%s)", (context.now(), handoffs)))
    told: list[bool] = []
    for _ in range(3 * WEEK):
        summary = asyncio.run(reconcile.run(context, SILENT))
        told.append(bool(summary.bodies))
        today = reconcile.beijing_day(context.now())
        assert told[-1] or not turn_of(COURT, today), "its own night of the week is kept"
        bureau.clock.step(days=1)
    longest = max(len(run) for run in "".join("x" if made else "." for made in told).split("x"))
    assert longest < WEEK, told
    assert told.count(True) < len(told) / 2, told
    states = dict(bureau.ask("select state, count(*) from reconciliation group by 1"))
    assert states["RESTED"] == told.count(False)
    # A body with anything open, or with a difference the last time, does not rest.
    context.transact_now(lambda c: c.execute("update handoff set state = 'DELIVERED', holder = body, next_due = %s, closed_at = null where handoff_id = %s",
                                             (context.now(), handoffs[0])))
    for _ in range(WEEK):
        assert not context.transact_now(lambda c: recon.rest(c, COURT, reconcile.beijing_day(context.now()), context.now(), timedelta(days=1)))
        bureau.clock.step(days=1)


def test_what_is_fetched_at_night_is_applied_by_it(context: Context, bureau: World) -> None:
    delivered(context, bureau, 5)
    pass_days(bureau, 2)
    night(context)
    assert asyncio.run(receive.apply_all(context)).total == 0
