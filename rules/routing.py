"""Which body, by which way, on what basis: the routing table applied to one petition's facts.

Every row whose conditions hold is a candidate; the lowest rank wins. Two rows of the same rank that lead to different
bodies, facts that contradict each other, a destination that cannot be worked out, a guard that forbids it, and facts
that no row fits all end with a clerk. Nothing here raises for a petition: a hard case is a person's duty, not an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from config.bodies import Bodies, Body
from config.facts import Facts
from config.routing import Destination, Remedy, RoutingTable, Row, Shelved, suits
from rules.destination import Seat, designator, resolve
from rules.filling import Conflict, complete, fill
from rules.guards import Allowed, Blocked, may_send
from rules.routing_words import conditions, table_markdown

__all__ = ["Routed", "ToClerk", "conditions", "fill", "holds", "route", "table_markdown"]


@dataclass(frozen=True, slots=True)
class Routed:
    """The petition goes to `body` by `way`, on the clock track `track`.

    `why`: Chinese, one reason each; `note`: what the petitioner is told; `remedies`: his other roads; `also`: bodies that are
    told besides; `alternatives`: bodies that weaker rows lead to, in order of rank.
    """

    body: Body
    way: str
    row: Row
    basis: tuple[str, ...]
    why: tuple[str, ...]
    alternatives: tuple[Body, ...]
    track: str
    note: str
    remedies: tuple[Remedy, ...]
    also: tuple[Body, ...]


@dataclass(frozen=True, slots=True)
class ToClerk:
    """A person decides. `reason` is Chinese; `candidates` are bodies the guards allow; `row` led here, if one did.

    `rows`: every row that speaks, where more than one does.
    """

    reason: str
    candidates: tuple[Body, ...]
    row: Row | None = None
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question: the facts, completed, and what they are asked of."""

    facts: Facts
    table: RoutingTable
    bodies: Bodies
    sender: str | None
    on: date | None

    @property
    def via(self) -> tuple[str, ...]:
        return (self.sender,) if self.sender else ()

    def seat(self, to: Destination) -> Seat | str:
        return resolve(to, self.facts, self.bodies, self.on)

    def open_to(self, body: Body, via: tuple[str, ...] | None = None) -> bool:
        return not isinstance(self.verdict(body, via), Blocked)

    def verdict(self, body: Body, via: tuple[str, ...] | None = None) -> Allowed | Blocked:
        return may_send(self.facts, body, self.bodies, self.via if via is None else via)


def route(facts: Facts, table: RoutingTable, bodies: Bodies, sender: str | None = None, on: date | None = None) -> Routed | ToClerk:
    """Where a petition with these facts goes. Never raises.

    Args:
        sender: the code of the bureau that would send it.
        on: the Beijing day of asking: which body then holds the powers of a split or merged one. None: every foreseen succession has happened.
    """
    filled = complete(facts, table)
    if isinstance(filled, Conflict):
        return _contradicted(filled, _Asked(facts, table, bodies, sender, on))
    asked = _Asked(filled, table, bodies, sender, on)
    rows = _holding(filled, table)
    if not rows:
        return ToClerk(_unfit(filled), _residual(asked))
    rivals = [row for row in rows if row.rank == rows[0].rank]
    return _decided(asked, rows, rivals)


def _decided(asked: _Asked, rows: list[Row], rivals: list[Row]) -> Routed | ToClerk:
    best = rows[0]
    allowed = _unique(_candidates(rows, asked))
    clerks = [row for row in rivals if row.clerk]
    if clerks:
        reason = "；".join(f"{row.label}：{row.clerk}（{'、'.join(row.basis)}）" for row in clerks)
        return ToClerk(reason, allowed, clerks[0], tuple(rivals) if len(rivals) > 1 else ())
    assert best.to is not None and best.way is not None  # noqa: S101, PT018  (a row has either `to` or `clerk`)
    seat = asked.seat(best.to)
    if isinstance(seat, str):
        return ToClerk(f"符合“{best.label}”，但{seat}", allowed, best)
    others = [row for row in rivals[1:] if not _same(row, best, seat, asked)]
    if others:
        labels = "、".join(f"“{row.label}”（{'、'.join(row.basis)}）" for row in (best, *others))
        return ToClerk(f"同时符合{labels}，次序相同而去向不同", allowed, best, (best, *others))
    if seat.body.code == asked.sender:
        return ToClerk(f"符合“{best.label}”，应由本单位（{seat.body.name}）自行办理", allowed, best)
    verdict = asked.verdict(seat.body)
    if isinstance(verdict, Blocked):
        return ToClerk(f"{verdict.reason}（{verdict.basis}）", _unique((*allowed, *_above(asked, seat.body))), best)
    return _routed(asked, best, seat, allowed)


def _routed(asked: _Asked, row: Row, seat: Seat, allowed: tuple[Body, ...]) -> Routed:
    visit = row.visit if asked.facts.channel == "visit" else None
    also, told = [], []
    for to in row.also:
        other = asked.seat(to)
        if isinstance(other, Seat) and asked.open_to(other.body):
            also.append(other.body)
            told.append(f"同时报送：{other.body.name}")
        else:
            what = other if isinstance(other, str) else f"{other.body.name}不宜知悉"
            told.append(f"还应当报送有关领导机关，但{what}，须由经办人报送")
    why = (f"符合“{row.label}”：{conditions(row, asked.table)}", *seat.why, *told, f"依据：{'、'.join(row.basis)}")
    alternatives = tuple(body for body in allowed if body.code != seat.body.code)
    way, note = (visit.way, visit.note) if visit else (row.way or "", row.note)
    remedies = asked.table.remedies_of(row)
    return Routed(seat.body, way, row, tuple(row.basis), why, alternatives, row.track or "", note, remedies, tuple(also))


def _contradicted(conflict: Conflict, asked: _Asked) -> ToClerk:
    """Facts that contradict: both reasons, and the row that each would lead to."""
    sides = [complete(side, asked.table) for side in conflict.sides]
    spoken = [(side, _holding(side, asked.table)[:1]) for side in sides if isinstance(side, Facts)]
    rows = tuple({row.id: row for _, found in spoken for row in found}.values())
    labels = "，".join(f"{which}适用“{row.label}”" for which, row in zip(("前者", "后者"), rows, strict=False)) if len(rows) > 1 else ""
    bodies = []
    for side, found in spoken:
        one = _Asked(side, asked.table, asked.bodies, asked.sender, asked.on)
        # whatever either side says of an accused holds for both: the guard is asked with all that was told
        bodies += [body for body in _candidates(found, one) if asked.open_to(body)]
    return ToClerk(conflict.reason + (f"；{labels}" if labels else ""), _unique(bodies), None, rows)


def holds(row: Row, facts: Facts) -> bool:
    """Whether every condition of the row holds for these facts."""
    return all(suits(getattr(facts, name), row.wants(name)) for name in row.when)


def _holding(facts: Facts, table: RoutingTable) -> list[Row]:
    return [shelved.row for shelved in table.shelf(facts) if _wished(shelved, facts)]


def _wished(shelved: Shelved, facts: Facts) -> bool:
    for name, values in shelved.wishes:
        if getattr(facts, name) not in values:
            return False
    return all(getattr(facts, name) is not None for name in shelved.known)


def _same(other: Row, best: Row, seat: Seat, asked: _Asked) -> bool:
    if other.to is None or (other.way, other.track) != (best.way, best.track):
        return False
    found = asked.seat(other.to)
    return isinstance(found, Seat) and found.body.code == seat.body.code


def _candidates(rows: Iterable[Row], asked: _Asked) -> Iterator[Body]:
    """The bodies that these rows lead to and the guards allow; where one left its powers to nobody, whoever designates an heir."""
    for row in rows:
        for to in row.destinations:
            seat = asked.seat(to)
            body = seat.body if isinstance(seat, Seat) else designator(to, asked.facts, asked.bodies, asked.on)
            if body is not None and asked.open_to(body):
                yield body


def _above(asked: _Asked, receiver: Body) -> tuple[Body, ...]:
    # where the sending bureau itself stands on the accused's side, a bureau above it must take the petition over;
    # where only the receiver does, its own line above it may still be open
    sender, bodies = asked.sender, asked.bodies
    blocked = sender is not None and sender in bodies and not asked.open_to(bodies.get(sender), ())
    start = bodies.get(sender) if sender is not None and blocked else receiver
    higher = (bodies.find(start.kind, place.code, start.sector, asked.on) for place in bodies.lineage(start.division)[1:])
    return tuple(body for body in higher if body and asked.open_to(body, ()))


def _residual(asked: _Asked) -> tuple[Body, ...]:
    if asked.facts.sector is None or asked.facts.klass == "accusation":
        return ()
    seat = asked.seat(Destination(kind="agency", sector="$sector"))
    return (seat.body,) if isinstance(seat, Seat) and asked.open_to(seat.body) else ()


def _unfit(facts: Facts) -> str:
    if facts.klass is None:
        return "未分类：不知是建议意见、检举控告还是申诉求决，须先甄别"
    needed = {"suggestion": "主管领域", "accusation": "检举控告的性质", "claim": "第三十一条的哪一项或主管领域"}[facts.klass]
    return f"路由表中没有适用的行，可能缺少{needed}，须人工确定去向"


def _unique(bodies: Iterable[Body]) -> tuple[Body, ...]:
    return tuple({body.code: body for body in bodies}.values())
