"""`tonglu check`: is there a way in the configuration by which a case could be stranded?"""

from __future__ import annotations

from typing import Annotated

import typer

from cli.commands.showing import as_json, table
from cli.faults import FOUND, GOOD
from cli.shell import say


def register(app: typer.Typer, command: type) -> None:
    """Add this command to the application."""
    app.command("check", cls=command, help="检查配置：证明没有断头路，并列出尚未确认依据的期限和路由。\n\n"
                "每个状态都走得到终结；每个等待状态都有持有者、期限，逾期后逐级升到联席会议并重复提醒；每条边只有一个书写者；"
                "每行路由都通到连得上的机关。有断头路时结束状态为 1，配置有误时为 2。\n\n例：tonglu check --json > check.json")(check)


def check(
    json: Annotated[bool, typer.Option("--json", help="输出 JSON，供程序使用")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="不列出未确认的依据，只给条数")] = False,
) -> int:
    from cli.opening import open_house, open_settings, open_time
    from connectors.registry import KINDS
    from connectors.wire.events import TO_BODY
    from rules.calendar import SHANGHAI
    from rules.proof import missing_years, prove, unconfirmed

    settings = open_settings()
    house = open_house(settings)
    roads, clocks = house.roads.file, house.roads.clocks_file
    defects = prove(roads, clocks, house.bodies, house.table, kinds=KINDS.keys(), carried=TO_BODY, bureau=house.bureau)
    open_points = unconfirmed(clocks, house.table)
    years = missing_years(house.calendar, open_time(settings).now().astimezone(SHANGHAI).year)
    if json:
        as_json({
            "good": not defects,
            "defects": [{"where": d.where, "what": d.what, "cure": d.cure} for d in defects],
            "unconfirmed": [{"where": u.where, "what": u.what, "verified": u.verified, "meanwhile": u.meanwhile} for u in open_points],
            "years_without_holidays": years,
        })
        return FOUND if defects else GOOD
    if open_points and not quiet:
        table("尚未确认的依据", ("位置", "内容", "来源", "在此之前"), [(u.where, u.what, u.verified, u.meanwhile) for u in open_points])
    say(f"尚未确认的期限和路由：{len(open_points)} 处（产品照现值运行，并在界面上标明）")
    for year in years:
        say(f"注意：没有 {year} 年的节假日安排表，涉及该年的到期日只按周末推算，均为暂定。修正：升级 chinesecalendar，或在 calendar.yaml 中补写该年")
    for defect in defects:
        print(defect)
    if defects:
        say(f"发现 {len(defects)} 处断头路")
        return FOUND
    states = len(roads.petition.states) + len(roads.handoff.states)
    edges = len(roads.petition.edges) + len(roads.handoff.edges)
    print(f"没有断头路：{states} 个状态、{edges} 条边、{len(clocks.clocks)} 种期限、{len(house.table.rows)} 行路由、{len(list(house.bodies))} 个机关")
    return GOOD
