"""Roads to every state of the map, by the door alone."""

from __future__ import annotations

from config.roadmap import Edge, Writer
from models.desk_petition import Part, split
from models.moves import SYSTEM, Actor, Move, Route
from rules.remedies import higher
from tests.models.ledger import ARBITER, CLERK, CONFERENCE, COURT, Ledger, house

ROADS = house().roads
HOUSING = "agency-housing-990102"
"""A body with bodies above it, one above another: what it answers can be reviewed and re-reviewed."""

PATHS: dict[str, tuple[str, ...]] = {
    "ISSUED": (), "DELIVERED": ("receipt",), "SIGNED": ("receipt", "handoff.signed"), "OBJECTED": ("receipt", "handoff.objected"),
    "ESCALATED": ("receipt", "handoff.objected", "objection.escalated"), "ACCEPTED": ("receipt", "handoff.accepted"),
    "DECLINED": ("receipt", "handoff.declined"), "IN_PROGRESS": ("receipt", "handoff.accepted", "handoff.progress"),
    "HEARING": ("receipt", "handoff.accepted", "hearing.opened"),
    "SUSPENDED": ("receipt", "handoff.accepted", "handoff.suspended"), "REPORTED": ("receipt", "handoff.accepted", "handoff.result"),
    "RETURNED": ("receipt", "handoff.objected", "objection.upheld"), "CLOSED": ("receipt", "handoff.accepted", "handoff.result", "result.accepted"),
    "WITHDRAWN": ("handoff.withdraw", "withdraw.agreed"),
}
PETITION_WAITS = ("REGISTERED", "WITH_CLERK", "REPORTED_UP", "DISPUTED", "GUIDED")
HANDOFF_WAITS = tuple(state for state, at in ROADS.machine("handoff").states.items() if not at.end and state != "DRAFT")


def actor(writer: Writer, body: str) -> Actor:
    return {"bureau": CLERK, "partner": Actor("partner", body), "system": SYSTEM, "arbiter": ARBITER}[writer]


def bring(ledger: Ledger, handoff: str, state: str) -> str:
    """Take an ISSUED hand-off to this state by the shortest road; its id."""
    body = ledger.handoff(handoff)["body"]
    for act in PATHS[state]:
        if act == "receipt":
            ledger.done(ledger.receipt(handoff))
            continue
        edge = ROADS.edge("handoff", ledger.handoff(handoff)["state"], act)
        assert edge is not None
        ledger.done(ledger.one(Move(act, actor(edge.writer, body), handoff_id=handoff, data=ledger.good(act))))
    assert ledger.handoff(handoff)["state"] == state
    return handoff


def petition_act(ledger: Ledger, number: str, act: str, route: Route | None = None) -> None:
    edge = ROADS.edge("petition", ledger.petition(number)["state"], act)
    assert edge is not None
    who = ledger.ruler(number) if edge.writer == "arbiter" else CLERK
    ledger.done(ledger.one(Move(act, who, petition_no=number, data=ledger.good(act), route=route)))


def reach(ledger: Ledger, machine: str, state: str) -> str:
    """A petition in this state (of its own, or of its hand-off); its number."""
    number = ledger.register()
    if machine == "handoff":
        bring(ledger, ledger.send(petition_no=number), state)
    elif state == "HANDED_OFF":
        ledger.send(petition_no=number)
    elif state == "CLOSED":
        answered(ledger, number)
    elif state == "CONCLUDED":
        concluded(ledger, number)
    elif state == "SPLIT":
        parts = [Part("甲事", "甲事经过"), Part("乙事", "乙事经过")]
        with ledger.transaction() as connection:
            ledger.done(split(connection, number, parts, "分开办", ledger.house, ledger.sealer, ledger.now))
    elif state != "REGISTERED":
        petition_act(ledger, number, {"WITH_CLERK": "petition.to_clerk", "REPORTED_UP": "petition.report_up", "DISPUTED": "petition.dispute",
                                      "GUIDED": "petition.guide", "LINKED": "petition.link"}[state])
    assert machine == "handoff" or ledger.petition(number)["state"] == state
    return number


def answered(ledger: Ledger, number: str, body: str = HOUSING) -> str:
    """The petition handled and answered in writing today by this body, under art 31(6); the hand-off's id."""
    return bring(ledger, ledger.send(body, "B3.6", number), "CLOSED")


def reviewer(ledger: Ledger, number: str, act: str) -> str:
    """The next higher body of whoever answered at the stage before; the court where nobody has."""
    stage = "handling" if act == "petition.review" else "review"
    rows = ledger.rows("select body from handoff where petition_no = %s and stage = %s and state = 'CLOSED' order by closed_at desc", number, stage)
    return next(iter(higher(rows[0]["body"], ledger.house.bodies)), COURT) if rows else COURT


def review_move(ledger: Ledger, number: str, act: str, body: str = "") -> Move:
    to = Route(body or reviewer(ledger, number, act), "复查" if act == "petition.review" else "复核", act, "XF 35", "B3.6", "claim")
    return Move(act, CLERK, petition_no=number, data=ledger.good(act), route=to)


def remedy(ledger: Ledger, number: str, act: str, state: str = "ISSUED") -> str:
    """复查 or 复核 of a closed petition, its hand-off brought to this state; its id."""
    answer = ledger.done(ledger.one(review_move(ledger, number, act)))
    assert answer.handoff_id
    return bring(ledger, answer.handoff_id, state)


def concluded(ledger: Ledger, number: str) -> None:
    answered(ledger, number)
    remedy(ledger, number, "petition.review", "CLOSED")
    remedy(ledger, number, "petition.rereview", "CLOSED")


def ready(ledger: Ledger, edge: Edge, state: str) -> tuple[str, Route | None]:
    """A petition in `state` for which this edge may be taken, and where it would go."""
    act = edge.message
    if act in ("petition.review", "petition.rereview"):
        number = ledger.register()
        answered(ledger, number)
        if act == "petition.rereview":
            remedy(ledger, number, "petition.review", "CLOSED")
        to = review_move(ledger, number, act).route
        if state == "WITH_CLERK":
            remedy(ledger, number, act, "RETURNED")
        return number, to
    if act == "petition.designate" and state == "WITH_CLERK":
        number = ledger.register()
        ledger.done(ledger.arbiter("ruling.return", bring(ledger, ledger.send(petition_no=number), "ESCALATED")))
        return number, ledger.route_move(number, HOUSING).route
    number = reach(ledger, "petition", state)
    if act == "petition.conference_up":
        for _ in range(60):
            if ledger.duties("conference.up"):
                break
            ledger.let_pass(2)
    if act == "petition.split":
        parts = [ledger.arrival(f"{number}/{n}") for n in (1, 2)]
        ledger.take(*[type(a)(**{**{f: getattr(a, f) for f in a.__slots__}, "parent_petition_no": number}) for a in parts])
    return number, ledger.route_move(number).route if act in ("petition.route", "petition.designate") else None


def silent_to_the_end(ledger: Ledger, handoff: str) -> None:
    """The body does nothing: its time runs out, it is urged and supervised, which reaches it, and that time runs out as well."""
    row = ledger.handoff(handoff)
    for _ in range(400):
        if ledger.handoff(handoff)["holder"] == CONFERENCE:
            break
        ledger.let_pass(2, numbers=[row["petition_no"]])
    assert ledger.handoff(handoff)["holder"] == CONFERENCE
    ledger.done(ledger.clerk("handoff.supervise", handoff))
    ledger.send_all(row["body"])
    ledger.let_pass(12, numbers=[row["petition_no"]])


def ready_handoff(ledger: Ledger, edge: Edge, state: str) -> str:
    """A hand-off in `state` for which this edge may be taken; its id."""
    litigation = "litigation_only" in edge.guards
    branch = "B3.1a" if litigation else "B3.6"
    if "only_deemed" in edge.guards:
        handoff = bring(ledger, ledger.send(), "DELIVERED")
        ledger.done(ledger.one(Move("acceptance.deemed", SYSTEM, handoff_id=handoff)))
        return handoff
    handoff = bring(ledger, ledger.send(COURT, branch), state)
    if edge.message == "withdraw.agreed" and state in ("ISSUED", "DELIVERED", "SIGNED"):
        ledger.done(ledger.clerk("handoff.withdraw", handoff, reason="误转"))
    elif edge.message == "withdraw.agreed":
        ledger.take(Move("flag", SYSTEM, handoff_id=handoff, data={"code": "withdraw-asked"}))
    if "supervised_in_vain" in edge.guards:
        silent_to_the_end(ledger, handoff)
    if "letters_undelivered" in edge.guards:
        ledger.take(Move("duty.open", SYSTEM, handoff_id=handoff, data={"kind": "undelivered", "ref": f"letter of {handoff}"}))
    if "surely_refused" in edge.guards:
        ledger.take(Move("flag", SYSTEM, handoff_id=handoff, data={"code": "send-refused"}))
    return handoff
