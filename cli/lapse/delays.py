"""How long what was handed over took, and whether it came later than was promised when an outage was over. All times are of the stepped clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from models.db import Connection

Books = Mapping[str, Mapping[str, Mapping[str, Any]]]
ZERO = timedelta(0)


@dataclass(frozen=True, slots=True)
class Promised:
    """What was under way at an instant, each with the next date that was promised for it: the bureau's messages, the partners', petitions to be routed."""

    at: datetime
    messages: Mapping[str, datetime]
    callbacks: Mapping[str, datetime]
    petitions: Mapping[str, datetime]

    @property
    def count(self) -> int:
        return len(self.messages) + len(self.callbacks) + len(self.petitions)


@dataclass(frozen=True, slots=True)
class Delays:
    """`longest`: from when something was due to its receipt; `after`: the longest that anything still took from the end of the outage; `late`: how many came
    later than the date promised then (`grain` more, because the clock is stepped)."""

    messages: int
    longest: timedelta
    after: timedelta
    late: int


# When the next attempt may be: its own date, and whatever keeps its body from being called before.
_PROMISED = """select o.message_id, o.handoff_id, o.sequence, greatest(o.next_attempt_at, b.suspended_until, b.token_at, case when w.breaker <> 'CLOSED' then w.probe_at end)
  from outbox o left join body b on b.code = o.body and b.way = 0 left join body w on w.code = o.body and w.way = o.way
  where o.state in ('QUEUED', 'RETRY_WAIT', 'UNKNOWN', 'SENDING')"""


def promised(connection: Connection, books: Books, now: datetime) -> Promised:
    """What is under way at `now` (aware): what is due already is promised for now.

    Args:
        books: the partners' own, whose messages that we have not acknowledged name the date of their next try.
    """
    messages = _in_line(connection.execute(_PROMISED), now)
    known = {message for (message,) in connection.execute("select message_id from inbox where state <> 'RECEIVED'")}
    # A partner that does not know what we have fetched sends that first, and what comes after it afterwards.
    unsent = _in_line(((message, handoff_id, sequence, datetime.fromisoformat(at)) for book in books.values()
                       for message, (handoff_id, sequence, taken, at) in book["issued"].items() if not taken), now)
    callbacks = {message: date for message, date in unsent.items() if message not in known}
    callbacks |= {message: now for (message,) in connection.execute("select message_id from inbox where state = 'RECEIVED'")}
    petitions = {number: now for (number,) in connection.execute("select petition_no from petition where state = 'REGISTERED'")}
    return Promised(now, messages, callbacks, petitions)


def _in_line(waiting: Iterable[tuple[str, str, int, datetime]], now: datetime) -> dict[str, datetime]:
    """(message, hand-off, sequence, date) → message: its date, never before `now`, nor before that of one which stands before it in its line."""
    heads: dict[str, datetime] = {}
    found: dict[str, datetime] = {}
    for message, handoff_id, _, date in sorted(waiting, key=lambda one: (one[1], one[2])):
        found[message] = heads[handoff_id] = max(date, now, heads.get(handoff_id, now))
    return found


# A petition that the table sends on is due at its registration; a message of ours when it is written, one of a partner's when that has issued it.
_OUT = """select o.message_id, o.petition_no, case when o.message = 'handoff.request' and h.parent_handoff_id is null then least(o.created_at, p.registered_at)
            else o.created_at end, o.receipted_at from outbox o join handoff h using (handoff_id) join petition p on p.petition_no = o.petition_no
          where o.receipted_at >= %(since)s"""
_IN = "select message_id, event_at, coalesce(applied_at, received_at) from inbox where coalesce(applied_at, received_at) >= %(since)s"
_REGISTERED = "select received_at, registered_at from petition where registered_at >= %(since)s"


def delays(connection: Connection, since: datetime, before: Promised, grain: timedelta) -> Delays:
    """The delays of everything that was settled from `since` on; `before` is what was promised at the end of the outage."""
    sent = connection.execute(_OUT, {"since": since}).fetchall()
    heard = connection.execute(_IN, {"since": since}).fetchall()
    registered = connection.execute(_REGISTERED, {"since": since}).fetchall()
    spans = [(due, done) for _, _, due, done in sent] + [(due, done) for _, due, done in heard] + [(due, done) for due, done in registered]
    longest = max((done - due for due, done in spans), default=ZERO)
    after = max((done - before.at for due, done in spans if due <= before.at < done), default=ZERO)
    first_sent: dict[str, datetime] = {}
    late = 0
    for message, number, _, done in sent:
        first_sent[number] = min(done, first_sent.get(number, done))
        late += message in before.messages and done > before.messages[message] + grain
    late += sum(message in before.callbacks and done > before.callbacks[message] + grain for message, _, done in heard)
    late += sum(number in first_sent and first_sent[number] > date + grain for number, date in before.petitions.items())
    return Delays(len(sent) + len(heard), longest, after, late)
