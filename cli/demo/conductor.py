"""Time-lapse: a month in seconds. Time stands still until every process has done what is due, then steps to the next thing that happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import requests

from cli.demo.people import People
from cli.demo.script import EVERYWHERE, Play
from cli.lapse.installation import Installation
from cli.lapse.resting import Stalled, rest
from config.samples import SamplePetition
from models import outbox
from models.db import Connection
from models.tables import PETITION_ENDS
from rules.calendar import SHANGHAI

# Time moves on this grid of the Beijing day, so that what falls into the same few hours is done together; 02:00 is the nightly reconciliation's.
STEP = timedelta(hours=12)
GRID_HOUR = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the demonstration is."""

    now: datetime
    registered: int
    handed_off: int
    closed: int
    waiting_bodies: int


class Conductor:
    """Moves the shared clock, hands in petitions, and lets people work.

    Args:
        rest_within: real seconds a step may take before it counts as stalled.
    """

    def __init__(self, installation: Installation, play: Play, people: People, *, rest_within: float = 90.0) -> None:
        self._installation, self._people, self._play, self._rest_within = installation, people, play, rest_within
        self._database, self._division = installation.database, installation.house.bodies.get(installation.house.bureau).division
        self._coming = sorted(play.samples, key=lambda s: (s.received_offset_hours, s.ref))
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {installation.token}"
        self.start = self.now = installation.now
        self.steps = 0

    def run(self, until: datetime, tell: Callable[[Progress], None], disturb: Callable[[Conductor], None] = lambda _: None) -> None:
        """Run to `until` (virtual). `disturb` is called at every step, before the processes come to rest."""
        while True:
            self._hand_in()
            disturb(self)
            self._rest()
            while self._people.work(self.now):
                self._rest()
            tell(self.progress())
            if self.now >= until:
                return
            self.now = min(self._next(), until)
            self.steps += 1
            self._installation.step_to(self.now)

    def _hand_in(self) -> None:
        while self._coming and self._arrives(self._coming[0]) <= self.now:
            sample = self._coming.pop(0)
            number = self._cast(sample)
            body = {"origin_ref": sample.ref, "channel": sample.channel, "received_at": self._arrives(sample).isoformat(), "subject": sample.subject,
                    "text": sample.text, "petitioner": sample.petitioner.model_dump(exclude_none=True) if sample.petitioner else None,
                    "facts": sample.facts.model_dump(exclude_none=True)}
            answer = self._session.post(f"{self._installation.gateway_url}/petitions", json=body, timeout=30)
            if answer.status_code not in (200, 201):
                raise Stalled(f"网关拒绝了示例 {sample.ref}：{answer.status_code}")
            if number not in (None, answer.json()["petition_no"]):
                raise Stalled(f"示例 {sample.ref} 的编号不是预计的 {number}：另有人在登记")

    def _cast(self, sample: SamplePetition) -> str | None:
        """Tell the sandbox how its bodies treat this petition, before it can reach them. Its number is the day's next: nobody else registers now."""
        parts = self._play.hint(sample.ref).cast
        if not parts:
            return None
        day = self.now.astimezone(SHANGHAI).date()
        with self._database.transaction() as connection:
            row = connection.execute("select last from petition_counter where division = %s and day = %s", (self._division, day)).fetchone()
        number = f"XF{self._division}{day:%Y%m%d}{(row[0] if row else 0) + 1:06d}"
        for body, cast in parts.items():
            said = {"petition_no": number, "manner": cast.manner, "options": cast.told, "body": None if body == EVERYWHERE else body}
            self._installation.tell_sandbox("cast", said)
        return number

    def _arrives(self, sample: SamplePetition) -> datetime:
        return self.start + timedelta(hours=sample.received_offset_hours)

    def _rest(self) -> None:
        rest(self._installation, self._rest_within)

    def _next(self) -> datetime:
        """The next grid point at or after the next thing that happens; the nightly reconciliation is never jumped over."""
        with self._database.transaction() as connection:
            moments = [*_ledger_moments(connection), outbox.next_attempt(connection), self._people.next_look(connection, self.now)]
        due = self._installation.ask("idle")["next_due"]
        moments.append(datetime.fromisoformat(due) if due else None)
        moments.append(self._arrives(self._coming[0]) if self._coming else None)
        tonight = _grid(self.now + timedelta(seconds=1), night=True)
        soonest = min([m for m in moments if m is not None and m > self.now], default=tonight)
        return min(_grid(soonest), tonight)

    def progress(self) -> Progress:
        with self._database.transaction() as connection:
            row = connection.execute(
                """select count(*), coalesce(sum(handoffs), 0), count(*) filter (where state = any(%s)),
                   count(*) filter (where state = 'HANDED_OFF') from petition""", (list(PETITION_ENDS),)).fetchone()
        assert row is not None  # noqa: S101  (an aggregate always answers)
        return Progress(self.now, *row)


def _ledger_moments(connection: Connection) -> list[datetime | None]:
    row = connection.execute(
        """select (select min(ring_at) from clock where state = 'OPEN' and paused_at is null),
                  (select min(due_at) from duty where closed_at is null and not state_bound)""").fetchone()
    return list(row) if row else []


def _grid(moment: datetime, *, night: bool = False) -> datetime:
    """The first grid point at or after `moment`; with `night`, the first 02:00 in Beijing."""
    local = moment.astimezone(SHANGHAI)
    point = local.replace(hour=GRID_HOUR, minute=0, second=0, microsecond=0)
    step = timedelta(days=1) if night else STEP
    while point < local:
        point += step
    return point
