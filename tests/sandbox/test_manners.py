"""Every manner keeps its promise, on a real port."""

from tests.sandbox.conftest import Start


def test_prompt_signs_accepts_reports_and_closes(start: Start) -> None:
    box = start("prompt")
    bureau = box.bureau()
    case = bureau.request()
    assert bureau.item(case).state == "DELIVERED"
    assert bureau.item(case).partner_case_no is None
    box.live(days=0.25)
    assert bureau.item(case).state == "SIGNED"
    box.live(days=3)
    assert bureau.item(case).partner_case_no
    box.live(days=21, step_hours=24)
    assert box.hooks.names(case) == ["handoff.signed", "handoff.accepted", "handoff.progress", "handoff.result"]
    bureau.say(case, "result.review", review="accepted")
    item = bureau.item(case)
    assert (item.state, item.round, item.last_seq_in, item.last_seq_out) == ("CLOSED", 1, 2, 4)


def test_slow_stays_inside_every_limit_and_extends_once(start: Start) -> None:
    box = start("slow", bodies=["agency-housing-990102"])
    bureau = box.bureau("agency-housing-990102")
    case = bureau.request()
    begun = box.clock.now()
    box.live(days=90 + 15, step_hours=12)
    names = box.hooks.names(case)
    assert names == ["handoff.signed", "handoff.accepted", "handoff.progress", "handoff.extended", "handoff.result"]
    at = {event.name: (event.time - begun).total_seconds() / 86400 for _, event in box.hooks.seen}
    assert at["handoff.signed"] < 2
    assert 12 < at["handoff.accepted"] < 15
    accepted = at["handoff.accepted"]
    assert 50 < at["handoff.extended"] - accepted < 60
    assert 80 < at["handoff.result"] - accepted < 90


def test_silent_gives_the_receipt_and_nothing_else(start: Start) -> None:
    box = start("silent")
    bureau = box.bureau()
    case = bureau.request()
    box.live(days=40, step_hours=48)
    bureau.say(case, "handoff.urge")
    box.live(days=10, step_hours=48)
    assert box.hooks.seen == []
    assert bureau.item(case).state == "DELIVERED"


def test_silent_wakes_after_so_many_urges(start: Start) -> None:
    box = start("silent", {"until_urged": 2})
    bureau = box.bureau()
    case = bureau.request()
    bureau.say(case, "handoff.urge")
    box.live(days=5, step_hours=24)
    assert box.hooks.seen == []
    bureau.say(case, "handoff.urge")
    box.live(days=30, step_hours=24)
    assert box.hooks.names()[-1] == "handoff.result"


def test_objection_upheld_ends_its_side(start: Start) -> None:
    box = start("objects_rightly", {"suggested_body": "court-990102"})
    bureau = box.bureau()
    case = bureau.request()
    box.live(days=5)
    objected = box.hooks.seen[-1][1]
    assert objected.name == "handoff.objected"
    assert objected.data["suggested_body"] == "urn:xf:court:990102"
    assert bureau.item(case).state == "OBJECTED"
    bureau.say(case, "objection.decision", decision="upheld")
    box.live(days=30, step_hours=48)
    assert bureau.item(case).state == "RETURNED"
    assert box.hooks.names() == ["handoff.signed", "handoff.objected"]


def test_objection_rejected_goes_on_to_accept(start: Start) -> None:
    box = start("objects_wrongly")
    bureau = box.bureau()
    case = bureau.request()
    box.live(days=5)
    assert box.hooks.names()[-1] == "handoff.objected"
    bureau.say(case, "objection.decision", decision="rejected")
    assert bureau.item(case).state == "SIGNED"
    box.live(days=4)
    assert box.hooks.names()[-1] == "handoff.accepted"


def test_objection_escalated_waits_for_the_ruling(start: Start) -> None:
    box = start("objects_rightly")
    bureau = box.bureau()
    kept, taken = bureau.request(), bureau.request()
    box.live(days=5)
    for case in (kept, taken):
        bureau.say(case, "objection.decision", decision="escalated")
        assert bureau.item(case).state == "ESCALATED"
    box.live(days=10, step_hours=24)
    bureau.say(kept, "arbitration.ruling", decision="rejected")
    bureau.say(taken, "arbitration.ruling", decision="upheld")
    box.live(days=4)
    assert bureau.item(kept).state == "ACCEPTED"
    assert bureau.item(taken).state == "RETURNED"


def test_a_case_that_the_conference_takes_away_is_put_down(start: Start) -> None:
    box = start("silent", {"until_urged": 1, "sign_hours": 4})
    bureau = box.bureau()
    asleep, awake = bureau.request(), bureau.request()
    bureau.say(awake, "handoff.urge")
    box.live(days=1)
    assert bureau.item(awake).state == "SIGNED"
    for case in (asleep, awake):
        bureau.say(case, "arbitration.ruling", decision="upheld")
        assert bureau.item(case).state == "WITHDRAWN"
    box.live(days=20, step_hours=24)
    assert [name for name in box.hooks.names() if name != "handoff.signed"] == []


def test_declines_with_law_and_remedy(start: Start) -> None:
    box = start("declines")
    bureau = box.bureau()
    case = bureau.request()
    box.live(days=5)
    declined = box.hooks.seen[-1][1]
    assert declined.name == "handoff.declined"
    assert all(declined.data[field] for field in ("legal_basis", "reason", "remedy", "remedy_limit"))
    assert bureau.item(case).state == "DECLINED"


def test_supplements_resume_when_they_come_or_patience_ends(start: Start) -> None:
    box = start("supplements", {"patience_days": 15, "progress": False})
    bureau = box.bureau()
    given, waited = bureau.request(), bureau.request()
    box.live(days=7)
    assert box.hooks.names(given)[-2:] == ["supplement.requested", "handoff.suspended"]
    assert {item.state for item in bureau.items()} == {"SUSPENDED"}
    bureau.say(given, "handoff.supplement")
    box.live(days=1)
    assert bureau.item(given).state == "IN_PROGRESS"
    assert bureau.item(waited).state == "SUSPENDED"
    box.live(days=40, step_hours=24)
    for case in (given, waited):
        assert box.hooks.names(case)[-3:] == ["handoff.suspended", "handoff.resumed", "handoff.result"]


def test_rework_reports_thinly_then_well_in_the_next_round(start: Start) -> None:
    box = start("rework")
    bureau = box.bureau()
    case = bureau.request()
    box.live(days=25, step_hours=24)
    thin = box.hooks.seen[-1][1]
    assert (thin.name, thin.data["round"], thin.data["outcome_code"]) == ("handoff.result", 1, "incomplete")
    bureau.say(case, "result.review", review="rework", defects=["没有法律依据"])
    assert (bureau.item(case).state, bureau.item(case).round) == ("IN_PROGRESS", 2)
    box.live(days=10, step_hours=24)
    good = box.hooks.seen[-1][1]
    assert (good.name, good.data["round"], good.data["outcome_code"]) == ("handoff.result", 2, "resolved")
    assert bureau.item(case).state == "REPORTED"


def test_sends_twice_the_same_id_and_the_same_event(start: Start) -> None:
    box = start("sends_twice")
    bureau = box.bureau()
    case = bureau.request()
    box.live(days=0.25)
    ids = [event.id for _, event in box.hooks.seen]
    assert len(ids) == 3
    assert len(set(ids)) == 2
    assert {(event.sequence, event.name) for _, event in box.hooks.seen} == {(1, "handoff.signed")}
    assert bureau.item(case).last_seq_out == 1
    assert len(bureau.messages(case)) == 1


def test_out_of_order_fills_its_gaps(start: Start) -> None:
    box = start("out_of_order")
    bureau = box.bureau()
    case = bureau.request()
    box.live(days=1, step_hours=1)
    sequences = [event.sequence for _, event in box.hooks.seen]
    assert sequences != sorted(sequences)
    assert sorted(sequences) == [1, 2, 3]
    assert box.hooks.names()[0] == "handoff.result"
    assert bureau.item(case).state == "REPORTED"


def test_old_key_signs_with_the_oldest_alone(start: Start) -> None:
    box = start("old_key")
    bureau = box.bureau()
    bureau.from_body = bureau.from_body[-1:]
    case = bureau.request()
    assert bureau.item(case).state == "DELIVERED"
    box.live(days=0.25)
    assert all(" " not in signature for signature in box.hooks.signatures)
    assert box.control("state")["bodies"]["court-990100"]["callbacks"] == {"taken": 1}


def test_withdrawal_is_agreed_before_acceptance_and_refused_after(start: Start) -> None:
    box = start("prompt", {"result_days_min": 30, "result_days_max": 30})
    bureau = box.bureau()
    late = bureau.request()
    box.live(days=4)
    early = bureau.request()
    for case in (early, late):
        bureau.say(case, "handoff.withdraw")
    box.live(days=1)
    answers = {event.subject: event.data["agreed"] for _, event in box.hooks.seen if event.name == "withdraw.answer"}
    assert answers == {early: True, late: False}
    assert bureau.item(early).state == "WITHDRAWN"
    assert bureau.item(late).state == "ACCEPTED"
    box.live(days=60, step_hours=48)
    assert box.hooks.names(early)[-1] == "withdraw.answer"


def test_an_urge_makes_it_faster(start: Start) -> None:
    box = start("slow")
    bureau = box.bureau()
    case = bureau.request()
    bureau.say(case, "handoff.urge")
    box.live(days=0.5, step_hours=3)
    assert box.hooks.names(case) == ["handoff.signed"]
