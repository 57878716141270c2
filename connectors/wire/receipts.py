"""The technical receipt: "these bytes are stored safely", bound to them by digest and by its own signature."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal, cast

from connectors.wire.ids import is_token
from connectors.wire.strictjson import BadJson, dumps, loads
from connectors.wire.times import format_time, parse_time

MAX_RECEIPT_BYTES = 8192
MEDIA_TYPE = "application/json"

Status = Literal["stored", "duplicate", "held"]

_DIGEST = re.compile(r"sha-256=:[A-Za-z0-9+/]{43}=:")


class BadReceipt(ValueError):
    """Bytes that are not a receipt; says which field is wrong."""


def body_digest(raw: bytes) -> str:
    """The digest of a raw body as `sha-256=:<base64>:` (the form of RFC 9530)."""
    return f"sha-256=:{b64encode(sha256(raw).digest()).decode()}:"


def is_digest(text: object) -> bool:
    """Whether `text` has the form `body_digest` makes."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Receipt:
    """`receipt_id` is the receiver's and stays over repeats; `received_at` is aware; `body_digest` as made above."""

    receipt_id: str
    message_id: str
    received_at: datetime
    body_digest: str
    status: Status


def encode(receipt: Receipt) -> bytes:
    """The receipt as compact JSON, time in +08:00. Raises ValueError for a naive time."""
    return dumps(
        {
            "receipt_id": receipt.receipt_id,
            "message_id": receipt.message_id,
            "received_at": format_time(receipt.received_at),
            "body_digest": receipt.body_digest,
            "status": receipt.status,
        }
    )


def decode(raw: bytes) -> Receipt:
    """Read a receipt (at most MAX_RECEIPT_BYTES); its time comes back in UTC. Raises BadReceipt."""
    try:
        value = loads(raw, MAX_RECEIPT_BYTES)
    except BadJson as error:
        raise BadReceipt(str(error)) from None
    received = parse_time(value.get("received_at"))
    if received is None:
        raise BadReceipt("received_at must be RFC 3339 with an offset")
    for field in ("receipt_id", "message_id"):
        if not is_token(value.get(field)):
            raise BadReceipt(f"{field} must be 1 to 64 of letters, digits, - and _")
    if not is_digest(value.get("body_digest")):
        raise BadReceipt("body_digest must be sha-256=:<base64>:")
    status = value.get("status")
    if status not in ("stored", "duplicate", "held"):
        raise BadReceipt("status must be stored, duplicate or held")
    return Receipt(value["receipt_id"], value["message_id"], received, value["body_digest"], cast(Status, status))
