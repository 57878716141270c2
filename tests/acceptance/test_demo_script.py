"""The script of the demonstration and its table of promised roads, without running it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.demo.audit import Sums
from cli.demo.features import FEATURES, shown
from cli.demo.script import EVERYWHERE, load_play
from config.source import ConfigError
from models.db import Database
from rules.routing import Routed, route
from sandbox.manners.registry import PARTS, check
from tests.acceptance.demo import HOUSE, PLAY
from tests.acceptance.installation import REPO

HERE = REPO / "config" / "samples"


def test_every_part_can_be_played() -> None:
    used: set[str] = set()
    for ref in PLAY.refs:
        hint = PLAY.hint(ref)
        for body, cast in hint.cast.items():
            assert body == EVERYWHERE or HOUSE.bodies.get(body).connector.kind == "http", (ref, body)
            used |= check(cast.manner, cast.told)
        named = (hint.review_by, hint.sent_to, hint.designated, *(advice.to for advice in hint.proposes))
        assert all(code is None or code in HOUSE.bodies for code in named), ref
        for part in hint.parts:
            assert isinstance(route(part.facts, HOUSE.table, HOUSE.bodies, HOUSE.bureau), Routed), (ref, part.subject)
    assert used >= set(PARTS)


def test_a_petition_without_a_hint_has_nothing_in_particular() -> None:
    assert not PLAY.hint("D001").cast
    assert not PLAY.hint("XF99010020260316000001/1").parts


def test_all_samples_can_be_asked_for() -> None:
    some, everything = (load_play(HERE, everything=flag).samples for flag in (False, True))
    assert some[:84] == everything[:84]
    assert len(some) < len(everything)
    assert {sample.facts.situation for sample in everything if sample.facts.situation} == set(HOUSE.table.situations)


def test_each_road_has_a_name_of_its_own() -> None:
    assert len({feature.key for feature in FEATURES}) == len({feature.zh for feature in FEATURES}) == len(FEATURES) >= 50


def test_an_empty_ledger_has_gone_no_road(database: str) -> None:
    with Database(database) as ledger, ledger.transaction() as connection:
        assert [(road.count, road.example) for road in shown(connection)] == [(0, "")] * len(FEATURES)


def test_a_missing_road_is_no_success() -> None:
    assert Sums(petitions=1).good
    assert not Sums(petitions=1, roads_missing=1).good


@pytest.mark.parametrize(
    ("hints", "what"),
    [
        ("  D998: {recuses: true}", "D998 不在示例中"),
        ("  D001: {parts: [{subject: 只有一件, text: 这里只写了一件事情，没有第二件，所以不能算是拆分。, facts: {klass: claim}}]}", "D001 只拆成一件"),
        ("  D001: {dances: true}", "dances"),
        ("  D001: {wishes: [sing]}", "wishes"),
        ("  D001: {patience_days: 0}", "patience_days"),
    ],
)
def test_a_script_that_cannot_be_played_says_so(tmp_path: Path, hints: str, what: str) -> None:
    (tmp_path / "petitions.yaml").write_bytes((HERE / "petitions.yaml").read_bytes())
    told = (HERE / "demonstration.yaml").read_text(encoding="utf-8").partition("\nhints:")[0]
    (tmp_path / "demonstration.yaml").write_text(f"{told}\nhints:\n{hints}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_play(tmp_path)
    assert what in str(caught.value)
    assert "demonstration.yaml" in str(caught.value)
