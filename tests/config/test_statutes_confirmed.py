"""gaps.yaml and confirmed.yaml: what is open, what somebody answers for, and every way to write it wrongly."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import config
from config.confirmed import Confirmed, every_id, load_confirmed
from config.gaps import HONOURED, load_gaps
from config.source import ConfigError
from rules.house import House, load_house
from rules.register import unconfirmed

FOLDER = Path(config.__file__).parent
BUREAU = "bureau-990100"


@pytest.fixture(scope="module")
def house() -> House:
    return load_house(FOLDER, BUREAU)


def open_points(house: House) -> dict[str, tuple[str, str, str]]:
    return {u.where: (u.what, u.verified, u.meanwhile) for u in unconfirmed(house.roads.clocks_file, house.table, house.register, house.gaps, house.confirmed)}


def test_the_gaps_are_there_and_each_says_what_happens() -> None:
    gaps = load_gaps(FOLDER / "gaps.yaml").gaps
    assert list(gaps) == [str(n) for n in range(1, len(gaps) + 1)]
    assert all(gap.question and gap.does and gap.basis == "none" for gap in gaps.values())
    assert {key for key, gap in gaps.items() if gap.options} == HONOURED.keys()


def test_nothing_is_confirmed_in_the_sample_and_all_of_it_is_listed(house: House) -> None:
    points = open_points(house)
    assert load_confirmed(FOLDER / "confirmed.yaml").confirmed == ()
    assert {"clocks.sign#rest", "clocks.accept#Z01", "clocks.issue#S03", "rungs.conference#X15", "duties.supervise", "statutes.X05", "statutes.S01", "gaps.1", "gaps.12"} <= points.keys()
    assert "clocks.result#X19" not in points, "that article was read"
    assert points["clocks.accept#Z01"][1:] == ("凭记忆", "照此计时，到期日旁标“法定（待确认）”")
    assert points["clocks.sign#rest"][1:] == ("内部时限", "照此计时，到期日旁标“内部时限”")
    assert "收到对方受理来文之日" in points["gaps.1"][2]
    rows = {row.id for row in house.table.rows if row.verified in ("memory", "inference")}
    assert {where.removeprefix("routing.") for where in points if where.startswith("routing.")} == rows
    assert all(what and verified and meanwhile for what, verified, meanwhile in points.values())


def test_ids_are_one_to_a_thing(house: House) -> None:
    clocks = house.roads.clocks_file
    known = every_id(clocks, house.table, house.register, house.gaps)
    cases = sum(len(clock.cases) for table in (clocks.clocks, clocks.rungs) for clock in table.values())
    assert len(known) == cases + len(clocks.duties) + len(house.table.rows) + len(house.register.rows) + len(house.gaps.gaps)


def confirming(tmp_path: Path, text: str) -> House:
    for file in FOLDER.glob("*.yaml"):
        shutil.copy(file, tmp_path)
    (tmp_path / "confirmed.yaml").write_text(text, "utf-8")
    return load_house(tmp_path, BUREAU)


def test_what_is_confirmed_is_no_longer_open(tmp_path: Path, house: House) -> None:
    wanted = ["clocks.accept#Z01", "clocks.sign#rest", "rungs.urged#rest", "duties.supervise", "statutes.X05", "gaps.3"]
    text = "confirmed:\n" + "".join(f'  - {{id: "{name}", by: 法规科, on: 2026-04-01}}\n' for name in wanted)
    assert open_points(house).keys() - open_points(confirming(tmp_path, text)).keys() == set(wanted)


@pytest.mark.parametrize(("text", "words"), [
    ('confirmed:\n  - {id: "clocks.result#X91", by: 法规科, on: 2026-04-01}\n', 'confirmed.yaml:2: 确认了不存在的 clocks.result#X91。修正：是否想写 clocks.result#X19'),
    ('confirmed:\n  - {id: gaps.19, by: 法规科, on: 2026-04-01}\n', "gaps.1"),
    ('confirmed:\n  - {id: 随便, by: 法规科, on: 2026-04-01}\n', "字数不少于 3"),
    ('confirmed:\n  - {id: 说不清的一项, by: 法规科, on: 2026-04-01}\n', "用 tonglu check 查看全部待确认的编号"),
    ('confirmed:\n  - {id: gaps.3, by: 法规科, on: 2026-04-01}\n  - {id: gaps.3, by: 法规科, on: 2026-04-02}\n', "confirmed.yaml:3: gaps.3 确认了两次"),
    ('confirmed:\n  - {id: gaps.3, by: 法规科, on: 2026-02-30}\n', "日期"),
    ('confirmed:\n  - {id: gaps.3, on: 2026-04-01}\n', "缺少“by”"),
    ('confirm:\n  - {id: gaps.3, by: 法规科, on: 2026-04-01}\n', "是否想写“confirmed”"),
])
def test_a_wrong_confirmation_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        confirming(tmp_path, text)
    assert "confirmed.yaml:" in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(("old", "new", "words"), [
    ("choice: message", "choice: guess", "选择 guess 不在可选之列"),
    ("    choice: message\n", "", "须同时写"),
    ("      refuse: 一律不予受理\n", "      refuse: 一律不予受理\n      ask: 请示上级\n", "选项 ask 没有程序实现"),
    ('  "12":', '  "twelve":', "twelve"),
    ('  "6":', '  "66":', "没有程序实现"),
    ("does: 不能延期；届满催办", "doe: 不能延期；届满催办", "是否想写“does”"),
])
def test_a_wrong_gap_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = (FOLDER / "gaps.yaml").read_text("utf-8")
    assert old in text
    (tmp_path / "gaps.yaml").write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_gaps(tmp_path / "gaps.yaml")
    assert words in str(caught.value)
    assert str(caught.value).startswith("gaps.yaml:")


def test_a_gap_that_code_asks_for_cannot_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "gaps.yaml").write_text('gaps:\n  "2": {question: 问题, does: 做法, article: XF}\n', "utf-8")
    with pytest.raises(ConfigError, match="缺少空白"):
        load_gaps(tmp_path / "gaps.yaml")


def test_a_gap_without_a_choice_is_not_asked_for_one() -> None:
    gaps = load_gaps(FOLDER / "gaps.yaml")
    assert gaps.choice("1") in HONOURED["1"]
    with pytest.raises(KeyError):
        gaps.choice("2")


def test_an_unknown_track_is_named_with_its_line(tmp_path: Path) -> None:
    for file in FOLDER.glob("*.yaml"):
        shutil.copy(file, tmp_path)
    text = (tmp_path / "clocks.yaml").read_text("utf-8")
    (tmp_path / "clocks.yaml").write_text(text.replace("track: [court_retrial], counts_from", "track: [court_again], counts_from"), "utf-8")
    with pytest.raises(ConfigError, match=r"clocks\.yaml:\d+: 期限 result 写了路由表没有的轨道 court_again"):
        load_house(tmp_path, BUREAU)


def test_the_shipped_confirmations_model_is_empty_by_default() -> None:
    assert Confirmed().ids == frozenset()
