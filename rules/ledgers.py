"""Where two ledgers disagree about one hand-off, and what follows from it (handoff-protocol 1.12). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal
from zlib import crc32

Kind = Literal[
    "missing_at_partner", "unknown_to_us", "receipt_lost", "messages_missing_at_partner", "partner_ahead", "we_ahead", "digest_differs",
    "two_case_numbers", "state_differs", "of_another_body", "petition_differs", "day_differs", "receipt_without_case", "ledger_contradicts_itself",
]
Action = Literal["resend", "ask", "fetch", "duty"]

KIND_ZH: dict[Kind, str] = {
    "missing_at_partner": "对方账上没有此件",
    "unknown_to_us": "对方账上有我方未发之件",
    "receipt_lost": "对方已收，我方缺回执",
    "messages_missing_at_partner": "对方缺后续文书",
    "partner_ahead": "对方已办，回告未到",
    "we_ahead": "我方记录多于对方",
    "digest_differs": "转送件内容摘要不符",
    "two_case_numbers": "同一转送件有两个案号",
    "state_differs": "状态不符",
    "of_another_body": "对方账上列有交其他单位之件",
    "petition_differs": "对方账上信访事项编号不符",
    "day_differs": "对方账上转送日期不符",
    "receipt_without_case": "对方出具回执，账上却无此件",
    "ledger_contradicts_itself": "对方账目与其自报摘要不符",
}
ACTION_ZH: dict[Action, str] = {"resend": "按原编号重发", "ask": "按编号查询", "fetch": "补取来文", "duty": "转人工核对"}

# A body at rest is compared once in so many nights, and never left alone for longer.
WEEK = 7


@dataclass(frozen=True, slots=True)
class Line:
    """One hand-off as one of the two ledgers has it, told from the partner's side. `last_seq_in` 0: no receipt from the partner yet."""

    state: str
    round: int
    last_seq_in: int
    last_seq_out: int
    body_digest: str
    partner_case_no: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ledger has a hand-off: whose it is, of which petition, issued on which Beijing day (None: not known)."""

    body: str
    petition_no: str
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Kind
    action: Action


def compare(ours: Line | None, theirs: Line | None, our_place: Place | None = None, their_place: Place | None = None) -> tuple[Finding, ...]:
    """What is wrong with one hand-off; empty when the ledgers agree. The places are compared where both are given.

    What can be healed by asking, fetching or sending again is; what would mean going back on our own record, or says that the partner
    holds something else than we sent, is a person's.
    """
    if theirs is None:
        return () if ours is None or ours.last_seq_in == 0 else (Finding("missing_at_partner", "resend"),)
    if ours is None:
        return (Finding("unknown_to_us", "duty"),)
    apart = _apart(our_place, their_place)
    if Finding("of_another_body", "duty") in apart:
        return apart
    if theirs.body_digest != ours.body_digest:
        return (*apart, Finding("digest_differs", "duty"))
    found: list[Finding] = []
    if ours.partner_case_no and theirs.partner_case_no and ours.partner_case_no != theirs.partner_case_no:
        found.append(Finding("two_case_numbers", "duty"))
    if theirs.last_seq_in > ours.last_seq_in:
        found.append(Finding("receipt_lost", "ask"))
    elif theirs.last_seq_in < ours.last_seq_in:
        found.append(Finding("messages_missing_at_partner", "resend"))
    if theirs.last_seq_out > ours.last_seq_out:
        found.append(Finding("partner_ahead", "fetch"))
    elif theirs.last_seq_out < ours.last_seq_out:
        found.append(Finding("we_ahead", "duty"))
    if not found and (theirs.state, theirs.round) != (ours.state, ours.round):
        found.append(Finding("state_differs", "duty"))
    return (*apart, *found)


def _apart(ours: Place | None, theirs: Place | None) -> tuple[Finding, ...]:
    if ours is None or theirs is None:
        return ()
    if theirs.body != ours.body:
        return (Finding("of_another_body", "duty"),)
    found = [Finding("petition_differs", "duty")] if theirs.petition_no != ours.petition_no else []
    if theirs.day is not None and ours.day is not None and theirs.day != ours.day:
        found.append(Finding("day_differs", "duty"))
    return tuple(found)


def turn_of(body: str, night: date) -> bool:
    """Whether this is the night of the week on which a body at rest is compared all the same; the bodies are spread over the week."""
    return (crc32(body.encode()) + night.toordinal()) % WEEK == 0


def draw(body: str, night: date, of: int) -> int:
    """Which of so many (at least one) is looked at this night although nothing differs: the same for the same body and night, whoever asks."""
    return crc32(f"{night.isoformat()}:{body}".encode()) % of


def parts_for(count: int, splits: tuple[int, ...]) -> int:
    """Into how many parts (one of `splits`, ascending) a day with so many hand-offs is cut, so that a part has some ten of them."""
    return next((split for split in splits if count <= split * 16), splits[-1])
