"""`tonglu route`: where a case goes, on which track, and what other roads are left to the petitioner."""

from __future__ import annotations

from tests.cli.conftest import Tonglu


def test_a_situation_says_track_limits_and_other_roads(tonglu: Tonglu) -> None:
    ran = tonglu.run("route", "--fact", "situation=wage_arrears", "--fact", "division=990102")
    assert ran.code == 0
    for word in ("agency-human_resources-990102", "转送", "劳动保障监察（wage_inspection）", "办结：", "其他途径：申请劳动争议仲裁", "劳动争议调解仲裁法第二十七条"):
        assert word in ran.out
    told = tonglu.run("route", "situation=wage_arrears", "division=990102", "--json").json
    assert (told["to"], told["way"], told["track"], told["procedure"]) == ("agency-human_resources-990102", "转送", "wage_inspection", "performance")
    assert {limit["clock"] for limit in told["limits"]} >= {"accept", "result"}
    assert all(limit["basis"] and limit["label"] for limit in told["limits"])
    assert {"zh", "limit", "basis", "verified"} == set(told["remedies"][0])


def test_a_visitor_is_guided_and_told_where_to_go(tonglu: Tonglu) -> None:
    told = tonglu.run("route", "situation=judgment_unenforced", "division=990102", "channel=visit", "--json").json
    assert (told["way"], [limit["clock"] for limit in told["limits"]]) == ("引导", ["guided"])
    assert told["note"].startswith("请")
    assert tonglu.run("route", "situation=judgment_unenforced", "division=990102", "channel=letter", "--json").json["way"] == "转送"


def test_contradictory_facts_show_both_reasons_and_both_roads(tonglu: Tonglu) -> None:
    told = tonglu.run("route", "situation=wage_arrears", "arbitration=labour", "division=990102", "--json").json
    assert told["to"] is None
    assert told["rows"] == ["B3.5-wage-arrears", "B3.2-labour"]
    assert told["candidates"] == ["agency-human_resources-990102", "labour_arbitration-990102"]
    for word in ("相互矛盾", "第五项", "第二项", "拖欠工资", "劳动争议"):
        assert word in told["reason"]


def test_every_situation_is_listed_with_its_procedure(tonglu: Tonglu) -> None:
    listed = tonglu.run("route", "--situations", "--json").json
    assert len({line["situation"] for line in listed}) >= 50
    assert {line["procedure"] for line in listed} >= {"诉讼", "仲裁", "行政复议", "行政程序", "履行职责", "党纪监察与人事申诉", "信访程序"}
    assert all(line["basis"] and line["verified"] for line in listed)
    assert "wage_arrears\t拖欠工资\tB3.5\t履行职责" in tonglu.run("route", "--situations").out


def test_what_cannot_be_asked_is_refused(tonglu: Tonglu) -> None:
    assert tonglu.run("route").code == 2
    assert tonglu.run("route", "--situations", "klass=claim").code == 2
    assert tonglu.run("route", "--fact", "colour=red").code == 2
    unknown = tonglu.run("route", "situation=moonlight", "division=990102")
    assert "不在路由表的情形中" in unknown.out
