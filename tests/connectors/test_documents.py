"""Receipts, problems, ledgers and pages: round trips, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.wire import ledger, pages, problems, receipts
from connectors.wire.events import new_id
from connectors.wire.ledger import BadLedger, DayDigest, Item, canonical_line, day_digest, digest
from connectors.wire.receipts import BadReceipt, Receipt, body_digest
from tests.connectors.partner import NOW, PETITION, encoded

instants = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
RECEIPT = Receipt("r-1", "m-1", NOW, body_digest(b"x"), "stored")
ITEM = Item(new_id(), PETITION, None, "DELIVERED", 1, 1, 0, NOW, body_digest(b"x"))
items = st.builds(
    Item,
    handoff_id=st.uuids().map(str),
    petition_no=st.just(PETITION),
    partner_case_no=st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    state=st.sampled_from(["DELIVERED", "SIGNED", "IN_PROGRESS"]),
    round=st.integers(1, 9),
    last_seq_in=st.integers(0, 99),
    last_seq_out=st.integers(0, 99),
    updated_at=instants,
    body_digest=st.binary().map(body_digest),
)


def test_the_digest_of_a_body() -> None:
    # RFC 9530's own example of sha-256, appendix B.1
    example = b'{"hello": "world"}\n'
    assert body_digest(example) == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"


@given(st.builds(Receipt, st.just("r"), st.just("m"), instants, st.binary().map(body_digest), st.just("held")))
def test_receipts_round_trip(receipt: Receipt) -> None:
    assert receipts.decode(receipts.encode(receipt)) == receipt


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("receipt_id", ""),
        ("message_id", 7),
        ("received_at", "yesterday"),
        ("body_digest", "sha-256=:x:"),
        ("status", "done"),
        ("status", ["stored"]),
    ],
)
def test_a_broken_receipt_is_named(field: str, value: Any) -> None:
    broken = json.loads(receipts.encode(RECEIPT)) | {field: value}
    with pytest.raises(BadReceipt, match=field):
        receipts.decode(json.dumps(broken).encode())


def test_problems_round_trip_and_default() -> None:
    usual = [
        problems.bad_request("x"),
        problems.bad_signature("stale"),
        problems.not_allowed("x"),
        problems.unknown_body(),
        problems.unknown_message(),
        problems.unknown_handoff(),
        problems.in_progress(),
        problems.already_processed(),
        problems.illegal_transition("x"),
        problems.too_large(9),
        problems.wrong_media_type(),
        problems.bad_event("x"),
        problems.wrong_recipient(),
        problems.key_reused(),
        problems.too_many(),
        problems.internal(),
        problems.unavailable(),
        replace(problems.internal(), instance="urn:uuid:1"),
    ]
    for problem in usual:
        assert problems.decode(problems.encode(problem)) == problem
        assert problem.type == problems.PREFIX + problem.slug
    bare = problems.decode(b"{}", 418)
    assert (bare.type, bare.status, bare.origin, bare.retry) == ("about:blank", 418, "receiver", "never")
    for wrong in (b"[]", b'{"title":1}', b'{"status":"x"}', b'{"instance":1}', b"<html>"):
        with pytest.raises(problems.BadProblem):
            problems.decode(wrong)


def test_the_words_of_a_problem_stay_out_of_its_repr() -> None:
    assert "张三丰" not in repr(replace(problems.internal(), title="张三丰", detail="张三丰"))


def test_the_canonical_line() -> None:
    line = canonical_line(ITEM)
    assert line == f"{ITEM.handoff_id}|1|DELIVERED|1|0|{ITEM.body_digest}\n".encode()
    assert digest([]) == sha256(b"").hexdigest()


@given(st.lists(items, max_size=6), st.randoms())
def test_a_digest_does_not_depend_on_order_and_pages_round_trip(found: list[Item], rng: Any) -> None:
    day = date(2026, 2, 13)
    mixed = list(found)
    rng.shuffle(mixed)
    assert day_digest(day, mixed) == day_digest(day, found)
    for cursor in (None, "c"):
        page = ledger.decode_page(ledger.encode_page(found, cursor))
        assert page == ledger.Page(found, cursor, cursor is None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("handoff_id", "x"),
        ("petition_no", ""),
        ("partner_case_no", 1),
        ("state", "SIGNED|1"),
        ("round", 0),
        ("round", True),
        ("last_seq_in", -1),
        ("last_seq_out", "1"),
        ("updated_at", None),
        ("body_digest", "x"),
    ],
)
def test_a_broken_item_is_named(field: str, value: Any) -> None:
    page = json.loads(ledger.encode_page([ITEM], None))
    page["items"][0][field] = value
    with pytest.raises(BadLedger, match=field):
        ledger.decode_page(json.dumps(page).encode())


@pytest.mark.parametrize(
    "page",
    [
        {"items": {}, "next_cursor": None, "complete": True},
        {"items": [1], "next_cursor": None, "complete": True},
        {"items": [], "next_cursor": "c", "complete": True},
        {"items": [], "next_cursor": None, "complete": False},
        {"items": [], "next_cursor": "", "complete": False},
        {"items": [], "next_cursor": None},
    ],
)
def test_a_broken_page_is_refused(page: dict[str, Any]) -> None:
    with pytest.raises(BadLedger):
        ledger.decode_page(json.dumps(page).encode())


def test_digests_round_trip_and_are_checked() -> None:
    days = [DayDigest(date(2026, 2, 13), 2, "a" * 64), DayDigest(date(2026, 2, 14), 0, digest([]))]
    assert ledger.decode_digests(ledger.encode_digests(days)) == ledger.Digests(days)
    for wrong in (
        {},
        {"days": [1]},
        {"days": [{"day": "x", "count": 1, "sha256": "a" * 64}]},
        {"days": [{"day": "2026-02-13", "count": -1, "sha256": "a" * 64}]},
        {"days": [{"day": "2026-02-13", "count": 1, "sha256": "A" * 64}]},
        {"days": [{"day": "2026-02-13", "count": 1, "sha256": "a" * 64}] * 2},
    ):
        with pytest.raises(BadLedger):
            ledger.decode_digests(json.dumps(wrong).encode())


def test_messages_come_back_byte_for_byte() -> None:
    odd = b'{ "a" : "\\u4e2d\xe4\xb8\xad" }'
    sent = [encoded(), odd]
    assert pages.decode_messages(pages.encode_messages(sent, True)) == pages.MessagePage(sent, True)
    with pytest.raises(pages.BadPage):
        pages.encode_messages([b"\xff"], True)
    for wrong in (b"{}", b'{"messages":[{}],"complete":true}', b'{"messages":[],"complete":false}', b"[]"):
        with pytest.raises(pages.BadPage):
            pages.decode_messages(wrong)
