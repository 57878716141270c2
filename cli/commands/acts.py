"""What clerks do by command: decide, rule, review, follow up, urge, withdraw, send, guide, close. Each is one act of models.desk."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from cli.commands.acting import Clerk, DryRun, HandoffArg, Reason, ToldOn, day_of, needed, pairs, take
from cli.commands.showing import parse_day
from cli.faults import Fault


def register(app: typer.Typer, command: type) -> None:
    """Add these commands to the application."""
    app.command(cls=command, help="催办一件转送件。\n\n例：tonglu urge XF99010020260316000001 --reason 请尽快签收")(urge)
    app.command(cls=command, help="核实异议：upheld 同意退回（列明材料）、rejected 异议不成立、escalated 报请联席会议协调。\n\n"
                "例：tonglu decide XF99010020260316000001 upheld --reason 不属其职责 --material 转送函 --material 信访材料一份")(decide)
    app.command(cls=command, help="联席会议裁定争议：keep 由该单位受理，return 退回另行确定。\n\n例：tonglu rule XF99010020260316000001 keep --reason 依职责由其受理")(rule)
    app.command(cls=command, help="联席会议收回改派：承办单位的期限和催办、督办之后的期限都已届满仍不作声的，收回另行确定承办单位（依据待确认，见 gaps.yaml 第13项）。\n\n"
                "不写 --to 的，交回经办人另行确定去向，不得再转给原单位；随后须将决定告知信访人。\n\n"
                "例：tonglu reassign XF99010020260316000001 --to agency-housing-990100 --reason 督办期满仍未办理 --dry-run")(reassign)
    app.command(cls=command, help="审核办结报告：accepted 通过（写明告知信访人的日期），rework 退回重办（写明理由）。\n\n"
                "例：tonglu review XF99010020260316000001 accepted --reason 事实清楚 --told-on 2026-05-08")(review)
    app.command(cls=command, help="不予受理之后：told 已告知救济途径，reroute 另行转送（交回经办人）。\n\n例：tonglu followup XF99010020260316000001 told --told-on 2026-03-20")(followup)
    app.command(cls=command, help="要求承办单位撤回（受理之前）；对方同意后才结束。")(withdraw)
    app.command(cls=command, help="督办承办单位，写明条例第四十条的情形：improper、shirking、not-executed、overdue、no-feedback。\n\n"
                "例：tonglu supervise XF99010020260316000001 --ground overdue --reason 逾期未办结")(supervise)
    app.command(cls=command, help="收回对方确已拒收的转送件，以便另行转送；有一点可能已送达的，不能收回。")(takeback)
    app.command(cls=command, help="人工送达：来文已以纸质送交并登记，此后该件以纸质往来。\n\n"
                "例：tonglu byhand XF99010020260316000001 --register-no 澜信送2026-015 --on 2026-03-17 --signed-by 收发室")(byhand)
    app.command(cls=command, help="代录没有系统的单位的书面回复：handoff.signed、handoff.accepted、handoff.result 等，字段见 docs/wire.md。\n\n"
                "例：tonglu record XF99010020260316000001 handoff.accepted --register-no 收2026-031 "
                "--field partner_case_no=澜政受2026-9 --field procedure=petition --field told_on=2026-03-18")(record)


def urge(handoff: HandoffArg, reason: Reason = "", clerk: Clerk = "") -> int:
    from models import desk

    return take(handoff, "已催办", lambda o, c, h: desk.urge(c, h, reason, o.house, o.sealer, o.now(), clerk=clerk))


def decide(
    handoff: HandoffArg,
    decision: Annotated[Literal["upheld", "rejected", "escalated"], typer.Argument(metavar="决定", help="upheld、rejected 或 escalated")],
    reason: Reason = "",
    material: Annotated[list[str] | None, typer.Option("--material", help="交还材料清单，可写多次；upheld 时必填")] = None,
    clerk: Clerk = "",
) -> int:
    from models import desk

    needed(reason, "--reason")
    if decision == "upheld" and not material:
        raise Fault("同意退回须列明交还材料清单（信访工作条例第二十三条）", "用 --material 逐项写明")
    words = {"upheld": "已同意退回", "rejected": "已决定异议不成立", "escalated": "已报请协调"}[decision]
    return take(handoff, words, lambda o, c, h: desk.decide_objection(c, h, decision, reason, o.house, o.sealer, o.now(), materials=material or (), clerk=clerk))


def rule(
    handoff: HandoffArg,
    ruling: Annotated[Literal["keep", "return"], typer.Argument(metavar="裁定", help="keep 或 return")],
    reason: Reason = "",
    clerk: Clerk = "",
) -> int:
    from models import desk

    needed(reason, "--reason")
    return take(handoff, "已裁定", lambda o, c, h: desk.rule_dispute(c, h, ruling, reason, o.house, o.sealer, o.now(), clerk=clerk))


def reassign(
    handoff: HandoffArg,
    reason: Reason = "",
    to: Annotated[str, typer.Option("--to", help="改由哪个机关办理（机关代码，用 tonglu bodies 查看）；不写则交回经办人")] = "",
    clerk: Clerk = "",
    dry_run: DryRun = False,
) -> int:
    from models import reassigning

    needed(reason, "--reason")
    words = "已收回改派" if to else "已收回，交回经办人另行确定去向"
    return take(handoff, words, lambda o, c, h: reassigning.reassign(c, h, reason, o.house, o.sealer, o.now(), body=to, clerk=clerk), dry_run=dry_run)


def review(
    handoff: HandoffArg,
    outcome: Annotated[Literal["accepted", "rework"], typer.Argument(metavar="结论", help="accepted 或 rework")],
    reason: Reason = "",
    told_on: ToldOn = "",
    defect: Annotated[list[str] | None, typer.Option("--defect", help="须补正之处，可写多次")] = None,
    clerk: Clerk = "",
) -> int:
    from models import desk

    needed(told_on if outcome == "accepted" else reason, "--told-on" if outcome == "accepted" else "--reason")
    words = {"accepted": "已审核通过", "rework": "已退回重办"}[outcome]
    return take(handoff, words, lambda o, c, h: desk.review_result(c, h, outcome, reason, o.house, o.sealer, o.now(), told_on=day_of(told_on), defects=defect or (), clerk=clerk))


def followup(
    handoff: HandoffArg,
    step: Annotated[Literal["told", "reroute"], typer.Argument(metavar="步骤", help="told 或 reroute")],
    reason: Reason = "",
    told_on: ToldOn = "",
    clerk: Clerk = "",
) -> int:
    from models import desk

    if step == "told":
        needed(told_on, "--told-on")
    words = {"told": "已登记告知", "reroute": "已交回经办人另行转送"}[step]
    return take(handoff, words, lambda o, c, h: desk.follow_up(c, h, step, reason, o.house, o.sealer, o.now(), told_on=day_of(told_on), clerk=clerk))


def withdraw(handoff: HandoffArg, reason: Reason = "", clerk: Clerk = "") -> int:
    from models import desk

    needed(reason, "--reason")
    return take(handoff, "已要求撤回", lambda o, c, h: desk.withdraw(c, h, reason, o.house, o.sealer, o.now(), clerk=clerk))


def supervise(handoff: HandoffArg, ground: Annotated[str, typer.Option(help="条例第四十条的情形")], reason: Reason = "", clerk: Clerk = "") -> int:
    from models import desk

    needed(reason, "--reason")
    return take(handoff, "已督办", lambda o, c, h: desk.supervise(c, h, ground, reason, o.house, o.sealer, o.now(), clerk=clerk))


def takeback(handoff: HandoffArg, reason: Reason = "", clerk: Clerk = "", dry_run: DryRun = False) -> int:
    from models import desk

    needed(reason, "--reason")
    return take(handoff, "已收回", lambda o, c, h: desk.take_back(c, h, reason, o.house, o.sealer, o.now(), clerk=clerk), dry_run=dry_run)


def byhand(
    handoff: HandoffArg,
    register_no: Annotated[str, typer.Option("--register-no", help="送达登记号")],
    on: Annotated[str, typer.Option("--on", help="送达日期，例如 2026-03-17")],
    signed_by: Annotated[str, typer.Option("--signed-by", help="收件岗位（写岗位，不写姓名）")],
    clerk: Clerk = "",
    dry_run: DryRun = False,
) -> int:
    from models import desk

    day = parse_day(on)
    return take(handoff, "已登记人工送达", lambda o, c, h: desk.deliver_by_hand(c, h, register_no, day, signed_by, o.house, o.sealer, o.now(), clerk=clerk), dry_run=dry_run)


def record(
    handoff: HandoffArg,
    message: Annotated[str, typer.Argument(metavar="事项", help="例如 handoff.accepted")],
    register_no: Annotated[str, typer.Option("--register-no", help="来文登记号")],
    field: Annotated[list[str] | None, typer.Option("--field", help="字段，写成 名称=值，可写多次")] = None,
    clerk: Clerk = "",
    dry_run: DryRun = False,
) -> int:
    from models import desk

    data = pairs(field or [])
    return take(handoff, "已代录", lambda o, c, h: desk.record_for(c, h, message, data, register_no, o.house, o.sealer, o.now(), clerk=clerk), dry_run=dry_run)
