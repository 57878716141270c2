"""How a body's endpoint fares, shared by every worker: paused after faults, well again when it answers."""

from __future__ import annotations

from datetime import datetime

from models.db import Connection


def pause(connection: Connection, body: str, until: datetime, reason: str, now: datetime, *, fault: bool = True) -> None:
    """Stop calling a body until then; its messages stay queued. A pause for a fault makes the next one longer, and never shortens one that stands."""
    connection.execute(
        """insert into body (code, paused_until, pause_reason, failures, updated_at) values (%s, %s, %s, %s, %s)
           on conflict (code) do update set
           paused_until = case when %s and body.paused_until > excluded.paused_until then body.paused_until else excluded.paused_until end,
           pause_reason = case when %s and body.paused_until > excluded.paused_until then body.pause_reason else excluded.pause_reason end,
           failures = body.failures + excluded.failures, updated_at = excluded.updated_at""",
        (body, until, reason[:200], int(fault), now, fault, fault),
    )


def failures(connection: Connection, body: str) -> int:
    """How many endpoint faults in a row a body has had."""
    row = connection.execute("select failures from body where code = %s", (body,)).fetchone()
    return int(row[0]) if row else 0


def well(connection: Connection, body: str, now: datetime) -> None:
    """The body answered: its faults are over. A pause that began while it was being called is somebody's wish, or a newer fault, and stays."""
    connection.execute(
        """insert into body (code, pause_reason, failures, last_ok_at, updated_at) values (%s, '', 0, %s, %s)
           on conflict (code) do update set paused_until = case when body.paused_until > excluded.last_ok_at then body.paused_until end,
           pause_reason = case when body.paused_until > excluded.last_ok_at then body.pause_reason else '' end, failures = 0,
           last_ok_at = excluded.last_ok_at, updated_at = excluded.updated_at""",
        (body, now, now),
    )
