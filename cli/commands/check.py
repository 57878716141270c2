"""`tonglu check`: is there a way in the configuration by which a case could be stranded?"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands.showing import as_json, table
from cli.faults import FOUND, GOOD
from cli.shell import say

if TYPE_CHECKING:
    from rules.proof import Proof
    from rules.register import Unconfirmed

SCHEMA = 2
"""Of the JSON: raised when a field is taken away or changes its meaning, not when one is added."""
_GROUPS = {"clocks": "期限", "rungs": "逐级督办", "duties": "待办", "routing": "路由", "statutes": "法定期限登记", "gaps": "法律未定之处"}


def register(app: typer.Typer, command: type) -> None:
    """Add this command to the application."""
    app.command("check", cls=command, help="检查配置：证明没有断头路，并列出尚未确认依据的期限和路由。\n\n"
                "走遍信访事项能到的每一种处境：都走得到终结，都有一个持有者和一个在走的期限，逾期后逐级升到联席会议并重复提醒；每条边只有一个书写者；"
                "每种类别、分支、层级、区划的组合都有去向、送得到、可改人工；没有无限往返。有断头路时结束状态为 1，配置有误时为 2。"
                "各代码的含义见 docs/check.md。\n\n例：tonglu check --json > check.json")(check)


def check(
    json: Annotated[bool, typer.Option("--json", help="输出 JSON，供程序使用")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="不列出未确认的依据，只给条数")] = False,
) -> int:
    from cli.opening import open_house, open_settings, open_time
    from connectors.sound import prove_house
    from rules.calendar import SHANGHAI
    from rules.proof import missing_years
    from rules.register import unconfirmed

    began = monotonic()
    settings = open_settings()
    house = open_house(settings)
    proof = prove_house(house, Path(settings.config_dir))
    points = unconfirmed(house.roads.clocks_file, house.table, house.register, house.gaps, house.confirmed)
    years = missing_years(house.calendar, open_time(settings).now().astimezone(SHANGHAI).year)
    took = monotonic() - began
    if json:
        as_json(_document(proof, points, years, took))
    else:
        _tell(proof, points, years, took, quiet)
    return GOOD if proof.good else FOUND


def _document(proof: Proof, points: list[Unconfirmed], years: list[int], took: float) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "good": proof.good,
        "defects": [{"code": d.code, "file": d.file, "line": d.line, "key": d.key, "what": d.what, "cure": d.cure, "way": list(d.way)} for d in proof.defects],
        "notes": [asdict(note) for note in proof.notes],
        "unconfirmed": [asdict(point) for point in points],
        "years_without_holidays": years,
        "explored": asdict(proof.explored),
        "seconds": round(took, 3),
    }


def _tell(proof: Proof, points: list[Unconfirmed], years: list[int], took: float, quiet: bool) -> None:
    if points and not quiet:
        table("尚未确认的依据", ("编号", "内容", "来源", "在此之前"), [(p.where, p.what, p.verified, p.meanwhile) for p in points])
    groups = Counter(_GROUPS.get(p.where.partition(".")[0], p.where.partition(".")[0]) for p in points)
    kinds = "，".join(f"{name} {count}" for name, count in groups.items())
    say(f"尚未确认的依据：{len(points)} 处{'（' + kinds + '）' if kinds else ''}；产品照现值运行，并在界面上标明。确认后写入 confirmed.yaml")
    for note in proof.notes:
        say(f"说明：[{note.code}] {note.what}。在此之前：{note.meanwhile}")
    for year in years:
        say(f"注意：没有 {year} 年的节假日安排表，涉及该年的到期日只按周末推算，均为暂定。修正：升级 chinesecalendar，或在 calendar.yaml 中补写该年")
    e = proof.explored
    print(f"走遍：{e.states} 个状态、{e.edges} 条边、{e.clocks} 种期限（{e.cases} 行），合成 {e.situations} 种处境、{e.steps} 步；"
          f"{e.rows} 行路由、{e.routed} 种事实组合；{e.divisions} 个区划、{e.bodies} 个机关，去向 {e.seats + e.to_clerk} 种（其中交经办人 {e.to_clerk}）、争议 {e.disputes} 对。用时 {took:.1f} 秒")
    for defect in proof.defects:
        print(defect)
    print("没有断头路" if proof.good else f"发现 {len(proof.defects)} 处断头路")
