"""Messages that go again: same id, same bytes, never those that may not travel any more.

Whether a body may already hold a message is told from what its tries came to (`Candidate.has`): nobody resends what is confirmed, and nobody
sends what may have arrived into another system.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from models import attempts, store
from models.db import Connection
from models.door import advance
from models.moves import Actor, Done, Move
from models.outbox import ON_PAPER
from models.seal import Sealer
from rules.edge_guards import REFUSED
from rules.house import House
from rules.taxonomy import Has

RESENDABLE = ("DEAD", "UNKNOWN", "WEAK_RECEIPT", "RETRY_WAIT")
"""The states from which an operator may send again in bulk; what was never tried goes by itself."""
ACT = "message.resend"

_SHUT = "o.body_sealed = '' or exists (select 1 from handoff h where h.handoff_id = o.handoff_id and 'silenced' = any(h.flags))"
_STAYS = f"{_SHUT} or (o.state = 'DEAD' and {ON_PAPER})"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message that somebody may want to send again. `has`: whether the body holds it, as far as the ledger knows.

    `stop`: why it may not be sent, or "": receipted, sending (its lease runs until `lease_until`), erased, silenced, on-paper.
    """

    message_id: str
    handoff_id: str
    petition_no: str
    body: str
    message: str
    sequence: int
    round: int
    partner_state: str
    digest: str
    state: str
    attempts: int
    way: int
    lease_until: datetime | None
    receipted_at: datetime | None
    has: Has
    stop: str


_CANDIDATE = f"""select o.message_id, o.handoff_id, o.petition_no, o.body, o.message, o.sequence, o.round, o.partner_state, o.digest, o.state, o.attempts, o.way,
    o.lease_until, o.receipted_at,
    case when o.state = 'RECEIPTED' then 'yes'
         when o.state = 'RETRY_WAIT' and exists (select 1 from receipt r where r.message_id = o.message_id) then 'maybe' when o.state in ('QUEUED', 'RETRY_WAIT') then 'no' when o.state <> 'DEAD' then 'maybe'
         when o.attempts = 0 then 'no' when coalesce(last.doubt, true) then 'maybe' else 'no' end,
    case when o.state = 'RECEIPTED' then 'receipted' when o.state = 'SENDING' and o.lease_until > %(now)s then 'sending' when o.body_sealed = '' then 'erased'
         when {_SHUT} then 'silenced' when {ON_PAPER} then 'on-paper' else '' end
  from outbox o left join lateral (select doubt from attempt a where a.message_id = o.message_id order by attempt_no desc, id desc limit 1) last on o.state = 'DEAD'"""


def find(
    connection: Connection, body: str, since: datetime | None, until: datetime | None, states: Collection[str], now: datetime,
) -> list[Candidate]:
    """The messages to a body that were written from `since` on and before `until` (aware; None: no bound) and stand in these states, oldest first."""
    sql = _CANDIDATE + """ where o.body = %(body)s and o.state = any(%(states)s) and (%(since)s::timestamptz is null or o.created_at >= %(since)s)
             and (%(until)s::timestamptz is null or o.created_at < %(until)s) order by o.created_at, o.handoff_id, o.sequence"""
    rows = connection.execute(sql, {"body": body, "states": list(states), "since": since, "until": until, "now": now})
    return [Candidate(*row) for row in rows]


def one(connection: Connection, message_id: str, now: datetime) -> Candidate | None:
    """The message of this id; None where there is none."""
    row = connection.execute(_CANDIDATE + " where o.message_id = %(id)s", {"id": message_id, "now": now}).fetchone()
    return None if row is None else Candidate(*row)


@dataclass(frozen=True, slots=True)
class Order:
    """Send this message again. `sure`: the body surely does not hold it, so that it need not be asked; `by_word`: a person said so.

    `attempts`: how often it had been tried when that was found; tried again since, what was sure is so no longer, and the order counts for nothing.
    """

    message_id: str
    handoff_id: str
    sure: bool
    by_word: bool = False
    attempts: int | None = None


def send_again(
    connection: Connection, orders: Sequence[Order], actor: Actor, reason: str, house: House, sealer: Sealer, now: datetime, *, way: int | None = None,
) -> tuple[set[str], dict[str, str]]:
    """Begin the schedule of these messages anew, at once, by this way of their body or the one they are on; who did it and why goes to the journal.

    What was receipted or tried again meanwhile, is being sent, may not travel any more or goes on paper stays as it is.

    Returns:
        The ids that go again, and of those that the door refused why.
    """
    ids = [o.message_id for o in orders]
    # The petitions are locked before the outbox rows: whoever learns of an accusation meanwhile is waited for.
    numbers = connection.execute("""select petition_no, recused <> '{}' from petition where petition_no in (select petition_no from outbox where message_id = any(%s))
                                    order by petition_no for update""", (ids,)).fetchall()
    recused = {number for number, any_ in numbers if any_}
    decided = {o.message_id: o.attempts for o in orders}
    rows = connection.execute(
        f"""select o.message_id, o.petition_no, o.attempts from outbox o where o.message_id = any(%s) and (o.state in ('WEAK_RECEIPT', 'DEAD', 'RETRY_WAIT', 'UNKNOWN', 'QUEUED')
            or (o.state = 'SENDING' and o.lease_until <= %s)) and not ({_SHUT}) and not {ON_PAPER} order by o.message_id for update of o""", (ids, now)).fetchall()
    free = {message_id: number for message_id, number, tried in rows if decided[message_id] in (None, tried)}
    refused: dict[str, str] = {}
    taken: list[Order] = []
    for order in orders:
        if order.message_id in free:
            if free[order.message_id] in recused and not actor.clerk:
                refused[order.message_id] = "此件有经办人回避，重发须写明经办人工号（--clerk）"
            else:
                taken.append(order)
    moves = [Move(ACT, actor, handoff_id=o.handoff_id, note=reason, data={
        "message_id": o.message_id, **({"code": "not-held"} if o.by_word else {}), **({} if way is None else {"to_way": way})}) for o in taken]
    answers = advance(connection, moves, house, sealer, now)
    for order, answer in zip(taken, answers, strict=True):
        if not isinstance(answer, Done):
            refused[order.message_id] = answer.why
    going = [o for o in taken if o.message_id not in refused]
    gone = connection.execute("select message_id from outbox where message_id = any(%s) and state = 'SENDING'", ([o.message_id for o in going],))
    attempts.given_up(connection, [i for (i,) in gone], now)
    sure = {o.message_id for o in going if o.sure}
    _begin_anew(connection, [o.message_id for o in going if o.message_id not in sure], "UNKNOWN", way, now)
    _begin_anew(connection, sorted(sure), "RETRY_WAIT", way, now)
    return {o.message_id for o in going}, refused


def _begin_anew(connection: Connection, ids: Sequence[str], state: str, way: int | None, now: datetime) -> None:
    if not ids:
        return
    connection.execute(
        """update outbox set state = case when attempts = 0 then 'QUEUED' else %s end, next_attempt_at = %s, way = coalesce(%s, way), way_attempts = 0, dead_at = null,
           lease_owner = null, lease_until = null where message_id = any(%s)""", (state, now, way, list(ids)))
    _doubt_again(connection, ids)
    store.notify(connection, "outbox")


def requeue(connection: Connection, message_ids: Sequence[str], now: datetime, *, ask: bool = True) -> int:
    """Messages that a partner turned out not to hold go again, same id, same bytes, their schedule from its beginning. Returns how many.

    `ask`: asked about by key first; else what was receipted is sent at once, because the partner's own ledger has answered the question.

    Not those whose bytes were erased (JJ 15), none about a hand-off that is `silenced` (its body stands accused by now, or it was taken back), and not what was
    given up because it went on paper.
    """
    sql = """update outbox o set state = case when %s or state in ('UNKNOWN', 'DEAD') then 'UNKNOWN' else 'RETRY_WAIT' end, next_attempt_at = %s, way_attempts = 0, dead_at = null where message_id = any(%s)
             and state in ('RECEIPTED', 'WEAK_RECEIPT', 'DEAD', 'RETRY_WAIT', 'UNKNOWN') and not (""" + _STAYS + """)
             returning message_id"""
    ids = list(message_ids)
    # The petitions are locked before the outbox rows: whoever learns of an accusation meanwhile is waited for.
    connection.execute("""select 1 from petition where petition_no in (select petition_no from outbox where message_id = any(%s))
                          order by petition_no for update""", (ids,))
    again = [i for (i,) in connection.execute(sql, (ask, now, ids))]
    if again:
        _doubt_again(connection, again)
        store.notify(connection, "outbox")
    return len(again)


def _doubt_again(connection: Connection, message_ids: Sequence[str]) -> None:
    """From now on it is doubtful again whether the body has these requests: their hand-offs cannot simply be taken back."""
    connection.execute(
        """update handoff set flags = array_remove(flags, %s) where %s = any(flags)
           and handoff_id in (select handoff_id from outbox where message_id = any(%s) and message = 'handoff.request')""", (REFUSED, REFUSED, list(message_ids)))


def cannot_go(connection: Connection, message_ids: Sequence[str]) -> list[str]:
    """Those of these messages that may never be sent again, because their bytes were erased, their hand-off is silenced, or they went on paper."""
    return [i for (i,) in connection.execute(f"select message_id from outbox o where message_id = any(%s) and ({_STAYS})", (list(message_ids),))]
