"""A ledger to try things on: the real house, a real database, invented petitions, a clock that stands where it is put."""

# ruff: noqa: S608  (names of tables of the test's own choice)

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

import config
from connectors.wire import events
from models import inbox, outbox, settling
from models.db import Connection, Database
from models.door import advance
from models.inbox import Incoming
from models.journal import Count, Flaw, verify
from models.moves import SYSTEM, Actor, Answer, Arrival, Done, Move, Refused, Route
from models.outbox import Leased
from models.seal import Sealer
from models.settling import Evidence, Result
from rules.calendar import SHANGHAI
from rules.house import House, load_house
from runtime.timesource import FixedTime

BUREAU = "bureau-990100"
COURT = "court-990100"
DISCIPLINE = "discipline-990100"
CONFERENCE = "joint_conference-990100"
CLERK = Actor("bureau", BUREAU)
ARBITER = Actor("arbiter", CONFERENCE)

# Invented, and found nowhere else: the scan for personal data looks for these very words.
PERSON = {"name": "欧阳试探", "phone": "19900000731", "address": "澜川市东屿区虚构路七十三号", "id_no": "990102198001017313"}
SUBJECT = "关于虚构小区供暖的诉求"
TEXT = "我家暖气三年未热，多次反映无果，盼予解决。"


@lru_cache(maxsize=1)
def house() -> House:
    return load_house(Path(config.__file__).parent, BUREAU)


def beijing(text: str) -> datetime:
    """`2026-03-02 09:30` in China, aware."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


class Ledger:
    """One database with the door before it. Every act is a transaction of its own."""

    def __init__(self, url: str, start: str = "2026-03-02 09:00") -> None:
        self.url = url
        self.house = house()
        self.time = FixedTime(beijing(start))
        self.sealer = Sealer([("k1", bytes(range(32)))])
        self.db = Database(url, size=6)
        self.count = 0
        self.sent = 0

    @property
    def now(self) -> datetime:
        return self.time.now()

    def at(self, text: str) -> None:
        self.time.set(beijing(text))

    def wait(self, **step: float) -> None:
        self.time.advance(timedelta(**step))

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self.db.transaction() as connection:
            yield connection

    # -- acts -----------------------------------------------------------------------------------------------------------------

    def take(self, *moves: Move | Arrival) -> list[Answer]:
        with self.transaction() as connection:
            return advance(connection, moves, self.house, self.sealer, self.now)

    def one(self, move: Move | Arrival) -> Answer:
        return self.take(move)[0]

    def arrival(
        self, ref: str = "", facts: Mapping[str, Any] | None = None, received: datetime | None = None, text: str = TEXT, subject: str = "",
        person: Mapping[str, Any] | None = None,
    ) -> Arrival:
        self.count += 1
        # One person asks for many things: the same thing asked for again would be a repeat.
        subject = subject or (SUBJECT if self.count == 1 and not ref else f"{SUBJECT}（{ref or self.count}）")
        return Arrival("window", ref or f"r{self.count}", "990100", "letter", "claim", received or self.now, subject, text, PERSON if person is None else person,
                       facts if facts is not None else {"klass": "claim", "branch": "B3.6"}, CLERK)

    def register(self, ref: str = "", **more: Any) -> str:
        answer = self.one(self.arrival(ref, **more))
        assert isinstance(answer, Done)
        return answer.petition_no

    def route_move(self, petition_no: str, body: str = COURT, branch: str = "B3.6", facts: Mapping[str, Any] | None = None) -> Move:
        to = Route(body, "转送", "by-hand", "XF 22(1)", branch, "claim", facts)
        return Move("petition.route", CLERK, petition_no=petition_no, route=to)

    def send(self, body: str = COURT, branch: str = "B3.6", petition_no: str = "") -> str:
        """A petition on its way to `body`: the hand-off's id, ISSUED."""
        answer = self.one(self.route_move(petition_no or self.register(), body, branch))
        assert isinstance(answer, Done), answer
        assert answer.handoff_id is not None
        return answer.handoff_id

    def deliver(self, body: str = COURT, branch: str = "B3.6", petition_no: str = "") -> str:
        handoff = self.send(body, branch, petition_no)
        self.done(self.receipt(handoff))
        return handoff

    def receipt(self, handoff: str, sequence: int = 1, message: str = "handoff.request", then: str = "DELIVERED", round_: int = 1) -> Answer:
        said = {"message": message, "sequence": sequence, "round": round_, "then": then}
        return self.one(Move("receipt", SYSTEM, handoff_id=handoff, data=said))

    def partner(self, act: str, handoff: str, body: str = COURT, sequence: int | None = None, **data: Any) -> Answer:
        return self.one(Move(act, Actor("partner", body), handoff_id=handoff, data={**self.good(act), **data}, sequence=sequence))

    def clerk(self, act: str, handoff: str, **data: Any) -> Answer:
        return self.one(Move(act, CLERK, handoff_id=handoff, data={**self.good(act), **data}))

    def arbiter(self, act: str, handoff: str, **data: Any) -> Answer:
        return self.one(Move(act, self.ruler(self.handoff(handoff)["petition_no"]), handoff_id=handoff, data={**self.good(act), **data}))

    def ruler(self, petition_no: str) -> Actor:
        """Whoever is to rule on this petition as it stands."""
        return Actor("arbiter", self.petition(petition_no)["arbiter"] or CONFERENCE)

    def good(self, act: str) -> dict[str, Any]:
        """What the act must say to pass its guards, today."""
        return good_data(act, self.now.astimezone(SHANGHAI).date().isoformat())

    def accepted(self, body: str = COURT, branch: str = "B3.6") -> str:
        handoff = self.deliver(body, branch)
        self.done(self.partner("handoff.accepted", handoff, body))
        return handoff

    @staticmethod
    def done(answer: Answer) -> Done:
        assert isinstance(answer, Done), answer
        return answer

    @staticmethod
    def no(answer: Answer, code: str) -> Refused:
        assert isinstance(answer, Refused), answer
        assert answer.code == code, answer
        return answer

    # -- time -----------------------------------------------------------------------------------------------------------------

    def ring_due(self, numbers: Collection[str] = ()) -> int:
        """Ring every clock and every free duty whose date has come (of these petitions, or all), once. Returns how many."""
        only, names = "and (petition_no = any(%s) or %s)", (list(numbers), not numbers)
        clocks = self.rows(f"select id, petition_no, handoff_id from clock where state = 'OPEN' and paused_at is null and ring_at <= %s {only} order by id",
                           self.now, *names)
        duties = self.rows(f"select duty_id, petition_no, handoff_id from duty where closed_at is null and not state_bound and due_at <= %s {only}",
                           self.now, *names)
        moves = [Move("clock.ring", SYSTEM, petition_no=r["petition_no"], handoff_id=r["handoff_id"], data={"clock": r["id"]}) for r in clocks]
        moves += [Move("duty.ring", SYSTEM, petition_no=r["petition_no"], handoff_id=r["handoff_id"], data={"duty_id": r["duty_id"]}) for r in duties]
        if moves:
            self.take(*moves)
        return len(moves)

    def ring_all(self, numbers: Collection[str] = ()) -> int:
        """Ring until nothing rings any more at this instant."""
        rung = 0
        while (count := self.ring_due(numbers)) and rung < 10_000:
            rung += count
        return rung

    def let_pass(self, days: int, step: int = 1, numbers: Collection[str] = ()) -> None:
        """So many days go by, the watcher looking in every `step` days."""
        for _ in range(0, days, step):
            self.wait(days=step)
            self.ring_all(numbers)

    # -- messages on their way --------------------------------------------------------------------------------------------------

    def claim(self, body: str = COURT, limit: int = 100, owner: str = "w1", seconds: int = 60) -> list[Leased]:
        with self.transaction() as connection:
            return outbox.claim(connection, body, limit, owner, self.now, timedelta(seconds=seconds), self.sealer)

    def settle(self, *results: Result, owner: str = "w1") -> int:
        with self.transaction() as connection:
            return settling.settle(connection, results, owner, self.house, self.sealer, self.now)

    def receipted(self, leased: Leased) -> Result:
        self.sent += 1
        proof = Evidence(f"rc-{self.sent}", self.now, "stored", b'{"receipt_id":"x"}', "v1,abc")
        return Result(leased, "receipted", "200", evidence=proof)

    def send_all(self, body: str = COURT) -> int:
        """Every message that may go to `body` goes and is receipted."""
        count = 0
        while leased := self.claim(body):
            self.settle(*map(self.receipted, leased))
            count += len(leased)
        return count

    def incoming(self, handoff: str, act: str, sequence: int, body: str = COURT, message_id: str = "", round_: int = 1, **data: Any) -> Incoming:
        petition_no = self.row("select petition_no from handoff where handoff_id = %s", handoff)["petition_no"]
        said = {"petition_no": petition_no, "handoff_id": handoff, "round": round_, "to": self.house.bodies.get(BUREAU).urn, **self.good(act), **data}
        event = events.Event(message_id or events.new_id(self.now), self.house.bodies.get(body).urn, events.event_type(act), handoff, self.now, sequence, said)
        raw = events.encode(event)
        return Incoming(body, event.id, handoff, act, round_, sequence, self.now, raw, raw[:32], f"receipt of {event.id}".encode())

    def take_in(self, *messages: Incoming) -> list[str]:
        with self.transaction() as connection:
            return [s.verdict for s in inbox.take_in(connection, messages, self.sealer, self.now)]

    def apply(self, limit: int = 100) -> inbox.Applied:
        with self.transaction() as connection:
            return inbox.apply(connection, limit, self.house, self.sealer, self.now)

    # -- what stands in the ledger -----------------------------------------------------------------------------------------------

    def rows(self, sql: str, *params: Any) -> list[dict[str, Any]]:
        with self.transaction() as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(sql, params).fetchall()

    def row(self, sql: str, *params: Any) -> dict[str, Any]:
        found = self.rows(sql, *params)
        assert len(found) == 1, found
        return found[0]

    def handoff(self, handoff: str) -> dict[str, Any]:
        return self.row("select * from handoff where handoff_id = %s", handoff)

    def petition(self, petition_no: str) -> dict[str, Any]:
        return self.row("select * from petition where petition_no = %s", petition_no)

    def petition_of(self, handoff: str) -> dict[str, Any]:
        return self.petition(self.handoff(handoff)["petition_no"])

    def clocks(self, handoff: str) -> dict[str, dict[str, Any]]:
        return {r["root"]: r for r in self.rows("select * from clock where handoff_id = %s and state = 'OPEN'", handoff)}

    def duties(self, kind: str = "") -> list[dict[str, Any]]:
        return self.rows("select * from duty where closed_at is null and (kind = %s or %s = '') order by opened_at, duty_id", kind, kind)

    def due(self, handoff: str, root: str) -> str:
        """The end of a clock as a date in China: the day whose 24:00 it is."""
        return last_day(self.clocks(handoff)[root]["due_at"])

    def flaws(self) -> list[Flaw]:
        with psycopg.connect(self.url) as connection:
            return list(verify(connection, Count()))

    def everything(self, numbers: Collection[str] = ()) -> str:
        """All that an act may change (of these petitions, or all), as text, to hold before against after."""
        return "\n".join(
            self.row(f"select coalesce(string_agg(t::text, chr(10) order by t::text), '') as it from {table} t where petition_no = any(%s) or %s",
                     list(numbers), not numbers)["it"]
            for table in ("petition", "handoff", "clock", "duty", "outbox", "journal")
        )


def last_day(instant: datetime) -> str:
    return (instant.astimezone(SHANGHAI) - timedelta(seconds=1)).date().isoformat()


TODAY = "<today>"
_GOOD: dict[str, dict[str, Any]] = {
    "handoff.signed": {"office": "立案庭", "person_role": "收件人", "signed_at": "2026-03-02T10:00:00+08:00"},
    "handoff.objected": {"reason_code": "not-ours", "reason": "不属本院管辖", "suggested_body": None},
    "handoff.accepted": {"partner_case_no": "（2026）澜01信1号", "procedure": "信访", "told_on": TODAY},
    "handoff.declined": {"legal_basis": "某法第一条", "reason": "不符合条件", "remedy": "可以上诉", "remedy_limit": "十日"},
    "handoff.progress": {"note": "正在核查"},
    "supplement.requested": {"items": ["身份证明"], "party": "petitioner"},
    "handoff.suspended": {"reason": "等待鉴定"},
    "handoff.resumed": {},
    "hearing.opened": {"opened_on": TODAY},
    "hearing.closed": {"closed_on": TODAY},
    "handoff.extended": {"approver": "负责人", "reason": "案情复杂", "days": 30},
    "handoff.settled": {"kind": "mediation", "agreed_on": TODAY, "document_no": "澜调〔2026〕1号", "opinion": "达成协议", "attachments": []},
    "handoff.concluded": {"document_no": "澜终〔2026〕1号", "legal_basis": "某规定第一条", "opinion": "依法终结"},
    "handoff.result": {"outcome_code": "supported", "document_no": "澜信〔2026〕1号", "opinion": "予以支持", "attachments": []},
    "handoff.forwarded": {"to_subordinate": "urn:xf:court:990102"},
    "withdraw.answer": {"agreed": True},
    "objection.upheld": {"materials": ["来信一件"], "reason": "理由成立"},
    "objection.rejected": {"reason": "属你院职权", "reason_code": "not-ours"},
    "objection.escalated": {"reason": "两家各执一词"},
    "ruling.keep": {"reason": "由该院受理"},
    "ruling.return": {"reason": "另行确定"},
    "ruling.reassign": {"reason": "督办无果，收回改派"},
    "result.accepted": {"told_on": TODAY, "reason": "处理适当"},
    "result.rework": {"reason": "事实不清", "defects": ["未核实"]},
    "decline.told": {"told_on": TODAY, "reason": "已告知"},
    "handoff.supervise": {"ground": "overdue", "reason": "逾期未办"},
    "handoff.take_back": {"reason": "对方拒收"},
    "delivery.by_hand": {"register_no": "澜送2026-1", "delivered_on": TODAY, "signed_by": "收发室"},
    "handoff.on_paper": {"register_no": "澜送2026-2", "delivered_on": TODAY, "signed_by": "收发室"},
    "petition.guide": {"told_on": TODAY},
    "petition.close": {"told_on": TODAY, "reason": "不再受理"},
    "petition.classify": {"facts": {"sector": "housing"}, "reason": "补正"},
    "petition.recuse": {"clerk": "1042", "reason": "与信访人有亲属关系"},
    "petition.report_up": {"reason": "重大紧急"},
    "petition.conference_up": {"reason": "联席会议逾期未协调"},
    "decision.assign": {"reason": "由住建部门办理"},
    "petition.dispute": {"reason": "各单位都说不归其管"},
    "petition.designate": {"reason": "由该院受理"},
    "petition.dispute_closed": {"reason": "已协调一致"},
    "guide.filed": {"partner_case_no": "（2026）澜01立1号", "filed_on": TODAY},
    "guide.ended": {"told_on": TODAY, "reason": "信访人不再主张"},
    "guide.back": {"reason": "该机关不收"},
    "petition.split": {"parts": 2},
    "petition.link": {"other": "XF99010020260301000001", "told_on": TODAY},
    "petition.review": {"reason": "不服处理意见"},
    "petition.rereview": {"reason": "不服复查意见"},
    "petition.reopen": {"new_facts": True, "reason": "新的证据"},
}


def good_data(act: str, today: str = "2026-03-02") -> dict[str, Any]:
    """What the act must say to pass its guards; days are `today`."""
    return {name: today if value == TODAY else value for name, value in _GOOD.get(act, {}).items()}
