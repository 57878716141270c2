"""`POST /petitions`: a system of the bureau hands in a petition; however often it does so, the petition is the same one."""

from __future__ import annotations

import json
import logging
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from connectors.wire import problems
from connectors.wire.strictjson import BadJson, dumps, loads
from gateway.answers import Refused, plain
from gateway.clients import Clients, ClientsError
from gateway.context import Context
from gateway.form import BadForm, PetitionForm, read
from gateway.reader import Reader
from gateway.reading import read_body
from models import store
from models.db import Connection
from models.door import advance
from models.moves import Actor, Answer, Arrival, Done
from models.moves import Refused as NotTaken

log = logging.getLogger("tonglu.gateway")


class Gate:
    """Lets in the bureau's own systems by their bearer tokens (RFC 6750)."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def name(self, request: Request) -> str:
        """Whose token the request bears. Raises Refused: 401; 503 where the list of clients cannot be read."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            name = self._clients.name_of(token.strip()) if scheme.lower() == "bearer" and token.strip() else None
        except ClientsError as fault:
            log.error("%s", fault)
            raise Refused(problems.unavailable()) from None
        if name is None:
            detail = "需要本信访部门发给业务系统的令牌：Authorization: Bearer <令牌>；令牌由管理员用 tonglu keys client-add 发放"
            raise Refused(plain(401, "bad-token", "令牌无效", detail), {"WWW-Authenticate": 'Bearer realm="tonglu"'})
        return name


class Intake:
    """The handler of the form."""

    def __init__(self, context: Context, gate: Gate, reader: Reader) -> None:
        self._context, self._gate, self._reader = context, gate, reader

    async def take(self, request: Request) -> Response:
        """201 with the number of the new petition, 200 with that of the one handed in before under this `origin_ref`; 422 where that one said something else."""
        client = self._gate.name(request)
        raw = await read_body(request.scope, request.receive, self._context.settings.max_body_bytes)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refused(plain(415, "wrong-media-type", "媒体类型有误", "请用 Content-Type: application/json"))
        now = self._context.time.now()
        try:
            form, received = read(loads(raw, self._context.settings.max_body_bytes), self._context.house.bodies, now)
        except BadJson as bad:
            raise Refused(plain(400, "bad-json", "不是合格的 JSON", f"请求正文须是 UTF-8 的 JSON 对象（{bad}）")) from None
        except BadForm as bad:
            return _wrong_fields(bad)
        done = await self._reader.run(lambda connection: self._register(connection, client, form, received, now))
        if isinstance(done, NotTaken):
            detail = f"{done.why}。此前登记的信访事项编号是 {done.petition_no}，未作改动"
            raise Refused(plain(422, done.code, "来源编号已用于另一件", detail))
        said = {"petition_no": done.petition_no, "new": done.new}
        return Response(dumps(said), 201 if done.new else 200, {"Location": f"/petitions/{done.petition_no}"}, "application/json")

    def _register(self, connection: Connection, client: str, form: PetitionForm, received: datetime, now: datetime) -> Answer:
        house = self._context.house
        facts = {**form.facts.model_dump(exclude_none=True), "channel": form.channel, **({"joint": form.joint.people} if form.joint else {})}
        arrival = Arrival(
            origin=client, origin_ref=form.origin_ref, division=str(facts.get("division") or house.bodies.get(house.bureau).division),
            channel=form.channel, klass=str(facts.get("klass") or ""), received_at=received, subject=form.subject, text=form.text,
            petitioner=form.sealed, facts=facts, actor=Actor("bureau", house.bureau),
        )
        [answer] = advance(connection, [arrival], house, self._context.sealer, now)
        if isinstance(answer, Done) and answer.new:
            store.notify(connection, "intake")
        return answer


def _wrong_fields(bad: BadForm) -> Response:
    document = plain(422, "bad-petition", "填报有误", f"有 {len(bad.errors)} 处需要改正，见 errors；改正后可用原来的 origin_ref 重新提交")
    said = {**json.loads(problems.encode(document)), "errors": bad.errors}
    return Response(dumps(said), 422, media_type=problems.MEDIA_TYPE)
