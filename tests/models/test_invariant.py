"""The invariant over random orders of events: whoever acts, however it ends, no case is without holder and date."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from config.roadmap import SAME, Writer
from models import desk, desk_petition
from models.desk_petition import Part
from models.moves import SYSTEM, Actor, Answer, Done, Move, Refused, Route
from models.tables import HANDOFF_ENDS, PETITION_ENDS
from rules.calendar import SHANGHAI
from rules.edge_guards import SUPERVISION_GROUNDS
from tests.models.ledger import BUREAU, CLERK, CONFERENCE, Ledger
from tests.models.paths import HANDOFF_WAITS, HOUSING, PETITION_WAITS, ROADS, answered, bring, reach, remedy, review_move

BODIES = ("court-990100", HOUSING, "labour_arbitration-990100", "discipline-990100", "reconsideration-990100")
HANDOFF_ACTS = sorted({edge.message for edge in ROADS.machine("handoff").edges} - {"receipt"})
OPENING = ("petition.route", "petition.designate", "petition.review", "petition.rereview")
PETITION_ACTS = sorted({edge.message for edge in ROADS.machine("petition").edges} - set(OPENING) - {"petition.split", "petition.link"})
CLOSING = ("petition.close", "petition.guide", "guide.filed", "guide.ended")
EXTRA: dict[str, dict[str, Any]] = {
    "handoff.suspended": {"party": "petitioner"}, "handoff.objected": {"reason_code": "g2"}, "handoff.extended": {"days": 10},
    "petition.classify": {"facts": {"grave": True}},
}


class Life(RuleBasedStateMachine):
    """A few petitions, lived at random."""

    ledger: Ledger

    def __init__(self) -> None:
        super().__init__()
        self.numbers: list[str] = []
        self.ledger.at("2026-03-02 09:00")

    # -- coming ---------------------------------------------------------------------------------------------------------------

    @rule(days=st.sampled_from([0, 0, 3, 40]), grave=st.booleans())
    @precondition(lambda self: len(self.numbers) < 3)
    def register(self, days: int, grave: bool) -> None:
        facts = {"klass": "claim", "branch": "B3.6", **({"grave": True} if grave else {})}
        self.ledger.wait(days=days)
        received = self.ledger.now
        self.ledger.wait(days=days)
        self.ledger.ring_all(self.numbers)
        self.numbers.append(self.ledger.register(facts=facts, received=received))
        self.check()

    @rule(state=st.sampled_from([s for s in HANDOFF_WAITS if s not in ("ISSUED", "DELIVERED")]), body=st.sampled_from(BODIES))
    @precondition(lambda self: len(self.numbers) < 3)
    def set_out_from_the_middle(self, state: str, body: str) -> None:
        """Random walks seldom get far; so some start there, brought by the door all the same."""
        self.numbers.append(self.ledger.register())
        bring(self.ledger, self.ledger.send(body, petition_no=self.numbers[-1]), state)
        self.check()

    @rule(state=st.sampled_from([s for s in PETITION_WAITS if s != "REGISTERED"]))
    @precondition(lambda self: len(self.numbers) < 3)
    def set_out_with_the_bureau(self, state: str) -> None:
        self.numbers.append(reach(self.ledger, "petition", state))
        self.check()

    @rule(state=st.sampled_from(["ISSUED", "SIGNED", "OBJECTED", "HEARING", "REPORTED", "RETURNED", "WITHDRAWN", "CLOSED"]), again=st.booleans())
    @precondition(lambda self: len(self.numbers) < 3)
    def set_out_from_a_review(self, state: str, again: bool) -> None:
        self.numbers.append(self.ledger.register())
        answered(self.ledger, self.numbers[-1])
        if again:
            remedy(self.ledger, self.numbers[-1], "petition.review", "CLOSED")
        remedy(self.ledger, self.numbers[-1], "petition.rereview" if again else "petition.review", state)
        self.check()

    def pick(self, data: st.DataObject) -> dict[str, Any]:
        return self.ledger.petition(data.draw(st.sampled_from(self.numbers)))

    def newest(self, data: st.DataObject, wild: int) -> dict[str, Any] | None:
        """The hand-off that is open, or (wildly) any."""
        # In the order of their making; ids made at one instant have none. An example must run the same way twice.
        rows = self.ledger.rows("""select h.* from handoff h where petition_no = any(%s) order by h.state not in ('RETURNED','CLOSED','WITHDRAWN'),
                                   petition_no, (select min(seq) from journal j where j.handoff_id = h.handoff_id)""", self.numbers)
        return None if not rows else rows[-1] if wild < 8 else data.draw(st.sampled_from(rows))

    # -- going ----------------------------------------------------------------------------------------------------------------

    @rule(data=st.data(), body=st.sampled_from(BODIES), received=st.booleans())
    @precondition(lambda self: self.numbers)
    def route(self, data: st.DataObject, body: str, received: bool) -> None:
        answer = self.act(self.ledger.route_move(self.pick(data)["petition_no"], body, data.draw(st.sampled_from(["B3.6", "B3.2", "B3.5", "B3.1a"]))))
        if received and isinstance(answer, Done) and answer.handoff_id:
            self.ledger.receipt(answer.handoff_id)
            self.check()

    @rule(data=st.data(), act=st.sampled_from(["petition.review", "petition.rereview", "petition.designate"]))
    @precondition(lambda self: self.numbers)
    def open_another_way(self, data: st.DataObject, act: str) -> None:
        petition = self.pick(data)
        number = petition["petition_no"]
        done = self.ledger.rows("select 1 from handoff where petition_no = %s and state = 'CLOSED'", number)
        if act == "petition.designate" or not done:
            to = Route(data.draw(st.sampled_from(BODIES)), "交办", "designated", "XF 24", petition["branch"], "claim")
            who = self.ledger.ruler(number) if act == "petition.designate" else CLERK
            self.act(Move(act, who, petition_no=number, data=self.ledger.good(act), route=to))
        else:
            self.act(review_move(self.ledger, number, act))

    @rule(data=st.data(), wild=st.integers(0, 9))
    @precondition(lambda self: self.numbers)
    def on_a_handoff(self, data: st.DataObject, wild: int) -> None:
        row = self.newest(data, wild)
        if row is None:
            return
        here = [edge for edge in ROADS.machine("handoff").edges if row["state"] in edge.from_ and (edge.to != SAME or wild % 3 == 0)]
        act = data.draw(st.sampled_from([edge.message for edge in here])) if here and wild else data.draw(st.sampled_from(HANDOFF_ACTS))
        edge = ROADS.edge("handoff", row["state"], act)
        writer: Writer = edge.writer if edge and wild > 1 else data.draw(st.sampled_from(["bureau", "partner", "system", "arbiter"]))
        said = {**self.ledger.good(act), **(EXTRA.get(act, {}) if data.draw(st.booleans()) else {})} if wild != 2 else {}
        if act == "receipt":
            said = {"message": "handoff.request", "sequence": 1, "round": 1, "then": "DELIVERED"}
        self.act(Move(act, self.who(writer, row), handoff_id=row["handoff_id"], data=said))

    def who(self, writer: Writer, row: dict[str, Any]) -> Actor:
        return {"bureau": CLERK, "partner": Actor("partner", row["body"]), "system": SYSTEM, "arbiter": self.ledger.ruler(row["petition_no"])}[writer]

    @rule(data=st.data(), sequence=st.integers(1, 4), then=st.sampled_from(["", "SIGNED", "IN_PROGRESS", "CLOSED"]))
    @precondition(lambda self: self.numbers)
    def a_receipt_comes_whenever_it_likes(self, data: st.DataObject, sequence: int, then: str) -> None:
        row = self.newest(data, 9)
        if row is not None and sequence <= row["seq_out"]:
            message = "handoff.request" if sequence == 1 else "handoff.urge"
            self.ledger.receipt(row["handoff_id"], sequence, message, then or "DELIVERED", row["round"])
            self.check()

    @rule(data=st.data(), act=st.sampled_from(PETITION_ACTS))
    @precondition(lambda self: self.numbers)
    def on_a_petition(self, data: st.DataObject, act: str) -> None:
        petition = self.pick(data)
        if act in CLOSING and data.draw(st.integers(0, 2)):
            return
        edge = ROADS.edge("petition", petition["state"], act)
        who = self.ledger.ruler(petition["petition_no"]) if edge is not None and edge.writer == "arbiter" else CLERK
        said = {**self.ledger.good(act), **(EXTRA.get(act, {}) if data.draw(st.booleans()) else {})}
        self.act(Move(act, who, petition_no=petition["petition_no"], data=said))

    # -- the clerk's desk -------------------------------------------------------------------------------------------------------

    @rule(data=st.data(), what=st.sampled_from(["split", "link", "supervise", "take_back", "by_hand", "record", "propose", "feedback", "instead"]))
    @precondition(lambda self: self.numbers)
    def at_the_desk(self, data: st.DataObject, what: str) -> None:
        petition, row = self.pick(data), self.newest(data, data.draw(st.integers(0, 9)))
        number, handoff = petition["petition_no"], row["handoff_id"] if row else ""
        if what in ("supervise", "take_back", "by_hand", "record", "instead") and row is None:
            return
        if what in ("split", "link") and (data.draw(st.integers(0, 2)) or petition["state"] not in ("REGISTERED", "WITH_CLERK")):
            return
        here, today = self.ledger, self.ledger.now.astimezone(SHANGHAI).date()
        if what == "take_back" and row is not None and row["state"] == "ISSUED":
            with here.transaction() as connection:
                connection.execute("update outbox set state = 'DEAD' where handoff_id = %s", (handoff,))
            here.take(Move("flag", SYSTEM, handoff_id=handoff, data={"code": "send-refused"}))
        proposal = here.rows("select proposal_id from proposal where petition_no = %s and closed_at is null order by issued_at, kind limit 1", number)
        with here.transaction() as connection:
            rest = (here.house, here.sealer, here.now)
            match what:
                case "split":
                    before = here.rows("select 1 from petition")
                    answer: Answer = desk_petition.split(connection, number, [Part("甲事", "甲"), Part("乙事", "乙", {"klass": "suggestion"})], "分开办", *rest)
                    assert isinstance(answer, Done) or len(here.rows("select 1 from petition")) == len(before)
                case "link":
                    answer = desk_petition.link(connection, number, self.numbers[0], today, "重复", *rest)
                case "supervise":
                    answer = desk.supervise(connection, handoff, data.draw(st.sampled_from([*SUPERVISION_GROUNDS, "why not"])), "逾期", *rest)
                case "take_back":
                    answer = desk.take_back(connection, handoff, "对方拒收", *rest)
                case "by_hand":
                    answer = desk.deliver_by_hand(connection, handoff, "澜送1号", today, "收发室", *rest)
                case "record":
                    act = data.draw(st.sampled_from(["handoff.signed", "handoff.accepted", "handoff.declined", "handoff.result", "withdraw.answer"]))
                    answer = desk.record_for(connection, handoff, act, here.good(act), "收1号", *rest)
                case "propose":
                    kind, to = data.draw(st.sampled_from([("improve", HOUSING), ("policy", "government-990100"), ("accountability", "discipline-990100"), ("policy", HOUSING)]))
                    answer = desk_petition.propose(connection, number, kind, to, "improper", "请改进", *rest)
                case "feedback":
                    answer = desk_petition.proposal_feedback(connection, number, proposal[0]["proposal_id"] if proposal else "none", "yes", today, "", *rest)
                case _:
                    answer = desk_petition.designate_instead(connection, handoff, HOUSING, "改由其受理", *rest)
        assert isinstance(answer, Done | Refused)
        self.numbers += [r["petition_no"] for r in here.rows("select petition_no from petition where parent_petition_no = %s", number)
                         if r["petition_no"] not in self.numbers]
        self.check()

    @rule(hours=st.sampled_from([1, 20, 24, 72, 24 * 10, 24 * 40]))
    @precondition(lambda self: self.numbers)
    def time_goes_by(self, hours: int) -> None:
        self.ledger.wait(hours=hours)
        self.ledger.ring_all(self.numbers)
        self.check(rung=True)

    def act(self, move: Move) -> Done | Refused:
        before = self.ledger.everything(self.numbers)
        answer = self.ledger.one(move)
        if isinstance(answer, Refused):
            assert self.ledger.everything(self.numbers) == before, f"{move.act} was refused and changed something"
        self.check()
        return answer

    def check(self, rung: bool = False) -> None:
        open_handoffs: dict[str, list[dict[str, Any]]] = {number: [] for number in self.numbers}
        for row in self.ledger.rows("select * from handoff where petition_no = any(%s)", self.numbers):
            ended = row["state"] in HANDOFF_ENDS
            assert (row["holder"] is None) == (row["next_due"] is None) == ended, row["state"]
            if not ended:
                open_handoffs[row["petition_no"]].append(row)
        clocks = self.ledger.rows("select * from clock where petition_no = any(%s) and state = 'OPEN'", self.numbers)
        for petition in self.ledger.rows("select * from petition where petition_no = any(%s)", self.numbers):
            mine = open_handoffs[petition["petition_no"]]
            running = [c for c in clocks if c["petition_no"] == petition["petition_no"]]
            if petition["state"] in PETITION_ENDS:
                assert not mine
                assert petition["holder"] is petition["next_due"] is None
                assert not running
                continue
            assert len(mine) == (petition["state"] == "HANDED_OFF")
            assert petition["open_handoff"] == (mine[0]["handoff_id"] if mine else None)
            assert petition["holder"]
            assert petition["next_due"] == min(c["due_at"] for c in running if c["paused_at"] is None)
            assert "total" in {c["root"] for c in running}, "the time of the whole runs, whoever has it"
            for row in mine:
                assert (row["holder"], row["next_due"]) == (petition["holder"], petition["next_due"])
            assert all(c["handoff_id"] in (None, petition["open_handoff"]) for c in running), "a clock runs for what has ended"
            assert mine == [] or [c["root"] for c in running if c["handoff_id"] is None] == ["total"], "with a body, the petition itself has only its whole time"
            roots = [c["root"] for c in running]
            assert len(roots) == len(set(roots)), "one ladder, one rung"
            at_conference = [c for c in running if c["key"] == "conference" and c["paused_at"] is None]
            if at_conference:
                raised = str(petition["arbiter"] or "").startswith("joint_conference")
                assert petition["holder"] == (petition["arbiter"] if raised else CONFERENCE)
            if rung:
                assert petition["next_due"] > self.ledger.now, "after everything has rung, the next date lies ahead"
        for duty in self.ledger.rows("select d.*, p.state from duty d join petition p using (petition_no) where d.petition_no = any(%s)", self.numbers):
            if duty["closed_at"] is None and duty["state_bound"]:
                assert duty["state"] not in PETITION_ENDS
            if duty["closed_at"] is None and not duty["state_bound"] and rung:
                assert duty["due_at"] > self.ledger.now
        for clock in clocks:
            # A ladder that stands at the conference has its duty open there, whatever happened in between.
            if clock["key"] == "conference" and clock["root"] not in ("ruling", "decision"):
                assert [d for d in self.ledger.duties("conference") if d["detail"].get("root") == clock["root"] and d["handoff_id"] == clock["handoff_id"]
                        and d["petition_no"] == clock["petition_no"]]

    def teardown(self) -> None:
        assert self.ledger.flaws() == []


def test_no_order_of_events_loses_a_case(ledger: Ledger) -> None:
    machine = type("LifeHere", (Life,), {"ledger": ledger})
    run_state_machine_as_test(machine, settings=settings(
        max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)))


WAITING = [*(("petition", state) for state in PETITION_WAITS), *(("handoff", state) for state in HANDOFF_WAITS)]


@pytest.mark.parametrize(("machine", "state"), WAITING)
def test_when_nobody_acts_the_case_ends_with_the_joint_conference(ledger: Ledger, machine: str, state: str) -> None:
    number = reach(ledger, machine, state)
    assert ledger.petition(number)["holder"] in (BUREAU, BODIES[0], CONFERENCE, "government-990100")
    ledger.let_pass(420, step=3)
    before = ledger.petition(number)
    assert before["holder"] == CONFERENCE
    # ... and there it rings for ever: half a year later it has been asked about again, and again.
    rings = "select count(*) as n from journal where petition_no = %s and act = 'clock.expired'"
    rung = ledger.row(rings, number)["n"]
    ledger.let_pass(180, step=5)
    after = ledger.petition(number)
    assert after["holder"] == CONFERENCE
    assert after["next_due"] > ledger.now >= before["next_due"]
    assert ledger.row(rings, number)["n"] >= rung + 10
    assert ledger.flaws() == []
