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
