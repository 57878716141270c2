"""How fast a body may be sent to, as bodies.yaml says it: read, and refused with line and cure."""

from __future__ import annotations

from pathlib import Path

import pytest

import config
from config.bodies import load_bodies
from config.source import ConfigError

FILE = Path(config.__file__).parent / "bodies.yaml"


def with_rate(folder: Path, rate: str, kind: str = "http") -> tuple[Path, int]:
    """The sample's file with a rate for its first body of this kind, and the line at which that stands."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    at = next(i for i, line in enumerate(lines) if f"connector: {{kind: {kind}" in line)
    lines.insert(at, f"    rate: {rate}")
    path = folder / "bodies.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path, at + 1


@pytest.mark.parametrize(("said", "each_second", "at_once", "zh"), [
    ("{per_second: 5}", 5.0, 5, "每秒 5 件，一次至多 5 件"), ("{per_second: 2.5, burst: 20}", 2.5, 20, "每秒 2.5 件，一次至多 20 件"),
    ("{per_minute: 30}", 0.5, 1, "每分钟 30 件，一次至多 1 件")])
def test_a_rate_by_the_second_or_by_the_minute(tmp_path: Path, said: str, each_second: float, at_once: int, zh: str) -> None:
    path, _ = with_rate(tmp_path, said)
    [rate] = [b.rate for b in load_bodies(path) if b.rate is not None]
    assert (rate.each_second, rate.at_once, rate.zh) == (each_second, at_once, zh)


@pytest.mark.parametrize(("said", "word"), [
    ("{per_second: 5, per_minute: 3}", "二者取一"), ("{burst: 3}", "二者取一"), ("{per_second: 0}", "应大于"), ("{per_second: -1}", "应大于"), ("{per_minute: x}", "应为数字"),
    ("5", "键: 值"), ("{per_sec: 5}", "per_second"), ("{per_second: 5, burst: 0}", "应不小于 1"), ("{per_second: .inf}", "应为数字"), ("{per_second: .nan}", "应为数字"),
    ("{per_second: 1e9}", "应不大于"), ("{per_minute: 0}", "应不小于")])
def test_a_rate_that_cannot_be_is_named_with_its_line(tmp_path: Path, said: str, word: str) -> None:
    path, line = with_rate(tmp_path, said)
    with pytest.raises(ConfigError) as raised:
        load_bodies(path)
    [problem] = raised.value.problems
    assert problem.line == line
    assert word in problem.cure + problem.what, problem


def test_a_desk_has_no_rate(tmp_path: Path) -> None:
    path, line = with_rate(tmp_path, "{per_second: 5}", kind="desk")
    with pytest.raises(ConfigError) as raised:
        load_bodies(path)
    assert [(p.line, p.cure) for p in raised.value.problems] == [(line, "删除 rate")]
