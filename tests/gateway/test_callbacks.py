"""What a callback is answered, check by check, over a real socket and a real ledger."""

from __future__ import annotations

import gzip
import json
import socket
import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.base import Keys
from connectors.wire import receipts
from connectors.wire.events import encode, new_id
from connectors.wire.signing import new_secret, verify
from tests.gateway.conftest import COURT, HOUSING, SECRET_WORDS, Ledger
from tests.gateway.partner import Case, Partner, Reply, call


@pytest.fixture
def court(gateway: str, ledger: Ledger) -> Partner:
    return ledger.partner(gateway, COURT)


@pytest.fixture
def case(ledger: Ledger) -> Case:
    return ledger.issue(COURT)[0]


def stored(ledger: Ledger) -> int:
    return int(str(ledger.rows("select count(*) from inbox")[0][0]))


def refused(answer: Reply, status: int, slug: str, ledger: Ledger) -> None:
    """A problem document, and nothing stored."""
    assert (answer.status, answer.slug) == (status, slug), answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["origin"] in ("sender", "receiver")
    assert answer.json["retry"] in ("never", "same-key", "after")
    assert "webhook-signature" not in answer.headers
    assert stored(ledger) == 0


def test_a_good_callback_is_stored_and_receipted(court: Partner, case: Case, ledger: Ledger) -> None:
    event = court.event(case)
    answer = court.post(event)
    assert answer.status == 202, answer.body
    receipt = receipts.decode(answer.body)
    assert receipt.message_id == event.id
    assert receipt.status == "stored"
    assert receipt.body_digest == receipts.body_digest(encode(event))
    assert verify(court.keys.to_body, answer.headers, answer.body, ledger.time.now()) == receipt.receipt_id
    assert ledger.rows("select body, message_id, handoff_id, petition_no, message, state from inbox") == [
        (COURT, event.id, case.handoff_id, case.petition_no, "handoff.signed", "RECEIVED")
    ]


def test_a_forged_signature_is_refused(court: Partner, case: Case, ledger: Ledger) -> None:
    refused(court.post(court.event(case), keys=(new_secret(),)), 401, "bad-signature", ledger)


def test_the_bureaus_own_key_signs_nothing_for_a_body(court: Partner, case: Case, ledger: Ledger) -> None:
    refused(court.post(court.event(case), keys=court.keys.to_body), 401, "bad-signature", ledger)


def test_a_changed_body_is_refused(court: Partner, case: Case, ledger: Ledger) -> None:
    event = court.event(case)
    raw = encode(event)
    refused(court.post_raw(raw, event.id, body=raw.replace("立案庭".encode(), "执行庭".encode())), 401, "bad-signature", ledger)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_an_unsigned_callback_is_refused(court: Partner, case: Case, ledger: Ledger, missing: str) -> None:
    refused(court.post(court.event(case), headers={missing: None}), 401, "bad-signature", ledger)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_stale_stamp_is_refused(court: Partner, case: Case, ledger: Ledger, seconds: int) -> None:
    refused(court.post(court.event(case), at=court.now + timedelta(seconds=seconds)), 401, "bad-signature", ledger)


def test_a_replay_after_five_minutes_is_refused_and_before_it_changes_nothing(court: Partner, case: Case, ledger: Ledger) -> None:
    event = court.event(case)
    first = court.post(event)
    assert court.post(event).body == first.body
    ledger.time.advance(timedelta(minutes=6))
    late = court.post(event)
    assert (late.status, late.slug) == (401, "bad-signature")
    assert stored(ledger) == 1


def test_an_oversized_body_is_refused_by_its_length(court: Partner, case: Case, ledger: Ledger) -> None:
    raw = b"x" * (ledger.settings.max_body_bytes + 1)
    refused(court.post_raw(raw, new_id()), 413, "too-large", ledger)


def test_an_oversized_body_without_a_length_is_refused_as_it_streams(court: Partner, case: Case, ledger: Ledger) -> None:
    where = urlsplit(court.url)
    with socket.create_connection((where.hostname, where.port), timeout=20) as connection:
        connection.sendall(f"POST /hooks/{COURT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(80):
            connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        head = connection.recv(65_536)
    assert head.startswith(b"HTTP/1.1 413")
    assert stored(ledger) == 0


def test_a_sender_that_breaks_off_leaves_nothing(court: Partner, case: Case, ledger: Ledger) -> None:
    where = urlsplit(court.url)
    with socket.create_connection((where.hostname, where.port), timeout=20) as connection:
        connection.sendall(f"POST /hooks/{COURT} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nhalf".encode())
    assert court.post(court.event(case)).status == 202
    assert stored(ledger) == 1


@pytest.mark.parametrize("media", ["application/json", "text/plain", "", "application/cloudevents+json; charset=gbk"])
def test_another_media_type_is_refused(court: Partner, case: Case, ledger: Ledger, media: str) -> None:
    refused(court.post(court.event(case), headers={"Content-Type": media}), 415, "wrong-media-type", ledger)


def test_a_compressed_body_is_refused(court: Partner, case: Case, ledger: Ledger) -> None:
    event = court.event(case)
    packed = gzip.compress(encode(event))
    refused(court.post_raw(packed, event.id, headers={"Content-Encoding": "gzip"}), 415, "wrong-media-type", ledger)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{}", b"[]", b"null", b"\xff\xfe", "{\"id\": \"中文\"}".encode("gbk"), b"[" * 100_000, b'{"a":' * 3000 + b"1" + b"}" * 3000,
        b'{"id":"a","id":"b"}', b'{"id": NaN}', b'{"id": "\\u0000"}', b'{"id": "\\ud800"}', b'{"id": 1e999}', b'{"id": ' + b"9" * 5000 + b"}",
    ],
    ids=["empty", "bare", "list", "null", "not-utf8", "gbk", "deep-list", "deep", "twice", "nan", "nul", "surrogate", "infinite", "digits"],
)
def test_bytes_that_are_no_message_are_refused(court: Partner, ledger: Ledger, raw: bytes) -> None:
    refused(court.post_raw(raw, new_id()), 422, "bad-event", ledger)


def changed(court: Partner, case: Case, change: dict[str, Any], inner: dict[str, Any]) -> tuple[bytes, str]:
    event = court.event(case)
    value = json.loads(encode(event))
    value |= change
    value["data"] |= inner
    return json.dumps(value, ensure_ascii=False).encode(), event.id


@pytest.mark.parametrize(
    ("change", "inner", "status", "slug"),
    [
        ({}, {"to": "urn:xf:bureau:990102"}, 422, "wrong-recipient"),
        ({}, {"to": "urn:xf:court:990100"}, 422, "wrong-recipient"),
        ({"source": "urn:xf:agency:housing:990102"}, {}, 422, "wrong-recipient"),
        ({"source": "urn:xf:bureau:990100"}, {}, 422, "wrong-recipient"),
        ({"type": "cn.xf.handoff.request.v1"}, {}, 422, "bad-event"),
        ({"type": "cn.xf.handoff.urge.v1"}, {}, 422, "bad-event"),
        ({"type": "cn.xf.handoff.unheard.v1"}, {}, 422, "bad-event"),
        ({"sequence": "0000000000"}, {}, 422, "bad-event"),
        ({"sequence": "9999999999"}, {}, 422, "bad-event"),
        ({"time": "2026-03-02T10:00:00"}, {}, 422, "bad-event"),
        ({"id": "another"}, {}, 400, "bad-request"),
        ({}, {"office": "x" * 400}, 422, "bad-event"),
        ({}, {"petition_no": "XF99010020260302999999"}, 422, "bad-event"),
    ],
)
def test_a_signed_message_that_must_not_come_is_refused(
    court: Partner, case: Case, ledger: Ledger, change: dict[str, Any], inner: dict[str, Any], status: int, slug: str
) -> None:
    refused(court.post_raw(*changed(court, case, change, inner)), status, slug, ledger)


@pytest.mark.parametrize("key", ['"another"', "unquoted", ""])
def test_the_idempotency_key_must_be_the_message_id(court: Partner, case: Case, ledger: Ledger, key: str) -> None:
    refused(court.post(court.event(case), headers={"Idempotency-Key": key}), 400, "bad-request", ledger)


def test_the_idempotency_key_may_be_left_out(court: Partner, case: Case) -> None:
    assert court.post(court.event(case), headers={"Idempotency-Key": None}).status == 202


def test_an_unknown_body_is_answered_as_a_bad_signature(court: Partner, case: Case, ledger: Ledger) -> None:
    event = court.event(case)
    forged = court.post(event, keys=(new_secret(),))
    for code in ("court-999999", "agency-nothing-990100", "..court", "police-990100", "%E6%B3%95%E9%99%A2"):
        answer = court.post(event, code=code)
        refused(answer, 401, "bad-signature", ledger)
        assert answer.body == forged.body


def test_an_unknown_body_takes_as_long_as_a_bad_signature(court: Partner, case: Case) -> None:
    raw, event_id = b"x" * 200_000, new_id()
    took: dict[str, list[float]] = {COURT: [], "court-999999": []}
    for _ in range(30):
        for code, times in took.items():
            begun = time.perf_counter()
            assert court.post_raw(raw, event_id, keys=(new_secret(),), code=code).status == 401
            times.append(time.perf_counter() - begun)
    known, unknown = (sorted(times)[15] for times in took.values())
    assert 0.5 < known / unknown < 2


def test_another_bodys_path_is_closed_to_a_body(court: Partner, case: Case, ledger: Ledger) -> None:
    refused(court.post(court.event(case), code=HOUSING), 401, "bad-signature", ledger)


def test_a_foreign_hand_off_and_one_that_does_not_exist_are_told_alike(court: Partner, ledger: Ledger) -> None:
    foreign = ledger.issue(HOUSING)[0]
    nothing = Case(foreign.petition_no, new_id(), COURT)
    answers = [court.post(court.event(case)) for case in (foreign, nothing)]
    for answer in answers:
        refused(answer, 404, "unknown-handoff", ledger)
    assert answers[0].body == answers[1].body


@pytest.mark.guarantee("F14", "M5")
def test_a_duplicate_gets_the_identical_receipt_signed_anew(court: Partner, case: Case, ledger: Ledger) -> None:
    event = court.event(case)
    first = court.post(event)
    ledger.time.advance(timedelta(seconds=90))
    again = court.post(event)
    assert (first.status, again.status) == (202, 202)
    assert again.body == first.body
    assert again.headers["webhook-id"] == first.headers["webhook-id"]
    assert again.headers["webhook-timestamp"] != first.headers["webhook-timestamp"]
    assert verify(court.keys.to_body, again.headers, again.body, ledger.time.now())
    assert stored(ledger) == 1


@pytest.mark.guarantee("F14")
def test_the_same_id_with_other_bytes_is_refused(court: Partner, case: Case, ledger: Ledger) -> None:
    event = court.event(case)
    assert court.post(event).status == 202
    other = court.event(case, id=event.id, data={"office": "执行庭", "person_role": "收件员", "signed_at": "2026-03-02T10:00:00+08:00"})
    answer = court.post(other)
    assert (answer.status, answer.slug, answer.json["retry"]) == (422, "key-reused", "never")
    assert stored(ledger) == 1


@pytest.mark.guarantee("F16")
def test_a_gap_is_held_and_filled(court: Partner, case: Case, ledger: Ledger) -> None:
    def status(sequence: int) -> str:
        answer = court.post(court.event(case, sequence))
        assert answer.status == 202
        return receipts.decode(answer.body).status

    assert [status(n) for n in (1, 3, 4, 2, 5, 2)] == ["stored", "held", "held", "stored", "stored", "duplicate"]
    assert stored(ledger) == 6


def test_old_and_new_key_are_accepted_until_the_old_is_retired(court: Partner, case: Case, ledger: Ledger) -> None:
    fresh = ledger.keyring.rotate(COURT)
    old = court.post(court.event(case, 1), keys=court.keys.from_body)
    assert old.status == 202
    # The answer bears both signatures: a body that has only the old key, or only the new one, can check it.
    for key in fresh.to_body:
        assert verify((key,), old.headers, old.body, ledger.time.now())
    assert court.post(court.event(case, 2), keys=fresh.from_body[:1]).status == 202
    ledger.keyring.retire(COURT)
    answer = court.post(court.event(case, 3), keys=court.keys.from_body)
    assert (answer.status, answer.slug) == (401, "bad-signature")
    assert court.post(court.event(case, 4), keys=fresh.from_body[:1]).status == 202


def test_a_second_header_of_a_kind_is_not_believed(court: Partner, case: Case, ledger: Ledger) -> None:
    event = court.event(case)
    raw = encode(event)
    answer = court.post_raw(raw, event.id, headers={"Webhook-Id": "another"})
    assert answer.status == 401
    assert stored(ledger) == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_refused(gateway: str, ledger: Ledger, method: str) -> None:
    answer = call(gateway, method, f"/hooks/{COURT}")
    refused(answer, 405, "method-not-allowed", ledger)
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/", "/hooks", "/hooks/", "/hooks/a/b", "/hooks/court-990100/", "/petitions/a/b", "/hooks/%00", "/%ff"])
def test_a_path_that_is_none_is_a_problem(gateway: str, path: str) -> None:
    answer = call(gateway, "POST", path, {}, b"")
    assert answer.status in (401, 404)
    assert answer.headers["content-type"] == "application/problem+json"


def test_nothing_of_the_content_is_in_a_problem_or_a_log(
    court: Partner, case: Case, ledger: Ledger, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    word = SECRET_WORDS[1]
    caplog.set_level("DEBUG")
    answers = [
        court.post_raw(*changed(court, case, {}, {"office": word * 100})),
        court.post_raw(*changed(court, case, {"type": word}, {})),
        court.post_raw(*changed(court, case, {"subject": word}, {"handoff_id": word})),
        court.post_raw(f'{{"{word}": {word}'.encode(), new_id()),
        court.post_raw(*changed(court, case, {}, {"to": word})),
        court.post(court.event(case), keys=(new_secret(),)),
    ]
    assert all(answer.status >= 400 for answer in answers)
    told = b"".join(answer.body for answer in answers).decode()
    out, err = capfd.readouterr()
    for text in (told, caplog.text, out, err):
        assert not any(secret in text for secret in SECRET_WORDS)


def test_keys_without_a_file_are_no_keys(court: Partner, case: Case) -> None:
    stranger = Partner(court.url, "police-990100", Keys((new_secret(),), (new_secret(),)), court.now)
    assert stranger.post(stranger.event(case)).status == 401
