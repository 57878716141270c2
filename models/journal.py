"""The journal: append-only rows chained by SHA-256, one chain a petition; and the proof that nobody touched it.

A row's hash covers every field of the row and the hash before it. The petition row holds the chain's head and length, so a cut-off tail
shows; petition numbers are contiguous per bureau and day, so a removed petition shows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from models.db import Connection

GENESIS = bytes(32)


def _instant(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")


def row_hash(
    prev: bytes, petition_no: str, seq: int, at: datetime, actor: str, act: str, handoff_id: str | None, from_state: str, to_state: str,
    holder: str | None, next_due: datetime | None, detail: Mapping[str, Any], note_sealed: bytes | None,
) -> bytes:
    """SHA-256 over the previous hash and the row as canonical JSON (keys sorted, UTC microseconds)."""
    row = [petition_no, seq, _instant(at), actor, act, handoff_id, from_state, to_state, holder, _instant(next_due), detail, note_sealed.hex() if note_sealed else None]
    return hashlib.sha256(prev + json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()).digest()


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong, and where: petition number, journal sequence (0: the petition as a whole), words."""

    petition_no: str
    seq: int
    what: str

    def __str__(self) -> str:
        return f"{self.petition_no} 第{self.seq}条：{self.what}" if self.seq else f"{self.petition_no}：{self.what}"


@dataclass(slots=True)
class Count:
    """How much `verify` read."""

    petitions: int = 0
    rows: int = 0


_ROWS = """
select petition_no, seq, at, actor, act, handoff_id, from_state, to_state, holder, next_due, detail, note_sealed, prev_hash, hash
from journal order by petition_no, seq
"""


def verify(connection: Connection, count: Count | None = None) -> Iterator[Flaw]:
    """Read the whole journal once, in one snapshot, and yield every flaw. Memory does not grow with the journal."""
    count = count if count is not None else Count()
    connection.execute("set transaction isolation level repeatable read, read only")
    heads: dict[str, tuple[int, bytes]] = {}
    with connection.cursor(name="verify") as cursor:
        cursor.itersize = 5000
        cursor.execute(_ROWS)
        number, seq, head = "", 0, GENESIS
        for row in cursor:
            if row[0] != number:
                if number:
                    heads[number] = (seq, head)
                number, seq, head = row[0], 0, GENESIS
                count.petitions += 1
            count.rows += 1
            if row[1] != seq + 1:
                yield Flaw(number, seq + 1, f"缺少（下一条是第{row[1]}条）")
            if row[12] != head:
                yield Flaw(number, row[1], "与前一条不相接：此前有记录被改动、删除或调换")
            if row_hash(row[12], *row[:12]) != row[13]:
                yield Flaw(number, row[1], "内容被改动")
            seq, head = row[1], row[13]
        if number:
            heads[number] = (seq, head)
    yield from _heads(connection, heads)
    yield from _states(connection)
    yield from _numbers(connection)


def _heads(connection: Connection, heads: dict[str, tuple[int, bytes]]) -> Iterator[Flaw]:
    with connection.cursor(name="heads") as cursor:
        for number, seq, head in cursor.execute("select petition_no, journal_seq, journal_head from petition"):
            found = heads.pop(number, None)
            if found is None:
                yield Flaw(number, 0, "全部流转记录被删除")
            elif found[0] < seq:
                yield Flaw(number, found[0] + 1, f"末尾缺少{seq - found[0]}条")
            elif found != (seq, head):
                yield Flaw(number, seq, "链尾与信访事项登记的不符")
    for number in heads:
        yield Flaw(number, 0, "有流转记录而无信访事项：事项被删除")


def _states(connection: Connection) -> Iterator[Flaw]:
    """A state, holder or date that the last journal row about it does not tell was changed behind the door.

    While a hand-off is open, its petition's holder and date are the hand-off's, and so is the row that tells them.
    """
    sql = """
    with told as (select distinct on (petition_no, handoff_id) petition_no, handoff_id, to_state, holder, next_due
                  from journal order by petition_no, handoff_id, seq desc)
    select p.petition_no, p.journal_seq, '信访事项', p.state is distinct from t.to_state,
           (p.holder, p.next_due) is distinct from (coalesce(h.holder, t.holder), coalesce(h.next_due, t.next_due))
      from petition p left join told t on t.petition_no = p.petition_no and t.handoff_id is null
      left join told h on h.petition_no = p.petition_no and h.handoff_id = p.open_handoff
    union all
    select h.petition_no, p.journal_seq, '转送件', h.state is distinct from t.to_state, (h.holder, h.next_due) is distinct from (t.holder, t.next_due)
      from handoff h join petition p using (petition_no) left join told t on t.petition_no = h.petition_no and t.handoff_id = h.handoff_id
    union all
    select t.petition_no, 0, '转送件', true, false
      from told t where t.handoff_id is not null and not exists (select 1 from handoff h where h.handoff_id = t.handoff_id)
    """
    for number, seq, what, state, held in connection.execute(sql):
        if state:
            yield Flaw(number, seq, f"{what}的状态与流转记录不符")
        elif held:
            yield Flaw(number, seq, f"{what}的持有者或期限与流转记录不符")


def _numbers(connection: Connection) -> Iterator[Flaw]:
    sql = """
    with given as (select 'XF' || c.division || to_char(c.day, 'YYYYMMDD') || lpad(n::text, 6, '0') as petition_no
                   from petition_counter c, generate_series(1, c.last) n)
    select coalesce(g.petition_no, p.petition_no), p.petition_no is null from given g full join petition p using (petition_no)
    where g.petition_no is null or p.petition_no is null
    """
    for number, gone in connection.execute(sql):
        yield Flaw(number, 0, "编号已发出而无此信访事项：事项被删除" if gone else "编号没有登记簿上的依据：事项被塞入，或登记簿被改动")
