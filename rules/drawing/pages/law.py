"""The register of the law's periods, each with what keeps it, and what the law leaves open."""

from __future__ import annotations

from config.statutes import Kept, Statute
from rules.drawing.markdown import page, table
from rules.drawing.phrases import Phrases, approval
from rules.drawing.words import act
from rules.limits import parse_limit

_ABOUT = """法律规定的每一个期限，以及本系统由什么保证它；系统看不到的，写明为什么。法律没有规定的，写明在确认之前怎么办。
待确认的，由贵单位核对后写入 `confirmed.yaml`；`tonglu check` 列出还没有确认的。"""


def law_page(say: Phrases) -> str:
    """The page."""
    rows = [(key, row.trigger, row.actor, row.act, _limit(row), say.basis(row.article), say.label(row.verified, f"statutes.{key}"), "；".join(_kept(kept, say) for kept in row.kept))
            for key, row in say.house.register.rows.items()]
    gaps = [(key, gap.question, gap.meanwhile + (f"（{gap.setting}）" if gap.setting else ""), say.basis(gap.article),
             "已确认" if f"gaps.{key}" in say.house.confirmed.ids else "待确认") for key, gap in say.house.gaps.gaps.items()]
    return page("期限登记和空白", _ABOUT, "## 法律的期限", table(("编号", "起因", "谁", "应做什么", "时限", "条文", "性质", "由什么保证"), rows),
                "## 法律没有规定的", table(("编号", "问题", "现在怎么办", "有关条文", "确认"), gaps))


def _limit(row: Statute) -> str:
    parts = ["、".join(parse_limit(limit).zh for limit in row.limit)]
    if row.extension is not None or row.leave:
        who = "，".join(each for each in approval(row.extended_by, row.extended_told) if each)
        parts.append(f"可延长{' ' + parse_limit(row.extension).zh if row.extension else ''}（{who}）")
    parts += [row.suspension, row.deemed]
    return "；".join(part for part in parts if part)


def _kept(kept: Kept, say: Phrases) -> str:
    clocks = say.house.roads.clocks_file
    if kept.clock is not None:
        return f"期限“{say.house.roads.clock(kept.clock).zh}”"
    if kept.duty is not None:
        return f"待办“{clocks.duties[kept.duty].zh}”"
    if kept.edge is not None:
        return f"步骤“{act(kept.edge)}”"
    return f"守则 `{kept.guard}`" if kept.guard is not None else f"不计时：{kept.why}"
