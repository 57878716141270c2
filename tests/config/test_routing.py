"""routing.yaml: the shipped table is sound, and every way to break it is named."""

from pathlib import Path

import pytest

import config
from config.bodies import load_bodies
from config.facts import NAMES, Facts
from config.routing import load_routing
from config.source import ConfigError

FOLDER = Path(config.__file__).parent
CITY = load_bodies(FOLDER / "bodies.yaml")
ROW = """rows:
  - id: X
    rank: 1
    label: 试验
    when: {klass: claim}
    to: {kind: court}
    way: 转送
    basis: [条例]
    verified: yes
    note: 试验用行
    track: t
    procedure: petition
tracks: {t: 试验轨道}
"""


def test_every_row_has_a_basis_and_a_mark() -> None:
    table = load_routing(FOLDER / "routing.yaml", CITY)
    assert all(row.basis and row.verified and row.note for row in table.rows)
    assert table.row("B1").way == "转送"
    with pytest.raises(KeyError):
        table.row("B9")


def test_every_fact_has_a_name_for_clerks() -> None:
    assert NAMES.keys() == Facts.model_fields.keys()


@pytest.mark.parametrize(
    ("old", "new", "line", "part"),
    [
        ("kind: court", "kind: castle", 6, "不在允许之列"),
        ("kind: court", "kind: agency", 6, "须写 sector"),
        ("kind: court", "kind: court, sector: housing", 6, "须写 sector"),
        ("kind: court", "kind: agency, sector: moon", 6, "去向 agency（moon），机关目录中没有这样的机关"),
        ("kind: court", "level: matter", 6, "须写 kind 或 body 之一"),
        ("    way: 转送\n", "", 2, "to 与 way 须同时写"),
        ("way: 转送", "way: 邮寄", 7, "不在允许之列"),
        ("    way: 转送\n", "    way: 转送\n    clerk: 由人决定\n", 2, "to 或 clerk 之一"),
        ("{klass: claim}", "{}", 5, "没有条件"),
        ("{klass: claim}", "{colour: red}", 5, "不是已知的事实"),
        ("{klass: claim}", "{klass: {a: b}}", 5, "rows.0.when.klass"),
        ("{klass: claim}", "{klass: plea}", 5, "不可能等于 plea"),
        ("{klass: claim}", "{grave: 1}", 5, "不可能等于 1"),
        ("{klass: claim}", "{sector: moon}", 5, "领域 moon 没有任何机关"),
        ("basis: [条例]", "basis: []", 8, "basis"),
        ("verified: yes", "verified: surely", 9, "不在允许之列"),
        ("rank: 1", "rank: -1", 3, "rank"),
    ],
)
def test_a_broken_row_is_refused_by_line(tmp_path: Path, old: str, new: str, line: int, part: str) -> None:
    assert old in ROW
    path = tmp_path / "routing.yaml"
    path.write_text(ROW.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_routing(path, CITY)
    assert [p.line for p in caught.value.problems] == [line], str(caught.value)
    assert part in str(caught.value)


def refused(folder: Path, text: str) -> ConfigError:
    path = folder / "routing.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_routing(path, CITY)
    return caught.value


def test_a_row_id_is_used_once(tmp_path: Path) -> None:
    row = ROW.split("tracks:")[0].removeprefix("rows:\n")
    caught = refused(tmp_path, f"rows:\n{row}{row.replace('rank: 1', 'rank: 2')}tracks: {{t: 试验轨道}}\n")
    assert "routing.yaml:13: 行 X 重复（第 2 行已写过）" in str(caught)


NAMED = """tracks: {t: 试验轨道}
remedies:
  sue: {zh: 向法院起诉, basis: 某法, verified: yes}
situations:
  arrears: {zh: 拖欠工资, branch: B3.5, implies: {sector: human_resources}}
  accuse_crime: {zh: 犯罪, branch: B2b, implies: {organ: police, accused: private}}
rows:
  - id: B3.5-arrears
    rank: 5
    label: 拖欠工资
    when: {situation: arrears}
    to: {kind: agency, sector: human_resources}
    way: 转送
    procedure: performance
    track: t
    basis: [某法]
    verified: yes
    alternatives: [sue]
    note: 试验用行
  - id: B2b-crime
    rank: 5
    label: 犯罪
    when: {situation: accuse_crime}
    to: {kind: police}
    way: 转送
    procedure: accusation
    track: t
    basis: [某法]
    verified: yes
    note: 试验用行
"""


def test_a_table_with_names_is_read(tmp_path: Path) -> None:
    path = tmp_path / "routing.yaml"
    path.write_text(NAMED, encoding="utf-8")
    table = load_routing(path, CITY)
    assert table.situations["arrears"].facts == {"klass": "claim", "art31": 5, "sector": "human_resources"}
    assert [remedy.zh for remedy in table.remedies_of(table.row("B3.5-arrears"))] == ["向法院起诉"]


@pytest.mark.parametrize(
    ("old", "new", "line", "part"),
    [
        ("    track: t\n    basis: [某法]\n    verified: yes\n    note", "    basis: [某法]\n    verified: yes\n    note", 20, "没有写期限轨道"),
        ("track: t\n    basis: [某法]\n    verified: yes\n    note", "track: moon\n    basis: [某法]\n    verified: yes\n    note", 27, "轨道 moon 不在 tracks 中"),
        ("{t: 试验轨道}", "{t: 试验轨道, u: 没有人用}", 1, "轨道 u 没有任何行使用"),
        ("    procedure: accusation\n", "", 20, "没有写程序种类"),
        ("procedure: accusation", "procedure: petition", 26, "与分支 B2b 不符"),
        ("procedure: accusation", "procedure: magic", 26, "不在允许之列"),
        ("alternatives: [sue]", "alternatives: [sue, pray]", 18, "救济途径 pray 不在 remedies 中"),
        ("    alternatives: [sue]\n", "    alternatives: []\n", 3, "救济途径 sue 没有任何行使用"),
        ("situations:\n", "situations:\n  lost: {zh: 没有行, branch: B3.6}\n", 5, "情形 lost 没有自己的行"),
        ("implies: {sector: human_resources}", "implies: {sector: moon}", 5, "领域 moon 没有任何机关"),
        ("implies: {sector: human_resources}", "implies: {colour: red}", 5, "colour 不是可推出的事实"),
        ("implies: {sector: human_resources}", "implies: {organ: castle}", 5, "organ 不可能等于 castle"),
        ("implies: {sector: human_resources}", "implies: {art31: 2}", 5, "与分支 B3.5 相矛盾"),
        ("implies: {sector: human_resources}", "implies: {sector: human_resources}, asks: [sector]", 5, "既由情形推出又须查明"),
        ("branch: B3.5,", "branch: B3.6,", 8, "分支 B3.5 与情形 arrears 的分支 B3.6 不一致"),
        ("situation: arrears}", "situation: arrears, sector: housing}", 11, "永不适用：情形 arrears 推出的领域与条件不符"),
        ("situation: arrears}", "situation: debts}", 11, "情形 debts 不在 situations 中"),
        ("situation: arrears}", "klass: claim}", 5, "情形 arrears 没有自己的行"),
        ("accuse_crime: {zh", "crime: {zh", 6, "属检举控告而名称不以 accuse_ 开头"),
        ("arrears: {zh", "accuse_arrears: {zh", 5, "不属检举控告而名称以 accuse_ 开头"),
        ("    note: 试验用行\n  - id: B2b", "    note: 试验用行\n    beside: [B9]\n  - id: B2b", 20, "beside 指向不存在的行 B9"),
        ("    to: {kind: police}\n    way: 转送\n", "    clerk: 由人决定\n", 20, "没有去向，不写 visit、also、track"),
        ("    way: 转送\n    procedure: accusation", "    way: 转送\n    also: [{kind: agency, sector: moon}]\n    procedure: accusation", 26, "去向 agency（moon）"),
        ("    way: 转送\n    procedure: accusation", "    way: 转送\n    visit: {way: 交办, note: 请前往}\n    procedure: accusation", 26, "不在允许之列"),
    ],
)
def test_a_broken_name_is_refused_by_line(tmp_path: Path, old: str, new: str, line: int, part: str) -> None:
    assert old in NAMED
    caught = refused(tmp_path, NAMED.replace(old, new))
    assert (line, True) in [(p.line, part in p.what) for p in caught.problems], str(caught)
    assert all(p.cure for p in caught.problems)


def two(first: str, second: str, extra: str = "") -> str:
    """Two rows of one rank with these conditions."""
    row = ROW.split("tracks:")[0].removeprefix("rows:\n")
    one = row.replace("{klass: claim}", first)
    other = row.replace("id: X", "id: Y").replace("{klass: claim}", second) + extra
    return f"rows:\n{one}{other}tracks: {{t: 试验轨道}}\n"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{klass: claim}", "{sector: housing}"),
        ("{klass: claim}", "{klass: [claim, suggestion]}"),
        ("{sector: known}", "{sector: housing}"),
        ("{organ: absent}", "{organ: [absent, court]}"),
        ("{important: [false, absent]}", "{klass: claim}"),
    ],
)
def test_rows_of_one_rank_that_can_meet_say_so(tmp_path: Path, first: str, second: str) -> None:
    caught = refused(tmp_path, two(first, second))
    assert [(p.line, p.what) for p in caught.problems] == [(14, "行 Y 与行 X（第 2 行）次序同为 1，可能同时适用")]
    assert "beside: [X]" in caught.problems[0].cure
    path = tmp_path / "routing.yaml"
    path.write_text(two(first, second, "    beside: [X]\n"), encoding="utf-8")
    assert len(load_routing(path, CITY).rows) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{klass: claim}", "{klass: suggestion}"),
        ("{sector: known}", "{sector: absent}"),
        ("{organ: absent}", "{organ: [court, police]}"),
        ("{important: [false, absent]}", "{important: true}"),
        ("{klass: claim, art31: [1, 2]}", "{klass: claim, art31: [3, absent]}"),
    ],
)
def test_rows_that_never_meet_may_share_a_rank(tmp_path: Path, first: str, second: str) -> None:
    path = tmp_path / "routing.yaml"
    path.write_text(two(first, second), encoding="utf-8")
    assert [row.rank for row in load_routing(path, CITY).rows] == [1, 1]


def test_a_situation_is_disjoint_by_what_it_implies(tmp_path: Path) -> None:
    general = NAMED.split("  - id: B2b-crime")[1]
    for sector, meets in (("housing", False), ("human_resources", True)):
        row = f"  - id: B3.5-general{general}".replace("situation: accuse_crime", f"klass: claim, sector: {sector}").replace("accusation", "performance")
        text = NAMED + row.replace("    note", "    alternatives: [sue]\n    note").replace("{kind: police}", "{kind: court}")
        path = tmp_path / "routing.yaml"
        path.write_text(text, encoding="utf-8")
        if meets:
            assert "行 B3.5-general 与行 B3.5-arrears" in str(refused(tmp_path, text))
        else:
            assert len(load_routing(path, CITY).rows) == 3
