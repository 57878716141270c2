"""statutes.yaml: the shipped register is whole and agrees with the clocks; every way to part the two is named with file, line and cure."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

import config
from config.roadmap import Case, load_roadmap
from config.source import ConfigError
from config.statutes import Register, load_statutes
from rules.edge_guards import GUARDS
from rules.remedies import WINDOW

FOLDER = Path(config.__file__).parent
ROADS, CLOCKS = load_roadmap(FOLDER, GUARDS.keys())
REGISTER = load_statutes(FOLDER, ROADS, CLOCKS, GUARDS.keys())
CASES: list[tuple[str, Case]] = [(key, case) for table in (CLOCKS.clocks, CLOCKS.rungs) for key, clock in table.items() for case in clock.cases]

# Read out of the laws a second time: limits in order, extension, article's first words. Rows without a number: "".
SECOND_READING = """
X02 15d|X05 15d|X07 15d|X08 15d|X09 15d|X10 5wd|X12 15d|X13 15d|X19 60d +30d|X20 30d|X21 30d|X22 30d|X23 30d|X29b 30d|S01 3wd|S02 10wd|S03 1wd|S04 5d 3d 3d 4d
J01 5wd|J03 5wd|J04 3mo|J05 15wd|J06 15wd|J08 5wd|J09 5wd|J11 1mo 1mo|J12 1mo 2mo|J13 1mo 1mo 2mo|J14 3mo|J16 30d 30d 15d 30d|J17 60d +30d
C01 7d|C02 7d|C03 3mo|C04 7d|C05 10d|C06 15d 10d|C07 15d|C08 7d|C09 15d|C10 3mo|C11 30d|C12 3mo +1mo|C13 3mo +3mo
F01 7d|F02 15d 30d 15d|F03 15d|F05 7d|F06 6mo 3mo 5d|F07 6mo 6mo|F08 3mo +3mo|F09 15d 10d|F10 6mo|F11 6mo 15d|F12 6mo 3mo 2mo 6mo 45d +6mo
G02 24h|G03 24h|G05 3d|G06 7d 30d 7d 30d +30d|G07 3d 24h|G08 30d +30d
Z01 5wd 5d|Z02 5wd 10wd 5wd 5wd 5wd|Z03 45d +15d|Z04 15d|Z05 30d|Z06 12mo|Z07 15d|Z08 5wd 5wd|Z09 60d +30d|Z10 3wd 30d|Z11 24mo|Z12 5d|Z13 3mo 6mo
R01 60d|R02 5wd|R03 5wd 10wd|R04 5wd|R05 5wd|R06 7wd 10wd 3wd 5wd|R07 60d +30d|R08 30d|R09 7wd 60d|R10 60d
A01 2mo|A02 5wd 20wd +10wd|A03 45wd +15wd|A04 90d|A05 20wd 7wd +20wd|A07 60wd +30wd|A09 60d 15d|A10 7wd|A11 5wd|A12 7wd|A14 30d|A15 2mo 5d|A16 7d 3d|M03 30d
"""


def second_reading() -> dict[str, tuple[tuple[str, ...], str | None]]:
    found = {}
    for entry in re.split(r"[|\n]", SECOND_READING.strip()):
        name, *rest = entry.split()
        found[name] = (tuple(one for one in rest if not one.startswith("+")), next((one[1:] for one in rest if one.startswith("+")), None))
    return found


def test_no_row_of_the_law_is_missing() -> None:
    assert Counter(name[0] for name in REGISTER.rows) == {"X": 33, "S": 4, "J": 17, "C": 13, "F": 12, "G": 8, "Z": 13, "R": 11, "A": 16, "M": 4}
    for letter, last in {"X": 32, "S": 4, "J": 17, "C": 13, "F": 12, "G": 8, "Z": 13, "R": 11, "A": 16, "M": 4}.items():
        assert {f"{letter}{n:02}" for n in range(1, last + 1)} <= REGISTER.rows.keys()


def test_every_number_was_read_twice() -> None:
    again = second_reading()
    assert {name: (row.limit, row.extension) for name, row in REGISTER.rows.items() if row.limit} == again
    assert {name for name, row in REGISTER.rows.items() if row.leave} == {"X04", "F06", "F07"}


def test_each_row_is_kept_by_something_that_runs_or_says_why_not() -> None:
    kept_by = {(row, key) for key, case in CASES for row in case.row}
    for name, row in REGISTER.rows.items():
        assert row.kept
        if not row.seen:
            assert len(row.why) >= 6, name
            assert not any(name in case.row for _, case in CASES), f"{name} is kept after all"
        for kept in row.kept:
            assert kept.clock is None or (name, kept.clock) in kept_by
            assert kept.duty is None or name in CLOCKS.duties[kept.duty].row
    assert sum(row.seen for row in REGISTER.rows.values()) >= 80


def test_what_the_pipeline_can_observe_is_kept() -> None:
    observable = re.findall(r"\S+", """X01 X02 X03 X04 X05 X06 X07 X09 X10 X11 X14 X15 X16 X17 X18 X19 X20 X21 X22 X23 X24 X25 X26 X29 X32 S01 S02 S03
        J04 J05 J09 J11 J13 J14 J16 J17 C01 C02 C03 C04 C07 C10 C13 F01 F02 F04 F05 F06 F07 F08 F09 F10 F12 G01 G06 G08 Z01 Z03 Z07 Z08 Z09 Z12
        R02 R03 R07 R08 A01 A02 A04 A05 A07 A09 A10 A15 A16 M03""")
    assert [name for name in observable if not REGISTER.rows[name].seen] == []


def test_limit_and_extension_of_a_case_are_those_of_a_row_it_keeps() -> None:
    for key, case in CASES:
        rows = [REGISTER.rows[name] for name in case.row]
        if case.verified in ("yes", "quote"):
            assert any(case.limit in row.limit for row in rows), (key, case.name)
        if case.extension:
            assert not rows or any(row.extension == case.extension or row.leave for row in rows), (key, case.name)
            assert case.extended_by, (key, case.name)
        if not rows:
            assert case.verified == "internal", (key, case.name)


def test_a_case_is_never_longer_than_the_law_unless_the_law_has_no_number() -> None:
    days = {"wd": 1.4, "d": 1, "mo": 30.5, "h": 1 / 24, "min": 1 / 1440}

    def length(limit: str) -> float:
        number, unit = re.fullmatch(r"(\d+)(\w+)", limit).groups()  # type: ignore[union-attr]
        return int(number) * days[unit]

    for key, case in CASES:
        stated = [limit for name in case.row for limit in REGISTER.rows[name].limit]
        assert not stated or length(case.limit) <= max(map(length, stated)), (key, case.name)


def test_the_window_for_a_remedy_is_the_one_of_the_register() -> None:
    assert REGISTER.rows["X20"].limit == REGISTER.rows["X22"].limit == (WINDOW,)


def test_every_article_names_a_law_of_the_list_and_every_law_is_used() -> None:
    used = {part.split()[0] for row in REGISTER.rows.values() for part in row.article.split(";")}
    assert used <= REGISTER.instruments.keys()
    cited = {part.split()[0] for _, case in CASES for part in case.basis.split(";")}
    assert REGISTER.instruments.keys() - used - cited == set()


def broken(tmp_path: Path, name: str, old: str, new: str) -> list[str]:
    for file in ("roadmap.yaml", "clocks.yaml", "statutes.yaml"):
        shutil.copy(FOLDER / file, tmp_path)
    text = (tmp_path / name).read_text("utf-8")
    assert text.count(old) >= 1, old
    (tmp_path / name).write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_statutes(tmp_path, *load_roadmap(tmp_path, GUARDS.keys()), GUARDS.keys())
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(("name", "old", "new", "file", "words"), [
    ("clocks.yaml", "limit: 60d, extension: 30d, extended_by: 机关、单位负责人, extended_told: 告知信访人理由, runs_in: [SUSPENDED]",
     "limit: 61d, extension: 30d, extended_by: 机关、单位负责人, extended_told: 告知信访人理由, runs_in: [SUSPENDED]", "clocks.yaml", "61d 写作法定，而所保证的行写的是 60d"),
    ("clocks.yaml", "limit: 60d, extension: 30d, extended_by: 机关、单位负责人, extended_told: 告知信访人理由, runs_in: [SUSPENDED]",
     "limit: 60d, extension: 31d, extended_by: 机关、单位负责人, extended_told: 告知信访人理由, runs_in: [SUSPENDED]", "clocks.yaml", "可延长 31d"),
    ("clocks.yaml", "limit: 45d, extension: 15d, extended_by: 仲裁委员会主任, extended_told: 书面通知当事人,", "limit: 45d,", "clocks.yaml", "没有写延长"),
    ("clocks.yaml", "extension: 15d, extended_by: 仲裁委员会主任,", "extension: 15d,", "clocks.yaml", "没有写明由谁批准"),
    ("clocks.yaml", "row: [X09]", "row: [X99]", "clocks.yaml", "没有的行 X99"),
    ("clocks.yaml", "row: [X11]", "row: [X12]", "clocks.yaml", "没有写 {clock: decide_objection}"),
    ("clocks.yaml", 'basis: "XF 24(1), 24(2)", verified: internal', 'basis: "XF 24(1), 24(2)", verified: "yes"', "clocks.yaml", "没有这个数字"),
    ("clocks.yaml", 'limit: 10wd, runs_in: [SUSPENDED], basis: "JD"', 'limit: 11wd, basis: "JD"', "clocks.yaml", "与登记行 S02 写的都不同"),
    ("clocks.yaml", "row: [M03]", "row: [M33]", "clocks.yaml", "待办 judicial.confirmation 写了登记表中没有的行 M33"),
    ("clocks.yaml", 'verified: "yes", row: [X21]', 'verified: internal', "statutes.yaml", "登记行 X21 由期限 review_opinion 保证，而该期限没有一行"),
    ("clocks.yaml", "verified: internal, row: [X17]}", "verified: internal}", "statutes.yaml", "由待办 report.grave 保证"),
    ("statutes.yaml", "limit: [60d], extension: 30d, extended_by: 机关、单位负责人", "limit: [50d], extension: 30d, extended_by: 机关、单位负责人", "clocks.yaml", "60d 写作法定"),
    ("statutes.yaml", "kept: [{clock: result}, {guard: extension_allowed}]", "kept: [{clock: results}, {guard: extension_allowed}]", "statutes.yaml", "期限 results 保证"),
    ("statutes.yaml", "{guard: review_open}", "{guard: review_shut}", "statutes.yaml", "守则 review_shut"),
    ("statutes.yaml", "{edge: petition.link}", "{edge: petition.unlink}", "statutes.yaml", "边 petition.unlink"),
    ("statutes.yaml", '{seen: "no", why: 不是某一事项的期限}', '{seen: "no"}', "statutes.yaml", "须写明理由 why"),
    ("statutes.yaml", '{seen: "no", why: 不是某一事项的期限}', '{clock: route, seen: "no", why: 不是某一事项的期限}', "statutes.yaml", "只写 clock、duty"),
    ("statutes.yaml", 'kept: [{seen: "no", why: 不是某一事项的期限}]', 'kept: []', "statutes.yaml", "kept"),
    ("statutes.yaml", 'kept: [{seen: "no", why: 不是某一事项的期限}]', 'kept: [{seen: "no", why: 不是某一事项的期限}, {edge: petition.link}]', "statutes.yaml", "只留一种"),
    ("statutes.yaml", 'article: "XF 34"', 'article: "FX 34"', "statutes.yaml", "不以 instruments 中的简称开头"),
    ("statutes.yaml", "limit: [45d], extension: 15d, extended_by: 仲裁委员会主任,", "limit: [45d], extension: 15d,", "statutes.yaml", "由谁批准"),
    ("statutes.yaml", "limit: [45d]", "limit: [45days]", "statutes.yaml", "格式不对"),
    ("statutes.yaml", "limit: [45d]", "limits: [45d]", "statutes.yaml", "是否想写“limit”"),
    ("statutes.yaml", "  X31:", "  X30:", "statutes.yaml", "X30"),
    ("statutes.yaml", 'verified: "yes", kept: [{clock: decide_objection}]', "verified: sure, kept: [{clock: decide_objection}]", "statutes.yaml", "不在允许之列"),
])
def test_a_fault_is_named_with_its_line_and_a_cure(tmp_path: Path, name: str, old: str, new: str, file: str, words: str) -> None:
    faults = broken(tmp_path, name, old, new)
    hits = [fault for fault in faults if words in fault]
    assert hits, faults
    line = re.match(rf"{re.escape(file)}:(\d+): .*。修正：.", hits[0])
    assert line is not None, hits[0]
    assert int(line[1]) > 1


def test_the_line_named_is_the_line_of_the_fault(tmp_path: Path) -> None:
    faults = broken(tmp_path, "clocks.yaml", "row: [X11]", "row: [X12]")
    named = next(fault for fault in faults if fault.startswith("clocks.yaml"))
    line = int(named.split(":")[1])
    assert "row: [X12]" in (tmp_path / "clocks.yaml").read_text("utf-8").splitlines()[line - 1]


def test_a_tighter_local_limit_is_welcome(tmp_path: Path) -> None:
    for file in ("roadmap.yaml", "clocks.yaml", "statutes.yaml"):
        shutil.copy(FOLDER / file, tmp_path)
    text = (tmp_path / "clocks.yaml").read_text("utf-8")
    mine = '      - {id: local, division: ["990102"], limit: 10d, basis: "XF 23(3)", verified: internal, row: [X09]}\n'
    (tmp_path / "clocks.yaml").write_text(text.replace("    cases:\n      - {branch: [B3.6], flag: [simple], limit: 3wd", "    cases:\n" + mine + "      - {branch: [B3.6], flag: [simple], limit: 3wd"), "utf-8")
    roads, clocks = load_roadmap(tmp_path, GUARDS.keys())
    assert clocks.clocks["accept"].cases[0].name == "local"
    assert isinstance(load_statutes(tmp_path, roads, clocks, GUARDS.keys()), Register)
