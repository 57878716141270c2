"""How well the suggested subject areas hold on labelled petitions: ``python -m benchmarks.suggesting --data <folder>``.

The folder holds `teddy2020c_labelled_sample.xlsx` (public competition data, not part of the product). Printed are counts and
shares alone, never a text. A proposal is right when its area carries the row's label in config/areas.yaml.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import openpyxl

import config
from config.bodies import Bodies, load_bodies
from config.lexicon import Lexicon, load_lexicon
from rules.suggesting import Suggester, SuggestError

FILE = "teddy2020c_labelled_sample.xlsx"
CONFIG = Path(config.__file__).parent
BINS = (0.0, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0001)
NOTHING = "（不提）"


@dataclass(frozen=True, slots=True)
class Labelled:
    """One labelled petition. `half`: A was looked at while the lexicon was written, B was not."""

    subject: str
    text: str
    label: str
    half: str


@dataclass(frozen=True, slots=True)
class Judged:
    """The best area of one petition, whatever its confidence, and whether it carries the label."""

    label: str
    best: str
    confidence: float
    right: bool


def read(path: Path) -> Iterator[Labelled]:
    """The rows of a labelled sheet. Raises `SystemExit` with the reason where the file is not there or has other columns."""
    if not path.is_file():
        raise SystemExit(f"{path.name}: not in this folder; name the folder that holds it with --data")
    sheet = openpyxl.load_workbook(path, read_only=True).active
    rows = iter(sheet.iter_rows(values_only=True)) if sheet is not None else iter(())
    names = [str(name) for name in next(rows, ())]
    try:
        number, subject, text, label = (names.index(n) for n in ("留言编号", "留言主题", "留言详情", "一级分类"))
    except ValueError:
        raise SystemExit(f"{path.name}: no columns 留言编号, 留言主题, 留言详情, 一级分类") from None
    for row in rows:
        if row[number] is None:  # blank rows follow the last one
            return
        even = hashlib.sha256(str(row[number]).encode()).digest()[0] % 2 == 0
        yield Labelled(str(row[subject] or "").strip(), str(row[text] or "").strip(), str(row[label]), "A" if even else "B")


def judge(rows: Sequence[Labelled], suggester: Suggester) -> list[Judged]:
    """The best area of every row, before the threshold."""
    counting, areas = suggester.counting, suggester.lexicon.areas
    judged = []
    for row in rows:
        ranked = suggester.areas.weigh(suggester.read(row.subject, row.text)).ranked(counting.sharpness, counting.background)
        best, confidence = ranked[0] if ranked else (NOTHING, 0.0)
        judged.append(Judged(row.label, best, confidence, best == areas.of_label(row.label)))
    return judged


def at(judged: Sequence[Judged], threshold: float) -> tuple[float, float]:
    """Coverage, and the share right among what is proposed, at a threshold."""
    proposed = [j for j in judged if j.confidence >= threshold]
    return len(proposed) / len(judged), sum(j.right for j in proposed) / max(len(proposed), 1)


def confusion(judged: Sequence[Judged], threshold: float) -> str:
    """A table: label by proposed area."""
    pairs = Counter((j.label, j.best if j.confidence >= threshold else NOTHING) for j in judged)
    columns = sorted({b for _, b in pairs}, key=lambda b: (b == NOTHING, b))
    lines = ["| label | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    lines += [f"| {label} | " + " | ".join(str(pairs[label, c] or "") for c in columns) + " |" for label in sorted({j.label for j in judged})]
    return "\n".join(lines)


def calibration(judged: Sequence[Judged]) -> str:
    """Per bin of confidence: how many, the mean confidence, the share right."""
    lines = ["| confidence | petitions | mean | right |", "|---|---:|---:|---:|"]
    for low, high in pairwise(BINS):
        some = [j for j in judged if low <= j.confidence < high]
        if some:
            mean, right = statistics.mean(j.confidence for j in some), statistics.mean(j.right for j in some)
            lines.append(f"| {low:.2f}-{min(high, 1):.2f} | {len(some)} | {mean:.2f} | {right:.2f} |")
    return "\n".join(lines)


def speed(rows: Sequence[Labelled], suggester: Suggester) -> tuple[float, float]:
    """Whole suggestions (every fact) a second, median of five passes, and millions of characters a second."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        for row in rows:
            try:
                suggester.suggest(row.subject, row.text)
            except SuggestError:
                continue
        times.append(time.perf_counter() - start)
    middle = statistics.median(times)
    return len(rows) / middle, sum(len(r.subject) + len(r.text) for r in rows) / middle / 1e6


def open_lexicon() -> tuple[Lexicon, Bodies]:
    """The lexicon and bodies of the repository's sample configuration."""
    bodies = load_bodies(CONFIG / "bodies.yaml")
    return load_lexicon(CONFIG, bodies), bodies


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suggesting", description="Share right and coverage of suggested areas on labelled petitions.")
    parser.add_argument("--data", type=Path, required=True, help=f"folder that holds {FILE}")
    parser.add_argument("--half", choices=["A", "B", "all"], default="all", help="A: seen while writing the lexicon; B: held back")
    given = parser.parse_args()
    suggester = Suggester(*open_lexicon())
    rows = [row for row in read(given.data / FILE) if given.half in ("all", row.half)]
    judged = judge(rows, suggester)
    threshold = suggester.counting.threshold.area
    print(f"{len(rows)} petitions, half {given.half}; threshold {threshold}\n\n| threshold | coverage | right |\n|---:|---:|---:|")
    for each in sorted({threshold, *(i / 20 for i in range(0, 20))}):
        covered, right = at(judged, each)
        print(f"| {each:.2f}{' *' if each == threshold else ''} | {covered:.1%} | {right:.1%} |")
    print("\n" + calibration(judged) + "\n\n" + confusion(judged, threshold))
    per_second, megachars = speed(rows, suggester)
    print(f"\n{per_second:,.0f} petitions a second, {megachars:.2f} million characters a second, one process")


if __name__ == "__main__":
    main()
