"""Which body, by which way, on what basis: the routing table applied to one petition's facts.

Every row whose conditions hold is a candidate; the lowest rank wins. Two rows of the same rank that lead to different
bodies, facts that contradict each other, a destination that cannot be worked out, a guard that forbids it, and facts
that no row fits all end with a clerk. Nothing here raises for a petition: a hard case is a person's duty, not an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from config.bodies import Bodies, Body
from config.facts import NAMES, Facts, shown
from config.routing import ABSENT, KNOWN, Destination, RoutingTable, Row, Scalar
from rules.destination import Seat, resolve
from rules.guards import Blocked, may_send

_IMPLIED: dict[str, dict[str, str | int]] = {
    "B1": {"klass": "suggestion"},
    "B2a": {"klass": "accusation", "accusation": "discipline"},
    "B2b": {"klass": "accusation", "accusation": "law"},
    "B2c": {"klass": "accusation", "accusation": "cadre"},
    "B3.1a": {"klass": "claim", "art31": 1, "organ": "court"},
    "B3.1b": {"klass": "claim", "art31": 1, "organ": "procuratorate"},
    "B3.1c": {"klass": "claim", "art31": 1, "organ": "police"},
    "B3.1d": {"klass": "claim", "art31": 1},
    "B3.2": {"klass": "claim", "art31": 2},
    "B3.3": {"klass": "claim", "art31": 3},
    "B3.4": {"klass": "claim", "art31": 4},
    "B3.5": {"klass": "claim", "art31": 5},
    "B3.6": {"klass": "claim", "art31": 6},
}
_TELLS_ITEM = (("arbitration", 2), ("appeal", 3), ("procedure", 4), ("duty", 5), ("stage", 1))


@dataclass(frozen=True, slots=True)
class Routed:
    """The petition goes to `body` by `way`. `why`: Chinese, one reason each; `alternatives` in order of rank."""

    body: Body
    way: str
    row: Row
    basis: tuple[str, ...]
    why: tuple[str, ...]
    alternatives: tuple[Body, ...]


@dataclass(frozen=True, slots=True)
class ToClerk:
    """A person decides. `reason` is Chinese; `candidates` are bodies the guards allow; `row` led here, if one did."""

    reason: str
    candidates: tuple[Body, ...]
    row: Row | None = None


def route(facts: Facts, table: RoutingTable, bodies: Bodies, sender: str | None = None) -> Routed | ToClerk:
    """Where a petition with these facts goes. `sender` is the code of the bureau that would send it. Never raises."""
    filled = fill(facts)
    if isinstance(filled, str):
        return ToClerk(filled, ())
    facts = filled
    rows = sorted((row for row in table.rows if holds(row, facts)), key=lambda row: row.rank)
    if not rows:
        return ToClerk(_unfit(facts), _residual(facts, bodies, sender))
    best = rows[0]
    found = [(row, resolve(to, facts, bodies)) for row in rows for to in row.destinations]
    allowed = _allowed(found, facts, bodies, sender)
    rivals = [row for row in rows if row.rank == best.rank]
    clerk = next((row for row in rivals if row.clerk), None)
    if clerk is not None:
        return ToClerk(f"{clerk.label}：{clerk.clerk}（{'、'.join(clerk.basis)}）", allowed, clerk)
    seats = {row.id: resolve(row.to, facts, bodies) for row in rivals if row.to is not None}
    seat = seats[best.id]
    if isinstance(seat, str):
        return ToClerk(f"符合“{best.label}”，但{seat}", allowed, best)
    others = [row for row in rivals[1:] if not _same(seats[row.id], seat, row, best)]
    if others:
        labels = "、".join(f"“{row.label}”" for row in (best, *others))
        return ToClerk(f"同时符合{labels}，次序相同而去向不同", allowed, best)
    if seat.body.code == sender:
        return ToClerk(f"符合“{best.label}”，应由本单位（{seat.body.name}）自行办理", allowed, best)
    verdict = may_send(facts, seat.body, bodies, via=(sender,) if sender else ())
    if isinstance(verdict, Blocked):
        higher = _above(facts, bodies, seat.body, sender)
        return ToClerk(f"{verdict.reason}（{verdict.basis}）", _unique((*allowed, *higher)), best)
    why = (f"符合“{best.label}”：{_conditions(best)}", *seat.why, f"依据：{'、'.join(best.basis)}")
    alternatives = tuple(body for body in allowed if body.code != seat.body.code)
    return Routed(seat.body, best.way or "", best, tuple(best.basis), why, alternatives)


def fill(facts: Facts) -> Facts | str:
    """The facts with what their own branch, item or organ implies; a Chinese sentence where they contradict."""
    known = facts.model_dump(exclude_none=True)
    implied: dict[str, str | int] = dict(_IMPLIED.get(facts.branch or "", {}))
    if facts.klass in (None, "claim") and facts.art31 is None and "art31" not in implied:
        item = next((number for name, number in _TELLS_ITEM if name in known), None)
        if item is None and facts.klass == "claim" and facts.organ in ("court", "procuratorate"):
            item = 1
        if item is not None:
            implied |= {"art31": item, "klass": "claim"}
    if facts.accusation is not None and facts.klass is None:
        implied.setdefault("klass", "accusation")
    if facts.art31 is not None:
        implied.setdefault("klass", "claim")
    for name, value in implied.items():
        if known.setdefault(name, value) != value:
            return f"事实相互矛盾：{NAMES[name]}写为{shown(known[name])}，而由其他事实推出{shown(value)}，须先核对"
    return Facts.model_validate(known)


def holds(row: Row, facts: Facts) -> bool:
    """Whether every condition of the row holds for these facts."""
    return all(_one(getattr(facts, name), wanted) for name, wanted in row.when.items())


def _one(value: Scalar | None, wanted: Scalar | list[Scalar]) -> bool:
    if isinstance(wanted, list):
        return any(_one(value, each) for each in wanted)
    if wanted == ABSENT:
        return value is None
    if wanted == KNOWN:
        return value is not None
    return value == wanted


def _same(other: Seat | str, seat: Seat, row: Row, best: Row) -> bool:
    return isinstance(other, Seat) and other.body.code == seat.body.code and row.way == best.way


def _allowed(found: Iterable[tuple[Row, Seat | str]], facts: Facts, bodies: Bodies, sender: str | None) -> tuple[Body, ...]:
    via = (sender,) if sender else ()
    seats = (seat.body for _, seat in found if isinstance(seat, Seat))
    return _unique(body for body in seats if not isinstance(may_send(facts, body, bodies, via), Blocked))


def _above(facts: Facts, bodies: Bodies, receiver: Body, sender: str | None) -> tuple[Body, ...]:
    # where the sending bureau itself stands on the accused's side, a bureau above it must take the petition over;
    # where only the receiver does, its own line above it may still be open
    blocked = sender in bodies and isinstance(may_send(facts, bodies.get(sender or ""), bodies), Blocked)
    start = bodies.get(sender) if sender and blocked else receiver
    higher = (bodies.find(start.kind, place.code, start.sector) for place in bodies.lineage(start.division)[1:])
    return tuple(body for body in higher if body and not isinstance(may_send(facts, body, bodies), Blocked))


def _residual(facts: Facts, bodies: Bodies, sender: str | None) -> tuple[Body, ...]:
    if facts.sector is None or facts.klass == "accusation":
        return ()
    seat = resolve(Destination(kind="agency", sector="$sector"), facts, bodies)
    if isinstance(seat, str) or isinstance(may_send(facts, seat.body, bodies, (sender,) if sender else ()), Blocked):
        return ()
    return (seat.body,)


def _unfit(facts: Facts) -> str:
    if facts.klass is None:
        return "未分类：不知是建议意见、检举控告还是申诉求决，须先甄别"
    needed = {"suggestion": "主管领域", "accusation": "检举控告的性质", "claim": "第三十一条的哪一项或主管领域"}[facts.klass]
    return f"路由表中没有适用的行，可能缺少{needed}，须人工确定去向"


def _conditions(row: Row) -> str:
    return "，".join(f"{NAMES[name]}为{_shown(wanted)}" for name, wanted in row.when.items())


def _shown(wanted: Scalar | list[Scalar]) -> str:
    return "或".join(map(shown, wanted)) if isinstance(wanted, list) else shown(wanted)


def _unique(bodies: Iterable[Body]) -> tuple[Body, ...]:
    return tuple({body.code: body for body in bodies}.values())


def table_markdown(table: RoutingTable) -> str:
    """The table for the documentation, one line a row, strongest first."""
    head = "| 次序 | 编号 | 情形 | 条件 | 去向 | 方式 | 依据 | 核实 |\n|---|---|---|---|---|---|---|---|\n"
    lines = []
    for row in sorted(table.rows, key=lambda row: row.rank):
        to = _to(row.to) if row.to else f"经办人：{row.clerk}"
        cells = (
            str(row.rank),
            f"`{row.id}`",
            row.label,
            _conditions(row),
            to,
            row.way or "",
            "；".join(row.basis),
            row.verified,
        )
        lines.append("| " + " | ".join(cells) + " |\n")
    return head + "".join(lines)


def _to(to: Destination) -> str:
    what = to.body or to.kind or ""
    level = {"matter": "事项同级", "above_matter": "事项上一级", "above_accused": "被检举控告方上一级"}[to.level]
    return f"`{what}{'-' + to.sector if to.sector else ''}`" + ("" if to.body else f"（{level}）")
