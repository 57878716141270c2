"""The quick reader says what the careful one says, in data and in lines, or leaves the text to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import config
from config import yamlfast
from config.yamltree import YamlFault, carefully, parse

FILES = sorted(Path(config.__file__).parent.rglob("*.yaml"))


def quick(text: str) -> tuple[Any, dict[Any, int]]:
    lines: dict[Any, int] = {}
    return yamlfast.read(text, lines), lines


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_of_the_sample_is_read_alike(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    careful = carefully(text)
    try:
        assert quick(text) == (careful.data, careful.lines.table)
    except yamlfast.Uncommon:
        assert path.name != "bodies.yaml", "the file that grows to ten thousand entries must be of the quick kind"


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4), max_leaves=15)


@given(values, st.sampled_from([None, True, False]))
def test_whatever_a_program_writes_is_read_alike(value: object, flow: bool | None) -> None:
    text = yaml.safe_dump({"k": value}, allow_unicode=True, default_flow_style=flow)
    careful = careful_or_faults(text)
    try:
        data, lines = quick(text)
    except yamlfast.Uncommon:
        return
    assert careful == (data, lines)


pieces = ["a", "b: ", "- ", "\n", "  ", "{", "}", "[", "]", ", ", "'", '"', "#", "&x ", "*x", "!!str ", "<<: ", "? ", ": ", "|\n", "---\n", "1", "null", "\t", "~", "甲"]


@given(st.lists(st.sampled_from(pieces), max_size=14).map("".join))
def test_text_put_together_by_chance_is_read_alike(text: str) -> None:
    try:
        data, lines = quick(text)
    except yamlfast.Uncommon:
        return
    careful = careful_or_faults(text)
    # libyaml is laxer in a few corners of the grammar; where both can read, they must agree. On which line nothing at all stands is a matter of taste.
    assert careful is None or (careful[0], written(*careful)) == (data, written(data, lines))


def written(data: Any, lines: dict[Any, int]) -> dict[Any, int]:
    """The lines of all values but the empty ones."""

    def value(at: tuple[Any, ...]) -> Any:
        found = data
        for part in at:
            found = found[part]
        return found

    return {at: line for at, line in lines.items() if value(at) is not None}


def careful_or_faults(text: str) -> tuple[Any, dict[Any, int]] | None:
    try:
        tree = carefully(text)
    except YamlFault:
        return None
    return tree.data, tree.lines.table


@pytest.mark.parametrize(
    "text",
    ["", "a: 1\na: 2\n", "a: &x 1\n", "a: &x [1]\nb: *x\n", "<<: {a: 1}\n", "a: !!int 3\n", "a: 1\n---\nb: 2\n", "true: 1\n", "? [a]\n: 1\n", "? {a: 1}\n: 1\n", "a: [\n",
     'a: "\\ud800"\n', f"a: {'9' * 5000}\n", "a: " + "[" * 100_000 + "]" * 100_000, "- " * 5000 + "1\n"],
)  # fmt: skip
def test_what_is_not_common_is_left_to_the_careful_reader(text: str) -> None:
    with pytest.raises(yamlfast.Uncommon):
        yamlfast.read(text)


def test_a_quoted_merge_sign_is_a_key_like_any_other() -> None:
    assert parse('"<<": 1\n').data == {"<<": 1}


def test_lines_are_the_same_when_they_are_asked_for_later() -> None:
    tree = parse("a:\n  - 1\n  - {b: 2}\n\nc: 3\n")
    assert [tree.lines.of(*at) for at in ((), ("a",), ("a", 1, "b"), ("c",), ("a", 9))] == [1, 1, 3, 5, 1]
