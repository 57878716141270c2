"""`tonglu due`: when a limit ends and how its days are counted; or which limit of the configuration applies to whom, and by which article."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands.showing import as_json, local, table
from cli.faults import GOOD, Fault

if TYPE_CHECKING:
    from rules.calendar import CountedDay, Due
    from rules.house import House
    from rules.limits import Limit
    from rules.roadmap import ClockRule

_WEEKDAY = "一二三四五六日"


def register(app: typer.Typer, command: type) -> None:
    """Add this command to the application."""
    app.command("due", cls=command, help="算到期日：从某日起算一个期限，列出逐日如何计数（工作日、节假日、调休、顺延）。"
                "或用 --clock 问配置：哪个机关、哪一阶段的期限有多长，依据哪一条，能否延长。不改变任何事项。\n\n"
                "例：tonglu due --from 2026-02-13 --limit 5wd\n\n例：tonglu due --from 2026-02-13T09:30 --limit 24h\n\n"
                "例：tonglu due --from 2026-03-02 --clock result --body court-990100 --track court_retrial\n\n"
                "例：tonglu due --from 2026-03-02 --clock review_opinion --body agency-housing-990100 --stage rereview")(due)


def due(
    start: Annotated[str, typer.Option("--from", help="起算日（当日不计），例如 2026-02-13；小时、分钟的期限可写到分：2026-02-13T09:30（北京时间）")],
    limit: Annotated[str, typer.Option(help="期限：5wd 工作日、15d 日、2mo 月、24h 小时、10min 分钟")] = "",
    clock: Annotated[str, typer.Option(help="clocks.yaml 中的期限名称，例如 result；不与 --limit 同用")] = "",
    body: Annotated[str, typer.Option(help="机关代码（用 tonglu bodies 查看）；信访部门自己的期限可以不写")] = "",
    branch: Annotated[str, typer.Option(help="分支，例如 B3.6；写了 --track 的一般不必写")] = "",
    track: Annotated[str, typer.Option(help="时限轨道，例如 court_retrial（routing.yaml 的 tracks）")] = "",
    stage: Annotated[str, typer.Option(help="阶段：handling 办理、review 复查、rereview 复核")] = "handling",
    flag: Annotated[list[str] | None, typer.Option(help="转送件的标记，例如 simple；可写多次")] = None,
    json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> int:
    from cli.opening import open_house, open_settings
    from rules.limits import LimitError, parse_limit

    began = _start(start)
    if bool(limit) == bool(clock):
        raise Fault("--limit 与 --clock 须写其中一个", "例如 --limit 5wd，或 --clock result --body court-990100")
    if not clock and (stray := [name for name, value in (("--body", body), ("--branch", branch), ("--track", track), ("--flag", flag)) if value]):
        raise Fault(f"{'、'.join(stray)} 只与 --clock 同用", "补写 --clock，或删去")
    house = open_house(open_settings())
    rule = _rule(house, clock, body, branch, track, stage, frozenset(flag or ())) if clock else None
    try:
        wanted = parse_limit(rule.case.limit if rule else limit)
        answer, lines = _counted(began, wanted, house)
        if rule:
            more, told = _ruled(rule, began, wanted, house)
            answer, lines = {**more, **answer}, [*told, *lines]
    except LimitError as error:
        raise Fault(str(error)) from None
    if json:
        as_json(answer)
        return GOOD
    _show(answer, start, wanted, lines)
    return GOOD


def _start(text: str) -> datetime:
    """The day (its 0:00) or the moment, in Beijing unless it names a zone. Raises Fault."""
    from rules.calendar import SHANGHAI

    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(), SHANGHAI)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Fault(f"起算日“{text[:25]}”看不懂", "写成 2026-02-13，或 2026-02-13T09:30") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)


def _rule(house: House, key: str, body: str, branch: str, track: str, stage: str, flags: frozenset[str]) -> ClockRule:
    """The case that applies. Raises Fault naming what is unknown, or what would have to be known to choose."""
    from typing import get_args

    from config.facts import Branch
    from config.roadmap import ClockContext, Stage

    clocks = house.roads.clocks_file
    named = {**clocks.clocks, **clocks.rungs}
    if key not in named:
        raise Fault(f"没有名为 {key[:40]} 的期限", "用以下之一：" + "、".join(f"{name}（{one.zh}）" for name, one in named.items()))
    whose = body or (house.bureau if named[key].owes in ("bureau", "joint_conference", "arbiter") else "")
    if not whose:
        raise Fault(f"“{named[key].zh}”因机关而异，没有写机关", "补写 --body，例如 --body court-990100；代码用 tonglu bodies 查看")
    if whose not in house.bodies:
        raise Fault(f"机关目录中没有 {whose[:60]}", "用 tonglu bodies 查看代码")
    for value, known, what in ((branch, get_args(Branch), "分支"), (track, tuple(house.table.tracks), "时限轨道"), (stage, get_args(Stage), "阶段")):
        if value and value not in known:
            raise Fault(f"没有名为 {value[:40]} 的{what}", f"用以下之一：{'、'.join(known)}")
    telling = {flag for clock in named.values() for case in clock.cases for flag in case.flag}
    if unknown := sorted(flags - telling):
        raise Fault(f"标记 {'、'.join(unknown)[:60]} 不影响任何期限", f"用以下之一：{'、'.join(sorted(telling))}")
    branches = [branch] if branch or not track else sorted({row.branch for row in house.table.rows if row.track == track}) or [""]
    at = [ClockContext(house.profile(whose), one, track, stage, flags, house.division(whose)) for one in branches]  # type: ignore[arg-type]
    found = [house.roads.clock_rule(key, one) for one in at]
    rule = found[0]
    if any(other is not None and (rule is None or other.case is not rule.case) for other in found[1:]):
        raise Fault(f"轨道 {track} 用于几个分支，期限不同", f"补写 --branch，用以下之一：{'、'.join(branches)}")
    if rule is None:
        runs = named[key].stage or tuple(dict.fromkeys(name for case in named[key].cases for name in case.stage))
        raise Fault(f"“{named[key].zh}”在这种情形下不计时", f"它只用于阶段 {'、'.join(runs)}：改写 --stage" if runs else "改写 --branch、--track 或 --flag")
    return rule


def _counted(began: datetime, wanted: Limit, house: House) -> tuple[dict[str, Any], list[str]]:
    from rules.calendar import counted
    from rules.calendar import due as count

    end = count(began, wanted, house.calendar)
    days = counted(began, wanted, house.calendar)
    years = sorted({day.day.year for day in days if not house.calendar.known(day.day.year)} | ({end.last_day.year} if end.provisional else set()))
    lines = [_ending(end, wanted)]
    if end.provisional:
        lines.append(f"暂定：{'、'.join(map(str, years))} 年还没有节假日安排表，只按周末推算，公布后可能改变。修正：升级 chinesecalendar，或在 calendar.yaml 中补写该年")
    return {"limit": str(wanted), "last_day": end.last_day, "instant": end.instant, "provisional": end.provisional, "days": [_day(day) for day in days]}, lines


def _day(day: CountedDay) -> dict[str, Any]:
    return {"day": day.day, "number": day.number, "reason": day.reason}


def _ending(end: Due, wanted: Limit) -> str:
    instant = f"即 {end.instant:%Y-%m-%dT%H:%M}Z"
    return f"届满：{local(end.instant)}（连续计算，{instant}）" if wanted.exact else f"届满：{end.last_day} 星期{_WEEKDAY[end.last_day.weekday()]}（当日 24 时，{instant}）"


def _ruled(rule: ClockRule, began: datetime, wanted: Limit, house: House) -> tuple[dict[str, Any], list[str]]:
    """What the configuration says of the limit, for programs and for people."""
    from config.confirmed import case_id
    from rules.calendar import due as count
    from rules.calendar import fraction
    from rules.limits import parse_limit
    from rules.register import VERIFIED_ZH

    case, clock = rule.case, rule.clock
    end = count(began, wanted, house.calendar)
    name = case_id(rule.key, case, house.roads.is_rung(rule.key))
    warned = [fraction(began, end, part) for part in clock.warn]
    since = {"delivery": "送达之日", "acceptance": "受理之日"}.get(rule.counts_from) or clock.trigger or "进入该状态"
    lines = [f"期限：{clock.zh}（{name}）{wanted.zh}，{rule.label}", f"依据：{case.basis}（{VERIFIED_ZH[case.verified]}）" + (f"；登记行 {'、'.join(case.row)}" if case.row else ""),
             f"起算：{since}（当日不计）", "提醒：" + "、".join(f"{part:.0%} {local(at)}" for part, at in zip(clock.warn, warned, strict=True)) + "、100% 届满"]
    answer: dict[str, Any] = {"clock": rule.key, "id": name, "zh": clock.zh, "label": rule.label, "basis": case.basis, "verified": case.verified, "confirmed": rule.confirmed,
                              "rows": list(case.row), "counts_from": rule.counts_from, "warnings": warned, "deemed": case.deemed,
                              "pauses_in": list(rule.stops_in), "extension": None}
    if case.extension:
        extra = parse_limit(case.extension)
        last = count(began, wanted + extra, house.calendar).last_day if extra.unit == wanted.unit else None
        lines.append(f"延长：一次，至多{extra.zh}" + (f"，由{case.extended_by}批准" if case.extended_by else "") + (f"，{case.extended_told}" if case.extended_told else "")
                     + (f"；延足至 {last}" if last else ""))
        answer["extension"] = {"limit": case.extension, "by": case.extended_by, "told": case.extended_told, "last_day": last}
    else:
        lines.append("延长：不能延长")
    if answer["pauses_in"]:
        lines.append("停止计时的状态：" + "、".join(house.roads.state("handoff", state).zh for state in answer["pauses_in"]))
    if case.deemed:
        lines.append("届满：视为受理" if case.deemed == "acceptance.deemed" else f"届满：{case.deemed}")
    return answer, lines


def _show(answer: dict[str, Any], start: str, wanted: Limit, lines: Iterable[str]) -> None:
    days = answer["days"]
    if days:
        rows = [(day["day"], _WEEKDAY[day["day"].weekday()], day["number"] or "—", day["reason"]) for day in days]
        table(f"自 {start} 起 {wanted.zh}", ("日期", "星期", "第几日", "说明"), rows, right=("第几日",))
    print("\n".join(lines))
