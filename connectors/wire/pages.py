"""A page of messages: the answer to "what did you send past sequence n".

The events stand as JSON *texts*, not as objects, so that the exact signed bytes come back and their digests hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.wire.events import MAX_BODY_BYTES
from connectors.wire.strictjson import BadJson, dumps, loads

MAX_PAGE_BYTES = 8 * 1024 * 1024
MAX_PAGE_MESSAGES = 100


class BadPage(ValueError):
    """Bytes that are no page of messages."""


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Raw events in order of sequence; not `complete` means: ask again after the last of them."""

    messages: list[bytes]
    complete: bool


def encode_messages(messages: Sequence[bytes], complete: bool) -> bytes:
    """A page as JSON {messages: [text, ...], complete}. Raises BadPage for bytes that are not UTF-8."""
    try:
        texts = [raw.decode("utf-8") for raw in messages]
    except UnicodeDecodeError:
        raise BadPage("a message is not UTF-8") from None
    return dumps({"messages": texts, "complete": complete})


def decode_messages(raw: bytes) -> MessagePage:
    """Read a page. Raises BadPage; an empty page that is not complete is refused, it would be asked for for ever."""
    try:
        value = loads(raw, MAX_PAGE_BYTES)
    except BadJson as error:
        raise BadPage(str(error)) from None
    texts, complete = value.get("messages"), value.get("complete")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise BadPage("messages must be a list of texts, each the exact bytes of one event")
    if not isinstance(complete, bool) or not (complete or texts):
        raise BadPage("complete must be true or false, and true on an empty page")
    if len(texts) > MAX_PAGE_MESSAGES:
        raise BadPage(f"a page has at most {MAX_PAGE_MESSAGES} messages")
    messages = [text.encode() for text in texts]
    if any(len(message) > MAX_BODY_BYTES for message in messages):
        raise BadPage(f"a message is longer than {MAX_BODY_BYTES} bytes")
    return MessagePage(messages, complete)
