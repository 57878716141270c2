"""The outage matrix: its rows played one after another, and the table they make, on the screen, in the documentation and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from cli.lapse.feeding import Feeder
from cli.lapse.installation import Installation, LapseError, Wanted
from cli.lapse.marked import write_between
from cli.lapse.outage import Result, play
from cli.lapse.resting import Stalled
from cli.lapse.rows import Row
from config.settings import Settings
from rules.house import House
from runtime.supervisor import Backoff, Health

BEGIN, END = "<!-- outages: written by tonglu outages -->", "<!-- outages: end -->"
# What was killed on purpose is wanted back at once.
_BACKOFF = Backoff(first=0.2, factor=1.5, most=2.0, calm=3.0)
# Every body tells the same day what it has, so that there are callbacks while the outage lasts.
_BRISK = {"manner": "prompt", "options": {"sign_hours": 0, "accept_days_min": 0, "accept_days_max": 2}}


@dataclass(frozen=True, slots=True)
class Failed:
    """A row that could not be played to its end, and why (Chinese, nothing personal)."""

    row: Row
    why: str


Outcome = Result | Failed


def good(outcome: Outcome) -> bool:
    """Whether the row kept every promise: nothing lost, nothing doubled, and all else that the account looks at."""
    return isinstance(outcome, Result) and outcome.account.good


class Matrix:
    """Plays rows on one installation, and on a fresh one after a row that failed: what it broke must not be counted again."""

    def __init__(self, settings: Settings, house: House, seed: int, handoffs: int, tell: Callable[[Health], None] = lambda _: None) -> None:
        self._settings, self._house, self._seed, self._handoffs, self._tell = settings, house, seed, handoffs, tell

    def run(self, rows: Sequence[Row]) -> Iterator[Outcome]:
        """One outcome a row, as it comes. Raises LapseError or SupervisorError where the installation itself cannot start."""
        left = list(rows)
        while left:
            with ExitStack() as stack:
                installation, feeder = self._begin(stack)
                while left:
                    outcome = self._play(installation, feeder, left.pop(0))
                    yield outcome
                    if not good(outcome):
                        break

    def _begin(self, stack: ExitStack) -> tuple[Installation, Feeder]:
        wanted = Wanted("outages", seed=self._seed, backoff=_BACKOFF, patience=30)
        installation = stack.enter_context(Installation(self._settings, self._house, wanted, self._tell))
        installation.tell_sandbox("manners", _BRISK)
        return installation, stack.enter_context(Feeder(installation, self._seed))

    def _play(self, installation: Installation, feeder: Feeder, row: Row) -> Outcome:
        try:
            return play(installation, feeder, row, self._handoffs)
        except (Stalled, LapseError) as fault:
            return Failed(row, str(fault))


def span(length: timedelta, *, zh: bool) -> str:
    """A length of time as one says it: 3 d 2 h, 5 min, 0 s."""
    seconds = round(length.total_seconds())
    units = (("天", " d", 86_400), ("小时", " h", 3_600), ("分", " min", 60), ("秒", " s", 1))
    parts = []
    for name_zh, name_en, size in units:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name_zh}" if zh else f"{count}{name_en}")
    return " ".join(parts[:2]) or ("0 秒" if zh else "0 s")


COLUMNS_ZH = ("情形", "转送件", "文书", "中断", "丢失", "重复", "迟到", "最长用时", "恢复后最长", "待办", "其他")
_COLUMNS_EN = ("outage", "hand-offs", "messages", "under way", "lost", "doubled", "late", "longest delay", "longest after", "duties", "other breaches")


def cells(outcome: Outcome, *, zh: bool) -> list[str]:
    """One row of the table."""
    name = outcome.row.zh if zh else outcome.row.en
    if isinstance(outcome, Failed):
        return [name, *["-"] * 9, outcome.why if zh else "not played to its end"]
    found, took = outcome.account, outcome.delays
    other = sum(breach.count for breach in found.breaches.values()) - found.lost - found.doubled
    return [name, str(outcome.handoffs), str(took.messages), str(outcome.under_way), str(found.lost), str(found.doubled), str(took.late),
            span(took.longest, zh=zh), span(took.after, zh=zh), str(outcome.told), str(other)]


def as_dict(outcome: Outcome) -> dict[str, Any]:
    """For the JSON file."""
    if isinstance(outcome, Failed):
        return {"row": outcome.row.code, "good": False, "why": outcome.why}
    took = outcome.delays
    return {"row": outcome.row.code, "good": good(outcome), "handoffs": outcome.handoffs, "messages": took.messages, "under_way": outcome.under_way,
            "lost": outcome.account.lost, "doubled": outcome.account.doubled, "late": took.late, "longest_s": took.longest.total_seconds(),
            "longest_after_s": took.after.total_seconds(), "duties": outcome.told, "seconds": round(outcome.seconds, 1), "account": outcome.account.as_dict()}


def markdown(outcomes: Sequence[Outcome], seed: int, handoffs: int) -> str:
    """The table of the documentation, with what it takes to make it again; no date, so that it changes only when its content does."""
    command = f"tonglu outages --seed {seed} --handoffs {handoffs} --report docs/outages.md"
    lines = [f"Made by `{command}`.", "", f"| {' | '.join(_COLUMNS_EN)} |", f"|{'---|' * len(_COLUMNS_EN)}"]
    lines += [f"| {' | '.join(cells(outcome, zh=False))} |" for outcome in outcomes]
    totals = [outcome for outcome in outcomes if isinstance(outcome, Result)]
    lines += ["", f"{len(outcomes)} outages, {sum(r.handoffs for r in totals)} hand-offs, {sum(r.delays.messages for r in totals)} messages, "
              f"{sum(r.under_way for r in totals)} under way when an outage ended: {sum(r.account.lost for r in totals)} lost, "
              f"{sum(r.account.doubled for r in totals)} doubled."]
    return "\n".join(lines)


def write_report(path: Path, text: str) -> None:
    """Put the table between the marks of a Markdown file. Raises LapseError where it has no marks, OSError where it cannot be written."""
    write_between(path, BEGIN, END, text)
