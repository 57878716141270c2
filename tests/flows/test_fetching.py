"""What a body answers when it is asked for its messages: taken only if the gateway's door would have taken it too."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.wire.events import Event, encode, event_type, new_id, urn_of
from flows import fetching
from tests.flows.world import BUREAU, COURT
from tests.models.ledger import good_data, house

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
HANDOFF, NUMBER = "0199aaaa-0000-7000-8000-000000000001", "XF99010020260302000001"
CONTEXT: Any = SimpleNamespace(house=house(), now=lambda: NOW)


def raw(name: str = "handoff.progress", sequence: int = 1, source: str = COURT, to: str = BUREAU, handoff: str = HANDOFF, number: str = NUMBER) -> bytes:
    data = {**good_data(name), "petition_no": number, "handoff_id": handoff, "round": 1, "to": urn_of(to)}
    return encode(Event(new_id(NOW), urn_of(source), event_type(name), handoff, NOW, sequence, data))


def take(message: bytes) -> object:
    return fetching.incoming(message, COURT, HANDOFF, NUMBER, CONTEXT)


def test_a_body_s_own_message_about_its_hand_off_is_taken() -> None:
    assert take(raw()) is not None
    assert take(raw(sequence=2_147_483_647)) is not None


@pytest.mark.parametrize("message", [
    raw(sequence=2_147_483_648), raw(sequence=9_999_999_999), raw("handoff.urge"), raw(source="police-990102"), raw(to="bureau-990102"),
    raw(handoff="0199aaaa-0000-7000-8000-000000000002"), raw(number="XF99010020260302000002"), b"{}", b"\xff",
], ids=["past the column", "far past it", "a bureau's message", "another body's", "to another bureau", "another hand-off", "another case", "empty", "no text"])
def test_anything_else_is_not(message: bytes) -> None:
    assert take(message) is None
