"""What a body may ask of the bureau, and that it sees its own and nothing else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from connectors.wire import ledger as wire_ledger
from connectors.wire import pages, receipts
from connectors.wire.events import decode, new_id
from connectors.wire.signing import new_secret
from models.door import advance
from models.moves import SYSTEM, Actor, Move
from tests.gateway.conftest import COURT, HOUSING, Ledger
from tests.gateway.partner import BUREAU, Case, Partner, call

DAY = "2026-03-02"
DAYS = f"from={DAY}&to={DAY}"


@pytest.fixture
def court(gateway: str, ledger: Ledger) -> Partner:
    return ledger.partner(gateway, COURT)


@pytest.fixture
def housing(gateway: str, ledger: Ledger) -> Partner:
    return ledger.partner(gateway, HOUSING)


def receipted(ledger: Ledger, cases: list[Case]) -> None:
    """As if the bodies had given receipts for the requests."""
    moves = [Move("receipt", SYSTEM, handoff_id=case.handoff_id, data={"sequence": 1, "message": "handoff.request", "then": "DELIVERED", "round": 1})
             for case in cases]
    with ledger.database.transaction() as connection:
        advance(connection, moves, ledger.house, ledger.sealer, ledger.time.now())


def urged(ledger: Ledger, case: Case, times: int) -> None:
    moves = [Move("handoff.urge", Actor("bureau", BUREAU), handoff_id=case.handoff_id) for _ in range(times)]
    with ledger.database.transaction() as connection:
        advance(connection, moves, ledger.house, ledger.sealer, ledger.time.now())


@pytest.mark.guarantee("P3")
def test_the_receipt_can_be_asked_for_by_key(court: Partner, housing: Partner, ledger: Ledger) -> None:
    event = court.event(ledger.issue(COURT)[0])
    given = court.post(event)
    asked = court.get(f"/messages/{event.id}")
    assert asked.status == 200
    assert asked.body == given.body
    assert asked.headers["webhook-id"] == receipts.decode(given.body).receipt_id
    for other, path in ((court, f"/messages/{new_id()}"), (housing, f"/messages/{event.id}"), (court, "/messages/a.b")):
        answer = other.get(path)
        assert (answer.status, answer.slug) == (404, "unknown-message")


@pytest.mark.guarantee("P4")
def test_a_body_fetches_what_the_bureau_sent(court: Partner, ledger: Ledger) -> None:
    [case] = ledger.issue(COURT)
    receipted(ledger, [case])
    urged(ledger, case, 3)
    page = pages.decode_messages(court.get(f"/handoffs/{case.handoff_id}/messages").body)
    assert page.complete
    assert [(decode(raw).name, decode(raw).sequence) for raw in page.messages] == [("handoff.request", 1), *(("handoff.urge", n) for n in (2, 3, 4))]
    digests = [str(row[0]) for row in ledger.rows("select digest from outbox order by sequence")]
    assert [receipts.body_digest(raw) for raw in page.messages] == digests
    rest = pages.decode_messages(court.get(f"/handoffs/{case.handoff_id}/messages?after=3").body)
    assert [decode(raw).sequence for raw in rest.messages] == [4]


def test_many_messages_come_in_pages(court: Partner, ledger: Ledger) -> None:
    [case] = ledger.issue(COURT)
    receipted(ledger, [case])
    urged(ledger, case, 120)
    first = pages.decode_messages(court.get(f"/handoffs/{case.handoff_id}/messages").body)
    assert (len(first.messages), first.complete) == (100, False)
    rest = pages.decode_messages(court.get(f"/handoffs/{case.handoff_id}/messages?after=100").body)
    assert (len(rest.messages), rest.complete) == (21, True)


def test_a_foreign_hand_off_is_as_unknown_as_none(court: Partner, ledger: Ledger) -> None:
    [foreign] = ledger.issue(HOUSING)
    answers = [court.get(f"/handoffs/{handoff}/messages") for handoff in (foreign.handoff_id, new_id(), "no-uuid")]
    assert {(a.status, a.slug, a.body) for a in answers} == {(404, "unknown-handoff", answers[0].body)}


def test_ledger_and_digests_agree_and_hold_only_the_bodys_own(court: Partner, housing: Partner, ledger: Ledger) -> None:
    own, foreign = ledger.issue(COURT, 5), ledger.issue(HOUSING, 2)
    receipted(ledger, [*own, *foreign])
    items: list[wire_ledger.Item] = []
    cursor, asked = "", 0
    while True:
        page = wire_ledger.decode_page(court.get(f"/ledger?{DAYS}&limit=2{cursor}").body)
        items += page.items
        asked += 1
        if page.complete:
            break
        cursor = f"&cursor={page.next_cursor}"
    assert asked == 3
    assert [item.handoff_id for item in items] == sorted(case.handoff_id for case in own)
    [day] = wire_ledger.decode_digests(court.get(f"/ledger/digests?{DAYS}").body).days
    assert day == wire_ledger.day_digest(datetime(2026, 3, 2, tzinfo=UTC).date(), items)
    assert [d.count for d in wire_ledger.decode_digests(housing.get(f"/ledger/digests?{DAYS}").body).days] == [2]
    assert wire_ledger.decode_digests(court.get("/ledger/digests?from=2026-01-01&to=2026-03-01").body).days == []


@pytest.mark.parametrize(
    "path",
    [
        "/ledger", f"/ledger?from={DAY}", "/ledger?from=2026-3-2&to=2026-03-02", "/ledger?from=2026-03-03&to=2026-03-02", f"/ledger?{DAYS}&limit=0",
        f"/ledger?{DAYS}&limit=1001", f"/ledger?{DAYS}&limit=%EF%BC%91", f"/ledger?{DAYS}&cursor=!!", f"/ledger?{DAYS}&cursor=YWJj", f"/ledger?{DAYS}&x=1",
        f"/ledger?{DAYS}&limit=1&limit=2", "/ledger/digests", "/ledger/digests?from=20260302&to=20260302", "/ledger/digests?from=%00&to=%FF",
    ],
)
def test_a_wrong_parameter_is_named(court: Partner, path: str) -> None:
    answer = court.get(path)
    assert (answer.status, answer.slug) == (400, "bad-request")
    assert len(answer.json["detail"]) > 20


@pytest.mark.parametrize("path", ["/messages/m", "/handoffs/h/messages", f"/ledger?{DAYS}", f"/ledger/digests?{DAYS}"])
def test_every_question_must_be_signed_for_its_own_path(court: Partner, housing: Partner, path: str) -> None:
    forged = court.get(path, keys=(new_secret(),))
    unsigned = call(court.url, "GET", f"/hooks/{COURT}{path}")
    elsewhere = court.get(path, signed_path=f"/hooks/{COURT}/ledger?{DAYS}&limit=1")
    other_body = court.get(path, code=HOUSING)
    unknown = court.get(path, code="court-999999")
    assert [a.status for a in (forged, unsigned, elsewhere, other_body, unknown)] == [401] * 5
    assert {a.slug for a in (forged, unsigned, elsewhere, other_body, unknown)} == {"bad-signature"}


def test_questions_are_answered_under_load_and_refused_past_it(court: Partner, ledger: Ledger) -> None:
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: court.get(f"/ledger?{DAYS}").status, range(120)))
    assert set(answers) <= {200, 503}
    assert answers.count(200) >= 60


def test_parts_of_a_day_and_the_second_line_agree_with_the_ledger(court: Partner, ledger: Ledger) -> None:
    cases = ledger.issue(COURT, 20)
    receipted(ledger, cases)
    said = {"partner_case_no": "（2026）澜01信1号", "procedure": "信访", "told_on": DAY}
    with ledger.database.transaction() as connection:
        advance(connection, [Move("handoff.accepted", Actor("partner", COURT), handoff_id=cases[0].handoff_id, data=said, sequence=1)],
                ledger.house, ledger.sealer, ledger.time.now())
    day = datetime(2026, 3, 2, tzinfo=UTC).date()
    items = wire_ledger.decode_page(court.get(f"/ledger?{DAYS}").body).items
    for line in wire_ledger.LINES:
        for split in wire_ledger.SPLITS:
            found = wire_ledger.decode_digests(court.get(f"/ledger/digests?{DAYS}&line={line}&split={split}").body)
            assert found == wire_ledger.Digests(wire_ledger.day_digests(day, items, line, split), line, split)
            if split > 1:
                bucket = found.days[0].bucket
                page = wire_ledger.decode_page(court.get(f"/ledger?{DAYS}&split={split}&bucket={bucket}").body)
                assert page.items == [each for each in items if each.handoff_id.endswith(bucket)]


@pytest.mark.parametrize("path", [
    f"/ledger/digests?{DAYS}&line=3", f"/ledger/digests?{DAYS}&line=0", f"/ledger/digests?{DAYS}&split=2", f"/ledger/digests?{DAYS}&split=8192",
    "/ledger/digests?from=2026-01-01&to=2026-12-31&split=256", f"/ledger?{DAYS}&bucket=0a", f"/ledger?{DAYS}&split=256", f"/ledger?{DAYS}&split=256&bucket=0A",
    f"/ledger?{DAYS}&split=256&bucket=0a,1", f"/ledger?{DAYS}&split=256&bucket=", f"/ledger?{DAYS}&split=4096&bucket=" + ",".join(f"{n:03x}" for n in range(257)),
])
def test_wrong_questions_about_parts_say_what_is_wrong(court: Partner, path: str) -> None:
    answer = court.get(path)
    assert answer.status == 400
    assert b"bad-request" in answer.body
