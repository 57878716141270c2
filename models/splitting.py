"""拆分: a letter that holds several matters becomes as many petitions; and how several acts are taken together or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from models import store
from models.db import Connection
from models.desk import bureau, nameless
from models.door import advance
from models.moves import Answer, Arrival, Done, Move, Refused
from models.records import RefusalRow
from models.seal import Sealer
from models.told_facts import merge_facts
from rules.house import House

# No system that hands in petitions can bear this name (gateway.clients).
SPLIT = "tonglu.split"


@dataclass(frozen=True, slots=True)
class Part:
    """One of the matters in a mixed letter: what it says, and what is known of it (config.facts.Facts)."""

    subject: str
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def split(
    connection: Connection, petition_no: str, parts: Sequence[Part], reason: str, house: House, sealer: Sealer, now: datetime, *, clerk: str = "",
) -> Answer:
    """拆分 a letter that holds several matters: each part becomes a petition of its own, with the day on which the letter was received.

    The accusation part travels alone: no part's text or number is told to whoever receives another. 信访工作条例第三十条第三款 (inference).
    """
    row = connection.execute("select division, channel, received_at from petition where petition_no = %s for update", (petition_no,)).fetchone()
    if row is None:
        return Refused("unknown", "没有此信访事项", petition_no)
    arrivals = []
    for number, part in enumerate(parts, 1):
        if not part.subject.strip() or not part.text.strip():
            return Refused("guard", f"第 {number} 部分缺少标题或内容", petition_no)
        facts = merge_facts({}, part.facts, petition_no)
        if isinstance(facts, Refused):
            return facts
        person = store.petitioner(connection, petition_no, sealer)
        arrivals.append(Arrival(
            SPLIT, f"{petition_no}/{number}", row[0], row[1], facts.klass or "", row[2], part.subject, part.text, person, facts.model_dump(exclude_none=True),
            bureau(house, clerk), petition_no,
        ))
    move = Move("petition.split", bureau(house, clerk), petition_no=petition_no, data={"parts": len(parts)}, note=reason)
    return all_or_nothing(connection, [*arrivals, move], house, sealer, now)


class _Undo(Exception):
    """Rolls back to before the acts."""


def all_or_nothing(connection: Connection, moves: Sequence[Move | Arrival], house: House, sealer: Sealer, now: datetime) -> Answer:
    """Take these acts together; the answer is the last one's, or the first refusal, and then nothing was done."""
    acts = [move for move in moves if isinstance(move, Move)]
    unnamed = next((found for move in acts if (found := nameless(connection, move)) is not None), None)
    if unnamed is not None:
        return unnamed
    answers: list[Answer] = []
    try:
        with connection.transaction():
            answers = advance(connection, moves, house, sealer, now)
            if any(isinstance(answer, Refused) for answer in answers):
                raise _Undo
    except _Undo:
        at, refused = next((at, answer) for at, answer in enumerate(answers) if isinstance(answer, Refused))
        # What was asked in vain was undone with the rest: it is kept all the same.
        asked = moves[at]
        name = asked.act if isinstance(asked, Move) else "petition.register"
        store.record_refusals(connection.cursor(), [
            RefusalRow(refused.petition_no, refused.handoff_id, now, str(asked.actor), name, refused.code, refused.why)])
        return refused
    last = answers[-1]
    assert isinstance(last, Done)  # noqa: S101  (no refusal among them)
    return last
