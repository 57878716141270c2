"""`tonglu attempts`: every try to deliver a message, with its dates: when, by which way, what was asked and sent, what came back, when again."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands.showing import as_json, body_name, table
from cli.faults import GOOD, Fault
from rules.taxonomy import KLASS_ZH, OUTBOX_ZH, way_zh
from rules.words import MESSAGE_ZH

if TYPE_CHECKING:
    from rules.house import House

_OWN = {
    "desk": "在本系统中办理，无须投递", "sender-gone": "发送进程中断或超时，是否发出不详", "doubtful": "可能已收到，而对方既不能询问、也不按编号去重",
    "connector-fault": "我方连接程序出错", "no-keys": "缺少该单位的密钥", "unknown-way": "bodies.yaml 中没有这条通道", "bad-connector": "bodies.yaml 中的连接选项有误",
}


def register(app: typer.Typer, command: type) -> None:
    """Add this command to the application."""
    app.command("attempts", cls=command, help="一件文书（或一件信访事项的全部文书）的历次投递：何时、走哪条通道、问了什么、发了多少、对方怎样答复、属于哪一类、下次何时。\n\n"
                "例：tonglu attempts XF99010020260316000001\n\n例：tonglu attempts 0199aaaa-… --json")(attempts)


def attempts(
    key: Annotated[str, typer.Argument(metavar="编号", help="文书编号，或信访事项编号")],
    json: Annotated[bool, typer.Option("--json", help="输出 JSON（不含个人信息）")] = False,
) -> int:
    from cli.opening import open_all
    from models.attempts import history

    with open_all() as opened:
        with opened.database.transaction() as connection:
            found = history(connection, key.strip())
        if not found:
            raise Fault("账本中没有这个编号的文书", "核对编号；信访事项尚未转出的没有文书，用 tonglu petition 编号 查看")
        if json:
            as_json(found)
            return GOOD
        for message in found:
            _show(opened.house, message)
    return GOOD


def _show(house: House, m: dict[str, Any]) -> None:
    until = f"，下次 {_second(m['next_attempt_at'])}" if m["state"] in ("QUEUED", "RETRY_WAIT", "UNKNOWN") else ""
    print(f"{m['petition_no']} 第 {m['sequence']} 号文书（{MESSAGE_ZH.get(m['message'], m['message'])}），{body_name(house, m['body'])}，{way_zh(m['way'])}："
          f"{OUTBOX_ZH.get(m['state'], m['state'])}，已试 {m['tried']} 次{until}；编号 {m['message_id']}")
    if m["attempts"]:
        table("历次投递", ("次", "通道", "开始", "用时", "询问", "发出", "对方答复", "类别", "原因", "下次"), [
            (a["attempt_no"], way_zh(a["way"]), _second(a["started_at"] or a["at"]), f"{a['took_ms'] / 1000:.1f} 秒" if a["took_ms"] else "", a["asked"],
             f"{a['sent_bytes']} 字节" if a["sent_bytes"] else "", a["status"] or "", KLASS_ZH.get(a["klass"], a["klass"]), code_zh(a["code"]), _second(a["next_at"]))
            for a in m["attempts"]], right=("次", "用时", "发出"))


def _second(instant: datetime | None) -> str:
    """To the second: the first dates of the schedule are seconds apart."""
    from rules.calendar import SHANGHAI

    return "" if instant is None else instant.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def code_zh(code: str) -> str:
    """The code of a try's end in words."""
    from connectors.http.words import in_chinese

    return _OWN.get(code) or in_chinese(code)
