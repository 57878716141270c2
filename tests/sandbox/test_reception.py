"""What a body's door lets in and what it says to the rest (handoff-protocol §1.5, §1.6, §1.9)."""

import dataclasses

import pytest

from connectors.wire import paths, problems
from connectors.wire.events import Event, encode
from connectors.wire.ids import new_id
from connectors.wire.signing import new_secret, sign
from tests.sandbox.conftest import Start


@pytest.mark.guarantee("P2")
def test_the_same_message_gets_the_same_receipt(start: Start) -> None:
    box = start()
    bureau = box.bureau()
    event = bureau.event(new_id(), "handoff.request")
    first = bureau.send(event)
    box.clock.step(days=100)
    assert bureau.send(event) == first
    assert bureau.proven(bureau.get(paths.message(event.id)), encode(event)) == first


@pytest.mark.guarantee("P2")
def test_the_same_id_with_another_body_is_refused(start: Start) -> None:
    bureau = start().bureau()
    event = bureau.event(new_id(), "handoff.request")
    bureau.send(event)
    changed = dataclasses.replace(event, data={**event.data, "title": "x"})
    answer = bureau.post(encode(changed), event.id)
    assert (answer.status_code, problems.decode(answer.content).slug) == (422, "key-reused")


def test_the_same_business_event_under_a_new_id_has_no_effect(start: Start) -> None:
    box = start()
    bureau = box.bureau()
    case = bureau.request()
    again = bureau.event(case, "handoff.request", sequence=1)
    assert bureau.send(again).status == "duplicate"
    seen = box.control("effects")[case]
    assert (seen["cases"], seen["received"], seen["duplicates"]) == (1, 2, 1)
    assert bureau.item(case).last_seq_in == 1


def test_gaps_are_held_and_applied_when_filled(start: Start) -> None:
    box = start("objects_rightly")
    bureau = box.bureau()
    case = new_id()
    first = bureau.event(case, "handoff.request")
    third = bureau.event(case, "handoff.supplement", sequence=3)
    second = bureau.event(case, "handoff.urge", sequence=2)
    assert bureau.send(third).status == "held"
    assert box.control("effects")[case]["cases"] == 0
    assert bureau.send(first).status == "stored"
    assert bureau.item(case).last_seq_in == 1
    assert bureau.send(dataclasses.replace(third, id=new_id())).status == "duplicate"
    assert bureau.send(second).status == "stored"
    assert bureau.item(case).last_seq_in == 3
    assert bureau.send(third).status == "held"  # the receipt given the first time, word for word


def test_what_has_no_edge_is_kept_without_effect(start: Start) -> None:
    box = start()
    bureau = box.bureau()
    case = bureau.request()
    bureau.say(case, "result.review", review="accepted")
    item = bureau.item(case)
    assert (item.state, item.last_seq_in) == ("DELIVERED", 2)
    assert box.control("effects")[case]["quarantined"] == 1


def test_a_hand_off_begins_with_its_request(start: Start) -> None:
    bureau = start().bureau()
    event = bureau.event(new_id(), "handoff.urge")
    answer = bureau.post(encode(event), event.id)
    assert (answer.status_code, problems.decode(answer.content).slug) == (409, "illegal-transition")


def test_refusals_name_their_reason(start: Start) -> None:
    box = start(bodies=["court-990100", "police-990100"])
    bureau, other = box.bureau(), box.bureau("police-990100")
    event = bureau.event(new_id(), "handoff.request")
    raw = encode(event)

    def refused(slug: str, status: int, headers: dict[str, str], raw: bytes = raw, message_id: str = event.id) -> None:
        answer = bureau.post(raw, message_id, headers=headers)
        assert (answer.status_code, problems.decode(answer.content).slug) == (status, slug)
        assert "webhook-signature" not in answer.headers

    now = int(box.clock.now().timestamp())
    refused("bad-signature", 401, {"webhook-signature": "v1,AAAA"})
    refused("bad-signature", 401, sign([new_secret()], event.id, now, raw))
    refused("bad-signature", 401, sign(bureau.to_body, event.id, now - 360, raw))
    refused("wrong-media-type", 415, {"Content-Type": "application/json"})
    refused("bad-event", 422, {}, b"{}")
    refused("bad-event", 422, {}, b"\xff")
    refused("bad-request", 400, {"Idempotency-Key": event.id})
    refused("bad-request", 400, {}, raw, new_id())
    refused("too-large", 413, {}, b" " * 300_000)
    astray = other.event(new_id(), "handoff.request")
    refused("wrong-recipient", 422, {}, encode(astray), astray.id)
    data = {**event.data, "office": "x", "person_role": "x", "signed_at": "2026-03-02T09:00:00+08:00"}
    backwards = dataclasses.replace(event, id=new_id(), type="cn.xf.handoff.signed.v1", data=data)
    refused("bad-event", 422, {}, encode(backwards), backwards.id)
    assert box.control("effects") == {}


def test_bodies_do_not_share_keys_or_cases(start: Start) -> None:
    box = start(bodies=["court-990100", "police-990100"])
    court, police = box.bureau(), box.bureau("police-990100")
    case = court.request()
    assert police.items() == []
    assert police.get(paths.handoff_messages(case, 0)).status_code == 404
    police.to_body = court.to_body
    assert police.get(paths.handoff_messages(case, 0)).status_code == 401
    nobody = box.bureau()
    nobody.base = nobody.base.replace("court-990100", "court-990199")
    assert nobody.get(paths.message(new_id())).status_code == 404


def test_a_captured_question_cannot_be_pointed_elsewhere(start: Start) -> None:
    box = start()
    bureau = box.bureau()
    captured = bureau.get(paths.message(new_id()))
    headers = {k: v for k, v in captured.request.headers.items() if k.startswith("webhook-")}
    answer = bureau.http.get(bureau.base + paths.message(new_id()), headers=headers, timeout=5)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?from=x&to=2026-03-02",
        "?from=2026-03-01&to=2026-03-02&limit=0",
        "?from=2026-03-01&to=2026-03-02&cursor=%C3%A9",
        "?from=2026-03-01&to=2026-03-02&cursor=MTI",
    ],
)
def test_a_bad_question_is_explained(start: Start, query: str) -> None:
    answer = start().bureau().get(paths.LEDGER + query)
    assert (answer.status_code, problems.decode(answer.content).slug) == (400, "bad-request")


def test_two_keys_are_valid_during_a_rotation(start: Start) -> None:
    bureau = start().bureau()
    newest, oldest = bureau.to_body
    for keys in ([newest], [oldest], [oldest, newest]):
        bureau.to_body = keys
        event: Event = bureau.event(new_id(), "handoff.request")
        assert bureau.send(event).status == "stored"
