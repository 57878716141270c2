"""Working copies of ledger rows, as the door handles them between reading and writing. Times are aware UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from config.roadmap import Stage


@dataclass(slots=True)
class PetitionRow:
    petition_no: str
    division: str
    branch: str
    klass: str
    facts: dict[str, Any]
    state: str
    holder: str | None
    next_due: datetime | None
    open_handoff: str | None
    handoffs: int
    returned_by: list[str]
    journal_seq: int
    journal_head: bytes
    flags: list[str]
    outcome: str
    received_at: datetime
    closed_at: datetime | None = None
    stage: Stage = "handling"
    arbiter: str | None = None
    answered_on: date | None = None
    parent_petition_no: str | None = None
    first_petition_no: str | None = None
    recused: list[str] = field(default_factory=list)
    note_salt: bytes | None = None


@dataclass(slots=True)
class HandoffRow:
    handoff_id: str
    petition_no: str
    parent_handoff_id: str | None
    body: str
    way: str
    basis: str
    route_row: str
    branch: str
    round: int
    state: str
    holder: str | None
    next_due: datetime | None
    partner_case_no: str | None
    seq_out: int
    acked_out: int
    seq_in: int
    partner_state: str
    partner_round: int
    issued_at: datetime | None
    issued_day: date | None
    delivered_at: datetime | None
    accepted_at: datetime | None
    closed_at: datetime | None
    request_digest: str
    refused_grounds: list[str]
    flags: list[str]
    outcome: str
    stage: Stage = "handling"
    track: str = ""
    set_limit: str = ""
    told_out: int = 0


@dataclass(slots=True)
class ClockRow:
    """`id` is None until the row is written."""

    id: int | None
    petition_no: str
    handoff_id: str | None
    key: str
    root: str
    owes: str
    limit: str
    basis: str
    label: str
    started_at: datetime
    due_at: datetime
    ring_at: datetime
    warned: int
    paused_at: datetime | None
    provisional: bool
    state: str = "OPEN"
    closed_at: datetime | None = None


@dataclass(slots=True)
class DutyRow:
    duty_id: str
    kind: str
    ref: str
    petition_no: str | None
    handoff_id: str | None
    body: str | None
    holder: str
    zh: str
    detail: dict[str, Any]
    state_bound: bool
    opened_at: datetime
    due_at: datetime
    escalations: int = 0
    closed_at: datetime | None = None
    closed_by: str = ""


@dataclass(slots=True)
class Letter:
    """A message to a body, to be queued with the change that causes it."""

    message_id: str
    handoff_id: str
    petition_no: str
    body: str
    message: str
    sequence: int
    round: int
    partner_state: str
    raw: bytes
    digest: str
    created_at: datetime
    state: str = "QUEUED"


@dataclass(slots=True)
class ProposalRow:
    """One of the three proposals (信访工作条例 art 40): to whom, on what ground, and what became of it."""

    proposal_id: str
    petition_no: str
    handoff_id: str | None
    kind: str
    to_body: str
    ground: str
    issued_at: datetime
    feedback_due: datetime
    adopted: str = ""
    feedback_on: date | None = None
    closed_at: datetime | None = None


@dataclass(slots=True)
class JournalRow:
    petition_no: str
    seq: int
    at: datetime
    actor: str
    act: str
    handoff_id: str | None
    from_state: str
    to_state: str
    holder: str | None
    next_due: datetime | None
    detail: dict[str, Any]
    note_sealed: bytes | None
    prev_hash: bytes
    hash: bytes


@dataclass(slots=True)
class RefusalRow:
    petition_no: str | None
    handoff_id: str | None
    at: datetime
    actor: str
    act: str
    code: str
    why: str


@dataclass(slots=True)
class Content:
    """What a hand-off request carries and nothing else may: unsealed only while the message is composed."""

    subject: str
    text: str
    petitioner: dict[str, Any] | None
    channel: str
    received_at: datetime


@dataclass(slots=True)
class Working:
    """Everything one call of the door reads and writes."""

    petitions: dict[str, PetitionRow] = field(default_factory=dict)
    handoffs: dict[str, HandoffRow] = field(default_factory=dict)
    clocks: dict[str, list[ClockRow]] = field(default_factory=dict)
    duties: dict[str, list[DutyRow]] = field(default_factory=dict)
    content: dict[str, Content] = field(default_factory=dict)
    changed_petitions: set[str] = field(default_factory=set)
    changed_handoffs: set[str] = field(default_factory=set)
    new_handoffs: list[str] = field(default_factory=list)
    last_handoff: dict[str, str] = field(default_factory=dict)
    new_clocks: list[ClockRow] = field(default_factory=list)
    changed_clocks: dict[int, ClockRow] = field(default_factory=dict)
    new_duties: list[DutyRow] = field(default_factory=list)
    changed_duties: dict[str, DutyRow] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    proposals: dict[str, ProposalRow] = field(default_factory=dict)
    changed_proposals: set[str] = field(default_factory=set)
    new_proposals: set[str] = field(default_factory=set)
    # Hand-offs whose waiting messages go on paper from now on, and those whose messages may go nowhere any more.
    by_hand: set[str] = field(default_factory=set)
    silenced: set[str] = field(default_factory=set)
    # Petitions whose content is to be erased, each with the messages that are settled by this very call.
    erase: dict[str, set[str]] = field(default_factory=dict)
    refusals: list[RefusalRow] = field(default_factory=list)
    journal: list[JournalRow] = field(default_factory=list)
