"""Messages that go again: same id, same bytes, never those that may not travel any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from models import store
from models.db import Connection
from rules.edge_guards import REFUSED

_SHUT = "o.body_sealed = '' or exists (select 1 from handoff h where h.handoff_id = o.handoff_id and 'silenced' = any(h.flags))"


def requeue(connection: Connection, message_ids: Sequence[str], now: datetime) -> int:
    """Messages that a partner turned out not to hold go again, same id, same bytes. Returns how many.

    Not those whose bytes were erased (JJ 15), and none about a hand-off that is `silenced`: its body stands accused by now, or it was taken back.
    """
    sql = """update outbox o set state = 'UNKNOWN', next_attempt_at = %s where message_id = any(%s)
             and state in ('RECEIPTED', 'WEAK_RECEIPT', 'DEAD', 'RETRY_WAIT', 'UNKNOWN') and not (""" + _SHUT + """)
             returning handoff_id, message"""
    ids = list(message_ids)
    # The petitions are locked before the outbox rows: whoever learns of an accusation meanwhile is waited for.
    connection.execute("""select 1 from petition where petition_no in (select petition_no from outbox where message_id = any(%s))
                          order by petition_no for update""", (ids,))
    again = connection.execute(sql, (now, ids)).fetchall()
    requests = [handoff for handoff, message in again if message == "handoff.request"]
    if requests:
        # From now on it is doubtful again whether the body has it.
        connection.execute("update handoff set flags = array_remove(flags, %s) where handoff_id = any(%s) and %s = any(flags)", (REFUSED, requests, REFUSED))
    if again:
        store.notify(connection, "outbox")
    return len(again)


def cannot_go(connection: Connection, message_ids: Sequence[str]) -> list[str]:
    """Those of these messages that may never be sent again, because their bytes were erased or their hand-off is silenced."""
    return [i for (i,) in connection.execute(f"select message_id from outbox o where message_id = any(%s) and ({_SHUT})", (list(message_ids),))]
