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


def test_a_row_id_is_used_once(tmp_path: Path) -> None:
    path = tmp_path / "routing.yaml"
    path.write_text(ROW + ROW.removeprefix("rows:\n"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"routing\.yaml:11: 行 X 重复（第 2 行已写过）"):
        load_routing(path, CITY)
