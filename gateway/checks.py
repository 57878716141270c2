"""Whether a callback is what it must be, in the order of handoff-protocol §1.5; the first check that fails answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from connectors.base import Keys
from connectors.keyring import KeyMissing, Keyring
from connectors.wire import problems
from connectors.wire.events import MEDIA_TYPE, TO_BUREAU, BadEvent, Event, decode
from connectors.wire.signing import BadSignature, new_secret, request_target, verify
from gateway.answers import Refused
from rules.house import House

# The ledger's column is a 32-bit number; a hand-off with two thousand million messages does not exist.
MAX_SEQUENCE = 2_147_483_647

_MEDIA = re.compile(re.escape(MEDIA_TYPE) + r'[ \t]*(;[ \t]*charset="?utf-8"?[ \t]*)?', re.IGNORECASE)
_SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")
_ONCE = frozenset((*_SIGNED, "idempotency-key", "content-type", "content-encoding"))

Headers = Mapping[str, str]


class Doorman:
    """Knows the bodies and their keys. Answers an unknown body just as a bad signature, and takes as long."""

    def __init__(self, house: House, keyring: Keyring) -> None:
        self._house, self._keyring = house, keyring
        self._urn = house.bodies.get(house.bureau).urn
        # Nobody holds this key: what is signed for an unknown body is checked against it and fails.
        self._nobody = Keys((new_secret(),), (new_secret(),))

    def keys(self, body: str) -> Keys:
        """The keys of a body; of one that is unknown, or has none, keys that nothing is signed with."""
        try:
            return self._keyring.of(body if body in self._house.bodies else "nobody-000000")
        except KeyMissing:
            return self._nobody

    def event(self, body: str, keys: Keys, headers: Headers, raw: bytes, now: datetime) -> Event:
        """The verified message of a callback. Raises Refused (401, 415, 422, 400)."""
        message_id = self._signer(keys, headers, raw, now)
        if not _MEDIA.fullmatch(headers.get("content-type", "")) or headers.get("content-encoding", "identity") != "identity":
            raise Refused(problems.wrong_media_type())
        try:
            event = decode(raw)
        except BadEvent as bad:
            raise Refused(problems.bad_event(bad.detail)) from None
        if event.sequence > MAX_SEQUENCE:
            raise Refused(problems.bad_event(f"sequence must be at most {MAX_SEQUENCE}"))
        if event.to != self._urn or event.source != self._house.bodies.get(body).urn:
            raise Refused(problems.wrong_recipient())
        if event.name not in TO_BUREAU:
            raise Refused(problems.bad_event("the bureau receives no message of this type; it sends them"))
        key = headers.get("idempotency-key")
        if event.id != message_id or (key is not None and key != f'"{message_id}"'):
            raise Refused(problems.bad_request("webhook-id, the event's id and Idempotency-Key (in quotes, if sent) must be the same"))
        return event

    def question(self, keys: Keys, headers: Headers, path_and_query: str, now: datetime) -> str:
        """The webhook-id of a signed GET. Raises Refused (401)."""
        return self._signer(keys, headers, request_target("GET", path_and_query), now)

    def _signer(self, keys: Keys, headers: Headers, payload: bytes, now: datetime) -> str:
        try:
            return verify(keys.from_body, headers, payload, now)
        except BadSignature as bad:
            raise Refused(problems.bad_signature(bad.reason)) from None


def headers_of(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """ASGI headers as texts by lower-case name. One that may stand only once and stands twice is made unusable."""
    found: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name = raw_name.decode("latin-1").lower()
        if name in found and name in _ONCE:
            found[name] = "?"
        else:
            found[name] = raw_value.decode("latin-1")
    return found
