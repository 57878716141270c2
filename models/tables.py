"""The ledger's tables of the case: petitions, hand-offs, clocks, duties, the journal (delivery: `models.delivery_tables`). The database itself keeps the invariant: what has not ended has a holder and a due date.

All times are ``timestamptz``, written in UTC from the injected time source. ``*_sealed`` columns hold AES-GCM ciphertext
(`models.seal`); nothing personal stands in any other column. Only `models.door` writes `state`, `holder` and `next_due`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.columns import json, number, when, words


def _held(ended: str) -> str:
    return f"(state in ({ended}) and holder is null and next_due is null) or (state not in ({ended}) and holder is not null and next_due is not null)"


PETITION_ENDS = ("CLOSED", "CONCLUDED", "SPLIT", "LINKED")
HANDOFF_ENDS = ("RETURNED", "CLOSED", "WITHDRAWN")


class Petition(SQLModel, table=True):
    """信访事项: one matter, one number, over all its hand-offs."""

    __tablename__ = "petition"
    __table_args__ = (
        CheckConstraint(_held("'CLOSED','CONCLUDED','SPLIT','LINKED'"), name="petition_held"),
        UniqueConstraint("origin", "origin_ref", name="petition_origin"),
        Index("petition_due", "next_due", postgresql_where=text("next_due is not null")),
        Index("petition_waiting", "petition_no", postgresql_where=text("state = 'REGISTERED'")),
        Index("petition_parts", "parent_petition_no", postgresql_where=text("parent_petition_no is not null")),
    )
    petition_no: str = Field(primary_key=True)
    bureau: str
    division: str
    channel: str
    klass: str
    branch: str = ""
    facts: dict[str, Any] = Field(sa_column=json())
    subject_sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    text_sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    origin: str
    origin_ref: str
    received_at: datetime = Field(sa_column=when(False))
    registered_at: datetime = Field(sa_column=when(False))
    state: str
    holder: str | None = None
    next_due: datetime | None = Field(None, sa_column=when())
    open_handoff: str | None = None
    handoffs: int = 0
    returned_by: list[str] = Field(sa_column=words())
    journal_seq: int = 0
    journal_head: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    flags: list[str] = Field(sa_column=words())
    outcome: str = ""
    closed_at: datetime | None = Field(None, sa_column=when())
    stage: str = Field("handling", sa_column_kwargs={"server_default": "handling"})
    arbiter: str | None = None
    answered_on: date | None = None
    parent_petition_no: str | None = Field(None, foreign_key="petition.petition_no")
    first_petition_no: str | None = None
    recused: list[str] = Field(sa_column=words())
    content_key: bytes | None = Field(None, sa_column=Column(LargeBinary, nullable=True))
    note_salt: bytes | None = Field(None, sa_column=Column(LargeBinary, nullable=True))
    erased_at: datetime | None = Field(None, sa_column=when())
    updated_at: datetime = Field(sa_column=when(False))


class PetitionCounter(SQLModel, table=True):
    """How many petition numbers a bureau gave on a day: numbers are contiguous, so a removed petition leaves a hole."""

    __tablename__ = "petition_counter"
    division: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    last: int


class Petitioner(SQLModel, table=True):
    """信访人: everything about a person in one sealed value (JSON: name, phone, address, id_no)."""

    __tablename__ = "petitioner"
    petition_no: str = Field(sa_column=Column(Text, ForeignKey("petition.petition_no"), primary_key=True))
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Matter(SQLModel, table=True):
    """By what a repeat is known: keyed digests of who asks and for what. They are looked up at registration and tell nobody anything else."""

    __tablename__ = "matter"
    key: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    petition_no: str = Field(sa_column=Column(Text, ForeignKey("petition.petition_no"), primary_key=True))


class Refusal(SQLModel, table=True):
    """What the bureau or an arbiter asked of the door and was refused: when, who, which act, why. Nothing else came of it."""

    __tablename__ = "refusal"
    __table_args__ = (Index("refusal_by_petition", "petition_no"),)
    id: int | None = Field(None, sa_column=number())
    petition_no: str | None = None
    handoff_id: str | None = None
    at: datetime = Field(sa_column=when(False))
    actor: str
    act: str
    code: str
    why: str


class Handoff(SQLModel, table=True):
    """转送/交办: one referral of a petition to one body.

    `seq_out` is the last sequence given to a message to the body, `acked_out` the last it holds a receipt for, `seq_in` the last of its
    messages applied. `partner_state` and `partner_round` are what the body itself must believe by now: what its ledger is compared with;
    `told_out` is the last of our messages that this belief takes in.
    """

    __tablename__ = "handoff"
    __table_args__ = (
        CheckConstraint(_held("'RETURNED','CLOSED','WITHDRAWN'"), name="handoff_held"),
        Index("handoff_one_open", "petition_no", unique=True, postgresql_where=text("state not in ('RETURNED','CLOSED','WITHDRAWN')")),
        Index("handoff_by_petition", "petition_no"),
        Index("handoff_by_day", "body", "issued_day"),
        Index("handoff_due", "next_due", postgresql_where=text("next_due is not null")),
    )
    handoff_id: str = Field(primary_key=True)
    petition_no: str = Field(foreign_key="petition.petition_no")
    parent_handoff_id: str | None = None
    body: str
    way: str
    basis: str
    route_row: str
    branch: str
    round: int = 1
    state: str
    holder: str | None = None
    next_due: datetime | None = Field(None, sa_column=when())
    partner_case_no: str | None = None
    seq_out: int = 0
    acked_out: int = 0
    seq_in: int = 0
    partner_state: str = ""
    partner_round: int = 0
    issued_at: datetime | None = Field(None, sa_column=when())
    issued_day: date | None = None
    delivered_at: datetime | None = Field(None, sa_column=when())
    accepted_at: datetime | None = Field(None, sa_column=when())
    closed_at: datetime | None = Field(None, sa_column=when())
    request_digest: str = ""
    refused_grounds: list[str] = Field(sa_column=words())
    flags: list[str] = Field(sa_column=words())
    outcome: str = ""
    stage: str = Field("handling", sa_column_kwargs={"server_default": "handling"})
    track: str = Field("", sa_column_kwargs={"server_default": ""})
    set_limit: str = Field("", sa_column_kwargs={"server_default": ""})
    told_out: int = Field(0, sa_column_kwargs={"server_default": "0"})
    updated_at: datetime = Field(sa_column=when(False))


class Proposal(SQLModel, table=True):
    """三项建议: 改进工作, 完善政策 or 追究责任 (信访工作条例 art 40), to whom, and the written feedback on its adoption."""

    __tablename__ = "proposal"
    __table_args__ = (Index("proposal_by_petition", "petition_no"), Index("proposal_open", "feedback_due", postgresql_where=text("closed_at is null")))
    proposal_id: str = Field(primary_key=True)
    petition_no: str = Field(foreign_key="petition.petition_no")
    handoff_id: str | None = None
    kind: str
    to_body: str
    ground: str
    issued_at: datetime = Field(sa_column=when(False))
    feedback_due: datetime = Field(sa_column=when(False))
    adopted: str = ""
    feedback_on: date | None = None
    closed_at: datetime | None = Field(None, sa_column=when())


class Clock(SQLModel, table=True):
    """期限: one running limit. `ring_at` is when somebody must look next (a warning or the end), `due_at` the end."""

    __tablename__ = "clock"
    __table_args__ = (
        Index("clock_ringing", "ring_at", postgresql_where=text("state = 'OPEN' and paused_at is null")),
        Index("clock_open", "petition_no", postgresql_where=text("state = 'OPEN'")),
        Index("clock_by_handoff", "handoff_id"),
    )
    id: int | None = Field(None, sa_column=number())
    petition_no: str = Field(foreign_key="petition.petition_no")
    handoff_id: str | None = None
    key: str
    root: str
    owes: str
    limit: str
    basis: str
    label: str
    started_at: datetime = Field(sa_column=when(False))
    due_at: datetime = Field(sa_column=when(False))
    ring_at: datetime = Field(sa_column=when(False))
    warned: int = 0
    paused_at: datetime | None = Field(None, sa_column=when())
    provisional: bool = False
    state: str = "OPEN"
    closed_at: datetime | None = Field(None, sa_column=when())


class Duty(SQLModel, table=True):
    """待办: a thing a person must do, by a date. `state_bound` duties end when the case leaves the state that opened them."""

    __tablename__ = "duty"
    __table_args__ = (
        Index("duty_once", "kind", "ref", unique=True, postgresql_where=text("closed_at is null")),
        Index("duty_due", "due_at", postgresql_where=text("closed_at is null")),
        Index("duty_by_petition", "petition_no", postgresql_where=text("closed_at is null")),
    )
    duty_id: str = Field(primary_key=True)
    kind: str
    ref: str
    petition_no: str | None = None
    handoff_id: str | None = None
    body: str | None = None
    holder: str
    zh: str
    detail: dict[str, Any] = Field(sa_column=json())
    state_bound: bool = False
    opened_at: datetime = Field(sa_column=when(False))
    due_at: datetime = Field(sa_column=when(False))
    escalations: int = 0
    closed_at: datetime | None = Field(None, sa_column=when())
    closed_by: str = ""


class Journal(SQLModel, table=True):
    """流转记录: append-only (a trigger refuses changes), chained by SHA-256 per petition."""

    __tablename__ = "journal"
    __table_args__ = (UniqueConstraint("petition_no", "seq", name="journal_chain"),)
    id: int | None = Field(None, sa_column=number())
    petition_no: str
    seq: int
    at: datetime = Field(sa_column=when(False))
    actor: str
    act: str
    handoff_id: str | None = None
    from_state: str
    to_state: str
    holder: str | None = None
    next_due: datetime | None = Field(None, sa_column=when())
    detail: dict[str, Any] = Field(sa_column=json())
    note_sealed: bytes | None = Field(None, sa_column=Column(LargeBinary, nullable=True))
    prev_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Document(SQLModel, table=True):
    """附件: kept by digest; the name may say who somebody is, so it is sealed."""

    __tablename__ = "document"
    __table_args__ = (Index("document_by_petition", "petition_no"),)
    document_id: str = Field(primary_key=True)
    petition_no: str
    handoff_id: str | None = None
    name_sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    media_type: str
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    digest: str
    stored_at: datetime = Field(sa_column=when(False))
