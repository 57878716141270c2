"""The other ways to a body: read, refused with line and cure, and by which of them a message may go next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import config
from config.bodies import load_bodies
from config.body import Body, Connector, Fallback
from config.source import ConfigError

FILE = Path(config.__file__).parent / "bodies.yaml"
COURT = "court-990102"
OTHER: dict[str, Any] = {"kind": "http", "options": {"url": "https://exchange.example/xf/court-990102"}}
SAME: dict[str, Any] = {"kind": "http", "options": {"url": "https://backup.court.example/xf"}, "same_system": True}


def written(tmp_path: Path, fallbacks: Any, change: Callable[[dict[str, Any]], object] = lambda b: None) -> Path:
    data = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    court = next(b for b in data["bodies"] if b["code"] == COURT)
    court["fallbacks"] = fallbacks
    change(court)
    path = tmp_path / "bodies.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return path


def test_the_ways_are_read_in_their_order(tmp_path: Path) -> None:
    court = load_bodies(written(tmp_path, [OTHER, SAME])).get(COURT)
    assert [way.options["url"] for way in court.ways[1:]] == [OTHER["options"]["url"], SAME["options"]["url"]]
    assert [court.system(n) for n in range(3)] == [0, 1, 0]
    assert court.next_way(0, doubtful=False) == 1
    assert court.next_way(0, doubtful=True) == 2, "into the same system only"
    assert court.next_way(1, doubtful=True) is None, "nobody at way 2 could tell what became of it at way 1"
    assert court.next_way(2, doubtful=False) is None
    assert load_bodies(FILE).get(COURT).next_way(0, doubtful=False) is None


@pytest.mark.parametrize(
    ("fallbacks", "change", "part"),
    [
        ([{"kind": "desk"}], lambda b: None, "写成 desk"),
        ([OTHER], lambda b: b.update(connector={"kind": "desk"}), "不需要备用通道"),
        ([OTHER, OTHER], lambda b: None, "与备用通道 1完全相同"),
        ([OTHER], lambda b: b.update(connector=OTHER), "与connector完全相同"),
        ([{"kind": "http"}], lambda b: None, "缺少网址"),
        ([{"kind": "http", "options": {"url": "https://x.example", "ur": 1}}], lambda b: None, "是否想写 url"),
        ([{"kind": "pigeon"}], lambda b: None, "'desk'、'http'"),
        ([{**OTHER, "same_sistem": True}], lambda b: None, "same_sistem"),
        (OTHER, lambda b: None, "fallbacks"),
    ],
)
def test_a_way_that_leads_nowhere_is_refused_with_its_line(tmp_path: Path, fallbacks: Any, change: Callable[[dict[str, Any]], object], part: str) -> None:
    path = written(tmp_path, fallbacks, change)
    with pytest.raises(ConfigError) as caught:
        load_bodies(path)
    assert part in str(caught.value)
    lines = path.read_text(encoding="utf-8").splitlines()
    court = next(n for n, line in enumerate(lines, 1) if line.endswith(f"code: {COURT}"))
    # Keys are written in order of the alphabet, so that `fallbacks` and `connector` stand within the entry's lines.
    assert all(abs(p.line - court) <= 25 and p.cure for p in caught.value.problems)


systems = st.lists(st.booleans(), max_size=5)


@pytest.mark.guarantee("F13")
@given(systems, st.integers(0, 5), st.booleans())
def test_a_doubt_never_leaves_the_system_in_which_it_lies(same: list[bool], way: int, doubtful: bool) -> None:
    base = load_bodies(FILE).get(COURT) if not _KNOWN else _KNOWN[0]
    _KNOWN[:] = [base]
    body: Body = base.model_copy(update={"fallbacks": tuple(Fallback(kind="http", same_system=s) for s in same), "connector": Connector(kind="http")})
    way = min(way, len(same))
    found = body.next_way(way, doubtful=doubtful)
    later = range(way + 1, len(body.ways))
    if found is None:
        assert not [n for n in later if not doubtful or body.system(n) == body.system(way)]
    else:
        assert found in later
        assert not doubtful or body.system(found) == body.system(way)
        assert doubtful or found == way + 1


_KNOWN: list[Body] = []
