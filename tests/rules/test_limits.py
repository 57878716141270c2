"""The grammar of time limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.limits import Limit, LimitError, parse_limit


@pytest.mark.parametrize(
    ("text", "count", "unit", "zh"),
    [
        ("5wd", 5, "wd", "5个工作日"),
        ("15d", 15, "d", "15日"),
        ("3mo", 3, "mo", "3个月"),
        ("24h", 24, "h", "24小时"),
        ("10min", 10, "min", "10分钟"),
    ],
)
def test_the_five_forms(text: str, count: int, unit: str, zh: str) -> None:
    limit = parse_limit(text)
    assert (limit.count, limit.unit, limit.zh, str(limit)) == (count, unit, zh, text)
    assert limit.exact == (unit in ("h", "min"))


@given(st.integers(1, 9999), st.sampled_from(["wd", "d", "mo", "h", "min"]))
def test_what_is_written_is_read_back(count: int, unit: str) -> None:
    assert str(parse_limit(f"{count}{unit}")) == f"{count}{unit}"


@pytest.mark.parametrize("text", ["", "5", "wd", "0d", "05d", "-5d", "5 d", "5D", "5days", "10000d", "5wd\n", "５d", "1.5h"])
def test_anything_else_is_refused_with_the_cure(text: str) -> None:
    with pytest.raises(LimitError, match="写成 5wd"):
        parse_limit(text)


def test_an_extension_counts_from_the_same_start() -> None:
    assert parse_limit("60d") + parse_limit("30d") == Limit(90, "d")
    with pytest.raises(LimitError, match="单位应与原期限相同"):
        parse_limit("60d") + parse_limit("1mo")
    with pytest.raises(LimitError, match="1 至 9999"):
        parse_limit("9999d") + parse_limit("1d")
