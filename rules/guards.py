"""What may never be sent: accusation material to the accused, and what another procedure already holds.

信访工作条例 art 30(3): accusation material and related facts never reach the accused person or unit. That the unit's
subordinates, its successors and every hop on the way count as the unit is our reading (inference), on the safe side.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from config.bodies import LEVELS, Bodies, Body
from config.facts import ACCUSING, Facts


@dataclass(frozen=True, slots=True)
class Allowed:
    """The petition may travel to this body this way."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """It may not. `reason` is Chinese, for the clerk, and names bodies only; `basis` is the article."""

    reason: str
    basis: str


def may_send(facts: Facts, body: Body, bodies: Bodies, via: Iterable[str] = ()) -> Allowed | Blocked:
    """Whether this petition may be sent to `body`.

    `via` holds the codes of every other body that sees it on the way: the bureau that sends, and, for a forwarding,
    those that pass it on. A named accused counts in every class: a claim that also accuses is guarded too.
    """
    if facts.pending_elsewhere is not None:
        reason = f"同一事项已由 {facts.pending_elsewhere} 受理或正在办理，应关联，不得另行转送"
        return Blocked(reason, "信访工作条例第十九条第三款")
    return shielded(facts, body, bodies, via)


def shielded(facts: Facts, body: Body, bodies: Bodies, via: Iterable[str] = ()) -> Allowed | Blocked:
    """Of `may_send` only what protects an accusation: this holds for everything that is said to a body, about whatever hand-off, at any time."""
    if not accuses(facts):
        return Allowed()
    # an accused who is not named can be ruled out for the receiver only: the hops hold the petition already
    for hop in (*(via if facts.accused_body is not None else ()), body.code):
        if (why := _reaches_accused(facts, hop, bodies)) is not None:
            return Blocked(why, "信访工作条例第三十条第三款")
    return Allowed()


def accuses(facts: Facts) -> bool:
    """Whether any fact says that somebody stands accused, be the class unknown or another."""
    told = (facts.accusation, facts.accused, facts.accused_body, facts.accused_level)
    named = (facts.branch or "").startswith("B2") or (facts.situation or "").startswith(ACCUSING)
    return facts.klass == "accusation" or named or any(told)


def above(body: Body, other: Body) -> bool:
    """Whether `body` stands on a higher level of government than `other`."""
    return LEVELS.index(body.level) < LEVELS.index(other.level)


def accused_side(code: str, bodies: Bodies) -> frozenset[str]:
    """Codes of the accused body, of those that took over its powers or had theirs taken over by it, and of all below.

    The day of the taking over does not matter: what is to be merged next year already stands too near.
    Raises `KeyError` for a body that bodies.yaml does not hold.
    """
    family = bodies.family(code)
    return family.union(*(bodies.below(member) for member in family))


def _reaches_accused(facts: Facts, hop: str, bodies: Bodies) -> str | None:
    if hop not in bodies:
        return f"途经机关 {hop} 不在机关目录中，无法核对是否为被检举控告单位"
    name = bodies.get(hop).name
    if facts.accused_body is not None:
        if facts.accused_body not in bodies:
            return f"被检举控告单位 {facts.accused_body} 不在机关目录中，无法核对"
        # the same as membership in `accused_side`, looked at from below: a body has few above it, the accused may have thousands below
        family = bodies.family(facts.accused_body)
        own = hop in family
        if own or not family.isdisjoint(bodies.above(hop)):
            return f"{name}{'即被检举控告单位' if own else '隶属于被检举控告单位'}，检举控告材料不得转给它"
        return None
    # A level is told of an official accused alone: where both stand, the safer one counts.
    if facts.accused == "private" and facts.accused_level is None:
        return None
    if facts.accused_level is None:
        return "未写明被检举控告的单位或其层级，无法核对，须先补正"
    # the unit is not named: only a body above its level can be neither the unit nor under it
    if LEVELS.index(bodies.get(hop).level) >= LEVELS.index(facts.accused_level):
        return f"被检举控告单位未写明，而{name}的层级不高于它，无法排除"
    return None
