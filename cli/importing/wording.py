"""Facts that the words of a petition propose, by a reviewed list of keywords. A proposal: an accusation is never sent by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cli.importing.mapping import Pass, TextRule


@dataclass(frozen=True, slots=True)
class Reading:
    """What the keywords say: facts, the ids of the rules that fitted, and whether they leave it to a clerk."""

    facts: dict[str, str | int | bool] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    clerk: bool = False


def read_text(passes: Sequence[Pass], subject: str, text: str) -> Reading:
    """Ask each pass in order; a later one adds facts, never changes them. A rule (or a pass without any) that names a clerk ends the asking:
    then only its own facts count, so that half a guess routes nothing."""
    facts: dict[str, str | int | bool] = {}
    rules: list[str] = []
    for one in passes:
        rule = next((r for r in one.rules if _fits(r, subject, text)), None)
        if rule is None:
            if one.otherwise_clerk is not None:
                return Reading({}, (*rules, f"{one.name}：无"), True)
            facts = {**one.otherwise, **facts}
            continue
        rules.append(rule.id)
        if rule.clerk is not None:
            return Reading(dict(rule.facts), tuple(rules), True)
        facts = {**rule.facts, **facts}
    return Reading(facts, tuple(rules))


def _fits(rule: TextRule, subject: str, text: str) -> bool:
    where = {"subject": subject, "text": text, "both": subject + "\n" + text}[rule.where]
    return any(word in where for word in rule.any) and not any(word in where for word in rule.unless or ())
