"""Configuration files: what is read, and how each fault is named."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, model_validator

from config.source import ConfigError, Fault, Strict, load, load_located, raise_if
from config.yamltree import YamlFault, parse


class Item(Strict):
    code: str
    on: str = ""
    count: int = 0


class File(Strict):
    items: list[Item]
    table: dict[str, int] = Field(default_factory=dict)


def problems(tmp_path: Path, text: str | bytes) -> list[tuple[int, str, str]]:
    path = tmp_path / "x.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as caught:
        load(path, File)
    assert all(p.file == "x.yaml" and p.what and p.cure for p in caught.value.problems)
    assert str(caught.value).startswith(f"x.yaml:{caught.value.problems[0].line}: ")
    return [(p.line, p.what, p.cure) for p in caught.value.problems]


def test_reads_a_good_file_and_knows_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("# head\nitems:\n  - code: a\n    on: off\n\n  - {code: b,\n     count: 3}\n", encoding="utf-8")
    file, lines = load_located(path, File)
    assert [(i.code, i.on, i.count) for i in file.items] == [("a", "off", 0), ("b", "", 3)]
    assert lines.of("items") == 2
    assert lines.of("items", 0, "on") == 4
    assert lines.of("items", 1) == 6
    assert lines.of("items", 1, "count") == 7
    assert lines.of("items", 1, "missing", "deeper") == 6
    assert lines.of("nothing") == 2
    problem = lines.problem("错", "改", "items", 0, "code")
    assert str(problem) == "x.yaml:3: 错。修正：改"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("no", "no"),
        ("true", True),
        ("02:00", "02:00"),
        ("010", "010"),
        ("2026-02-14", "2026-02-14"),
        ("5wd", "5wd"),
        ("12", 12),
        ("-3", -3),
        ("1.5", 1.5),
        ("~", None),
        ("", None),
        ('"12"', "12"),
    ],
)
def test_scalars_follow_the_yaml_1_2_core_rules(text: str, value: object) -> None:
    assert parse(f"k: {text}").data == {"k": value}


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfitems: []\n")
    assert load(path, File).items == []


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, "items:\n  - code: 12\n    coun: 2\n  - on: x\n    count: viel\n  - 3\n")
    assert [line for line, _, _ in found] == [2, 3, 4, 5, 6]
    whole = "\n".join(what + cure for _, what, cure in found)
    for part in ("应为文字", "加上引号", "不认识的键“coun”", "是否想写“count”", "缺少“code”", "应为整数", "应为键值表"):
        assert part in whole


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("items: []\nitems: []\n", 2, "重复（第 1 行已写过）"),
        ("items:\n  - code: a\n    code: b\n", 3, "键“code”重复"),
        ("", 1, "空"),
        ("# only a comment\n", 1, "空"),
        ("items: [\n", 2, "YAML 语法错误"),
        ("items:\n\t- code: a\n", 2, "YAML 语法错误"),
        ("items: []\n---\nitems: []\n", 2, "YAML 语法错误"),
        ("items: *nobody\n", 1, "YAML 语法错误"),
        ("items: !!python/object:os.system x\n", 1, "YAML 语法错误"),
        ("items: !!int abc\n", 1, "值与其类型不符"),
        ("items: []\n? [a]\n: 1\n", 2, "键不是文字"),
        ("items: &a\n  - *a\n", 1, "锚点"),
        ("items: []\ntable:\n  <<: 3\n", 3, "<<"),
        ("items: []\n# \x01\n", 2, "不允许的字符"),
        ("- 1\n", 1, "应为键值表"),
        ("items: []\nx: " + "[" * 3000 + "]" * 3000, 1, "嵌套过深"),
    ],
)
def test_broken_yaml_names_its_line(tmp_path: Path, text: str, line: int, part: str) -> None:
    found = problems(tmp_path, text)
    assert (found[0][0], part in found[0][1]) == (line, True), found


def test_bytes_that_are_not_utf_8_name_their_line(tmp_path: Path) -> None:
    assert problems(tmp_path, b"items: []\n# \xd6\xd0\n")[0][:2] == (2, "不是 UTF-8 编码")


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml:1: 找不到"):
        load(tmp_path / "gone.yaml", File)
    with pytest.raises(ConfigError, match="无法读取"):
        load(tmp_path, File)


def test_anchors_and_merges_work_and_own_keys_win(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("items:\n  - &a {code: a, count: 1}\n  - {<<: *a, code: b}\n", encoding="utf-8")
    assert [(i.code, i.count) for i in load(path, File).items] == [("a", 1), ("b", 1)]


def test_a_validator_says_what_and_cure_itself(tmp_path: Path) -> None:
    class Checked(Strict):
        items: list[Item]

        @model_validator(mode="after")
        def _check(self) -> "Checked":
            raise Fault("第二项不好", "换一个", ("items", 1, "code"))

    path = tmp_path / "x.yaml"
    path.write_text("items:\n  - code: a\n  - code: b\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path, Checked)
    assert str(caught.value) == "x.yaml:3: 第二项不好。修正：换一个"


def test_raise_if_is_silent_without_problems() -> None:
    raise_if([])


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(st.characters(categories=["L", "Nd"]), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef", min_size=1, max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(plain)
def test_what_json_writes_is_read_back(value: object) -> None:
    tree = parse(json.dumps({"k": value}, ensure_ascii=False))
    assert tree.data == {"k": value}
    assert tree.lines.of("k") == 1


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_by_our_own_error(text: str) -> None:
    marks: list[tuple[int, str, str]] = []
    try:
        parse(text)
    except YamlFault as fault:
        marks = fault.marks
    assert all(line >= 1 and what and cure for line, what, cure in marks)
