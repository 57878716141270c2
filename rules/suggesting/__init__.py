"""What a petition's words suggest to a clerk: never more than a proposal, always with the words behind it."""

from rules.suggesting.answer import Caution, Proposal, Span, SuggestError, Suggestions
from rules.suggesting.proposing import Suggester, ready, suggest

__all__ = ["Caution", "Proposal", "Span", "SuggestError", "Suggester", "Suggestions", "ready", "suggest"]
