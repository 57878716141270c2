"""The page says everything that was asked, says when it went wrong, and leaves the rest of the document alone."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.chaos.migrating import Migrated
from cli.chaos.monkey import Deeds
from cli.chaos.report import BEGIN, END, markdown, write_report
from cli.chaos.run import Outcome, Wishes
from cli.lapse.account import CHECKS, Account
from cli.lapse.installation import LapseError

COUNTS = dict.fromkeys(("petitions", "handoffs", "messages_out", "attempts", "messages_in"), 7)


def outcome(*broken: str, flaws: tuple[str, ...] = ()) -> Outcome:
    account = Account(datetime(2026, 3, 20, tzinfo=UTC), dict(COUNTS))
    for code in broken:
        account.breach(code, ["h1"])
    return Outcome(Wishes(seed=41), Deeds(Counter({("worker", "alone"): 3})), Migrated(3, Counter({"backend": 2})), {"outward": {"requests": 9}, "homeward": {}}, {},
                   {"long": 4, "minutes": 9, "requests_under_way_at_a_long_step": 1}, {"acknowledged": 7}, {}, {}, account, {"chaos": 60.0}, 3.0, list(flaws))


def test_every_promise_that_is_checked_is_a_row() -> None:
    page = markdown(outcome())
    rows = page.partition("| invariant |")[2].splitlines()[2:]
    assert len(rows) == len(CHECKS) + 2
    assert all(row.endswith("| 0 |") for row in rows)
    assert not any(f"| {check.code} |" in page for check in CHECKS), "a check without words of its own"
    assert "5 kills" in page
    assert "**no breach**" in page


@pytest.mark.parametrize("bad", [outcome("callback-lost"), outcome(flaws=("it did not come to rest",))], ids=["a promise", "the run"])
def test_what_went_wrong_is_said(bad: Outcome) -> None:
    assert not bad.good
    assert "**BREACHES**" in markdown(bad)
    assert "| 1 |" in markdown(bad).partition("| invariant |")[2]


def test_a_run_without_a_handoff_proves_nothing() -> None:
    empty = outcome()
    empty.account.counts["handoffs"] = 0
    assert not empty.good


def test_only_what_stands_between_the_marks_is_written(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(f"# Before\n\n{BEGIN}\nwritten before\n{END}\n\nAfter\n", encoding="utf-8")
    write_report(path, outcome())
    write_report(path, outcome())
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# Before\n\n{BEGIN}\n")
    assert text.endswith(f"{END}\n\nAfter\n")
    assert "written before" not in text
    assert text.count("--seed 41") == 1


def test_a_page_without_marks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("# Mine\n", encoding="utf-8")
    with pytest.raises(LapseError, match="标记"):
        write_report(path, outcome())
    assert path.read_text(encoding="utf-8") == "# Mine\n"
