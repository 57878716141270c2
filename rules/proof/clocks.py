"""Every waiting state has a clock of its holder's that runs for every hand-off, and when it has run out somebody is asked, again and again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from config.roadmap import Case, Clock, ClockContext, Stage, State
from rules.proof.contract import FLAGS
from rules.proof.defect import CLOCKS, ROADS, Defect
from rules.proof.parts import CONFERENCE, MACHINES, RECEIPT, STAGES, Parts
from rules.proof.walk import Walk
from rules.roadmap import MachineName
from rules.words import STAGE_ZH, act_zh

# What a citation looks like: `XF 23(3)`, `国家赔偿法 12`, `条例第三十四条`. A source that is remembered may lack its number, not its name.
_ARTICLE = re.compile(r"\w\s*§?\s?[0-9]|第.{1,8}条")
_SOURCE = re.compile(r"\w{2}")
DEEMS = ("reconsideration",)


def clock_defects(parts: Parts, walk: Walk) -> Iterator[Defect]:
    ladders = {key: ladder(clock, parts) for key, clock in parts.clocks.clocks.items()}
    for name in MACHINES:
        for key, state in parts.waiting(name):
            yield from _state(parts, name, key, state, ladders, walk)
        yield from _gaps(parts, name)
    for part, table in (("clocks", parts.clocks.clocks), ("rungs", parts.clocks.rungs)):
        for key, clock in table.items():
            yield from _told(parts, part, key, clock)
            yield from _cases(parts, part, key, clock)
    yield from _rungs(parts)
    yield from _deemed(parts)
    for kind, duty in parts.clocks.duties.items():
        if not _cited(duty.verified, duty.basis):
            yield Defect("no-article", CLOCKS, ("duties", kind), f"待办“{duty.zh}”的期限没有依据", "写明条文，或标为 verified: internal")


# -- a state's own clock --------------------------------------------------------------------------------------------------------


def _state(parts: Parts, name: MachineName, key: str, state: State, ladders: dict[str, str | None], walk: Walk) -> Iterator[Defect]:
    at, known = (name, "states", key, "clocks"), parts.clocks.clocks
    own = [c for c in state.clocks if c in known and c not in parts.overlays]
    for stage in STAGES:
        if walk.first(name, key) is not None and not any((n.handoff or n.petition) == key and n.stage == stage for n in walk.steps):
            continue
        late = "" if stage == "handling" else f"（{STAGE_ZH[stage]}）"
        running = [c for c in own if known[c].owes == state.holder and ladders[c] is None]
        if any(parts.runs_for_all(known[c], key, stage) for c in running):
            continue
        bare = next((context for context in _contexts(own, stage, parts) if not any(_runs(known[c], key, context) for c in running)), None)
        if bare is None:
            continue
        whom = _context_zh(bare)
        there = [c for c in own if _runs(known[c], key, bare)]
        way = walk.way_to(name, key)
        if not there:
            yield Defect("no-clock", ROADS, at, f"“{state.zh}”（{key}）{late}没有一个在走的期限{whom}（没写、不适用，或都在此状态暂停）",
                         "在 clocks 中写一个不在此状态暂停、对谁都适用的期限", way)
        elif not any(known[c].owes == state.holder for c in there):
            yield Defect("clock-not-holders", ROADS, at, f"“{state.zh}”（{key}）{late}由 {state.holder} 持有，在走的期限却都由别人承担{whom}",
                         "写一个由持有者承担（owes）的期限，或改正 holder", way)
        else:
            for c in there:
                if (why := ladders[c]) is not None:
                    yield Defect("ladder", CLOCKS, ("clocks", c, "on_expiry"), f"“{state.zh}”（{key}）{late}到期后无人可找：{why}",
                                 "让 on_expiry.next 最终通到重复提醒的联席会议一级（repeats: true）", way)
        return


def _contexts(clocks: list[str], stage: Stage, parts: Parts) -> Iterator[ClockContext]:
    """One hand-off of every sort that these clocks tell apart, and one of a sort that none of them names. Stages apart."""
    cases = [case for c in clocks for case in parts.clocks.clocks[c].cases if not case.stage or stage in case.stage]
    profiles = ["~", *sorted({v for case in cases for v in case.profile})]
    branches = ["~", *sorted({v for case in cases for v in case.branch})]
    tracks = ["~", *sorted({v for case in cases for v in case.track})]
    flags = [frozenset[str](), *(frozenset({v}) for v in sorted({v for case in cases for v in case.flag}))]
    divisions = ["~", *sorted({v for case in cases for v in case.division})]
    for profile, branch, track, flag, division in product(profiles, branches, tracks, flags, divisions):
        yield ClockContext(profile, branch, track, stage, flag, division)


def _runs(clock: Clock, state: str, at: ClockContext) -> bool:
    if (clock.stage and at.stage not in clock.stage) or state in clock.pauses_in:
        return False
    case = next((case for case in clock.cases if case.fits(at)), None)
    return case is not None and state not in case.pauses_in


def _context_zh(at: ClockContext) -> str:
    told = [f"{zh} {value}" for zh, value in (("类别", at.profile), ("分支", at.branch), ("轨道", at.track), ("区划", at.division)) if value not in ("~", "")]
    told += [f"标记 {flag}" for flag in at.flags]
    return f"（{'，'.join(told)}）" if told else ""


def ladder(clock: Clock, parts: Parts) -> str | None:
    """Why what follows this clock does not end with a body of people that has it for good; None when it does."""
    rungs = parts.clocks.rungs
    at, seen = clock, set[str]()
    while True:
        follow = at.on_expiry.next
        if follow is None:
            return f"“{at.zh}”届满后没有下一级"
        if follow not in rungs:
            return f"下一级 {follow} 不存在"
        if follow in seen:
            break
        seen.add(follow)
        at = rungs[follow]
        if not all(parts.runs_for_all(at, "", stage) for stage in STAGES):
            return f"下一级“{at.zh}”并非对谁都适用，逐级到此中断"
    if at.on_expiry.next != follow or not at.repeats:
        return f"“{at.zh}”在各级之间打转，而不停在重复提醒的一级"
    if at.owes != CONFERENCE:
        return f"最后一级“{at.zh}”不由联席会议承担"
    return None


# -- from state to state --------------------------------------------------------------------------------------------------------


def _gaps(parts: Parts, name: MachineName) -> Iterator[Defect]:
    states = {key: state for key, state in parts.machine(name).states.items() if not state.end}
    for clock in parts.clocks.clocks:
        inside = {key for key, state in states.items() if clock in state.clocks}
        if len(inside) < 2:
            continue
        zh = parts.clocks.clocks[clock].zh
        for key, state in states.items():
            if key in inside:
                continue
            into = any(target == key for start in inside for _, target in parts.away(name, start))
            back = [edge for edge, target in parts.away(name, key) if target in inside and edge.flag is None]
            if into and back:
                yield Defect("clock-restarts", ROADS, (name, "states", key, "clocks"),
                             f"期限“{zh}”（{clock}）经过“{state.zh}”（{key}）就重新起算（{act_zh(back[0].message)}之后）", f"在该状态的 clocks 中也写 {clock}")
        yield from _late_starts(parts, name, clock, inside)


def _late_starts(parts: Parts, name: MachineName, clock: str, inside: set[str]) -> Iterator[Defect]:
    """A clock that only begins by an act of the one it binds, although he could have met it before: so he need never begin."""
    machine, bound = parts.machine(name), parts.clocks.clocks[clock]
    mine = {key: [(e, t) for e, t in parts.away(name, key) if e.writer == bound.owes and not _only_when_asked(e.guards)] for key in machine.states}
    meets = {e.message for key in inside if machine.states[key].holder == bound.owes for e, t in mine[key] if t not in inside or t in bound.pauses_in}
    for key in machine.states.keys() - inside:
        if machine.states[key].end or machine.states[key].holder != bound.owes:
            continue
        begun = [e for e, target in mine[key] if target in inside]
        if begun and meets and meets <= {e.message for e, _ in mine[key]}:
            yield Defect("clock-starts-late", ROADS, (name, "states", key, "clocks"),
                         f"期限“{bound.zh}”（{clock}）要等承担者自己“{act_zh(begun[0].message)}”才起算，在“{machine.states[key].zh}”（{key}）却已可以履行",
                         f"在该状态的 clocks 中写 {clock}")


def _only_when_asked(guards: tuple[str, ...]) -> bool:
    return "withdraw_was_asked" in guards


# -- who is told ----------------------------------------------------------------------------------------------------------------


def _told(parts: Parts, part: str, key: str, clock: Clock) -> Iterator[Defect]:
    follow = clock.on_expiry
    if clock.owes in ("partner", "party") and follow.next is not None and not follow.urge and follow.duty is None:
        yield Defect("nobody-told", CLOCKS, (part, key, "on_expiry"), f"“{clock.zh}”（{key}）届满后既不催办，也不给任何人立待办", "写 urge: true，或写 duty")
    if not clock.warn:
        yield Defect("no-warning", CLOCKS, (part, key), f"“{clock.zh}”（{key}）届满之前不提醒任何人", "写 warn: [0.5, 0.8]")
    if part == "clocks":
        yield from _entry(parts, key, clock)
    for name in MACHINES:
        for state_key, state in parts.waiting(name):
            if part == "clocks" and key in state.clocks and state.holder in ("partner", "party") and state.holder == clock.owes and follow.urge \
                    and not parts.has(name, state_key, "handoff.urge"):
                yield Defect("cannot-urge", ROADS, (name, "states", state_key), f"“{clock.zh}”（{key}）届满要催办，而“{state.zh}”（{state_key}）不能催办",
                             "在边 handoff.urge 的 from 中加上该状态")


def _entry(parts: Parts, key: str, clock: Clock) -> Iterator[Defect]:
    """Where a clock begins, the one it binds must be the holder: nobody else could know of it."""
    for name in MACHINES:
        machine = parts.machine(name)
        named = {s for s, state in machine.states.items() if key in state.clocks}
        into: set[str] = {machine.start} & named
        for start, state in machine.states.items():
            if start not in named:
                into |= {t for e, t in parts.away(name, start) if t in named and (name == "handoff" or not state.end or e.stage == "handling")}
        for entry in sorted(into):
            holder = machine.states[entry].holder
            if holder not in (clock.owes, "handoff", None):
                yield Defect("clock-binds-another", CLOCKS, ("clocks", key, "owes"),
                             f"“{clock.zh}”（{key}）从“{machine.states[entry].zh}”（{entry}）起算，由 {clock.owes} 承担，而此时持有者是 {holder}", "改正 owes，或改正该状态的 holder")
        if name == "petition" and named and clock.owes in ("partner", "party"):
            yield Defect("clock-binds-another", CLOCKS, ("clocks", key, "owes"), f"“{clock.zh}”（{key}）是信访事项的期限，却由 {clock.owes} 承担", "改为 bureau 或 arbiter")


def _rungs(parts: Parts) -> Iterator[Defect]:
    used = {clock.on_expiry.next for _, clock in parts.all_clocks()}
    for key, rung in parts.clocks.rungs.items():
        if key not in used:
            yield Defect("rung-unused", CLOCKS, ("rungs", key), f"“{rung.zh}”（{key}）没有任何期限通到", "在某个 on_expiry.next 中写它，或删去")
        if rung.owes == CONFERENCE:
            before = [(k, c) for k, c in parts.all_clocks() if c.on_expiry.next == key and k != key]
            for k, c in before:
                if c.on_expiry.duty is None or c.on_expiry.duty.holder != CONFERENCE:
                    yield Defect("conference-not-asked", CLOCKS, ("clocks" if k in parts.clocks.clocks else "rungs", k, "on_expiry"),
                                 f"“{c.zh}”（{k}）届满后由联席会议持有，却没有给联席会议立待办", "写 duty: {kind: conference, holder: joint_conference, zh: …}")


# -- cases: article, warning, deeming, and whether they are ever used ---------------------------------------------------------------


def _cases(parts: Parts, part: str, key: str, clock: Clock) -> Iterator[Defect]:
    for i, case in enumerate(clock.cases):
        at = (part, key, "cases", i)
        if not _cited(case.verified, case.basis):
            yield Defect("no-article", CLOCKS, at, f"“{clock.zh}”（{key}）{case.limit} 没有写条文", "写明条文，或标为 verified: internal（内部时限）")
        if case.deemed and case.profile != DEEMS:
            yield Defect("deemed-elsewhere", CLOCKS, at, f"“{clock.zh}”（{key}）在行政复议以外写了视为受理", "删去 deemed：只有行政复议法第三十条有此规定")
        hidden = next((j for j in range(i) if covers(clock.cases[j], case, clock)), None)
        if hidden is not None:
            yield Defect("case-unreachable", CLOCKS, at, f"“{clock.zh}”（{key}）的第 {i + 1} 行永远用不到：第 {hidden + 1} 行先适用", "把较窄的一行移到前面，或删去")
        if clock.stage and case.stage and set(clock.stage).isdisjoint(case.stage):
            yield Defect("case-unreachable", CLOCKS, at, f"“{clock.zh}”（{key}）的第 {i + 1} 行永远用不到：该期限不在此程序阶段起算", "改正 stage")
        for flag in set(case.flag) - parts.flags_set - FLAGS:
            yield Defect("case-unreachable", CLOCKS, at, f"“{clock.zh}”（{key}）等待的标记 {flag} 没有任何边或期限会设", "在相应的边写 flag，或改正标记名")
        for track in case.track:
            if track not in parts.table.tracks:
                yield Defect("case-unreachable", CLOCKS, at, f"“{clock.zh}”（{key}）的期限轨道 {track} 没有任何路由行使用", "改正 track，或在 routing.yaml 中使用")


def _cited(verified: str, basis: str) -> bool:
    return verified == "internal" or bool((_ARTICLE if verified in ("yes", "quote") else _SOURCE).search(basis))


def covers(wide: Case, narrow: Case, clock: Clock) -> bool:
    """Whether every hand-off that fits the narrow case fits the wide one too."""
    stages = narrow.stage or clock.stage or STAGES
    return (
        all(not w or (n and set(n) <= set(w)) for w, n in (
            (wide.profile, narrow.profile), (wide.branch, narrow.branch), (wide.track, narrow.track), (wide.flag, narrow.flag)))
        and (not wide.stage or set(stages) <= set(wide.stage))
        and (not wide.division or bool(narrow.division and all(d.startswith(wide.division) for d in narrow.division)))
    )


def _deemed(parts: Parts) -> Iterator[Defect]:
    handoff = parts.roads.handoff
    for i, edge in enumerate(handoff.edges):
        if edge.writer == "system" and edge.message not in {RECEIPT, *parts.deemed}:
            yield Defect("edge-never-taken", ROADS, ("handoff", "edges", i), f"边 {edge.message} 由系统书写，而没有任何期限到期时走它", "在 clocks.yaml 的相应一行写 deemed，或删去该边")
    for key, clock in parts.clocks.clocks.items():
        for i, case in enumerate(clock.cases):
            if not case.deemed:
                continue
            at = ("clocks", key, "cases", i, "deemed")
            for name, state in parts.waiting("handoff"):
                if key in state.clocks and state.holder == clock.owes and not parts.has("handoff", name, case.deemed):
                    yield Defect("deemed-nowhere", CLOCKS, at, f"“{clock.zh}”在“{state.zh}”（{name}）届满应视为受理，而该状态没有这条边", f"在边 {case.deemed} 的 from 中加上 {name}")
            for edge in [e for e in handoff.edges if e.message == case.deemed]:
                acts = {e.message for s in edge.from_ for e, t in parts.away("handoff", s) if t == edge.to and e.writer == "partner"}
                for act in sorted(acts):
                    if not parts.has("handoff", edge.to, act):
                        yield Defect("deemed-final", ROADS, ("handoff", "states", edge.to), f"视为受理之后，承办单位补来的“{act_zh(act)}”无处登记", f"补一条从 {edge.to} 出发的边 {act}（to: same）")
