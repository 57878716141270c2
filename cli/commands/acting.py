"""What every command of a clerk does: open the house, take one act in one transaction, say what became of it and who holds the case now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands.showing import body_name, deadline, parse_day
from cli.commands.words import state_zh
from cli.faults import FOUND, GOOD, Fault
from cli.shell import say

if TYPE_CHECKING:
    from cli.opening import Opened
    from models.db import Connection
    from models.moves import Answer

HandoffArg = Annotated[str, typer.Argument(metavar="转送件", help="转送件编号，或信访事项编号（取其在办的转送件）")]
PetitionArg = Annotated[str, typer.Argument(metavar="编号", help="信访事项编号")]
Reason = Annotated[str, typer.Option(help="理由（随文告知对方，并加密保存）")]
ToldOn = Annotated[str, typer.Option("--told-on", help="告知信访人的日期，例如 2026-03-16")]
Clerk = Annotated[str, typer.Option("--clerk", envvar="TONGLU_CLERK", help="经办人工号：已回避此件的不能办理")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="只试算：说明办理后会怎样，不保存")]


def told(opened: Opened, answer: Answer, done: str) -> int:
    """Print what became of an act, once it is kept; 1 when the door refused it."""
    from models.moves import Refused

    if isinstance(answer, Refused):
        say(f"未办理：{answer.why}")
        return FOUND
    print(done + (f"：{answer.petition_no}" if answer.petition_no else ""))
    return GOOD


def _handoff(connection: Connection, given: str) -> str:
    if not given.startswith("XF"):
        return given
    row = connection.execute("select open_handoff from petition where petition_no = %s", (given,)).fetchone()
    if row is None:
        raise Fault(f"没有编号为 {given[:30]} 的信访事项", "核对编号（XF 加 20 位数字）")
    if row[0] is None:
        raise Fault(f"{given} 没有在办的转送件", f"用 tonglu petition {given} 查看现状")
    return str(row[0])


def take(given: str, done: str, act: Callable[[Opened, Connection, str], Answer], *, handoff: bool = True, dry_run: bool = False) -> int:
    """Take one act and print the case as it then stands. With `dry_run` everything is done, told and undone."""
    from cli.opening import open_all

    with open_all() as opened:
        with opened.database.transaction() as connection:
            answer = act(opened, connection, _handoff(connection, given) if handoff else given)
            sql = """select p.state, h.state, p.holder, p.next_due from petition p left join handoff h on h.handoff_id = p.open_handoff
                     where p.petition_no = coalesce((select petition_no from handoff where handoff_id = %s), %s)"""
            row = connection.execute(sql, (given, given)).fetchone()
            if dry_run:
                connection.rollback()
        # Nothing is said before it is kept: whoever reads that it was done may rely on it.
        code = told(opened, answer, done)
        if code == GOOD and row:
            state = state_zh(opened.house, "handoff", row[1]) if row[1] else state_zh(opened.house, "petition", row[0])
            holder = f"，持有者 {body_name(opened.house, row[2])}，期限 {deadline(row[3], opened.now())}" if row[2] else ""
            print(f"现状：{state}{holder}")
        if dry_run:
            say("试算完毕，未保存")
        return code


def day_of(text: str) -> date | None:
    return parse_day(text) if text else None


def needed(text: str, option: str) -> None:
    if not text.strip():
        raise Fault(f"缺少 {option}", "写明后重试；加 --help 看例子")




def pairs(given: list[str]) -> dict[str, str]:
    """`name=value` options as a mapping. Raises Fault for one of another form."""
    found = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise Fault(f"“{text[:30]}”不合格式", "写成 名称=值，例如 told_on=2026-03-18")
        found[name.strip()] = value.strip()
    return found
