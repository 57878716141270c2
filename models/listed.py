"""What a partner listed of its ledger, on the way into PostgreSQL: kept in memory while it is little, on disk when it is much, never as a long list."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from datetime import date
from tempfile import SpooledTemporaryFile
from typing import IO, NamedTuple

from connectors.wire.ledger import Item

# So many are handed over as they are; for more a temporary table is made, which costs as much as some hundred of them.
FEW = 500
_IN_MEMORY = 4 * 1024 * 1024
_CHUNK = 256 * 1024
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Part(NamedTuple):
    """A Beijing day of issue, or the hand-offs of it whose ids end in `bucket`."""

    day: date
    bucket: str = ""


class Row(NamedTuple):
    """An item as it was listed: the `n`th, under that day, in that part of it."""

    n: int
    day: date
    bucket: str
    handoff_id: str
    petition_no: str
    case_no: str | None
    state: str
    round: int
    seq_in: int
    seq_out: int
    digest: str


class Listed:
    """The items of some parts. Several threads may add at once; read when all have."""

    def __init__(self) -> None:
        self._few: list[Row] = []
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()
        self.count = 0

    def add(self, day: date, items: Iterable[Item], digits: int = 0) -> None:
        """Take these items, listed under that day, each into its part. Raises what the reading of `items` raises."""
        for item in items:
            bucket = item.handoff_id[len(item.handoff_id) - digits :]
            with self._lock:
                self._few.append(Row(self.count, day, bucket, item.handoff_id, item.petition_no, item.partner_case_no, item.state, item.round, item.last_seq_in,
                                     item.last_seq_out, item.body_digest))
                self.count += 1
                if len(self._few) > FEW:
                    self._spill()

    @property
    def few(self) -> list[Row] | None:
        """All of it, where it is little."""
        return self._few if self._file is None else None

    def chunks(self) -> Iterator[bytes]:
        """All of it, from the beginning, in the text form of COPY."""
        with self._lock:
            file = self._spill()
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Listed:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _spill(self) -> IO[bytes]:
        file = self._file
        if file is None:
            file = self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  (closed by `close`)
        file.seek(0, 2)
        file.write("".join("\t".join(map(_copied, row)) + "\n" for row in self._few).encode())
        self._few = []
        return file


def _copied(value: date | str | int | None) -> str:
    return "\\N" if value is None else value.translate(_ESCAPED) if isinstance(value, str) else str(value)
