"""What the product proposes to a clerk, and why. Nothing in it decides anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

V_co = TypeVar("V_co", covariant=True)
Part = Literal["subject", "text"]
PART_ZH: dict[Part, str] = {"subject": "标题", "text": "正文"}


@dataclass(frozen=True, slots=True)
class Span:
    """A word that counted: where it first stands, `[start, end)` in characters of that part, and what it weighed in all."""

    part: Part
    start: int
    end: int
    word: str
    weight: float


@dataclass(frozen=True, slots=True)
class Proposal(Generic[V_co]):
    """One proposed fact. `confidence` is between 0 and 1; `words` made the product think so, heaviest first."""

    value: V_co
    zh: str
    confidence: float
    words: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Caution:
    """Something a clerk has to look at. `kind`: accusation_official, accusation_law or grave."""

    kind: str
    zh: str
    basis: str
    words: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What subject and text suggest; None where too little speaks for anything.

    `klass` is never `accusation`. `sector` is the agency that usually answers, `area` what the matter is about,
    `division` the place's code. With a caution of kind accusation_official only area and division are proposed:
    the agency of the matter may be the accused.
    """

    klass: Proposal[Literal["suggestion", "claim"]] | None
    situation: Proposal[str] | None
    sector: Proposal[str] | None
    area: Proposal[str] | None
    division: Proposal[str] | None
    warnings: tuple[Caution, ...]


class SuggestError(ValueError):
    """A text that nothing can be suggested from. str() is Chinese, says the cure and quotes nothing of the text."""
