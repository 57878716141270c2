"""What clerks do by command: decide, rule, review, follow up, urge, withdraw, send, guide, close. Each is one act of models.desk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

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


def register(app: typer.Typer, command: type) -> None:
    """Add these commands to the application."""
    app.command(cls=command, help="催办一件转送件。\n\n例：tonglu urge XF99010020260316000001 --reason 请尽快签收")(urge)
    app.command(cls=command, help="核实异议：upheld 同意退回（列明材料）、rejected 异议不成立、escalated 报请联席会议协调。\n\n"
                "例：tonglu decide XF99010020260316000001 upheld --reason 不属其职责 --material 转送函 --material 信访材料一份")(decide)
    app.command(cls=command, help="联席会议裁定争议：keep 由该单位受理，return 退回另行确定。\n\n例：tonglu rule XF99010020260316000001 keep --reason 依职责由其受理")(rule)
    app.command(cls=command, help="审核办结报告：accepted 通过（写明告知信访人的日期），rework 退回重办（写明理由）。\n\n"
                "例：tonglu review XF99010020260316000001 accepted --reason 事实清楚 --told-on 2026-05-08")(review)
    app.command(cls=command, help="不予受理之后：told 已告知救济途径，reroute 另行转送（交回经办人）。\n\n例：tonglu followup XF99010020260316000001 told --told-on 2026-03-20")(followup)
    app.command(cls=command, help="要求承办单位撤回（受理之前）；对方同意后才结束。")(withdraw)
    app.command(cls=command, help="经办人确定去向并转送；检举控告不得转给被检举控告方、不得重复退回等守则照样适用。\n\n"
                "例：tonglu send XF99010020260316000001 --to agency-housing-990102 --reason 属住建职责 --fact klass=claim --fact art31=6")(send)
    app.command(cls=command, help="已当面或书面引导信访人向有权机关提出，办结本件。\n\n例：tonglu guide XF99010020260316000001 --told-on 2026-03-16 --to court-990102")(guide)
    app.command("close", cls=command, help="不再转送：已告知信访人理由和途径，办结本件。\n\n例：tonglu close XF99010020260316000001 --told-on 2026-03-16 --reason 已有复核意见")(close_)


def told(opened: Opened, answer: Answer, done: str) -> int:
    """Print what became of an act; 1 when the door refused it."""
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


def _act(given: str, done: str, act: Callable[[Opened, Connection, str], Answer], *, handoff: bool = True) -> int:
    from cli.opening import open_all

    with open_all() as opened, opened.database.transaction() as connection:
        code = told(opened, act(opened, connection, _handoff(connection, given) if handoff else given), done)
        if code == GOOD:
            sql = """select p.state, h.state, p.holder, p.next_due from petition p left join handoff h on h.handoff_id = p.open_handoff
                     where p.petition_no = coalesce((select petition_no from handoff where handoff_id = %s), %s)"""
            row = connection.execute(sql, (given, given)).fetchone()
            if row:
                state = state_zh(opened.house, "handoff", row[1]) if row[1] else state_zh(opened.house, "petition", row[0])
                holder = f"，持有者 {body_name(opened.house, row[2])}，期限 {deadline(row[3], opened.now())}" if row[2] else ""
                print(f"现状：{state}{holder}")
        return code


def _day(text: str) -> date | None:
    return parse_day(text) if text else None


def _needed(text: str, option: str) -> None:
    if not text.strip():
        raise Fault(f"缺少 {option}", "写明后重试；加 --help 看例子")


def urge(handoff: HandoffArg, reason: Reason = "") -> int:
    from models import desk

    return _act(handoff, "已催办", lambda o, c, h: desk.urge(c, h, reason, o.house, o.sealer, o.now()))


def decide(
    handoff: HandoffArg,
    decision: Annotated[Literal["upheld", "rejected", "escalated"], typer.Argument(metavar="决定", help="upheld、rejected 或 escalated")],
    reason: Reason = "",
    material: Annotated[list[str] | None, typer.Option("--material", help="交还材料清单，可写多次；upheld 时必填")] = None,
) -> int:
    from models import desk

    _needed(reason, "--reason")
    if decision == "upheld" and not material:
        raise Fault("同意退回须列明交还材料清单（信访工作条例第二十三条）", "用 --material 逐项写明")
    words = {"upheld": "已同意退回", "rejected": "已决定异议不成立", "escalated": "已报请协调"}[decision]
    return _act(handoff, words, lambda o, c, h: desk.decide_objection(c, h, decision, reason, o.house, o.sealer, o.now(), materials=material or ()))


def rule(
    handoff: HandoffArg,
    ruling: Annotated[Literal["keep", "return"], typer.Argument(metavar="裁定", help="keep 或 return")],
    reason: Reason = "",
) -> int:
    from models import desk

    _needed(reason, "--reason")
    return _act(handoff, "已裁定", lambda o, c, h: desk.rule_dispute(c, h, ruling, reason, o.house, o.sealer, o.now()))


def review(
    handoff: HandoffArg,
    outcome: Annotated[Literal["accepted", "rework"], typer.Argument(metavar="结论", help="accepted 或 rework")],
    reason: Reason = "",
    told_on: ToldOn = "",
    defect: Annotated[list[str] | None, typer.Option("--defect", help="须补正之处，可写多次")] = None,
) -> int:
    from models import desk

    _needed(told_on if outcome == "accepted" else reason, "--told-on" if outcome == "accepted" else "--reason")
    words = {"accepted": "已审核通过", "rework": "已退回重办"}[outcome]
    return _act(handoff, words, lambda o, c, h: desk.review_result(c, h, outcome, reason, o.house, o.sealer, o.now(), told_on=_day(told_on), defects=defect or ()))


def followup(
    handoff: HandoffArg,
    step: Annotated[Literal["told", "reroute"], typer.Argument(metavar="步骤", help="told 或 reroute")],
    reason: Reason = "",
    told_on: ToldOn = "",
) -> int:
    from models import desk

    if step == "told":
        _needed(told_on, "--told-on")
    words = {"told": "已登记告知", "reroute": "已交回经办人另行转送"}[step]
    return _act(handoff, words, lambda o, c, h: desk.follow_up(c, h, step, reason, o.house, o.sealer, o.now(), told_on=_day(told_on)))


def withdraw(handoff: HandoffArg, reason: Reason = "") -> int:
    from models import desk

    _needed(reason, "--reason")
    return _act(handoff, "已要求撤回", lambda o, c, h: desk.withdraw(c, h, reason, o.house, o.sealer, o.now()))


def send(
    petition: PetitionArg,
    to: Annotated[str, typer.Option("--to", help="机关代码，用 tonglu bodies 查看")],
    reason: Annotated[str, typer.Option(help="理由（加密保存）")] = "",
    way: Annotated[str, typer.Option(help="方式：转送、交办、导入、通报；不写则依路由表，路由表没有则为转送")] = "",
    basis: Annotated[str, typer.Option(help="依据；不写则依路由表")] = "",
    fact: Annotated[list[str] | None, typer.Option("--fact", help="补充或更正的事实，例如 accused_level=township，可写多次")] = None,
) -> int:
    from cli.commands.routing import read_facts
    from models import desk_petition

    if way and way not in ("转送", "交办", "导入", "通报"):
        raise Fault(f"方式“{way[:10]}”不合要求", "用以下之一：转送、交办、导入、通报；引导请用 tonglu guide")
    facts = read_facts(fact or [])
    return _act(petition, "已转送", lambda o, c, n: desk_petition.send(c, n, to, reason, o.house, o.sealer, o.now(), way=way, basis=basis, facts=facts), handoff=False)


def guide(petition: PetitionArg, told_on: ToldOn, reason: Reason = "", to: Annotated[str, typer.Option("--to", help="引导去的机关代码")] = "") -> int:
    from models import desk_petition

    day = parse_day(told_on)
    return _act(petition, "已引导并办结", lambda o, c, n: desk_petition.guide(c, n, day, reason, o.house, o.sealer, o.now(), body=to), handoff=False)


def close_(petition: PetitionArg, told_on: ToldOn, reason: Reason = "") -> int:
    from models import desk_petition

    _needed(reason, "--reason")
    day = parse_day(told_on)
    return _act(petition, "已办结", lambda o, c, n: desk_petition.close_petition(c, n, day, reason, o.house, o.sealer, o.now()), handoff=False)
