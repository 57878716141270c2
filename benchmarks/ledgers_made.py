"""A ledger of a million for the benchmark: some hand-offs made through the door and sent, the rest multiplied from one of them in SQL."""

# ruff: noqa: S608  (names of tables and columns written here, never from input)

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.common import wait_for
from config.settings import Settings
from connectors.keyring import Keyring
from connectors.wire.receipts import body_digest
from flows import dispatch
from flows.context import Context, open_context, using
from flows.trace import SILENT
from models import migrate
from models.door import advance
from models.moves import Actor, Arrival, Done, Move, Route
from models.seal import sealer_for
from rules.calendar import SHANGHAI
from rules.ledgers import Kind
from runtime.child import Child

BODY, OTHER = "court-990102", "agency-housing-990102"
DAYS = 365
_CHUNK = 500
# What is made differently for these kinds; for the others a hand-off that was delivered is enough.
_SIGNED, _ACCEPTED, _URGED = ("we_ahead",), ("two_case_numbers",), ("messages_missing_at_partner",)


@dataclass(frozen=True, slots=True)
class Made:
    """A hand-off of which one side will say something else."""

    handoff_id: str
    petition_no: str
    day: date
    message_id: str
    digest: str
    case_no: str | None

    def lie(self, kind: Kind) -> tuple[dict[str, Any], dict[str, Any]]:
        """The partner's columns as they are, and as they are told."""
        if kind == "we_ahead":
            return {"state": "SIGNED", "last_out": 1}, {"state": "DELIVERED", "last_out": 0}
        if kind == "digest_differs":
            return {"digest": self.digest}, {"digest": body_digest(self.handoff_id.encode())}
        if kind == "two_case_numbers":
            return {"case_no": self.case_no}, {"case_no": f"{self.case_no}之二"}
        return {"state": "DELIVERED"}, {"state": "IN_PROGRESS"}


@contextmanager
def make(settings: Settings, handoffs: int, differing: int, partner: Child) -> Iterator[dict[Kind, list[Made]]]:
    """Fill the ledger at `settings.database_url` and start the partner on what it says. Yields, by kind, hand-offs that can be made to differ.

    The partner runs until the end; it is started twice, because what is sent to it first is read back from the ledger afterwards.
    """
    from benchmarks.ledgers import KINDS

    url, folder = settings.database_url, settings.data_dir
    migrate.upgrade(url)
    ring = Keyring(settings.keys)
    ring.ensure([BODY, OTHER])
    sealer_for("", settings.keys, create=True)
    keys = ring.of(BODY)
    (folder / "keys.json").write_text(json.dumps({"to_body": list(keys.to_body), "from_body": list(keys.from_body)}))
    (folder / "items.tsv").write_text("")
    each = differing // len(KINDS) + 8
    partner.start()
    wait_for(f"http://127.0.0.1:{settings.sandbox_port}/control/up")
    context = open_context(settings)
    try:
        with using(context):
            numbers = {kind: _specials(context, kind, each) for kind in KINDS}
    finally:
        context.close()
    partner.stop()
    with psycopg.connect(url, autocommit=True) as connection:
        _spread(connection)
        _multiply(connection, numbers["two_case_numbers"][0], handoffs - len(KINDS) * each)
        connection.execute("vacuum analyze")
        _write(connection, folder / "items.tsv")
        specials = {kind: _made(connection, some) for kind, some in numbers.items()}
    partner.start()
    try:
        yield specials
    finally:
        partner.stop()


def _specials(context: Context, kind: Kind, count: int) -> list[str]:
    """Petitions handed to the body through the door and sent to it; their numbers."""
    clerk, now = Actor("bureau", context.settings.bureau), context.now()
    body = OTHER if kind == "of_another_body" else BODY
    found: list[str] = []
    for start in range(0, count, _CHUNK):
        arrivals = [Arrival("bench", f"{kind}-{i}", "990102", "online", "claim", now, f"基准测试 {kind} {i}", "正文" * 120,
                            {"name": "基准测试", "phone": "10000000000", "address": "东屿区"}, {"klass": "claim", "art31": 6, "division": "990102"}, clerk)
                    for i in range(start, min(count, start + _CHUNK))]
        answers = _advance(context, arrivals)
        some = [a.petition_no for a in answers if isinstance(a, Done)]
        _advance(context, [Move("petition.route", clerk, petition_no=n, route=Route(body, "转送", "B3.6", "XF 31(6)", "B3.6")) for n in some])
        found += some
    if kind == "receipt_lost":
        context.transact_now(lambda c: c.execute(
            "update outbox set state = 'UNKNOWN', attempts = 1, way_attempts = 1, next_attempt_at = %s where petition_no = any(%s)", (now + timedelta(hours=10), found)))
    elif kind != "of_another_body":
        _send(context)
        _more(context, kind, found)
    return found


def _more(context: Context, kind: Kind, numbers: Sequence[str]) -> None:
    ids = [h for (h,) in context.transact_now(lambda c: c.execute("select handoff_id from handoff where petition_no = any(%s)", (list(numbers),)).fetchall())]
    now = context.now().astimezone(SHANGHAI)
    for start in range(0, len(ids), _CHUNK):
        some = ids[start : start + _CHUNK]
        if kind in _URGED:
            _advance(context, [Move("handoff.urge", Actor("bureau", context.settings.bureau), handoff_id=h) for h in some])
        elif kind in _SIGNED:
            said = {"office": "收发室", "person_role": "收件人", "signed_at": now.isoformat(timespec="seconds")}
            _advance(context, [Move("handoff.signed", Actor("partner", BODY), handoff_id=h, data=said, sequence=1) for h in some])
        elif kind in _ACCEPTED:
            _advance(context, [Move("handoff.accepted", Actor("partner", BODY), handoff_id=h, sequence=1,
                                    data={"partner_case_no": f"（2026）基01信{start + i}号", "procedure": "信访", "told_on": now.date().isoformat()})
                               for i, h in enumerate(some)])
    _send(context)


def _advance(context: Context, moves: Sequence[Move | Arrival]) -> list[Any]:
    answers = context.transact_now(lambda c: advance(c, moves, context.house, context.sealer, context.now()))
    assert all(isinstance(a, Done) for a in answers), [a for a in answers if not isinstance(a, Done)][:1]
    return answers


def _send(context: Context) -> None:
    while asyncio.run(dispatch.run(context, SILENT, BODY)).tried:
        pass


_START = "(current_date - %(days)s)"


def _spread(connection: psycopg.Connection[Any]) -> None:
    """What was made today is spread over the year. The last day is left out, so that there is a day after each."""
    connection.execute(f"""update handoff h set issued_day = {_START} + (v.n %% (%(days)s - 1))::int
                           from (select handoff_id, row_number() over (order by md5(handoff_id)) as n from handoff) v where v.handoff_id = h.handoff_id""", {"days": DAYS})


def _multiply(connection: psycopg.Connection[Any], petition_no: str, count: int) -> None:
    """`count` hand-offs like that of this petition, with its petition and message, evenly over the year, by ids that rise with the days."""
    given = {"no": petition_no, "days": DAYS, "count": count}
    connection.execute("set session_replication_role = replica")  # the rows fit together by making: the foreign keys need not be looked up a million times
    connection.execute(f"""create temp table made as select n, d.day, 'XF990102' || to_char(d.day, 'YYYYMMDD') || lpad((n %% 900000 + 1)::text, 6, '0') as petition_no,
                             {_uuid('h', 'd.day', 'n')} as handoff_id, {_uuid('m', 'd.day', 'n')} as message_id
                           from generate_series(1, %(count)s) n cross join lateral (select {_START} + (n::bigint * %(days)s / (%(count)s + 1))::int as day) d""", given)
    _copies(connection, "petition", "petition_no = %(no)s", {"petition_no": "made.petition_no", "origin_ref": "'bench-' || made.n", "open_handoff": "made.handoff_id"}, given)
    _copies(connection, "handoff", "petition_no = %(no)s", {
        "petition_no": "made.petition_no", "handoff_id": "made.handoff_id", "issued_day": "made.day", "partner_case_no": "'（2025）基02信' || made.n || '号'",
        "request_digest": "'sha-256=:' || encode(sha256(made.handoff_id::bytea), 'base64') || ':'"}, given)
    _copies(connection, "outbox", "petition_no = %(no)s and message = 'handoff.request'", {
        "petition_no": "made.petition_no", "handoff_id": "made.handoff_id", "message_id": "made.message_id", "body_sealed": "'\\x00'::bytea",
        "digest": "'sha-256=:' || encode(sha256(made.handoff_id::bytea), 'base64') || ':'"}, given)
    connection.execute("set session_replication_role = default")


def _uuid(mark: str, day: str, n: str) -> str:
    """SQL for a UUIDv7: the milliseconds of a moment of that day, the rest from the number."""
    ms = f"lpad(to_hex((extract(epoch from {day}) * 1000)::bigint + {n}), 12, '0')"
    rest = f"md5('{mark}' || {n})"
    return f"left({ms}, 8) || '-' || right({ms}, 4) || '-7' || left({rest}, 3) || '-8' || substr({rest}, 4, 3) || '-' || substr({rest}, 7, 12)"


def _copies(connection: psycopg.Connection[Any], name: str, where: str, other: Mapping[str, str], given: Mapping[str, Any]) -> None:
    columns = [c for (c,) in connection.execute("select column_name::text from information_schema.columns where table_name = %s order by ordinal_position", (name,))]
    taken = ", ".join(other.get(c, f't."{c}"') for c in columns)
    listed = ", ".join(f'"{c}"' for c in columns)
    connection.execute(f"insert into {name} ({listed}) select {taken} from {name} t cross join made where t.{where}", given)


def _write(connection: psycopg.Connection[Any], path: Path) -> None:
    """Our ledger as the partner has it: the digests of both sides then agree."""
    sql = f"""copy (select issued_day, handoff_id, petition_no, coalesce(partner_case_no, ''), partner_state, partner_round, acked_out, seq_in, request_digest
              from handoff where body = '{BODY}' and acked_out > 0 order by issued_day, handoff_id) to stdout"""
    with path.open("wb") as file, connection.cursor().copy(sql) as copy:
        for chunk in copy:
            file.write(chunk)


def _made(connection: psycopg.Connection[Any], numbers: Sequence[str]) -> list[Made]:
    rows = connection.execute(
        """select h.handoff_id, h.petition_no, h.issued_day, o.message_id, h.request_digest, h.partner_case_no from handoff h
           join outbox o on o.handoff_id = h.handoff_id and o.message = 'handoff.request' where h.petition_no = any(%s) order by md5(h.handoff_id)""", (list(numbers),))
    return [Made(*row) for row in rows]
