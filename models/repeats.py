"""重复信访: whether somebody has asked for the same thing before, known by keyed digests alone. Asked once, at registration, for all arrivals of a call together.

Nothing here lists what a person has asked for: a digest can be compared, not read, and the only question put is whether this very matter of this very
person is in the ledger already (信访工作条例 arts 19(3), 36(3)).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.db import Connection
from models.moves import Arrival
from models.seal import Sealer

REPEAT = "repeat"
_MATTER, _CONTENT = "matter", "content"
_SAME = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the ledger knows of the same matter: the first petition, the one that is still pending, whether 复核 has been done."""

    first: str
    pending: str | None
    concluded: bool


def content_mark(arrival: Arrival, sealer: Sealer) -> list[bytes]:
    """Digests of what an arrival says (subject, text, petitioner), newest key first: the same reference with another content is another letter."""
    return sealer.marks(_CONTENT, repr((arrival.subject, arrival.text, _canonical(arrival.petitioner))))


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return sorted((name, _canonical(inner)) for name, inner in value.items() if inner is not None)
    return [_canonical(inner) for inner in value] if isinstance(value, list | tuple) else value


def matter_marks(arrival: Arrival, sealer: Sealer) -> list[list[bytes]]:
    """Digests of who asks for what, one list (newest key first) for each way to know the person; none where nobody could be told from a namesake.

    A person is known by name and identity number, or name and telephone; either alone is enough, so that one who gives only the second is known.
    """
    person, subject = arrival.petitioner or {}, _plain(arrival.subject)
    name = _plain(person.get("name"))
    if not name or not subject:
        return []
    numbers = [("id_no", _plain(person.get("id_no"))), ("phone", _phone(person.get("phone")))]
    return [sealer.marks(_MATTER, repr((kind, name, number, subject))) for kind, number in numbers if number]


def _plain(value: object) -> str:
    """As one reads it: widths, case, blanks and punctuation make no difference."""
    return _SAME.sub("", unicodedata.normalize("NFKC", str(value or "")).casefold())


def _phone(value: object) -> str:
    digits = re.sub(r"\D", "", unicodedata.normalize("NFKC", str(value or "")))
    return digits.removeprefix("0086").removeprefix("86") if len(digits) > 11 else digits


_EARLIER = """
select m.key, p.petition_no, p.state, p.first_petition_no from matter m join petition p using (petition_no)
where m.key = any(%s) and p.state <> 'SPLIT' order by p.petition_no
"""


class Matters:
    """The matters known before, and those of the call itself as they are registered."""

    def __init__(self, connection: Connection, arrivals: Sequence[Arrival], sealer: Sealer) -> None:
        self._marks = {(a.origin, a.origin_ref): matter_marks(a, sealer) for a in arrivals}
        self._known: dict[bytes, list[tuple[str, str, str | None]]] = {}
        self.rows: list[tuple[bytes, str]] = []
        keys = [key for each in self._marks.values() for marks in each for key in marks]
        if keys:
            for key, number, state, first in connection.execute(_EARLIER, (keys,)):
                self._known.setdefault(bytes(key), []).append((number, state, first))

    def register(self, arrival: Arrival, number: str, start: str) -> Earlier | None:
        """Enter a new petition under its matter; what was known of it before, or None for a matter that is new."""
        marks = self._marks[arrival.origin, arrival.origin_ref]
        found: dict[str, tuple[str, str | None]] = {}
        for ways in marks:
            for key in ways:
                # The letter that this one was split from is no repeat of it.
                found |= {n: (state, first) for n, state, first in self._known.get(key, ()) if n != arrival.parent_petition_no}
        for ways in marks:
            self.rows.append((ways[0], number))
            self._known.setdefault(ways[0], []).append((number, start, None))
        if not found:
            return None
        earliest = min(found)
        pending = [n for n in sorted(found) if found[n][0] not in ("CLOSED", "CONCLUDED", "LINKED")]
        return Earlier(found[earliest][1] or earliest, pending[0] if pending else None, any(state == "CONCLUDED" for state, _ in found.values()))
