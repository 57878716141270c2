"""暂停投递, 恢复投递: what a person says about a body, beside its breaker. A breaker that closes lifts no suspension; a resumption closes no breaker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models import store
from models.breaker import SUSPENDED_NOW
from models.db import Connection
from rules.house import House


@dataclass(frozen=True, slots=True)
class Act:
    """One act: `act` is suspend or resume; `until` of a suspension, None: until it is resumed."""

    body: str
    act: str
    at: datetime
    by: str
    reason: str
    until: datetime | None


def suspend(connection: Connection, body: str, by: str, reason: str, until: datetime | None, house: House, now: datetime) -> None:
    """Nothing more goes to `body` until then (aware; None: until `resume`); its messages wait, its clocks go on. A later one takes the place of an earlier.

    Raises ValueError, in Chinese, for an unknown body, a missing reason, or a date that is past.
    """
    _known(body, reason, house)
    if until is not None and until <= now:
        raise ValueError("暂停的截止时间已过；请写将来的时间，或不写 --until，直到恢复为止")
    connection.execute(
        """insert into body (code, way, failures, suspended_at, suspended_until, suspended_by, suspended_reason, updated_at) values (%s, 0, 0, %s, %s, %s, %s, %s)
           on conflict (code, way) do update set suspended_at = excluded.suspended_at, suspended_until = excluded.suspended_until,
           suspended_by = excluded.suspended_by, suspended_reason = excluded.suspended_reason, updated_at = excluded.updated_at""",
        (body, now, until, by, reason.strip(), now))
    _keep(connection, Act(body, "suspend", now, by, reason.strip(), until))
    store.notify(connection, "outbox")


def resume(connection: Connection, body: str, by: str, reason: str, house: House, now: datetime) -> bool:
    """The body is sent to again, as its breaker allows. Returns whether it had been suspended. Raises ValueError as `suspend`."""
    _known(body, reason, house)
    sql = f"""update body b set suspended_at = null, suspended_until = null, suspended_by = '', suspended_reason = '', updated_at = %(now)s
              where b.code = %(body)s and b.way = 0 and {SUSPENDED_NOW}"""
    if not connection.execute(sql, {"now": now, "body": body}).rowcount:
        return False
    _keep(connection, Act(body, "resume", now, by, reason.strip(), None))
    store.notify(connection, "outbox")
    return True


def acts(connection: Connection, body: str | None = None, limit: int = 50) -> Sequence[Act]:
    """The latest acts on a body, or on all, newest first."""
    sql = "select body, act, at, by, reason, until from suspension where %s::text is null or body = %s order by id desc limit %s"
    return [Act(*row) for row in connection.execute(sql, (body, body, limit))]


def _keep(connection: Connection, act: Act) -> None:
    connection.execute("insert into suspension (body, act, at, by, reason, until) values (%s, %s, %s, %s, %s, %s)",
                       (act.body, act.act, act.at, act.by, act.reason, act.until))


def _known(body: str, reason: str, house: House) -> None:
    if body not in house.bodies:
        raise ValueError(f"机关目录中没有 {body[:80]}；用 tonglu bodies 查看代码")
    if not reason.strip():
        raise ValueError("须写明原因；加 --reason 原因（不写个人信息）")
