"""Signatures after Standard Webhooks 1.0.0: HMAC-SHA256 over `id.timestamp.payload`, bytes in, bytes out.

Why not the `standardwebhooks` package itself, and how it is still used: docs/decisions/0010-wire-and-signatures.md.
"""

from __future__ import annotations

import binascii
import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Literal

from connectors.wire.ids import is_token

TOLERANCE = 300
PREFIX = "whsec_"
MAX_SIGNATURES = 8

Reason = Literal["missing", "malformed", "stale", "mismatch"]


class BadSignature(Exception):
    """A request or answer whose signature does not hold; `reason` is missing, malformed, stale or mismatch."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


class BadKey(ValueError):
    """A secret that is not `whsec_` and base64 of 24 to 64 bytes; never shows the secret."""


def new_secret() -> str:
    """A fresh secret: `whsec_` and the base64 of 32 random bytes."""
    return PREFIX + b64encode(os.urandom(32)).decode()


@lru_cache(maxsize=4096)
def key_bytes(secret: str) -> bytes:
    """The key in a secret, with or without prefix and padding.

    Raises BadKey if it is not base64 or not 24 to 64 bytes long (Standard Webhooks, "Signature scheme").
    """
    text = secret.removeprefix(PREFIX).rstrip("=")
    try:
        key = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadKey("the secret is not base64; write whsec_ and the base64 of 32 random bytes") from None
    if not 24 <= len(key) <= 64:
        raise BadKey(f"the secret holds {len(key)} bytes; 24 to 64 are allowed, 32 are usual")
    return key


def request_target(method: str, path_and_query: str) -> bytes:
    """What is signed in place of a body for a request that has none: b"GET /path?query"."""
    return f"{method.upper()} {path_and_query}".encode()


def sign(keys: Sequence[str], msg_id: str, timestamp: int, payload: bytes) -> dict[str, str]:
    """The three headers for `payload` (a raw body or a `request_target`).

    `timestamp` is whole seconds since the epoch, UTC. Every key signs, newest first, so that a receiver holding
    only the old or only the new one accepts. Raises BadKey (also for no key) and ValueError for an id with a dot or
    other signs that may not stand in it.
    """
    if not keys:
        raise BadKey("no secret to sign with; configure at least one")
    if not is_token(msg_id):
        raise ValueError("the id to sign must be 1 to 64 of letters, digits, - and _")
    signed = f"{msg_id}.{timestamp}.".encode() + payload
    marks = ["v1," + b64encode(hmac.digest(key_bytes(key), signed, "sha256")).decode() for key in keys]
    return {"webhook-id": msg_id, "webhook-timestamp": str(timestamp), "webhook-signature": " ".join(marks)}


def verify(keys: Sequence[str], headers: Mapping[str, str], payload: bytes, now: datetime, tolerance: int = TOLERANCE) -> str:
    """The id of a payload whose signature holds under any of `keys` and whose stamp is within `tolerance` s of `now`.

    `now` is aware. Signatures of other versions are passed over. Raises BadSignature; BadKey if a key is no key.
    """
    msg_id, stamp, marks = (_header(headers, name) for name in ("webhook-id", "webhook-timestamp", "webhook-signature"))
    if not msg_id or not stamp or not marks:
        raise BadSignature("missing")
    if not is_token(msg_id) or not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise BadSignature("malformed")
    given = _given(marks)
    if abs(now.timestamp() - int(stamp)) > tolerance:
        raise BadSignature("stale")
    signed = f"{msg_id}.{stamp}.".encode() + payload
    for key in keys:
        wanted = hmac.digest(key_bytes(key), signed, "sha256")
        for mark in given:
            if hmac.compare_digest(wanted, mark):
                return msg_id
    raise BadSignature("mismatch")


def _header(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name)
    if value is None and type(headers) is dict:
        value = next((value for key, value in headers.items() if key.lower() == name), None)
    return value


def _given(marks: str) -> list[bytes]:
    """The v1 signatures in the header. One that cannot be read spoils only itself, unless none is left."""
    tokens = marks.split(" ")
    if len(tokens) > MAX_SIGNATURES:
        raise BadSignature("malformed")
    found = []
    for token in tokens:
        version, comma, text = token.partition(",")
        if version != "v1" or not comma:
            continue
        try:
            mark = b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            continue
        if len(mark) == 32:
            found.append(mark)
    if not found:
        raise BadSignature("malformed")
    return found
