"""The table of clocks: every limit, for whom, from what, on which article, and what happens when it has passed."""

from __future__ import annotations

from collections.abc import Iterable

from config.roadmap import Clock
from rules.drawing.markdown import bullets, page, table
from rules.drawing.phrases import Phrases
from rules.drawing.words import HOLDER_ZH
from rules.limits import parse_limit

_ABOUT = """一个期限从进入列有它的状态起算；一行行自上而下，最先符合的一行给出时限。次日起算，末日逢休息日顺延；小时连续计算。
性质：**法定**＝条文规定；**待确认**＝依据尚待贵单位核对；**内部时限**＝条文没有数字，由本部门自定。"""


def clocks_page(say: Phrases) -> str:
    """The page about limits."""
    house = say.house
    parts = [_ABOUT]
    for key, clock in house.roads.clocks_file.clocks.items():
        parts += [f"## {clock.zh} `{key}`", bullets(_facts(key, clock, say)), _cases(key, clock, say)]
    parts += ["# 届满之后：各级", _rungs(say), "# 待办的时限", _duties(say), "# 法规简称", table(("简称", "全称"), house.register.instruments.items())]
    return page("期限表", *parts)


def _facts(key: str, clock: Clock, say: Phrases) -> Iterable[str]:
    roads = say.roads
    states = [f"{what}“{state.zh}”" for what, machine in (("信访事项", roads.petition), ("转送件", roads.handoff))
              for state in machine.states.values() if key in state.clocks]
    yield f"谁应作为：{HOLDER_ZH[clock.owes]}"
    yield f"起算：{clock.trigger or '进入以下第一个状态'}；运行于：{'、'.join(states)}"
    if clock.pauses_in:
        yield f"暂停于：{'、'.join(roads.handoff.states[state].zh for state in clock.pauses_in)}"
    if clock.warn:
        yield f"预警：过 {'、'.join(f'{share:.0%}' for share in clock.warn)} 时"
    yield f"届满：{say.after(clock)}"
    yield f"逐级：{say.ladder(clock)}"


def _cases(key: str, clock: Clock, say: Phrases) -> str:
    states = say.roads.handoff.states
    rows = [(say.whom(case), say.limit(case), "；".join(filter(None, ("、".join(states[name].zh for name in case.pauses_in),
             f"{'、'.join(states[name].zh for name in case.runs_in)}照走" if case.runs_in else ""))), say.basis(case.basis),
             say.case_label(key, case), "、".join(case.row)) for case in clock.cases]
    return table(("适用", "时限与延长", "另暂停于", "依据", "性质", "登记行"), rows)


def _rungs(say: Phrases) -> str:
    clocks = say.house.roads.clocks_file
    rows = [(f"{rung.zh} `{key}`", HOLDER_ZH[rung.owes], say.limit(case), say.basis(case.basis), say.case_label(key, case), say.after(rung))
            for key, rung in clocks.rungs.items() for case in rung.cases]
    return table(("级", "谁应作为", "时限", "依据", "性质", "届满"), rows)


def _duties(say: Phrases) -> str:
    rows = [(f"{duty.zh} `{key}`", HOLDER_ZH[duty.holder], parse_limit(duty.limit).zh, say.basis(duty.basis), say.label(duty.verified, f"duties.{key}"))
            for key, duty in say.house.roads.clocks_file.duties.items()]
    return table(("待办", "由谁", "时限", "依据", "性质"), rows)
