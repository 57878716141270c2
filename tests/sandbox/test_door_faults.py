"""The manners whose door is faulty: what the caller gets, and that nothing is lost or doubled by it."""

import pytest
import requests

from connectors.wire import paths, problems
from connectors.wire.events import Event, encode
from connectors.wire.ids import new_id
from tests.sandbox.bureau import Bureau
from tests.sandbox.conftest import Running, Start

LOST = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def post(bureau: Bureau, event: Event) -> requests.Response:
    return bureau.post(encode(event), event.id)


def cases(box: Running, handoff_id: str) -> int:
    return int(box.control("effects").get(handoff_id, {"cases": 0})["cases"])


def test_loses_answer_after_committing_once(start: Start) -> None:
    box = start("loses_answer")
    bureau = box.bureau()
    event = bureau.event(new_id(), "handoff.request")
    with pytest.raises(LOST):
        post(bureau, event)
    assert cases(box, event.subject) == 1
    asked = bureau.get(paths.message(event.id))
    first = bureau.proven(asked, encode(event))
    again = bureau.send(event)
    assert again == first
    assert cases(box, event.subject) == 1


def test_loses_only_what_it_is_told_to(start: Start) -> None:
    box = start("loses_answer", {"only": ["handoff.urge"]})
    bureau = box.bureau()
    case = bureau.request()
    with pytest.raises(LOST):
        bureau.say(case, "handoff.urge")


def test_flaky_refuses_in_turn_before_storing(start: Start) -> None:
    box = start("flaky", {"retry_after": 7})
    bureau = box.bureau()
    event = bureau.event(new_id(), "handoff.request")
    answers = [post(bureau, event) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [500, 429, 503]
    assert [answer.headers.get("Retry-After") for answer in answers] == [None, "7", "7"]
    assert [problems.decode(answer.content).retry for answer in answers] == ["same-key", "after", "after"]
    assert cases(box, event.subject) == 0
    assert bureau.get(paths.message(event.id)).status_code == 404
    assert bureau.send(event).status == "stored"
    assert cases(box, event.subject) == 1


def test_flaky_may_store_before_it_says_500(start: Start) -> None:
    box = start("flaky", {"tries": 1, "store_first": True})
    bureau = box.bureau()
    event = bureau.event(new_id(), "handoff.request")
    assert post(bureau, event).status_code == 500
    assert cases(box, event.subject) == 1
    assert bureau.get(paths.message(event.id)).status_code == 200
    assert bureau.send(event).status == "stored"
    assert cases(box, event.subject) == 1


def test_down_is_away_for_its_hours_and_then_goes_on(start: Start) -> None:
    box = start("down", {"after_hours": 5, "hours": 6})
    bureau = box.bureau()
    case = bureau.request()
    box.clock.step(hours=4.5)
    box.settle()
    assert box.hooks.names() == ["handoff.signed"]
    box.clock.step(hours=2)
    for _ in range(2):
        with pytest.raises(LOST):
            bureau.say(case, "handoff.urge")
        with pytest.raises(LOST):
            bureau.get(paths.message(new_id()))
    assert box.control("state")["bodies"]["court-990100"]["down"] is True
    box.clock.step(hours=6)
    assert bureau.item(case).state == "SIGNED"
    box.live(days=4)
    assert box.hooks.names()[-1] == "handoff.accepted"


def test_down_at_once_stores_nothing_and_holds_its_callbacks(start: Start) -> None:
    box = start("down", {"hours": 6, "mode": "503"})
    bureau = box.bureau()
    event = bureau.event(new_id(), "handoff.request")
    answer = post(bureau, event)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, str(6 * 3600))
    assert cases(box, event.subject) == 0
    box.clock.step(hours=7)
    assert post(bureau, event).status_code == 200


def test_down_by_hand_and_back(start: Start) -> None:
    box = start("prompt")
    bureau = box.bureau()
    bureau.request()
    box.control("down", {"hours": 100, "bodies": ["court-990100"]})
    box.clock.step(hours=10)
    box.settle()
    assert box.hooks.seen == []
    with pytest.raises(LOST):
        bureau.items()
    box.control("down", {"hours": 0})
    box.settle()
    assert box.hooks.names() == ["handoff.signed"]
