"""Which connector reaches which body: built from bodies.yaml and the keys, once a body, kept open."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from config.bodies import SANDBOX, Bodies
from connectors import registry
from connectors.base import Connector, Keys
from connectors.keyring import KeyMissing
from connectors.registry import BadConnector

DESK = "desk"


class Unreachable(Exception):
    """No connector can be made for a body. `code` names the cause, the text how to mend it; no secret is in either."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


class Directory:
    """The connectors of all bodies, made when first asked for. Safe to use from several threads.

    Args:
        keys: the keys of a body by its code, as Keyring.of gives them; raises KeyMissing where there are none.
        sandbox: what `{sandbox}` in bodies.yaml stands for.
        now: the present instant, aware.
        own_urn: the bureau's URN.
    """

    def __init__(self, bodies: Bodies, keys: Callable[[str], Keys], sandbox: str, now: Callable[[], datetime], own_urn: str) -> None:
        self._bodies, self._keys, self._sandbox, self._now, self._own_urn = bodies, keys, sandbox, now, own_urn
        self._lock = threading.Lock()
        self._made: dict[tuple[str, int], tuple[Keys, Connector]] = {}

    def of(self, code: str, way: int = 0) -> Connector | None:
        """The connector of a body, by the way of this number (Body.ways); None for a desk. Made anew when its keys have been rotated.

        Raises:
            Unreachable: the body is not in bodies.yaml or has no such way, has no keys, or its options are wrong.
        """
        if code not in self._bodies:
            raise Unreachable("unknown-body", f"{code} is not in bodies.yaml; enter it there or give it a successor")
        ways = self._bodies.get(code).ways
        if not 0 <= way < len(ways):
            raise Unreachable("unknown-way", f"{code} has no way {way} in bodies.yaml; enter it again under fallbacks, or resend by another way")
        entry = ways[way]
        if entry.kind == DESK:
            return None
        with self._lock:
            try:
                keys = self._keys(code)
            except KeyMissing as fault:
                raise Unreachable("no-keys", str(fault)) from fault
            known = self._made.get((code, way))
            if known is not None and known[0] == keys:
                return known[1]
            try:
                connector = registry.build(entry.kind, self._options(entry.options), keys, self._now, self._own_urn)
            except BadConnector as fault:
                raise Unreachable("bad-connector", f"{code}: {fault}") from fault
            # The one before is left to those who still use it; its connections end with their threads.
            self._made[code, way] = (keys, connector)
            return connector

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for _, connector in self._made.values():
                connector.close()
            self._made.clear()

    def _options(self, options: dict[str, str | int | bool]) -> dict[str, Any]:
        """bodies.yaml says `url` for short; the connector's own word is `base_url`."""
        filled = {name: value.replace(SANDBOX, self._sandbox) if isinstance(value, str) else value for name, value in options.items()}
        if "url" in filled:
            filled["base_url"] = filled.pop("url")
        return filled
