"""`tonglu bodies`: who there is, who leads whom, who took over from whom, and how each is reached."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands.showing import as_json, parse_day, table
from cli.commands.suspending import in_words
from cli.faults import GOOD, Fault

if TYPE_CHECKING:
    from config.bodies import Bodies, Body
    from models.breaker import Standing
    from rules.house import House

_WAYS = {"desk": "本系统经办"}
# What is held and what waits to be sent: one row a body.
_LOAD = """select c.code, (select count(*) from handoff h where h.body = c.code and h.next_due is not null),
             (select count(*) from outbox o where o.body = c.code and o.state in ('QUEUED', 'SENDING', 'RETRY_WAIT', 'UNKNOWN'))
           from unnest(%s::text[]) c(code)"""
_Load = tuple[int, int, list["Standing"]]


def register(app: typer.Typer, command: type) -> None:
    """Add this command to the application."""
    app.command("bodies", cls=command, help="机关目录：代码、名称、层级、上级、承继或撤销、连接方式；加 --load 看在办和待发件数，以及接口不通、人工暂停、限速；"
                "--common 查两个机关的共同上级。\n\n"
                "例：tonglu bodies --kind court\n\n例：tonglu bodies --load\n\n例：tonglu bodies --common agency-housing-990102 police-990102")(bodies)


def bodies(
    kind: Annotated[str, typer.Option(help="只看一类：court、procuratorate、agency……")] = "",
    division: Annotated[str, typer.Option(help="只看一个区划（六位代码，乡镇九位）")] = "",
    level: Annotated[str, typer.Option(help="只看一级：nation、province、city、district、township")] = "",
    load: Annotated[bool, typer.Option("--load", help="同时读账本：在办、待发、投递情况")] = False,
    common: Annotated[tuple[str, str] | None, typer.Option("--common", metavar="甲 乙", help="两个机关的共同上级（争议由其决定，条例第二十四条）")] = None,
    on: Annotated[str, typer.Option(metavar="日期", help="按哪一天的职权：2026-03-16；不写为当日")] = "",
    json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> int:
    from cli.opening import open_house, open_settings, open_time
    from rules.calendar import SHANGHAI

    settings = open_settings()
    house = open_house(settings)
    day = parse_day(on) if on else open_time(settings).now().astimezone(SHANGHAI).date()
    if common is not None:
        return _common(house.bodies, common, day, json)
    chosen = [b for b in house.bodies if (not kind or b.kind == kind) and (not division or b.division == division) and (not level or b.level == level)]
    if not chosen:
        kinds = "、".join(sorted({b.kind for b in house.bodies}))
        raise Fault("没有这样的机关", f"kind 用以下之一：{kinds}；division 用六位代码，乡镇九位；level 用 nation、province、city、district、township")
    counts = _counts([b.code for b in chosen]) if load else {}
    if json:
        as_json([_as_data(b, house.bodies, day, counts.get(b.code)) for b in chosen])
        return GOOD
    _show(house, chosen, day, counts)
    return GOOD


def _common(bodies: Bodies, pair: tuple[str, str], day: date, json: bool) -> int:
    for code in pair:
        if code not in bodies:
            raise Fault(f"机关目录中没有 {code[:80]}", "不带 --common 运行 tonglu bodies，查看代码")
    found = bodies.common_superior(pair, day)
    if json:
        as_json({"codes": list(pair), "on": day, "common": found.code if found else None, "name": found.name if found else None})
    elif found is None:
        print("目录中没有共同上级：由信访工作联席会议协调（信访工作条例第二十四条第一款）")
    else:
        print(f"共同上级：{found.name}（{found.code}），由其决定受理机关（信访工作条例第二十四条第一款）")
    return GOOD


def _counts(codes: list[str]) -> dict[str, _Load]:
    """By code: hand-offs held, messages waiting, and what stands in the way of sending, if anything."""
    from cli.opening import open_all
    from models import breaker

    with open_all() as opened, opened.database.transaction() as connection:
        rows = connection.execute(_LOAD, (codes,)).fetchall()
        found: dict[str, list[Standing]] = {}
        for one in breaker.standing(connection, opened.now(), codes):
            found.setdefault(one.body, []).append(one)
    return {code: (held, waiting, found.get(code, [])) for code, held, waiting in rows}


def _as_data(b: Body, bodies: Bodies, day: date, counts: _Load | None) -> dict[str, Any]:
    holder = bodies.current(b.code, day)
    chooser = None if holder is not None else bodies.designator(b.code, day)
    data: dict[str, Any] = {"code": b.code, "name": b.name, "kind": b.kind, "level": b.level, "division": b.division, "superior": b.superior, "led_by": list(b.led_by),
            "connector": b.connector.kind, "urn": b.urn, "successor": b.successor, "since": b.since, "abolished": b.abolished,
            "powers": holder.code if holder else None, "designator": chooser.code if chooser else None}
    if b.fallbacks:
        data["fallbacks"] = [{"way": n, "connector": way.kind, "same_system": way.same_system} for n, way in enumerate(b.fallbacks, 1)]
    if b.rate is not None:
        data["rate"] = {"each_second": b.rate.each_second, "burst": b.rate.at_once}
    return data if counts is None else {**data, "held": counts[0], "waiting": counts[1], "standing": [_standing(s) for s in counts[2]]}


def _standing(s: Standing) -> dict[str, Any]:
    return {"way": s.way, "breaker": s.breaker.state, "cause": s.breaker.cause, "opened_at": s.breaker.opened_at, "failures": s.breaker.failures,
            "probe_at": s.breaker.probe_at, "suspended": s.suspended, "suspended_until": s.suspended_until, "suspended_by": s.suspended_by,
            "suspended_reason": s.suspended_reason, "token_at": s.token_at}


def _show(house: House, chosen: list[Body], day: date, counts: dict[str, _Load]) -> None:
    from config.bodies import LEVEL_ZH

    columns = ["代码", "名称", "层级", "上级", "承继或撤销", "连接方式", "投递速率", *(["在办", "待发", "投递情况"] if counts else [])]
    rows: list[list[object]] = []
    for b in chosen:
        row: list[object] = [b.code, b.name, LEVEL_ZH[b.level], "、".join(b.leaders), _fate(b, house.bodies, day), _how(b),
                             b.rate.zh if b.rate else ""]
        if counts:
            held, waiting, standing = counts[b.code]
            row += [held, waiting, "；".join(in_words(s) for s in standing)]
        rows.append(row)
    table("机关目录", columns, rows, right=("在办", "待发"))


def _how(b: Body) -> str:
    """How it is reached, and how many other ways there are."""
    more = f"，备用通道 {len(b.fallbacks)} 条" if b.fallbacks else ""
    return _WAYS.get(b.connector.kind, b.connector.kind) + more


def _fate(b: Body, bodies: Bodies, day: date) -> str:
    """What became of a body, or will: empty for one that lasts."""
    if b.successor is not None:
        return f"{b.since} 起由 {b.successor} 承继" + ("（未到）" if b.holds(day) else "")
    if b.abolished is None:
        return ""
    if b.holds(day):
        return f"{b.abolished} 起撤销（未到）"
    chooser = bodies.designator(b.code, day)
    return f"{b.abolished} 起撤销，无承继机关，由 {chooser.code if chooser else '本级党委、政府'} 指定"
