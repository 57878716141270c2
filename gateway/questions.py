"""What a body may ask under `/hooks/{body}/`: the mirror image of what it serves itself. It sees what concerns it and nothing else."""

from __future__ import annotations

import base64
import binascii
from datetime import date
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.base import Keys
from connectors.wire import ledger as wire_ledger
from connectors.wire import pages, problems, receipts
from connectors.wire.ids import is_token, is_uuid
from gateway.answers import Refused, signed
from gateway.checks import MAX_SEQUENCE, Doorman, headers_of
from gateway.context import Context
from gateway.reader import Reader
from models import inbox, recon

# Quotes and backslashes double when events stand as texts in a page; twice this must stay under pages.MAX_PAGE_BYTES.
_PAGE_BYTES = 3_500_000
_DEFAULT_LIMIT = 500

_RECEIPT = "select receipt from inbox where body = %s and message_id = %s"


class Questions:
    """The handlers. Each verifies the question's signature first and signs its answer."""

    def __init__(self, context: Context, doorman: Doorman, reader: Reader) -> None:
        self._context, self._doorman, self._reader = context, doorman, reader

    def routes(self) -> list[Route]:
        """The routes, longest path first."""
        base = "/hooks/{body}"
        return [
            Route(base + "/messages/{message_id}", self.receipt, methods=["GET"]),
            Route(base + "/handoffs/{handoff_id}/messages", self.messages, methods=["GET"]),
            Route(base + "/ledger/digests", self.digests, methods=["GET"]),
            Route(base + "/ledger", self.ledger, methods=["GET"]),
        ]

    async def receipt(self, request: Request) -> Response:
        """The stored receipt of a message of the body's; 404 `unknown-message`."""
        body, keys, _ = self._asked(request)
        message_id = request.path_params["message_id"]
        if not is_token(message_id):
            raise Refused(problems.unknown_message())
        row = await self._reader.run(lambda c: c.execute(_RECEIPT, (body, message_id)).fetchone())
        if row is None:
            raise Refused(problems.unknown_message())
        return signed(row[0], keys.to_body, receipts.decode(row[0]).receipt_id, self._context.time.now())

    async def messages(self, request: Request) -> Response:
        """What the bureau sent about a hand-off past sequence `after`, as a page of raw events; 404 `unknown-handoff`."""
        body, keys, asked = self._asked(request)
        query = _query(request, "after")
        after, handoff_id = _number(query, "after", 0, 0, MAX_SEQUENCE), request.path_params["handoff_id"]
        found = None
        if is_uuid(handoff_id):
            found = await self._reader.run(lambda c: inbox.sent_by(c, body, handoff_id, after, self._context.sealer))
        if found is None:
            raise Refused(problems.unknown_handoff())
        page = _page(found)
        return signed(pages.encode_messages(page, len(page) == len(found)), keys.to_body, asked, self._context.time.now())

    async def ledger(self, request: Request) -> Response:
        """Our ledger of the body's hand-offs, as the body's own should read, by Beijing day of issue, in pages; all of it or some parts."""
        body, keys, asked = self._asked(request)
        query = _query(request, "from", "to", "limit", "cursor", "split", "bucket")
        first, last = _days(query)
        limit = _number(query, "limit", _DEFAULT_LIMIT, 1, wire_ledger.MAX_PAGE_ITEMS)
        after, buckets = _after(query.get("cursor")), _buckets(query)
        items = await self._reader.run(lambda c: recon.our_items(c, body, first, last, after, limit + 1, buckets))
        more = len(items) > limit
        items = items[:limit]
        raw = wire_ledger.encode_page(items, _cursor(items[-1].handoff_id) if more else None)
        return signed(raw, keys.to_body, asked, self._context.time.now())

    async def digests(self, request: Request) -> Response:
        """One digest for each of those days that has a hand-off, or for each part of such a day."""
        body, keys, asked = self._asked(request)
        query = _query(request, "from", "to", "line", "split")
        first, last = _days(query)
        line, split = _number(query, "line", 1, 1, max(wire_ledger.LINES)), _split(query)
        if split > 1 and ((last - first).days + 1) * split > wire_ledger.MAX_PARTS:
            raise Refused(problems.bad_request(f"days times split must not exceed {wire_ledger.MAX_PARTS}; ask for fewer days"))
        days = await self._reader.run(lambda c: recon.our_digests(c, body, first, last, line, split))
        return signed(wire_ledger.encode_digests(days, line, split), keys.to_body, asked, self._context.time.now())

    def _asked(self, request: Request) -> tuple[str, Keys, str]:
        """Body, its keys, and the webhook-id of the question. Raises Refused (401)."""
        body: str = request.path_params["body"]
        keys = self._doorman.keys(body)
        scope = request.scope
        query = scope["query_string"].decode("latin-1")
        target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        return body, keys, self._doorman.question(keys, headers_of(scope["headers"]), target, self._context.time.now())


def _page(messages: list[bytes]) -> list[bytes]:
    size, count = 0, 0
    for raw in messages[: pages.MAX_PAGE_MESSAGES]:
        size += len(raw)
        if count and size > _PAGE_BYTES:
            break
        count += 1
    return messages[:count]


def _query(request: Request, *known: str) -> dict[str, str]:
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    query = dict(pairs)
    if len(query) != len(pairs) or query.keys() - set(known):
        raise Refused(problems.bad_request(f"the parameters here are {', '.join(known)}, each at most once"))
    return query


def _number(query: dict[str, str], name: str, default: int, least: int, most: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and least <= int(text) <= most):
        raise Refused(problems.bad_request(f"the parameter {name} must be a whole number from {least} to {most}"))
    return int(text)


def _days(query: dict[str, str]) -> tuple[date, date]:
    found = []
    for name in ("from", "to"):
        text = query.get(name, "")
        try:
            found.append(date.fromisoformat(text if len(text) == 10 else "-"))
        except ValueError:
            raise Refused(problems.bad_request(f"the parameter {name} must be a Beijing day, YYYY-MM-DD")) from None
    if found[0] > found[1]:
        raise Refused(problems.bad_request("the day in from must not be after the day in to"))
    return found[0], found[1]


def _split(query: dict[str, str]) -> int:
    split = _number(query, "split", 1, 1, max(wire_ledger.SPLITS))
    if split not in wire_ledger.SPLITS:
        raise Refused(problems.bad_request(f"the parameter split must be one of {', '.join(map(str, wire_ledger.SPLITS))}"))
    return split


def _buckets(query: dict[str, str]) -> list[str]:
    """The parts that are asked for; none: all of it."""
    digits = wire_ledger.width(_split(query))
    if "bucket" not in query and not digits:
        return []
    named = query.get("bucket", "").split(",")
    if not digits or len(named) > wire_ledger.MAX_BUCKETS or not all(wire_ledger.is_bucket(each, digits) for each in named):
        raise Refused(problems.bad_request("the parameter bucket must name, beside split, 1 to "
                                           f"{wire_ledger.MAX_BUCKETS} parts by the last digits of the hand-off id, separated by commas"))
    return sorted(set(named))


def _cursor(handoff_id: str) -> str:
    return base64.urlsafe_b64encode(handoff_id.encode()).decode().rstrip("=")


def _after(cursor: str | None) -> str | None:
    if cursor is None:
        return None
    try:
        handoff_id = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        handoff_id = ""
    if not is_uuid(handoff_id):
        raise Refused(problems.bad_request("the parameter cursor must be the next_cursor of the page before"))
    return handoff_id
