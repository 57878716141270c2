"""Digests of parts of days and the second form of the line: asked for, negotiated in the answer, and nothing believed that was not asked for."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import CallFailed
from connectors.wire import ledger, paths, problems
from connectors.wire.events import new_id
from connectors.wire.ledger import BadLedger, DayDigest, Digests, Item, canonical_line, day_digest, day_digests, decode_digests, encode_digests
from connectors.wire.receipts import body_digest
from tests.connectors.partner import NOW, PETITION, Reply, Request, partner, signed

DAY = date(2026, 2, 13)
ITEMS = st.lists(st.tuples(st.integers(0, 2**62), st.sampled_from([None, "", "（2026）澜01信1号", "a|b"]), st.sampled_from(["SIGNED", "ACCEPTED"]), st.integers(0, 5)),
                 max_size=30, unique_by=lambda each: each[0])


def item(number: int | None = None, case_no: str | None = None, state: str = "SIGNED", last_in: int = 1) -> Item:
    handoff = new_id() if number is None else f"0199aaaa-0000-7000-8{number >> 48 & 0xfff:03x}-{number & (2**48 - 1):012x}"
    return Item(handoff, PETITION, case_no, state, 1, last_in, 1, NOW, body_digest(b"x"))


def asked(request: Request) -> dict[str, list[str]]:
    return parse_qs(urlsplit(request.path).query)


def answered(request: Request, days: list[DayDigest], line: int = 1, split: int = 1) -> Reply:
    return signed(encode_digests(days, line, split), request.headers["webhook-id"])


def test_the_second_line_ends_with_the_case_number() -> None:
    plain, told = item(1), item(1, "（2026）澜01信1号")
    assert canonical_line(plain, 2) == canonical_line(plain)[:-1] + b"|\n"
    assert canonical_line(told, 2) == canonical_line(plain)[:-1] + "|（2026）澜01信1号\n".encode()
    assert canonical_line(told) == canonical_line(plain)
    assert day_digest(DAY, [told], 2) != day_digest(DAY, [plain], 2)


@given(ITEMS, st.sampled_from(ledger.SPLITS), st.sampled_from(ledger.LINES))
def test_parts_are_the_day_cut_and_come_through_the_wire(some: list[tuple[int, str | None, str, int]], split: int, line: int) -> None:
    items = [item(*each) for each in some]
    parts = day_digests(DAY, items, line, split)
    digits = ledger.width(split)
    assert decode_digests(encode_digests(parts, line, split)) == Digests(parts, line, split)
    for part in parts:
        held = [canonical_line(each, line) for each in items if each.handoff_id.endswith(part.bucket)]
        assert (len(part.bucket), part.count) == (digits, len(held))
        assert part.sha256 == hashlib.sha256(b"".join(sorted(held))).hexdigest()
    assert sum(part.count for part in parts) == len(items)


def days(**more: Any) -> bytes:
    return json.dumps({"days": [{"day": "2026-02-13", "count": 1, "sha256": "0" * 64, **more.pop("row", {})}], **more}).encode()


@pytest.mark.parametrize(("raw", "why"), [
    (days(line=3), "line must be"), (days(line=True), "line must be"), (days(line="2"), "line must be"), (days(split=2), "split must be one of"),
    (days(split=True), "split must be"), (days(split=16), "bucket must be 1"), (days(split=16, row={"bucket": "0a"}), "bucket must be 1"),
    (days(split=256, row={"bucket": "0A"}), "bucket must be 2"), (days(row={"bucket": "a"}), "bucket may stand only"),
    (json.dumps({"split": 16, "days": [{"day": "2026-02-13", "bucket": "a", "count": 1, "sha256": "0" * 64}] * 2}).encode(), "stands twice"),
    (json.dumps({"days": [{}] * (ledger.MAX_PARTS + 1)}).encode(), "at most"),
])
def test_what_is_no_digest_is_named(raw: bytes, why: str) -> None:
    with pytest.raises(BadLedger, match=why):
        decode_digests(raw)


def test_a_plain_answer_is_the_first_form_of_whole_days() -> None:
    assert decode_digests(days()) == Digests([DayDigest(DAY, 1, "0" * 64)], 1, 1)
    assert json.loads(encode_digests([DayDigest(DAY, 1, "0" * 64)])) == {"days": [{"day": "2026-02-13", "count": 1, "sha256": "0" * 64}]}


def test_parts_are_asked_for_and_the_answer_says_what_it_is() -> None:
    items = [item(n) for n in range(40)]

    def answer(request: Request) -> Reply:
        line, split = (int(asked(request).get(name, ["1"])[0]) for name in ("line", "split"))
        return answered(request, day_digests(DAY, items, line, split), line, split)

    with partner(answer) as there:
        connector = there.connector()
        assert connector.digests(DAY, DAY, 2, 16) == Digests(day_digests(DAY, items, 2, 16), 2, 16)
        assert there.seen[-1].path.endswith("from=2026-02-13&to=2026-02-13&line=2&split=16")
        assert connector.digests(DAY, DAY, 2) == Digests([day_digest(DAY, items, 2)], 2, 1)
        assert there.connector(split=False).digests(DAY, DAY, 2, 16) == Digests([day_digest(DAY, items)])
        assert there.seen[-1].path.endswith("from=2026-02-13&to=2026-02-13"), "one that must not be asked is not"


@pytest.mark.guarantee("P5")
def test_a_body_that_knows_neither_is_compared_as_before() -> None:
    whole = [day_digest(DAY, [item(1)])]
    with partner(lambda request: answered(request, whole)) as there:
        assert there.connector().digests(DAY, DAY, 2, 256) == Digests(whole)

    def strict(request: Request) -> Reply:
        if asked(request).keys() - {"from", "to"}:
            return Reply(400, problems.encode(problems.bad_request("unknown parameter")), {"Content-Type": problems.MEDIA_TYPE})
        return answered(request, whole)

    with partner(strict) as there:
        assert there.connector().digests(DAY, DAY, 2, 256) == Digests(whole)
        assert len(there.seen) == 2
    with partner(lambda request: Reply(400)) as there, pytest.raises(CallFailed):
        there.connector().digests(DAY, DAY, 2)


@pytest.mark.parametrize(("line", "split"), [(2, 1), (1, 256), (1, 4096)])
def test_a_form_that_was_not_asked_for_is_refused(line: int, split: int) -> None:
    with partner(lambda request: answered(request, day_digests(DAY, [item(1)], line, split), line, split)) as there:
        with pytest.raises(CallFailed) as caught:
            there.connector().digests(DAY, DAY, 1, 16)
        assert caught.value.outcome.code == "bad-ledger"


def test_only_the_parts_asked_for_are_taken_from_the_ledger() -> None:
    items = [item(n) for n in range(32)]
    with partner(lambda request: signed(ledger.encode_page(items, None), request.headers["webhook-id"])) as there:
        connector = there.connector()
        found = list(connector.ledger(DAY, DAY, ["0a", "1f"]))
        assert {each.handoff_id[-2:] for each in found} == {"0a", "1f"}, "what it gives besides is passed over"
        assert there.seen[-1].path.endswith("&limit=500&split=256&bucket=0a,1f")
        assert list(connector.ledger(DAY, DAY)) == items
        for buckets in (["0a", "1"], ["0A"], [""], [f"{n:03x}" for n in range(257)]):
            with pytest.raises(ValueError, match="parts"):
                list(connector.ledger(DAY, DAY + timedelta(days=1), buckets))


def test_a_question_about_parts_fits_into_a_request_line() -> None:
    most = paths.ledger(DAY, DAY, "x" * 512, 1000, [f"{n:03x}" for n in range(ledger.MAX_BUCKETS)])
    assert len(most) < 2000
