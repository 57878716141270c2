"""What is done once it is decided: receipts entered, messages queued again; in sets, each a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from cli.opening import Opened
    from connectors.base import Delivered
    from models.resending import Candidate, Order

SET = 500
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class By:
    """Who sends again, and why (their own words, kept sealed)."""

    clerk: str
    reason: str


def confirm(opened: Opened, held: Sequence[tuple[Candidate, Delivered]], progress: Callable[[int], None] = lambda n: None) -> int:
    """Enter the receipts that bodies gave when asked. Returns how many messages had none before."""
    from connectors.carry import evidence
    from models import outbox, settling

    entered = 0
    for part in _sets(held):
        results = []
        for c, answer in part:
            leased = outbox.Leased(c.message_id, c.handoff_id, c.petition_no, c.body, c.message, c.sequence, c.round, c.partner_state, b"", c.digest, c.attempts,
                                   True, c.way)
            results.append(settling.Result(leased, "receipted", "asked", evidence=evidence(answer)))
        with opened.database.transaction() as connection:
            entered += settling.confirm(connection, results, opened.house, opened.sealer, opened.now())
        progress(len(part))
    return entered


def send_again(
    opened: Opened, orders: Sequence[Order], way: int | None, by: By, progress: Callable[[int], None] = lambda n: None,
) -> tuple[set[str], dict[str, str]]:
    """Queue these messages again. Returns the ids that go, and of those that the door refused why."""
    from models import resending
    from models.desk import bureau

    going: set[str] = set()
    refused: dict[str, str] = {}
    for part in _sets(orders):
        with opened.database.transaction() as connection:
            gone, not_ = resending.send_again(connection, part, bureau(opened.house, by.clerk), by.reason, opened.house, opened.sealer, opened.now(), way=way)
        going |= gone
        refused |= not_
        progress(len(part))
    return going, refused


def _sets(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), SET):
        yield items[start : start + SET]
