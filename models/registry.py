"""登记: petitions enter the ledger, each once, each with its own number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from psycopg.types.json import Jsonb

from models.db import Connection
from models.journal import GENESIS
from models.moves import Arrival
from models.records import PetitionRow
from models.seal import Sealer
from rules.calendar import SHANGHAI
from rules.house import House

Key = tuple[str, str]


def admit(connection: Connection, arrivals: Sequence[Arrival], house: House, sealer: Sealer, now: datetime) -> dict[Key, tuple[PetitionRow, bool]]:
    """Give numbers to those that are new and write their rows; only the door calls this.

    Returns:
        By (origin, origin_ref): the row, and whether it is new.
    """
    if not arrivals:
        return {}
    division, day = house.bodies.get(house.bureau).division, now.astimezone(SHANGHAI).date()
    # Everyone who registers today waits here for the others: that makes the numbers contiguous and the look-up below final.
    connection.execute("insert into petition_counter (division, day, last) values (%s, %s, 0) on conflict do nothing", (division, day))
    row = connection.execute("select last from petition_counter where division = %s and day = %s for update", (division, day)).fetchone()
    last = row[0] if row else 0
    found = _known(connection, arrivals)
    fresh: list[tuple[PetitionRow, Arrival]] = []
    for arrival in arrivals:
        key = (arrival.origin, arrival.origin_ref)
        if key in found:
            continue
        last += 1
        petition = PetitionRow(
            _number(division, day, last), arrival.division, str(arrival.facts.get("branch") or ""), arrival.klass, dict(arrival.facts),
            house.roads.machine("petition").start, house.bureau, now, None, 0, [], 0, GENESIS, [], "", arrival.received_at, parent_petition_no=arrival.parent_petition_no,
        )
        found[key] = (petition, True)
        fresh.append((petition, arrival))
    connection.execute("update petition_counter set last = %s where division = %s and day = %s", (last, division, day))
    _insert(connection, fresh, house, sealer, now)
    return found


def _number(division: str, day: date, serial: int) -> str:
    if serial > 999_999:
        raise ValueError("more than 999999 petitions in one day: the petition number has no room for them")
    return f"XF{division}{day:%Y%m%d}{serial:06d}"


def _known(connection: Connection, arrivals: Sequence[Arrival]) -> dict[Key, tuple[PetitionRow, bool]]:
    sql = """select p.origin, p.origin_ref, p.petition_no, p.state, p.received_at from petition p
             join unnest(%s::text[], %s::text[]) as v(origin, origin_ref) using (origin, origin_ref)"""
    known: dict[Key, tuple[PetitionRow, bool]] = {}
    for origin, ref, number, state, received_at in connection.execute(sql, ([a.origin for a in arrivals], [a.origin_ref for a in arrivals])):
        known[origin, ref] = (PetitionRow(number, "", "", "", {}, state, None, None, None, 0, [], 0, GENESIS, [], "", received_at), False)
    return known


def _insert(connection: Connection, fresh: Sequence[tuple[PetitionRow, Arrival]], house: House, sealer: Sealer, now: datetime) -> None:
    if not fresh:
        return
    columns = ("petition_no, bureau, division, channel, klass, branch, facts, subject_sealed, text_sealed, origin, origin_ref, received_at, registered_at,"
               " state, holder, next_due, handoffs, journal_seq, journal_head, outcome, parent_petition_no, updated_at")
    with connection.cursor() as cursor:
        with cursor.copy(f"copy petition ({columns}) from stdin") as copy:
            for p, a in fresh:
                copy.write_row((
                    p.petition_no, house.bureau, p.division, a.channel, p.klass, p.branch, Jsonb(p.facts),
                    sealer.seal_text(a.subject, f"petition.subject:{p.petition_no}"), sealer.seal_text(a.text, f"petition.text:{p.petition_no}"),
                    a.origin, a.origin_ref, a.received_at, now, p.state, p.holder, p.next_due, 0, 0, GENESIS, "", p.parent_petition_no, now,
                ))
        with cursor.copy("copy petitioner (petition_no, sealed) from stdin") as copy:
            for p, a in fresh:
                if a.petitioner is not None:
                    copy.write_row((p.petition_no, sealer.seal_json(dict(a.petitioner), f"petitioner:{p.petition_no}")))
