"""The common kind of YAML, read quickly: libyaml's events into plain data. What is not common is left to `config.yamltree`.

Common is: one document of mappings, lists and scalars, without anchors, tags, merges, repeated keys or faults. Everything else is answered
with `Uncommon`, and the careful reader says what it means or what is wrong with it. Nesting is bounded, because libyaml's own composer is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml
from yaml.events import DocumentStartEvent, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, SequenceStartEvent

Key = str | int
DEEPEST = 60

_LOADER: Any = getattr(yaml, "CSafeLoader", None)  # absent where PyYAML was built without libyaml
_CORE = re.compile(
    r"(?P<null>~|null|Null|NULL|)|(?P<true>true|True|TRUE)|(?P<false>false|False|FALSE)|(?P<int>[-+]?(?:0|[1-9][0-9]*))"
    r"|(?P<float>[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"
)
_MEANS: dict[str, Callable[[str], Any]] = {"null": lambda _: None, "true": lambda _: True, "false": lambda _: False, "int": int, "float": float}


class Uncommon(Exception):
    """The text is not of the common kind; nothing is said about whether it is good."""


def read(text: str, lines: dict[tuple[Key, ...], int] | None = None) -> Any:
    """The text's data by the YAML 1.2 core rules. With `lines`, the line (from 1) of every path is written into it, which takes longer.

    Raises:
        Uncommon: anything but plain data; the careful reader decides.
    """
    if _LOADER is None:
        raise Uncommon
    try:
        return _Reader(lines).read(text)
    except (yaml.YAMLError, ValueError):  # ValueError: a number past Python's limit of digits, half a surrogate pair
        raise Uncommon from None


class _Reader:
    """One pass over the events. Open containers stand on a stack: [container, its path, the key that waits for its value]."""

    def __init__(self, lines: dict[tuple[Key, ...], int] | None) -> None:
        self._lines = lines

    def read(self, text: str) -> Any:
        stack: list[list[Any]] = []
        root: list[Any] = []
        documents = 0
        event: Any
        for event in yaml.parse(text, Loader=_LOADER):
            kind = type(event)
            if kind is ScalarEvent:
                if event.anchor is not None or event.tag is not None:
                    raise Uncommon
                value = _scalar(event.value) if event.implicit[0] else event.value
                if stack and type(stack[-1][0]) is dict and stack[-1][2] is None:
                    self._key(stack[-1], value, event)
                    continue
                self._put(stack, root, value, event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                top = stack[-1] if stack else None
                if event.anchor is not None or event.tag is not None or len(stack) >= DEEPEST or (top and type(top[0]) is dict and top[2] is None):
                    raise Uncommon
                made: Any = {} if kind is MappingStartEvent else []
                stack.append([made, self._put(stack, root, made, event), None])
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                stack.pop()
            elif kind is DocumentStartEvent:
                documents += 1
            elif kind is yaml.AliasEvent:
                raise Uncommon
        if documents != 1 or len(root) != 1:
            raise Uncommon
        return root[0]

    def _key(self, top: list[Any], value: Any, event: Any) -> None:
        if value.__class__ not in (str, int) or value in top[0] or (value == "<<" and event.implicit[0]):
            raise Uncommon
        top[2] = value
        if self._lines is not None:
            self._lines[*top[1], value] = event.start_mark.line + 1

    def _put(self, stack: list[list[Any]], root: list[Any], value: Any, event: Any) -> tuple[Key, ...]:
        """Place a value where it belongs; returns its path (empty when no lines are wanted)."""
        at: tuple[Key, ...] = ()
        if not stack:
            root.append(value)
        else:
            top = stack[-1]
            container = top[0]
            if self._lines is not None:
                at = (*top[1], len(container) if type(container) is list else top[2])
            if type(container) is list:
                container.append(value)
            else:
                container[top[2]] = value
                top[2] = None
        if self._lines is not None:
            self._lines.setdefault(at, event.start_mark.line + 1)
        return at


def _scalar(text: str) -> Any:
    if text[:1].isalpha() and text[0] not in "nNtTfF":
        return text
    found = _CORE.fullmatch(text)
    return text if found is None or found.lastgroup is None else _MEANS[found.lastgroup](text)
