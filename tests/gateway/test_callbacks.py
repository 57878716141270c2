"""What a callback is answered, check by check, over a real socket and a real ledger."""

from __future__ import annotations

from connectors.wire import receipts
from connectors.wire.events import encode
from connectors.wire.signing import verify
from tests.gateway.conftest import COURT, Ledger


def test_a_good_callback_is_stored_and_receipted(gateway: str, ledger: Ledger) -> None:
    [case] = ledger.issue(COURT)
    court = ledger.partner(gateway, COURT)
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
