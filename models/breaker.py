"""How a body's endpoints fare, shared by every worker: who may send what now, and what was seen of it. The rules are rules.breaker's.

Everything stands in table `body`, a row a way; its rows are locked last, and nothing is waited for with one locked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from config.body import Rate
from models import store
from models.db import Connection
from rules import breaker as rules
from rules.breaker import Breaker, Bucket, Seen

# Of a row `b` of table body at %(now)s. Where time was stepped back before a wait began, the wait is no longer believed: `admit` begins it anew.
OPEN_NOW = "(b.breaker <> 'CLOSED' and b.probe_at > %(now)s and b.waits_from <= %(now)s)"
SUSPENDED_NOW = "(b.suspended_at is not null and (b.suspended_until is null or b.suspended_until > %(now)s))"
DRY_NOW = "(b.token_at > %(now)s and b.tokens_at <= %(now)s)"

_BREAKER = "breaker, failures, openings, opened_at, waits_from, probe_at, probe_owner, probe_message, cause"
# That a body is well is written down no oftener than this.
_OK_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Admission:
    """What may be leased now: `count` messages in all, none by the ways in `shut`, one by each of `probes`, as the probe of that way."""

    count: int
    probes: frozenset[int] = frozenset()
    shut: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _Row:
    way: int
    breaker: Breaker
    suspended: bool
    dry: bool
    bucket: Bucket
    last_ok_at: datetime | None


def admit(connection: Connection, body: str, wanted: int, now: datetime, rate: Rate | None = None) -> Admission:
    """How many of the `wanted` messages may be leased at `now` (aware), by whom ever. Locks the body's rows unless there is nothing to mind.

    Whoever leases any tells it in the same transaction by `took`. `rate`: what bodies.yaml says; None: as fast as it will take them.
    """
    rows = _rows(connection, body, now)
    if rate is None and not any(row.suspended or row.breaker.state != "CLOSED" for row in rows):
        return Admission(wanted)
    rows = _locked(connection, body, {0}, now)
    if rows[0].suspended or (rate is not None and rows[0].dry):
        return Admission(0)
    passes = {}
    for row in rows:
        breaker = rules.at(row.breaker, now)
        if breaker != row.breaker:
            _write(connection, body, row.way, breaker, now)
        passes[row.way] = rules.may_pass(breaker, now)
    count = wanted
    if rate is not None:
        bucket = rules.refill(rows[0].bucket, rate.each_second, rate.at_once, now)
        _pour(connection, body, bucket, rate)
        count = min(wanted, rules.whole(bucket))
    return Admission(count, frozenset(w for w, p in passes.items() if p == "one"), frozenset(w for w, p in passes.items() if p == "none"))


def took(connection: Connection, body: str, admission: Admission, leased: Sequence[tuple[str, int]], owner: str, now: datetime, lease: timedelta,
         rate: Rate | None = None) -> None:
    """These messages (id, way) were leased under this admission: tokens are spent, probes are under way until the lease ends."""
    if not leased or (rate is None and not admission.probes):
        return
    for row in _locked(connection, body, {0}, now):
        if row.way in admission.probes and (probe := next((i for i, way in leased if way == row.way), None)):
            _write(connection, body, row.way, rules.probe(row.breaker, probe, owner, now, lease), now)
        if row.way == 0 and rate is not None:
            _pour(connection, body, rules.take(row.bucket, len(leased)), rate)


def give_back(connection: Connection, body: str, message_ids: Collection[str], owner: str, now: datetime, rate: Rate | None = None) -> None:
    """These messages were leased and not tried: their tokens are there again, and another may be the probe."""
    rows = _rows(connection, body, now)
    if not message_ids or (rate is None and all(row.breaker.state != "HALF_OPEN" for row in rows)):
        return
    for row in _locked(connection, body, {0}, now):
        back = rules.give_back(row.breaker, message_ids, owner, now)
        if back != row.breaker:
            _write(connection, body, row.way, back, now)
        if row.way == 0 and rate is not None:
            _pour(connection, body, rules.put_back(row.bucket, len(message_ids), rate.at_once), rate)


@dataclass(frozen=True, slots=True)
class Gate:
    """What stands in the way of a body: whether it is suspended, and its breakers that are not closed, by way."""

    suspended: bool
    open: Mapping[int, Breaker]

    @property
    def free(self) -> bool:
        return not self.suspended and not self.open


def learn(connection: Connection, body: str, seen: Sequence[tuple[int, Seen]], now: datetime) -> Gate:
    """What tries have shown, in order, each with its way; recorded with their settlement. Returns how the body stands after it."""
    rows = _rows(connection, body, now)
    failed = any(s.kind in ("failure", "endpoint") for _, s in seen)
    if failed or any(not row.breaker.well for row in rows):
        rows = _locked(connection, body, {way for way, _ in seen}, now)
        for i, row in enumerate(rows):
            breaker = row.breaker
            for way, one in seen:
                if way == row.way:
                    breaker = rules.learn(breaker, one, now)
            if breaker != row.breaker:
                _write(connection, body, row.way, breaker, now)
                if breaker.state == "CLOSED" != row.breaker.state:
                    # The others need not wait for the date of the next probe.
                    store.notify(connection, "outbox")
            rows[i] = replace(row, breaker=breaker)
    _well(connection, body, {way for way, s in seen if s.kind == "receipt"}, rows, now)
    return Gate(any(row.suspended for row in rows), {row.way: row.breaker for row in rows if row.breaker.state != "CLOSED"})


def free(connection: Connection, dead: Collection[str], now: datetime) -> int:
    """These processes are dead: what they were probing may be probed by others at once. Returns how many probes that were."""
    sql = f"select code, way, {_BREAKER} from body where breaker = 'HALF_OPEN' and probe_owner = any(%s) order by code, way for update"
    rows = connection.execute(sql, (list(dead),)).fetchall()
    for code, way, *columns in rows:
        _write(connection, code, way, rules.orphaned(Breaker(*columns), dead, now), now)
    return len(rows)


def probers(connection: Connection) -> list[str]:
    """The processes that have a probe under way."""
    return [owner for (owner,) in connection.execute("select distinct probe_owner from body where breaker = 'HALF_OPEN'")]


def shut(connection: Connection, now: datetime) -> frozenset[str]:
    """Bodies that are to be left alone now: suspended, or known to be down and not to be tried before a date. Not only for sending."""
    sql = f"select b.code from body b where b.way = 0 and ({OPEN_NOW} or {SUSPENDED_NOW})"
    return frozenset(code for (code,) in connection.execute(sql, {"now": now}))


@dataclass(frozen=True, slots=True)
class Standing:
    """What an operator is shown of one way of a body. `suspended_until` None: until it is resumed."""

    body: str
    way: int
    breaker: Breaker
    suspended: bool
    suspended_at: datetime | None
    suspended_until: datetime | None
    suspended_by: str
    suspended_reason: str
    token_at: datetime | None


def standing(connection: Connection, now: datetime, bodies: Collection[str] | None = None) -> list[Standing]:
    """Every way of these bodies (None: all) that is not simply well, by code and way: open or half open, suspended now, or waiting for a token."""
    sql = f"""select b.code, b.way, {_BREAKER}, {SUSPENDED_NOW}, b.suspended_at, b.suspended_until, b.suspended_by, b.suspended_reason,
                case when {DRY_NOW} then b.token_at end
              from body b where (%(all)s or b.code = any(%(codes)s)) and (b.breaker <> 'CLOSED' or {SUSPENDED_NOW} or {DRY_NOW}) order by b.code, b.way"""
    rows = connection.execute(sql, {"now": now, "all": bodies is None, "codes": list(bodies or ())})
    return [Standing(code, way, Breaker(*rest[:9]), *rest[9:]) for code, way, *rest in rows]


def _rows(connection: Connection, body: str, now: datetime, *, lock: bool = False) -> list[_Row]:
    sql = f"select b.way, {_BREAKER}, {SUSPENDED_NOW}, coalesce({DRY_NOW}, false), b.tokens, b.tokens_at, b.last_ok_at from body b where b.code = %(body)s order by b.way"
    rows = connection.execute(sql + (" for update" if lock else ""), {"now": now, "body": body})
    return [_Row(way, Breaker(*rest[:9]), rest[9], rest[10], Bucket(rest[11], rest[12]), rest[13]) for way, *rest in rows]


def _locked(connection: Connection, body: str, ways: Collection[int], now: datetime) -> list[_Row]:
    """The body's rows, way 0 first, those of these ways made where they are missing."""
    connection.execute("insert into body (code, way, failures, updated_at) select %s, unnest(%s::int[]), 0, %s on conflict (code, way) do nothing",
                       (body, sorted({0, *ways}), now))
    return _rows(connection, body, now, lock=True)


def _write(connection: Connection, body: str, way: int, b: Breaker, now: datetime) -> None:
    said: tuple[Any, ...] = (b.state, b.failures, b.openings, b.opened_at, b.waits_from, b.probe_at, b.probe_owner, b.probe_message, b.cause[:200])
    connection.execute(f"update body set ({_BREAKER}) = (%s, %s, %s, %s, %s, %s, %s, %s, %s), updated_at = %s where code = %s and way = %s",
                       (*said, now, body, way))


def _pour(connection: Connection, body: str, bucket: Bucket, rate: Rate) -> None:
    connection.execute("update body set tokens = %s, tokens_at = %s, token_at = %s where code = %s and way = 0",
                       (bucket.tokens, bucket.at, rules.due_again(bucket, rate.each_second, rate.at_once), body))


def _well(connection: Connection, body: str, ways: Collection[int], rows: Sequence[_Row], now: datetime) -> None:
    known = {row.way: row.last_ok_at for row in rows}
    stale = [way for way in ways if (last := known.get(way)) is None or not timedelta(0) <= now - last < _OK_EVERY]
    if stale:
        connection.execute("""insert into body (code, way, failures, last_ok_at, updated_at) select %s, unnest(%s::int[]), 0, %s, %s
                              on conflict (code, way) do update set last_ok_at = excluded.last_ok_at""", (body, sorted(stale), now, now))
