"""`tonglu route`: what the routing table answers, without touching a case."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands.showing import as_json, table
from cli.faults import GOOD, Fault

if TYPE_CHECKING:
    from config.facts import Facts
    from config.routing import Remedy
    from rules.house import House
    from rules.routing import Routed, ToClerk


def register(app: typer.Typer, command: type) -> None:
    """Add this command to the application."""
    app.command("route", cls=command, help="问路由：这样的信访事项去哪里、按什么方式、依据哪一条、为什么；没有合适的行时说明为何交经办人。不改变任何事项。\n\n"
                "例：tonglu route klass=claim art31=6 sector=housing division=990102\n\n"
                "例：tonglu route --fact situation=wage_arrears --fact division=990102\n\n例：tonglu route --situations\n\n"
                "例：tonglu route --file facts.json\n\n例：tonglu route --petition XF99010020260316000001")(route)


def route(
    facts: Annotated[list[str] | None, typer.Argument(metavar="[事实=值]...", help="事实，例如 klass=claim sector=housing division=990102 in_litigation=true")] = None,
    fact: Annotated[list[str] | None, typer.Option(help="一项事实=值，可以写多次；与直接写在后面相同")] = None,
    file: Annotated[Path | None, typer.Option(help="JSON 文件，内容为事实的键值表")] = None,
    petition: Annotated[str, typer.Option(help="信访事项编号：用账本中登记的事实")] = "",
    situations: Annotated[bool, typer.Option("--situations", help="列出所有情形：名称、程序、去向、方式、期限轨道、依据")] = False,
    json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> int:
    from cli.opening import open_all, open_house, open_settings
    from rules.routing import Routed
    from rules.routing import route as ask

    written = [*(facts or []), *(fact or [])]
    if situations:
        if written or file or petition:
            raise Fault("--situations 列出全部情形，不与事实同用", "去掉事实、--file 和 --petition")
        return _list_situations(open_house(open_settings()), json)
    if not (written or file or petition):
        raise Fault("没有给出事实", "写 事实=值，或用 --file、--petition；tonglu route --situations 列出情形")
    told: dict[str, Any] = {}
    if petition:
        with open_all() as opened, opened.database.transaction() as connection:
            row = connection.execute("select facts from petition where petition_no = %s", (petition,)).fetchone()
        if row is None:
            raise Fault(f"没有编号为 {petition[:30]} 的信访事项", "核对编号（XF 加 20 位数字），或用 tonglu petitions 查找")
        told |= row[0]
    if file:
        told |= _read(file)
    told |= read_facts(written)
    house = open_house(open_settings())
    found = ask(checked(told), house.table, house.bodies, house.bureau)
    answer, lines = _routed(found, house) if isinstance(found, Routed) else _left(found)
    if json:
        as_json(answer)
    else:
        print("\n".join(lines))
    return GOOD


def _routed(found: Routed, house: House) -> tuple[dict[str, Any], list[str]]:
    limits = _limits(found, house)
    answer: dict[str, Any] = {
        "to": found.body.code, "name": found.body.name, "way": found.way, "row": found.row.id, "basis": list(found.basis), "verified": found.row.verified,
        "why": list(found.why), "note": found.note, "alternatives": [b.code for b in found.alternatives], "procedure": found.row.procedure,
        "track": found.track, "limits": limits, "remedies": [r.model_dump() for r in found.remedies], "also": [b.code for b in found.also],
    }
    track = house.table.tracks.get(found.track, found.track)
    lines = [f"去向：{found.body.name}（{found.body.code}）", f"方式：{found.way}", f"依据：{'；'.join(found.basis)}", *(f"理由：{w}" for w in found.why if not w.startswith("依据")),
             f"路由表：{found.row.id}" + _unsure(found.row.verified), f"期限轨道：{track}（{found.track}）",
             *(f"　{limit['zh']}：{limit['limit']}（{limit['basis']}；{limit['label']}）" for limit in limits), f"告知信访人：{found.note}"]
    lines += [f"其他途径：{_remedy(remedy)}" for remedy in found.remedies]
    if found.alternatives:
        lines.append("也可：" + "、".join(f"{b.name}（{b.code}）" for b in found.alternatives))
    return answer, lines


def _left(found: ToClerk) -> tuple[dict[str, Any], list[str]]:
    answer = {"to": None, "reason": found.reason, "candidates": [b.code for b in found.candidates], "row": found.row.id if found.row else None,
              "rows": [row.id for row in found.rows]}
    return answer, ["去向：交经办人确定", f"理由：{found.reason}", *(f"可考虑：{b.name}（{b.code}）" for b in found.candidates)]


def _limits(found: Routed, house: House) -> list[dict[str, str]]:
    """The limits that will run at the receiver on this track; for a visitor who is guided, the bureau's own."""
    from config.roadmap import ClockContext
    from rules.limits import parse_limit

    simple = frozenset({"simple"}) if found.track == "petition_simple" else frozenset[str]()
    at = ClockContext(found.body.profile, found.row.branch, found.track, flags=simple, division=found.body.division)
    limits = []
    for key, clock in house.roads.clocks_file.clocks.items():
        rule = house.roads.clock_rule(key, at)
        wanted = key == "guided" if found.way == "引导" else key in _ALWAYS or (rule is not None and found.track in rule.case.track)
        if rule is not None and wanted:
            limit = parse_limit(rule.case.limit).zh + (f"，可延长{parse_limit(rule.case.extension).zh}" if rule.case.extension else "")
            limits.append({"clock": key, "zh": clock.zh, "limit": limit, "basis": rule.case.basis, "label": rule.label})
    return limits


_ALWAYS = ("objection_window", "accept", "result")


def _remedy(remedy: Remedy) -> str:
    return f"{remedy.zh}（{'；'.join(filter(None, (remedy.limit, remedy.basis)))}）{_unsure(remedy.verified)}"


def _unsure(verified: str) -> str:
    return "" if verified in ("yes", "quote") else "（依据待确认）"


def _list_situations(house: House, json: bool) -> int:
    from config.routing import PROCEDURES
    from rules.routing_words import destination_zh

    shown = []
    for row in house.table.rows:
        for name in map(str, row.wants("situation")):
            to = destination_zh(row.to).replace("`", "") if row.to else "经办人"
            shown.append({"situation": name, "zh": row.label, "branch": row.branch, "procedure": PROCEDURES[row.procedure] if row.procedure else "", "to": to,
                          "way": row.way or "", "track": row.track or "", "row": row.id, "basis": "；".join(row.basis), "verified": row.verified})
    if json:
        as_json(shown)
        return GOOD
    heads = ("名称", "情形", "分支", "程序", "去向", "方式", "期限轨道", "编号", "依据", "核实")
    table(f"{len(house.table.situations)} 种情形", heads, [tuple(line.values()) for line in shown])
    return GOOD


def read_facts(given: list[str]) -> dict[str, Any]:
    """`name=value` items as a dict; true, false and whole numbers are read as such. Raises Fault."""
    from config.facts import Facts

    found: dict[str, Any] = {}
    for item in given:
        name, sign, value = item.partition("=")
        if not sign or name not in Facts.model_fields:
            raise Fault(f"“{item[:60]}”看不懂", f"写成 事实=值；事实有：{'、'.join(Facts.model_fields)}")
        found[name] = {"true": True, "false": False}.get(value, int(value) if name in ("art31", "joint") and value.isdigit() else value)
    return found


def checked(told: dict[str, Any]) -> Facts:
    """The facts, validated. Raises Fault naming each that is wrong and what it may be."""
    from pydantic import ValidationError

    from config.facts import NAMES, Facts

    try:
        return Facts.model_validate(told)
    except ValidationError as error:
        wrong = []
        for e in error.errors():
            name = str(e["loc"][0]) if e["loc"] else ""
            allowed = str(e.get("ctx", {}).get("expected", "")).replace(" or ", "、").replace(", ", "、")
            wrong.append(f"{name}（{NAMES.get(name, '没有这个事实')}）" + (f"应为 {allowed}" if allowed else ""))
        raise Fault("事实的值不合要求：" + "；".join(dict.fromkeys(wrong)), "改正后重试；每项事实的含义见 config/facts.py") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        value = jsonlib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Fault(f"读不了 {path}（{error.strerror}）", "检查路径和权限") from None
    except ValueError:
        raise Fault(f"{path} 不是 UTF-8 的 JSON", '写成 {"klass": "claim", "sector": "housing"} 这样的键值表') from None
    if not isinstance(value, dict):
        raise Fault(f"{path} 的内容不是键值表", '写成 {"klass": "claim", "sector": "housing"}')
    return value
