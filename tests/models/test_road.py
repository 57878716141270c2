"""A case's whole road, from registration to its end."""

from __future__ import annotations

from tests.models.ledger import BUREAU, COURT, Ledger


def test_a_petition_goes_all_the_way(ledger: Ledger) -> None:
    number = ledger.register()
    assert ledger.petition(number)["state"] == "REGISTERED"
    handoff = ledger.send(petition_no=number)
    assert ledger.send_all() == 1
    assert ledger.handoff(handoff)["state"] == "DELIVERED"
    ledger.take_in(ledger.incoming(handoff, "handoff.signed", 1), ledger.incoming(handoff, "handoff.accepted", 2))
    assert ledger.apply().applied == 2
    assert ledger.petition(number)["holder"] == COURT
    ledger.take_in(ledger.incoming(handoff, "handoff.result", 3))
    ledger.apply()
    assert ledger.petition(number)["holder"] == BUREAU
    ledger.done(ledger.clerk("result.accepted", handoff))
    assert ledger.petition(number)["state"] == "CLOSED"
    assert ledger.petition(number)["outcome"] == "supported"
    assert ledger.send_all() == 1
    row = ledger.handoff(handoff)
    assert (row["acked_out"], row["seq_out"], row["seq_in"], row["partner_state"]) == (2, 2, 3, "CLOSED")
    assert not ledger.clocks(handoff)
    assert not ledger.duties()
    assert ledger.flaws() == []
