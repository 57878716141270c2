"""Finds known words in a text, in one pass for all families of words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """A word as it stands in a text: `[start, end)` in characters."""

    word: str
    start: int
    end: int


class Finder:
    """Words of at least two characters, in families that do not see each other.

    Within a family the longest word at a place wins and the search goes on behind it. Words are filed under their
    first two characters, so a text costs one look-up a character, and where it succeeds as many comparisons as words
    begin alike: linear in the text, independent of the size of the lexicon.
    """

    def __init__(self, families: Mapping[str, Iterable[str]]) -> None:
        self._families = tuple(families)
        of: dict[str, list[str]] = {}
        for family, words in families.items():
            for word in set(words):
                if len(word) < 2:
                    raise ValueError("a word to find has two characters or more")
                of.setdefault(word, []).append(family)
        heads: dict[str, list[str]] = {}
        for word in of:
            heads.setdefault(word[:2], []).append(word)
        self._heads = {head: tuple((w, tuple(of[w])) for w in sorted(words, key=lambda w: (-len(w), w))) for head, words in heads.items()}

    def find(self, text: str) -> dict[str, list[Hit]]:
        """By family, every hit from left to right; each family is there, if only with an empty list."""
        found: dict[str, list[Hit]] = {family: [] for family in self._families}
        free = dict.fromkeys(self._families, 0)
        heads = self._heads
        for i, head in enumerate(map(str.__add__, text, text[1:])):
            if head in heads:
                for word, families in heads[head]:
                    if text.startswith(word, i):
                        hit = Hit(word, i, i + len(word))
                        for family in families:
                            if free[family] <= i:
                                free[family] = hit.end
                                found[family].append(hit)
        return found
