"""Parts cast for single cases keep their promise, on a real port."""

import pytest
import requests

from connectors.wire import problems
from connectors.wire.events import encode
from connectors.wire.ids import new_id
from tests.sandbox.conftest import COURT, Start

SUPERVISED = {"ground": "overdue", "reason": "逾期未办结"}


def test_a_hearing_is_held_before_the_answer(start: Start) -> None:
    box = start("hears")
    bureau = box.bureau()
    case = bureau.request()
    box.live(days=6)
    assert bureau.item(case).state == "HEARING"
    box.live(days=6)
    assert box.hooks.names(case) == ["handoff.signed", "handoff.accepted", "hearing.opened", "hearing.closed", "handoff.result"]
    assert bureau.item(case).state == "REPORTED"


@pytest.mark.parametrize(("part", "message"), [("settles", "handoff.settled"), ("concludes", "handoff.concluded")])
def test_other_endings_are_reported(start: Start, part: str, message: str) -> None:
    box = start(part)
    bureau = box.bureau()
    case = bureau.request()
    box.live(days=12, step_hours=12)
    assert box.hooks.names(case) == ["handoff.signed", "handoff.accepted", message]
    assert bureau.item(case).state == "REPORTED"
    bureau.say(case, "result.review", review="accepted")
    assert bureau.item(case).state == "CLOSED"


def test_one_sleeps_until_it_is_supervised(start: Start) -> None:
    box = start("heeds")
    bureau = box.bureau()
    case = bureau.request()
    bureau.say(case, "handoff.urge")
    box.live(days=10, step_hours=24)
    assert box.hooks.seen == []
    bureau.say(case, "handoff.supervise", **SUPERVISED)
    box.live(days=6)
    assert box.hooks.names(case)[:2] == ["handoff.signed", "handoff.accepted"]


def test_supervision_hastens_whoever_is_at_work(start: Start) -> None:
    box = start("prompt", {"result_days_min": 20, "result_days_max": 20, "progress": False})
    bureau = box.bureau()
    case = bureau.request()
    box.live(days=5)
    bureau.say(case, "handoff.supervise", **SUPERVISED)
    box.live(days=1.5)
    assert box.hooks.names(case)[-1] == "handoff.result"


def test_one_lets_the_time_to_accept_run_out(start: Start) -> None:
    box = start("sits")
    bureau = box.bureau()
    case = bureau.request()
    box.live(days=11, step_hours=12)
    assert box.hooks.names(case) == ["handoff.signed"]
    bureau.say(case, "handoff.urge")
    box.live(days=0.5)
    assert box.hooks.names(case) == ["handoff.signed"]
    box.live(days=2)
    assert box.hooks.names(case) == ["handoff.signed", "handoff.accepted"]


def test_a_dispute_waits_for_the_ruling_and_obeys_it(start: Start) -> None:
    box = start("disputes", {"suggested_body": "court-990102"})
    bureau = box.bureau()
    case = bureau.request()
    box.live(days=4)
    assert box.hooks.seen[-1][1].data["reason_code"] == "overlapping-duties"
    bureau.say(case, "objection.decision", decision="escalated")
    box.live(days=5, step_hours=24)
    assert bureau.item(case).state == "ESCALATED"
    bureau.say(case, "arbitration.ruling", decision="rejected")
    box.live(days=4)
    assert bureau.item(case).state == "ACCEPTED"


def test_a_system_that_refuses_for_good_holds_nothing(start: Start) -> None:
    bureau = start("refuses").bureau()
    event = bureau.event(new_id(), "handoff.request")
    for _ in range(2):
        answer = bureau.post(encode(event), event.id)
        problem = problems.decode(answer.content, answer.status_code)
        assert (answer.status_code, problem.origin, problem.retry) == (422, "receiver", "never")
    assert bureau.items() == []
    assert bureau.get(f"/handoff/v1/messages/{event.id}").status_code == 404


def test_a_review_says_that_it_is_one(start: Start) -> None:
    box = start("prompt", {"progress": False})
    bureau = box.bureau()
    handling, review = bureau.request(), bureau.request(way="复查")
    box.live(days=25, step_hours=24)
    said = {(event.subject, event.name): event.data for _, event in box.hooks.seen}
    assert said[review, "handoff.accepted"]["procedure"] == "复查"
    assert said[handling, "handoff.accepted"]["procedure"] != "复查"
    assert (said[review, "handoff.result"]["outcome_code"], said[handling, "handoff.result"]["outcome_code"]) == ("unsupported", "resolved")


def test_a_slow_review_stays_within_thirty_days(start: Start) -> None:
    box = start("slow", bodies=["agency-housing-990100"])
    bureau = box.bureau("agency-housing-990100")
    case = bureau.request(way="复核")
    box.live(days=29, step_hours=24)
    assert box.hooks.names(case) == ["handoff.signed", "handoff.accepted", "handoff.progress", "handoff.result"]


def test_a_part_is_cast_for_one_petition_and_one_body(start: Start) -> None:
    box = start("silent", bodies=[COURT, "police-990100"])
    bureau, police = box.bureau(), box.bureau("police-990100")
    number = "XF99010020260302000077"
    assert box.control("cast", {"petition_no": number, "manner": "prompt"}) == {"cast": [COURT, "police-990100"]}
    assert box.control("cast", {"petition_no": number, "manner": "refuses", "body": "police-990100"}) == {"cast": ["police-990100"]}
    cases = []
    for one in (bureau, police):
        case = new_id()
        one.petitions[case] = number
        cases.append(case)
    assert bureau.send(bureau.event(cases[0], "handoff.request")).status == "stored"
    refused = police.event(cases[1], "handoff.request")
    assert police.post(encode(refused), refused.id).status_code == 422
    other = bureau.request()
    box.live(days=1)
    assert box.hooks.names(cases[0]) == ["handoff.signed"]
    assert box.hooks.names(other) == []
    assert box.control("state")["manners"] == {"prompt": 1, "refuses": 1, "silent": 1}


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"petition_no": "1", "manner": "prompt"}, "petition_no"),
        ({"petition_no": "XF99010020260302000077", "manner": "lazy"}, "no manner is called"),
        ({"petition_no": "XF99010020260302000077", "manner": "prompt", "options": {"x": 1}}, "its options"),
        ({"petition_no": "XF99010020260302000077", "manner": "prompt", "body": "agency-x-990100"}, "no body"),
    ],
)
def test_a_casting_that_cannot_be_is_explained(start: Start, wish: dict[str, object], said: str) -> None:
    answer = requests.post(f"{start().url}/control/cast", json=wish, timeout=10)
    assert (answer.status_code, said in answer.json()["detail"]) == (400, True)
