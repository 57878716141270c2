"""To die at a named line: product functions are wrapped so that the process kills itself when one of them is entered or left.

Nothing but death is added: the functions themselves run as they are. A point is written `module:function@entry` or `module:Class.method@exit`, with
`#n` for the n-th time; several joined by ` > ` must be met one after the other in one thread, and the last of them is fatal.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import FunctionType
from typing import Any, Literal

Moment = Literal["entry", "exit"]


@dataclass(frozen=True)
class Step:
    """One function to be met, at its entry or exit, for the n-th time."""

    module: str
    name: str
    moment: Moment
    count: int = 1


def steps(text: str) -> list[Step]:
    """A point as it is written. Raises ValueError."""
    return [_step(part) for part in text.split(" > ")]


def _step(text: str) -> Step:
    where, _, when = text.partition("@")
    module, _, name = where.partition(":")
    moment, _, count = when.partition("#")
    if not (module and name) or moment not in ("entry", "exit"):
        raise ValueError(f"{text!r} is no point; it is written module:function@entry, or @exit#2 for the second time")
    return Step(module, name, "entry" if moment == "entry" else "exit", int(count or 1))


class Fate:
    """Counts the steps of one point; when the last is met this process is sent `how` (SIGKILL, or SIGSTOP: frozen where it stands)."""

    def __init__(self, point: Sequence[Step], how: signal.Signals = signal.SIGKILL) -> None:
        self._point, self._how = point, how
        self._lock = threading.Lock()
        self._seen = [0] * len(point)
        self._at = 0
        self._thread = 0

    def met(self, at: int) -> None:
        """The function of step `at` has come to its moment."""
        with self._lock:
            if at != self._at or (at and threading.get_ident() != self._thread):
                return
            self._seen[at] += 1
            if self._seen[at] < self._point[at].count:
                return
            self._at += 1
            self._thread = threading.get_ident()
        if self._at == len(self._point):
            os.kill(os.getpid(), self._how)


def arm(text: str, how: signal.Signals = signal.SIGKILL) -> None:
    """Wrap the functions of a point in this process. Whoever has imported them already meets the wrapped ones: their code is exchanged, not their name."""
    point = steps(text)
    fate = Fate(point, how)
    for at, step in enumerate(point):
        found: Any = importlib.import_module(step.module)
        for name in step.name.split("."):
            found = getattr(found, name)
        _wrap(inspect.unwrap(found), step.moment, partial(fate.met, at))


def _wrap(function: Any, moment: Moment, met: Callable[[], None]) -> None:
    if not isinstance(function, FunctionType) or function.__closure__:
        raise ValueError(f"{function!r} cannot be wrapped: it is no plain function")
    inner = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
    inner.__kwdefaults__ = function.__kwdefaults__
    key = f"_dying_{len(function.__globals__)}"
    function.__globals__[key] = (inner, met)
    before, after = (f"{key}[1]()", "pass") if moment == "entry" else ("pass", f"{key}[1]()")
    kind, call = ("async def", "await") if asyncio.iscoroutinefunction(function) else ("def", "")
    made: dict[str, Any] = {}
    source = f"{kind} {function.__name__}(*given, **named):\n  {before}\n  answer = {call} {key}[0](*given, **named)\n  {after}\n  return answer\n"
    exec(source, made)  # noqa: S102  (the wrapper must be plain code, without a closure, to take the place of the function's own)
    function.__code__, function.__defaults__, function.__kwdefaults__ = made[function.__name__].__code__, None, None
