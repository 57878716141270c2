"""The ledger's tables of delivery: messages out and in, every attempt and receipt, how each body's endpoint fares, and the comparisons of both ledgers.

All times are ``timestamptz``, written in UTC from the injected time source. ``*_sealed`` columns hold AES-GCM ciphertext (`models.seal`).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.columns import json, number, when


class Outbox(SQLModel, table=True):
    """A message to a body, written with the change that caused it. Its id and bytes never change; only its delivery state does."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("handoff_id", "sequence", name="outbox_sequence"),
        Index("outbox_due", "body", "next_attempt_at", postgresql_where=text("state in ('QUEUED','RETRY_WAIT','UNKNOWN')")),
        Index("outbox_by_petition", "petition_no"),
        Index("outbox_sending", "lease_until", postgresql_where=text("state = 'SENDING'")),
        Index("outbox_open", "handoff_id", "sequence", postgresql_where=text("state not in ('RECEIPTED','WEAK_RECEIPT','DEAD')")),
    )
    message_id: str = Field(primary_key=True)
    handoff_id: str = Field(foreign_key="handoff.handoff_id")
    petition_no: str
    body: str
    message: str
    sequence: int
    round: int
    partner_state: str
    body_sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    digest: str
    state: str = "QUEUED"
    attempts: int = 0
    way: int = Field(0, sa_column_kwargs={"server_default": "0"})
    way_attempts: int = Field(0, sa_column_kwargs={"server_default": "0"})
    next_attempt_at: datetime = Field(sa_column=when(False))
    lease_owner: str | None = None
    lease_until: datetime | None = Field(None, sa_column=when())
    leased_at: datetime | None = Field(None, sa_column=when())
    created_at: datetime = Field(sa_column=when(False))
    receipted_at: datetime | None = Field(None, sa_column=when())
    dead_at: datetime | None = Field(None, sa_column=when())


class Attempt(SQLModel, table=True):
    """One try to deliver: when, by which of the body's ways, what was asked and sent, what came back, its class, when again.

    `asked` is the answer to the question by key, empty where none was put; `sent_digest` and `sent_bytes` are those of the bytes that went out, empty
    and 0 where none did; `status` is the other side's own code; `klass` is of rules.taxonomy; `doubt` tells whether, after this try, the other side may
    have the message. `detail` names causes, never content.
    """

    __tablename__ = "attempt"
    __table_args__ = (Index("attempt_by_message", "message_id"),)
    id: int | None = Field(None, sa_column=number())
    message_id: str
    attempt_no: int
    at: datetime = Field(sa_column=when(False))
    outcome: str
    code: str
    detail: str = ""
    next_at: datetime | None = Field(None, sa_column=when())
    way: int = Field(0, sa_column_kwargs={"server_default": "0"})
    started_at: datetime | None = Field(None, sa_column=when())
    took_ms: int = Field(0, sa_column_kwargs={"server_default": "0"})
    asked: str = Field("", sa_column_kwargs={"server_default": ""})
    sent_digest: str = Field("", sa_column_kwargs={"server_default": ""})
    sent_bytes: int = Field(0, sa_column_kwargs={"server_default": "0"})
    status: int | None = None
    klass: str = Field("", sa_column_kwargs={"server_default": ""})
    doubt: bool = Field(False, sa_column_kwargs={"server_default": "false"})


class Receipt(SQLModel, table=True):
    """技术回执 that a body gave: the evidence, byte for byte, with the signature that came with it."""

    __tablename__ = "receipt"
    message_id: str = Field(primary_key=True)
    receipt_id: str
    body: str
    received_at: datetime = Field(sa_column=when(False))
    status: str
    raw: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    signature: str
    stored_at: datetime = Field(sa_column=when(False))


class Inbox(SQLModel, table=True):
    """A message from a body, durable before it was answered, applied afterwards, in sequence."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("body", "message_id", name="inbox_message"),
        Index("inbox_waiting", "id", postgresql_where=text("state = 'RECEIVED'")),
        Index("inbox_held", "handoff_id", "sequence", postgresql_where=text("state = 'HELD'")),
        Index("inbox_by_handoff", "handoff_id", "sequence"),
    )
    id: int | None = Field(None, sa_column=number())
    body: str
    message_id: str
    handoff_id: str
    petition_no: str
    message: str
    round: int
    sequence: int
    event_at: datetime = Field(sa_column=when(False))
    raw_sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    fingerprint: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    receipt: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    via: str = "hook"
    state: str = "RECEIVED"
    received_at: datetime = Field(sa_column=when(False))
    applied_at: datetime | None = Field(None, sa_column=when())
    note: str = ""


class BodyState(SQLModel, table=True):
    """How an endpoint is doing, for all workers: its breaker, a suspension by hand, its tokens. What a body *is* stands in config/bodies.yaml.

    Each of the body's ways (Body.ways) has a row with its breaker, in the words of rules.breaker.Breaker; suspension and tokens are the body's and stand in
    the row of way 0. `tokens` null: full; `token_at`: when the next whole token is there, null where one is. `failures` counts in a row.
    """

    __tablename__ = "body"
    __table_args__ = (
        CheckConstraint("breaker in ('CLOSED','OPEN','HALF_OPEN')", name="body_breaker"),
        CheckConstraint("breaker = 'CLOSED' or (probe_at is not null and waits_from is not null)", name="body_waits"),
    )
    code: str = Field(primary_key=True)
    way: int = Field(0, primary_key=True, sa_column_kwargs={"server_default": "0"})
    failures: int = 0
    breaker: str = Field("CLOSED", sa_column_kwargs={"server_default": "CLOSED"})
    openings: int = Field(0, sa_column_kwargs={"server_default": "0"})
    opened_at: datetime | None = Field(None, sa_column=when())
    waits_from: datetime | None = Field(None, sa_column=when())
    probe_at: datetime | None = Field(None, sa_column=when())
    probe_owner: str = Field("", sa_column_kwargs={"server_default": ""})
    probe_message: str = Field("", sa_column_kwargs={"server_default": ""})
    cause: str = Field("", sa_column_kwargs={"server_default": ""})
    suspended_at: datetime | None = Field(None, sa_column=when())
    suspended_until: datetime | None = Field(None, sa_column=when())
    suspended_by: str = Field("", sa_column_kwargs={"server_default": ""})
    suspended_reason: str = Field("", sa_column_kwargs={"server_default": ""})
    tokens: float | None = None
    tokens_at: datetime | None = Field(None, sa_column=when())
    token_at: datetime | None = Field(None, sa_column=when())
    last_ok_at: datetime | None = Field(None, sa_column=when())
    updated_at: datetime = Field(sa_column=when(False))


class Suspension(SQLModel, table=True):
    """Who suspended or resumed sending to a body by hand, when, why and until when (null: until resumed). Rows are only added."""

    __tablename__ = "suspension"
    __table_args__ = (CheckConstraint("act in ('suspend','resume')", name="suspension_act"), Index("suspension_by_body", "body", "id"))
    id: int | None = Field(None, sa_column=number())
    body: str
    act: str
    at: datetime = Field(sa_column=when(False))
    by: str = ""
    reason: str = ""
    until: datetime | None = Field(None, sa_column=when())


class Reconciliation(SQLModel, table=True):
    """对账: one comparison of both ledgers for one body and one night.

    `owner` is the process that makes it; `reached` the last day of issue it is done with, from where another process takes it up; `listed` counts the
    items that had to be read one by one.
    """

    __tablename__ = "reconciliation"
    __table_args__ = (UniqueConstraint("body", "for_day", "run", name="reconciliation_once"),)
    id: int | None = Field(None, sa_column=number())
    body: str
    for_day: date
    run: int = 1
    started_at: datetime = Field(sa_column=when(False))
    ended_at: datetime | None = Field(None, sa_column=when())
    state: str = "RUNNING"
    owner: str = Field("", sa_column_kwargs={"server_default": ""})
    reached: date | None = None
    days: int = 0
    days_differing: int = 0
    items: int = 0
    listed: int = Field(0, sa_column_kwargs={"server_default": "0"})
    differences: int = 0
    healed: int = 0
    note: str = ""


class Difference(SQLModel, table=True):
    """One place where the ledgers disagreed, and what became of it: healed, or a duty."""

    __tablename__ = "difference"
    __table_args__ = (Index("difference_once", "reconciliation_id", "handoff_id", "kind", unique=True), Index("difference_by_handoff", "handoff_id"))
    id: int | None = Field(None, sa_column=number())
    reconciliation_id: int = Field(sa_column=Column(BigInteger, ForeignKey("reconciliation.id"), nullable=False))
    body: str
    handoff_id: str
    petition_no: str | None = None
    kind: str
    ours: dict[str, Any] = Field(sa_column=json())
    theirs: dict[str, Any] = Field(sa_column=json())
    action: str
    found_at: datetime = Field(sa_column=when(False))
    healed_at: datetime | None = Field(None, sa_column=when())
    duty_id: str | None = None
