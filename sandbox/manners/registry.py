"""Every manner by its name, the everyday ones and those of single cases, and how one is made from a name and its options."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from sandbox.manners.base import Manner
from sandbox.manners.declines import Declines
from sandbox.manners.deliveries import OutOfOrder, SendsTwice
from sandbox.manners.down import Down
from sandbox.manners.endings import Concludes, Settles
from sandbox.manners.flaky import Flaky
from sandbox.manners.hears import Hears
from sandbox.manners.loses_answer import LosesAnswer
from sandbox.manners.mixed import Mixed
from sandbox.manners.objects import Disputes, ObjectsRightly, ObjectsWrongly
from sandbox.manners.old_key import OldKey
from sandbox.manners.prompt import Prompt
from sandbox.manners.refuses import Refuses
from sandbox.manners.rework import Rework
from sandbox.manners.silent import Silent
from sandbox.manners.sleepers import Heeds, Sits
from sandbox.manners.slow import Slow
from sandbox.manners.supplements import Supplements

MANNERS: Mapping[str, type[Manner[Any]]] = {
    kind.name: kind
    for kind in (
        Prompt,
        Slow,
        Silent,
        ObjectsRightly,
        ObjectsWrongly,
        Declines,
        Supplements,
        LosesAnswer,
        Flaky,
        SendsTwice,
        OutOfOrder,
        OldKey,
        Down,
        Rework,
    )
}
# What a body does in a single case only: cast by name (POST /control/cast), never drawn by `example`.
PARTS: Mapping[str, type[Manner[Any]]] = {kind.name: kind for kind in (Hears, Settles, Concludes, Heeds, Sits, Refuses, Disputes)}
_ALL: Mapping[str, type[Manner[Any]]] = {**MANNERS, **PARTS}
LINES: Mapping[str, str] = {**{name: kind.line for name, kind in _ALL.items()}, Mixed.name: Mixed.line}


class BadManner(ValueError):
    """A manner that does not exist, or options it does not have. The message says which there are."""


def make(name: str, options: Mapping[str, Any]) -> Manner[Any]:
    """The manner of this name with these options. Raises BadManner. `mixed` is no manner of a case: see `mixed`."""
    kind = _ALL.get(name)
    if kind is None:
        raise BadManner(f"no manner is called {name!r}; there are: {', '.join(LINES)}")
    try:
        return kind(kind.options_type.model_validate(dict(options)))
    except ValidationError as error:
        raise BadManner(f"manner {name}: {_say(error)}; its options: {', '.join(kind.options_type.model_fields)}") from None


@lru_cache(maxsize=1024)
def from_text(name: str, options: str) -> Manner[Any]:
    """As `make`, from options in JSON; the same object for the same words."""
    return make(name, json.loads(options))


@lru_cache(maxsize=1024)
def mixed_from_text(options: str) -> Mixed:
    """As `mixed`, from options in JSON."""
    return mixed(json.loads(options))


def mixed(options: Mapping[str, Any]) -> Mixed:
    """A mixture, every manner in it checked with its options. Raises BadManner."""
    try:
        mixture = Mixed.model_validate(dict(options))
    except ValidationError as error:
        raise BadManner(f"manner mixed: {_say(error)}; its options: {', '.join(Mixed.model_fields)}") from None
    for name in mixture.names() | set(mixture.options):
        make(name, mixture.options.get(name, {}))
    return mixture


def check(name: str, options: Mapping[str, Any]) -> set[str]:
    """The names of the manners that can occur under this name and these options. Raises BadManner."""
    if name == Mixed.name:
        return mixed(options).names()
    make(name, options)
    return {name}


def wants_old_key(name: str) -> bool:
    """Whether this manner signs with an older key, so that its body needs two."""
    return _ALL[name].only_oldest_key


def _say(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'options'}: {fault['msg']}" for fault in error.errors(include_url=False, include_input=False)
    )
