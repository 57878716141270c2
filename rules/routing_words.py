"""The routing table as people read it: a row's conditions, and the tables of the documentation."""

from __future__ import annotations

from collections.abc import Iterable

from config.facts import NAMES, shown
from config.routing import ABSENT, KNOWN, PROCEDURES, Destination, RoutingTable, Row, Scalar

_LEVELS = {"matter": "事项同级", "above_matter": "事项上一级", "above_accused": "被检举控告方上一级"}


def conditions(row: Row, table: RoutingTable) -> str:
    """A row's conditions as a clerk reads them."""
    return "，".join(f"{NAMES[name]}为{'或'.join(value_zh(name, value, table) for value in row.wants(name))}" for name in row.when)


def value_zh(name: str, value: Scalar, table: RoutingTable) -> str:
    """A fact's value as a clerk reads it; a situation by its Chinese name."""
    if name == "situation" and value not in (ABSENT, KNOWN) and value in table.situations:
        return table.situations[str(value)].zh
    return shown(value)


def destination_zh(to: Destination) -> str:
    """A destination as the documentation shows it."""
    what = to.body or to.kind or ""
    return f"`{what}{'-' + to.sector if to.sector else ''}`" + ("" if to.body else f"（{_LEVELS[to.level]}）")


def table_markdown(table: RoutingTable) -> str:
    """The whole table for the documentation, one line a row, strongest first."""
    head = ("次序", "编号", "情形", "条件", "去向", "方式", "程序", "期限轨道", "依据", "核实", "信访人的其他途径")
    return _table(head, (_row(row, table) for row in sorted(table.rows, key=lambda row: (row.rank, row.id))))


def situations_markdown(table: RoutingTable) -> str:
    """The named situations for the documentation: what each implies and what must still be found out."""
    lines = []
    for name, situation in table.situations.items():
        implied = "，".join(f"{NAMES[fact]}为{value_zh(fact, value, table)}" for fact, value in situation.facts.items())
        asks = "、".join(NAMES[fact] for fact in situation.asks)
        lines.append((f"`{name}`", situation.zh, situation.branch, implied, asks))
    return _table(("名称", "情形", "分支", "推出的事实", "还须查明"), lines)


def remedies_markdown(table: RoutingTable) -> str:
    """The petitioner's other roads for the documentation."""
    lines = ((f"`{name}`", remedy.zh, remedy.limit or "法律未定", remedy.basis, remedy.verified) for name, remedy in table.remedies.items())
    return _table(("名称", "途径", "期限", "依据", "核实"), lines)


def refresh(page: str, table: RoutingTable) -> str:
    """The documentation's page with its three tables as they now are. Raises `ValueError` where a pair of marks is missing."""
    tables = {"situations": situations_markdown, "remedies": remedies_markdown, "rows": table_markdown}
    for name, drawn in tables.items():
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
        if begin not in page or end not in page:
            raise ValueError(f"docs/routing.md lacks the marks of {name}")
        head, rest = page.split(begin, 1)
        page = head + begin + drawn(table) + end + rest.split(end, 1)[1]
    return page


def _row(row: Row, table: RoutingTable) -> tuple[str, ...]:
    to = destination_zh(row.to) if row.to else f"经办人：{row.clerk}"
    to += "".join(f"；另报 {destination_zh(other)}" for other in row.also)
    way = (row.way or "") + (f"（走访：{row.visit.way}）" if row.visit else "")
    procedure = PROCEDURES[row.procedure] if row.procedure else ""
    track = table.tracks.get(row.track, row.track) if row.track else ""
    remedies = "；".join(remedy.zh for remedy in table.remedies_of(row))
    cells = (str(row.rank), f"`{row.id}`", row.label, conditions(row, table), to, way, procedure, track, "；".join(row.basis), row.verified, remedies)
    return cells


def _table(head: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> str:
    rule = "|" + "---|" * len(head)
    return "\n".join((f"| {' | '.join(head)} |", rule, *(f"| {' | '.join(cells)} |" for cells in lines))) + "\n"
