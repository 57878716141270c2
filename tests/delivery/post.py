"""A post office to try delivery on: the real ledger, real connectors to real servers, a clock that stands, dice that fall as told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from config.bodies import Bodies
from config.body import Connector as Entry
from config.body import Fallback
from connectors.base import Abilities, Connector
from connectors.carry import carry_once
from connectors.http.connector import HttpConnector
from connectors.http.options import HttpOptions
from connectors.wire import problems, receipts
from connectors.wire.ids import new_id
from models.outbox import Leased
from tests.connectors.partner import BUREAU, KEYS, Partner, Reply, Request, receipt_for, signed
from tests.models.ledger import COURT, Ledger

Word = Callable[[Request], Reply]
"""What a partner answers to a request."""


class Loaded(Random):
    """Dice that always fall at one end: 0 the lowest, 1 the highest."""

    def __init__(self, end: int) -> None:
        super().__init__(0)
        self.end = end

    def uniform(self, a: float, b: float) -> float:
        return (a, b)[self.end]


class Able(HttpConnector):
    """A real connector to a partner of whom less is known."""

    able = Abilities(True, True, True, True)

    @property
    def abilities(self) -> Abilities:
        return self.able


class Post(Ledger):
    """Sends what is due to the court, one message at a time, at the very instant it is due."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.ways: list[Connector] = []
        self.dice: Random = Random(1)  # noqa: S311

    def reaches(self, *ways: Connector, same: Sequence[bool] = ()) -> None:
        """The court is reached by these ways; `same`: of each fallback, whether it ends in the first way's system."""
        self.ways = list(ways)
        told = [*same, *[False] * (len(ways) - 1 - len(same))]
        fallbacks = tuple(Fallback(kind="http", options={"url": f"https://way{n}.example"}, same_system=s) for n, s in enumerate(told, 1))
        bodies = [b.model_copy(update={"connector": Entry(kind="http"), "fallbacks": fallbacks}) if b.code == COURT else b for b in self.house.bodies]
        self.house = replace(self.house, bodies=Bodies(self.house.bodies.places, bodies))

    def connector(self, partner: Partner, able: Abilities | None = None, **options: Any) -> Connector:
        made = Able(HttpOptions(base_url=partner.url, **options), KEYS, lambda: self.now, BUREAU)
        if able is not None:
            made.able = able
        return made

    def try_now(self, message: Leased) -> None:
        """Carry one leased message and settle what came of it."""
        carried = carry_once(self.ways[message.way], message, lambda: self.now, self.dice)
        self.settle(carried.result)

    def outbox(self, message_id: str) -> dict[str, Any]:
        return self.row("select * from outbox where message_id = %s", message_id)

    def attempts(self, message_id: str) -> list[dict[str, Any]]:
        return self.rows("select * from attempt where message_id = %s order by attempt_no, id", message_id)

    def deliver_all(self, handoff: str, most: int = 60) -> list[dict[str, Any]]:
        """Try the hand-off's request whenever it is due, never before, until it is settled or tried `most` times; its attempts."""
        message_id = self.row("select message_id from outbox where handoff_id = %s and sequence = 1", handoff)["message_id"]
        for _ in range(most):
            row = self.outbox(message_id)
            if row["state"] not in ("QUEUED", "RETRY_WAIT", "UNKNOWN"):
                break
            if row["next_attempt_at"] > self.now:
                self.time.set(row["next_attempt_at"] - timedelta(microseconds=1))
                assert self.claim() == [], "tried before its date"
                self.time.set(row["next_attempt_at"])
            leased, = self.claim()
            self.try_now(leased)
        return self.attempts(message_id)


def gaps(found: Sequence[Mapping[str, Any]]) -> list[float]:
    """Seconds from each attempt to the date it promised; the last of a spent schedule promises none."""
    return [(a["next_at"] - a["at"]).total_seconds() for a in found if a["next_at"] is not None]


# -- what a partner says -----------------------------------------------------------------------------------------------------------


def always(status: int, **headers: str) -> Word:
    return lambda request: Reply(status, b"", {name.replace("_", "-"): value for name, value in headers.items()})


def never_seen(request: Request) -> Reply:
    """404 unknown-message: the partner's own word that it has not got it."""
    problem = problems.unknown_message()
    return Reply(404, problems.encode(problem), {"Content-Type": problems.MEDIA_TYPE})


def stores(now: Callable[[], datetime], kept: dict[str, bytes] | None = None) -> Word:
    """An honest partner: keeps what it is sent under its id, gives the same receipt again, answers questions by key."""
    held: dict[str, bytes] = {} if kept is None else kept

    def answer(request: Request) -> Reply:
        if request.method == "POST":
            message_id = request.headers["webhook-id"]
            receipt = receipt_for(request, receipt_id=new_id(), received_at=now())
            held.setdefault(message_id, receipts.encode(receipt))
        else:
            message_id = request.path.rsplit("/", 1)[1]
            if message_id not in held:
                return never_seen(request)
        raw = held[message_id]
        return signed(raw, receipts.decode(raw).receipt_id, at=now())

    return answer

