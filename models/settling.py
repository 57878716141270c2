"""What became of tries to deliver: recorded in sets, attempts kept, receipts kept, hand-offs moved through the door, spent messages made duties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from models import attempts, store
from models.attempts import UNTOLD, Row, Tried
from models.db import Connection
from models.door import advance
from models.moves import SYSTEM, Move
from models.outbox import Leased
from models.seal import Sealer
from models.shielding import ERASED
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

    `sure`: of a dead one, that the body surely does not have the message. `spent`: the schedule of this way has come to its end, so that the message
    goes by the body's next way if there is one; until then `verdict` stands. `tried`: how the try went, for its row.
    """

    leased: Leased
    verdict: Verdict
    code: str
    detail: str = ""
    next_at: datetime | None = None
    evidence: Evidence | None = None
    sure: bool = False
    spent: bool = False
    tried: Tried = UNTOLD

    @property
    def doubt(self) -> bool:
        """Whether the body may have the message, without a valid receipt of its own."""
        return self.verdict in ("weak", "unknown") or (self.verdict == "dead" and not self.sure)


def settle(connection: Connection, results: Sequence[Result], owner: str, house: House, sealer: Sealer, now: datetime) -> int:
    """Record what became of these tries, in one transaction of the caller's: receipts move hand-offs, spent messages become duties.

    A receipt counts even when the lease has been lost meanwhile (it is the truth); any other result counts only while the lease is ours.

    Returns:
        How many messages this call receipted for the first time.
    """
    return _settle(connection, results, owner, house, sealer, now)


def confirm(connection: Connection, results: Sequence[Result], house: House, sealer: Sealer, now: datetime) -> int:
    """Enter receipts that were had by asking, outside any try: as `settle`, but no attempt is counted. Returns how many were the first of their message."""
    return _settle(connection, results, None, house, sealer, now)


def _settle(connection: Connection, results: Sequence[Result], owner: str | None, house: House, sealer: Sealer, now: datetime) -> int:
    if not results:
        return 0
    ids = [r.leased.message_id for r in results]
    # The petitions are locked before the outbox rows, here and everywhere, so that two settlings cannot wait for each other.
    connection.execute("select 1 from petition where petition_no = any(%s) order by petition_no for update", (sorted({r.leased.petition_no for r in results}),))
    sql = """select o.message_id, o.state, o.lease_owner, o.attempts, 'by-hand' = any(h.flags) from outbox o join handoff h using (handoff_id)
             where o.message_id = any(%s) for update of o"""
    rows = connection.execute(sql, (ids,)).fetchall()
    state = {i: (s, o, n) for i, s, o, n, _ in rows}
    # A lease is a name and a number: the same sender may have lost this one and taken the message again.
    held = {r.leased.message_id for r in results if owner is not None and state[r.leased.message_id] == ("SENDING", owner, r.leased.attempts)}
    taken = [r for r in results if r.leased.message_id in held or (r.verdict == "receipted" and state[r.leased.message_id][0] != "RECEIPTED")]
    # What was handed over on paper while it was being sent is not tried again: the body would have it twice.
    on_paper = {i for i, *_, by_hand in rows if by_hand}
    taken = [_ended(r) if r.leased.message_id in on_paper else r for r in taken]
    onward = {r.leased.message_id: way for r in taken if r.spent and (way := _onward(r, house)) is not None}
    told = [r for r in taken if r.verdict in ("receipted", "weak") or r.leased.message_id not in on_paper]
    advance(connection, [move for r in told for move in _moves(r, onward.get(r.leased.message_id))], house, sealer, now)
    _move(connection, taken, onward, now)
    if len(told) < len(taken):
        # Nothing follows for these, so that nobody else would take away what must not stay (检举控告工作规则 art 15).
        connection.execute("""update outbox o set body_sealed = '' from petition p where p.petition_no = o.petition_no and %s = any(p.flags) and o.state = 'DEAD'
                              and o.message_id = any(%s)""", (ERASED, sorted(on_paper)))
    if owner is not None:
        _keep(connection, results, taken, held, onward, now)
    _prove(connection, taken, now)
    return sum(r.verdict in ("receipted", "weak") for r in taken)


def _ended(result: Result) -> Result:
    """As a result that nothing follows, unless it is a receipt."""
    return result if result.verdict in ("receipted", "weak") else replace(result, verdict="dead", next_at=None, sure=not result.doubt, spent=False)


def _onward(result: Result, house: House) -> int | None:
    """The way by which a message goes whose schedule on its present way is spent; None where it may go by none."""
    m = result.leased
    return house.bodies.get(m.body).next_way(m.way, doubtful=result.doubt) if m.body in house.bodies else None


def _moves(result: Result, onward: int | None) -> list[Move]:
    m = result.leased
    if result.verdict in ("receipted", "weak"):
        said = {"message_id": m.message_id, "message": m.message, "sequence": m.sequence, "round": m.round, "then": m.partner_state,
                "weak": result.verdict == "weak"}
        weak = [Move("flag", SYSTEM, handoff_id=m.handoff_id, data={"code": "weak-receipt"})] if result.verdict == "weak" else []
        return [Move("receipt", SYSTEM, handoff_id=m.handoff_id, data=said), *weak]
    if result.verdict == "dead" or onward is not None:
        data = {"kind": "undelivered", "ref": m.message_id, "code": result.code, "attempts": m.attempts, "message_id": m.message_id,
                **({} if onward is None else {"to_way": onward})}
        refused = result.sure and onward is None and m.message == "handoff.request"
        flag = [Move("flag", SYSTEM, handoff_id=m.handoff_id, data={"code": REFUSED})] if refused else []
        return [Move("duty.open", SYSTEM, handoff_id=m.handoff_id, data=data), *flag]
    return []


def _move(connection: Connection, taken: Sequence[Result], onward: Mapping[str, int], now: datetime) -> None:
    """The new state of each message, its next date and its way."""
    if not taken:
        return
    rows = []
    for r in taken:
        way = onward.get(r.leased.message_id)
        state = _STATE[r.verdict] if way is None else _STATE["unknown" if r.doubt else "retry"]
        rows.append((r.leased.message_id, state, r.next_at if way is None else now, way))
    connection.execute(
        """update outbox o set state = v.state, next_attempt_at = coalesce(v.next_at, o.next_attempt_at), lease_owner = null, lease_until = null,
           receipted_at = case when v.state in ('RECEIPTED', 'WEAK_RECEIPT') then %s end, dead_at = case when v.state = 'DEAD' then %s end,
           way = coalesce(v.way, o.way), way_attempts = case when v.way is null then o.way_attempts else 0 end
           from unnest(%s::text[], %s::text[], %s::timestamptz[], %s::int[]) as v(message_id, state, next_at, way) where o.message_id = v.message_id""",
        (now, now, *(list(column) for column in zip(*rows, strict=True))),
    )
    if onward or any(r.verdict in ("receipted", "weak", "dead") for r in taken):
        # What stood behind a message in its hand-off's line may go now, or the message itself by another way.
        store.notify(connection, "outbox")


def _keep(connection: Connection, results: Sequence[Result], taken: Sequence[Result], held: Set[str], onward: Mapping[str, int], now: datetime) -> None:
    """The row of each try."""
    counted = {(r.leased.message_id, r.leased.attempts) for r in taken}
    rows = []
    for r in [*taken, *(r for r in results if (r.leased.message_id, r.leased.attempts) not in counted)]:
        m = r.leased
        late, gone = (m.message_id, m.attempts) not in counted, m.message_id in onward
        outcome = ("unknown" if r.doubt else "retry") if gone else r.verdict
        # A try that comes too late to count has no next date, and its message is as doubtful as it was left.
        next_at = None if late else now if gone else r.next_at
        rows.append(Row(m.message_id, m.attempts, m.way, outcome, r.code, r.detail, next_at, r.doubt or (late and r.verdict != "receipted"), r.tried))
    again = [(r.leased.message_id, r.leased.attempts) for r in results if r.leased.message_id not in held]
    attempts.record(connection, rows, now, again=again)


def _prove(connection: Connection, taken: Sequence[Result], now: datetime) -> None:
    """Receipts are kept as they came; the first of a message counts."""
    proved = [r for r in taken if r.evidence is not None]
    if proved:
        rows = [(r.leased.message_id, e.receipt_id, r.leased.body, e.received_at, e.status, e.raw, e.signature, now) for r in proved if (e := r.evidence)]
        connection.execute(
            """insert into receipt (message_id, receipt_id, body, received_at, status, raw, signature, stored_at)
               select * from unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::bytea[], %s::text[], %s::timestamptz[])
               on conflict (message_id) do nothing""",
            [list(column) for column in zip(*rows, strict=True)],
        )
