"""Words of the lexicon in one petition: what each weighs, for whom, and how sure that makes us."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from config.lexicon import LONGEST_WORD, Counting, LexiconFile, Words, every_word
from rules.suggesting.answer import Part, Span
from rules.suggesting.finding import Finder, Hit

K = TypeVar("K", bound=Hashable)
MENTIONS = 3
"""Further mentions of a word that still add to it: a long letter must not win by repeating itself."""
SHOWN = 8
"""Words shown for a proposal."""
_BEFORE = 6
"""Characters before a word in which a negation undoes it, unless a clause ends between them."""
_STOPS = frozenset("，。；：！？、,.;:!?\n")


@dataclass(frozen=True, slots=True)
class Reading:
    """One petition with the words found in it, by part and family."""

    content: Mapping[Part, str]
    hits: Mapping[Part, Mapping[str, Sequence[Hit]]]

    @classmethod
    def of(cls, finder: Finder, subject: str, text: str) -> Reading:
        """Read a petition once for everybody."""
        content: dict[Part, str] = {"subject": subject, "text": text}
        return cls(content, {part: finder.find(words) for part, words in content.items()})


@dataclass(slots=True)
class Seen:
    """One word's mentions in one petition: where it first stands, its best factor in either part, and further mentions in the text."""

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

    def __init__(self, family: str, groups: Iterable[tuple[K, Words]], file: LexiconFile) -> None:
        """`groups`: candidates with their words; a candidate may come several times, a word counts for it once, at its best grade."""
        self._family, self._near = family, family + "+"
        self._counting: Counting = file.counting
        self._negations, self._landmarks = file.negations, file.landmarks
        self._credit: dict[str, dict[K, float]] = {}
        self._together: list[tuple[K, float, tuple[tuple[str, ...], ...]]] = []
        for key, words in groups:
            for word, grade in every_word(words):
                credit = self._credit.setdefault(word, {})
                credit[key] = max(credit.get(key, 0.0), file.counting.grades[grade])
            for each in words.together:
                self._together.append((key, file.counting.grades[each.grade], each.all))

    @property
    def families(self) -> dict[str, set[str]]:
        """What a finder has to look for. Parts of combinations are a family of their own: a longer word must not hide them."""
        return {self._family: set(self._credit), self._near: {word for _, _, lists in self._together for some in lists for word in some}}

    def weigh(self, reading: Reading) -> Scores[K]:
        """The scores of every candidate that any word speaks for."""
        scores: Scores[K] = Scores()
        for word, seen in self._mentions(reading).items():
            factor = self._counting.title * seen.subject + seen.text + self._counting.again * min(seen.more, MENTIONS)
            if factor > 0:
                for key, weight in self._credit[word].items():
                    scores.add(key, Span(*seen.first, word, round(weight * factor, 4)))
        for key, span in self._combinations(reading):
            scores.add(key, span)
        return scores

    def _mentions(self, reading: Reading) -> dict[str, Seen]:
        found: dict[str, Seen] = {}
        for part, families in reading.hits.items():
            content = reading.content[part]
            for hit in families[self._family]:
                if self._negated(content, hit):
                    continue
                here = self._counting.landmark if content.startswith(self._landmarks, hit.end) else 1.0
                seen = found.get(hit.word)
                if seen is None:
                    seen = found[hit.word] = Seen((part, hit.start, hit.end))
                if part == "subject":
                    seen.subject = max(seen.subject, here)
                else:
                    seen.more += seen.text == here == 1.0
                    seen.text = max(seen.text, here)
        return found

    def _negated(self, content: str, hit: Hit) -> bool:
        before = content[max(0, hit.start - _BEFORE) : hit.start]
        for negation in self._negations:
            at = before.rfind(negation)
            if at >= 0 and not any(stop in _STOPS for stop in before[at:]):
                return True
        return False

    def _combinations(self, reading: Reading) -> Iterable[tuple[K, Span]]:
        places: dict[str, list[tuple[Part, Hit]]] = {}
        for part, families in reading.hits.items():
            for hit in families[self._near]:
                if not self._negated(reading.content[part], hit):
                    places.setdefault(hit.word, []).append((part, hit))
        for key, weight, lists in self._together if places else ():
            near = self._close([sorted((place for word in some for place in places.get(word, ())), key=_place) for some in lists])
            if near is not None:
                part, start, end, word = near
                yield key, Span(part, start, end, word, round(weight * (self._counting.title if part == "subject" else 1.0), 4))

    def _close(self, lists: Sequence[Sequence[tuple[Part, Hit]]]) -> tuple[Part, int, int, str] | None:
        """The first place where a word of every list stands within the window of the first list's; the subject goes before the text."""
        if not all(lists):
            return None
        reach = self._counting.window
        for part, first in lists[0]:
            group = [first]
            for others in lists[1:]:
                # Only what can be near is looked at, so that a letter of repetitions costs no more than its length.
                low = bisect_left(others, (part, first.start - reach - LONGEST_WORD), key=_place)
                high = bisect_right(others, (part, first.end + reach), key=_place)
                close = [hit for _, hit in others[low:high] if hit != first and _gap(first, hit) <= reach]
                if not close:
                    break
                group.append(min(close, key=lambda hit: _gap(first, hit)))
            else:
                group.sort(key=lambda hit: hit.start)
                return part, group[0].start, max(hit.end for hit in group), "…".join(dict.fromkeys(hit.word for hit in group))
        return None


def _place(found: tuple[Part, Hit]) -> tuple[Part, int]:
    return found[0], found[1].start


def _gap(one: Hit, other: Hit) -> int:
    return max(other.start - one.end, one.start - other.end, 0)
