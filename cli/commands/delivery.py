"""`tonglu pause|resume|resend|reconcile`: what operators do about delivery."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands.showing import body_name, local, parse_day, parse_moment, table
from cli.commands.words import OUTBOX_ZH
from cli.faults import FOUND, GOOD, Fault
from cli.shell import say

if TYPE_CHECKING:
    from cli.opening import Opened
    from connectors.base import Connector, Delivered
    from models.db import Connection

BodyArg = Annotated[str, typer.Argument(metavar="机关代码", help="例如 court-990100")]


def register(app: typer.Typer, command: type) -> None:
    """Add these commands to the application."""
    app.command(cls=command, help="暂停向一个机关投递；文书留在队列里。\n\n例：tonglu pause court-990100 --until 2026-03-20T09:00 --reason 对方系统升级")(pause)
    app.command(cls=command, help="恢复向一个机关投递。\n\n例：tonglu resume court-990100")(resume)
    app.command(cls=command, help="按原编号重发一件文书：先说明对方是否可能已持有，再按编号询问；对方确认已收的不重发。\n\n"
                "例：tonglu resend 0199aaaa-… --dry-run")(resend)
    app.command(cls=command, help="与各单位（或一个单位）核对账目，列出差异及处置。有差异或未能核对时结束状态为 1。\n\n"
                "例：tonglu reconcile\n\n例：tonglu reconcile court-990100 --again")(reconcile)


def pause(
    body: BodyArg,
    until: Annotated[str, typer.Option(help="暂停到何时（北京时间），例如 2026-03-20 或 2026-03-20T09:00")],
    reason: Annotated[str, typer.Option(help="原因（不写个人信息）")],
) -> int:
    from cli.opening import open_all
    from models import desk

    with open_all() as opened, opened.database.transaction() as connection:
        end = parse_moment(until)
        try:
            desk.pause(connection, body, end, reason, opened.house, opened.now())
        except ValueError as error:
            raise Fault(str(error)) from None
        print(f"已暂停向{body_name(opened.house, body)}投递，至 {local(end)}；提前恢复用 tonglu resume {body}")
    return GOOD


def resume(body: BodyArg) -> int:
    from cli.opening import open_all
    from models import desk

    with open_all() as opened, opened.database.transaction() as connection:
        try:
            changed = desk.resume(connection, body, opened.house, opened.now())
        except ValueError as error:
            raise Fault(str(error)) from None
        print(f"已恢复向{body_name(opened.house, body)}投递" if changed else f"{body_name(opened.house, body)}并未暂停")
    return GOOD


@dataclass(frozen=True, slots=True)
class _Message:
    message_id: str
    handoff_id: str
    petition_no: str
    body: str
    message: str
    sequence: int
    round: int
    partner_state: str
    digest: str
    state: str
    attempts: int
    lease_until: datetime | None
    receipted_at: datetime | None
    doubtful: bool


def _read(connection: Connection, message_id: str, *, lock: bool = False) -> _Message:
    sql = """select message_id, handoff_id, petition_no, body, message, sequence, round, partner_state, digest, state, attempts, lease_until, receipted_at,
               state in ('UNKNOWN', 'WEAK_RECEIPT', 'SENDING')
                 or exists (select 1 from attempt a where a.message_id = outbox.message_id and a.outcome in ('unknown', 'weak'))
             from outbox where message_id = %s"""
    row = connection.execute(sql + (" for update" if lock else ""), (message_id,)).fetchone()
    if row is None:
        raise Fault("没有这个编号的文书", "用 tonglu petition 编号 --json 查看其 messages")
    return _Message(*row)


def resend(
    message: Annotated[str, typer.Argument(metavar="文书编号")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只说会怎样做，不改变什么")] = False,
) -> int:
    from cli.opening import open_all

    with open_all() as opened:
        with opened.database.transaction() as connection:
            found = _read(connection, message)
        name = body_name(opened.house, found.body)
        print(f"{found.petition_no} 第 {found.sequence} 号文书（{found.message}），{name}，现状：{OUTBOX_ZH.get(found.state, found.state)}，已试 {found.attempts} 次")
        stop = _settled(found, opened.now())
        if stop:
            say(stop)
            return FOUND
        if found.attempts == 0:
            print("对方不可能已持有：还没有发出过")
        elif found.doubtful:
            print("对方可能已持有：此前的尝试没有得到确切答复")
        else:
            print("对方应未持有：此前的尝试都确定没有送到")
        return _again(opened, found, dry_run)


def _settled(found: _Message, now: datetime) -> str:
    if found.state == "RECEIPTED":
        return f"不重发：对方已于 {local(found.receipted_at)} 给出回执"
    if found.state == "SENDING" and found.lease_until is not None and found.lease_until > now:
        return f"不重发：正在发送，最迟 {local(found.lease_until)} 有结果，请稍后再看"
    return ""


def _again(opened: Opened, found: _Message, dry_run: bool) -> int:
    from connectors.base import Delivered, NotReceived

    connector = _connector(opened, found.body)
    try:
        if connector is not None and found.attempts and connector.abilities.can_query:
            answer = connector.query(found.message_id, found.digest)
            if isinstance(answer, Delivered):
                return _confirmed(opened, found, answer, dry_run)
            if isinstance(answer, NotReceived):
                print("已按编号询问：对方没有此件，可以重发")
            elif not connector.abilities.idempotent:
                say(f"不重发：问不到对方是否已持有（{answer.code}），而对方不按编号去重。修正：稍后再试，或电话核实")
                return FOUND
            else:
                print(f"问不到对方是否已持有（{answer.code}）；对方按编号去重，原编号重发不会重复")
        elif connector is not None and found.doubtful and not connector.abilities.idempotent:
            say("不重发：对方可能已持有，既不能按编号询问，也不按编号去重。修正：电话核实")
            return FOUND
    finally:
        if connector is not None:
            connector.close()
    if dry_run:
        print("（--dry-run）会以原编号、原内容排入重发")
        return GOOD
    with opened.database.transaction() as connection:
        return _requeue(opened, connection, found.message_id)


def _confirmed(opened: Opened, found: _Message, answer: Delivered, dry_run: bool) -> int:
    from connectors.wire import receipts
    from models import outbox, settling

    if dry_run:
        print("（--dry-run）对方已持有：会补登回执，不重发")
        return GOOD
    receipt = answer.receipt
    leased = outbox.Leased(found.message_id, found.handoff_id, found.petition_no, found.body, found.message, found.sequence, found.round, found.partner_state,
                           b"", found.digest, found.attempts, True)
    evidence = settling.Evidence(receipt.receipt_id, receipt.received_at, receipt.status, receipts.encode(receipt), "")
    with opened.database.transaction() as connection:
        settling.settle(connection, [settling.Result(leased, "receipted", "asked", evidence=evidence)], "tonglu-resend", opened.house, opened.sealer, opened.now())
    print("对方已持有：已补登回执，没有重发")
    return GOOD


def _requeue(opened: Opened, connection: Connection, message_id: str) -> int:
    from models import outbox, resending, store

    now = opened.now()
    number = _read(connection, message_id).petition_no
    # The petition is locked before the outbox row, as everywhere.
    connection.execute("select 1 from petition where petition_no = %s for update", (number,))
    found = _read(connection, message_id, lock=True)
    stop = _settled(found, now)
    if stop:
        say(stop)
        return FOUND
    if found.state == "SENDING":
        outbox.reap(connection, now)
    if found.state == "QUEUED":
        connection.execute("update outbox set next_attempt_at = least(next_attempt_at, %s) where message_id = %s", (now, message_id))
        store.notify(connection, "outbox")
    else:
        if not resending.requeue(connection, [message_id], now):
            say("不重发：内容已依规定清除，或该单位已不应再收到此件。修正：改由人工核实，见 tonglu duties")
            return FOUND
    print("已以原编号、原内容排入重发，由常驻工作进程发出")
    return GOOD


def _connector(opened: Opened, body: str) -> Connector | None:
    from connectors.directory import Directory, Unreachable
    from connectors.keyring import Keyring

    own_urn = opened.house.bodies.get(opened.house.bureau).urn
    directory = Directory(opened.house.bodies, Keyring(opened.settings.keys).of, opened.settings.sandbox_base, opened.now, own_urn)
    try:
        return directory.of(body)
    except Unreachable as error:
        raise Fault(f"连不上{body_name(opened.house, body)}（{error}）", "运行 tonglu keys ensure，或改正 bodies.yaml 中的连接方式") from None


def reconcile(
    body: Annotated[str, typer.Argument(metavar="[机关代码]", help="不写则全部")] = "",
    day: Annotated[str, typer.Option(help="哪一夜的对账，例如 2026-03-16；不写则今天")] = "",
    again: Annotated[bool, typer.Option("--again", help="当夜已对过也再对一次")] = False,
) -> int:
    from cli.commands.running import flow_context
    from flows import reconcile as flow
    from flows.trace import SILENT
    from rules.ledgers import ACTION_ZH, KIND_ZH

    for_day = parse_day(day) if day else None
    with flow_context() as context:
        if body and body not in context.house.bodies:
            raise Fault(f"机关目录中没有 {body[:80]}", "用 tonglu bodies 查看代码")
        summary = asyncio.run(flow.run(context, SILENT, body or None, for_day, again=again))
        house = context.house
    if not summary.bodies:
        print(f"{summary.for_day}：没有要对的账（尚无转送件，或当夜已对过；再对一次加 --again）")
        return GOOD
    table(f"{summary.for_day} 对账", ("单位", "比对天数", "不符天数", "差异", "结果"), [
        (body_name(house, c.body), c.days, c.differing, len(c.found), f"未完成（{c.failed}）" if c.failed else "完成") for c in summary.bodies],
        right=("比对天数", "不符天数", "差异"))
    if summary.differences:
        table("差异", ("单位", "编号", "差异", "处置"), [
            (body_name(house, c.body), d.petition_no or "非我方之件", KIND_ZH[d.finding.kind], ACTION_ZH[d.finding.action]) for c in summary.bodies for d in c.found])
    print(f"差异 {summary.differences}，已愈 {summary.healed}，未愈且未转人工 {summary.open}")
    for code in summary.failed:
        say(f"未能核对：{body_name(house, code)}。修正：检查对方是否在线，稍后再对")
    return FOUND if summary.differences or summary.failed else GOOD
