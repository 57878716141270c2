"""Who there is: divisions, and the bodies of each kind at each level."""

from __future__ import annotations

from config.areas import Areas
from config.bodies import LEVEL_ZH, LEVELS, Bodies, Body
from rules.drawing.markdown import bullets, page, table
from rules.drawing.phrases import Phrases
from rules.drawing.words import KIND_ZH

_MOST = 400
"""More bodies than this are counted, not listed: the page is for people."""


def bodies_page(say: Phrases) -> str:
    """The page. A directory of many bodies shows how many there are of each kind; `tonglu bodies` finds one."""
    house, areas = say.house, say.areas
    bodies = list(house.bodies)
    found: dict[str, dict[str, int]] = {}
    for body in bodies:
        row = found.setdefault(_kind(body, areas), dict.fromkeys(LEVELS, 0))
        row[body.level] += 1
    rows = [(kind, *(str(count[level]) if count[level] else "" for level in LEVELS), str(sum(count.values()))) for kind, count in sorted(found.items())]
    parts = [f"共 {len(bodies)} 个机关、单位。路由按类别、领域和层级找到其中一个；没有的，逐级向上。用 `tonglu bodies` 查找。",
             table(("类别", *(LEVEL_ZH[level] for level in LEVELS), "合计"), rows), "## 已合并、撤销的", bullets(_gone(house.bodies)) or "没有。"]
    if len(bodies) <= _MOST:
        parts += ["## 逐个", table(("名称", "代码", "类别", "层级", "上级", "送达方式"), [_row(body, house.bodies, areas) for body in bodies])]
    return page("机关目录", *parts)


def _kind(body: Body, areas: Areas) -> str:
    # A sector of old, whose bodies are all merged or abolished, need not be declared any more.
    return KIND_ZH.get(body.kind, body.kind) + (f"·{areas.sectors[body.sector]}" if body.sector in areas.sectors else "")


def _row(body: Body, bodies: Bodies, areas: Areas) -> tuple[str, ...]:
    leaders = "、".join(bodies.get(code).name for code in body.leaders if code in bodies)
    return body.name, f"`{body.code}`", _kind(body, areas), LEVEL_ZH[body.level], leaders, {"desk": "人工（柜台、信函）", "http": "系统对接"}.get(body.connector.kind, body.connector.kind)


def _gone(bodies: Bodies) -> list[str]:
    lines = []
    for body in bodies:
        if body.successor is not None:
            lines.append(f"{body.name} → {bodies.get(body.successor).name}" + (f"（自 {body.since}）" if body.since else ""))
        elif body.abolished is not None:
            lines.append(f"{body.name}：{body.abolished} 撤销，没有承继的机关（信访工作条例第二十四条第二款：由指定的机关受理）")
    return lines
