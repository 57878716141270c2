"""What a partner listed of its ledger, on the way into PostgreSQL: kept in memory while it is little, on disk when it is much, never as a list."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from datetime import date
from tempfile import SpooledTemporaryFile
from typing import NamedTuple

from connectors.wire.ledger import Item

_IN_MEMORY = 4 * 1024 * 1024
_CHUNK = 256 * 1024
_AT_ONCE = 500
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Part(NamedTuple):
    """A Beijing day of issue, or the hand-offs of it whose ids end in `bucket`."""

    day: date
    bucket: str = ""


class Listed:
    """The items of some parts, in the text form of COPY. Several threads may add at once; read when all have."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  (closed by `close`)
        self._lock = threading.Lock()
        self.count = 0

    def add(self, day: date, items: Iterable[Item], digits: int = 0) -> None:
        """Take these items, listed under that day, each into its part. Raises what the reading of `items` raises."""
        rows: list[str] = []
        for item in items:
            rows.append(_row(day, item, digits))
            if len(rows) >= _AT_ONCE:
                self._put(rows)
                rows = []
        self._put(rows)

    def chunks(self) -> Iterator[bytes]:
        """All of it, from the beginning."""
        self._file.seek(0)
        while chunk := self._file.read(_CHUNK):
            yield chunk

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Listed:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _put(self, rows: list[str]) -> None:
        with self._lock:
            self._file.write("".join(f"{n}\t{row}" for n, row in enumerate(rows, self.count)).encode())
            self.count += len(rows)


def _row(day: date, item: Item, digits: int) -> str:
    number = "\\N" if item.partner_case_no is None else item.partner_case_no.translate(_ESCAPED)
    bucket = item.handoff_id[-digits:] if digits else ""
    return (f"{day.isoformat()}\t{bucket}\t{item.handoff_id}\t{item.petition_no.translate(_ESCAPED)}\t{number}\t{item.state}\t{item.round}\t{item.last_seq_in}\t"
            f"{item.last_seq_out}\t{item.body_digest}\n")
