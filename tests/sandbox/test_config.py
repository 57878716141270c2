"""Configuration: examples in which every manner occurs, files that load, and faults that name their place."""

from pathlib import Path

import pytest

from connectors.wire.signing import new_secret
from sandbox.config import BadConfig, SandboxConfig, dump, example, load, parse
from sandbox.manners.mixed import Mixed
from sandbox.manners.registry import LINES, MANNERS, PARTS, BadManner, check, make, mixed

CODES = [f"court-9901{number:02d}" for number in range(20)]
LEDGER = Path("ledger.sqlite")


def test_every_manner_occurs_with_many_bodies_and_with_one() -> None:
    many = example(CODES, ledger=LEDGER)
    assert {body.manner for body in many.bodies.values()} == set(MANNERS)
    for codes, mix in ((CODES[:1], False), (CODES, True)):
        few = example(codes, ledger=LEDGER, mix=mix)
        for body in few.bodies.values():
            assert body.manner == "mixed"
            mixture = Mixed.model_validate(body.options)
            assert {mixture.pick(number, 0) for number in range(1, len(MANNERS) + 1)} == set(MANNERS)


def test_the_example_is_the_same_each_time_and_takes_keys() -> None:
    keys = {code: ([new_secret()], [new_secret(), new_secret()]) for code in CODES}
    first, second = (example(CODES, ledger=LEDGER, keys=keys) for _ in range(2))
    assert first == second
    assert first.bodies[CODES[0]].to_body == tuple(keys[CODES[0]][0])


def test_an_objector_points_to_another_body() -> None:
    config = example([*CODES, "police-990100"], ledger=LEDGER, options={"slow": {"margin_days": 2}})
    for code, body in config.bodies.items():
        if body.manner == "objects_rightly":
            assert body.options["suggested_body"] in config.bodies
            assert body.options["suggested_body"] != code
        if body.manner == "slow":
            assert body.options["margin_days"] == 2


def test_a_written_configuration_reads_back(tmp_path: Path) -> None:
    config = example(CODES, ledger=tmp_path / "l.sqlite", hooks_url="http://127.0.0.1:1/hooks/", mix=True)
    dump(config, tmp_path / "sandbox.json")
    assert (tmp_path / "sandbox.json").stat().st_mode & 0o077 == 0
    assert load(tmp_path / "sandbox.json") == config
    assert config.hooks_url == "http://127.0.0.1:1/hooks"


def test_yaml_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.yaml"
    path.write_text(
        f"ledger: l.sqlite\nbodies:\n  court-990100: {{manner: flaky, options: {{tries: 2}}, "
        f"to_body: [{new_secret()}], from_body: [{new_secret()}]}}\n",
        encoding="utf-8",
    )
    assert load(path).bodies["court-990100"].options == {"tries": 2}


def body(**change: object) -> dict[str, object]:
    return {"bodies": {"court-990100": {"to_body": [new_secret()], "from_body": [new_secret()], **change}}, "ledger": "x"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({}, "bodies"),
        ({"bodies": {}, "ledger": "x"}, "at least one body"),
        ({**body(), "hooks_url": "ftp://x"}, "hooks_url"),
        ({**body(), "hook_url": "http://x"}, "hook_url"),
        (body(manner="lazy"), "no manner is called 'lazy'; there are: prompt"),
        (body(manner="flaky", options={"trys": 1}), "its options: "),
        (body(manner="flaky", options={"tries": 0}), "tries"),
        (body(manner="old_key"), "two from_body keys"),
        (body(manner="mixed", options={"cycle": ["prompt", "old_key"]}), "two from_body keys"),
        (body(manner="mixed"), "cycle"),
        (body(manner="mixed", options={"cycle": ["lazy"]}), "lazy"),
        (body(to_body=["short"]), "court-990100.to_body"),
        (body(to_body=[]), "court-990100.to_body"),
        ({"bodies": {"Court": {"to_body": [new_secret()], "from_body": [new_secret()]}}, "ledger": "x"}, "body code"),
        ([], "the whole"),
    ],
)
def test_faults_name_their_place(value: object, said: str) -> None:
    with pytest.raises(BadConfig) as caught:
        parse(value)
    assert said in str(caught.value)
    assert "whsec_" not in str(caught.value).replace("write whsec_ and", "")


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="cannot be read"):
        load(tmp_path / "absent.yaml")
    for name, text in (("bad.yaml", "a: [\n"), ("bad.json", "{")):
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(BadConfig, match="in line"):
            load(tmp_path / name)
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(BadConfig, match="UTF-8"):
        load(tmp_path / "bytes.yaml")


def test_mixtures_pick_by_number_cycle_or_weight() -> None:
    by_number = mixed({"nth": {3: "silent"}, "cycle": ["prompt", "slow"]})
    assert [by_number.pick(number, 0) for number in range(1, 5)] == ["prompt", "slow", "silent", "slow"]
    by_weight = mixed({"weights": {"prompt": 3, "silent": 1}})
    assert [by_weight.pick(1, fraction) for fraction in (0, 0.7, 0.76, 0.999999)] == ["prompt", "prompt", "silent", "silent"]
    with pytest.raises(BadManner):
        mixed({"weights": {"prompt": 0}})


def test_every_manner_has_a_line_in_chinese_and_is_made_without_options() -> None:
    assert set(LINES) == {*MANNERS, *PARTS, "mixed"}
    assert not set(MANNERS) & set(PARTS)
    for name in (*MANNERS, *PARTS):
        assert make(name, {}).name == name
        assert check(name, {}) == {name}
        assert any("\u4e00" <= letter <= "\u9fff" for letter in LINES[name])


def test_the_configuration_never_shows_its_keys() -> None:
    config: SandboxConfig = parse(body())
    assert "whsec_" not in repr(config)
