"""The people at the end of every escalation: which joint conference, and which arbiter between two bodies. Pure.

信访工作条例 art 24(1): a dispute over who accepts is decided by the common superior, and where there is none coordinated by the joint conference. No step of a ladder
leads to the body complained of or accused, nor to those that act for it (art 30(3); that its conference and bureau do so is our reading).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from config.bodies import Bodies
from rules.guards import accused_side

PETITIONER = "petitioner"
_ACTS_FOR = ("government", "bureau", "joint_conference")


def shunned(facts: Mapping[str, Any], bodies: Bodies) -> frozenset[str]:
    """Codes of all that must not be asked about a petition with these facts: the accused's and the complained-of side."""
    found: set[str] = set()
    for name in ("accused_body", "complained_of"):
        code = facts.get(name)
        if not isinstance(code, str) or code not in bodies:
            continue
        found |= accused_side(code, bodies)
        body = bodies.get(code)
        if body.kind in _ACTS_FOR:
            # These three sit in one building: who complains of one does not ask the others.
            found |= {other.code for kind in _ACTS_FOR if (other := bodies.find(kind, body.division)) is not None}
    return frozenset(found)


def conference_for(facts: Mapping[str, Any], bodies: Bodies, division: str) -> str:
    """The joint conference that hears of this petition last: the division's own, or the nearest above it that is not on the side complained of.

    Where no conference is left, a bureau above; where even that is shunned, the division's own conference: somebody must hold the case.
    """
    avoid = shunned(facts, bodies)
    lineage = bodies.lineage(division)
    for kind in ("joint_conference", "bureau"):
        for place in lineage:
            body = bodies.find(kind, place.code)
            if body is not None and body.code not in avoid and (kind == "joint_conference" or place.code != division):
                return body.code
    own = bodies.find("joint_conference", division)
    assert own is not None, "load_house checks it"  # noqa: S101
    return own.code


def arbiter_for(disputants: Collection[str], facts: Mapping[str, Any], bodies: Bodies, division: str) -> str:
    """Who decides between these bodies: their nearest common superior, unless it is one of them or shunned; else the joint conference."""
    known = {code for code in disputants if code in bodies}
    common = bodies.common_superior(known) if len(known) > 1 else None
    if common is not None and common.code not in known and common.code not in shunned(facts, bodies):
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
