"""lexicon.yaml and areas.yaml: the shipped ones are sound, and every way to break them is named by file, line and cure."""

from __future__ import annotations

from pathlib import Path

import pytest

import config
from config.areas import load_areas
from config.bodies import load_bodies
from config.lexicon import Lexicon, load_lexicon
from config.routing import load_routing
from config.source import ConfigError

FOLDER = Path(config.__file__).parent
CITY = load_bodies(FOLDER / "bodies.yaml")

AREAS = """sectors:
  housing: 住建
  market: 市场监管
areas:
  homes: {zh: 住房, sector: housing, labels: [城乡建设]}
  trade: {zh: 商贸, labels: [商贸旅游]}
"""
LEXICON = """counting:
  grades: {strong: 3, clear: 2, faint: 1}
  title: 2
  again: 0.2
  landmark: 0.2
  window: 12
  sharpness: 1.6
  background: 2
  threshold: {klass: 0.5, situation: 0.5, sector: 0.5, area: 0.5, division: 0.5}
negations: [不是]
landmarks: [旁]
klass:
  suggestion: {strong: [建议]}
  claim: {strong: [请求]}
warnings:
  grave: {says: 可能是重大紧急事项, basis: 条例, strong: [爆炸]}
topics:
  repairs: {zh: 维修, area: homes, strong: [漏水]}
  shops:
    zh: 商店
    area: trade
    sector: [market]
    strong: [假货]
situations:
  wage: {zh: 欠薪, strong: [欠薪]}
"""


def test_the_shipped_lexicon_is_sound_and_names_every_label_of_the_public_classes() -> None:
    lexicon = load_lexicon(FOLDER, CITY)
    for label in ("城乡建设", "环境保护", "交通运输", "教育文体", "劳动和社会保障", "商贸旅游", "卫生计生"):
        area = lexicon.areas.of_label(label)
        assert area is not None
        assert any(topic.area == area for topic in lexicon.file.topics.values())
    assert lexicon.areas.of_label("无此分类") is None


def test_a_class_can_be_a_suggestion_or_a_claim_and_nothing_else() -> None:
    assert set(load_lexicon(FOLDER, CITY).file.klass) == {"suggestion", "claim"}


def test_a_topic_is_answered_by_its_own_sectors_or_its_area_s(tmp_path: Path) -> None:
    lexicon = written(tmp_path)
    topics = lexicon.file.topics
    assert lexicon.sectors_of(topics["repairs"]) == ("housing",)
    assert lexicon.sectors_of(topics["shops"]) == ("market",)
    assert lexicon.sectors_of(topics["shops"].model_copy(update={"sector": None})) == ()


def written(folder: Path, old: str = "", new: str = "") -> Lexicon:
    assert old in LEXICON + AREAS
    (folder / "areas.yaml").write_text(AREAS.replace(old, new, 1), encoding="utf-8")
    (folder / "lexicon.yaml").write_text(LEXICON.replace(old, new, 1), encoding="utf-8")
    return load_lexicon(folder, CITY)


@pytest.mark.parametrize(
    ("old", "new", "where", "part"),
    [
        ("strong: [漏水]", "strong: [水]", "lexicon.yaml:18", "字数不少于 2"),
        ("strong: [漏水]", "strong: [漏 水]", "lexicon.yaml:18", "格式不对"),
        ("strong: [漏水]", "strong: [12345]", "lexicon.yaml:18", "加上引号"),
        ("strong: [漏水]", "strong: [漏水], clear: [漏水]", "lexicon.yaml:18", "“漏水”在同一处写了两次（strong、clear）"),
        (", strong: [漏水]", "", "lexicon.yaml:18", "没有写任何词"),
        (", strong: [漏水]", ", together: [{all: [[漏水]]}]", "lexicon.yaml:18", "together"),
        ("area: homes", "area: moon", "lexicon.yaml:18", "领域 moon 不存在"),
        ("sector: [market]", "sector: [moon]", "lexicon.yaml:22", "部门类别 moon 没有声明"),
        ("clear: 2,", "clear: 4,", "lexicon.yaml:2", "strong 大于 clear"),
        (", faint: 1", "", "lexicon.yaml:2", "须写全"),
        ("area: 0.5,", "area: 1.5,", "lexicon.yaml:9", "小于 1"),
        ("title: 2", "title: 0", "lexicon.yaml:3", "不小于 1"),
        ("  claim: {strong: [请求]}\n", "", "lexicon.yaml:12", "缺少 claim"),
        ("  claim: {strong", "  accusation: {strong", "lexicon.yaml:14", "accusation"),
        ("  grave: {", "  refusal: {", "lexicon.yaml:16", "refusal"),
        ("  wage: {", "  accuse_cadre: {", "lexicon.yaml:25", "属于检举控告，不得由词库提出"),
        ("  market: 市场监管\n", "", "lexicon.yaml:22", "在 areas.yaml 的 sectors 中补写"),
        ("sector: housing", "sector: moon", "areas.yaml:5", "部门类别 moon 没有声明"),
        ("zh: 商贸,", "zh: 住房,", "areas.yaml:6", "名称“住房”已用于 homes"),
        ("[商贸旅游]", "[城乡建设]", "areas.yaml:6", "“城乡建设”已归入 homes"),
        ("  housing: 住建\n  market: 市场监管\n", "  moon: 月球\n", "areas.yaml", "没有声明"),
    ],
)
def test_what_is_wrong_is_named_by_line_and_cure(tmp_path: Path, old: str, new: str, where: str, part: str) -> None:
    with pytest.raises(ConfigError) as caught:
        written(tmp_path, old, new)
    assert any(where in str(p) and part in str(p) for p in caught.value.problems), str(caught.value)
    assert all(p.cure for p in caught.value.problems)


def test_the_situations_are_those_of_the_routing_table(tmp_path: Path) -> None:
    table = load_routing(FOLDER / "routing.yaml", CITY)
    named = load_lexicon(FOLDER, CITY, table).file.situations
    assert len(named) >= 37
    assert all(table.situations[slug].facts.get("klass") == "claim" for slug in named)
    written(tmp_path)
    with pytest.raises(ConfigError, match=r"lexicon\.yaml:25: 情形 wage 不在路由表中.*routing\.yaml"):
        load_lexicon(tmp_path, CITY, table)
    written(tmp_path, "wage: {", "wage_arrear: {")
    with pytest.raises(ConfigError, match=r"是否想写 wage_arrears？"):
        load_lexicon(tmp_path, CITY, table)


def test_sectors_that_nobody_holds_are_named(tmp_path: Path) -> None:
    (tmp_path / "areas.yaml").write_text(AREAS.replace("housing", "moon").replace("market", "mars"), encoding="utf-8")
    (tmp_path / "lexicon.yaml").write_text(LEXICON.replace("market", "mars"), encoding="utf-8")
    with pytest.raises(ConfigError, match="没有一个有对应机关"):
        load_lexicon(tmp_path, CITY)


@pytest.mark.parametrize("name", ["areas.yaml", "lexicon.yaml"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    written(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ConfigError, match=f"{name}:1: 找不到该配置文件"):
        load_lexicon(tmp_path, CITY)


def test_areas_need_sectors(tmp_path: Path) -> None:
    (tmp_path / "areas.yaml").write_text("sectors: {}\nareas: {}\n", encoding="utf-8")
    with pytest.raises(ConfigError):
        load_areas(tmp_path / "areas.yaml")
