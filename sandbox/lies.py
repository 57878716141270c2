"""Ledgers with faults, on purpose: what a body lists that it does not have, or does not list that it has. One word each, for tests and chaos."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Literal
from zlib import crc32

from pydantic import BaseModel, ConfigDict, Field

from connectors.wire.ledger import Item
from connectors.wire.receipts import body_digest
from sandbox.store import note, set_note

Entry = tuple[str, int, Item]
Fault = Literal["", "forgets", "renumbers", "twice", "alters", "invents", "misdates", "renames", "leaks"]

FAULTS_ZH: Mapping[Fault, str] = {
    "": "账目如实",
    "forgets": "出具过回执的件不列入账目",
    "renumbers": "账目所列案号与告知的不同",
    "twice": "同一件列两次，案号不同",
    "alters": "所列转送件内容摘要不同",
    "invents": "列有从未转送的件",
    "misdates": "把件列在次日",
    "renames": "所列信访事项编号不同",
    "leaks": "列有交其他单位的件",
}


class LedgerConfig(BaseModel):
    """How a body keeps its ledger.

    `fault` concerns the hand-offs named in `handoffs` or, where none are, about one in `every`. `digests`: of what it lists (`own`), of what is
    true (`true`: as if copied from the bureau's own), or of nothing (`wrong`). `form` 1: knows neither parts of days nor the second form of the
    line, and passes such parameters over; `strict`: refuses parameters that it does not know.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    fault: Fault = ""
    every: int = Field(1, ge=1)
    handoffs: tuple[str, ...] = ()
    digests: Literal["own", "true", "wrong"] = "own"
    form: Literal[1, 2] = 2
    strict: bool = False

    def concerns(self, handoff_id: str) -> bool:
        """Whether the fault shows at this hand-off; the same for the same one, whoever asks."""
        return handoff_id in self.handoffs if self.handoffs else crc32(handoff_id.encode()) % self.every == 0


def kept(db: sqlite3.Connection, body: str) -> LedgerConfig | None:
    """What was set by the control for this body, or None."""
    value = note(db, body, "ledger")
    return None if value is None else LedgerConfig.model_validate(json.loads(value))


def keep(db: sqlite3.Connection, body: str, config: LedgerConfig) -> None:
    """Set it; call inside a transaction of the writer."""
    set_note(db, body, "ledger", config.model_dump_json())


def told(true: Callable[[date, date], Iterable[Entry]], others: Callable[[date, date], Iterable[Entry]], config: LedgerConfig, first: date, last: date) -> Iterator[Entry]:
    """The entries of these days as a ledger with this fault has them. `others`: what other bodies have."""
    if config.fault == "misdates":
        for day, change, item in true(first - timedelta(days=1), last):
            moved = (date.fromisoformat(day) + timedelta(days=1)).isoformat() if config.concerns(item.handoff_id) else day
            if first.isoformat() <= moved <= last.isoformat():
                yield moved, change, item
        return
    for day, change, item in true(first, last):
        yield from ((day, change, said) for said in _said(config.fault, item)) if config.concerns(item.handoff_id) else [(day, change, item)]
        if config.fault == "invents" and config.concerns(item.handoff_id):
            # The same every time it is asked: an id that differs in one digit.
            yield day, change, replace(item, handoff_id=_other(item.handoff_id))
    if config.fault == "leaks":
        yield from (entry for entry in others(first, last) if config.concerns(entry[2].handoff_id))


def _said(fault: Fault, item: Item) -> list[Item]:
    match fault:
        case "forgets":
            return []
        case "renumbers" if item.partner_case_no:
            return [replace(item, partner_case_no=f"{item.partner_case_no}之二")]
        case "twice" if item.partner_case_no:
            return [item, replace(item, partner_case_no=f"{item.partner_case_no}之二")]
        case "alters":
            return [replace(item, body_digest=body_digest(item.body_digest.encode()))]
        case "renames":
            return [replace(item, petition_no=item.petition_no[:-6] + "999999")]
        case _:
            return [item]


def _other(handoff_id: str) -> str:
    """Another id of the same form and the same part of the day: one digit in its middle is another."""
    at = 15
    return handoff_id[:at] + f"{(int(handoff_id[at], 16) + 1) % 16:x}" + handoff_id[at + 1 :]
