"""What each message must say: the fields of `data`, message by message.

One rule per field: a function that returns None, or the words for what is wrong with it. The words name the field and
the form wanted and never the value, because `data` is a petitioner's case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from connectors.wire.ids import is_urn, is_uuid
from connectors.wire.times import parse_time

Rule = Callable[[Any], str | None]

LONG = 50_000
SHORT = 300

_PETITION = re.compile(r"XF[0-9]{20}")
_DIGEST = re.compile(r"sha-256=:[A-Za-z0-9+/]{43}=:")


def _text(most: int) -> Rule:
    wrong = f"must be a text of 1 to {most} characters"

    def rule(value: Any) -> str | None:
        return None if isinstance(value, str) and value.strip() and len(value) <= most else wrong

    return rule


def _one_of(*words: str) -> Rule:
    allowed = frozenset(words)
    wrong = "must be one of " + ", ".join(words)

    def rule(value: Any) -> str | None:
        return None if isinstance(value, str) and value in allowed else wrong

    return rule


def _whole(least: int, most: int) -> Rule:
    wrong = f"must be a whole number from {least} to {most}"

    def rule(value: Any) -> str | None:
        return None if type(value) is int and least <= value <= most else wrong

    return rule


def _list_of(item: Rule, least: int, most: int) -> Rule:
    def rule(value: Any) -> str | None:
        if not isinstance(value, list) or not least <= len(value) <= most:
            return f"must be a list of {least} to {most} items"
        for number, inner in enumerate(value, 1):
            if (wrong := item(inner)) is not None:
                return f"item {number} {wrong}"
        return None

    return rule


def _petition_no(value: Any) -> str | None:
    good = isinstance(value, str) and _PETITION.fullmatch(value)
    return None if good else "must be XF and twenty digits (division, date, number)"


def _handoff_id(value: Any) -> str | None:
    return None if is_uuid(value) else "must be a lower-case UUID with hyphens"


def _urn(value: Any) -> str | None:
    return None if is_urn(value) else "must be a body URN such as urn:xf:court:990100"


def _urn_or_null(value: Any) -> str | None:
    return None if value is None else _urn(value)


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _object(value: Any) -> str | None:
    return None if isinstance(value, dict) else "must be an object"


def _instant(value: Any) -> str | None:
    return "must be an RFC 3339 time with offset" if parse_time(value) is None else None


def _day(value: Any) -> str | None:
    wrong = "must be a date YYYY-MM-DD"
    if not isinstance(value, str) or len(value) != 10:
        return wrong
    try:
        date.fromisoformat(value)
    except ValueError:
        return wrong
    return None


def _attachment(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "must be an object {name, size, digest, href}"
    if _text(SHORT)(value.get("name")) or _whole(0, 2**40)(value.get("size")):
        return "needs name (text) and size (bytes)"
    digest = value.get("digest")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        return "needs digest in the form sha-256=:<base64>:"
    if "href" in value and _text(2000)(value["href"]):
        return "has an href that is no text of 1 to 2000 characters"
    return None


_ATTACHMENTS = _list_of(_attachment, 0, 50)
_LONG = _text(LONG)
_SHORT = _text(SHORT)

COMMON: Mapping[str, Rule] = {
    "petition_no": _petition_no,
    "handoff_id": _handoff_id,
    "round": _whole(1, 999),
    "to": _urn,
}

REQUIRED: Mapping[str, Mapping[str, Rule]] = {
    "handoff.request": {},
    "handoff.urge": {},
    "handoff.supervise": {"ground": _SHORT, "reason": _LONG},
    "handoff.supplement": {},
    "objection.decision": {"decision": _one_of("upheld", "rejected", "escalated")},
    "arbitration.ruling": {"decision": _one_of("upheld", "rejected")},
    "result.review": {"review": _one_of("accepted", "rework")},
    "handoff.withdraw": {},
    "handoff.signed": {"office": _SHORT, "person_role": _SHORT, "signed_at": _instant},
    "handoff.objected": {"reason_code": _SHORT, "reason": _LONG},
    "handoff.accepted": {"partner_case_no": _SHORT, "procedure": _SHORT, "told_on": _day},
    "handoff.declined": {"legal_basis": _LONG, "reason": _LONG, "remedy": _LONG, "remedy_limit": _SHORT},
    "handoff.progress": {"note": _LONG},
    "supplement.requested": {"items": _list_of(_text(2000), 1, 50), "party": _SHORT},
    "handoff.suspended": {"reason": _LONG},
    "handoff.resumed": {},
    "handoff.extended": {"approver": _SHORT, "reason": _LONG, "days": _whole(1, 3650)},
    "handoff.result": {
        "outcome_code": _SHORT,
        "document_no": _SHORT,
        "opinion": _LONG,
        "attachments": _ATTACHMENTS,
    },
    "handoff.settled": {"kind": _one_of("mediation", "settlement"), "agreed_on": _day, "document_no": _SHORT, "opinion": _LONG},
    "handoff.concluded": {"document_no": _SHORT, "legal_basis": _LONG, "opinion": _LONG},
    "hearing.opened": {"opened_on": _day},
    "hearing.closed": {"closed_on": _day},
    "handoff.forwarded": {"to_subordinate": _urn},
    "withdraw.answer": {"agreed": _flag},
}

OPTIONAL: Mapping[str, Mapping[str, Rule]] = {
    "handoff.request": {"due": _object, "attachments": _ATTACHMENTS},
    "handoff.supplement": {"attachments": _ATTACHMENTS},
    "handoff.objected": {"suggested_body": _urn_or_null, "legal_basis": _LONG},
    "handoff.suspended": {"party": _SHORT},
    "handoff.extended": {"told_on": _day},
    "handoff.settled": {"attachments": _ATTACHMENTS},
    "handoff.concluded": {"attachments": _ATTACHMENTS},
    "result.review": {"defects": _list_of(_text(5000), 1, 50)},
}
