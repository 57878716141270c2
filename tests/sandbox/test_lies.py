"""A body's ledger with faults: each says what it promises, by every form of the question, and the truth comes back."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import requests

from connectors.wire import ledger as wire
from connectors.wire import paths
from connectors.wire.ledger import Digests, Item
from sandbox.lies import FAULTS_ZH, LedgerConfig
from tests.sandbox.bureau import Bureau
from tests.sandbox.conftest import COURT, Running, Start

DAY = date(2026, 3, 2)
POLICE = "police-990100"


@pytest.fixture
def box(start: Start) -> Running:
    running = start(bodies=[COURT, POLICE])
    bureau = running.bureau()
    for _ in range(20):
        bureau.request()
    running.bureau(POLICE).request()
    running.live(days=4)
    return running


def lie(box: Running, **ledger: Any) -> None:
    assert box.control("ledger", {"ledger": ledger, "bodies": [COURT]}) == {"changed": [COURT]}


def listed(bureau: Bureau, first: date = DAY, last: date = DAY, limit: int = 3, buckets: tuple[str, ...] = ()) -> list[Item]:
    found: list[Item] = []
    cursor: str | None = None
    while True:
        page = wire.decode_page(bureau.get(paths.ledger(first, last, cursor, limit, buckets)).content)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


def digests(bureau: Bureau, line: int = 2, split: int = 1) -> Digests:
    return wire.decode_digests(bureau.get(paths.digests(DAY, DAY, line, split)).content)


def test_every_form_of_the_question_has_an_answer_that_agrees(box: Running) -> None:
    bureau = box.bureau()
    items = listed(bureau)
    assert len(items) == 20
    assert any(item.partner_case_no for item in items)
    for line in wire.LINES:
        for split in wire.SPLITS:
            found = digests(bureau, line, split)
            assert found == Digests(wire.day_digests(DAY, items, line, split), line, split)
            if split > 1:
                ends = tuple(part.bucket for part in found.days[:2])
                some = listed(bureau, buckets=ends)
                assert {item.handoff_id for item in some} == {item.handoff_id for item in items if item.handoff_id.endswith(ends)}


@pytest.mark.parametrize("fault", [fault for fault in FAULTS_ZH if fault])
def test_a_fault_shows_at_the_hand_off_it_concerns_and_nowhere_else(box: Running, fault: str) -> None:
    bureau = box.bureau()
    truth = {item.handoff_id: item for item in listed(bureau)}
    told = next(handoff for handoff, item in truth.items() if item.partner_case_no)
    foreign = listed(box.bureau(POLICE))[0].handoff_id if fault == "leaks" else told
    lie(box, fault=fault, handoffs=[foreign])
    items = listed(bureau)
    assert digests(bureau, 2, 1).days == wire.day_digests(DAY, items, 2)
    others = [item for item in items if item.handoff_id in truth and item.handoff_id != told]
    assert others == [item for handoff, item in truth.items() if handoff != told]
    mine = [item for item in items if item.handoff_id == told]
    match fault:
        case "forgets":
            assert mine == []
        case "misdates":
            assert mine == []
            assert [item.handoff_id for item in listed(bureau, date(2026, 3, 3), date(2026, 3, 3))] == [told]
        case "twice":
            assert len({item.partner_case_no for item in mine}) == 2
        case "renumbers":
            assert [item.partner_case_no for item in mine] != [truth[told].partner_case_no]
        case "alters":
            assert mine[0].body_digest != truth[told].body_digest
        case "renames":
            assert mine[0].petition_no != truth[told].petition_no
        case "invents":
            assert len(items) == 21
            assert mine == [truth[told]]
        case "leaks":
            assert [item.handoff_id for item in items if item.handoff_id not in truth] == [foreign]
    lie(box)
    assert {item.handoff_id: item for item in listed(bureau)} == truth


def test_digests_may_be_true_or_false_whatever_is_listed(box: Running) -> None:
    bureau = box.bureau()
    truth = digests(bureau)
    lie(box, fault="forgets", digests="true")
    assert (digests(bureau), listed(bureau)) == (truth, [])
    lie(box, digests="wrong")
    assert [(d.count, d.sha256) for d in digests(bureau).days] == [(20, "0" * 64)]


def test_a_body_may_know_the_first_form_only(box: Running) -> None:
    bureau = box.bureau()
    lie(box, form=1)
    assert digests(bureau, 2, 256) == Digests(wire.day_digests(DAY, listed(bureau)))
    assert len(listed(bureau, buckets=("00",))) == 20
    lie(box, form=1, strict=True)
    assert bureau.get(paths.digests(DAY, DAY, 2)).status_code == 400
    assert bureau.get(paths.digests(DAY, DAY)).status_code == 200


@pytest.mark.parametrize("query", ["split=2", "split=256&line=3", "split=x", "split=4096"])
def test_questions_that_ask_for_too_much_or_nonsense_are_refused(box: Running, query: str) -> None:
    answer = box.bureau().get(f"{paths.DIGESTS}?from=2026-01-01&to=2026-12-31&{query}")
    assert answer.status_code == 400


def test_a_wrong_word_for_a_fault_is_named(box: Running) -> None:
    answer = requests.post(f"{box.url}/control/ledger", json={"ledger": {"fault": "loses"}}, timeout=5)
    assert answer.status_code == 400
    assert "fault" in answer.json()["detail"]


def test_about_one_in_so_many_is_concerned() -> None:
    config = LedgerConfig(fault="forgets", every=4)
    concerned = sum(config.concerns(f"0199aaaa-0000-7000-8000-{n:012x}") for n in range(4000))
    assert 700 < concerned < 1300
    assert LedgerConfig(handoffs=("a",)).concerns("a")
    assert not LedgerConfig(handoffs=("a",)).concerns("b")
