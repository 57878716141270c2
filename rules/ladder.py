"""The people at the end of every escalation: which joint conference, and which arbiter between two bodies. Pure.

信访工作条例 art 24(1): a dispute over who accepts is decided by the common superior, and where there is none coordinated by the joint conference. No step of a ladder
leads to the body complained of or accused, nor to those that act for it (art 30(3); that its conference and bureau do so is our reading).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from config.bodies import LEVELS, Bodies

PETITIONER = "petitioner"
_ACTS_FOR = ("government", "bureau", "joint_conference")


def shuns(facts: Mapping[str, Any], code: str, bodies: Bodies) -> bool:
    """Whether this body must not be asked about a petition with these facts, because it stands on the side accused or complained of.

    Where an accused is told only by its level, every body that is not above that level may be the accused's, and is shunned.
    A code that the directory does not hold is on nobody's side.
    """
    if code not in bodies:
        return False
    named = [value for name in ("accused_body", "complained_of") if isinstance(value := facts.get(name), str) and value in bodies]
    if any(_of_side(one, code, bodies) for one in named):
        return True
    level = facts.get("accused_level")
    return level in LEVELS and not facts.get("accused_body") and LEVELS.index(bodies.get(code).level) >= LEVELS.index(level)


def _of_side(named: str, code: str, bodies: Bodies) -> bool:
    # As membership in `accused_side`, looked at from below: a body has few above it, the accused may have thousands below.
    family, body = bodies.family(named), bodies.get(code)
    together = [code]
    if body.kind in _ACTS_FOR:
        # Government, bureau and conference of one place sit in one building: who complains of one, or of what leads it, does not ask the others.
        seats = (bodies.seat(kind, body.division) for kind in _ACTS_FOR)
        together += [seat.code for seat in seats if seat is not None]
    return any(one in family or not family.isdisjoint(bodies.above(one)) for one in together)


def conference_for(facts: Mapping[str, Any], bodies: Bodies, division: str) -> str:
    """Who hears of this petition last: the division's own joint conference, or the nearest above it that is on nobody's side.

    Where no conference is left: a bureau above; for an accusation the nearest discipline body. Where even that is on the side complained of,
    the division's own bureau, which holds the papers already: the case stays with people, and nobody new learns of it.
    """
    lineage = bodies.lineage(division)
    for kind in ("joint_conference", "bureau", *(("discipline",) if _accused(facts) else ())):
        for place in lineage:
            body = bodies.find(kind, place.code)
            if body is not None and (kind != "bureau" or place.code != division) and not shuns(facts, body.code, bodies):
                return body.code
    own = bodies.find("bureau", division)
    assert own is not None, "load_house checks it"  # noqa: S101
    return own.code


def conference_above(code: str, facts: Mapping[str, Any], bodies: Bodies) -> str | None:
    """The nearest joint conference above this one that is on nobody's side; None where there is none, or `code` is no body."""
    if code not in bodies:
        return None
    above = (bodies.find("joint_conference", place.code) for place in bodies.lineage(bodies.get(code).division)[1:])
    return next((body.code for body in above if body is not None and body.code != code and not shuns(facts, body.code, bodies)), None)


def _accused(facts: Mapping[str, Any]) -> bool:
    return any(facts.get(name) for name in ("accusation", "accused", "accused_body", "accused_level")) or facts.get("klass") == "accusation"


def arbiter_for(disputants: Collection[str], facts: Mapping[str, Any], bodies: Bodies, division: str) -> str:
    """Who decides between these bodies: their nearest common superior, unless it is one of them or shunned; else the joint conference."""
    known = {code for code in disputants if code in bodies}
    common = bodies.common_superior(known) if len(known) > 1 else None
    if common is not None and common.code not in known and not shuns(facts, common.code, bodies):
        return common.code
    return conference_for(facts, bodies, division)


@dataclass(frozen=True, slots=True)
class Parties:
    """Who plays which part for one hand-off (or for the petition itself, `body` then being the bureau). All are codes."""

    bureau: str
    body: str
    conference: str
    arbiter: str | None = None

    def who(self, role: str, party: str | None = None) -> str:
        """The code of whoever plays this role: bureau, partner, joint_conference, arbiter, or party (the one a suspension waits for)."""
        if role == "bureau":
            return self.bureau
        if role == "joint_conference":
            return self.conference
        if role == "arbiter":
            return self.arbiter or self.conference
        if role == "party":
            return PETITIONER if party == PETITIONER else self.body
        return self.body
