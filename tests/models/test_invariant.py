"""The invariant over random orders of events: whoever acts, however it ends, no case is without holder and date."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from config.roadmap import SAME, Writer
from models.moves import Actor, Done, Move, Refused
from models.tables import HANDOFF_ENDS, PETITION_ENDS
from tests.models.ledger import ARBITER, BUREAU, CLERK, CONFERENCE, Ledger, good_data, house

BODIES = ("court-990100", "agency-housing-990102", "labour_arbitration-990100", "discipline-990100")
ROADS = house().roads
HANDOFF_ACTS = sorted({edge.message for edge in ROADS.machine("handoff").edges} - {"receipt"})
PETITION_ACTS = sorted({edge.message for edge in ROADS.machine("petition").edges} - {"petition.route"})
EXTRA: dict[str, dict[str, Any]] = {"handoff.suspended": {"party": "petitioner"}, "handoff.objected": {"reason_code": "g2"}, "handoff.extended": {"days": 10}}


def actor(writer: Writer, body: str) -> Actor:
    return {"bureau": CLERK, "partner": Actor("partner", body), "system": Actor("system", "tonglu"), "arbiter": ARBITER}[writer]


class Life(RuleBasedStateMachine):
    """A few petitions, lived at random."""

    ledger: Ledger

    def __init__(self) -> None:
        super().__init__()
        self.numbers: list[str] = []
        self.ledger.at("2026-03-02 09:00")

    @rule()
    @precondition(lambda self: len(self.numbers) < 3)
    def register(self) -> None:
        self.numbers.append(self.ledger.register())
        self.check()

    @rule(state=st.sampled_from(["SIGNED", "OBJECTED", "ESCALATED", "ACCEPTED", "IN_PROGRESS", "SUSPENDED", "REPORTED", "DECLINED"]), body=st.sampled_from(BODIES))
    @precondition(lambda self: len(self.numbers) < 3)
    def set_out_from_the_middle(self, state: str, body: str) -> None:
        """Random walks seldom get far; so some start there, brought by the door all the same."""
        self.numbers.append(self.ledger.register())
        bring(self.ledger, self.ledger.send(body, petition_no=self.numbers[-1]), state)
        self.check()

    def pick(self, data: st.DataObject) -> dict[str, Any]:
        return self.ledger.petition(data.draw(st.sampled_from(self.numbers)))

    @rule(data=st.data(), body=st.sampled_from(BODIES))
    @precondition(lambda self: self.numbers)
    def route(self, data: st.DataObject, body: str) -> None:
        self.act(self.ledger.route_move(self.pick(data)["petition_no"], body, data.draw(st.sampled_from(["B3.6", "B3.2", "B3.5"]))))

    @rule(data=st.data(), body=st.sampled_from(BODIES))
    @precondition(lambda self: self.numbers)
    def send_and_receive(self, data: st.DataObject, body: str) -> None:
        number = self.pick(data)["petition_no"]
        answer = self.act(self.ledger.route_move(number, body))
        if isinstance(answer, Done) and answer.handoff_id:
            self.ledger.receipt(answer.handoff_id)
            self.check()

    @rule(data=st.data(), wild=st.integers(0, 9))
    @precondition(lambda self: self.numbers)
    def on_a_handoff(self, data: st.DataObject, wild: int) -> None:
        # In the order of their making; ids made at one instant have none. An example must run the same way twice.
        rows = self.ledger.rows("""select h.* from handoff h where petition_no = any(%s) order by h.state not in ('RETURNED','CLOSED','WITHDRAWN'),
                                   petition_no, (select min(seq) from journal j where j.handoff_id = h.handoff_id)""", self.numbers)
        if not rows:
            return
        row = rows[-1] if wild < 8 else data.draw(st.sampled_from(rows))
        here = [edge for edge in ROADS.machine("handoff").edges if row["state"] in edge.from_ and (edge.to != SAME or wild % 3 == 0)]
        act = data.draw(st.sampled_from([edge.message for edge in here])) if here and wild else data.draw(st.sampled_from(HANDOFF_ACTS))
        edge = ROADS.edge("handoff", row["state"], act)
        writer: Writer = edge.writer if edge and wild > 1 else data.draw(st.sampled_from(["bureau", "partner", "system", "arbiter"]))
        said = {**good_data(act), **(EXTRA.get(act, {}) if data.draw(st.booleans()) else {})} if wild != 2 else {}
        if act == "receipt":
            said = {"message": "handoff.request", "sequence": 1, "round": 1, "then": "DELIVERED"}
        self.act(Move(act, actor(writer, row["body"]), handoff_id=row["handoff_id"], data=said))

    @rule(data=st.data(), act=st.sampled_from(PETITION_ACTS))
    @precondition(lambda self: self.numbers)
    def on_a_petition(self, data: st.DataObject, act: str) -> None:
        if act in ("petition.close", "petition.guide") and data.draw(st.integers(0, 3)):
            return
        self.act(Move(act, CLERK, petition_no=self.pick(data)["petition_no"], data=good_data(act)))

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
            for row in mine:
                assert (row["holder"], row["next_due"]) == (petition["holder"], petition["next_due"])
            assert all(c["handoff_id"] == petition["open_handoff"] for c in running), "a clock runs for what has ended"
            roots = [c["root"] for c in running]
            assert len(roots) == len(set(roots)), "one ladder, one rung"
            at_conference = [c for c in running if c["key"] == "conference" and c["paused_at"] is None]
            if at_conference:
                assert petition["holder"] == CONFERENCE
            if rung:
                assert petition["next_due"] > self.ledger.now, "after everything has rung, the next date lies ahead"
        for duty in self.ledger.rows("select d.*, p.state from duty d join petition p using (petition_no) where d.petition_no = any(%s)", self.numbers):
            if duty["closed_at"] is None and duty["state_bound"]:
                assert duty["state"] not in PETITION_ENDS
            if duty["closed_at"] is None and not duty["state_bound"] and rung:
                assert duty["due_at"] > self.ledger.now
        for clock in clocks:
            # A ladder that stands at the conference has its duty open there, whatever happened in between.
            if clock["key"] == "conference" and clock["root"] != "ruling":
                assert [d for d in self.ledger.duties("conference") if d["detail"].get("root") == clock["root"] and d["handoff_id"] == clock["handoff_id"]
                        and d["petition_no"] == clock["petition_no"]]

    def teardown(self) -> None:
        assert self.ledger.flaws() == []


def test_no_order_of_events_loses_a_case(ledger: Ledger) -> None:
    machine = type("LifeHere", (Life,), {"ledger": ledger})
    run_state_machine_as_test(machine, settings=settings(
        max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)))


WAITING = [("petition", "REGISTERED"), ("petition", "WITH_CLERK"), *(("handoff", state) for state in (
    "ISSUED", "DELIVERED", "SIGNED", "OBJECTED", "ESCALATED", "ACCEPTED", "DECLINED", "IN_PROGRESS", "SUSPENDED", "REPORTED"))]


def reach(ledger: Ledger, machine: str, state: str) -> str:
    """A petition that waits in this state; its number."""
    number = ledger.register()
    if machine == "petition":
        if state == "WITH_CLERK":
            ledger.done(ledger.one(Move("petition.to_clerk", CLERK, petition_no=number)))
        return number
    bring(ledger, ledger.send(petition_no=number), state)
    return number


PATHS: dict[str, tuple[str, ...]] = {
    "ISSUED": (), "DELIVERED": ("receipt",), "SIGNED": ("receipt", "handoff.signed"), "OBJECTED": ("receipt", "handoff.objected"),
    "ESCALATED": ("receipt", "handoff.objected", "objection.escalated"), "ACCEPTED": ("receipt", "handoff.accepted"),
    "DECLINED": ("receipt", "handoff.declined"), "IN_PROGRESS": ("receipt", "handoff.accepted", "handoff.progress"),
    "SUSPENDED": ("receipt", "handoff.accepted", "handoff.suspended"), "REPORTED": ("receipt", "handoff.accepted", "handoff.result"),
    "RETURNED": ("receipt", "handoff.objected", "objection.upheld"), "CLOSED": ("receipt", "handoff.accepted", "handoff.result", "result.accepted"),
    "WITHDRAWN": ("handoff.withdraw", "withdraw.agreed"),
}


def bring(ledger: Ledger, handoff: str, state: str) -> str:
    """Take an ISSUED hand-off to this state by the shortest road; its id."""
    body = ledger.handoff(handoff)["body"]
    for act in PATHS[state]:
        if act == "receipt":
            ledger.done(ledger.receipt(handoff))
            continue
        edge = ROADS.edge("handoff", ledger.handoff(handoff)["state"], act)
        assert edge is not None
        ledger.done(ledger.one(Move(act, actor(edge.writer, body), handoff_id=handoff, data=good_data(act))))
    assert ledger.handoff(handoff)["state"] == state
    return handoff


@pytest.mark.parametrize(("machine", "state"), WAITING)
def test_when_nobody_acts_the_case_ends_with_the_joint_conference(ledger: Ledger, machine: str, state: str) -> None:
    number = reach(ledger, machine, state)
    assert ledger.petition(number)["holder"] in (BUREAU, BODIES[0], CONFERENCE)
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
