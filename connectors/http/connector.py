"""The `http` connector: the wire of docs/wire.md over HTTP, with `requests`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random

from connectors.base import (
    Abilities,
    Answer,
    CallFailed,
    Delivered,
    Keys,
    NotReceived,
    Outcome,
    Outgoing,
    Refused,
    Unavailable,
    Unknown,
    WeakReceipt,
)
from connectors.http.options import HttpOptions
from connectors.http.statuses import ALREADY, not_ok, problem_of
from connectors.http.transport import HttpAnswer, Lost, NotSent, Transport
from connectors.http.words import in_chinese
from connectors.wire import ledger as wire_ledger
from connectors.wire import pages, paths, receipts
from connectors.wire.events import MEDIA_TYPE, decode
from connectors.wire.ids import is_token, is_uuid, new_id
from connectors.wire.signing import BadSignature, key_bytes, request_target, sign, verify
from connectors.wire.times import BEIJING

CONTENT_TYPE = f"{MEDIA_TYPE}; charset=utf-8"
MAX_PAGES = 10_000
# What is kept in memory of what a body sent about one hand-off; the rest is asked for once this has been applied.
MAX_FETCH_BYTES = 32 * 1024 * 1024
# A body may leave out what was not asked for, page after page, but not for ever.
MAX_EMPTY_PAGES = 100
LISTING_S = 600.0
# The headers that, with the raw bytes and the body's secret, prove a receipt.
_PROOF = ("webhook-id", "webhook-timestamp", "webhook-signature")
# Worth one more try within the second. A connect time-out has waited long enough, a certificate does not mend itself.
PASSING = frozenset({"connect-failed", "dns", "tls"})


class HttpConnector:
    """Reaches one body over HTTP. Many threads may share it; each has its own session and connection.

    `now` gives the present instant (aware); `own_urn` is the bureau's, told to the partner in User-Agent; `listing_s`: seconds that the pages of one
    question may take together.
    Raises BadKey (signing.py) at once for a secret that is none.
    """

    def __init__(self, options: HttpOptions, keys: Keys, now: Callable[[], datetime], own_urn: str, *, listing_s: float = LISTING_S) -> None:
        for secret in (*keys.to_body, *keys.from_body):
            key_bytes(secret)
        self.options, self._keys, self._now, self._listing_s = options, keys, now, listing_s
        self._transport = Transport(
            options.base_url,
            options.connect_timeout,
            options.read_timeout,
            options.max_answer_bytes,
            f"tonglu ({own_urn})",
            options.ca_file,
        )
        self._again = Retrying(
            stop=stop_after_attempt(2),
            wait=wait_random(0.1, 0.4),
            retry=retry_if_exception(lambda error: isinstance(error, NotSent) and error.code in PASSING),
            reraise=True,
        )

    @property
    def abilities(self) -> Abilities:
        """Idempotent by message id, asked by key, reconciled; signed receipts unless the options say otherwise."""
        return Abilities(True, self.options.signed_receipts, True, True)

    def submit(self, message: Outgoing) -> Outcome:
        """Sign with the present time and POST the bytes; the key stays the message's over all attempts."""
        sent = self._now()
        headers = sign(self._keys.to_body, message.message_id, int(sent.timestamp()), message.raw)
        headers["Content-Type"] = CONTENT_TYPE
        headers["Idempotency-Key"] = f'"{message.message_id}"'
        if message.traceparent is not None:
            headers["traceparent"] = message.traceparent
        answer = self._call("POST", paths.MESSAGES, headers, message.raw)
        if not isinstance(answer, HttpAnswer):
            return answer
        if 200 <= answer.status < 300:
            return self._receipted(answer, sent, message.message_id, receipts.body_digest(message.raw))
        outcome = not_ok(answer, self._now())
        if outcome is not ALREADY:
            return outcome
        found = self.query(message.message_id, receipts.body_digest(message.raw))
        return found if isinstance(found, Delivered) else ALREADY

    def query(self, message_id: str, digest: str) -> Answer:
        """GET the stored receipt and check it like a fresh one. Raises ValueError for an id that is none."""
        if not is_token(message_id):
            raise ValueError("message_id must be 1 to 64 of letters, digits, - and _")
        sent = self._now()
        answer = self._get(paths.message(message_id), sent)[0]
        if not isinstance(answer, HttpAnswer):
            return answer
        if 200 <= answer.status < 300:
            found = self._receipted(answer, sent, message_id, digest)
            if isinstance(found, WeakReceipt):
                return Unknown("the answer holds no valid receipt", found.code, answer.status)
            return found
        problem = problem_of(answer)
        if answer.status == 404 and problem is not None and problem.slug == "unknown-message":
            return NotReceived()
        outcome = not_ok(answer, self._now())
        if isinstance(outcome, Refused):
            return Unknown("the receiver refused the question", outcome.code, answer.status)
        return outcome

    def fetch(self, handoff_id: str, after: int) -> list[bytes]:
        """What the body sent past `after`, page by page: all, or the beginning where it is more than MAX_FETCH_BYTES or takes too long.

        Raises CallFailed, and ValueError for ids that are none.
        """
        if not is_uuid(handoff_id) or after < 0:
            raise ValueError("handoff_id must be a lower-case UUID and after a number from 0")
        found: list[bytes] = []
        size, ends = 0, time.monotonic() + self._listing_s
        for _ in range(MAX_PAGES):
            body = self._signed_get(paths.handoff_messages(handoff_id, after))
            try:
                page = pages.decode_messages(body)
                last = decode(page.messages[-1]).sequence if page.messages and not page.complete else after
            except ValueError as error:
                raise CallFailed(Unknown(f"the page of messages cannot be read: {error}", "bad-page")) from None
            found.extend(page.messages)
            size += sum(len(message) for message in page.messages)
            if page.complete or size >= MAX_FETCH_BYTES:
                return found
            if last <= after:
                break
            if time.monotonic() >= ends:
                return found
            after = last
        raise CallFailed(Unknown("the pages of messages do not come to an end", "endless-pages"))

    def digests(self, from_day: date, to_day: date, line: int = 1, split: int = 1) -> wire_ledger.Digests:
        """The body's digests, in the best form that it knows; days outside the range asked for are refused. Raises CallFailed.

        A body that refuses parameters it does not know is asked again without them.
        """
        if not self.options.split:
            line = split = 1
        try:
            body = self._signed_get(paths.digests(from_day, to_day, line, split))
        except CallFailed as failure:
            if (line, split) == (1, 1) or not isinstance(failure.outcome, Refused):
                raise
            line = split = 1
            body = self._signed_get(paths.digests(from_day, to_day))
        try:
            found = wire_ledger.decode_digests(body)
        except wire_ledger.BadLedger as error:
            raise CallFailed(Unknown(f"the digests cannot be read: {error}", "bad-ledger")) from None
        if any(not from_day <= day.day <= to_day for day in found.days):
            raise CallFailed(Unknown("the digests hold a day that was not asked for", "bad-ledger"))
        if found.line not in (1, line) or found.split not in (1, split):
            raise CallFailed(Unknown("the digests are of another form than was asked for", "bad-ledger"))
        return found

    def ledger(self, from_day: date, to_day: date, buckets: Sequence[str] = ()) -> Iterator[wire_ledger.Item]:
        """The body's ledger, page by page as it is read; what a body gives besides the parts asked for is passed over. Raises CallFailed on the way.

        Raises ValueError for too many parts, or parts of several lengths.
        """
        if len(buckets) > wire_ledger.MAX_BUCKETS or not all(b and wire_ledger.is_bucket(b, len(buckets[0])) for b in buckets):
            raise ValueError(f"at most {wire_ledger.MAX_BUCKETS} parts can be asked for at once, all named by as many digits")
        ends = tuple(buckets) or ("",)
        cursor: str | None = None
        seen: set[str] = set()
        empty, until = 0, time.monotonic() + self._listing_s
        for _ in range(MAX_PAGES):
            body = self._signed_get(paths.ledger(from_day, to_day, cursor, self.options.page_limit, buckets))
            try:
                page = wire_ledger.decode_page(body)
            except wire_ledger.BadLedger as error:
                raise CallFailed(Unknown(f"the ledger cannot be read: {error}", "bad-ledger")) from None
            yield from (item for item in page.items if item.handoff_id.endswith(ends))
            cursor = page.next_cursor
            if cursor is None:
                return
            empty = 0 if page.items else empty + 1
            if cursor in seen or empty >= MAX_EMPTY_PAGES:
                break
            if time.monotonic() >= until:
                raise CallFailed(Unknown("the listing takes too long", "too-long"))
            seen.add(cursor)
        raise CallFailed(Unknown("the pages of the ledger do not come to an end", "endless-pages"))

    def check(self) -> list[str]:
        """Look at address and keys, then ask for today's digests; nothing is changed at the other side."""
        findings = []
        url = urlsplit(self.options.base_url)
        if url.scheme == "http" and url.hostname not in ("127.0.0.1", "::1", "localhost"):
            findings.append("地址用的是 http，内容在网络上不加密；请改用 https，或确认走的是专网")
        if not self._keys.to_body or not self._keys.from_body:
            return [*findings, "缺少密钥：发往对方的和对方发来的各至少要有一个"]
        today = self._now().astimezone(BEIJING).date()
        try:
            self.digests(today - timedelta(days=1), today)
        except CallFailed as failure:
            findings.append(in_chinese(failure.outcome.code))
        return findings

    def close(self) -> None:
        """Close the connections of all threads."""
        self._transport.close()

    def _call(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> HttpAnswer | Unknown | Unavailable:
        try:
            return self._again(self._transport.call, method, path, headers, body)
        except NotSent as failure:
            return Unavailable(f"no connection: {failure.code}", None, failure.code == "certificate", failure.code, sent=False)
        except Lost as failure:
            return Unknown(f"sent, but no answer: {failure.code}", failure.code)

    def _get(self, path: str, sent: datetime) -> tuple[HttpAnswer | Unknown | Unavailable, str]:
        request_id = new_id()
        target = request_target("GET", self._transport.target(path))
        headers = sign(self._keys.to_body, request_id, int(sent.timestamp()), target)
        return self._call("GET", path, headers, None), request_id

    def _signed_get(self, path: str) -> bytes:
        sent = self._now()
        answer, request_id = self._get(path, sent)
        if not isinstance(answer, HttpAnswer):
            raise CallFailed(answer)
        if not 200 <= answer.status < 300:
            raise CallFailed(not_ok(answer, self._now()))
        if answer.fault:
            raise CallFailed(Unknown(f"the answer is not whole: {answer.fault}", f"answer-{answer.fault}"))
        try:
            if self._signer(answer, sent) != request_id:
                raise CallFailed(Unknown("the answer belongs to another question", "answer-misplaced"))
        except BadSignature as wrong:
            raise CallFailed(Unknown(f"the answer's signature is {wrong.reason}", "answer-forged")) from None
        return answer.body

    def _receipted(self, answer: HttpAnswer, sent: datetime, message_id: str, digest: str) -> Delivered | WeakReceipt | Unknown:
        """Delivered only if the receipt is the body's own, for this message and for these bytes."""
        if answer.fault:
            return self._weak(answer.status, f"receipt-{answer.fault}")
        if not answer.body:
            return self._weak(answer.status, "receipt-missing")
        try:
            signer_id = self._signer(answer, sent)
            receipt = receipts.decode(answer.body)
        except BadSignature as wrong:
            return self._weak(answer.status, f"receipt-signature-{wrong.reason}")
        except receipts.BadReceipt:
            return self._weak(answer.status, "receipt-unreadable")
        if receipt.receipt_id != signer_id or receipt.message_id != message_id:
            return Unknown("the receipt is for another message", "receipt-misplaced", answer.status)
        if receipt.body_digest != digest:
            return Unknown("the receiver stored other bytes under this id", "receipt-digest", answer.status)
        signature = "\n".join(f"{name}: {answer.headers[name]}" for name in _PROOF)
        return Delivered(receipt, raw=answer.body, signature=signature, status=answer.status)

    def _weak(self, status: int, code: str) -> WeakReceipt | Unknown:
        if self.options.signed_receipts:
            return Unknown(f"the receiver answered {status} without a valid receipt", code, status)
        return WeakReceipt(status, code)

    def _signer(self, answer: HttpAnswer, sent: datetime) -> str:
        """Verify an answer. It was made between sending and now, however far a stepped clock moved in between."""
        moment = self._now()
        stamp = answer.headers.get("webhook-timestamp", "")
        if stamp.isascii() and stamp.isdigit() and len(stamp) <= 10:
            made = datetime.fromtimestamp(int(stamp), UTC)
            moment = max(sent, min(made, moment))
        return verify(self._keys.from_body, answer.headers, answer.body, moment)
