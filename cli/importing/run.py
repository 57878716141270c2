"""The import itself: rows in batches through the door, each batch one transaction, so that a kill loses or doubles nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, cast

from cli.importing.mapping import Mapping
from cli.importing.rejects import Rejects
from cli.importing.rows import Bad, Good, RowReader
from cli.importing.sheets import Raw, open_rows
from models import store
from models.db import Connection
from models.door import advance
from models.moves import Arrival, Done
from models.seal import Sealer
from rules.house import House

if TYPE_CHECKING:
    from cli.opening import Opened
    from flows.context import Context

BATCH = 500
OTHER = "编号已登记过，而内容不同（修改过的来件请换新编号）"


@dataclass(slots=True)
class Sums:
    """What an import did (or, dry, would do). `rules`: how often each keyword rule fitted; `reasons`: why rows were rejected."""

    rows: int = 0
    skipped: int = 0
    new: int = 0
    known: int = 0
    rejected: int = 0
    routed: int = 0
    to_clerk: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    rejects_path: Path | None = None


def import_file(
    path: Path, mapping: Mapping, opened: Opened, *, dry: bool = False, limit: int | None = None, told: Callable[[Sums, int | None], None] = lambda *_: None,
) -> Sums:
    """Bring a file's rows into the ledger.

    Args:
        dry: write nothing, neither in the ledger nor beside the file; `routed` and `to_clerk` then say what the rules would do with what is new.
        limit: at most this many rows.
        told: called after each batch with the sums so far and the file's own count of rows, if it has one.

    Raises:
        Fault: the file cannot be read, or has not the mapping's columns. Batches before that stay.
    """
    sums = Sums()
    reader = RowReader(mapping, opened.house.bureau, opened.now())
    seen: dict[str, bytes] = {}
    with open_rows(path, mapping.file, mapping.columns) as source, Rejects(path, write=not dry) as rejects:
        sums.rejects_path = rejects.path
        for raws in _batches(islice(source.rows, limit), BATCH):
            good = _read(raws, reader, sums, rejects)
            if dry:
                _suppose(good, opened, sums, rejects, seen)
            else:
                _admit(good, opened, sums, rejects)
            told(sums, source.total)
    return sums


def _batches(rows: Iterable[Raw], size: int) -> Iterator[list[Raw]]:
    rows = iter(rows)
    while batch := list(islice(rows, size)):
        yield batch


def _read(raws: Iterable[Raw], reader: RowReader, sums: Sums, rejects: Rejects) -> list[Good]:
    """The good rows of a batch, one a reference: what repeats itself is known, what contradicts itself is rejected."""
    good: dict[str, Good] = {}
    for raw in raws:
        sums.rows += 1
        row = reader.read(raw)
        if row is None:
            sums.skipped += 1
        elif isinstance(row, Bad):
            _reject(row, sums, rejects)
        else:
            first = good.setdefault(row.arrival.origin_ref, row)
            if first is not row:
                _again(row, content(row.arrival) == content(first.arrival), sums, rejects)
    return list(good.values())


def _again(row: Good, same: bool, sums: Sums, rejects: Rejects) -> None:
    if same:
        sums.known += 1
    else:
        _reject(Bad(row.number, row.arrival.origin_ref, OTHER), sums, rejects)


def _reject(bad: Bad, sums: Sums, rejects: Rejects) -> None:
    sums.rejected += 1
    sums.reasons[bad.reason] += 1
    rejects.add(bad)


def content(arrival: Arrival) -> bytes:
    """A short digest of what a row says, to tell a repeated row from another one under the same number."""
    return _digest(arrival.subject, arrival.text, arrival.received_at)


def _digest(subject: str, text: str, received_at: datetime) -> bytes:
    return sha256(f"{len(subject)}|{subject}|{text}|{received_at.isoformat()}".encode()).digest()[:16]


def _known(connection: Connection, good: list[Good], sealer: Sealer) -> dict[str, bytes]:
    """The digests of those that the ledger has already, by reference."""
    if not good:
        return {}
    sql = "select origin_ref, petition_no, subject_sealed, text_sealed, received_at from petition where origin = %s and origin_ref = any(%s)"
    rows = connection.execute(sql, (good[0].arrival.origin, [g.arrival.origin_ref for g in good])).fetchall()
    return {ref: _digest(sealer.open_text(subject, f"petition.subject:{number}"), sealer.open_text(text, f"petition.text:{number}"), at)
            for ref, number, subject, text, at in rows}


def _admit(good: list[Good], opened: Opened, sums: Sums, rejects: Rejects) -> None:
    with opened.database.transaction() as connection:
        known = _known(connection, good, opened.sealer)
        fresh = [g for g in good if g.arrival.origin_ref not in known]
        answers = advance(connection, [g.arrival for g in fresh], opened.house, opened.sealer, opened.now()) if fresh else []
        if fresh:
            store.notify(connection, "intake")
    # Counted once it is durable.
    for g in good:
        if g.arrival.origin_ref in known:
            _again(g, known[g.arrival.origin_ref] == content(g.arrival), sums, rejects)
    for g, answer in zip(fresh, answers, strict=True):
        new = isinstance(answer, Done) and answer.new
        sums.new += new
        sums.known += not new
        sums.rules.update(g.reading.rules if new else ())


def _suppose(good: list[Good], opened: Opened, sums: Sums, rejects: Rejects, seen: dict[str, bytes]) -> None:
    with opened.database.transaction() as connection:
        known = {**seen, **_known(connection, good, opened.sealer)}
    for g in good:
        ref, digest = g.arrival.origin_ref, content(g.arrival)
        if ref in known:
            _again(g, known[ref] == digest, sums, rejects)
            continue
        seen[ref] = digest
        sums.new += 1
        sums.rules.update(g.reading.rules)
        to = would_route(g.arrival, opened.house)
        sums.routed += to
        sums.to_clerk += not to


def would_route(arrival: Arrival, house: House) -> bool:
    """Whether the intake would send this petition to a body (and not leave it to a clerk)."""
    from flows.intake import decide

    return decide("", dict(arrival.facts), house).route is not None


def route_registered(opened: Opened, sums: Sums, told: Callable[[Sums, int | None], None] = lambda *_: None) -> None:
    """Route everything that is registered and not yet routed, as the intake does, in sets."""
    from flows import intake

    while True:
        with opened.database.transaction() as connection:
            # The intake needs of its context the house, the keys and the time, and these are ours.
            lines = intake.batch(connection, cast("Context", opened))
        if not lines:
            return
        routed = sum(bool(body) for _, body, _ in lines)
        sums.routed += routed
        sums.to_clerk += len(lines) - routed
        told(sums, None)
