"""What went wrong, as a document: RFC 9457 with two members of our own, `origin` and `retry`.

`origin` says whose fault it is (sender, platform between, receiver); `retry` whether the same message may be sent
again: never, with the same key at once, or after the time in Retry-After.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, cast

from connectors.wire.strictjson import BadJson, JsonObject, dumps, loads

MEDIA_TYPE = "application/problem+json"
MAX_PROBLEM_BYTES = 65_536
PREFIX = "urn:xf:problem:"

Origin = Literal["sender", "platform", "receiver"]
Retry = Literal["never", "same-key", "after"]


class BadProblem(ValueError):
    """Bytes that are no problem document."""


@dataclass(frozen=True, slots=True)
class Problem:
    """`type` is a URI (`urn:xf:problem:<slug>` for ours), `status` the HTTP status, `instance` a URI or None."""

    type: str
    status: int
    title: str = field(repr=False)  # another party's words: they may name a person, and a repr may reach a log
    detail: str = field(default="", repr=False)
    instance: str | None = None
    origin: Origin = "sender"
    retry: Retry = "never"

    @property
    def slug(self) -> str:
        """The last part of our own types; the whole type for others."""
        return self.type.removeprefix(PREFIX)


def encode(problem: Problem) -> bytes:
    """The document as compact JSON; an absent instance is left out."""
    value: JsonObject = {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.instance is not None:
        value["instance"] = problem.instance
    value["origin"] = problem.origin
    value["retry"] = problem.retry
    return dumps(value)


def decode(raw: bytes, status: int = 500) -> Problem:
    """Read a problem document; members left out get RFC 9457's defaults, `status` that of the answer.

    A missing or unknown `origin` reads as receiver, `retry` as never. Raises BadProblem if it is not a JSON object or
    a member has the wrong type.
    """
    try:
        value = loads(raw, MAX_PROBLEM_BYTES)
    except BadJson as error:
        raise BadProblem(str(error)) from None
    defaults = {"type": "about:blank", "title": "", "detail": ""}
    texts = {name: value.get(name, default) for name, default in defaults.items()}
    if not all(isinstance(text, str) for text in texts.values()):
        raise BadProblem("type, title and detail must be texts")
    number = value.get("status", status)
    instance = value.get("instance")
    if type(number) is not int or not (instance is None or isinstance(instance, str)):
        raise BadProblem("status must be a whole number and instance a text")
    origin, retry = value.get("origin"), value.get("retry")
    return Problem(
        type=texts["type"],
        status=number,
        title=texts["title"],
        detail=texts["detail"],
        instance=instance,
        origin=cast(Origin, origin) if origin in ("sender", "platform", "receiver") else "receiver",
        retry=cast(Retry, retry) if retry in ("never", "same-key", "after") else "never",
    )


def _make(slug: str, status: int, title: str, detail: str, origin: Origin, retry: Retry) -> Problem:
    return Problem(PREFIX + slug, status, title, detail, None, origin, retry)


def bad_request(detail: str) -> Problem:
    """400: a header or parameter is missing or unreadable."""
    return _make("bad-request", 400, "请求有误", detail, "sender", "never")


def bad_signature(reason: str) -> Problem:
    """401: the signature is missing, malformed, stale or does not match."""
    detail = f"signature {reason}; sign id.timestamp.body with the current secret and a clock within 5 minutes"
    return _make("bad-signature", 401, "签名未通过", detail, "sender", "never")


def not_allowed(detail: str) -> Problem:
    """403: known, but not entitled."""
    return _make("not-allowed", 403, "无权访问", detail, "sender", "never")


def unknown_body() -> Problem:
    """404: no such body is served here."""
    return _make("unknown-body", 404, "无此单位", "no body of this code is served here", "sender", "never")


def unknown_message() -> Problem:
    """404: the answer to the question by key for a message never received."""
    return _make("unknown-message", 404, "未收到该消息", "this message was not received", "receiver", "same-key")


def unknown_handoff() -> Problem:
    """404: no such hand-off, or not one of the asker's; the two are not told apart."""
    return _make("unknown-handoff", 404, "无此交办", "no hand-off of this id concerns you", "sender", "never")


def in_progress() -> Problem:
    """409: the same message is being stored at this moment; comes with Retry-After."""
    return _make("in-progress", 409, "正在处理", "the same message is being processed", "receiver", "after")


def already_processed() -> Problem:
    """409: done before; ask by key for the receipt."""
    detail = "processed before; ask for the receipt by its id"
    return _make("already-processed", 409, "已处理", detail, "receiver", "never")


def illegal_transition(detail: str) -> Problem:
    """409: the hand-off's state does not allow this message (for receivers that apply before they answer)."""
    return _make("illegal-transition", 409, "当前状态不允许", detail, "sender", "never")


def too_large(limit: int) -> Problem:
    """413: longer than `limit` bytes."""
    detail = f"at most {limit} bytes; send large parts as attachments"
    return _make("too-large", 413, "消息过大", detail, "sender", "never")


def wrong_media_type() -> Problem:
    """415: not application/cloudevents+json in UTF-8."""
    detail = "send Content-Type: application/cloudevents+json; charset=utf-8"
    return _make("wrong-media-type", 415, "媒体类型有误", detail, "sender", "never")


def bad_event(detail: str) -> Problem:
    """422: signed, but not a message of this wire."""
    return _make("bad-event", 422, "消息格式有误", detail, "sender", "never")


def wrong_recipient() -> Problem:
    """422: `data.to` is not the receiver, or `source` not the signer."""
    detail = "data.to must name the receiver and source the signer"
    return _make("wrong-recipient", 422, "收件单位有误", detail, "sender", "never")


def key_reused() -> Problem:
    """422: an id seen before with other bytes."""
    detail = "this id was used before with another body; a changed message needs a new id"
    return _make("key-reused", 422, "消息编号重复使用", detail, "sender", "never")


def too_many() -> Problem:
    """429: slow down; comes with Retry-After."""
    return _make("too-many", 429, "请求过多", "too many requests; wait as Retry-After says", "receiver", "after")


def internal() -> Problem:
    """500: the receiver failed; whether the message was stored is not known."""
    detail = "the receiver failed; send again with the same id"
    return _make("internal", 500, "内部错误", detail, "receiver", "same-key")


def unavailable() -> Problem:
    """503: not now; nothing was processed. Comes with Retry-After."""
    return _make("unavailable", 503, "暂不可用", "not available now; wait as Retry-After says", "receiver", "after")
