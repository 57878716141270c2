"""What a partner listed, held against our ledger by set operations in PostgreSQL; only rows that differ leave it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any

from connectors.wire.ledger import DayDigest
from models.db import Connection
from models.listed import Listed, Part, Row
from rules.ledgers import Finding, Line, Place, compare

_NOTHING = sha256().hexdigest()
_NUMBER = re.compile(r"XF[0-9]{20}")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One hand-off on which the ledgers disagree. `petition_no` is None for one that is not ours; `evidence`: codes, numbers and dates that go with it;
    `part`: where it was read, or should have been."""

    handoff_id: str
    petition_no: str | None
    finding: Finding
    ours: Line | None
    theirs: Line | None
    evidence: Mapping[str, str] = field(default_factory=dict)
    part: Part | None = None

    @property
    def key(self) -> tuple[str, str]:
        """By what it is known again at a second reading."""
        return self.handoff_id, self.finding.kind


@dataclass(slots=True)
class Look:
    """One reading of some parts: where hand-offs disagree, and which parts are not what the partner's own digest of them says."""

    found: list[Disagreement] = field(default_factory=list)
    contradicted: list[Part] = field(default_factory=list)


_TABLES = ("""create temp table listed (n bigint, day date, bucket text, handoff_id text, petition_no text, case_no text, state text, round numeric,
                                        seq_in numeric, seq_out numeric, digest text) on commit drop""",
           "create temp table part (day date, bucket text, primary key (day, bucket)) on commit drop")
# The same two by name, without a table.
_FEW = """with listed(n, day, bucket, handoff_id, petition_no, case_no, state, round, seq_in, seq_out, digest) as (
            select * from unnest(%(c0)s::bigint[], %(c1)s::date[], %(c2)s::text[], %(c3)s::text[], %(c4)s::text[], %(c5)s::text[], %(c6)s::text[], %(c7)s::numeric[],
                                 %(c8)s::numeric[], %(c9)s::numeric[], %(c10)s::text[])),
          part(day, bucket) as (select * from unnest(%(p0)s::date[], %(p1)s::text[])) """
# A hand-off that changed while the pages were read comes twice: the later one holds.
_ONCE = "delete from listed a using listed b where a.day = b.day and a.handoff_id = b.handoff_id and a.n < b.n"
_TWICE = """select day, handoff_id, count(distinct case_no) from listed group by day, handoff_id having count(*) > 1"""
_THEIR_LINE = "handoff_id || '|' || round || '|' || state || '|' || seq_in || '|' || seq_out || '|' || digest"
_THEIR_LINES = {1: f"{_THEIR_LINE} || chr(10)", 2: f"{_THEIR_LINE} || '|' || coalesce(case_no, '') || chr(10)"}
_DIFFER = """select l.handoff_id, l.day, l.petition_no, l.state, l.round, l.seq_in, l.seq_out, l.digest, l.case_no,
                    h.body, h.issued_day, h.petition_no, h.partner_state, h.partner_round, h.acked_out, h.seq_in, h.request_digest, h.partner_case_no
             from listed l left join handoff h on h.handoff_id = l.handoff_id
             where h.handoff_id is null or h.body <> %(body)s or h.issued_day is distinct from l.day or h.petition_no <> l.petition_no
                or (h.partner_state, h.partner_round, h.acked_out, h.seq_in, h.request_digest) is distinct from (l.state, l.round, l.seq_in, l.seq_out, l.digest)
                or h.partner_case_no <> l.case_no or l.handoff_id = any(%(twice)s)
             order by l.handoff_id, l.day"""
_MISSING = """select h.handoff_id, h.issued_day, h.petition_no, h.partner_state, h.partner_round, h.acked_out, h.seq_in, h.request_digest, h.partner_case_no
              from handoff h where h.body = %(body)s and h.issued_day = any(%(days)s) and h.acked_out > 0
                and (h.issued_day, right(h.handoff_id, %(digits)s)) in (select day, bucket from part)
                and not exists (select 1 from listed l where l.handoff_id = h.handoff_id) order by h.handoff_id"""


class _Reading:
    """What was listed and of which parts, as two relations `listed` and `part`: few as arrays with each statement, many as temporary tables."""

    def __init__(self, connection: Connection, parts: Collection[Part], listed: Listed) -> None:
        self._connection, self._rows = connection, listed.few
        self._given: dict[str, Any] = {"p0": [p.day for p in parts], "p1": [p.bucket for p in parts]}
        if self._rows is not None:
            self._arrays()
            return
        for statement in _TABLES:
            connection.execute(statement)
        with connection.cursor() as cursor:
            with cursor.copy("copy listed from stdin") as copy:
                for chunk in listed.chunks():
                    copy.write(chunk)
            with cursor.copy("copy part from stdin") as copy:
                for part in parts:
                    copy.write_row(part)
        connection.execute("analyze listed, part")

    def ask(self, sql: str, **given: Any) -> Iterable[tuple[Any, ...]]:
        if self._rows is None:
            return self._connection.execute(sql, given)
        return self._connection.execute(_FEW + sql, {**self._given, **given})

    def keep_last(self) -> None:
        """Of what was listed several times on a day keep the last only."""
        if self._rows is None:
            self._connection.execute(_ONCE)
        else:
            self._rows = list({(row.day, row.handoff_id): row for row in sorted(self._rows)}.values())
            self._arrays()

    def _arrays(self) -> None:
        columns = zip(*self._rows, strict=True) if self._rows else ([] for _ in Row._fields)
        self._given |= {f"c{i}": list(column) for i, column in enumerate(columns)}


def hold(
    connection: Connection, body: str, parts: Collection[Part], listed: Listed, given: Mapping[Part, DayDigest], line: int = 1, *, missing: bool = True,
) -> Look:
    """Hold what a partner listed of these parts (all of one width) against our ledger, and against its own digests of those that are `given`.

    `missing`: whether to look for what it should have listed and did not. In the caller's transaction; temporary tables, if any are needed, end with it.
    """
    look = Look()
    reading = _Reading(connection, parts, listed)
    said = _digests(reading, line) if given else {}
    again = list(reading.ask(_TWICE))
    if again:
        reading.keep_last()
    once = _digests(reading, line) if given and again else said
    look.contradicted = sorted(p for p in given if _of(given, p) not in (said.get(p, (0, _NOTHING)), once.get(p, (0, _NOTHING))))
    twice = {handoff for _, handoff, numbers in again if numbers > 1}
    digits = len(next(iter(parts)).bucket) if parts else 0
    for row in reading.ask(_DIFFER, body=body, twice=sorted(twice)):
        look.found.extend(_disagreements(body, row, twice, digits))
    absent = reading.ask(_MISSING, body=body, days=sorted({p.day for p in parts}), digits=digits) if missing else ()
    for handoff, day, number, *mine in absent:
        ours, part = Line(*mine), Part(day, handoff[len(handoff) - digits :])
        look.found.extend(Disagreement(handoff, number, finding, ours, None, {}, part) for finding in compare(ours, None))
    return look


def _of(given: Mapping[Part, DayDigest], part: Part) -> tuple[int, str]:
    digest = given[part]
    return (digest.count, digest.sha256) if digest.count else (0, _NOTHING)


def _digests(reading: _Reading, line: int) -> dict[Part, tuple[int, str]]:
    sql = f"""select day, bucket, count(*), encode(sha256(convert_to(string_agg(line, '' order by line collate "C"), 'UTF8')), 'hex')
              from (select day, bucket, {_THEIR_LINES[line]} as line from listed) l group by day, bucket"""
    return {Part(day, bucket): (count, digest) for day, bucket, count, digest in reading.ask(sql)}


def _disagreements(body: str, row: tuple[Any, ...], twice: Collection[str], digits: int) -> list[Disagreement]:
    handoff, day, number, state, round_, seq_in, seq_out, digest, case_no, whose, our_day, our_number, *mine = row
    part = Part(day, handoff[len(handoff) - digits :])
    theirs = Line(state, int(round_), int(seq_in), int(seq_out), digest, case_no)
    if whose is None:
        return [Disagreement(handoff, None, finding, None, theirs, {"day": _iso(day)}, part) for finding in compare(None, theirs)]
    ours = Line(*mine)
    found = compare(ours, theirs, Place(whose, our_number, our_day), Place(body, number, day))
    if handoff in twice and whose == body and not any(f.kind == "two_case_numbers" for f in found):
        found = (*found, Finding("two_case_numbers", "duty"))
    # One body learns nothing of another's cases, not even their numbers.
    own = our_number if whose == body else None
    return [Disagreement(handoff, own, finding, ours if own else None, theirs, _evidence(finding, number, day), part) for finding in found]


def _evidence(finding: Finding, number: str, day: date) -> dict[str, str]:
    if finding.kind == "petition_differs":
        # A partner may write there what it likes; only a number is kept.
        return {"petition_no": number if _NUMBER.fullmatch(number) else ""}
    return {"day": _iso(day)} if finding.kind in ("day_differs", "of_another_body") else {}


def _iso(day: date) -> str:
    return day.isoformat()
