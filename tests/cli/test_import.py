"""`tonglu import`: good rows come in once, bad ones are named with their reason, nothing personal beside the file."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cli import files
from tests.cli.conftest import Tonglu
from tests.models.ledger import Ledger


def petitions(ledger: Ledger) -> list[tuple[Any, ...]]:
    with ledger.transaction() as connection:
        return connection.execute("select origin, origin_ref, klass, division, channel, received_at, facts, petition_no from petition order by origin_ref").fetchall()


def rejected(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def bad_rows() -> list[dict[str, Any]]:
    return [files.row(1000 + i, **change) for i, (change, _) in enumerate(files.BAD)]


@pytest.mark.parametrize(("form", "more"), [("xlsx", ""), ("csv", ""), ("csv", ", encoding: gb18030"), ("jsonl", "")])
def test_good_rows_come_in_and_bad_ones_are_named(tonglu: Tonglu, ledger: Ledger, tmp_path: Path, form: str, more: str) -> None:
    rows = [files.row(1), *bad_rows(), files.row(2, 标题="测试"), files.row(3, 标题="供暖的建议", 渠道="走访", 区="西岭"), files.row(4, 正文="有人收受好处")]
    if form != "xlsx":
        rows = [{k: v.strftime("%Y/%m/%d %H:%M:%S") if isinstance(v, datetime) else v for k, v in r.items()} for r in rows]
    path = tmp_path / f"来件.{form}"
    if form == "xlsx":
        files.xlsx(path, rows, blank_rows=200)
    elif form == "csv":
        files.plain_csv(path, rows, "gb18030" if more else "utf-8")
    else:
        files.jsonl(path, rows)
    by = files.mapping(tmp_path, form, more)
    ran = tonglu.run("import", path, "--mapping", by)
    assert ran.code == 1, ran.err
    assert f"读入 {len(rows)} 行：新登记 3，已有 0，退件 {len(files.BAD)}，略过 1" in ran.out
    got = petitions(ledger)
    assert [r[:5] for r in got] == [
        ("window-log", "A00001", "claim", "990102", "letter"), ("window-log", "A00003", "suggestion", "990103", "visit"),
        ("window-log", "A00004", "accusation", "990102", "letter")]
    assert got[0][5] == datetime(2026, 1, 5, 1, 30, tzinfo=UTC)
    assert got[0][6] == {"klass": "claim", "art31": 6, "sector": "housing", "division": "990102", "channel": "letter"}
    assert got[2][6] == {"klass": "accusation", "division": "990102", "channel": "letter"}
    listed = rejected(tmp_path / f"来件.{form}.rejected.csv")
    assert listed[0] == ["行号", "编号", "原因"]
    first = 2 if form == "jsonl" else 3
    assert [int(r[0]) for r in listed[1:]] == list(range(first, first + len(files.BAD)))
    for told, (_, reason) in zip(listed[1:], files.BAD, strict=True):
        assert reason in told[2]
    everything = (tmp_path / f"来件.{form}.rejected.csv").read_text(encoding="utf-8-sig") + ran.out + ran.err
    assert "司徒虚构" not in everything
    assert "报修" not in everything
    # a second time: nothing new, the same rows refused
    again = tonglu.run("import", path, "--mapping", by)
    assert f"新登记 0，已有 3，退件 {len(files.BAD)}，略过 1" in again.out
    assert petitions(ledger) == got
    assert tonglu.run("verify").code == 0


def test_the_sealed_fields_hold_what_the_row_said(tonglu: Tonglu, tmp_path: Path, ledger: Ledger) -> None:
    path = files.xlsx(tmp_path / "a.xlsx", [files.row(7, 时间=datetime(2026, 1, 5, 9, 30))])  # noqa: DTZ001  (a cell that is a date)
    assert tonglu.run("import", path, "--mapping", files.mapping(tmp_path, "xlsx")).code == 0
    [one] = petitions(ledger)
    shown = tonglu.run("petition", one[7], "--reveal").out
    assert "司徒虚构7" in shown
    assert "报修7次" in shown
    assert one[5] == datetime(2026, 1, 5, 1, 30, tzinfo=UTC)
    assert not (tmp_path / "a.xlsx.rejected.csv").exists()


def test_a_number_with_other_content_is_refused_whether_near_or_far(tonglu: Tonglu, tmp_path: Path, ledger: Ledger) -> None:
    by = files.mapping(tmp_path, "csv")
    rows = [files.row(1), files.row(1), files.row(1, 正文="另一件事"), *(files.row(n) for n in range(2, 600)), files.row(1, 标题="供暖费")]
    path = files.plain_csv(tmp_path / "a.csv", rows)
    for command in ([], ["--dry-run"]):
        ran = tonglu.run("import", path, "--mapping", by, *command)
        assert ran.code == 1
        assert "退件 2" in ran.out
        assert "内容不同" in ran.err
    assert len(petitions(ledger)) == 599
    other = files.plain_csv(tmp_path / "b.csv", [files.row(2, 正文="改过的正文"), files.row(3)])
    ran = tonglu.run("import", other, "--mapping", by)
    assert "新登记 0，已有 1，退件 1" in ran.out
    assert [r[1] for r in rejected(tmp_path / "b.csv.rejected.csv")[1:]] == ["A00002"]


def test_dry_run_writes_nothing_and_tells_what_would_happen(tonglu: Tonglu, tmp_path: Path, ledger: Ledger) -> None:
    by = files.mapping(tmp_path, "xlsx")
    path = files.xlsx(tmp_path / "a.xlsx", [files.row(1), files.row(2), files.row(3, 标题="学校供暖"), files.row(4, 正文="有人收受好处"), *bad_rows()])
    before = sorted(p.name for p in tmp_path.iterdir())
    ran = tonglu.run("import", path, "--mapping", by, "--dry-run")
    assert ran.code == 1
    assert "会新登记 4" in ran.out
    assert "会转送 2，会交经办人 2" in ran.out
    assert petitions(ledger) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_route_sends_what_the_table_can_and_gives_the_rest_to_clerks(tonglu: Tonglu, tmp_path: Path, ledger: Ledger) -> None:
    by = files.mapping(tmp_path, "jsonl")
    path = files.jsonl(tmp_path / "a.jsonl", [*(files.row(n) for n in range(1, 8)), files.row(8, 标题="别的事"), files.row(9, 正文="有人收受好处")])
    ran = tonglu.run("import", path, "--mapping", by, "--route", "--limit", "9")
    assert ran.code == 0
    assert "分流：转送 7，交经办人 2" in ran.out
    counts = {(c["state"], c["handoff_state"]): c["petitions"] for c in tonglu.run("petitions", "--counts", "--json").json}
    assert counts == {("HANDED_OFF", "ISSUED"): 7, ("WITH_CLERK", ""): 2}
    assert tonglu.run("petitions", "--body", "agency-housing-990102", "--json").json
    assert "转送 0，交经办人 0" in tonglu.run("import", path, "--mapping", by, "--route").out


def test_limit_and_the_rest_later(tonglu: Tonglu, tmp_path: Path, ledger: Ledger) -> None:
    by, path = files.mapping(tmp_path, "csv"), files.plain_csv(tmp_path / "a.csv", [files.row(n) for n in range(20)])
    assert "新登记 5" in tonglu.run("import", path, "--mapping", by, "--limit", "5").out
    assert "新登记 15，已有 5" in tonglu.run("import", path, "--mapping", by).out


def test_rows_that_cannot_even_be_read(tonglu: Tonglu, tmp_path: Path, ledger: Ledger) -> None:
    lines = ",".join(files.COLUMNS).encode() + b"\r\n"
    good = "A1,司徒虚构,供暖不热,2026/1/5 9:30:00,请解决,来信,东屿\r\n".encode()
    not_utf8 = "A2,司徒虚构,供暖不热,2026/1/5 9:30:00,请解决,来信,东屿\r\n".encode("gb18030")
    wide = "A3,司徒虚构,供暖,不热,2026/1/5 9:30:00,请解决,来信,东屿\r\n".encode()
    nul = "A4,司徒虚构,供暖不热,2026/1/5 9:30:00,请\0解决,来信,东屿\r\n".encode()
    quoted = 'A5,司徒虚构,供暖不热,2026/1/5 9:30:00,"请,\n解决",来信,东屿\r\n'.encode()
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbf" + lines + good + not_utf8 + wide + nul + quoted)
    ran = tonglu.run("import", path, "--mapping", files.mapping(tmp_path, "csv"))
    assert "新登记 2，已有 0，退件 3" in ran.out, ran.out + ran.err
    assert [r[1] for r in petitions(ledger)] == ["A1", "A5"]
    (tmp_path / "a.jsonl").write_bytes(b'{"x": \n[1]\n"text"\n\xff\n')
    ran = tonglu.run("import", tmp_path / "a.jsonl", "--mapping", files.mapping(tmp_path, "jsonl"))
    assert "退件 4" in ran.out


def test_a_reference_that_a_spreadsheet_would_run_is_made_harmless(tonglu: Tonglu, tmp_path: Path) -> None:
    path = files.plain_csv(tmp_path / "a.csv", [files.row(1, 编号="=HYPERLINK(1)", 正文="")])
    tonglu.run("import", path, "--mapping", files.mapping(tmp_path, "csv"))
    assert rejected(tmp_path / "a.csv.rejected.csv")[1][1] == "'=HYPERLINK(1)"


def test_the_list_goes_to_the_working_folder_when_it_cannot_lie_beside(tonglu: Tonglu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    path = files.plain_csv(tmp_path / "a.csv", [files.row(1, 正文="")])
    (tmp_path / "a.csv.rejected.csv").mkdir()
    ran = tonglu.run("import", path, "--mapping", files.mapping(tmp_path, "csv"))
    assert "不能写入" in ran.err
    assert len(rejected(elsewhere / "a.csv.rejected.csv")) == 2


def test_an_old_list_goes_when_nothing_is_rejected_any_more(tonglu: Tonglu, tmp_path: Path) -> None:
    by = files.mapping(tmp_path, "csv")
    path = files.plain_csv(tmp_path / "a.csv", [files.row(1, 正文="")])
    tonglu.run("import", path, "--mapping", by)
    files.plain_csv(path, [files.row(1)])
    assert tonglu.run("import", path, "--mapping", by).code == 0
    assert not (tmp_path / "a.csv.rejected.csv").exists()
    (tmp_path / "a.csv.rejected.csv").write_text("somebody's own file\n")
    tonglu.run("import", path, "--mapping", by)
    assert (tmp_path / "a.csv.rejected.csv").exists()


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("gone.xlsx", None, "没有文件"),
        ("a.xlsx", b"not a workbook", "不是可读的 .xlsx"),
        ("a.csv", "编号,标题\r\n1,2\r\n".encode(), "表头中没有这些列"),
        ("a.csv", ",".join([*files.COLUMNS, "编号"]).encode(), "重复的列"),
        ("a.csv", b"", "表头中没有这些列"),
    ],
)
def test_a_file_that_is_not_what_the_mapping_says(tonglu: Tonglu, tmp_path: Path, ledger: Ledger, name: str, content: bytes | None, word: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    ran = tonglu.run("import", tmp_path / name, "--mapping", files.mapping(tmp_path, name.split(".")[1]))
    assert ran.code == 2
    assert word in ran.err
    assert "修正：" in ran.err
    assert not [p for p in tmp_path.iterdir() if "rejected" in p.name]


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("name: window-log", "name: 窗口", "name"),
        ("{{column: 编号}}", "{{}}", "column 或 digest"),
        ("timezone: Asia/Shanghai", "timezone: Asia/Atlantis", "时区"),
        ("来信: letter", "来信: pigeon", "渠道 pigeon 不存在"),
        ('"990102"', '"123456"', "区划 123456"),
        ("sector: housing", "colour: red", "没有事实 colour"),
        ("art31: 6", "art31: 9", "art31"),
        ("{{klass: accusation}}", "{{klass: accusation, sector: housing}}", "不能替检举控告定去向"),
        (", clerk: 可能含有检举控告", "", "不能替检举控告定去向"),
        ("id: housing", "id: accuse", "重复"),
        ("max: 30", "max: 9999", "subject"),
        ("skip:", "skips:", "是否想写“skip”"),
        ("map: {{来信: letter, 走访: visit}}, default: online", "value: letter", "value 或 column"),
    ],
)
def test_a_wrong_mapping_is_named_by_file_line_and_cure(tonglu: Tonglu, tmp_path: Path, old: str, new: str, word: str) -> None:
    assert old in files.MAPPING
    by = files.mapping(tmp_path, "csv", text=files.MAPPING.replace(old, new, 1))
    path = files.plain_csv(tmp_path / "a.csv", [files.row(1)])
    ran = tonglu.run("import", path, "--mapping", by)
    assert ran.code == 2
    assert word in ran.err
    assert "csv.yaml:" in ran.err
    assert "修正：" in ran.err


def test_rows_without_a_number_are_known_by_a_digest(tonglu: Tonglu, tmp_path: Path, ledger: Ledger) -> None:
    by = files.mapping(tmp_path, "csv", text=files.MAPPING.replace("{{column: 编号}}", "{{digest: [姓名, 时间, 正文]}}"))
    path = files.plain_csv(tmp_path / "a.csv", [files.row(1), files.row(2), files.row(1)])
    assert "新登记 2，已有 1" in tonglu.run("import", path, "--mapping", by).out
    assert "新登记 0，已有 3" in tonglu.run("import", path, "--mapping", by).out
    assert all(len(r[1]) == 32 for r in petitions(ledger))
