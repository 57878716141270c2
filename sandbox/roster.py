"""Which manner a body has now, and which a case got when it came."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from connectors.wire.events import Event
from sandbox.config import BodyConfig, check_body
from sandbox.manners.base import Manner
from sandbox.manners.mixed import Mixed
from sandbox.manners.registry import from_text, mixed_from_text
from sandbox.store import count_up, note, set_note

_ANY = ""  # no body has an empty code


class Roster:
    """Manners by body, and by petition where one is cast. What was changed at run time stands in the ledger and outlives a restart; a case keeps the
    manner it got."""

    def __init__(self, bodies: Mapping[str, BodyConfig], seed: int) -> None:
        self._bodies, self._seed = bodies, seed

    def of_body(self, db: sqlite3.Connection, body: str) -> tuple[str, str]:
        """The body's manner and its options as JSON."""
        changed = note(db, body, "manner")
        if changed is not None:
            manner, options = json.loads(changed)
            return str(manner), str(options)
        config = self._bodies[body]
        return config.manner, _text(config.options)

    def change(self, db: sqlite3.Connection, body: str, manner: str, options: Mapping[str, Any]) -> None:
        """Give a body another manner, for the cases that come from now on. Raises BadManner."""
        check_body(manner, options, self._bodies[body].from_body)
        set_note(db, body, "manner", json.dumps([manner, _text(options)]))

    def of_case(self, db: sqlite3.Connection, body: str, handoff_id: str) -> Manner[Any] | None:
        """The manner fixed for a case, or None where none of its messages has come yet."""
        row = db.execute("SELECT manner, options FROM assignment WHERE body = ? AND handoff_id = ?", (body, handoff_id)).fetchone()
        return None if row is None else from_text(row["manner"], row["options"])

    def choose(self, db: sqlite3.Connection, body: str, event: Event) -> Manner[Any]:
        """The manner of the case a message belongs to, fixed now where it is the first."""
        fixed = self.of_case(db, body, event.subject)
        if fixed is not None:
            return fixed
        name, options = self._cast(db, body, str(event.data["petition_no"])) or self.of_body(db, body)
        if name == Mixed.name:
            mixture = mixed_from_text(options)
            text = f"{self._seed}|{body}|{event.data['petition_no']}"
            draw = int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / (1 << 48)
            name = mixture.pick(count_up(db, body, "assigned"), draw)
            options = _text(mixture.options.get(name, {}))
        db.execute("INSERT INTO assignment VALUES (?, ?, ?, ?)", (body, event.subject, name, options))
        return from_text(name, options)

    def cast(self, db: sqlite3.Connection, petition_no: str, body: str | None, manner: str, options: Mapping[str, Any]) -> None:
        """Give the cases of one petition this manner, at one body or (None) at all that have no part of their own. Raises BadManner."""
        for code in self._bodies if body is None else [body]:
            check_body(manner, options, self._bodies[code].from_body)
        db.execute("INSERT OR REPLACE INTO casting VALUES (?, ?, ?, ?)", (petition_no, body or _ANY, manner, _text(options)))

    @staticmethod
    def _cast(db: sqlite3.Connection, body: str, petition_no: str) -> tuple[str, str] | None:
        row = db.execute(
            "SELECT manner, options FROM casting WHERE petition_no = ? AND body IN (?, ?) ORDER BY body = ? LIMIT 1", (petition_no, body, _ANY, _ANY)
        ).fetchone()
        return None if row is None else (row["manner"], row["options"])

    def oldest_key_only(self, db: sqlite3.Connection, body: str) -> bool:
        """Whether the body as a whole (answers that belong to no case) signs with its oldest key alone."""
        name, options = self.of_body(db, body)
        return name != Mixed.name and from_text(name, options).only_oldest_key


def _text(options: Mapping[str, Any]) -> str:
    return json.dumps(dict(options), sort_keys=True, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"an option of type {type(value).__name__} cannot be kept; use texts, numbers, lists")
