"""The bureau's own systems hand petitions in and ask where they are."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from gateway.clients import add_client, remove_client
from models.door import advance
from models.moves import Actor, Move, Route
from models.store import CHANNEL
from tests.gateway.conftest import COURT, SECRET_WORDS, Ledger
from tests.gateway.partner import BUREAU, Reply, call

NAME, WORDS, PHONE = SECRET_WORDS
FORM: dict[str, Any] = {
    "origin_ref": "QT-1", "channel": "online", "received_at": "2026-03-01T09:30:00+08:00", "subject": "反映路灯不亮", "text": f"{WORDS}的路灯半年不亮。",
    "petitioner": {"name": NAME, "phone": PHONE}, "facts": {"klass": "claim", "sector": "housing", "division": "990102"},
}


class Desk:
    """A system of the bureau with a token."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.headers = url, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def post(self, **changes: Any) -> Reply:
        return self.post_raw(json.dumps({**FORM, **changes}).encode())

    def post_raw(self, raw: bytes) -> Reply:
        return call(self.url, "POST", "/petitions", self.headers, raw)

    def get(self, number: str) -> Reply:
        return call(self.url, "GET", f"/petitions/{number}", self.headers)


@pytest.fixture
def desk(gateway: str, ledger: Ledger) -> Desk:
    return Desk(gateway, add_client(ledger.settings.keys, "front-desk"))


@pytest.mark.guarantee("G4")
def test_a_petition_is_registered_once_and_intake_is_woken(desk: Desk, ledger: Ledger) -> None:
    with psycopg.connect(ledger.settings.database_url, autocommit=True) as listener:
        listener.execute(f"listen {CHANNEL}")
        made = desk.post()
        woken = [n.payload for n in listener.notifies(timeout=5, stop_after=1)]
    assert (made.status, made.json["new"]) == (201, True)
    assert woken == ["intake"]
    assert made.headers["location"] == f"/petitions/{made.json['petition_no']}"
    again = desk.post(facts={})
    assert (again.status, again.json) == (200, {"petition_no": made.json["petition_no"], "new": False})
    [row] = ledger.rows("select origin, origin_ref, channel, klass, division, facts from petition")
    assert row == ("front-desk", "QT-1", "online", "claim", "990102", {**FORM["facts"], "channel": "online"})


def test_another_letter_under_the_same_number_is_refused_and_told(desk: Desk, ledger: Ledger) -> None:
    number = desk.post().json["petition_no"]
    for change in ({"subject": "反映另一件事"}, {"text": "另一份正文"}, {"petitioner": {"name": NAME}}, {"petitioner": None}):
        refused = desk.post(**change)
        assert (refused.status, refused.slug) == (422, "key-reused"), refused.body
        assert number in refused.json["detail"]
        assert not any(word in refused.body.decode() for word in SECRET_WORDS)
    assert ledger.rows("select count(*) from petition") == [(1,)]
    assert desk.post().status == 200


REPRESENTATIVE = {"name": NAME, "phone": PHONE}


def test_a_joint_petition_names_its_number_and_seals_its_representatives(desk: Desk, ledger: Ledger) -> None:
    number = desk.post(channel="visit", joint={"people": 12, "representatives": [REPRESENTATIVE] * 5}).json["petition_no"]
    [(facts, sealed)] = ledger.rows("select facts, sealed from petition join petitioner using (petition_no)")
    assert facts["joint"] == 12
    assert ledger.sealer.open_json(sealed, f"petitioner:{number}")["representatives"] == [REPRESENTATIVE] * 5
    assert desk.post(origin_ref="QT-2", subject="联名反映积水", joint={"people": 2}).status == 201, "a joint letter needs no representatives"


def test_two_systems_may_use_the_same_number_of_their_own(desk: Desk, gateway: str, ledger: Ledger) -> None:
    other = Desk(gateway, add_client(ledger.settings.keys, "phone-line"))
    assert desk.post().json["petition_no"] != other.post().json["petition_no"]


@pytest.mark.guarantee("G4")
def test_twenty_at_once_make_one_petition(desk: Desk, ledger: Ledger) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: desk.post(), range(20)))
    assert sorted({a.status for a in answers}) == [200, 201]
    assert len({a.json["petition_no"] for a in answers}) == 1
    assert ledger.rows("select count(*) from petition") == [(1,)]


def test_where_a_petition_is_without_a_word_of_the_person(desk: Desk, ledger: Ledger) -> None:
    number = desk.post().json["petition_no"]
    found = desk.get(number)
    assert found.status == 200
    assert (found.json["state_zh"], found.json["holder"]["code"], found.json["days"]) == ("已登记", BUREAU, 1)
    assert found.json["next_due"].endswith("+08:00")
    route = Route(COURT, "转送", "row", "XF 22(1)", "B3.1a", "claim")
    with ledger.database.transaction() as connection:
        advance(connection, [Move("petition.route", Actor("bureau", BUREAU), petition_no=number, route=route)], ledger.house, ledger.sealer, ledger.time.now())
    found = desk.get(number)
    assert found.json["state_zh"] == "转办中"
    [handoff] = found.json["handoffs"]
    assert (handoff["body"]["code"], handoff["state_zh"], handoff["partner_case_no"]) == (COURT, "已发出", None)
    assert [line["act"] for line in found.json["timeline"]] == ["petition.register", "petition.route", "handoff.open", "handoff.request"]
    assert [line["to_zh"] for line in found.json["timeline"]] == ["已登记", "转办中", "拟转", "已发出"]
    assert not any(word in found.body.decode() for word in (*SECRET_WORDS, "路灯", "QT-1"))


@pytest.mark.parametrize("number", ["XF99010020260302999999", "x", "%00", "XF9901002026030200000%27", "信访"])
def test_a_number_that_was_never_given(desk: Desk, number: str) -> None:
    answer = desk.get(number.encode().decode("ascii", "ignore") or "%E4%BF%A1")
    assert (answer.status, answer.slug) == (404, "unknown-petition")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic YTpi"])
def test_without_a_good_token_nothing_is_told(gateway: str, desk: Desk, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    number = desk.post().json["petition_no"]
    for answer in (call(gateway, "GET", f"/petitions/{number}", headers), call(gateway, "POST", "/petitions", headers, b"{}")):
        assert (answer.status, answer.slug) == (401, "bad-token")
        assert "Bearer" in answer.headers["www-authenticate"]


def test_a_token_ends_at_once_when_it_is_taken_away_or_replaced(desk: Desk, gateway: str, ledger: Ledger) -> None:
    assert desk.post().status == 201
    renewed = Desk(gateway, add_client(ledger.settings.keys, "front-desk"))
    assert (desk.post().status, renewed.post().status) == (401, 200)
    assert remove_client(ledger.settings.keys, "front-desk")
    assert renewed.post().status == 401


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"channel": "pigeon"}, "channel", "letter（来信）"),
        ({"channel": None}, "channel", "渠道"),
        ({"received_at": "2026-03-01"}, "received_at", "时区"),
        ({"received_at": "2026-03-02T10:06:00+08:00"}, "received_at", "晚于现在"),
        ({"received_at": 5}, "received_at", "应为文字"),
        ({"subject": ""}, "subject", "至少 1 个字"),
        ({"subject": "  \n"}, "subject", "空白"),
        ({"subject": "长" * 301}, "subject", "至多 300 个字"),
        ({"text": "a\u0007b"}, "text", "控制字符"),
        ({"origin_ref": "a b"}, "origin_ref", "格式不对"),
        ({"petitioner": {"phone": "1"}}, "petitioner.name", "缺少"),
        ({"petitioner": {"name": NAME, WORDS: "1"}}, "petitioner", "不认识的字段"),
        ({"facts": {"klass": "whim"}}, "facts.klass", "claim（申诉求决）"),
        ({"facts": {"art31": 7}}, "facts.art31", "不大于 6"),
        ({"facts": {"grave": "yes"}}, "facts.grave", "true 或 false"),
        ({"facts": {"accused_body": "court-999999"}}, "facts.accused_body", "机关目录"),
        ({"facts": {"decided_by": "court-999999"}}, "facts.decided_by", "机关目录"),
        ({"facts": {"division": "123456"}}, "facts.division", "区划"),
        ({"facts": {"channel": "letter"}}, "facts.channel", "不一致"),
        ({"facts": {"complained_of": "court-999999"}}, "facts.complained_of", "机关目录"),
        ({"joint": {"people": 1}}, "joint.people", "不小于 2"),
        ({"joint": {"people": 9, "representatives": [{"name": NAME}] * 6}}, "joint.representatives", "至多 5 人"),
        ({"joint": {"people": 2, "representatives": [{"name": NAME}] * 3}}, "joint.representatives", "多于信访人数"),
        ({"joint": {"people": 9, "representatives": [{"name": " "}]}}, "joint.representatives.0.name", "空白"),
        ({"joint": {"people": 9}, "channel": "visit"}, "joint.representatives", "应推选代表"),
        ({"joint": {"people": 9}, "petitioner": None}, "petitioner", "牵头"),
        ({"joint": {"people": 9}, "facts": {"joint": 8}}, "facts.joint", "不一致"),
        ({"joint": {"people": 9, WORDS: 1}}, "joint", "不认识的字段"),
        ({"facts": {WORDS: 1}}, "facts", "不认识的字段"),
        ({"facts": []}, "facts", "应为对象"),
    ],
)
def test_a_field_that_is_wrong_is_named_with_its_cure(desk: Desk, ledger: Ledger, changes: dict[str, Any], field: str, words: str) -> None:
    answer = desk.post(**changes)
    assert (answer.status, answer.slug) == (422, "bad-petition"), answer.body
    assert [error["field"] for error in answer.json["errors"]] == [field], answer.json
    assert words in answer.json["errors"][0]["what"], answer.json
    assert not any(word in answer.body.decode() for word in SECRET_WORDS)
    assert ledger.rows("select count(*) from petition") == [(0,)]


@pytest.mark.parametrize(("raw", "status"), [(b"", 400), (b"[]", 400), (b"\xff", 400), (b'{"a":1,"a":2}', 400), (b"[" * 9999, 400), (b"{}", 422), (b'{"text":"\\ud800"}', 400)])
def test_bytes_that_are_no_form(desk: Desk, raw: bytes, status: int) -> None:
    assert desk.post_raw(raw).status == status


def test_a_form_that_is_too_long_or_of_another_kind(desk: Desk) -> None:
    assert desk.post(text="长" * 200_000).status == 413
    desk.headers["Content-Type"] = "text/plain"
    assert desk.post().status == 415


def test_the_longest_form_still_fits_the_wire(desk: Desk, ledger: Ledger) -> None:
    number = desk.post(subject='"' * 300, text='"信\n' * 16_666).json["petition_no"]
    route = Route(COURT, "转送", "row", "XF 22(1)", "B3.1a", "claim")
    with ledger.database.transaction() as connection:
        advance(connection, [Move("petition.route", Actor("bureau", BUREAU), petition_no=number, route=route)], ledger.house, ledger.sealer, ledger.time.now())
    assert ledger.rows("select count(*) from outbox") == [(1,)]


def test_health_description_and_page(gateway: str) -> None:
    health = call(gateway, "GET", "/healthz")
    assert (health.status, health.json["ok"]) == (200, True)
    assert health.json["database"] == {"reachable": True, "migrations": "current", "callbacks_to_apply": 0, "oldest_waits_s": None}
    described = call(gateway, "GET", "/openapi.json").json
    assert {"/hooks/{body}", "/hooks/{body}/ledger/digests", "/petitions", "/petitions/{petition_no}", "/healthz"} <= described["paths"].keys()
    text = json.dumps(described)
    for name in ("PetitionForm", "Facts", "Person", "Problem", "Receipt"):
        assert f'"{name}"' in text
    page = call(gateway, "GET", "/docs")
    assert page.status == 200
    assert "POST /hooks/{body}" in page.body.decode()
    assert "http" not in page.body.decode().replace("http-error", "")
