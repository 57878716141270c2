"""Words of the lexicon in one petition: what each weighs, for whom, and how sure that makes us."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from config.lexicon import Counting, LexiconFile, Words, every_word
from rules.suggesting.answer import Part, Span
from rules.suggesting.finding import Finder, Hit

K = TypeVar("K", bound=Hashable)
MENTIONS = 3
"""Further mentions of a word that still add to it: a long letter must not win by repeating itself."""
SHOWN = 8
"""Words shown for a proposal."""
_BEFORE = 4


@dataclass(slots=True)
class _Seen:
    """One word's mentions in one petition: the weightiest factor of each part, and where it first stands."""

    first: tuple[Part, int, int]
    subject: float = 0.0
    text: float = 0.0
    more: int = 0


@dataclass(slots=True)
class Scores(Generic[K]):
    """What each candidate has gathered, and from which words."""

    of: dict[K, float] = field(default_factory=dict)
    spans: dict[K, list[Span]] = field(default_factory=dict)

    def add(self, key: K, span: Span) -> None:
        """Credit a candidate with a word."""
        self.of[key] = self.of.get(key, 0.0) + span.weight
        self.spans.setdefault(key, []).append(span)

    def words(self, key: K) -> tuple[Span, ...]:
        """The words of a candidate, heaviest first, at most `SHOWN`."""
        return tuple(sorted(self.spans.get(key, ()), key=lambda s: (-s.weight, s.part, s.start))[:SHOWN])

    def ranked(self, sharpness: float, background: float) -> list[tuple[K, float]]:
        """Candidates with their confidence, best first: a softmax over the logarithms of the scores.

        confidence = score^sharpness / (background^sharpness + the sum of all score^sharpness). The background is the
        score of "none of these", so that a single faint word never makes sure.
        """
        powers = {key: score**sharpness for key, score in self.of.items() if score > 0}
        whole = background**sharpness + sum(powers.values())
        return sorted(((key, power / whole) for key, power in powers.items()), key=lambda kv: (-kv[1], str(kv[0])))


class Weigher(Generic[K]):
    """Weighs one family of words (topics, situations, classes ...) in petitions."""

    def __init__(self, groups: Iterable[tuple[K, Words]], file: LexiconFile) -> None:
        """`groups`: candidates with their words; a candidate may come several times, a word counts for it once, at its best grade."""
        self._counting: Counting = file.counting
        self._negations, self._landmarks = file.negations, file.landmarks
        self._credit: dict[str, dict[K, float]] = {}
        self._together: list[tuple[K, float, tuple[tuple[str, ...], ...]]] = []
        parts: set[str] = set()
        for key, words in groups:
            for word, grade in every_word(words):
                credit = self._credit.setdefault(word, {})
                credit[key] = max(credit.get(key, 0.0), file.counting.grades[grade])
            for each in words.together:
                self._together.append((key, file.counting.grades[each.grade], each.all))
                parts.update(word for some in each.all for word in some)
        self._finder = Finder(self._credit)
        # Parts of a combination are looked for on their own: a longer word must not hide them.
        self._parts = Finder(parts)

    def weigh(self, subject: str, text: str) -> Scores[K]:
        """The scores of every candidate that any word speaks for."""
        scores: Scores[K] = Scores()
        for word, seen in self._mentions(subject, text).items():
            factor = self._counting.title * seen.subject + seen.text + self._counting.again * min(seen.more, MENTIONS)
            if factor > 0:
                for key, weight in self._credit[word].items():
                    scores.add(key, Span(*seen.first, word, round(weight * factor, 4)))
        if self._together:
            self._pairs(scores, subject, text)
        return scores

    def _mentions(self, subject: str, text: str) -> dict[str, _Seen]:
        found: dict[str, _Seen] = {}
        for part, content in _both(subject, text):
            for hit in self._finder.find(content):
                if self._negated(content, hit):
                    continue
                here = self._counting.landmark if content.startswith(self._landmarks, hit.end) else 1.0
                seen = found.setdefault(hit.word, _Seen((part, hit.start, hit.end)))
                if part == "subject":
                    seen.subject = max(seen.subject, here)
                else:
                    seen.more += seen.text > 0 and here == 1.0
                    seen.text = max(seen.text, here)
        return found

    def _negated(self, content: str, hit: Hit) -> bool:
        before = content[max(0, hit.start - _BEFORE) : hit.start]
        return any(negation in before for negation in self._negations)

    def _pairs(self, scores: Scores[K], subject: str, text: str) -> None:
        hits = [(part, content, self._parts.find(content)) for part, content in _both(subject, text)]
        places: dict[str, list[tuple[Part, Hit]]] = {}
        for part, content, found in hits:
            for hit in found:
                if not self._negated(content, hit):
                    places.setdefault(hit.word, []).append((part, hit))
        for key, weight, lists in self._together:
            near = self._near([[place for word in some for place in places.get(word, ())] for some in lists])
            if near is not None:
                part, start, end, word = near
                scores.add(key, Span(part, start, end, word, round(weight * (self._counting.title if part == "subject" else 1.0), 4)))

    def _near(self, lists: Sequence[Sequence[tuple[Part, Hit]]]) -> tuple[Part, int, int, str] | None:
        """The first place where one word of every list stands within the window of the first; the subject goes before the text."""
        if not all(lists):
            return None
        for part, first in lists[0]:
            group = [first]
            for others in lists[1:]:
                close = [h for p, h in others if p == part and h is not first and _gap(first, h) <= self._counting.window]
                if not close:
                    break
                group.append(min(close, key=lambda h: _gap(first, h)))
            else:
                ordered = sorted(group, key=lambda h: h.start)
                return part, ordered[0].start, max(h.end for h in group), "…".join(dict.fromkeys(h.word for h in ordered))
        return None


def _gap(one: Hit, other: Hit) -> int:
    return max(other.start - one.end, one.start - other.end, 0)


def _both(subject: str, text: str) -> Iterable[tuple[Part, str]]:
    yield "subject", subject
    yield "text", text
