"""`tonglu bodies`: level, leaders, what became of a body, and the common superior of two."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Tonglu

OLD, ENDED = "agency-food_drug-990102", "agency-township_enterprises-990103"


def row(out: str, code: str) -> list[str]:
    return next(line for line in out.splitlines() if line.startswith(code + "\t")).split("\t")


def test_level_leaders_and_fate_are_shown(tonglu: Tonglu) -> None:
    out = tonglu.run("bodies").out
    assert row(out, "police-990102")[2:4] == ["区级", "police-990100、government-990102"]
    assert row(out, "government-990102100")[2] == "乡镇级"
    assert row(out, "bureau-000000")[2] == "国家级"
    assert row(out, OLD)[4] == "2019-03-01 起由 agency-market-990102 承继"
    assert row(out, ENDED)[4] == "2024-04-01 起撤销，无承继机关，由 government-990103 指定"
    assert "（未到）" in row(tonglu.run("bodies", "--on", "2019-02-28").out, OLD)[4]
    assert "（未到）" in row(tonglu.run("bodies", "--on", "2024-03-31").out, ENDED)[4]


def test_programs_are_told_who_holds_the_powers(tonglu: Tonglu) -> None:
    told = {b["code"]: b for b in tonglu.run("bodies", "--level", "district", "--json").json}
    assert {b["level"] for b in told.values()} == {"district"}
    assert (told[OLD]["powers"], told[OLD]["since"], told[OLD]["designator"]) == ("agency-market-990102", "2019-03-01", None)
    assert (told[ENDED]["powers"], told[ENDED]["abolished"], told[ENDED]["designator"]) == (None, "2024-04-01", "government-990103")
    assert told["court-990102"]["superior"] == "court-990100"
    assert tonglu.run("bodies", "--division", "990102100", "--json").json[0]["urn"] == "urn:xf:government:990102100"


def test_the_common_superior_of_two(tonglu: Tonglu) -> None:
    ran = tonglu.run("bodies", "--common", "agency-housing-990102", "agency-market-990103")
    assert (ran.code, "澜川市人民政府（government-990100）" in ran.out) == (0, True)
    assert tonglu.run("bodies", "--common", "court-990102", "court-990103", "--json").json["common"] == "court-990100"
    assert "联席会议协调" in tonglu.run("bodies", "--common", "court-990102", "police-990102").out


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (["--common", "court-990102", "court-123456"], "court-123456"),
        (["--kind", "temple"], "kind 用以下之一"),
        (["--level", "village"], "township"),
        (["--on", "yesterday"], "2026-03-16"),
    ],
)
def test_what_is_wrong_is_said(tonglu: Tonglu, args: list[str], part: str) -> None:
    ran = tonglu.run("bodies", *args)
    assert (ran.code, part in ran.err) == (2, True), ran.err
