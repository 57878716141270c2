"""Identifiers on the wire: UUIDv7 for messages and hand-offs, URNs for bodies."""

from __future__ import annotations

import os
import re
import time
from datetime import datetime

_CODE = re.compile(r"[a-z][a-z0-9_]*(?:-[a-z0-9_]+)+")
_URN = re.compile(r"urn:xf:[a-z][a-z0-9_]*(?::[a-z0-9_]+)+")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")


def new_id(at: datetime | None = None) -> str:
    """A new UUIDv7 as lower-case text (RFC 9562 §5.7, sub-millisecond fraction in rand_a by §6.2 method 3).

    `at` (aware) is the instant to write into it; without it the machine's clock, because the id needs to be unique
    and roughly ordered, not to tell a business date. Raises ValueError for a naive `at`.
    """
    if at is None:
        nanos = time.time_ns()
    elif at.tzinfo is None:
        raise ValueError("new_id needs an aware datetime; give it a time zone")
    else:
        nanos = int(at.timestamp() * 1_000_000) * 1000
    millis, rest = divmod(nanos, 1_000_000)
    fraction = rest * 4096 // 1_000_000
    head = f"{millis & 0xFFFF_FFFF_FFFF:012x}7{fraction:03x}"
    tail = bytearray(os.urandom(8))
    tail[0] = tail[0] & 0x3F | 0x80
    text = head + tail.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_uuid(text: object) -> bool:
    """Whether `text` is a UUID in canonical lower-case form (any version)."""
    return isinstance(text, str) and _UUID.fullmatch(text) is not None


def is_token(text: object) -> bool:
    """Whether `text` can be a message id: 1-64 of letters, digits, `-`, `_`; no dot, since the signed text uses it."""
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None


def is_urn(text: object) -> bool:
    """Whether `text` names a body, e.g. `urn:xf:court:990100`."""
    return isinstance(text, str) and len(text) <= 128 and _URN.fullmatch(text) is not None


def urn_of(code: str) -> str:
    """`agency-housing-990102` -> `urn:xf:agency:housing:990102`. Raises ValueError if `code` is no body code."""
    if not _CODE.fullmatch(code):
        raise ValueError("not a body code; write <kind>[-<sector>]-<division> in lower case, e.g. court-990100")
    return "urn:xf:" + code.replace("-", ":")


def code_of(urn: str) -> str:
    """`urn:xf:court:990100` -> `court-990100`. Raises ValueError if `urn` names no body."""
    if not is_urn(urn):
        raise ValueError("not a body URN; write urn:xf:<kind>[:<sector>]:<division>, e.g. urn:xf:court:990100")
    return urn.removeprefix("urn:xf:").replace(":", "-")
