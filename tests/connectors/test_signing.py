"""Signatures: the published vector, the published suite's cases, the library's known holes."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from connectors.wire.signing import BadKey, BadSignature, key_bytes, new_secret, request_target, sign, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
STAMP = 1614265330
BODY = b'{"test": 2432232314}'
VECTOR = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
THEN = datetime.fromtimestamp(STAMP, UTC)


def headers(**changes: str | None) -> dict[str, str]:
    values = {"id": ID, "timestamp": str(STAMP), "signature": VECTOR, **changes}
    return {f"webhook-{name}": value for name, value in values.items() if value is not None}


def reason(given_headers: dict[str, str], payload: bytes = BODY, now: datetime = THEN) -> str:
    with pytest.raises(BadSignature) as caught:
        verify([SECRET], given_headers, payload, now)
    return caught.value.reason


def test_the_published_vector() -> None:
    assert sign([SECRET], ID, STAMP, BODY) == headers()
    assert verify([SECRET], headers(), BODY, THEN) == ID


@pytest.mark.parametrize("missing", ["id", "timestamp", "signature"])
def test_a_missing_or_empty_header(missing: str) -> None:
    assert reason(headers(**{missing: None})) == "missing"
    assert reason(headers(**{missing: ""})) == "missing"


@pytest.mark.parametrize("stamp", ["hello", "1614265330.5", "-1614265330", "+1614265330", "1e9", "１６", "9" * 13, " 16"])
def test_a_timestamp_that_is_no_whole_number(stamp: str) -> None:
    assert reason(headers(timestamp=stamp)) == "malformed"


@pytest.mark.parametrize(
    "marks",
    ["v1", "v1,", "v1,###", "nonsense", VECTOR[:-10], "v2," + VECTOR[3:], "v1;" + VECTOR[3:], " ".join([VECTOR] * 9)],
)
def test_a_signature_that_cannot_be_read(marks: str) -> None:
    assert reason(headers(signature=marks)) == "malformed"


def test_a_wrong_signature() -> None:
    assert reason(headers(signature="v1," + b64encode(b"x" * 32).decode())) == "mismatch"
    assert reason(headers(), BODY + b" ") == "mismatch"
    assert reason(headers(id="other")) == "mismatch"
    assert reason(headers(timestamp=str(STAMP + 1))) == "mismatch"


def test_a_body_that_is_no_utf8_is_a_mismatch_not_a_crash() -> None:
    assert reason(headers(), b"\xff\xfe") == "mismatch"


@pytest.mark.parametrize("bad", ["a.b", "a b", "x" * 65, "编号"])
def test_an_id_that_may_not_be_signed(bad: str) -> None:
    assert reason(headers(id=bad)) == "malformed"
    with pytest.raises(ValueError, match="letters, digits"):
        sign([SECRET], bad, STAMP, BODY)


def test_five_minutes_hold_and_one_second_more_does_not() -> None:
    for side in (-1, 1):
        assert verify([SECRET], headers(), BODY, THEN + side * timedelta(seconds=300)) == ID
        assert reason(headers(), now=THEN + side * timedelta(seconds=301)) == "stale"


def test_noise_beside_a_good_signature_does_no_harm() -> None:
    noisy = f"v2,abc nocomma v1,!!! v1,{b64encode(b'y' * 32).decode()} {VECTOR}"
    assert verify([SECRET], headers(signature=noisy), BODY, THEN) == ID


def test_header_names_in_any_case() -> None:
    assert verify([SECRET], {name.title(): value for name, value in headers().items()}, BODY, THEN) == ID


def test_both_keys_are_good_while_a_key_is_changed() -> None:
    new = new_secret()
    both = sign([new, SECRET], ID, STAMP, BODY)
    assert len(both["webhook-signature"].split(" ")) == 2
    for keys in ([new], [SECRET], [new_secret(), SECRET]):
        assert verify(keys, both, BODY, THEN) == ID
    with pytest.raises(BadSignature, match="mismatch"):
        verify([new_secret()], both, BODY, THEN)


def test_a_key_with_or_without_prefix_and_padding() -> None:
    bare = b64encode(b"k" * 32).decode()
    assert key_bytes("whsec_" + bare) == key_bytes(bare) == key_bytes(bare.rstrip("=")) == b"k" * 32
    assert len(key_bytes(new_secret())) == 32


@pytest.mark.parametrize("bad", ["", "whsec_", "whsec_%%%", "whsec_" + b64encode(b"short").decode(), "密钥"])
def test_a_secret_that_is_none_is_named_without_showing_it(bad: str) -> None:
    with pytest.raises(BadKey) as caught:
        key_bytes(bad)
    assert not bad or bad not in str(caught.value)
    with pytest.raises(BadKey):
        sign([], ID, STAMP, BODY)


def test_a_get_is_bound_to_its_path() -> None:
    target = request_target("get", "/handoff/v1/messages/1?x=2")
    assert target == b"GET /handoff/v1/messages/1?x=2"
    got = sign([SECRET], ID, STAMP, target)
    assert reason(got, request_target("GET", "/handoff/v1/messages/2?x=2")) == "mismatch"


@given(body=st.text().map(str.encode), secret=st.binary(min_size=24, max_size=64))
def test_the_library_and_ours_agree(body: bytes, secret: bytes) -> None:
    key = "whsec_" + b64encode(secret).decode()
    now = datetime.now(UTC)
    library = Webhook(key)
    ours = sign([key], ID, int(now.timestamp()), body)
    library.verify(body, ours, json_parse=False)
    assert library.sign(ID, now, body.decode()) == ours["webhook-signature"]


@given(body=st.binary(min_size=1, max_size=200), place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_any_changed_byte_breaks_it(body: bytes, place: int, flip: int) -> None:
    good = sign([SECRET], ID, STAMP, body)
    assert verify([SECRET], good, body, THEN) == ID
    changed = bytearray(body)
    changed[place % len(body)] ^= flip
    assert reason(good, bytes(changed)) == "mismatch"


@given(st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()))
def test_no_header_makes_it_raise_anything_else(any_headers: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        verify([SECRET], any_headers, BODY, THEN)
