"""What the door is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from config.roadmap import Writer


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: what part they play, which body they are ("tonglu" for the system itself), and, where a person acts, that person's staff number."""

    writer: Writer
    code: str
    clerk: str = ""

    def __str__(self) -> str:
        return f"{self.writer}:{self.code}" + (f"#{self.clerk}" if self.clerk else "")


SYSTEM = Actor("system", "tonglu")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A petition to be registered. `origin` and `origin_ref` make it the same petition however often it is handed in.

    `facts` are codes (config.facts.Facts); `petitioner` (name, phone, address, id_no) is None for an anonymous petition. Only the sealed
    columns ever hold subject, text or petitioner. `parent_petition_no`: the petition of which this one is a part (拆分).
    """

    origin: str
    origin_ref: str
    division: str
    channel: str
    klass: str
    received_at: datetime
    subject: str
    text: str
    petitioner: Mapping[str, Any] | None
    facts: Mapping[str, Any]
    actor: Actor
    parent_petition_no: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Where a petition is to go: carried by the act `petition.route`. `track`: the clock track of its row; `also`: codes of bodies that are told besides.

    `limit`: the period set for the result (交办, 信访工作条例 art 22(1)3), e.g. `30d`, or "".
    """

    body: str
    way: str
    row: str
    basis: str
    branch: str
    klass: str = ""
    facts: Mapping[str, Any] | None = None
    track: str = ""
    also: tuple[str, ...] = ()
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """One act on a petition or hand-off: an edge of the road map, or one of the door's own acts (`clock.ring`, `duty.open`, …).

    Attributes:
        data: what the act says; only the fields in `models.door.JOURNALLED` reach the journal.
        note: the clerk's words; kept sealed beside the journal row.
        sequence: of a partner's message; it is counted as read whether or not the act is allowed.
        heard_at: when it reached us, where that was before it is taken; aware.
    """

    act: str
    actor: Actor
    petition_no: str | None = None
    handoff_id: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    route: Route | None = None
    sequence: int | None = None
    heard_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The act was taken: the state after it, and whose hand-off or petition it was."""

    petition_no: str
    handoff_id: str | None
    state: str
    new: bool = True


@dataclass(frozen=True, slots=True)
class Refused:
    """The act was not taken and nothing changed. `code`: unknown | illegal-transition | not-writer | guard | loop | key-reused."""

    code: str
    why: str
    petition_no: str | None = None
    handoff_id: str | None = None


Answer = Done | Refused
