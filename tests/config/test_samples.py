"""The invented petitions: sound, different from each other, and nobody's."""

from pathlib import Path

import pytest

import config
from config.bodies import load_bodies
from config.routing import load_routing
from config.samples import load_samples
from config.source import ConfigError

FOLDER = Path(config.__file__).parent
FILE = FOLDER / "samples" / "petitions.yaml"
SAMPLES = load_samples(FILE)


def test_every_class_place_and_hard_case_is_there() -> None:
    assert {p.facts.klass for p in SAMPLES} == {"suggestion", "accusation", "claim", None}
    assert {p.facts.division for p in SAMPLES} == {"990100", "990102", "990103"}
    assert any(p.petitioner is None for p in SAMPLES)
    assert any(p.petitioner and p.petitioner.id_no for p in SAMPLES)
    assert any((p.facts.accused_body or "").startswith("bureau-") for p in SAMPLES)


def test_every_situation_is_met() -> None:
    table = load_routing(FOLDER / "routing.yaml", load_bodies(FOLDER / "bodies.yaml"))
    assert len(SAMPLES) >= 110
    assert {p.facts.situation for p in SAMPLES} - {None} == table.situations.keys()


def test_codes_in_the_facts_are_known_bodies() -> None:
    city = load_bodies(FOLDER / "bodies.yaml")
    for petition in SAMPLES:
        for code in (petition.facts.accused_body, petition.facts.decided_by, petition.facts.complained_of):
            assert code is None or code in city, petition.ref


def test_no_name_stands_in_a_subject_or_a_text() -> None:
    people = [p.petitioner for p in SAMPLES if p.petitioner]
    for petition in SAMPLES:
        for person in people:
            assert person.name not in petition.subject + petition.text
            assert person.phone not in petition.text


def test_the_channel_is_a_fact() -> None:
    assert all(p.facts.channel == p.channel for p in SAMPLES)


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("channel: letter", "channel: pigeon", "不在允许之列"),
        ('phone: "100', 'phone: "138', "格式不对"),
        ("ref: D002", "ref: D001", "D001 与 D001 重复"),
        ("{klass: suggestion,", "{channel: fax, klass: suggestion,", "渠道与 channel 不一致"),
        ("received_offset_hours: ", "received_offset_hours: 9", "received_offset_hours"),
    ],
)
def test_broken_samples_are_refused(tmp_path: Path, old: str, new: str, part: str) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "petitions.yaml"
    path.write_text(text.replace(old, new, 1 if "hours" not in old else -1), encoding="utf-8")
    with pytest.raises(ConfigError, match=part):
        load_samples(path)
