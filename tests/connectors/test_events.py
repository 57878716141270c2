"""Messages: what is encoded is decoded, what breaks the format is named and never quoted."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.wire.events import (
    MAX_BODY_BYTES,
    TO_BODY,
    TO_BUREAU,
    BadEvent,
    check_data,
    code_of,
    decode,
    encode,
    event_type,
    message_name,
    new_id,
    urn_of,
)
from connectors.wire.strictjson import loads
from tests.connectors.partner import BUREAU, COURT, NOW, PETITION, event

EXAMPLES: dict[str, dict[str, Any]] = {
    "handoff.request": {"attachments": [{"name": "材料.pdf", "size": 9, "digest": f"sha-256=:{'A' * 43}=:"}]},
    "handoff.urge": {},
    "handoff.supplement": {},
    "objection.decision": {"decision": "upheld"},
    "arbitration.ruling": {"decision": "rejected"},
    "result.review": {"review": "rework", "defects": ["事实不清"]},
    "handoff.withdraw": {},
    "handoff.signed": {"office": "立案庭", "person_role": "登记员", "signed_at": "2026-02-13T16:41:00+08:00"},
    "handoff.objected": {"reason_code": "level", "reason": "不属本院管辖", "suggested_body": None},
    "handoff.accepted": {"partner_case_no": "（2026）澜01民初1号", "procedure": "民事一审", "told_on": "2026-02-20"},
    "handoff.declined": {"legal_basis": "某条", "reason": "已过期", "remedy": "上诉", "remedy_limit": "10日"},
    "handoff.progress": {"note": "已开庭"},
    "supplement.requested": {"items": ["身份证明"], "party": "petitioner"},
    "handoff.suspended": {"reason": "待鉴定"},
    "handoff.resumed": {},
    "handoff.extended": {"approver": "院长", "reason": "复杂", "days": 30},
    "handoff.result": {"outcome_code": "supported", "document_no": "1", "opinion": "支持", "attachments": []},
    "handoff.supervise": {"ground": "overdue", "reason": "逾期未办结"},
    "hearing.opened": {"opened_on": "2026-03-02"},
    "hearing.closed": {"closed_on": "2026-03-05"},
    "handoff.settled": {"kind": "mediation", "agreed_on": "2026-03-05", "document_no": "1", "opinion": "达成协议"},
    "handoff.concluded": {"document_no": "1", "legal_basis": "某条", "opinion": "依法终结"},
    "handoff.forwarded": {"to_subordinate": "urn:xf:court:990102"},
    "withdraw.answer": {"agreed": True},
}


def envelope(**changes: Any) -> bytes:
    value = {**json.loads(encode(event())), **changes}
    return json.dumps({name: inner for name, inner in value.items() if inner is not ...}).encode()


def fault(raw: bytes) -> str:
    with pytest.raises(BadEvent) as caught:
        decode(raw)
    return caught.value.detail


def test_the_names_of_both_directions() -> None:
    assert set(EXAMPLES) == TO_BODY | TO_BUREAU
    assert not TO_BODY & TO_BUREAU
    for name in EXAMPLES:
        assert message_name(event_type(name)) == name
    for unknown in ("handoff.eaten", ""):
        with pytest.raises(BadEvent):
            event_type(unknown)
        with pytest.raises(BadEvent):
            message_name(unknown)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_message_round_trips_and_needs_its_fields(name: str) -> None:
    sent = event(name, **EXAMPLES[name])
    assert decode(encode(sent)) == sent
    for field in ("petition_no", "handoff_id", "round", "to"):
        with pytest.raises(BadEvent, match=field):
            check_data(name, {key: value for key, value in sent.data.items() if key != field})
    for field in EXAMPLES[name]:
        with pytest.raises(BadEvent, match=field):
            check_data(name, {**sent.data, field: 3.5})


def test_the_form_on_the_wire() -> None:
    raw = encode(replace(event(), sequence=7))
    assert b'"sequence":"0000000007"' in raw
    assert b'"time":"2026-02-13T16:40:00+08:00"' in raw
    assert b": " not in raw
    assert json.loads(raw)["specversion"] == "1.0"


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(
    more=st.dictionaries(texts.filter(lambda name: name not in ("due", "attachments")), values, max_size=6),
    instant=st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    offset=st.integers(-14, 14),
    sequence=st.integers(1, 9_999_999_999),
)
def test_round_trip(more: dict[str, Any], instant: datetime, offset: int, sequence: int) -> None:
    base = event()
    local = instant.astimezone(timezone(timedelta(hours=offset)))
    sent = replace(base, time=local, sequence=sequence, data={**more, **base.data})
    raw = encode(sent)
    got = decode(raw)
    assert got == sent
    assert got.time.tzinfo is UTC
    assert encode(got) == raw


@given(st.binary(max_size=200))
def test_any_bytes_give_an_event_or_a_reason(raw: bytes) -> None:
    with pytest.raises(BadEvent):
        decode(raw)


@given(values, st.sampled_from(["id", "source", "type", "subject", "time", "sequence", "data", "specversion"]))
def test_any_value_in_an_attribute_gives_a_reason(value: Any, name: str) -> None:
    with suppress(BadEvent):
        decode(envelope(**{name: value}))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"specversion": ...}, "specversion"),
        ({"id": "a.b"}, "id must"),
        ({"id": ...}, "id must"),
        ({"source": "court"}, "source"),
        ({"type": "cn.xf.handoff.request.v2"}, "type is unknown"),
        ({"type": ["x"]}, "type is unknown"),
        ({"subject": new_id()}, "subject"),
        ({"time": "2026-02-13T16:40:00"}, "time"),
        ({"time": "2026-02-30T16:40:00Z"}, "time"),
        ({"time": "20260213T164000Z"}, "time"),
        ({"sequence": 1}, "sequence"),
        ({"sequence": "1"}, "sequence"),
        ({"sequence": "0000000000"}, "sequence"),
        ({"sequence": "１２３４５６７８９０"}, "sequence"),
        ({"datacontenttype": "text/plain"}, "datacontenttype"),
        ({"data": []}, "data must"),
        ({"data_base64": "AA=="}, "data_base64"),
    ],
)
def test_a_broken_envelope_is_named(changes: dict[str, Any], word: str) -> None:
    assert word in fault(envelope(**changes))


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff{}", "UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"a":1,"a":2}', "repeats"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":1e999}', "too large"),
        (b'{"a":"\\u0000"}', "NUL"),
        (b'{"\\u0000":1}', "NUL"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"a":' + b"[" * 20 + b"]" * 20 + b"}", "nested"),
        (b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}", "nested"),
        (b'{"a":' + b"9" * 5000 + b"}", "digits"),
        (b" " * (MAX_BODY_BYTES + 1), "at most"),
    ],
)
def test_json_that_two_readers_could_read_differently_is_refused(raw: bytes, word: str) -> None:
    assert word in fault(raw)


def test_an_escaped_backslash_before_u0000_is_plain_text() -> None:
    assert loads(b'{"a":"\\\\u0000"}', 100) == {"a": "\\u0000"}


def test_reasons_quote_nothing_of_the_content() -> None:
    secret = "张三丰住在东屿区"
    broken = event("handoff.objected", reason_code="x", reason="y")
    for data in ({**broken.data, "to": secret}, {**broken.data, "reason": [secret]}, {secret: secret}):
        with pytest.raises(BadEvent) as caught:
            encode(replace(broken, data=data))
        assert secret not in str(caught.value)
    assert secret not in repr(event(title=secret))


def test_too_long_or_naive_is_refused_where_it_is_made() -> None:
    with pytest.raises(BadEvent, match="attachments"):
        encode(event(text="长" * 100_000))
    with pytest.raises(BadEvent, match="time zone"):
        encode(replace(event(), time=NOW.replace(tzinfo=None)))
    with pytest.raises(BadEvent, match="surrogate"):
        encode(event(text="\ud800"))


def test_codes_and_urns() -> None:
    assert urn_of("agency-housing-990102") == "urn:xf:agency:housing:990102"
    assert code_of("urn:xf:agency:housing:990102") == "agency-housing-990102"
    assert code_of(COURT) == "court-990100"
    assert urn_of("bureau-990100") == BUREAU
    for bad in ("", "Court-1", "court", "court--1", "court:1", "court-1\n"):
        with pytest.raises(ValueError, match="body code"):
            urn_of(bad)
    for bad in ("", "urn:xf:court", "urn:xf:court-1", "urn:xf:court:1\n", "urn:x:court:1"):
        with pytest.raises(ValueError, match="body URN"):
            code_of(bad)


def test_new_ids_are_uuid7_in_order_and_unlike() -> None:
    ids = [new_id() for _ in range(2000)]
    assert len(set(ids)) == 2000
    assert all(one[14] == "7" and one[19] in "89ab" and len(one) == 36 for one in ids)
    assert [one[:18] for one in ids] == sorted(one[:18] for one in ids)
    at = new_id(NOW)
    assert int(at.replace("-", "")[:12], 16) == int(NOW.timestamp() * 1000)
    with pytest.raises(ValueError, match="time zone"):
        new_id(NOW.replace(tzinfo=None))
    assert PETITION.startswith("XF")
