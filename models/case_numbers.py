"""One hand-off, one case at the partner: a second case number told for it is a second case made of it, and never written over the first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.db import Connection

CODE = "two-case-numbers"
ACCEPTED = "handoff.accepted"


def second(connection: Connection, told: Mapping[int, tuple[str, Any]]) -> set[int]:
    """Of these acceptances (inbox number → hand-off, case number told) those whose hand-off already has another number."""
    if not told:
        return set()
    sql = "select handoff_id, partner_case_no from handoff where handoff_id = any(%s) and partner_case_no is not null"
    known = dict(connection.execute(sql, (sorted({handoff for handoff, _ in told.values()}),)).fetchall())
    return {number for number, (handoff, case_no) in told.items() if handoff in known and str(case_no)[:300] != known[handoff]}
