"""JSON as the wire allows it: UTF-8, one value per name, finite numbers, text that PostgreSQL can hold.

The standard parser takes repeated names, NaN, lone surrogates and NUL; each of them lets two readers of the same
signed bytes see two different messages, or makes the row impossible to store. They are refused here, once, for all
of the wire. Messages of errors name the fault and never quote the content.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite
from typing import Any

MAX_DEPTH = 16

JsonObject = dict[str, Any]

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False)


class BadJson(ValueError):
    """Bytes that are not strict JSON; `str()` says why without quoting them."""


def dumps(value: JsonObject) -> bytes:
    """Compact UTF-8 JSON in the order of the dict. Raises BadJson for what cannot be written."""
    try:
        return _ENCODER.encode(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        reason = "a lone surrogate in a text" if isinstance(error, UnicodeEncodeError) else type(error).__name__
        raise BadJson(f"the value cannot be written as JSON: {reason}") from None


def loads(raw: bytes, limit: int) -> JsonObject:
    """Parse one JSON object of at most `limit` bytes.

    Raises BadJson: too long, not UTF-8, not JSON, not an object, a repeated name, a number that is not finite,
    NUL or a lone surrogate in a text, or nesting deeper than MAX_DEPTH.
    """
    if len(raw) > limit:
        raise BadJson(f"{len(raw)} bytes where at most {limit} are allowed")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadJson(f"not UTF-8 at byte {error.start}; send UTF-8 without a byte order mark") from None
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise BadJson(f"not JSON at character {error.pos}") from None
    except RecursionError:
        raise BadJson(f"nested deeper than {MAX_DEPTH}") from None
    except BadJson:
        raise
    except ValueError:
        raise BadJson("a number with too many digits") from None
    if not isinstance(value, dict):
        raise BadJson("not a JSON object")
    _walk(value, MAX_DEPTH, "\\u" in text)
    return value


def _unique(pairs: Sequence[tuple[str, Any]]) -> JsonObject:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise BadJson("an object repeats a name; every name may stand once")
    return value


def _no_constant(name: str) -> Any:
    raise BadJson(f"{name} is not a JSON number")


def _walk(value: Any, depth: int, escapes: bool) -> None:
    """Refuse what json.loads lets through. Only an escape can bring in NUL or a lone surrogate."""
    if isinstance(value, str):
        if escapes and ("\0" in value or not _encodable(value)):
            raise BadJson("a text holds NUL or a lone surrogate")
    elif isinstance(value, dict | list):
        if depth == 0:
            raise BadJson(f"nested deeper than {MAX_DEPTH}")
        if isinstance(value, dict):
            for name, inner in value.items():
                if escapes:
                    _walk(name, depth, escapes)
                _walk(inner, depth - 1, escapes)
        else:
            for inner in value:
                _walk(inner, depth - 1, escapes)
    elif isinstance(value, float) and not isfinite(value):
        raise BadJson("a number too large for a double")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
