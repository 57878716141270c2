"""Which kinds of connector there are, and how one is built from a body's options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from connectors.base import Connector, Keys
from connectors.http.connector import HttpConnector
from connectors.http.options import HttpOptions
from connectors.wire.signing import BadKey

O = TypeVar("O", bound=BaseModel)  # noqa: E741  the options of a kind


class BadConnector(ValueError):
    """A body's connector cannot be built; says which kind, which option and how to mend it, and shows no value."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[O]):
    """A kind of connector: its options and how to make one from them, the keys, the clock and the bureau's URN."""

    options: type[O]
    make: Callable[[O, Keys, Callable[[], datetime], str], Connector]

    def build(self, options: Mapping[str, Any], keys: Keys, now: Callable[[], datetime], own_urn: str) -> Connector:
        """Validate and make. Raises ValidationError and BadKey."""
        return self.make(self.options.model_validate(dict(options)), keys, now, own_urn)


KINDS: Mapping[str, Kind[Any]] = {"http": Kind(HttpOptions, HttpConnector)}


def build(kind: str, options: Mapping[str, Any], keys: Keys, now: Callable[[], datetime], own_urn: str) -> Connector:
    """A connector of this kind. Raises BadConnector for an unknown kind, a wrong option or a wrong key."""
    known = KINDS.get(kind)
    if known is None:
        raise BadConnector(f"no connector of kind {kind!r}; known: {', '.join(sorted(KINDS))}")
    try:
        return known.build(options, keys, now, own_urn)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'options'}: {e['msg']}" for e in error.errors())
        raise BadConnector(f"connector {kind}: {faults}") from None
    except BadKey as error:
        raise BadConnector(f"connector {kind}: {error}") from None
