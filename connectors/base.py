"""The contract of a connector: it carries messages to one body and says truly what happened.

It decides nothing about a case, opens no database session, and sends the bytes it is given unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

from connectors.wire.ids import is_token
from connectors.wire.ledger import Digests, Item
from connectors.wire.problems import Problem
from connectors.wire.receipts import Receipt

_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to carry: `raw` is the exact encoded event, made once and never re-encoded.

    `traceparent` is a W3C Trace Context header value or None. Raises ValueError if it or the message id cannot be one.
    """

    message_id: str
    handoff_id: str
    body_code: str
    raw: bytes = field(repr=False)
    traceparent: str | None = None

    def __post_init__(self) -> None:
        if not is_token(self.message_id):
            raise ValueError("message_id must be 1 to 64 of letters, digits, - and _")
        if self.traceparent is not None and not _TRACEPARENT.fullmatch(self.traceparent):
            raise ValueError("traceparent must be 00-<32 hex>-<16 hex>-<2 hex>; leave it out if there is no trace")


@dataclass(frozen=True, slots=True)
class Keys:
    """The secrets of one body, newest first: `to_body` signs what the bureau sends, `from_body` what the body sends."""

    to_body: tuple[str, ...] = field(repr=False)
    from_body: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a connector's other side can do.

    `idempotent`: the same message id may be sent again without harm. `signed_receipts`: a 2xx without a valid receipt
    proves nothing. `can_query`: a receipt can be asked for by message id. `has_ledger`: it can be reconciled.
    """

    idempotent: bool
    signed_receipts: bool
    can_query: bool
    has_ledger: bool


@dataclass(frozen=True, slots=True)
class Delivered:
    """The other side holds exactly these bytes; the receipt proves it.

    `raw` and `signature` are the proof as it came: the receipt's bytes and the three webhook headers over them, one a line. They do not
    count when two outcomes are compared.
    """

    receipt: Receipt
    code: str = "receipted"
    raw: bytes = field(default=b"", repr=False, compare=False)
    signature: str = field(default="", repr=False, compare=False)
    status: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class WeakReceipt:
    """A success answer from a partner that signs no receipts; reconciliation must confirm it."""

    status: int
    detail: str
    code: str = "weak-receipt"


@dataclass(frozen=True, slots=True)
class Refused:
    """This message will never be taken as it is; a person must look. The endpoint is well."""

    problem: Problem
    code: str = "refused"


@dataclass(frozen=True, slots=True)
class Unknown:
    """The message may or may not have been processed: ask by its id, or send it again under the same id."""

    detail: str
    code: str = "unknown"
    status: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Surely not processed. `retry_after` is what the other side asked for; `endpoint`: pause the whole endpoint; `sent`: bytes of the message went out."""

    detail: str
    retry_after: timedelta | None = None
    endpoint: bool = False
    code: str = "unavailable"
    status: int | None = field(default=None, compare=False)
    sent: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class NotReceived:
    """The answer to the question by key: the other side has never seen the message; send it again, same id."""

    detail: str = "the receiver has no message of this id"
    code: str = "not-received"


# Of every outcome: `status` is the other side's own code where it gave one; it tells what came back, and does not count when two are compared.
Outcome = Delivered | WeakReceipt | Refused | Unknown | Unavailable
Answer = Delivered | NotReceived | Unknown | Unavailable


class CallFailed(Exception):
    """Nothing could be fetched; `outcome` says why in the same words as for a submission."""

    def __init__(self, outcome: Refused | Unknown | Unavailable) -> None:
        detail = outcome.code if isinstance(outcome, Refused) else f"{outcome.code}: {outcome.detail}"
        super().__init__(detail)
        self.outcome = outcome


class Connector(Protocol):
    """How one body is reached. Safe to use from several threads; `close` frees its connections."""

    @property
    def abilities(self) -> Abilities:
        """What the other side can do."""
        ...

    def submit(self, message: Outgoing) -> Outcome:
        """Carry one message; returns within the time-outs of the options and raises nothing the network can cause."""
        ...

    def query(self, message_id: str, digest: str) -> Answer:
        """Ask by key whether a message was received whose body has this digest (`body_digest` of the raw bytes)."""
        ...

    def fetch(self, handoff_id: str, after: int) -> list[bytes]:
        """The raw events the body sent about a hand-off past sequence `after`, in order. Raises CallFailed."""
        ...

    def digests(self, from_day: date, to_day: date, line: int = 1, split: int = 1) -> Digests:
        """The body's digests for Beijing days, both ends included, by this form of the line and cut into so many parts a day, or by
        the first form and whole days where the body knows no better: the answer says which. Raises CallFailed."""
        ...

    def ledger(self, from_day: date, to_day: date, buckets: Sequence[str] = ()) -> Iterator[Item]:
        """The body's ledger items issued on these Beijing days, both ends included; of these parts only (at most wire.ledger.MAX_BUCKETS,
        all of one length), if any are named. Raises CallFailed on the way.

        A hand-off that changes while the pages are read may come twice: the later one holds.
        """
        ...

    def check(self) -> list[str]:
        """Try the endpoint without changing anything; what is wrong and how to mend it, in Chinese. Empty: well."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...
