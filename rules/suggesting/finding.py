"""Finds known words in a text: the longest at each place, none overlapping another, in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """A word as it stands in a text: `[start, end)` in characters."""

    word: str
    start: int
    end: int


class Finder:
    """A set of words of at least two characters, to look for.

    Words are filed under their first two characters, so a text costs one look-up a character, and where the
    look-up succeeds as many comparisons as words begin alike: linear in the text, independent of the size of the lexicon.
    """

    def __init__(self, words: Iterable[str]) -> None:
        heads: dict[str, list[str]] = {}
        for word in set(words):
            if len(word) < 2:
                raise ValueError("a word to find has two characters or more")
            heads.setdefault(word[:2], []).append(word)
        self._heads = {head: tuple(sorted(found, key=lambda w: (-len(w), w))) for head, found in heads.items()}

    def find(self, text: str) -> list[Hit]:
        """Every hit, from left to right. At one place the longest word wins; the search goes on behind it."""
        found: list[Hit] = []
        heads, free = self._heads, 0
        for i in range(len(text) - 1):
            if i < free:
                continue
            words = heads.get(text[i : i + 2])
            if words is None:
                continue
            for word in words:
                if text.startswith(word, i):
                    free = i + len(word)
                    found.append(Hit(word, i, free))
                    break
        return found
