"""Callbacks: in order, under one id until they are taken, and not at all when told so."""

import pytest

from connectors.wire.events import encode
from tests.sandbox.conftest import Start

QUICK = {"accept_days_min": 0, "accept_days_max": 0, "sign_hours": 0, "result_days_min": 0, "result_days_max": 0}


@pytest.mark.guarantee("P6")
def test_refused_callbacks_come_again_under_the_same_id_and_in_order(start: Start) -> None:
    box = start("prompt", QUICK)
    box.hooks.refuse = [500, 0, 503]
    bureau = box.bureau()
    case = bureau.request()
    box.settle()
    assert box.hooks.refused == 3
    assert [event.sequence for _, event in box.hooks.seen] == [1, 2, 3, 4]
    assert box.hooks.names(case)[-1] == "handoff.result"
    counts = box.control("state")["bodies"]["court-990100"]["callbacks"]
    assert counts == {"taken": 4, "refused_500": 1, "unreached": 1, "refused_503": 1}


@pytest.mark.guarantee("P6")
def test_after_the_quick_tries_it_waits_for_virtual_time(start: Start) -> None:
    box = start("prompt", QUICK)
    box.hooks.refuse = [500] * 5
    bureau = box.bureau()
    bureau.request()
    box.settle()
    assert box.hooks.refused == 4
    assert box.hooks.seen == []
    assert box.control("state")["next_due"] == "2026-03-02T09:05:00+08:00"
    box.clock.step(minutes=5)
    box.settle()
    assert (box.hooks.refused, box.hooks.seen) == (5, [])
    box.clock.step(minutes=30)
    box.settle()
    assert box.hooks.names() == ["handoff.signed", "handoff.accepted", "handoff.progress", "handoff.result"]


def test_one_blocked_case_does_not_block_another(start: Start) -> None:
    box = start("prompt", QUICK)
    bureau = box.bureau()
    box.hooks.refuse = [500] * 4
    blocked = bureau.request()
    box.settle()
    assert box.hooks.seen == []
    free = bureau.request()
    box.settle()
    assert box.hooks.names(free)[-1] == "handoff.result"
    assert box.hooks.names(blocked) == []


def test_dropped_callbacks_are_found_in_the_ledger(start: Start) -> None:
    box = start("prompt", QUICK, drop_callbacks=True)
    bureau = box.bureau()
    case = bureau.request()
    box.settle()
    assert box.hooks.seen == []
    assert bureau.item(case).last_seq_out == 4
    assert [event.name for event in bureau.messages(case, after=2)] == ["handoff.progress", "handoff.result"]
    box.control("drop_callbacks", {"drop": False})
    box.settle()
    assert [event.id for _, event in box.hooks.seen] == [event.id for event in bureau.messages(case)]


def test_many_cases_at_once_all_arrive(start: Start) -> None:
    box = start("prompt", QUICK)
    bureau = box.bureau()
    cases = [bureau.request() for _ in range(40)]
    box.settle(30)
    for case in cases:
        assert box.hooks.names(case) == ["handoff.signed", "handoff.accepted", "handoff.progress", "handoff.result"]
    assert len({event.id for _, event in box.hooks.seen}) == 160


@pytest.mark.guarantee("S3")
def test_a_gap_is_asked_about_after_ten_minutes(start: Start) -> None:
    box = start("silent")
    bureau = box.bureau()
    case = bureau.request()
    lost = bureau.event(case, "handoff.urge", sequence=2)
    held = bureau.event(case, "handoff.supplement", sequence=3)
    bureau.send(held)
    box.clock.step(minutes=9)
    box.settle()
    assert box.hooks.asked == []
    box.clock.step(minutes=1)
    box.settle()
    assert box.hooks.asked == [(case, 1)]
    assert bureau.item(case).last_seq_in == 1
    box.hooks.outbox[case] = [encode(lost), encode(held)]
    box.clock.step(minutes=10)
    box.settle()
    assert bureau.item(case).last_seq_in == 3
    assert bureau.send(lost).status == "stored"
    assert box.control("effects")[case]["received"] == 3
