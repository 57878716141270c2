"""Read a configuration file: YAML in, a validated model out, and every fault named by file, line and cure.

The files are edited by operators of a petition bureau, so what is wrong and how to mend it is said in Chinese.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from config.yamltree import Key, Lines, Tree, YamlFault, parse

__all__ = ["ConfigError", "Fault", "Lines", "Located", "Problem", "Strict", "load", "load_located", "raise_if"]

M = TypeVar("M", bound=BaseModel)


class Strict(BaseModel):
    """Base of every configuration model: unknown keys are faults, loaded values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a configuration file. `what` and `cure` are Chinese, for the operator; `line` counts from 1."""

    file: str
    line: int
    what: str
    cure: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}。修正：{self.cure}"


class ConfigError(Exception):
    """A configuration that must not be used. `problems` is never empty; str() is one line a problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: list[Problem] = sorted(problems, key=lambda p: (p.file, p.line))
        super().__init__("\n".join(map(str, self.problems)))


class Fault(ValueError):
    """Raised inside a model's validator to say, in Chinese, what is wrong and how to mend it.

    `at` is the path below the validated value at which the fault stands, e.g. `("bodies", 3, "superior")`.
    """

    def __init__(self, what: str, cure: str, at: Sequence[Key] = ()) -> None:
        super().__init__(f"{what}。修正：{cure}")
        self.what, self.cure, self.at = what, cure, tuple(at)


@dataclass(frozen=True, slots=True)
class Located:
    """Where the values of one loaded file stand, so that checks across files can name lines too."""

    path: Path
    lines: Lines

    def of(self, *at: Key) -> int:
        """Line (from 1) of the value at this path, or of the nearest part of the path that the file holds."""
        return self.lines.of(*at)

    def problem(self, what: str, cure: str, *at: Key) -> Problem:
        """A problem of this file at this path."""
        return Problem(self.path.name, self.lines.of(*at), what, cure)


def raise_if(problems: Sequence[Problem]) -> None:
    """Raise `ConfigError` when there is any problem."""
    if problems:
        raise ConfigError(problems)


def load(path: Path, model: type[M]) -> M:
    """The file's content as `model`. Raises `ConfigError`; see `load_located` for the lines as well."""
    return load_located(path, model)[0]


def load_located(path: Path, model: type[M]) -> tuple[M, Located]:
    """The file's content as `model`, and where each value stands.

    Scalars are read by the YAML 1.2 core rules: only `true` and `false` are booleans (`on`, `no` are text), dates and
    numbers with leading zeros stay text. Raises `ConfigError` for a missing or unreadable file, broken YAML, a
    repeated or unknown key, and every value the model refuses, all of them at once.
    """
    tree = _tree(path)
    located = Located(path, tree.lines)
    try:
        return model.model_validate(tree.data, extra="forbid"), located
    except ValidationError as error:
        names = _field_names(model)
        # each arm of a union complains of one value: the first complaint will do
        first: dict[tuple[Key, ...], ErrorDetails] = {}
        for detail in error.errors(include_url=False, include_input=True):
            first.setdefault(_untagged(detail["loc"]), detail)
        raise ConfigError(_problem(located, detail, at, names) for at, detail in first.items()) from None


def _tree(path: Path) -> Tree:
    name = path.name
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError([Problem(name, 1, "找不到该配置文件", "恢复该文件，或改正指向它的设置")]) from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ConfigError([Problem(name, line, "不是 UTF-8 编码", "把文件另存为 UTF-8 编码")]) from None
    except OSError as error:
        raise ConfigError([Problem(name, 1, f"无法读取（{error.strerror}）", "检查文件权限和路径")]) from None
    try:
        return parse(text)
    except YamlFault as fault:
        raise ConfigError([Problem(name, *mark) for mark in fault.marks]) from None


_ARMS = {"str", "int", "float", "bool"}
_KINDS = {
    "string_type": "应为文字",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "float_type": "应为数字",
    "float_parsing": "应为数字",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "list_type": "应为列表",
    "tuple_type": "应为列表",
    "dict_type": "应为键值表",
    "model_type": "应为键值表",
    "model_attributes_type": "应为键值表",
    "date_from_datetime_parsing": "应为日期",
    "date_parsing": "应为日期",
    "date_type": "应为日期",
}
_SIZES = {
    "too_short": ("项数不少于", "min_length"),
    "too_long": ("项数不多于", "max_length"),
    "string_too_short": ("字数不少于", "min_length"),
    "string_too_long": ("字数不多于", "max_length"),
    "greater_than": ("应大于", "gt"),
    "greater_than_equal": ("应不小于", "ge"),
    "less_than": ("应小于", "lt"),
    "less_than_equal": ("应不大于", "le"),
}
_CURES = {
    "string_type": "给该值加上引号",
    "list_type": "写成以“- ”开头的列表",
    "tuple_type": "写成以“- ”开头的列表",
    "dict_type": "写成“键: 值”的形式",
    "model_type": "写成“键: 值”的形式",
    "date_from_datetime_parsing": "写成 2026-02-14 这样的日期",
    "date_parsing": "写成 2026-02-14 这样的日期",
    "date_type": "写成 2026-02-14 这样的日期",
}


def _untagged(at: tuple[Key, ...]) -> tuple[Key, ...]:
    # pydantic puts a union's arm into the location: `literal['a','b']`, `list[str]`, `str`
    return tuple(part for part in at if not (isinstance(part, str) and ("[" in part or part in _ARMS)))


def _problem(located: Located, detail: ErrorDetails, at: tuple[Key, ...], names: set[str]) -> Problem:
    kind, ctx = detail["type"], detail.get("ctx", {})
    where = ".".join(str(part) for part in at) or "文件"
    error = ctx.get("error")
    if isinstance(error, Fault):
        return located.problem(error.what, error.cure, *at, *error.at)
    if kind == "missing":
        return located.problem(f"缺少“{at[-1]}”（{where}）", f"补写“{at[-1]}: …”", *at[:-1])
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(at[-1]), sorted(names), n=1)
        cure = f"是否想写“{near[0]}”？否则删除该行" if near else "删除该行"
        return located.problem(f"不认识的键“{at[-1]}”（{where}）", cure, *at)
    if kind in ("literal_error", "enum"):
        allowed = str(ctx.get("expected", "")).replace(" or ", "、").replace(", ", "、")
        return located.problem(f"“{where}”的值 {_shown(detail)} 不在允许之列", f"改为以下之一：{allowed}", *at)
    if kind == "string_pattern_mismatch":
        pattern = ctx.get("pattern", "")
        return located.problem(f"“{where}”的值 {_shown(detail)} 格式不对", f"写成符合 {pattern} 的文字", *at)
    if kind in _SIZES:
        words, limit = _SIZES[kind]
        what = f"“{where}”的值 {_shown(detail)} 不合要求"
        return located.problem(what, f"改正该值：{words} {ctx.get(limit, '')}".rstrip(), *at)
    if kind in _KINDS:
        what = f"“{where}”的值 {_shown(detail)} {_KINDS[kind]}"
        return located.problem(what, _CURES.get(kind, f"改写该值，{_KINDS[kind]}"), *at)
    return located.problem(f"“{where}”的值 {_shown(detail)} 不合要求（{detail['msg']}）", "改正该值", *at)


def _shown(detail: ErrorDetails) -> str:
    value: Any = detail["input"]
    text = repr(value) if isinstance(value, str | int | float | bool) or value is None else type(value).__name__
    return text if len(text) <= 40 else text[:37] + "…"


def _field_names(model: type[BaseModel]) -> set[str]:
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return {name for part in parts for name in part.get("properties", {})}
