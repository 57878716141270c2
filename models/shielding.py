"""保护: what an accusation must not meet, and what must not stay here once the level above has it. Parts of the door.

信访工作条例 art 30(3): accusation material never reaches the accused person or unit, by whatever way. 纪检监察机关处理检举控告工作规则 art 15: what belongs to the level
above is neither copied nor kept. Both hold after the act as well: when it becomes known who stands accused, what still waits for that side is stopped.
"""

from __future__ import annotations

from pydantic import ValidationError

from config.facts import ACCUSING, Facts
from models import clocking, store
from models.holding import Holding
from models.letters import request_data
from models.moves import SYSTEM
from models.records import Content, HandoffRow, PetitionRow
from rules.guards import Blocked, above, accuses, shielded
from rules.ladder import shuns

BY_HAND, UPPER_LEVEL, ERASED, SILENCED = "by-hand", "upper-level", "content-erased", "silenced"
"""Flags of petitions and hand-offs. `silenced`: nothing more is sent to the body about this hand-off, whatever still waits."""


# Duties to tell somebody of the petition.
_TELLING = ("report.grave", "notify")
_ACCUSING = frozenset({"accusation", "accused", "accused_body", "accused_level"})


class Shielding(Holding):
    """Keeps accusations from the accused, and the level below from what belongs above."""

    def barred(self, petition: PetitionRow, body: str) -> str | None:
        """Why nothing about this petition may be said to that body (it stands on the accused's side), or None."""
        # Asked for every message that is sent: most petitions accuse nobody, and that is seen without reading all their facts.
        told = petition.facts
        named = str(told.get("branch")).startswith("B2") or str(told.get("situation")).startswith(ACCUSING)
        if _ACCUSING.isdisjoint(told) and told.get("klass") != "accusation" and not named:
            return None
        facts = self._facts(petition)
        if facts is None or not accuses(facts) or body not in self.house.bodies:
            return None
        verdict = shielded(facts, self.house.bodies.get(body), self.house.bodies)
        return verdict.reason if isinstance(verdict, Blocked) else None

    def stands_accused(self, petition: PetitionRow, handoff: HandoffRow) -> bool:
        """Also where it has come to that since the last message to it: by what is known now, or by who leads whom now."""
        return super().stands_accused(petition, handoff) or self.barred(petition, handoff.body) is not None

    @staticmethod
    def _facts(petition: PetitionRow) -> Facts | None:
        try:
            return Facts.model_validate(petition.facts)
        except ValidationError:
            return None

    def facts_changed(self, petition: PetitionRow) -> None:
        """Somebody is known to stand accused, or complained of, who was not before: whatever of this petition lies on their side is taken away.

        Messages that still wait for such a body are dead, and none is sent again; duties, limits and the ruling go to somebody else.
        """
        for handoff in self.work.handoffs.values():
            if handoff.petition_no == petition.petition_no and SILENCED not in handoff.flags and self.barred(petition, handoff.body):
                handoff.flags.append(SILENCED)
                self.work.changed_handoffs.add(handoff.handoff_id)
                self.work.silenced.add(handoff.handoff_id)
        bodies, safe = self.house.bodies, self.house.conference_for(petition.facts)
        if petition.arbiter is not None and shuns(petition.facts, petition.arbiter, bodies):
            petition.arbiter = None
        for duty in [duty for duty in self.work.duties[petition.petition_no] if duty.closed_at is None]:
            if duty.kind in _TELLING and shuns(petition.facts, str(duty.detail.get("to")), bodies):
                self.shut(duty, str(SYSTEM))
                if duty.kind == "report.grave":
                    self.report_to(petition, safe)
            elif duty.holder != self.house.bureau and shuns(petition.facts, duty.holder, bodies):
                duty.holder = safe
                self.work.changed_duties[duty.duty_id] = duty
        for clock in self.work.clocks[petition.petition_no]:
            if clock.state == "OPEN" and clock.owes != self.house.bureau and shuns(petition.facts, clock.owes, bodies):
                clock.owes = safe
                clocking.touch(self.work, clock)

    def belongs_above(self, petition: PetitionRow, body: str) -> bool:
        """Whether this is an accusation that goes to a body above the bureau's own level."""
        facts, bodies = self._facts(petition), self.house.bodies
        return facts is not None and accuses(facts) and above(bodies.get(body), bodies.get(self.house.bureau))

    def forget(self, petition: PetitionRow, handoff: HandoffRow | None, *settled: str) -> None:
        """Take what was written of an upper-level accusation out of the ledger; the first time, say so in the journal.

        `settled`: messages whose fate this very call decides, so that their bytes are needed no more; what is still on its way keeps its own till then.
        """
        if ERASED not in petition.flags:
            petition.flags.append(ERASED)
            state = (handoff or petition).state
            self.write(petition, handoff, SYSTEM, "content.erased", state, state, {})
        petition.note_salt = None
        self.work.content.pop(petition.petition_no, None)
        self.work.erase.setdefault(petition.petition_no, set()).update(settled)

    def forget_more(self, petition: PetitionRow, *settled: str) -> None:
        """What has been written since the content was erased goes as well, when its message is settled or the petition ends."""
        if ERASED in petition.flags:
            self.forget(petition, None, *settled)

    def content(self, petition: PetitionRow) -> Content:
        """What a request must carry, unsealed. Read for all requests of the call at once, the first time one is met."""
        if petition.petition_no not in self.work.content:
            store.load_content(self.connection, self.work, self.work.petitions, self.sealer)
        return self.work.content[petition.petition_no]

    def request(self, petition: PetitionRow, handoff: HandoffRow) -> dict[str, object]:
        """What the request of this hand-off says."""
        return request_data(petition, handoff, self.content(petition), self.house, self.course(petition, handoff).context)
