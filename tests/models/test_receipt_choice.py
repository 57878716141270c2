"""Which receipt a message is given, decided in SQL, against a plain second opinion."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import inbox
from tests.models.ledger import COURT, Ledger


def expected(applied: int, before: set[int], sequence: int) -> str:
    """Told before; next in an unbroken line; or past a gap."""
    if sequence <= applied or sequence in before:
        return "duplicate"
    return "stored" if all(n in before for n in range(applied + 1, sequence)) else "held"


@pytest.mark.guarantee("F15", "F16")
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(applied=st.integers(0, 3), batches=st.lists(st.lists(st.integers(1, 8), min_size=1, max_size=5), min_size=1, max_size=3))
def test_the_receipt_that_fits(ledger: Ledger, applied: int, batches: list[list[int]]) -> None:
    handoff = ledger.deliver(COURT)
    with ledger.transaction() as connection:
        connection.execute("update handoff set seq_in = %s where handoff_id = %s", (applied, handoff))
    told: set[int] = set()
    for batch in batches:
        messages = [replace(ledger.incoming(handoff, "handoff.progress", n), receipt=b"stored", held=b"held", duplicate=b"duplicate") for n in batch]
        with ledger.transaction() as connection:
            answers = inbox.take_in(connection, messages, ledger.sealer, ledger.now)
        for n, answer in zip(batch, answers, strict=True):
            assert (answer.verdict, answer.receipt.decode()) == ("new", expected(applied, told, n))
            told.add(n)


def test_another_petition_s_number_is_misnamed_and_nothing_is_stored(ledger: Ledger) -> None:
    handoff = ledger.deliver(COURT)
    message = ledger.incoming(handoff, "handoff.signed", 1)
    number = ledger.row("select petition_no from handoff where handoff_id = %s", handoff)["petition_no"]
    assert ledger.take_in(replace(message, petition_no="XF99010020260302999999")) == ["misnamed"]
    assert ledger.rows("select * from inbox") == []
    assert ledger.take_in(replace(message, petition_no=number)) == ["new"]
