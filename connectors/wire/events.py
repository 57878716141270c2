"""One message on the wire: a CloudEvents 1.0 event in its JSON form.

The bytes that were signed are the message: `encode` makes them once, they are stored and sent unchanged, and
`decode` only reads them. See docs/wire.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.wire.fields import COMMON, OPTIONAL, REQUIRED
from connectors.wire.ids import code_of, is_token, is_urn, new_id, urn_of
from connectors.wire.strictjson import BadJson, dumps, loads
from connectors.wire.times import format_time, parse_time

__all__ = [
    "MAX_BODY_BYTES",
    "MEDIA_TYPE",
    "TO_BODY",
    "TO_BUREAU",
    "BadEvent",
    "Event",
    "check_data",
    "code_of",
    "decode",
    "encode",
    "event_type",
    "message_name",
    "new_id",
    "urn_of",
]

MAX_BODY_BYTES = 262_144
MAX_SEQUENCE = 9_999_999_999
MEDIA_TYPE = "application/cloudevents+json"

TO_BODY = frozenset(
    {
        "handoff.request",
        "handoff.urge",
        "handoff.supervise",
        "handoff.supplement",
        "objection.decision",
        "arbitration.ruling",
        "result.review",
        "handoff.withdraw",
    }
)
TO_BUREAU = frozenset(REQUIRED) - TO_BODY


class BadEvent(ValueError):
    """A message that breaks the wire format. `detail` says what is wrong and the form wanted, never the content."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Event:
    """A message. `source` is the sender's URN, `subject` the hand-off id, `time` aware, `sequence` from 1."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    sequence: int
    data: dict[str, Any] = field(repr=False)  # a petitioner's case must not reach a log by way of repr

    @property
    def name(self) -> str:
        """The message name, e.g. `handoff.request`."""
        return message_name(self.type)

    @property
    def to(self) -> str:
        """The recipient's URN."""
        return str(self.data["to"])


_NAMES = {f"cn.xf.{name}.v1": name for name in REQUIRED}
_TYPES = {name: kind for kind, name in _NAMES.items()}


def event_type(name: str) -> str:
    """`handoff.request` -> `cn.xf.handoff.request.v1`. Raises BadEvent for an unknown name."""
    try:
        return _TYPES[name]
    except KeyError:
        raise BadEvent("unknown message name; the names are listed in docs/wire.md") from None


def message_name(type: str) -> str:
    """`cn.xf.handoff.request.v1` -> `handoff.request`. Raises BadEvent for an unknown type."""
    try:
        return _NAMES[type]
    except (KeyError, TypeError):
        raise BadEvent("type is unknown; it must be cn.xf.<message>.v1 with a message listed in docs/wire.md") from None


def check_data(name: str, data: Mapping[str, Any]) -> None:
    """Check the fields of `data` for the message `name`; fields it does not know pass. Raises BadEvent."""
    required = REQUIRED.get(name)
    if required is None:
        raise BadEvent("unknown message name; the names are listed in docs/wire.md")
    for rules in (COMMON, required):
        for key, rule in rules.items():
            if key not in data:
                raise BadEvent(f"{name}: data.{key} is missing")
            if (wrong := rule(data[key])) is not None:
                raise BadEvent(f"{name}: data.{key} {wrong}")
    for key, rule in OPTIONAL.get(name, {}).items():
        if key in data and (wrong := rule(data[key])) is not None:
            raise BadEvent(f"{name}: data.{key} {wrong}")


def known(name: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Of `data` the fields that the wire format defines for the message `name`; what else a sender wrote says nothing to us."""
    names = COMMON.keys() | REQUIRED.get(name, {}).keys() | OPTIONAL.get(name, {}).keys()
    return {key: value for key, value in data.items() if key in names}


def encode(event: Event) -> bytes:
    """The event as compact UTF-8 JSON, time in +08:00. Raises BadEvent if it breaks the format or is too long."""
    _check_envelope(event)
    try:
        raw = dumps(
            {
                "specversion": "1.0",
                "id": event.id,
                "source": event.source,
                "type": event.type,
                "subject": event.subject,
                "time": format_time(event.time),
                "sequence": f"{event.sequence:010d}",
                "datacontenttype": "application/json",
                "data": event.data,
            }
        )
    except ValueError as error:
        raise BadEvent(str(error)) from None
    if len(raw) > MAX_BODY_BYTES:
        raise BadEvent(f"the message is {len(raw)} bytes; at most {MAX_BODY_BYTES}: send large parts as attachments")
    return raw


def decode(raw: bytes) -> Event:
    """Read a message; its time comes back in UTC. Attributes it does not know are ignored, data fields kept.

    Raises BadEvent: not strict JSON, longer than MAX_BODY_BYTES, not CloudEvents 1.0, or data `check_data` refuses.
    """
    try:
        value = loads(raw, MAX_BODY_BYTES)
    except BadJson as error:
        raise BadEvent(str(error)) from None
    if value.get("specversion") != "1.0":
        raise BadEvent('specversion must be "1.0"')
    if value.get("datacontenttype", "application/json") != "application/json":
        raise BadEvent("datacontenttype must be application/json")
    data = value.get("data")
    if not isinstance(data, dict) or "data_base64" in value:
        raise BadEvent("data must be a JSON object, and data_base64 absent")
    instant = parse_time(value.get("time"))
    if instant is None:
        raise BadEvent("time must be RFC 3339 with an offset, e.g. 2026-02-13T16:40:00+08:00")
    digits = value.get("sequence")
    if not isinstance(digits, str) or len(digits) != 10 or not (digits.isascii() and digits.isdigit()):
        raise BadEvent('sequence must be a text of ten digits, e.g. "0000000001"')
    event = Event(
        id=value.get("id", ""),
        source=value.get("source", ""),
        type=value.get("type", ""),
        subject=value.get("subject", ""),
        time=instant,
        sequence=int(digits),
        data=data,
    )
    _check_envelope(event)
    return event


def _check_envelope(event: Event) -> None:
    if not is_token(event.id):
        raise BadEvent("id must be 1 to 64 of letters, digits, - and _; a UUIDv7 is best")
    if not is_urn(event.source):
        raise BadEvent("source must be the sender's URN, e.g. urn:xf:court:990100")
    if type(event.sequence) is not int or not 1 <= event.sequence <= MAX_SEQUENCE:
        raise BadEvent(f"sequence must be from 1 to {MAX_SEQUENCE}")
    if not isinstance(event.time, datetime) or event.time.tzinfo is None:
        raise BadEvent("time must have a time zone")
    check_data(message_name(event.type), event.data)
    if event.subject != event.data["handoff_id"]:
        raise BadEvent("subject must equal data.handoff_id")
