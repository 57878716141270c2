"""How good the proposals are on the invented petitions of the repository. Bounds are lower limits, not the figures of the day (docs/suggesting.md)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import config
from config.bodies import load_bodies
from config.facts import ACCUSING
from config.lexicon import load_lexicon
from config.routing import load_routing
from config.samples import SamplePetition, load_samples
from rules.suggesting import Suggestions, suggest

FOLDER = Path(config.__file__).parent


@lru_cache(maxsize=1)
def answered() -> list[tuple[SamplePetition, Suggestions]]:
    bodies = load_bodies(FOLDER / "bodies.yaml")
    lexicon = load_lexicon(FOLDER, bodies)
    table = load_routing(FOLDER / "routing.yaml", bodies)
    return [(p, suggest(p.subject, p.text, lexicon, bodies, table)) for p in load_samples(FOLDER / "samples" / "petitions.yaml")]


def accuses(petition: SamplePetition) -> bool:
    facts = petition.facts
    return facts.klass == "accusation" or facts.accusation is not None or (facts.situation or "").startswith(ACCUSING)


def measured(pairs: Iterable[tuple[object, object]]) -> tuple[int, float, float]:
    """How many, the share proposed, and the share right among the proposed; pairs of told and proposed."""
    found = list(pairs)
    proposed = [(told, said) for told, said in found if said is not None]
    return len(found), len(proposed) / len(found), sum(told == said for told, said in proposed) / len(proposed)


def test_no_accusation_gets_a_class_and_nearly_all_are_warned_of() -> None:
    cases = [found for petition, found in answered() if accuses(petition)]
    assert len(cases) >= 20
    warned = [found for found in cases if any(c.kind.startswith("accusation") for c in found.warnings)]
    assert len(warned) >= 0.9 * len(cases)
    assert all(found.klass is None and found.situation is None for found in warned)


def test_an_agency_whose_people_are_accused_is_never_proposed() -> None:
    for petition, found in answered():
        body = petition.facts.accused_body
        if accuses(petition) and body is not None and found.sector is not None:
            assert f"agency-{found.sector.value}-" not in body, petition.ref


def test_few_claims_and_suggestions_are_taken_for_accusations() -> None:
    cases = [found for petition, found in answered() if not accuses(petition)]
    assert sum(any(c.kind.startswith("accusation") for c in found.warnings) for found in cases) <= 0.1 * len(cases)


def test_classes() -> None:
    pairs = ((p.facts.klass, f.klass.value if f.klass else None) for p, f in answered() if p.facts.klass in ("claim", "suggestion") and not accuses(p))
    count, coverage, right = measured(pairs)
    assert count >= 55
    assert coverage >= 0.8
    assert right >= 0.95


def test_sectors() -> None:
    pairs = ((p.facts.sector, f.sector.value if f.sector else None) for p, f in answered() if p.facts.sector)
    # Some of these name no sector on purpose: those that accuse the agency, those that several agencies share.
    count, coverage, right = measured(pairs)
    assert count >= 25
    assert coverage >= 0.65
    assert right >= 0.75


def test_divisions_are_right_where_the_text_names_one() -> None:
    pairs = [(p.facts.division, f.division.value) for p, f in answered() if f.division]
    assert len(pairs) >= 4
    assert sum(told == said for told, said in pairs) >= 0.9 * len(pairs)


def test_situations() -> None:
    pairs = ((p.facts.situation, f.situation.value if f.situation else None) for p, f in answered() if p.facts.situation and not accuses(p))
    count, coverage, right = measured(pairs)
    assert count >= 50
    assert coverage >= 0.6
    assert right >= 0.85
