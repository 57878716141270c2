"""A season with every manner at every body: a bureau that decides as it should brings each case to an end, none lost or doubled."""

import collections

import requests

from connectors.wire.events import encode
from connectors.wire.ids import new_id
from sandbox.manners.registry import MANNERS
from tests.sandbox.bureau import Bureau
from tests.sandbox.conftest import Running, Start

BODIES = ["court-990100", "police-990100", "agency-housing-990102"]
ENDS = {"CLOSED", "RETURNED", "DECLINED", "WITHDRAWN"}


def deliver(box: Running, bureau: Bureau, case: str, name: str, **data: object) -> None:
    """Send as a patient bureau does: the same id until there is a receipt, asking by key where the answer was lost."""
    event = bureau.event(case, name, **data)  # type: ignore[arg-type]
    raw = encode(event)
    for _ in range(200):
        try:
            answer = bureau.post(raw, event.id)
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            try:
                answer = bureau.get(f"/handoff/v1/messages/{event.id}")
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                box.clock.step(hours=1)
                continue
        if answer.status_code == 200:
            bureau.proven(answer, raw)
            return
        assert answer.status_code in (404, 429, 500, 503), answer.text
        box.clock.step(minutes=1)
    raise AssertionError("never receipted")


def test_every_case_of_every_manner_ends(start: Start) -> None:
    options = {
        "cycle": list(MANNERS),
        "options": {"silent": {"until_urged": 1}, "slow": {"margin_days": 1}, "objects_rightly": {"suggested_body": "court-990102"}},
    }
    box = start("mixed", options, bodies=BODIES)
    bureaus = {body: box.bureau(body) for body in BODIES}
    where: dict[str, str] = {}
    for number in range(len(MANNERS)):
        for place, (body, bureau) in enumerate(bureaus.items()):
            case = new_id()
            bureau.petitions[case] = f"XF99010020260302{place}{number:05d}"
            deliver(box, bureau, case, "handoff.request")
            where[case] = body
    answered: set[tuple[str, str, int]] = set()
    for _ in range(80):
        box.live(days=5, step_hours=20)
        states = {item.handoff_id: item for bureau in bureaus.values() for item in bureau.items()}
        assert set(states) == set(where)
        for case, item in states.items():
            bureau, key = bureaus[where[case]], (case, item.state, item.round)
            if key in answered:
                continue
            last = bureau.messages(case)[-1:]
            if item.state == "OBJECTED":
                decision = "upheld" if last[0].data["suggested_body"] else "rejected"
                deliver(box, bureau, case, "objection.decision", decision=decision)
            elif item.state == "REPORTED":
                review = "rework" if last[0].data["outcome_code"] == "incomplete" else "accepted"
                deliver(box, bureau, case, "result.review", round=item.round, review=review)
            elif item.state == "DELIVERED":
                deliver(box, bureau, case, "handoff.urge")
            elif item.state == "SUSPENDED":
                deliver(box, bureau, case, "handoff.supplement")
            else:
                continue
            answered.add(key)
        if all(item.state in ENDS for item in states.values()):
            break
    box.settle()
    ends = collections.Counter(item.state for bureau in bureaus.values() for item in bureau.items())
    assert ends == {"CLOSED": 36, "RETURNED": 3, "DECLINED": 3}
    effects = box.control("effects")
    assert {seen["cases"] for seen in effects.values()} == {1}
    assert {seen["quarantined"] for seen in effects.values()} == {0}
    for case, body in where.items():
        wanted = [event.id for event in bureaus[body].messages(case)]
        came = {event.id: None for _, event in box.hooks.seen if event.subject == case}
        assert set(wanted) <= set(came)
        # the hooks together heard every sequence number, without a gap
        assert sorted({event.sequence for _, event in box.hooks.seen if event.subject == case}) == list(range(1, len(wanted) + 1))
