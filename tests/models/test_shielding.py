"""An accusation never reaches the accused: over random directories, random accused and random orders of everything that can be asked of the door."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.bodies import Bodies
from config.body import LEVELS, Body, Connector, Place
from config.facts import Facts
from models import desk, desk_petition, inbox, outbox, resending, settling
from models.moves import SYSTEM, Actor, Answer, Move, Route
from rules.calendar import SHANGHAI
from rules.guards import accused_side
from tests.models.ledger import BUREAU, CLERK, Ledger, house

PLACES = [Place(code="000000", name="某国", level="nation"), Place(code="990000", name="某省", level="province", superior="000000"),
          Place(code="990100", name="某市", level="city", superior="990000"), Place(code="990102", name="东区", level="district", superior="990100"),
          Place(code="990103", name="西区", level="district", superior="990100")]
SEATS = ("government", "bureau", "joint_conference", "discipline", "court", "police")
AGENCIES = ("housing", "market")
NEAR = ("government-990100", "joint_conference-990100", "government-990000", "bureau-990000", "joint_conference-990000", "discipline-990100")


HANDOFF_ACTS = sorted({edge.message for edge in house().roads.machine("handoff").edges} - {"receipt", "handoff.request", "handoff.cancel", "acceptance.deemed"})
DESK = ("dispute", "dispute", "propose", "propose", "report_up", "to_clerk", "guide", "propose", "decide", "instead", "reopen", "back", "supplement")


@st.composite
def directories(draw: st.DrawFn) -> Bodies:
    """Seats at every level, who leads whom at random (always upwards, so that there is no circle), some merged into another."""
    made: list[Body] = []
    for place in PLACES:
        for kind, sector in [*((kind, None) for kind in SEATS), *(("agency", sector) for sector in AGENCIES)]:
            if (kind, place.code) not in (("bureau", "990100"), ("joint_conference", "990100")) and draw(st.integers(0, 9)) == 0:
                continue
            higher = [b.code for b in made if LEVELS.index(b.level) < LEVELS.index(place.level)]
            beside = [b.code for b in made if b.division == place.code and b.kind == "government"]
            own = [b.code for b in made if b.kind == kind and b.sector == sector and b.code in higher]
            leaders = st.sampled_from([*own, *beside, *higher]) if higher or beside else st.nothing()
            superior = draw(st.none() | leaders) if higher or beside else None
            led_by = tuple(sorted(draw(st.sets(leaders, max_size=2)) - {superior})) if higher or beside else ()
            heirs = [b.code for b in made if b.kind == kind and b.successor is None and (kind not in ("bureau", "joint_conference"))]
            merged = draw(st.integers(0, 5)) == 0 and heirs
            made.append(Body(
                code=f"{kind}{'-' + sector if sector else ''}-{place.code}", name=f"{place.name}{kind}{sector or ''}", kind=kind, sector=sector, level=place.level,
                division=place.code, superior=superior, led_by=led_by, profile="agency", connector=Connector(kind="desk"),
                successor=draw(st.sampled_from(heirs)) if merged else None, since=draw(st.sampled_from([date(2025, 1, 1), date(2027, 1, 1)])) if merged else None))
    return Bodies(PLACES, made)


class Shield:
    """One directory, one accused, a few petitions that say so at once or come to say so."""

    def __init__(self, ledger: Ledger, bodies: Bodies, data: st.DataObject) -> None:
        self.ledger = ledger
        self.ledger.house = replace(house(), bodies=bodies)
        self.ledger.at("2026-03-02 09:00")
        self.codes = sorted(body.code for body in bodies)
        # Often somebody whom the ladder, a dispute or a report would lead to.
        near = [code for code in NEAR if code in bodies]
        self.accused = data.draw(st.sampled_from(near if data.draw(st.booleans()) else self.codes))
        self.side = accused_side(self.accused, bodies)
        self.others = [code for code in self.codes if code not in self.side] or self.codes
        self.numbers: list[str] = []
        self.known: set[str] = set()
        # What had been said to the accused's side before anybody knew whose side it was.
        self.before: dict[str, set[str]] = {}

    # -- what can be asked ------------------------------------------------------------------------------------------------------

    def body(self, data: st.DataObject) -> str:
        """Mostly somebody of the accused's side: those are the ones to be kept out."""
        return data.draw(st.sampled_from(sorted(self.side) if data.draw(st.booleans()) else self.codes))

    def register(self, told: bool, grave: bool) -> None:
        facts: dict[str, Any] = {"klass": "claim", "branch": "B3.6", **({"grave": True} if grave else {})}
        if told:
            facts = {"klass": "accusation", "branch": "B2a", "accused": "official", "accused_body": self.accused, **({"grave": True} if grave else {})}
        self.numbers.append(self.ledger.register(facts=facts))
        self.look()

    def it_turns_out_to_accuse(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.numbers))
        with self.ledger.transaction() as connection:
            desk_petition.classify(connection, number, {"accused_body": self.accused}, "查明", self.ledger.house, self.ledger.sealer, self.ledger.now)
        self.look()

    def it_comes_back_from_them_with_letters_still_on_their_way(self, data: st.DataObject, received: str, late: int, turned: bool) -> None:
        """Sent as a claim to the very side that it turns out to accuse; given back before everything was delivered; and perhaps it lay about."""
        number = self.ledger.register(facts={"klass": "claim", "branch": "B3.6", **({"grave": True} if late % 2 else {})})
        answer = self.ledger.one(self.ledger.route_move(number, data.draw(st.sampled_from(sorted(self.side)))))
        handoff = getattr(answer, "handoff_id", None)
        if handoff and received == "refused":
            for message in [m for m in self.ledger.claim(self.ledger.handoff(handoff)["body"]) if m.handoff_id == handoff]:
                self.ledger.settle(settling.Result(message, "dead", "422", sure=True))
            with self.ledger.transaction() as connection:
                desk.take_back(connection, handoff, "对方拒收", self.ledger.house, self.ledger.sealer, self.ledger.now)
        elif handoff:
            if received == "surely":
                self.ledger.receipt(handoff)
            self.ledger.done(self.ledger.clerk("handoff.withdraw", handoff, reason="误转"))
            self.ledger.done(self.ledger.one(Move("withdraw.agreed", Actor("partner", self.ledger.handoff(handoff)["body"]), handoff_id=handoff)))
        self.numbers.append(number)
        if late > 20:
            self.ledger.wait(days=late)
            self.ledger.ring_all(self.numbers)
        if turned:
            with self.ledger.transaction() as connection:
                desk_petition.classify(connection, number, {"accused_body": self.accused}, "查明", self.ledger.house, self.ledger.sealer, self.ledger.now)
        self.look()

    def send(self, data: st.DataObject, act: str, told: bool) -> None:
        number = data.draw(st.sampled_from(self.numbers))
        known = self.ledger.petition(number)["facts"]
        kinds: list[dict[str, Any] | None] = [None, {"klass": "claim"}, {**known, "accused_body": self.accused}, {**known, "accused_body": self.others[0]}]
        route = Route(self.body(data), "转送", "by-hand", "XF 22(1)", "B3.6", "claim", data.draw(st.sampled_from(kinds)) if told else None)
        who = self.ledger.ruler(number) if act == "petition.designate" else CLERK
        answer = self.ledger.one(Move(act, who, petition_no=number, data=self.ledger.good(act), route=route))
        handoff = getattr(answer, "handoff_id", None)
        if handoff and data.draw(st.booleans()):
            self.ledger.receipt(handoff)
        self.look()

    def on_a_handoff(self, data: st.DataObject, act: str) -> None:
        rows = self.open()
        if not rows:
            return
        row = data.draw(st.sampled_from(rows))
        edge = self.ledger.house.roads.edge("handoff", row["state"], act)
        if edge is None or data.draw(st.integers(0, 5)) == 0:
            here = [e.message for e in self.ledger.house.roads.machine("handoff").edges if row["state"] in e.from_ and e.writer != "system"]
            edge = self.ledger.house.roads.edge("handoff", row["state"], data.draw(st.sampled_from(here)))
            assert edge is not None
            act = edge.message
        said = self.ledger.good(act)
        if act == "handoff.forwarded":
            said = {"to_subordinate": self.body(data)}
        if act == "handoff.objected":
            said["suggested_body"] = self.ledger.house.bodies.get(self.body(data)).urn
        who = {"bureau": CLERK, "partner": Actor("partner", row["body"]), "arbiter": self.ledger.ruler(row["petition_no"]), "system": SYSTEM}[edge.writer]
        self.ledger.one(Move(act, who, handoff_id=row["handoff_id"], data=said))
        self.look()

    def at_the_desk(self, data: st.DataObject, what: str) -> None:
        number, rows, body = data.draw(st.sampled_from(self.numbers)), self.open(), self.body(data)
        here, today = self.ledger, self.ledger.now.astimezone(SHANGHAI).date()
        rest = (here.house, here.sealer, here.now)
        with here.transaction() as connection:
            match what:
                case "dispute":
                    # Often two of the accused's own, whose common superior then is the accused, or stands under it.
                    who = sorted(self.side) if data.draw(st.booleans()) else self.codes
                    desk_petition.dispute(connection, number, "争议", *rest, disputants=data.draw(st.lists(st.sampled_from(who), max_size=3, unique=True)))
                case "report_up":
                    desk_petition.report_up(connection, number, "重大", *rest)
                case "to_clerk":
                    desk.act(connection, Move("petition.to_clerk", CLERK, petition_no=number), *rest)
                case "guide":
                    answer: Answer = desk_petition.guide(connection, number, today, "引导", *rest, body=body)
                    assert not (hasattr(answer, "new") and body in self.side and self.knows(number)), "nobody who accuses is shown the way to the accused"
                case "propose":
                    kind, to = data.draw(st.sampled_from([("improve", body), ("improve", body), ("policy", "government-990100"), ("accountability", body)]))
                    desk_petition.propose(connection, number, kind, to, "improper", "请改进", *rest)
                case "decide":
                    desk_petition.decide_up(connection, number, "办", *rest)
                case "reopen":
                    desk_petition.reopen(connection, number, "新证据", *rest)
                case "back":
                    desk_petition.guide_back(connection, number, "不收", *rest)
                case "instead" if rows:
                    desk_petition.designate_instead(connection, rows[0]["handoff_id"], body, "改办", *rest)
                case "supplement" if rows:
                    desk.supplement(connection, rows[0]["handoff_id"], "补充的话", *rest)
        self.look()

    def deliver(self, data: st.DataObject, sure: bool, verdict: str) -> None:
        body = self.body(data)
        leased = [m for m in self.ledger.claim(body) if m.petition_no in self.numbers]
        for message in leased:
            assert not (body in self.side and self.knows(message.petition_no)), "leased for the accused"
            if verdict == "receipted":
                self.ledger.settle(self.ledger.receipted(message))
            elif verdict != "lost":
                later = self.ledger.now if verdict == "retry" else None
                self.ledger.settle(settling.Result(message, verdict, "x", next_at=later, sure=sure))  # type: ignore[arg-type]
        self.look()

    def everything_is_sent_again(self) -> None:
        """What a reconciliation, a watcher after a crash, or an operator may ask for."""
        ids = [r["message_id"] for r in self.ledger.rows("select message_id from outbox where petition_no = any(%s)", self.numbers)]
        self.ledger.wait(minutes=10)
        with self.ledger.transaction() as connection:
            outbox.reap(connection, self.ledger.now)
            resending.requeue(connection, ids, self.ledger.now)
        self.look()

    def a_body_asks_for_what_it_missed(self) -> None:
        rows = [r for r in self.ledger.rows("select * from handoff where petition_no = any(%s)", self.numbers) if r["body"] in self.side]
        for row in rows:
            with self.ledger.transaction() as connection:
                told = inbox.sent_by(connection, row["body"], row["handoff_id"], 0, self.ledger.sealer)
            assert not (told and self.knows(row["petition_no"])), "the accused asked, and was told"

    def time_goes_by(self, days: int) -> None:
        self.ledger.wait(days=days)
        self.ledger.ring_all(self.numbers)
        self.look()

    # -- what must never be -----------------------------------------------------------------------------------------------------

    def open(self) -> list[dict[str, Any]]:
        return self.ledger.rows("""select h.* from handoff h where petition_no = any(%s) and state not in ('RETURNED','CLOSED','WITHDRAWN')
                                   order by petition_no""", self.numbers)

    def knows(self, number: str) -> bool:
        """Whether the ledger has ever been told that this petition accuses them: it must not forget."""
        if self.ledger.petition(number)["facts"].get("accused_body") == self.accused:
            self.known.add(number)
        return number in self.known

    def look(self) -> None:
        for number in self.numbers:
            petition = self.ledger.petition(number)
            assert (petition["holder"] is None) == (petition["next_due"] is None)
            assert petition["facts"].get("accused_body") in (None, self.accused, self.others[0])
            if self.knows(number):
                assert petition["facts"]["accused_body"] == self.accused, "who stands accused was forgotten"
                letters = self.ledger.rows("select message_id, body, state from outbox where petition_no = %s", number)
                allowed = self.before.setdefault(number, {m["message_id"] for m in letters})
                for letter in letters:
                    if letter["body"] in self.side:
                        assert letter["message_id"] in allowed, "a message to the accused's side"
                        assert letter["state"] in ("DEAD", "RECEIPTED", "WEAK_RECEIPT"), "what waited for the accused's side still waits"
                assert not self.side.intersection(self.holders(number)), "somebody of the accused's side holds the case, or a part of it"

    def holders(self, number: str) -> Iterator[str]:
        """Everybody who owes anything about this petition, and everybody it was passed on to; the bureau has it anyhow."""
        one = "select {} as it from {} where petition_no = %s and {} is not null"
        for what, table, more in (
            ("holder", "petition", ""), ("arbiter", "petition", ""), ("holder", "handoff", ""), ("owes", "clock", " and state = 'OPEN'"),
            ("holder", "duty", " and closed_at is null"), ("detail->>'to'", "duty", " and closed_at is null and kind = 'report.grave'"),
        ):
            yield from (r["it"] for r in self.ledger.rows(one.format(what, table, what) + more, number) if r["it"] != BUREAU)
        passed = "select detail->>'to_subordinate' as it from journal where petition_no = %s and act = 'handoff.forwarded'"
        if number in self.told_at_once:
            yield from (r["it"].removeprefix("urn:xf:").replace(":", "-") for r in self.ledger.rows(passed, number))

    @property
    def told_at_once(self) -> set[str]:
        return {r["petition_no"] for r in self.ledger.rows(
            "select petition_no from journal where act = 'petition.register' and petition_no = any(%s)", self.numbers)
            if not self.ledger.rows("select 1 from journal where petition_no = %s and act in ('petition.classify')", r["petition_no"])
            and Facts.model_validate(self.ledger.petition(r["petition_no"])["facts"]).klass == "accusation"}


    def live(self, data: st.DataObject) -> None:
        """Some petitions that say whom they accuse, some that it turns out of; then anything; then nobody does anything; then everything again."""
        for _ in range(data.draw(st.integers(1, 2))):
            if data.draw(st.booleans()):
                self.register(data.draw(st.booleans()), data.draw(st.booleans()))
            else:
                self.it_comes_back_from_them_with_letters_still_on_their_way(
                    data, data.draw(st.sampled_from(["not", "surely", "refused"])), data.draw(st.integers(0, 60)), data.draw(st.booleans()))
        for _ in range(data.draw(st.integers(2, 9))):
            match data.draw(st.sampled_from(["send", "send", "handoff", "handoff", "desk", "desk", "deliver", "again", "accuse", "time"])):
                case "send":
                    self.send(data, data.draw(st.sampled_from(["petition.route", "petition.designate", "petition.review", "petition.rereview"])), data.draw(st.booleans()))
                case "handoff":
                    self.on_a_handoff(data, data.draw(st.sampled_from(HANDOFF_ACTS)))
                case "desk":
                    self.at_the_desk(data, data.draw(st.sampled_from(DESK)))
                case "deliver":
                    self.deliver(data, data.draw(st.booleans()), data.draw(st.sampled_from(["receipted", "weak", "retry", "dead", "lost"])))
                case "again":
                    self.everything_is_sent_again()
                case "accuse":
                    self.it_turns_out_to_accuse(data)
                case _:
                    self.time_goes_by(data.draw(st.sampled_from([1, 8, 40])))
        for _ in range(3):
            self.time_goes_by(45)
        self.it_turns_out_to_accuse(data)
        self.everything_is_sent_again()
        self.a_body_asks_for_what_it_missed()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(bodies=directories(), data=st.data())
def test_nothing_ever_reaches_the_accused_by_any_way(ledger: Ledger, bodies: Bodies, data: st.DataObject) -> None:
    Shield(ledger, bodies, data).live(data)
