"""What became of tries to deliver: recorded in sets, attempts kept, receipts kept, hand-offs moved through the door, spent messages made duties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from models import store
from models.db import Connection
from models.door import advance
from models.moves import SYSTEM, Move
from models.outbox import Leased
from models.seal import Sealer
from rules.edge_guards import REFUSED
from rules.house import House

Verdict = Literal["receipted", "weak", "retry", "unknown", "dead"]
_STATE = {"receipted": "RECEIPTED", "weak": "WEAK_RECEIPT", "retry": "RETRY_WAIT", "unknown": "UNKNOWN", "dead": "DEAD"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """The receipt as it came: its bytes and the signature headers over them."""

    receipt_id: str
    received_at: datetime
    status: str
    raw: bytes
    signature: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one try. `code` and `detail` name causes, never content; `next_at` is needed for retry and unknown.

    `sure`: of a dead one, that the body said no to this very message, so that it surely does not have it.
    """

    leased: Leased
    verdict: Verdict
    code: str
    detail: str = ""
    next_at: datetime | None = None
    evidence: Evidence | None = None
    sure: bool = False


def settle(connection: Connection, results: Sequence[Result], owner: str, house: House, sealer: Sealer, now: datetime) -> int:
    """Record what became of these tries, in one transaction of the caller's: receipts move hand-offs, spent messages become duties.

    A receipt counts even when the lease has been lost meanwhile (it is the truth); any other result counts only while the lease is ours.

    Returns:
        How many messages this call receipted for the first time.
    """
    if not results:
        return 0
    ids = [r.leased.message_id for r in results]
    # The petitions are locked before the outbox rows, here and everywhere, so that two settlings cannot wait for each other.
    connection.execute("select 1 from petition where petition_no = any(%s) order by petition_no for update", (sorted({r.leased.petition_no for r in results}),))
    state = {i: (s, o) for i, s, o in connection.execute("select message_id, state, lease_owner from outbox where message_id = any(%s) for update", (ids,))}
    taken = [r for r in results if _counts(r, *state[r.leased.message_id], owner)]
    advance(connection, [move for r in taken for move in _moves(r)], house, sealer, now)
    _record(connection, results, taken, now)
    return sum(r.verdict in ("receipted", "weak") for r in taken)


def _counts(result: Result, state: str, lease_owner: str | None, owner: str) -> bool:
    if result.verdict == "receipted":
        return state != "RECEIPTED"
    return state == "SENDING" and lease_owner == owner


def _moves(result: Result) -> list[Move]:
    m = result.leased
    if result.verdict in ("receipted", "weak"):
        said = {"message_id": m.message_id, "message": m.message, "sequence": m.sequence, "round": m.round, "then": m.partner_state,
                "weak": result.verdict == "weak"}
        weak = [Move("flag", SYSTEM, handoff_id=m.handoff_id, data={"code": "weak-receipt"})] if result.verdict == "weak" else []
        return [Move("receipt", SYSTEM, handoff_id=m.handoff_id, data=said), *weak]
    if result.verdict == "dead":
        data = {"kind": "undelivered", "ref": m.message_id, "code": result.code, "attempts": m.attempts, "message_id": m.message_id}
        refused = result.sure and m.message == "handoff.request"
        flag = [Move("flag", SYSTEM, handoff_id=m.handoff_id, data={"code": REFUSED})] if refused else []
        return [Move("duty.open", SYSTEM, handoff_id=m.handoff_id, data=data), *flag]
    return []


def _record(connection: Connection, results: Sequence[Result], taken: Sequence[Result], now: datetime) -> None:
    if taken:
        connection.execute(
            """update outbox o set state = v.state, next_attempt_at = coalesce(v.next_at, o.next_attempt_at), lease_owner = null, lease_until = null,
               receipted_at = case when v.state in ('RECEIPTED', 'WEAK_RECEIPT') then %s end
               from unnest(%s::text[], %s::text[], %s::timestamptz[]) as v(message_id, state, next_at) where o.message_id = v.message_id""",
            (now, [r.leased.message_id for r in taken], [_STATE[r.verdict] for r in taken], [r.next_at for r in taken]),
        )
    cursor = connection.cursor()
    with cursor.copy("copy attempt (message_id, attempt_no, at, outcome, code, detail, next_at) from stdin") as copy:
        for r in results:
            copy.write_row((r.leased.message_id, r.leased.attempts, now, r.verdict, r.code, r.detail[:500], r.next_at))
    proved = [r for r in taken if r.evidence is not None]
    if proved:
        rows = [(r.leased.message_id, e.receipt_id, r.leased.body, e.received_at, e.status, e.raw, e.signature, now) for r in proved if (e := r.evidence)]
        cursor.execute(
            """insert into receipt (message_id, receipt_id, body, received_at, status, raw, signature, stored_at)
               select * from unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::bytea[], %s::text[], %s::timestamptz[])
               on conflict (message_id) do nothing""",
            [list(column) for column in zip(*rows, strict=True)],
        )
    if any(r.verdict in ("receipted", "weak") for r in taken):
        # What stood behind the receipted message in its hand-off's line may go now.
        store.notify(connection, "outbox")
