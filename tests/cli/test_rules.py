"""`route`, `due` and `bodies`: what the configuration answers."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Tonglu
from tests.models.ledger import Ledger


def test_route_says_body_way_basis_and_why(tonglu: Tonglu) -> None:
    ran = tonglu.run("route", "klass=claim", "art31=6", "sector=housing", "division=990102")
    assert ran.code == 0
    for word in ("agency-housing-990102", "转送", "条例第三十一条第六项", "理由：", "告知信访人："):
        assert word in ran.out
    told = tonglu.run("route", "klass=claim", "art31=6", "sector=housing", "division=990102", "--json").json
    assert (told["to"], told["row"]) == ("agency-housing-990102", "B3.6")


def test_route_leaves_to_a_clerk_with_the_reason(tonglu: Tonglu) -> None:
    ran = tonglu.run("route", "klass=accusation", "division=990102")
    assert ran.code == 0
    assert "交经办人" in ran.out
    assert "理由：" in ran.out


def test_route_reads_a_file_and_a_petition(tonglu: Tonglu, ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    file.write_text(json.dumps({"klass": "claim", "art31": 2, "arbitration": "labour", "division": "990102"}), encoding="utf-8")
    assert "labour_arbitration-990102" in tonglu.run("route", "--file", file).out
    file.write_text("[1]", encoding="utf-8")
    assert tonglu.run("route", "--file", file).code == 2
    number = ledger.register(facts={"klass": "suggestion", "sector": "education", "division": "990100"})
    assert "agency-education-990100" in tonglu.run("route", "--petition", number).out
    # what is told beside it goes before what was registered
    assert "agency-health-990100" in tonglu.run("route", "--petition", number, "sector=health").out
    assert tonglu.run("route", "--petition", "XF99010020260302999999").code == 2


def test_due_counts_every_day_and_says_why(tonglu: Tonglu) -> None:
    ran = tonglu.run("due", "--from", "2026-09-28", "--limit", "5wd")
    assert "届满：2026-10-10" in ran.out
    assert "国庆节" in ran.out
    assert "调休上班" in ran.out
    assert "暂定" in tonglu.run("due", "--from", "2035-03-01", "--limit", "15d").out
    assert tonglu.run("due", "--from", "2026-09-28", "--limit", "5wd", "--json").json["last_day"] == "2026-10-10"
    assert "2026-09-29 00:00" in tonglu.run("due", "--from", "2026-09-28", "--limit", "24h").out


def test_bodies_by_kind_and_load(tonglu: Tonglu, ledger: Ledger) -> None:
    ledger.send()
    rows = tonglu.run("bodies", "--kind", "court", "--load", "--json").json
    assert {r["kind"] for r in rows} == {"court"}
    assert next(r for r in rows if r["code"] == "court-990100")["waiting"] == 1
    assert "澜川市中级人民法院" in tonglu.run("bodies").out
