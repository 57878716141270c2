"""`tonglu petitions`: which cases there are, where they are, and which are late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands.showing import as_json, body_name, deadline, local, table
from cli.commands.words import state_zh
from cli.faults import GOOD, Fault
from cli.shell import say
from rules.words import KLASS_ZH

if TYPE_CHECKING:
    from rules.house import House


def register(app: typer.Typer, command: type) -> None:
    """Add this command to the application."""
    app.command("petitions", cls=command, help="信访事项一览：按持有者、单位、状态筛选；--counts 只看件数。不显示个人信息。\n\n"
                "例：tonglu petitions --overdue\n\n例：tonglu petitions --holder court-990100\n\n例：tonglu petitions --counts")(petitions)


def petitions(
    state: Annotated[str, typer.Option(help="状态：REGISTERED、WITH_CLERK、HANDED_OFF、CLOSED，或转送件的状态")] = "",
    holder: Annotated[str, typer.Option(help="持有者的机关代码，或 petitioner")] = "",
    body: Annotated[str, typer.Option(help="现在转在哪个单位")] = "",
    origin: Annotated[str, typer.Option(help="来源，例如导入映射的 name")] = "",
    overdue: Annotated[bool, typer.Option("--overdue", help="只看已逾期的")] = False,
    everything: Annotated[bool, typer.Option("--all", help="包括已办结的")] = False,
    counts: Annotated[bool, typer.Option("--counts", help="只按状态和持有者计数")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="最多列多少件")] = 50,
    json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> int:
    from cli.opening import open_all

    with open_all() as opened, opened.database.transaction() as connection:
        house, now = opened.house, opened.now()
        known = {*house.roads.file.petition.states, *house.roads.file.handoff.states}
        if state and state not in known:
            raise Fault(f"没有状态 {state[:40]}", f"用以下之一：{'、'.join(sorted(known))}")
        where, params = _where(state, holder, body, origin, overdue, everything or _ended(house, state), now)
        source = f"from petition p left join handoff h on h.handoff_id = p.open_handoff where {where}"
        if counts:
            rows = connection.execute(f"""select p.state, coalesce(h.state, ''), coalesce(p.holder, ''), count(*), count(*) filter (where p.next_due <= %(now)s) {source}
                                          group by 1, 2, 3 order by 4 desc, 1, 2, 3""", params).fetchall()
            if json:
                as_json([{"state": a, "handoff_state": b, "holder": c, "petitions": n, "overdue": late} for a, b, c, n, late in rows])
            else:
                table("件数", ("状态", "转送件", "持有者", "件数", "逾期"),
                      [(state_zh(house, "petition", a), state_zh(house, "handoff", b), body_name(house, c), n, late) for a, b, c, n, late in rows], right=("件数", "逾期"))
                print(f"合计 {sum(r[3] for r in rows)} 件，逾期 {sum(r[4] for r in rows)} 件")
            return GOOD
        rows = connection.execute(f"""select p.petition_no, p.klass, p.branch, p.state, h.state, h.body, p.holder, p.next_due, p.received_at, p.closed_at {source}
                                      order by p.next_due nulls last, p.petition_no limit %(limit)s""", {**params, "limit": limit + 1}).fetchall()
        if json:
            names = ("petition_no", "klass", "branch", "state", "handoff_state", "body", "holder", "next_due", "received_at", "closed_at")
            as_json([dict(zip(names, r, strict=True)) for r in rows[:limit]])
            return GOOD
        table("信访事项", ("编号", "类别", "状态", "单位", "持有者", "期限", "收到", "总天数"), [
            (n, f"{KLASS_ZH.get(k, k)} {b}".strip(), state_zh(house, "handoff", hs) if hs else state_zh(house, "petition", s), body_name(house, at),
             body_name(house, who), deadline(end, now), local(got)[:10], ((over or now) - got).days)
            for n, k, b, s, hs, at, who, end, got, over in rows[:limit]], right=("总天数",))
        if len(rows) > limit:
            say(f"只列出前 {limit} 件；用 --limit 列更多，或用 --counts 看件数")
    return GOOD


def _ended(house: House, state: str) -> bool:
    states = house.roads.file.petition.states
    return state in states and states[state].end


def _where(state: str, holder: str, body: str, origin: str, overdue: bool, everything: bool, now: Any) -> tuple[str, dict[str, Any]]:
    parts = ["true"]
    for given, clause in ((state, "(p.state = %(state)s or h.state = %(state)s)"), (holder, "p.holder = %(holder)s"), (body, "h.body = %(body)s"),
                          (origin, "p.origin = %(origin)s"), (overdue, "p.next_due <= %(now)s"), (not everything, "p.next_due is not null")):
        if given:
            parts.append(clause)
    return " and ".join(parts), {"state": state, "holder": holder, "body": body, "origin": origin, "now": now}
