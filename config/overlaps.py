"""Which rows of the routing table can hold for one petition although neither is stronger: what order alone does not settle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from config.rows import ABSENT, KNOWN, Row, Scalar, Situation

Wishes = dict[str, tuple[Scalar, ...]]


def overlaps(rows: Sequence[Row], situations: Mapping[str, Situation]) -> Iterator[tuple[int, int]]:
    """Pairs of indexes of rows of one rank that are neither provably disjoint nor declared `beside` each other.

    Two rows are disjoint where some fact cannot satisfy both; a named situation brings the facts it implies. The proof
    is one-sided: a pair it reports may still never meet, a pair it does not report never does.
    """
    by_rank: dict[int, list[int]] = {}
    for i, row in enumerate(rows):
        by_rank.setdefault(row.rank, []).append(i)
    cells = {i: list(_cells(rows[i], situations)) for group in by_rank.values() if len(group) > 1 for i in group}
    for group in by_rank.values():
        for i, j in combinations(group, 2):
            declared = rows[i].id in rows[j].beside or rows[j].id in rows[i].beside
            if not declared and any(_meet(one, two) for one in cells[i] for two in cells[j]):
                yield i, j


def _cells(row: Row, situations: Mapping[str, Situation]) -> Iterator[Wishes]:
    """What the row wants of each fact, once for every situation it names."""
    base: Wishes = {name: row.wants(name) for name in row.when}
    named = [str(value) for value in row.wants("situation") if str(value) in situations]
    if not named or {ABSENT, KNOWN} & set(row.wants("situation")):
        yield base
    for name in named:
        implied: Wishes = {fact: (value,) for fact, value in situations[name].facts.items() if fact not in base}
        yield {**implied, **base, "situation": (name,)}


def _meet(one: Wishes, two: Wishes) -> bool:
    return all(_common(one[name], two[name]) for name in one.keys() & two.keys())


def _common(one: tuple[Scalar, ...], two: tuple[Scalar, ...]) -> bool:
    if ABSENT in one and ABSENT in two:
        return True
    left, right = set(one) - {ABSENT}, set(two) - {ABSENT}
    return bool((left & right) or (KNOWN in left and right) or (KNOWN in right and left))
