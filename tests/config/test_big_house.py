"""The invented country of any size is sound, the same every time, and asked as one would ask a small one."""

from __future__ import annotations

from pathlib import Path

import pytest

import config
from config.bodies import LEVELS, Bodies, load_bodies
from config.facts import Facts
from rules.guards import Blocked, accused_side, may_send
from tests.support.big_house import SMALLEST, write_big_house


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Bodies:
    folder = tmp_path_factory.mktemp("country")
    bureau = write_big_house(folder, 10_000)
    bodies = load_bodies(folder / "bodies.yaml")
    assert bodies.get(bureau).kind == "bureau"
    return bodies


@pytest.mark.parametrize("size", [SMALLEST, SMALLEST + 1, 333, 1000])
def test_exactly_so_many_bodies_and_twice_the_same_file(tmp_path: Path, size: int) -> None:
    for folder in ("one", "other"):
        write_big_house(tmp_path / folder, size, seed=3)
    assert len(load_bodies(tmp_path / "one" / "bodies.yaml")) == size
    assert (tmp_path / "one" / "bodies.yaml").read_bytes() == (tmp_path / "other" / "bodies.yaml").read_bytes()


def test_too_small_a_country_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=str(SMALLEST)):
        write_big_house(tmp_path, SMALLEST - 1)


def test_the_other_files_lie_beside_it(tmp_path: Path) -> None:
    write_big_house(tmp_path, SMALLEST)
    source = Path(config.__file__).parent
    assert {p.relative_to(tmp_path) for p in tmp_path.rglob("*.yaml")} >= {p.relative_to(source) for p in source.rglob("*.yaml")}


def test_ten_thousand_bodies_have_every_level_kind_and_fate(country: Bodies) -> None:
    sample = load_bodies(Path(config.__file__).parent / "bodies.yaml")
    assert len(country) == 10_000
    assert {body.level for body in country} == set(LEVELS)
    assert {(b.kind, b.sector) for b in sample if b.lasts} == {(b.kind, b.sector) for b in country}
    assert {place.code for place in sample.places} <= {place.code for place in country.places}
    assert sum(body.successor is not None for body in country) > 10
    assert any(body.abolished is not None for body in country)


def test_leading_over_ten_thousand_bodies(country: Bodies) -> None:
    province = country.below("government-990000")
    assert len(province) > 1000
    assert all("government-990000" in country.above(code) for code in province)
    assert not any("government-990000" in country.above(body.code) for body in country if body.code not in province)
    common = country.common_superior(["agency-housing-990102", "agency-market-990203"])
    assert common is not None
    assert common.code == "government-990000"


@pytest.mark.parametrize("accused", ["government-990000", "agency-market-990102", "bureau-000000", "police-990100"])
def test_the_guard_looks_from_below_and_sees_the_whole_side(country: Bodies, accused: str) -> None:
    facts = Facts.model_validate({"klass": "accusation", "accusation": "discipline", "accused_body": accused})
    blocked = {body.code for body in country if isinstance(may_send(facts, body, country), Blocked)}
    assert blocked == accused_side(accused, country)
