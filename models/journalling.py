"""What of an act's data the journal may keep: codes, numbers and dates, each of a form that cannot carry a sentence about a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from config.roadmap import Writer
from rules.edge_guards import ground

# The bureau's own configuration and clerks say these.
# A body's own number for a case or a paper, e.g. （2026）澜01民初12号. A Chinese sentence needs no blank, so it is known by what a number has
# and a sentence has not: digits, short runs of characters, no punctuation; and it is neither a mobile's number nor that of an identity card.
_NUMBER_OF = (r"(?=[^0-9]*[0-9])(?!.*[\u3400-\u9fff]{13})(?!.*(?<![0-9])1[3-9][0-9]{9}(?![0-9]))(?!.*[0-9]{17}[0-9Xx])"
              r"[^\s<>，。；：、！？“”‘’,;!?\"']{1,60}")
_WORDS = ("way", "basis", "row", "limit")
JOURNALLED: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern)
    for names, pattern in (
        (("reason_code", "outcome_code", "kind", "key", "root", "channel", "origin", "via", "party", "rule", "code", "decision",
          "ground", "adopted", "proposal_id", "clerk", "other", "what", "situation", "klass", "branch", "track"), r"[A-Za-z0-9_.:-]{1,64}"),
        (("suggested_body", "to_subordinate", "body", "to"), r"[a-z0-9_:-]{1,128}"),
        (("partner_case_no", "document_no", "register_no"), _NUMBER_OF),
        (("facts_set",), r"[A-Za-z0-9_.:=,-]{1,600}"),
        (("delivered_on", "filed_on", "agreed_on", "feedback_on", "told_on", "signed_at", "due", "message_id", "clock_due", "digest"), r"[0-9A-Za-z+:.=/-]{1,80}"),
        (_WORDS, r".{1,120}"),
    )
    for name in names
}
_NUMBERS = ("round", "days", "sequence", "attempts", "warning", "parts", "to_way")


def safe(name: str, value: Any) -> str | None:
    """The value if the journal may hold it under this name, else None."""
    pattern = JOURNALLED.get(name)
    return value if isinstance(value, str) and pattern is not None and pattern.fullmatch(value) else None


def safe_detail(data: Mapping[str, Any], writer: Writer = "system") -> dict[str, Any]:
    """Those fields of an act's data that the journal may hold. From outside come no words, only codes."""
    names = (name for name in data if writer != "partner" or name not in _WORDS)
    detail: dict[str, Any] = {name: value for name in names if (value := safe(name, data[name])) is not None}
    if data.get("reason_code"):
        detail["reason_code"] = ground(data["reason_code"])
    if writer != "partner" and isinstance(data.get("facts"), Mapping):
        # Facts are codes by their own schema (config.facts.Facts).
        detail |= safe_detail({"facts_set": ",".join(f"{name}={value}" for name, value in sorted(data["facts"].items()))})
    detail |= {name: data[name] for name in _NUMBERS if isinstance(data.get(name), int)}
    return detail
