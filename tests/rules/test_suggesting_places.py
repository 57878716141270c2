"""Which division a petition speaks of, on a small invented map."""

from __future__ import annotations

from pathlib import Path

import pytest

import config
from config.bodies import Bodies, load_bodies
from config.lexicon import load_lexicon
from rules.suggesting import suggest

FOLDER = Path(config.__file__).parent
BODIES = load_bodies(FOLDER / "bodies.yaml")
LEXICON = load_lexicon(FOLDER, BODIES)


def where(subject: str, text: str, bodies: Bodies = BODIES) -> str | None:
    found = suggest(subject, text, LEXICON, bodies).division
    return found.value if found else None


@pytest.mark.parametrize(
    ("subject", "text", "division"),
    [
        ("东屿区的路灯坏了", "晚上很黑。", "990102"),
        ("路灯坏了", "我住在东屿区，晚上很黑。", "990102"),
        ("澜川市东屿区的路灯", "", "990102"),  # the district inside the city
        ("澜川市的公交", "班次太少。", "990100"),
        ("西岭区人民法院不立案", "材料交了三次。", "990103"),  # a body says where it sits
        ("东屿的路灯", "晚上很黑。", "990102"),  # the short name, in the subject
        ("路灯坏了", "住在东屿。", None),  # once in the text is too little
        ("东屿区和西岭区之间", "两区交界的路没人修。", None),
        ("路灯坏了", "从东屿区到城里很远。", None),  # on the way from there
        ("东屿区的路", "从西岭区过来很远。", "990102"),
        ("路灯坏了", "晚上很黑。", None),
    ],
)
def test_places(subject: str, text: str, division: str | None) -> None:
    assert where(subject, text) == division


def test_a_sector_is_proposed_by_preference_of_who_is_there() -> None:
    fewer = Bodies(BODIES.places, [b for b in BODIES if b.sector != "medical_insurance"])
    found = suggest("医保报销比例太低", "", LEXICON, fewer).sector
    assert found is not None
    assert found.value == "human_resources"
    none = Bodies(BODIES.places, [b for b in BODIES if b.sector not in ("medical_insurance", "human_resources")])
    assert suggest("医保报销比例太低", "", LEXICON, none).sector is None


def test_a_name_borne_by_two_places_is_decided_by_the_place_around_it() -> None:
    def place(code: str, name: str, level: str, superior: str | None) -> dict[str, str | None]:
        return {"code": code, "name": name, "level": level, "superior": superior}

    from config.bodies import Place

    two = [place("990000", "澜江省", "province", None), place("990100", "澜川市", "city", "990000"), place("990200", "岚山市", "city", "990000"),
           place("990102", "城关区", "district", "990100"), place("990202", "城关区", "district", "990200")]
    bodies = Bodies([Place.model_validate(p) for p in two], list(BODIES)[:1])
    assert where("岚山市城关区停水", "城关区停水三天。", bodies) == "990202"
    assert where("城关区停水", "停水三天。", bodies) is None
