"""YAML text into plain data and the line of every value. Nothing here knows what the data means."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml

from config import yamlfast

Key = str | int
_TAG = "tag:yaml.org,2002:"


class YamlFault(Exception):
    """The text is not the YAML we read. `marks` holds (line from 1, what, cure), in Chinese."""

    def __init__(self, marks: list[tuple[int, str, str]]) -> None:
        super().__init__(marks)
        self.marks = marks


class Lines:
    """The line, from 1, of every path of a file. Made from a table, or from what will make the table when a line is first asked for."""

    def __init__(self, table: dict[tuple[Key, ...], int] | Callable[[], dict[tuple[Key, ...], int]]) -> None:
        self._made = table

    @property
    def table(self) -> dict[tuple[Key, ...], int]:
        """Every path and its line."""
        if callable(self._made):
            self._made = self._made()
        return self._made

    def of(self, *at: Key) -> int:
        """Line of the value at this path; where the file holds no such path, of the longest part it does hold."""
        table = self.table
        line = table.get((), 1)
        found: tuple[Key, ...] = ()
        for part in at:
            # a union's tag in a pydantic location is no key of the file: skip what the file does not hold
            if (step := (*found, part)) in table:
                line, found = table[step], step
        return line


@dataclass(frozen=True, slots=True)
class Tree:
    data: Any
    lines: Lines


class _Core(yaml.SafeLoader):
    """SafeLoader with the YAML 1.2 core scalars: `on: x` keeps its key, `02:00` is no number, `010` stays text."""


_Core.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    ("float", r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
    ("merge", r"^<<$", ["<"]),
):
    _Core.add_implicit_resolver(_TAG + _tag, re.compile(_pattern), _first)


def parse(text: str) -> Tree:
    """The text's data and lines. Raises `YamlFault` for broken YAML, an empty file and every repeated key."""
    try:
        return Tree(yamlfast.read(text), Lines(lambda: _lines(text)))
    except yamlfast.Uncommon:
        return carefully(text)


def _lines(text: str) -> dict[tuple[Key, ...], int]:
    table: dict[tuple[Key, ...], int] = {}
    yamlfast.read(text, table)
    return table


def carefully(text: str) -> Tree:
    """As `parse`, without the quick way: anchors, merges and tags are understood, and every fault is named."""
    try:
        loader = _Core(text)
        node = loader.get_single_node()
        if node is None:
            raise YamlFault([(1, "文件是空的", "写入配置内容")])
        reader = _Reader(loader)
        data = reader.read(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise YamlFault([(line, f"YAML 语法错误（{error.problem}）", "检查该行的缩进、冒号和引号")]) from None
    except RecursionError:
        raise YamlFault([(1, "嵌套过深", "减少缩进的层数")]) from None
    except yaml.YAMLError as error:  # a character YAML forbids has a position but no mark
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise YamlFault([(line, "含有 YAML 不允许的字符", "删除该行的控制字符")]) from None
    if reader.faults:
        raise YamlFault(reader.faults)
    return Tree(data, Lines(reader.lines))


class _Reader:
    def __init__(self, loader: _Core) -> None:
        self._loader = loader
        self._open: set[int] = set()
        self.lines: dict[tuple[Key, ...], int] = {}
        self.faults: list[tuple[int, str, str]] = []

    def read(self, node: yaml.Node, at: tuple[Key, ...]) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(at, line)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, line)
        if id(node) in self._open:
            self.faults.append((line, "锚点引用了它自己", "去掉该处的“*”引用"))
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.read(item, (*at, i)) for i, item in enumerate(node.value)]
            assert isinstance(node, yaml.MappingNode)  # noqa: S101 - YAML has no fourth kind of node
            return self._mapping(node, at)
        finally:
            self._open.discard(id(node))

    def _scalar(self, node: yaml.ScalarNode, line: int) -> Any:
        try:
            value = self._loader.construct_object(node)
            if isinstance(value, str):
                value.encode()  # an escape can write half a surrogate pair, which no file or database could store
            return value
        except ValueError:  # that, an explicit tag the text does not fit, or a number past Python's limit of digits
            self.faults.append((line, "值与其类型不符", "去掉类型标记，或给该值加上引号"))
            return None

    def _mapping(self, node: yaml.MappingNode, at: tuple[Key, ...]) -> dict[Key, Any]:
        merged: dict[Key, Any] = {}
        own: dict[Key, Any] = {}
        seen: dict[Key, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.tag == _TAG + "merge":
                part = self.read(value_node, (*at, "<<"))
                for one in part if isinstance(part, list) else [part]:
                    if not isinstance(one, dict):
                        self.faults.append((line, "“<<”之后不是键值表", "引用一个键值表的锚点"))
                        continue
                    merged = {**one, **merged}
                continue
            key = self._scalar(key_node, line) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str | int) or isinstance(key, bool):
                self.faults.append((line, "键不是文字或整数", "把键写成文字，必要时加引号"))
                continue
            if key in seen:
                self.faults.append((line, f"键“{key}”重复（第 {seen[key]} 行已写过）", "删除其中一处"))
                continue
            seen[key] = line
            self.lines[(*at, key)] = line
            own[key] = self.read(value_node, (*at, key))
        for key in merged.keys() - own.keys():
            self.lines.setdefault((*at, key), self.lines[at])
        return {**merged, **own}
