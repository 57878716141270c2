"""The demonstration's tables: every petition's road, the roads that were promised, the account."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from cli.demo import audit
from cli.demo.features import WHOLE, Shown


def show(console: Console, lines: Sequence[audit.Line], roads: Sequence[Shown], sums: audit.Sums, *, promised: bool) -> None:
    """Print all three. `promised`: the demonstration was whole and undisturbed, so that a road nobody went is a failure."""
    console.print(_petitions(lines))
    console.print(_roads(roads, promised=promised))
    console.print(_account(sums))
    if sums.good:
        console.print("[green]没有丢失，没有重复，件件有持有者和期限[/]")
    else:
        why = f"有 {sums.roads_missing} 条应走的路没有走到" if sums.roads_missing and not any(sums.must_be_nought.values()) else "见上表"
        console.print(f"[red]演示未通过：{why}[/]")


def _petitions(lines: Sequence[audit.Line]) -> Table:
    table = Table(title="每件信访事项走过的路", show_lines=False)
    for column in ("编号", "类别", "分支", "情形", "路径", "现状", "持有者", "期限", "结果", "总用时"):
        table.add_column(column, overflow="fold", justify="right" if column == "总用时" else "left")
    for line in lines:
        table.add_row(line.petition_no, line.klass, line.branch, line.situation, line.road, line.state, line.holder, line.next_due, line.outcome, f"{line.days} 天")
    return table


def _roads(roads: Sequence[Shown], *, promised: bool) -> Table:
    note = "" if promised else f"（不满 {WHOLE} 天或受干扰的演示不要求走全）"
    table = Table(title=f"这次演示走过的路{note}")
    for column in ("路", "依据", "件数", "例"):
        table.add_column(column, justify="right" if column == "件数" else "left")
    for road in roads:
        style = "red" if promised and not road.count else None
        table.add_row(road.zh, road.basis, str(road.count), road.example, style=style)
    return table


def _account(sums: audit.Sums) -> Table:
    table = Table(title="账目", show_header=False)
    must = {"丢失": sums.lost, "重复": sums.doubled, "无持有者": sums.without_holder, "无期限": sums.without_due_date, "到期未提醒": sums.overdue_unrung,
            "流转记录缺陷": sums.journal_flaws}
    rows: dict[str, object] = {
        "信访事项": sums.petitions, "转送件": sums.handoffs, "发出文书": sums.messages_out, "收到回告": sums.messages_in, "签名回执": sums.receipts,
        "已了结": sums.closed, "在办": sums.open, **must, "对账次数": sums.reconciliations, "发现差异": sums.differences_found,
        "已自愈": sums.differences_healed, "转人工": sums.differences_to_people, "未了差异": sums.differences_open,
        "待办（未办/全部）": f"{sums.duties_open}/{sums.duties_opened}", "不合路线图来文": sums.quarantined,
    }
    for name, value in rows.items():
        table.add_row(name, f"[red]{value}[/]" if name in must and value else str(value))
    return table
