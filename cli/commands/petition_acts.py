"""What clerks do by command with a petition that is with them: classify, send, split, link, guide, dispute, review, reopen, propose. Acts of models.desk_petition."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.commands.acting import Clerk, DryRun, PetitionArg, Reason, ToldOn, needed, take
from cli.commands.showing import parse_day
from cli.faults import Fault

if TYPE_CHECKING:
    from cli.opening import Opened
    from models.db import Connection
    from models.moves import Answer

Facts = Annotated[list[str] | None, typer.Option("--fact", help="补充或更正的事实，例如 accused_level=township，可写多次")]
To = Annotated[str, typer.Option("--to", help="机关代码，用 tonglu bodies 查看")]
Kept = Annotated[str, typer.Option(help="理由（加密保存）")]


def register(app: typer.Typer, command: type) -> None:
    """Add these commands to the application."""
    app.command(cls=command, help="甄别：补充或更正事实，不确定去向。\n\n例：tonglu classify XF99010020260316000001 --fact klass=claim --fact art31=6 --reason 经核实")(classify)
    app.command(cls=command, help="经办人确定去向并转送；检举控告不得转给被检举控告方、不得重复退回等守则照样适用。\n\n"
                "例：tonglu send XF99010020260316000001 --to agency-housing-990102 --reason 属住建职责 --fact klass=claim --fact art31=6")(send)
    app.command(cls=command, help="拆分一信多事：每部分成为独立的信访事项，检举控告部分单独流转。\n\n部分写在 YAML 文件中，每项有 subject、text、facts。\n\n"
                "例：tonglu split XF99010020260316000001 --parts 拆分.yaml --reason 一信两事 --dry-run")(split)
    app.command(cls=command, help="关联：与另一件重复，或同一事项正在另一件中办理；不再转送。\n\n"
                "例：tonglu link XF99010020260316000009 --to XF99010020260316000001 --told-on 2026-03-20 --reason 重复来信")(link)
    app.command(cls=command, help="已当面或书面引导信访人向有权机关提出；直到该机关确认立案才办结。\n\n例：tonglu guide XF99010020260316000001 --told-on 2026-03-16 --to court-990102")(guide)
    app.command(cls=command, help="引导之后：filed 机关已立案（写明文号），ended 信访人不再提出，back 机关未收、交回经办人。\n\n"
                "例：tonglu guided XF99010020260316000001 filed --case-no 澜01民初12号 --on 2026-03-25")(guided)
    app.command("report-up", cls=command, help="重大、紧急事项：报请本级党委、政府决定。\n\n例：tonglu report-up XF99010020260316000001 --reason 涉及多人，需统一决定")(report_up)
    app.command("conference-up", cls=command, help="联席会议逾期未协调：报上一级联席会议，此后由其持有、裁定或收回改派（依据待确认，见 gaps.yaml 第14项）。\n\n"
                "例：tonglu conference-up XF99010020260316000001 --reason 两次提请均未协调")(conference_up)
    app.command(cls=command, help="登记党委、政府对报请事项的决定；随后由经办人办理。\n\n例：tonglu decision XF99010020260316000001 --reason 由住建部门牵头办理")(decision)
    app.command(cls=command, help="争议提请协调：共同上一级决定，没有的由联席会议协调。\n\n"
                "例：tonglu dispute XF99010020260316000001 --between agency-housing-990100 --between agency-urban_management-990100 --reason 两家均称不属其职责")(dispute)
    app.command(cls=command, help="登记共同上一级或联席会议指定的受理单位；有约束力，不得再提异议。\n\n例：tonglu designate XF99010020260316000001 --to agency-housing-990100 --reason 依职责指定")(designate)
    app.command("dispute-closed", cls=command, help="协调结束，没有指定单位：交回经办人按协调意见办理。\n\n例：tonglu dispute-closed XF99010020260316000001 --reason 双方已协商一致")(dispute_closed)
    app.command(cls=command, help="复查、复核（只适用于条例第三十一条第六项）：送原办理机关的上一级。\n\n例：tonglu remedy XF99010020260316000001 --reason 信访人不服办理意见")(remedy)
    app.command(cls=command, help="以新的事实和理由再提：已办结、复核终结、已关联的重新交经办人。\n\n例：tonglu reopen XF99010020260316000001 --new-facts 新发现的协议")(reopen)
    app.command(cls=command, help="登记经办人回避：此后该经办人不能办理此件。\n\n例：tonglu recuse XF99010020260316000001 --who 07 --reason 与信访人有近亲属关系")(recuse)
    app.command(cls=command, help="提出三项建议之一：improve 改进工作、policy 完善政策、accountability 追究责任；书面反馈有期限。\n\n"
                "例：tonglu propose XF99010020260316000001 improve --to agency-housing-990102 --ground overdue --reason 多次逾期")(propose)
    app.command(cls=command, help="登记建议的书面反馈：yes 采纳、partly 部分采纳、no 未采纳（写明理由）。\n\n例：tonglu feedback XF99010020260316000001 建议编号 yes --on 2026-04-10")(feedback)
    app.command("close", cls=command, help="不再转送：已告知信访人理由和途径，办结本件。\n\n例：tonglu close XF99010020260316000001 --told-on 2026-03-16 --reason 已有复核意见")(close_)


def classify(petition: PetitionArg, fact: Facts = None, reason: Kept = "", clerk: Clerk = "") -> int:
    from cli.commands.routing import read_facts
    from models import desk_petition

    needed(reason, "--reason")
    facts = read_facts(fact or [])
    return take(petition, "已更正", lambda o, c, n: desk_petition.classify(c, n, facts, reason, o.house, o.sealer, o.now(), clerk=clerk), handoff=False)


def send(
    petition: PetitionArg,
    to: To,
    reason: Kept = "",
    way: Annotated[str, typer.Option(help="方式：转送、交办、导入、通报；不写则依路由表，路由表没有则为转送")] = "",
    basis: Annotated[str, typer.Option(help="依据；不写则依路由表")] = "",
    limit: Annotated[str, typer.Option("--limit", help="交办时指定的办理期限，例如 30d、20wd")] = "",
    fact: Facts = None,
    clerk: Clerk = "",
    dry_run: DryRun = False,
) -> int:
    from cli.commands.routing import read_facts
    from models import desk_petition

    if way and way not in ("转送", "交办", "导入", "通报"):
        raise Fault(f"方式“{way[:10]}”不合要求", "用以下之一：转送、交办、导入、通报；引导请用 tonglu guide")
    facts = read_facts(fact or [])
    return take(petition, "已转送", lambda o, c, n: desk_petition.send(c, n, to, reason, o.house, o.sealer, o.now(), way=way, basis=basis, facts=facts, limit=limit, clerk=clerk),
                handoff=False, dry_run=dry_run)


def split(
    petition: PetitionArg,
    parts: Annotated[Path, typer.Option("--parts", help="YAML 文件：列表，每项有 subject、text、facts", exists=True, dir_okay=False)],
    reason: Kept = "",
    clerk: Clerk = "",
    dry_run: DryRun = False,
) -> int:
    from models import desk_petition

    needed(reason, "--reason")
    pieces = [desk_petition.Part(p["subject"], p["text"], p["facts"]) for p in _parts(parts)]
    return take(petition, f"已拆分为 {len(pieces)} 件", lambda o, c, n: desk_petition.split(c, n, pieces, reason, o.house, o.sealer, o.now(), clerk=clerk),
                handoff=False, dry_run=dry_run)


def _parts(path: Path) -> list[dict[str, Any]]:
    import yaml

    cure = "写成列表，例如：\n  - subject: 拖欠工资\n    text: ……\n    facts: {klass: claim, situation: wage_arrears}"
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        # What the file says is the petitioner's; only that it cannot be read may be told.
        raise Fault(f"{path.name} 不是可读的 YAML 文件（UTF-8）", cure) from None
    if not isinstance(given, list) or len(given) < 2:
        raise Fault(f"{path.name} 应有至少两部分", cure)
    for number, part in enumerate(given, 1):
        if not isinstance(part, dict) or set(part) - {"subject", "text", "facts"} or not all(isinstance(part.get(k), str) for k in ("subject", "text")):
            raise Fault(f"{path.name} 第 {number} 部分须有 subject 和 text（文字），可有 facts", cure)
        if not isinstance(part.setdefault("facts", {}), dict):
            raise Fault(f"{path.name} 第 {number} 部分的 facts 应为 名称: 值", cure)
    return given


def link(petition: PetitionArg, to: Annotated[str, typer.Option("--to", help="所关联的信访事项编号")], told_on: ToldOn, reason: Kept = "", clerk: Clerk = "",
         dry_run: DryRun = False) -> int:
    from models import desk_petition

    day = parse_day(told_on)
    return take(petition, "已关联", lambda o, c, n: desk_petition.link(c, n, to, day, reason, o.house, o.sealer, o.now(), clerk=clerk), handoff=False, dry_run=dry_run)


def guide(petition: PetitionArg, told_on: ToldOn, reason: Reason = "", to: Annotated[str, typer.Option("--to", help="引导去的机关代码")] = "", clerk: Clerk = "") -> int:
    from models import desk_petition

    day = parse_day(told_on)
    return take(petition, "已登记引导", lambda o, c, n: desk_petition.guide(c, n, day, reason, o.house, o.sealer, o.now(), body=to, clerk=clerk), handoff=False)


def guided(
    petition: PetitionArg,
    outcome: Annotated[Literal["filed", "ended", "back"], typer.Argument(metavar="结果", help="filed、ended 或 back")],
    case_no: Annotated[str, typer.Option("--case-no", help="立案、受理的文号（filed 必填）")] = "",
    on: Annotated[str, typer.Option("--on", help="立案日期（filed），或询问信访人的日期（ended）")] = "",
    reason: Kept = "",
    clerk: Clerk = "",
) -> int:
    from models import desk_petition as desk

    if outcome == "filed":
        needed(case_no, "--case-no")
    needed(reason if outcome == "back" else on, "--reason" if outcome == "back" else "--on")
    if outcome == "filed":
        day = parse_day(on)
        return take(petition, "已登记立案", lambda o, c, n: desk.guide_filed(c, n, case_no, day, reason, o.house, o.sealer, o.now(), clerk=clerk), handoff=False)
    if outcome == "ended":
        day = parse_day(on)
        needed(reason, "--reason")
        return take(petition, "已登记不再提出", lambda o, c, n: desk.guide_ended(c, n, day, reason, o.house, o.sealer, o.now(), clerk=clerk), handoff=False)
    return take(petition, "已交回经办人", lambda o, c, n: desk.guide_back(c, n, reason, o.house, o.sealer, o.now(), clerk=clerk), handoff=False)


def report_up(petition: PetitionArg, reason: Kept = "", clerk: Clerk = "") -> int:
    from models import desk_petition

    needed(reason, "--reason")
    return take(petition, "已报请决定", lambda o, c, n: desk_petition.report_up(c, n, reason, o.house, o.sealer, o.now(), clerk=clerk), handoff=False)


def conference_up(petition: PetitionArg, reason: Kept = "", clerk: Clerk = "", dry_run: DryRun = False) -> int:
    from models import desk_petition

    needed(reason, "--reason")
    return take(petition, "已报上一级联席会议", lambda o, c, n: desk_petition.conference_up(c, n, reason, o.house, o.sealer, o.now(), clerk=clerk), handoff=False, dry_run=dry_run)


def decision(petition: PetitionArg, reason: Kept = "") -> int:
    from models import desk_petition

    needed(reason, "--reason")
    return take(petition, "已登记决定", lambda o, c, n: desk_petition.decide_up(c, n, reason, o.house, o.sealer, o.now()), handoff=False)


def dispute(
    petition: PetitionArg,
    between: Annotated[list[str] | None, typer.Option("--between", help="有争议的机关代码，可写多次")] = None,
    reason: Kept = "",
    clerk: Clerk = "",
) -> int:
    from models import desk_petition

    needed(reason, "--reason")
    return take(petition, "已提请协调", lambda o, c, n: desk_petition.dispute(c, n, reason, o.house, o.sealer, o.now(), disputants=between or (), clerk=clerk), handoff=False)


def designate(petition: PetitionArg, to: To, reason: Kept = "", dry_run: DryRun = False) -> int:
    from models import desk_petition

    def _designated(o: Opened, c: Connection, n: str) -> Answer:
        row = c.execute("select handoff_id from handoff where petition_no = %s and state = 'ESCALATED'", (n,)).fetchone()
        if row is not None:
            return desk_petition.designate_instead(c, row[0], to, reason, o.house, o.sealer, o.now())
        return desk_petition.designate(c, n, to, reason, o.house, o.sealer, o.now())

    needed(reason, "--reason")
    return take(petition, "已登记指定", _designated, handoff=False, dry_run=dry_run)


def dispute_closed(petition: PetitionArg, reason: Kept = "") -> int:
    from models import desk_petition

    needed(reason, "--reason")
    return take(petition, "已登记协调结束", lambda o, c, n: desk_petition.dispute_closed(c, n, reason, o.house, o.sealer, o.now()), handoff=False)


def remedy(
    petition: PetitionArg,
    reason: Kept = "",
    to: Annotated[str, typer.Option("--to", help="上一级机关有几个时，送哪一个")] = "",
    late_reason: Annotated[str, typer.Option("--late-reason", help="已过三十日的，写明正当理由")] = "",
    clerk: Clerk = "",
    dry_run: DryRun = False,
) -> int:
    from models import desk_petition

    needed(reason, "--reason")
    return take(petition, "已送上一级", lambda o, c, n: desk_petition.review(c, n, reason, o.house, o.sealer, o.now(), body=to, late_reason=late_reason, clerk=clerk),
                handoff=False, dry_run=dry_run)


def reopen(petition: PetitionArg, new_facts: Annotated[str, typer.Option("--new-facts", help="新的事实和理由（加密保存）")], clerk: Clerk = "") -> int:
    from models import desk_petition

    needed(new_facts, "--new-facts")
    return take(petition, "已重新交经办人", lambda o, c, n: desk_petition.reopen(c, n, new_facts, o.house, o.sealer, o.now(), clerk=clerk), handoff=False)


def recuse(petition: PetitionArg, who: Annotated[str, typer.Option("--who", help="回避的经办人工号")], reason: Kept = "", clerk: Clerk = "") -> int:
    from models import desk_petition

    needed(reason, "--reason")
    return take(petition, "已登记回避", lambda o, c, n: desk_petition.recuse(c, n, who, reason, o.house, o.sealer, o.now(), clerk=clerk), handoff=False)


def propose(
    petition: PetitionArg,
    kind: Annotated[Literal["improve", "policy", "accountability"], typer.Argument(metavar="种类", help="improve、policy 或 accountability")],
    to: To,
    ground: Annotated[str, typer.Option(help="情形，例如 overdue、shirking")],
    reason: Kept = "",
    clerk: Clerk = "",
) -> int:
    from models import desk_petition

    needed(reason, "--reason")
    return take(petition, "已提出建议", lambda o, c, n: desk_petition.propose(c, n, kind, to, ground, reason, o.house, o.sealer, o.now(), clerk=clerk), handoff=False)


def feedback(
    petition: PetitionArg,
    proposal: Annotated[str, typer.Argument(metavar="建议", help="建议编号，见 tonglu petition")],
    adopted: Annotated[Literal["yes", "partly", "no"], typer.Argument(metavar="采纳", help="yes、partly 或 no")],
    on: Annotated[str, typer.Option("--on", help="书面反馈的日期，例如 2026-04-10")],
    reason: Kept = "",
    clerk: Clerk = "",
) -> int:
    from models import desk_petition

    day = parse_day(on)
    return take(petition, "已登记反馈", lambda o, c, n: desk_petition.proposal_feedback(c, n, proposal, adopted, day, reason, o.house, o.sealer, o.now(), clerk=clerk),
                handoff=False)


def close_(petition: PetitionArg, told_on: ToldOn, reason: Reason = "", clerk: Clerk = "", dry_run: DryRun = False) -> int:
    from models import desk_petition

    needed(reason, "--reason")
    day = parse_day(told_on)
    return take(petition, "已办结", lambda o, c, n: desk_petition.close_petition(c, n, day, reason, o.house, o.sealer, o.now(), clerk=clerk), handoff=False, dry_run=dry_run)
