"""The control interface: what it tells, what it changes, how it says no."""

import pytest
import requests

from connectors.wire.events import encode, new_id
from tests.sandbox.conftest import COURT, Start


def test_state_counts_and_knows_what_comes_next(start: Start) -> None:
    box = start()
    assert box.control("idle") == {
        "now": "2026-03-02T09:00:00+08:00",
        "idle": True,
        "broken": None,
        "steps_due": 0,
        "callbacks_due": 0,
        "next_due": None,
        "drop_callbacks": False,
    }
    bureau = box.bureau()
    bureau.request()
    state = box.control("state")
    assert state["next_due"] == "2026-03-02T13:00:00+08:00"
    assert state["bodies"][COURT] == {
        "cases": {"DELIVERED": 1},
        "received": {"applied": 1},
        "issued": 0,
        "unsent": 0,
        "planned": 1,
        "down": False,
        "manner": "prompt",
        "callbacks": {},
    }
    box.clock.step(hours=4)
    assert box.control("idle")["idle"] is False
    box.settle()
    assert box.control("state")["bodies"][COURT]["callbacks"] == {"taken": 1}


def test_a_changed_manner_holds_for_new_cases_only(start: Start) -> None:
    box = start("prompt", bodies=[COURT, "police-990100"])
    bureau = box.bureau()
    before = bureau.request()
    assert box.control("manners", {"manner": "silent", "bodies": [COURT]}) == {"changed": [COURT]}
    after = bureau.request()
    box.live(days=1)
    assert box.hooks.names(before) == ["handoff.signed"]
    assert box.hooks.names(after) == []
    assert box.control("state")["bodies"]["police-990100"]["manner"] == "prompt"
    assert "prompt" in box.control("manners")


def test_effects_tell_what_was_really_done(start: Start) -> None:
    box = start()
    bureau = box.bureau()
    case = bureau.request()
    box.live(days=0.25)
    assert box.control("effects") == {
        case: {
            "bodies": [COURT],
            "petition_no": bureau.petitions[case],
            "cases": 1,
            "issued": {"handoff.signed": 1},
            "received": 1,
            "duplicates": 0,
            "quarantined": 0,
        }
    }


def test_books_are_what_can_be_held_against_the_bureaus_ledger(start: Start) -> None:
    box = start()
    case = box.bureau().request()
    assert list(box.control("books")) == [COURT]
    book = box.control("books")[COURT]
    [(_, item)] = book["items"].items()
    assert (item[1:5], item[6]) == ([1, "DELIVERED", 1, 0], "")
    assert [said[1:] for said in book["received"].values()] == [[1, "applied"]]
    assert book["issued"] == {}
    box.clock.step(hours=4)
    box.settle()
    box.control("drop_callbacks", {"drop": True})
    box.live(days=4)
    book = box.control("books")[COURT]
    assert book["items"][next(iter(book["items"]))][2] in ("ACCEPTED", "IN_PROGRESS")
    assert book["items"][next(iter(book["items"]))][6].startswith("(2026)court-990100")
    issued = sorted(book["issued"].values(), key=lambda said: int(said[1]))
    assert [said[:3] for said in issued] == [[case, 1, True], *([case, number, False] for number in range(2, len(issued) + 1))]
    assert len(issued) > 1
    assert issued[0][3] == "2026-03-02T05:00:00+00:00"


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("manners", {"manner": "lazy"}, "no manner is called"),
        ("manners", {"manner": "prompt", "bodies": ["court-1"]}, "there are: court-990100"),
        ("manners", {"manner": "prompt", "option": {}}, "option"),
        ("drop_callbacks", {}, "drop"),
        ("down", {"hours": -1}, "hours"),
        ("down", {"hours": 1, "mode": "fire"}, "mode"),
    ],
)
def test_bad_wishes_are_explained(start: Start, path: str, body: dict[str, object], said: str) -> None:
    answer = requests.post(f"{start().url}/control/{path}", json=body, timeout=5)
    assert answer.status_code == 400
    assert said in answer.json()["detail"]


def test_mixed_gives_each_case_its_own_manner(start: Start) -> None:
    options = {"cycle": ["prompt", "silent", "objects_rightly"], "options": {"prompt": {"sign_hours": 1}}}
    box = start("mixed", options)
    bureau = box.bureau()
    cases = [bureau.request() for _ in range(4)]
    box.live(days=4)
    last = [box.hooks.names(case)[-1:] for case in cases]
    assert box.control("state")["manners"] == {"objects_rightly": 1, "prompt": 2, "silent": 1}
    assert last == [["handoff.accepted"], [], ["handoff.objected"], ["handoff.accepted"]]


@pytest.mark.guarantee("F22")
def test_a_body_whose_clock_is_wrong_refuses_and_is_refused_until_it_is_set_right(start: Start) -> None:
    box = start("prompt", bodies=[COURT, "police-990100"])
    court, police = box.bureau(), box.bureau("police-990100")
    event = court.event(new_id(), "handoff.request")
    assert box.control("skew", {"seconds": -400, "bodies": [COURT]}) == {"changed": [COURT]}
    refused = court.post(encode(event), event.id)
    assert refused.status_code == 401
    police.request()
    box.control("skew", {"seconds": 200, "bodies": [COURT]})
    receipt = court.send(event)
    assert (receipt.received_at - box.clock.now()).total_seconds() == 200
    box.control("skew", {"seconds": 0})
    box.live(days=0.25)
    assert box.hooks.names(event.subject) == ["handoff.signed"]


def test_a_clock_cannot_be_wrong_by_days(start: Start) -> None:
    box = start()
    answer = requests.post(f"{box.url}/control/skew", json={"seconds": 10**6}, timeout=10)
    assert answer.status_code == 400
    assert "seconds" in answer.text


def test_held_steps_are_done_when_they_are_let_go(start: Start) -> None:
    box = start()
    case = box.bureau().request()
    assert box.control("hold_steps", {"hold": True}) == {"hold": True}
    box.live(days=1)
    assert box.hooks.names(case) == []
    box.control("hold_steps", {"hold": False})
    box.settle()
    assert box.hooks.names(case) == ["handoff.signed"]
