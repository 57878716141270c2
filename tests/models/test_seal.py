"""Sealed values: keys rotate, values stay where they were sealed, nothing personal stands outside them."""

from __future__ import annotations

import base64
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.moves import Arrival, Move
from models.seal import Sealer, SealError, key_id, parse_keys, sealer_for
from tests.models.ledger import CLERK, COURT, PERSON, SUBJECT, TEXT, Ledger
from tests.models.paths import bring

OLD, NEW = ("k1", bytes(range(32))), ("k2", bytes(range(32, 64)))


@given(st.binary(max_size=300), st.text(max_size=40))
def test_what_is_sealed_opens_in_its_place_and_nowhere_else(plain: bytes, place: str) -> None:
    sealer = Sealer([OLD])
    sealed = sealer.seal(plain, place)
    assert sealer.open(sealed, place) == plain
    assert sealer.seal(plain, place) != sealed
    with pytest.raises(SealError, match="altered or moved"):
        sealer.open(sealed, place + "x")


def test_keys_rotate(ledger: Ledger) -> None:
    number = ledger.register()
    row = ledger.petition(number)
    rotated = Sealer([NEW, OLD])
    assert rotated.open_text(row["text_sealed"], f"petition.text:{number}") == TEXT
    fresh = rotated.seal_text("新", "p")
    assert (key_id(row["text_sealed"]), key_id(fresh), rotated.newest) == ("k1", "k2", "k2")
    with pytest.raises(SealError, match="no key 'k2' for p"):
        ledger.sealer.open(fresh, "p")
    ledger.sealer = rotated
    assert ledger.done(ledger.one(ledger.route_move(number))).state == "ISSUED"
    assert key_id(ledger.row("select body_sealed from outbox")["body_sealed"]) == "k2"


def test_a_value_moved_to_another_petition_does_not_open_there(ledger: Ledger) -> None:
    one, other = ledger.register(), ledger.register()
    with ledger.transaction() as connection:
        connection.execute("update petition set text_sealed = (select text_sealed from petition where petition_no = %s) where petition_no = %s", (one, other))
    with pytest.raises(SealError, match=f"petition.text:{other}"):
        ledger.send(petition_no=other)
    assert ledger.petition(other)["state"] == "REGISTERED"


@pytest.mark.parametrize("where", [0, 1, 2, 5, -1])
def test_an_altered_value_is_refused(where: int) -> None:
    sealed = bytearray(Sealer([OLD]).seal(b"words", "p"))
    sealed[where] ^= 0x81
    with pytest.raises(SealError):
        Sealer([OLD]).open(bytes(sealed), "p")


@pytest.mark.parametrize("junk", [b"", b"\x01", b"\x01\xff" + bytes(40), b"\x02\x02k1" + bytes(40), b"\x01\x02\xff\xfe" + bytes(40)])
def test_junk_is_named_as_no_sealed_value(junk: bytes) -> None:
    with pytest.raises(SealError, match="not a sealed value"):
        Sealer([OLD]).open(junk, "p")


@pytest.mark.parametrize(("text", "words"), [
    ("", "no key"), ("k1:!!!", "'k1' is not base64"), ("k1:密钥", "'k1' is not base64"), ("k1:AAAA", "32 bytes of key"),
    (":" + base64.b64encode(bytes(32)).decode(), "id of 1-255 bytes"), ("k1", "32 bytes of key")])
def test_wrong_keys_are_named(text: str, words: str) -> None:
    with pytest.raises(SealError, match=words):
        Sealer(parse_keys(text))


def test_the_key_file_is_made_once_by_whoever_is_first(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    with pytest.raises(SealError, match=r"field\.keys is missing"):
        sealer_for("", folder)
    opened: list[bytes] = []
    start = threading.Barrier(8)

    def begin() -> None:
        start.wait()
        sealer = sealer_for("", folder, create=True)
        opened.append(sealer.seal(b"x", "p"))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 8
    assert {sealer_for("", folder).open(sealed, "p") for sealed in opened} == {b"x"}
    assert [f.name for f in folder.iterdir()] == ["field.keys"]
    assert (folder / "field.keys").stat().st_mode & 0o777 == 0o600


# -- nothing personal outside ------------------------------------------------------------------------------------------------

WORDS = (*PERSON.values(), SUBJECT, TEXT, "虚构小区", "暖气三年", "口头补充甲", "当事人乙", "意见丙", "材料丁", "理由戊", "责任人己", "庭室庚", "依据辛")


def test_after_a_whole_road_nothing_personal_stands_unsealed(ledger: Ledger) -> None:
    """Text and phone number are put into every field that a person or a body can fill."""
    handoff = ledger.send()
    number = ledger.handoff(handoff)["petition_no"]
    ledger.send_all()
    spill = {"basis": "依据辛" + PERSON["name"], "way": PERSON["address"], "row": PERSON["name"], "limit": TEXT[:20], "key": PERSON["name"], "note": TEXT}
    say: list[tuple[str, dict[str, Any]]] = [("handoff.signed", {"office": "庭室庚", "person_role": PERSON["name"]}),
           ("handoff.objected", {"reason_code": "当事人乙不归我管", "reason": "理由戊" + TEXT}),
           ("handoff.accepted", {"procedure": PERSON["name"]}),
           ("handoff.progress", {"note": "当事人乙称" + TEXT}),
           ("supplement.requested", {"items": ["材料丁"], "party": PERSON["name"]}),
           ("handoff.suspended", {"reason": "理由戊", "party": PERSON["name"]}),
           ("handoff.resumed", {}),
           ("handoff.extended", {"approver": "责任人己", "reason": "理由戊", "days": 1}),
           ("handoff.result", {"outcome_code": "意见丙：支持" + PERSON["name"], "opinion": "意见丙"}),
           ("handoff.result", {"opinion": "意见丙"})]
    for sequence, (act, data) in enumerate(say, 1):
        ledger.take_in(ledger.incoming(handoff, act, sequence, **dict[str, Any](spill | data)))
        ledger.apply()
        if act == "handoff.objected":
            ledger.one(Move("objection.rejected", CLERK, handoff_id=handoff, data={"reason": "理由戊", **spill | {"basis": "", "way": "", "row": "", "limit": ""}},
                            note="口头补充甲" + TEXT))
    ledger.one(Move("handoff.supplement", CLERK, handoff_id=handoff, data={"text": "口头补充甲"}, note="口头补充甲"))
    assert ledger.handoff(handoff)["state"] == "REPORTED", ledger.rows("select message, state, note from inbox")
    ledger.one(Move("result.accepted", CLERK, handoff_id=handoff, data={"told_on": "2026-03-02", "reason": "意见丙"}, note="意见丙"))
    assert ledger.petition(number)["state"] == "CLOSED"
    ledger.take(Arrival("window", "r-2", "990100", "letter", "claim", ledger.now, SUBJECT, TEXT, PERSON, {"klass": "claim"}, CLERK))
    found = spilt(ledger)
    assert found == [], found


def spilt(ledger: Ledger) -> list[str]:
    """Every place in the ledger where one of the words stands in the clear: table, column, word."""
    columns = ledger.rows("""select table_name, column_name, data_type from information_schema.columns where table_schema = 'public' order by 1, 2""")
    assert len({c["table_name"] for c in columns}) > 12
    found = []
    for column in columns:
        table, name = column["table_name"], column["column_name"]
        if column["data_type"] == "bytea":
            values = [bytes(r["v"]).decode("utf-8", "ignore") for r in ledger.rows(f'select "{name}" as v from "{table}" where "{name}" is not null')]  # noqa: S608
        else:
            values = [r["v"] for r in ledger.rows(f'select "{name}"::text as v from "{table}" where "{name}" is not null')]  # noqa: S608
        found += [f"{table}.{name}: {word}" for word in WORDS if any(word in value for value in values)]
    return found


def test_the_scan_itself_finds_what_is_there(ledger: Ledger) -> None:
    bring(ledger, ledger.send(COURT), "ACCEPTED")
    with ledger.transaction() as connection:
        connection.execute("update petition set outcome = %s", (PERSON["phone"],))
        connection.execute("update petition set subject_sealed = %s", (TEXT.encode(),))
    assert spilt(ledger) == [f"petition.outcome: {PERSON['phone']}", f"petition.subject_sealed: {TEXT}", "petition.subject_sealed: 暖气三年"]


def test_two_keys_of_one_id_are_refused() -> None:
    with pytest.raises(SealError, match="same id"):
        Sealer([("k1", bytes(32)), ("k1", bytes(range(32)))])
