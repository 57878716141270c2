"""`tonglu bodies`: who there is, and how each is reached."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.commands.showing import as_json, local, table
from cli.faults import GOOD, Fault


def register(app: typer.Typer, command: type) -> None:
    """Add this command to the application."""
    app.command("bodies", cls=command, help="机关目录：代码、名称、连接方式；加 --load 看在办和待发件数及是否暂停投递。\n\n"
                "例：tonglu bodies --kind court\n\n例：tonglu bodies --load")(bodies)


def bodies(
    kind: Annotated[str, typer.Option(help="只看一类：court、procuratorate、agency……")] = "",
    division: Annotated[str, typer.Option(help="只看一个区划（六位代码）")] = "",
    load: Annotated[bool, typer.Option("--load", help="同时读账本：在办、待发、暂停")] = False,
    json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> int:
    from cli.opening import open_all, open_house, open_settings

    house = open_house(open_settings())
    chosen = [b for b in house.bodies if (not kind or b.kind == kind) and (not division or b.division == division)]
    if not chosen:
        kinds = "、".join(sorted({b.kind for b in house.bodies}))
        raise Fault("没有这样的机关", f"kind 用以下之一：{kinds}；division 用六位代码")
    counts: dict[str, tuple[int, int, object, str]] = {}
    if load:
        sql = """select c.code, (select count(*) from handoff h where h.body = c.code and h.next_due is not null),
                   (select count(*) from outbox o where o.body = c.code and o.state in ('QUEUED', 'SENDING', 'RETRY_WAIT', 'UNKNOWN')),
                   b.paused_until, coalesce(b.pause_reason, '')
                 from unnest(%s::text[]) c(code) left join body b on b.code = c.code"""
        with open_all() as opened, opened.database.transaction() as connection:
            now = opened.now()
            for code, held, waiting, until, reason in connection.execute(sql, ([b.code for b in chosen],)):
                counts[code] = (held, waiting, until if until and until > now else None, reason)
    if json:
        as_json([{"code": b.code, "name": b.name, "kind": b.kind, "level": b.level, "division": b.division, "connector": b.connector.kind, "urn": b.urn,
                  **({"held": counts[b.code][0], "waiting": counts[b.code][1], "paused_until": counts[b.code][2]} if load else {})} for b in chosen])
        return GOOD
    ways = {"desk": "本系统经办"}
    columns = ["代码", "名称", "区划", "连接方式", *(["在办", "待发", "暂停至"] if load else [])]
    rows = [[b.code, b.name, b.division, ways.get(b.connector.kind, b.connector.kind),
             *([counts[b.code][0], counts[b.code][1], f"{local(counts[b.code][2])} {counts[b.code][3]}".strip() if counts[b.code][2] else ""] if load else [])]  # type: ignore[arg-type]
            for b in chosen]
    table("机关目录", columns, rows, right=("在办", "待发"))
    return GOOD
