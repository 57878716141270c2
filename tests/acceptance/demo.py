"""A run of `tonglu demo` and what can be asked of it afterwards."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.demo.script import Play, load_play
from config.samples import SamplePetition
from rules.house import House, load_house
from tests.acceptance.installation import REPO, Installation

# Virtual days after which every promised road has been gone to its end.
DAYS = 32
LIMIT = 540.0
NOUGHT = ("lost", "doubled", "without_holder", "without_due_date", "overdue_unrung", "journal_flaws")
PLAY: Play = load_play(REPO / "config" / "samples")
SAMPLES: list[SamplePetition] = PLAY.samples
# What mixed letters are split into: petitions of their own, registered by the clerk.
PARTS: list[SamplePetition] = [
    SamplePetition.model_construct(ref=ref, received_offset_hours=0, channel="letter", petitioner=None, subject=part.subject, text=part.text, facts=part.facts)
    for ref in PLAY.refs for part in PLAY.hint(ref).parts
]
HOUSE: House = load_house(REPO / "config", "bureau-990100")


def repeats() -> set[str]:
    """References of petitions by the same person on the same matter as another that comes before them."""
    seen: set[tuple[str, str]] = set()
    found = set()
    for sample in sorted(SAMPLES, key=lambda s: (s.received_offset_hours, s.ref)):
        matter = (sample.petitioner.name if sample.petitioner else sample.ref, sample.subject)
        found |= {sample.ref} if matter in seen else set()
        seen.add(matter)
    return found


@dataclass(frozen=True)
class Account:
    """What --json wrote."""

    sums: dict[str, Any]
    rows: list[dict[str, Any]]
    roads: list[dict[str, Any]]

    @property
    def by_ref(self) -> dict[str, dict[str, Any]]:
        return {row["origin_ref"]: row for row in self.rows}


def read(path: Path) -> Account:
    said = json.loads(path.read_text(encoding="utf-8"))
    return Account(said["sums"], said["rows"], said["roads"])


def played(installation: Installation, *args: str) -> tuple[int, Account, str]:
    """A demo from start to end: exit status, account, output."""
    path = installation.folder / "account.json"
    code, text = installation.run("demo", "--json", path, *args, seconds=LIMIT)
    assert path.exists(), text[-3000:]
    return code, read(path), text


def own_files(data: Path) -> Iterable[Path]:
    """Every file of a demo's folder but PostgreSQL's own and the sandbox's ledger: logs, Prefect's home, clock, signs of life, keys."""
    for path in sorted(data.rglob("*")):
        inside = path.relative_to(data).parts
        if path.is_file() and not path.name.startswith("sandbox.sqlite") and not (inside[0] == "postgres" and path.suffix != ".log"):
            yield path


def manners_met(data: Path) -> dict[str, set[str]]:
    """Petition number → the manners of the bodies it came to, from the ledger of a sandbox that has stopped."""
    found: dict[str, set[str]] = {}
    sql = "select h.petition_no, a.manner from assignment a join handoff h on h.body = a.body and h.handoff_id = a.handoff_id"
    connection = sqlite3.connect(f"file:{data / 'sandbox.sqlite'}?mode=ro", uri=True)
    try:
        for number, manner in connection.execute(sql):
            found.setdefault(number, set()).add(manner)
    finally:
        connection.close()
    return found
