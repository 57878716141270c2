"""The partner's side of the wire: the five requests a body answers (docs/architecture.md, "The wire")."""

import re
from datetime import date

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.wire import ledger as wire_ledger
from connectors.wire import pages, paths, problems
from connectors.wire.events import MAX_BODY_BYTES, MEDIA_TYPE, TO_BODY, BadEvent, decode, urn_of
from connectors.wire.problems import Problem
from connectors.wire.signing import BadSignature, request_target, verify
from sandbox.answers import faulty, problem, read_body, signed
from sandbox.downtime import away
from sandbox.house import House
from sandbox.ledger import BadCursor, Ledger

_MEDIA = re.compile(re.escape(MEDIA_TYPE) + r'\s*(;\s*charset="?utf-8"?\s*)?', re.IGNORECASE)


class Refused(Exception):
    """A request that gets a problem document."""

    def __init__(self, document: Problem) -> None:
        super().__init__(document.slug)
        self.document = document


class Partner:
    """The handlers, over one house."""

    def __init__(self, house: House) -> None:
        self._house = house

    def routes(self) -> list[Route]:
        """The routes, under `/{body}`."""
        handlers = (
            (paths.MESSAGES, self.receive, "POST"),
            (paths.MESSAGES + "/{message_id}", self.receipt, "GET"),
            (paths.HANDOFFS + "/{handoff_id}/messages", self.messages, "GET"),
            (paths.DIGESTS, self.digests, "GET"),
            (paths.LEDGER, self.ledger, "GET"),
        )
        return [Route("/{body}" + path, handler, methods=[method]) for path, handler, method in handlers]

    async def receive(self, request: Request) -> Response:
        """POST messages. Checks in the order of handoff-protocol §1.5; the answer comes after the commit."""
        house, code = self._house, request.path_params["body"]
        body, now = house.body(code), house.clock(code)
        if body is None:
            return problem(problems.unknown_body())
        if house.broken is not None:
            return problem(problems.internal())
        raw = await read_body(request, MAX_BODY_BYTES)
        if raw is None:
            return problem(problems.too_large(MAX_BODY_BYTES))
        key = request.headers.get("idempotency-key")
        if key is None:
            return problem(problems.bad_request('the header Idempotency-Key is missing; send "<message id>" in quotes'))
        try:
            message_id = verify(body.to_body, request.headers, raw, now, house.config.tolerance_seconds)
        except BadSignature as bad:
            return problem(problems.bad_signature(bad.reason))
        if not _MEDIA.fullmatch(request.headers.get("content-type", "")):
            return problem(problems.wrong_media_type())
        try:
            event = decode(raw)
        except BadEvent as bad:
            return problem(problems.bad_event(bad.detail))
        if event.id != message_id or key != f'"{message_id}"':
            return problem(problems.bad_request("webhook-id, Idempotency-Key (in quotes) and the event's id must be the same"))
        if event.to != urn_of(code):
            return problem(problems.wrong_recipient())
        if event.name not in TO_BODY:
            return problem(problems.bad_event("a body receives no message of this type; it sends them"))
        reception = house.receptions[code]
        outcome = await house.writer.do(lambda db: reception.receive(db, event, raw, now))
        if outcome.fault is not None:
            return faulty(outcome.fault)
        if outcome.receipt is None:
            return problem(outcome.problem or problems.internal())
        return signed(outcome.receipt, house.signing_keys(code, outcome.manner), outcome.receipt_id, now)

    async def receipt(self, request: Request) -> Response:
        """GET messages/{message_id}: the question by key."""
        code, ledger, _ = self._asked(request)
        found = ledger.receipt(self._house.reader, request.path_params["message_id"])
        if found is None:
            raise Refused(problems.unknown_message())
        raw, handoff_id, receipt_id = found
        return signed(raw, self._house.signing_keys(code, handoff_id=handoff_id), receipt_id, self._house.clock(code))

    async def messages(self, request: Request) -> Response:
        """GET handoffs/{handoff_id}/messages?after=n: what this body sent past n."""
        code, ledger, asked = self._asked(request)
        after, handoff_id = _number(request, "after", 0, 0, 9_999_999_999), request.path_params["handoff_id"]
        found = ledger.messages(self._house.reader, handoff_id, after, pages.MAX_PAGE_MESSAGES)
        if found is None:
            raise Refused(problems.unknown_handoff())
        keys = self._house.signing_keys(code, handoff_id=handoff_id)
        return signed(pages.encode_messages(*found), keys, asked, self._house.clock(code))

    async def ledger(self, request: Request) -> Response:
        """GET ledger?from=&to=&cursor=&limit=&split=&bucket=."""
        code, ledger, asked = self._asked(request)
        form = self._form(request, ledger, "from", "to", "cursor", "limit", more=("split", "bucket"))
        first, last = _day(request, "from"), _day(request, "to")
        limit = _number(request, "limit", 500, 1, wire_ledger.MAX_PAGE_ITEMS)
        buckets = _buckets(request) if form == 2 else []
        try:
            items, cursor = await self._house.read(lambda db: ledger.page(db, first, last, request.query_params.get("cursor"), limit, buckets))
        except BadCursor as bad:
            raise Refused(problems.bad_request(str(bad))) from None
        return signed(wire_ledger.encode_page(items, cursor), self._house.signing_keys(code), asked, self._house.now())

    async def digests(self, request: Request) -> Response:
        """GET ledger/digests?from=&to=&line=&split=."""
        code, ledger, asked = self._asked(request)
        form = self._form(request, ledger, "from", "to", more=("line", "split"))
        first, last = _day(request, "from"), _day(request, "to")
        line, split = (_number(request, "line", 1, 1, 2), _split(request)) if form == 2 else (1, 1)
        if split > 1 and ((last - first).days + 1) * split > wire_ledger.MAX_PARTS:
            raise Refused(problems.bad_request(f"days times split must not exceed {wire_ledger.MAX_PARTS}; ask for fewer days"))
        days = await self._house.read(lambda db: ledger.digests(db, first, last, line, split))
        return signed(wire_ledger.encode_digests(days, line, split), self._house.signing_keys(code), asked, self._house.now())

    def _form(self, request: Request, ledger: Ledger, *known: str, more: tuple[str, ...]) -> int:
        """Which form of the questions about the ledger this body knows: 2 with parts of days and the second line. Raises Refused where it is strict."""
        config = ledger.config(self._house.reader)
        names = {*known, *(more if config.form == 2 else ())}
        if config.strict and request.query_params.keys() - names:
            raise Refused(problems.bad_request(f"the parameters here are {', '.join(sorted(names))}"))
        return config.form

    def _asked(self, request: Request) -> tuple[str, Ledger, str]:
        """Body, ledger and webhook-id of a signed question. Raises Refused, or Away."""
        house, code = self._house, request.path_params["body"]
        body, now = house.body(code), house.clock(code)
        if body is None:
            raise Refused(problems.unknown_body())
        span = away(house.reader, code, now)
        if span is not None:
            raise Away(faulty(span.fault(now)))
        query = request.scope["query_string"].decode("ascii", "replace")
        target = request.scope["raw_path"].decode("ascii", "replace") + (f"?{query}" if query else "")
        try:
            asked = verify(body.to_body, request.headers, request_target("GET", target), now, house.config.tolerance_seconds)
        except BadSignature as bad:
            raise Refused(problems.bad_signature(bad.reason)) from None
        return code, house.ledgers[code], asked


class Away(Exception):
    """The body is away: the answer, or none, that its downtime wants."""

    def __init__(self, answer: Response) -> None:
        super().__init__("away")
        self.answer = answer


def _day(request: Request, name: str) -> date:
    text = request.query_params.get(name, "")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(problems.bad_request(f"the parameter {name} must be a Beijing day, YYYY-MM-DD")) from None


def _split(request: Request) -> int:
    split = _number(request, "split", 1, 1, max(wire_ledger.SPLITS))
    if split not in wire_ledger.SPLITS:
        raise Refused(problems.bad_request(f"the parameter split must be one of {', '.join(map(str, wire_ledger.SPLITS))}"))
    return split


def _buckets(request: Request) -> list[str]:
    digits = wire_ledger.width(_split(request))
    named = request.query_params.get("bucket", "").split(",") if digits else []
    if len(named) > wire_ledger.MAX_BUCKETS or not all(wire_ledger.is_bucket(each, digits) for each in named):
        raise Refused(problems.bad_request(f"the parameter bucket must name 1 to {wire_ledger.MAX_BUCKETS} parts by {digits} digits each, separated by commas"))
    return named


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and least <= int(text) <= most):
        raise Refused(problems.bad_request(f"the parameter {name} must be a whole number from {least} to {most}"))
    return int(text)
