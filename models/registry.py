"""登记: petitions enter the ledger, each once, each with its own number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from psycopg.types.json import Jsonb

from models.db import Connection
from models.journal import GENESIS
from models.moves import Arrival
from models.records import PetitionRow
from models.repeats import REPEAT, Earlier, Matters, content_mark
from models.seal import Sealer
from rules.calendar import SHANGHAI
from rules.house import House

Key = tuple[str, str]
Fresh = tuple[PetitionRow, Arrival, bytes]


@dataclass(slots=True)
class Admitted:
    """One arrival's petition. `content`: the digest of what was handed in first under this reference, None where none was kept; `other`: those
    that came under the same reference and say something else."""

    petition: PetitionRow
    new: bool
    content: bytes | None
    other: list[Arrival] = field(default_factory=list)

    def check(self, arrival: Arrival, marks: Sequence[bytes]) -> None:
        """Note an arrival that reuses the reference for another letter."""
        if self.content is not None and self.content not in marks:
            self.other.append(arrival)


def admit(connection: Connection, arrivals: Sequence[Arrival], house: House, sealer: Sealer, now: datetime) -> dict[Key, Admitted]:
    """Give numbers to those that are new and write their rows; only the door calls this.

    A repeat of an earlier matter is linked to the first petition and flagged; where that matter is still pending, or has been re-reviewed, the facts
    say so, and the routing table leaves it to a clerk (信访工作条例 arts 19(3), 36(3)).

    Returns:
        What became of each, by (origin, origin_ref).
    """
    if not arrivals:
        return {}
    division, day = house.bodies.get(house.bureau).division, now.astimezone(SHANGHAI).date()
    # Everyone who registers today waits here for the others: that makes the numbers contiguous and the look-up below final.
    connection.execute("insert into petition_counter (division, day, last) values (%s, %s, 0) on conflict do nothing", (division, day))
    row = connection.execute("select last from petition_counter where division = %s and day = %s for update", (division, day)).fetchone()
    last = row[0] if row else 0
    found = _known(connection, arrivals)
    matters = Matters(connection, [a for a in arrivals if (a.origin, a.origin_ref) not in found], sealer)
    fresh: list[Fresh] = []
    for arrival in arrivals:
        key = (arrival.origin, arrival.origin_ref)
        marks = content_mark(arrival, sealer)
        if key in found:
            found[key].check(arrival, marks)
            continue
        last += 1
        petition = PetitionRow(
            _number(division, day, last), arrival.division, str(arrival.facts.get("branch") or ""), arrival.klass, dict(arrival.facts),
            house.roads.machine("petition").start, house.bureau, now, None, 0, [], 0, GENESIS, [], "", arrival.received_at, parent_petition_no=arrival.parent_petition_no,
        )
        _repeat(petition, matters.register(arrival, petition.petition_no, petition.state))
        found[key] = Admitted(petition, True, marks[0])
        fresh.append((petition, arrival, marks[0]))
    connection.execute("update petition_counter set last = %s where division = %s and day = %s", (last, division, day))
    _insert(connection, fresh, matters.rows, house, sealer, now)
    return found


def _repeat(petition: PetitionRow, earlier: Earlier | None) -> None:
    if earlier is None:
        return
    petition.first_petition_no = earlier.first
    petition.flags.append(REPEAT)
    petition.facts["first_time"] = False
    if earlier.pending is not None:
        petition.facts["pending_elsewhere"] = earlier.pending
    elif earlier.concluded:
        petition.facts["reviewed"] = True


def _number(division: str, day: date, serial: int) -> str:
    if serial > 999_999:
        raise ValueError("more than 999999 petitions in one day: the petition number has no room for them")
    return f"XF{division}{day:%Y%m%d}{serial:06d}"


def _known(connection: Connection, arrivals: Sequence[Arrival]) -> dict[Key, Admitted]:
    sql = """select p.origin, p.origin_ref, p.petition_no, p.state, p.received_at, p.content_key from petition p
             join unnest(%s::text[], %s::text[]) as v(origin, origin_ref) using (origin, origin_ref)"""
    known: dict[Key, Admitted] = {}
    for origin, ref, number, state, received_at, content in connection.execute(sql, ([a.origin for a in arrivals], [a.origin_ref for a in arrivals])):
        row = PetitionRow(number, "", "", "", {}, state, None, None, None, 0, [], 0, GENESIS, [], "", received_at)
        known[origin, ref] = Admitted(row, False, bytes(content) if content is not None else None)
    return known


def _insert(
    connection: Connection, fresh: Sequence[Fresh], matters: Sequence[tuple[bytes, str]], house: House, sealer: Sealer, now: datetime,
) -> None:
    if not fresh:
        return
    columns = ("petition_no, bureau, division, channel, klass, branch, facts, subject_sealed, text_sealed, origin, origin_ref, received_at, registered_at,"
               " state, holder, next_due, handoffs, journal_seq, journal_head, outcome, parent_petition_no, first_petition_no, content_key, updated_at")
    with connection.cursor() as cursor:
        with cursor.copy(f"copy petition ({columns}) from stdin") as copy:
            for p, a, content in fresh:
                copy.write_row((
                    p.petition_no, house.bureau, p.division, a.channel, p.klass, p.branch, Jsonb(p.facts),
                    sealer.seal_text(a.subject, f"petition.subject:{p.petition_no}"), sealer.seal_text(a.text, f"petition.text:{p.petition_no}"),
                    a.origin, a.origin_ref, a.received_at, now, p.state, p.holder, p.next_due, 0, 0, GENESIS, "", p.parent_petition_no,
                    p.first_petition_no, content, now,
                ))
        with cursor.copy("copy petitioner (petition_no, sealed) from stdin") as copy:
            for p, a, _ in fresh:
                if a.petitioner is not None:
                    copy.write_row((p.petition_no, sealer.seal_json(dict(a.petitioner), f"petitioner:{p.petition_no}")))
        if matters:
            with cursor.copy("copy matter (key, petition_no) from stdin") as copy:
                for row in sorted(matters):
                    copy.write_row(row)
