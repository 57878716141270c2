"""Whether a message may be sent again, and as what: decided before anything is done, from what the ledger knows and what the body answered. Pure."""

from __future__ import annotations

from typing import Literal

from rules.taxonomy import Has

Asked = Literal["", "held", "not-held", "unanswered"]
"""What the body said when it was asked by key; "": it was not, or cannot be, asked."""
Step = Literal["confirm", "send", "send-sure", "by-word", "ask-by-phone", "other-system"]
"""`confirm`: enter the receipt, send nothing; `send`: again, asking by key first; `send-sure`: again, it is surely not there; `by-word`: again, on a
person's word that it is not there; `ask-by-phone`: nobody could tell whether it arrived twice; `other-system`: it may have arrived elsewhere."""


def decide(has: Has, asked: Asked, *, same_system: bool, safe_twice: bool, not_held: bool) -> Step:
    """What to do with a message that somebody wants to send again.

    Args:
        has: whether the body holds it, as far as the ledger knows.
        asked: what the body itself says.
        same_system: the way it is to go ends where its earlier tries went.
        safe_twice: at that end it is taken once, however often it is sent.
        not_held: a person says that it did not arrive. The body's own word that it did is stronger.
    """
    if has == "yes" or asked == "held":
        return "confirm"
    if has == "no" or asked == "not-held":
        # Its own answer may be a moment old: where it can be asked again, it is.
        return "send" if has == "maybe" and same_system and safe_twice else "send-sure"
    if not_held:
        return "by-word"
    if not same_system:
        return "other-system"
    return "send" if safe_twice else "ask-by-phone"
