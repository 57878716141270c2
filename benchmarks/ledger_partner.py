"""The other side of the ledger benchmark: a whole ledger and its digests in memory, served over HTTP with real signatures, with faults by plan.

    python -m benchmarks.ledger_partner FOLDER PORT

FOLDER holds `items.tsv` (day, id, petition, case number, state, round, in, out, digest), `keys.json` and, after each `POST /control/plan`, `plan.json`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import uvicorn

from connectors.wire import ledger as wire
from connectors.wire import pages, receipts
from connectors.wire.events import decode
from connectors.wire.ids import new_id
from connectors.wire.ledger import DayDigest, Item
from connectors.wire.signing import request_target, sign, verify

_SPLIT, _DIGITS = 256, 2


class Row(NamedTuple):
    """One hand-off as this partner has it."""

    handoff_id: str
    petition_no: str
    case_no: str | None
    state: str
    round: int
    last_in: int
    last_out: int
    digest: str

    def line(self) -> bytes:
        return f"{self.handoff_id}|{self.round}|{self.state}|{self.last_in}|{self.last_out}|{self.digest}|{self.case_no or ''}\n".encode()

    def item(self, at: datetime) -> Item:
        return Item(self.handoff_id, self.petition_no, self.case_no, self.state, self.round, self.last_in, self.last_out, at, self.digest)


class Ledger:
    """Every day in 256 parts, the digest of each part and each day kept. `wrong`: parts whose digest is not that of what they hold."""

    def __init__(self, rows: Iterable[tuple[str, Row]]) -> None:
        self.parts: dict[str, dict[str, dict[str, Row]]] = {}
        self.wrong: set[tuple[str, str]] = set()
        self.of_part: dict[tuple[str, str], tuple[int, str]] = {}
        self.of_day: dict[str, tuple[int, str]] = {}
        for day, row in rows:
            self.parts.setdefault(day, {}).setdefault(row.handoff_id[-_DIGITS:], {})[row.handoff_id] = row
        for day in self.parts:
            self.reckon(day, self.parts[day])

    def reckon(self, day: str, buckets: Iterable[str]) -> None:
        """Make the digests of these parts, and of their day, anew."""
        for bucket in buckets:
            lines = sorted(row.line() for row in self.parts[day].get(bucket, {}).values())
            mark = "0" * 64 if (day, bucket) in self.wrong else sha256(b"".join(lines)).hexdigest()
            self.of_part[day, bucket] = (len(lines), mark)
        lines = sorted(row.line() for part in self.parts[day].values() for row in part.values())
        lie = b"".join(bucket.encode() for at, bucket in sorted(self.wrong) if at == day)
        self.of_day[day] = (len(lines), sha256(b"".join(lines) + lie).hexdigest())

    def digests(self, first: str, last: str, split: int) -> list[DayDigest]:
        days = [day for day in self.parts if first <= day <= last]
        if split == 1:
            return [DayDigest(date.fromisoformat(day), *self.of_day[day]) for day in days]
        if split == _SPLIT:
            return [DayDigest(date.fromisoformat(day), *self.of_part[day, bucket], bucket) for day in days for bucket in self.parts[day]]
        return [digest for day in days for digest in self._cut(day, wire.width(split))]

    def _cut(self, day: str, digits: int) -> Iterable[DayDigest]:
        """Parts of another width, which no ledger of a million asks for: made when asked."""
        cut: dict[str, list[bytes]] = {}
        for part in self.parts[day].values():
            for row in part.values():
                cut.setdefault(row.handoff_id[-digits:], []).append(row.line())
        for bucket, lines in cut.items():
            false = any(at == day and (wrong.endswith(bucket) or bucket.endswith(wrong)) for at, wrong in self.wrong)
            yield DayDigest(date.fromisoformat(day), len(lines), "0" * 64 if false else sha256(b"".join(sorted(lines))).hexdigest(), bucket)

    def put(self, day: str, row: Row) -> None:
        self.parts.setdefault(day, {}).setdefault(row.handoff_id[-_DIGITS:], {})[row.handoff_id] = row

    def take(self, day: str, handoff_id: str) -> Row:
        return self.parts[day][handoff_id[-_DIGITS:]].pop(handoff_id)


class App:
    """The ASGI application. A plan is a list of [what, day, hand-off, ...]; `put back` undoes all of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        keys = json.loads((folder / "keys.json").read_text())
        self._to_body, self._from_body = keys["to_body"], keys["from_body"]
        self.ledger = Ledger(_read(folder / "items.tsv"))
        self._heals: dict[tuple[str, int], tuple[str, Row]] = {}
        self._receipts: dict[str, str] = {}
        self._messages: dict[str, str] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        raw, more = b"", True
        while more:
            part = await receive()
            raw += part.get("body", b"")
            more = part.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, body, msg_id = self._answer(scope["method"], scope["path"], scope["query_string"].decode(), headers, raw)
        out = sign(self._from_body, msg_id, int(datetime.now(UTC).timestamp()), body) if msg_id else {}
        out["content-length"] = str(len(body))
        await send({"type": "http.response.start", "status": status, "headers": [(n.encode(), v.encode()) for n, v in out.items()]})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, method: str, path: str, query: str, headers: dict[str, str], raw: bytes) -> tuple[int, bytes, str]:
        if path.startswith("/control/"):
            if method == "POST":
                self.plan(json.loads((self._folder / "plan.json").read_text()))
            return 200, b"{}", ""
        now = datetime.now(UTC)
        asked = parse_qs(query)
        if path == "/bare":
            return 200, self._digests(asked), ""
        if method == "POST":
            message_id = verify(self._to_body, headers, raw, now)
            event = decode(raw)
            if (event.subject, event.sequence) in self._heals:
                day, row = self._heals.pop((event.subject, event.sequence))
                self.ledger.put(day, row)
                self.ledger.reckon(day, [row.handoff_id[-_DIGITS:]])
            return self._receipt(message_id, receipts.body_digest(raw), now)
        msg_id = verify(self._to_body, headers, request_target("GET", f"{path}?{query}" if query else path), now)
        if path.endswith("/ledger/digests"):
            return 200, self._digests(asked), msg_id
        if path.endswith("/ledger"):
            day, held = asked["from"][0], self.ledger.parts
            buckets = asked["bucket"][0].split(",") if "bucket" in asked else [""]
            some = {bucket[-_DIGITS:] for bucket in buckets} if len(buckets[0]) >= _DIGITS else held.get(day, {}).keys()
            ends = tuple(buckets)
            items = [row.item(now) for bucket in some for row in held.get(day, {}).get(bucket, {}).values() if row.handoff_id.endswith(ends)]
            return 200, wire.encode_page(items, None), msg_id
        if "/handoffs/" in path:
            told = self._messages.get(path.split("/")[-2])
            return 200, pages.encode_messages([told.encode()] if told else [], True), msg_id
        message_id = path.rsplit("/", 1)[1]
        if message_id in self._receipts:
            return self._receipt(message_id, self._receipts[message_id], now)
        return 404, b"", ""

    def _digests(self, asked: dict[str, list[str]]) -> bytes:
        split = int(asked.get("split", ["1"])[0])
        return wire.encode_digests(self.ledger.digests(asked["from"][0], asked["to"][0], split), 2, split)

    def _receipt(self, message_id: str, digest: str, now: datetime) -> tuple[int, bytes, str]:
        receipt = receipts.Receipt(new_id(now), message_id, now, digest, "stored")
        return 200, receipts.encode(receipt), receipt.receipt_id

    def plan(self, steps: list[list[Any]]) -> None:
        """Do what the plan says, then make the digests of all it touched anew."""
        touched: set[tuple[str, str]] = set()
        for what, day, handoff, *more in steps:
            touched.add((day, handoff[-_DIGITS:]))
            match what:
                case "drop":  # comes back when its message of this sequence is sent again
                    self._heals[handoff, more[0]] = (day, self.ledger.take(day, handoff))
                case "take":
                    self.ledger.take(day, handoff)
                case "put":
                    self.ledger.put(day, Row(handoff, *more))
                case "behind":
                    row = self.ledger.take(day, handoff)
                    self._heals[handoff, row.last_in] = (day, row)
                    self.ledger.put(day, row._replace(last_in=row.last_in - 1))
                case "change":
                    self.ledger.put(day, self.ledger.take(day, handoff)._replace(**more[0]))
                case "tomorrow":
                    later = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
                    self.ledger.put(later, self.ledger.take(day, handoff))
                    touched.add((later, handoff[-_DIGITS:]))
                case "today":
                    later = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
                    self.ledger.put(day, self.ledger.take(later, handoff))
                    touched.add((later, handoff[-_DIGITS:]))
                case "wrong":
                    self.ledger.wrong.add((day, handoff[-_DIGITS:]))
                case "right":
                    self.ledger.wrong.discard((day, handoff[-_DIGITS:]))
                case "receipt":
                    self._receipts[more[0]] = more[1]
                case "message":
                    self._messages[handoff] = more[0]
        for day in sorted({day for day, _ in touched}):
            self.ledger.reckon(day, {bucket for at, bucket in touched if at == day})


def _read(path: Path) -> Iterable[tuple[str, Row]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            day, handoff, petition, case_no, state, round_, last_in, last_out, digest = line.rstrip("\n").split("\t")
            yield day, Row(handoff, petition, case_no or None, state, int(round_), int(last_in), int(last_out), digest)


if __name__ == "__main__":
    uvicorn.run(App(Path(sys.argv[1])), host="127.0.0.1", port=int(sys.argv[2]), loop="uvloop", http="httptools", ws="none", access_log=False, log_level="warning")
