"""The proof of the proof: the shipped configuration damaged in more than a thousand ways, and what of it is found.

Whether damage matters is said before the proof is asked: by what the damage is (tests/rules/mutations: roads, limits, houses), or by a second opinion
that plays the damaged road map through (oracle). What matters and is not found stands in not_found.yaml with its reason, and nothing else may.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from config.yamltree import parse
from rules.proof import prove
from tests.rules.mutations import houses, limits, roads
from tests.rules.mutations.judging import Verdict, judge, sound_parts
from tests.rules.mutations.oracle import Play, harm
from tests.rules.mutations.world import FILES, Mutation, World, shipped, snapshot

REVIEWED = Path(__file__).parent / "mutations" / "not_found.yaml"


@dataclass(frozen=True)
class Outcome:
    """One mutation, whether it matters and why, and how it was found."""

    mutation: Mutation
    matters: bool
    why: str
    verdict: Verdict

    @property
    def found(self) -> bool:
        return self.verdict.by is not None


def every() -> list[Mutation]:
    return [*roads.mutations(), *limits.mutations(), *houses.mutations()]


@lru_cache(maxsize=1)
def outcomes() -> tuple[Outcome, ...]:
    before = Play(shipped().roadmap, shipped().clocks)
    with TemporaryDirectory(prefix="tonglu-mutations-") as folder:
        found = []
        for mutation in every():
            world = mutation.world()
            matters, why = _matters(mutation, world, before)
            found.append(Outcome(mutation, matters, why, judge(world, Path(folder))))
        return tuple(found)


def _matters(mutation: Mutation, world: World, before: Play) -> tuple[bool, str]:
    if mutation.matters is not None:
        return mutation.matters, mutation.why
    try:
        why = harm(world.roadmap, world.clocks, before)
    except KeyError as missing:
        return True, f"names {missing}, which is not there"
    return why is not None, why or "the second opinion finds nothing"


def test_the_shipped_configuration_has_no_defect_and_the_second_opinion_agrees() -> None:
    assert prove(sound_parts()).defects == ()
    whole = shipped()
    assert harm(whole.roadmap, whole.clocks, Play(whole.roadmap, whole.clocks)) is None


def test_the_damage_is_of_many_kinds_and_never_the_same_twice() -> None:
    mutations = every()
    names = Counter(mutation.name for mutation in mutations)
    assert [name for name, count in names.items() if count > 1] == []
    assert len(mutations) >= 300
    assert len({mutation.family for mutation in mutations}) >= 40
    before = shipped()
    same = [m.name for m in mutations if not _differs(m.world(), before)]
    assert same == []


def _differs(made: World, before: World) -> bool:
    return bool(made.less_carried or made.less_heard or made.less_kinds) or any(getattr(made, name) != getattr(before, name) for name in made.touched)


def test_the_shipped_files_are_left_as_they_are() -> None:
    for mutation in every():
        mutation.world()
    whole = shipped()
    for name in FILES:
        assert getattr(whole, name) == parse((snapshot() / f"{name}.yaml").read_text(encoding="utf-8")).data


def test_damage_that_matters_is_found() -> None:
    matter = [o for o in outcomes() if o.matters]
    missed = {o.mutation.name: o.why for o in matter if not o.found}
    reviewed = parse(REVIEWED.read_text(encoding="utf-8")).data
    assert len(matter) >= 300
    assert missed.keys() == reviewed.keys(), missed
    assert len(matter) - len(missed) >= 0.99 * len(matter), (len(missed), len(matter))
    assert all(len(reason) > 40 for reason in reviewed.values())


def test_what_does_no_harm_is_mostly_left_alone() -> None:
    harmless = [o for o in outcomes() if not o.matters]
    cried = {o.mutation.name: o.verdict for o in harmless if o.found}
    assert len(harmless) >= 100
    assert len(cried) <= 0.1 * len(harmless), cried



def test_a_change_of_words_is_never_reported() -> None:
    changed = [o for o in outcomes() if o.mutation.family == "words"]
    assert len(changed) >= 20
    assert [o.mutation.name for o in changed if o.found] == []


def test_the_proof_itself_finds_most_and_says_it_in_many_ways() -> None:
    by = Counter(o.verdict.by for o in outcomes() if o.matters and o.found)
    assert by["load"] < sum(by.values()) / 2
    assert len(by) >= 40
    # Every defect says where it is, what is wrong and how to mend it.
    assert all("。修正：" in o.verdict.said for o in outcomes() if o.found and o.verdict.by != "load")
