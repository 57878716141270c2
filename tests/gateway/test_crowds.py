"""Many at once, and any bytes whatever."""

from __future__ import annotations

import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.wire import receipts
from connectors.wire.events import encode, new_id
from gateway.clients import add_client
from models.inbox import apply
from tests.gateway.conftest import COURT, HOUSING, Ledger
from tests.gateway.partner import Case, Partner, call

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)

FORM_FIELDS = ("origin_ref", "channel", "received_at", "subject", "text", "petitioner", "facts")


@pytest.fixture
def court(gateway: str, ledger: Ledger) -> Partner:
    return ledger.partner(gateway, COURT)


@pytest.mark.guarantee("F14", "M5")
def test_two_hundred_at_once_with_duplicates_are_each_stored_once(gateway: str, ledger: Ledger) -> None:
    partners = [ledger.partner(gateway, COURT), ledger.partner(gateway, HOUSING)]
    events = [(p, p.event(case)) for p in partners for case in ledger.issue(p.code, 40)]
    crowd = [*events, *events, *events[:40]]
    random.Random(7).shuffle(crowd)  # noqa: S311
    assert len(crowd) == 200
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda pair: (pair[1].id, pair[0].post(pair[1])), crowd))
    assert {answer.status for _, answer in answers} == {202}
    given_out: dict[str, set[bytes]] = {}
    for message_id, answer in answers:
        given_out.setdefault(message_id, set()).add(answer.body)
    assert all(len(bodies) == 1 for bodies in given_out.values())
    assert Counter(str(row[0]) for row in ledger.rows("select message_id from inbox")) == Counter(event.id for _, event in events)
    with ledger.database.transaction() as connection:
        tally = apply(connection, 500, ledger.house, ledger.sealer, ledger.time.now())
    assert (tally.applied, tally.total) == (80, 80)


def test_one_id_with_different_bytes_at_once_is_one_message(court: Partner, ledger: Ledger) -> None:
    [case] = ledger.issue(COURT)
    message_id = new_id()
    events = [court.event(case, id=message_id, data={"office": f"第{n}庭", "person_role": "收件员", "signed_at": "2026-03-02T10:00:00+08:00"}) for n in range(20)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(court.post, events))
    assert Counter(a.status for a in answers) == {202: 1, 422: 19}
    assert {a.slug for a in answers if a.status == 422} == {"key-reused"}
    [winner] = [a for a in answers if a.status == 202]
    digests = [receipts.body_digest(encode(event)) for event in events]
    assert receipts.decode(winner.body).body_digest in digests
    assert ledger.rows("select count(*) from inbox") == [(1,)]


def test_one_bad_message_does_not_spoil_those_beside_it(court: Partner, ledger: Ledger) -> None:
    cases = ledger.issue(COURT, 30)
    strange = [Case(cases[0].petition_no, new_id(), COURT) for _ in range(15)]
    with ThreadPoolExecutor(45) as pool:
        answers = list(pool.map(lambda case: (case in strange, court.post(court.event(case)).status), [*cases, *strange]))
    assert Counter(answers) == {(False, 202): 30, (True, 404): 15}


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")) | ANYTHING.map(lambda v: json.dumps(v).encode()))
def test_no_signed_bytes_are_a_fault_of_ours(court: Partner, raw: bytes) -> None:
    answer = court.post_raw(raw, "m-1")
    assert (answer.status, answer.slug) == (422, "bad-event")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_twisted_message_is_a_fault_of_ours(court: Partner, ledger: Ledger, data: st.DataObject) -> None:
    case = Case("XF99010020260302000001", new_id(), COURT)
    event = court.event(case)
    value: dict[str, Any] = json.loads(encode(event))
    for _ in range(data.draw(st.integers(1, 3))):
        part = data.draw(st.sampled_from([value, value["data"]] if isinstance(value.get("data"), dict) else [value]))
        # An earlier draw may have left this part empty: then there is nothing to twist, only to add.
        name = data.draw(st.sampled_from(sorted(part)) | st.text(max_size=6) if part else st.text(max_size=6))
        part[name] = data.draw(ANYTHING)
    answer = court.post_raw(json.dumps(value).encode(), event.id)
    assert 400 <= answer.status < 500
    assert ledger.rows("select count(*) from inbox") == [(0,)]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "content-type", "idempotency-key", "authorization", "content-encoding"]),
        st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=60),
    ),
    path=st.sampled_from([f"/hooks/{COURT}", f"/hooks/{COURT}/messages/x", f"/hooks/{COURT}/ledger?from=a", "/petitions", "/petitions/x"]),
    method=st.sampled_from(["GET", "POST"]),
)
def test_no_headers_are_a_fault_of_ours(gateway: str, names: dict[str, str], path: str, method: str) -> None:
    answer = call(gateway, method, path, names, b"{}" if method == "POST" else None)
    assert 400 <= answer.status < 500


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=200) | ANYTHING.map(lambda v: json.dumps(v).encode()) | st.fixed_dictionaries(
    {}, optional=dict.fromkeys(FORM_FIELDS, ANYTHING)).map(lambda v: json.dumps(v).encode()))
def test_no_form_is_a_fault_of_ours(gateway: str, token: str, raw: bytes) -> None:
    answer = call(gateway, "POST", "/petitions", {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}, raw)
    assert answer.status in (400, 422)


@pytest.fixture
def token(ledger: Ledger) -> str:
    return add_client(ledger.settings.keys, "fuzz")
