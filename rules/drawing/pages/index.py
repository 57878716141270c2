"""The first page: what there is, and where to look for what."""

from __future__ import annotations

from rules.drawing.asked import answers
from rules.drawing.branches import BRANCHES
from rules.drawing.markdown import bullets, page, table
from rules.drawing.phrases import Phrases
from rules.drawing.words import BRANCH_ZH


def index_page(say: Phrases) -> str:
    """The page."""
    house = say.house
    roads = house.roads.file
    states = len(roads.petition.states) + len(roads.handoff.states)
    edges = len(roads.petition.edges) + len(roads.handoff.edges)
    table_ = house.table
    look = [
        "一件事该去哪里 → [这件事去哪里](where/README.md)",
        "现在在谁手里、下一步谁做、不做会怎样 → [谁在什么时候做什么](who.md)",
        "多少天、依据哪一条、能不能延长 → [期限表](clocks.md)",
        "整张图 → [路线图](road-map.md)（[SVG](road-map.svg)，A3）",
        "法律的每一个期限由什么保证、法律没有规定的怎么办 → [期限登记和空白](law.md)",
        "有哪些机关 → [机关目录](bodies.md)",
    ]
    return page(
        "依配置生成的说明", f"{states} 个状态、{edges} 条边、{len(house.roads.clocks_file.clocks)} 种期限、{len(table_.rows)} 行路由、{len(table_.situations)} 种情形。"
        "配置一改，运行 `tonglu docs` 重新生成；`tonglu docs --check` 说出哪些已经过时。\n\nDrawn from the configuration: the road map, the clocks, where a petition goes.",
        "## 找什么", bullets(look), "## 常问", bullets(f"**{each.question}** {each.answer}" + (f"[详见](who.md#{each.machine}.{each.state})" if each.state else "") for each in answers(say)),
        "## 分支", table(("分支", "名称", "图"), [(f"[{each}](branches/{each}.md)", BRANCH_ZH[each], f"[SVG](branches/{each}.svg)") for each in BRANCHES]),
    )
