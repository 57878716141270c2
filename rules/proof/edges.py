"""Every edge has one writer, a reason, and nothing missing that the law or the product asks of it; what a body may do it can also be heard doing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from config.roadmap import SAME, Edge
from rules.proof.contract import DUTIES, HANDOFF, PETITION, STAYING, Act
from rules.proof.defect import CLOCKS, ROADS, Defect
from rules.proof.parts import RECEIPT, Parts
from rules.proof.walk import Walk
from rules.roadmap import MachineName
from rules.words import act_zh

_TELLS = frozenset({"petitioner_told", "filing_named", "parts_given"})


def edge_defects(parts: Parts, walk: Walk) -> Iterator[Defect]:
    for name, contract in (("petition", PETITION), ("handoff", HANDOFF)):
        machine: MachineName = "petition" if name == "petition" else "handoff"
        yield from _kept(parts, machine, contract)
        yield from _each(parts, machine, contract)
        yield from _rights(parts, machine)
    yield from _letters(parts)
    yield from _by_hand(parts)
    yield from _delivery(parts)
    yield from _openings(parts)
    yield from _endings(parts)
    yield from _remedies(parts, walk)
    for kind in sorted(DUTIES - parts.clocks.duties.keys()):
        yield Defect("duty-without-limit", CLOCKS, ("duties",), f"产品会开立待办 {kind}，而它没有期限", "在 duties 中补上 {zh, limit}")


def _kept(parts: Parts, name: MachineName, contract: Mapping[str, Act]) -> Iterator[Defect]:
    there = {edge.message for edge in parts.machine(name).edges if edge.to != SAME or edge.message in STAYING}
    for message, act in contract.items():
        if message not in there:
            yield Defect("act-missing", ROADS, (name, "edges"), f"没有边 {message}：任何人都不能“{act_zh(message)}”（{act.basis}）", f"补上该边，writer: {act.writer}")


def _each(parts: Parts, name: MachineName, contract: Mapping[str, Act]) -> Iterator[Defect]:
    first: dict[tuple[str, str], Edge] = {}
    for i, edge in enumerate(parts.machine(name).edges):
        at, zh = (name, "edges", i), act_zh(edge.message)
        for start in edge.from_:
            other = first.setdefault((start, edge.message), edge)
            if other is not edge:
                who = "、".join(sorted({other.writer, edge.writer}))
                yield Defect("two-writers", ROADS, at, f"从 {start} 出发的边 {edge.message} 写了两次（书写者：{who}）", "每条边只能有一个书写者：保留一条")
        if not edge.basis.strip():
            yield Defect("no-article", ROADS, at, f"边 {edge.message}（{zh}）没有依据", "写明 basis：条文或内部规程")
        if edge.duty is not None and edge.duty.kind not in parts.clocks.duties:
            yield Defect("duty-without-limit", ROADS, (*at, "duty"), f"边 {edge.message} 立的待办 {edge.duty.kind} 没有期限", "在 clocks.yaml 的 duties 中补上")
        if edge.writer == "partner" and edge.message not in parts.heard:
            yield Defect("not-heard", ROADS, at, f"边 {edge.message} 由承办单位书写，而线路格式中没有这种来文", "改用 docs/wire.md 所列的消息名，或改正 writer")
        if edge.writer != "partner" and edge.message in parts.heard:
            yield Defect("wrong-writer", ROADS, (*at, "writer"), f"{edge.message}（{zh}）是承办单位的来文，却写由 {edge.writer} 书写", "改为 writer: partner")
        if edge.to == SAME and "only_deemed" not in edge.guards and any(o.message == edge.message and o.to != SAME for o in parts.machine(name).edges):
            yield Defect("guard-missing", ROADS, (*at, "guards"), f"“{zh}”（{edge.message}）既改变状态又可原地再写，而没有守则限制", "在 guards 中补上 only_deemed")
        if edge.guards and not parts.usable(edge) and edge.writer != "system":
            yield Defect("edge-never-taken", ROADS, at, f"边 {edge.message}（{zh}）的守则等待的标记没有任何边会设", "在相应的边写 flag，或去掉该守则")
        if edge.message in contract and edge.message not in STAYING and "only_deemed" not in edge.guards and (edge.to == SAME or edge.to in edge.from_):
            yield Defect("edge-stays", ROADS, (*at, "to"), f"“{zh}”（{edge.message}）之后事项仍在原处，等于没有决定", "写明 to：该动作之后的状态")
        if (act := contract.get(edge.message)) is not None:
            yield from _short(edge, act, at)
            yield from _astray(parts, name, edge, act, at)


def _short(edge: Edge, act: Act, at: tuple[str, str, int]) -> Iterator[Defect]:
    zh = act_zh(edge.message)
    if edge.writer != act.writer:
        yield Defect("wrong-writer", ROADS, (*at, "writer"), f"{edge.message}（{zh}）应由 {act.writer} 书写，却写 {edge.writer}（{act.basis}）", f"改为 writer: {act.writer}")
    for guard in sorted(act.guards - set(edge.guards)):
        yield Defect("guard-missing", ROADS, (*at, "guards"), f"边 {edge.message}（{zh}）缺少守则 {guard}（{act.basis}）", f"在 guards 中补上 {guard}")
    wanted = (("sends", act.sends, edge.sends), ("extends", act.extends, edge.extends), ("duty", act.duty, edge.duty.kind if edge.duty else None),
              ("stage", act.stage, edge.stage), ("by_hand", act.by_hand, edge.by_hand), ("flag", act.flag, edge.flag))
    for key, want, has in wanted:
        if want is None or want == has:
            continue
        yield Defect("edge-changed", ROADS, (*at, key), f"边 {edge.message}（{zh}）的 {key} 应为 {want}，现为 {has}（{act.basis}）", f"改为 {key}: {want}")


def _astray(parts: Parts, name: MachineName, edge: Edge, act: Act, at: tuple[str, str, int]) -> Iterator[Defect]:
    """What an act decides is who has the case next: an arbiter, the body, the bureau, or nobody any more."""
    after = parts.machine(name).states.get(edge.to)
    if act.leads is None or after is None:
        return
    has = "end" if after.end else after.holder
    if has != act.leads:
        want = "终结" if act.leads == "end" else f"由 {act.leads} 持有"
        yield Defect("edge-astray", ROADS, (*at, "to"), f"“{act_zh(edge.message)}”（{edge.message}）之后应{want}，却到了“{after.zh}”（{edge.to}）（{act.basis}）", "改正 to")


def _letters(parts: Parts) -> Iterator[Defect]:
    sent = set()
    for i, edge in enumerate(parts.roads.handoff.edges):
        if edge.sends is None:
            continue
        sent.add(edge.sends)
        if edge.sends not in parts.carried:
            yield Defect("not-carried", ROADS, ("handoff", "edges", i, "sends"), f"边 {edge.message} 要发 {edge.sends}，而线路格式中没有这种消息", "改用 docs/wire.md 所列的消息名")
    written = {edge.message for edge in parts.roads.handoff.edges if edge.writer == "partner"}
    for message in sorted(set(parts.heard) - written):
        yield Defect("not-recorded", ROADS, ("handoff", "edges"), f"承办单位可以发来 {message}（{act_zh(message)}），而没有边登记它", "补一条 writer: partner 的边")
    for message in sorted(set(parts.carried) - sent):
        yield Defect("never-sent", ROADS, ("handoff", "edges"), f"线路上有 {message}，而没有任何边发送它", "在相应的边写 sends")
    for i, edge in enumerate(parts.roads.petition.edges):
        if edge.sends is not None:
            yield Defect("not-carried", ROADS, ("petition", "edges", i, "sends"), f"边 {edge.message} 没有转送件，却要发 {edge.sends}", "删去 sends")


def _by_hand(parts: Parts) -> Iterator[Defect]:
    """Whatever is to be delivered can be delivered on paper, and whatever a body must answer can be entered from its papers."""
    receipts = [edge for edge in parts.roads.handoff.edges if edge.message == RECEIPT]
    for start in sorted({start for edge in receipts for start in edge.from_}):
        done = {t for e in receipts if start in e.from_ for t in [e.to]}
        paper = [e for e, t in parts.away("handoff", start) if e.by_hand and e.writer == "bureau" and t in done]
        if not paper:
            yield Defect("no-paper-way", ROADS, ("handoff", "states", start), f"在 {start} 等送达回执时，没有改用人工送达的边", "补上 delivery.by_hand（by_hand: true），通向与回执相同的状态")
    for name, state in parts.waiting("handoff"):
        if state.holder != "partner":
            continue
        if not any(e.writer == "partner" and e.message in parts.heard for e, _ in parts.away("handoff", name)):
            yield Defect("no-record", ROADS, ("handoff", "states", name), f"“{state.zh}”（{name}）等承办单位答复，而没有可以代录其答复的边", "补一条 writer: partner 的边")


def _delivery(parts: Parts) -> Iterator[Defect]:
    """A body's word proves that it was delivered: what it may say first must count where the receipt is still awaited."""
    for receipt in [edge for edge in parts.roads.handoff.edges if edge.message == RECEIPT]:
        for i, edge in enumerate(parts.roads.handoff.edges):
            early = edge.writer == "partner" and receipt.to in edge.from_
            if early and not edge.implied_receipt and not set(receipt.from_) <= set(edge.from_):
                yield Defect("answer-before-receipt", ROADS, ("handoff", "edges", i), f"回执丢失时，承办单位的“{act_zh(edge.message)}”（{edge.message}）会被拒收", "写 implied_receipt: true")


def _openings(parts: Parts) -> Iterator[Defect]:
    """What opens a hand-off must be shielded; a hand-off is opened by entering the state that a hand-off holds."""
    held = {key for key, state in parts.roads.petition.states.items() if state.holder == "handoff"}
    for i, edge in enumerate(parts.roads.petition.edges):
        if edge.to in held and "accusation_shielded" not in edge.guards:
            yield Defect("unshielded", ROADS, ("petition", "edges", i, "guards"), f"边 {edge.message} 送出材料而不核对被检举控告方（条例第三十条第三款）", "在 guards 中补上 accusation_shielded")


def _endings(parts: Parts) -> Iterator[Defect]:
    """No petition ends without the petitioner told, a filing named, or its parts living on."""
    ends = {key for key, state in parts.roads.petition.states.items() if state.end}
    for i, edge in enumerate(parts.roads.petition.edges):
        if edge.to in ends and not set(edge.from_) <= ends and _TELLS.isdisjoint(edge.guards):
            yield Defect("untold-end", ROADS, ("petition", "edges", i, "guards"), f"边 {edge.message}（{act_zh(edge.message)}）办结信访事项，而不要求告知信访人", "在 guards 中补上 petitioner_told")
    for i, edge in enumerate(parts.roads.handoff.edges):
        state = parts.roads.handoff.states.get(edge.to)
        if state is None or not state.end:
            continue
        follows = {edge.petition} if edge.petition else {state.petition, *state.petition_by_stage.values()}
        if follows & ends and _TELLS.isdisjoint(edge.guards):
            yield Defect("untold-end", ROADS, ("handoff", "edges", i, "guards"), f"边 {edge.message}（{act_zh(edge.message)}）随之办结信访事项，而不要求告知信访人", "在 guards 中补上 petitioner_told，或写 petition: 退回经办人")


def _remedies(parts: Parts, walk: Walk) -> Iterator[Defect]:
    """复查 can be asked where handling ended, 复核 where the review ended, and both again where such a hand-off came back (arts 35, 36)."""
    closed = {(s.to.petition, s.to.stage) for n, steps in walk.steps.items() if n.handoff for s in steps if s.to.handoff is None and s.act == "result.accepted"}
    for guard, before, stage in (("review_open", "handling", "review"), ("rereview_open", "review", "rereview")):
        edges = [e for e in parts.roads.petition.edges if guard in e.guards]
        for petition in sorted({p for p, s in closed if s == before}):
            if not any(petition in e.from_ for e in edges):
                yield Defect("remedy-cut", ROADS, ("petition", "states", petition), f"在 {petition} 不能提出{'复查' if stage == 'review' else '复核'}（条例第三十五条、第三十六条）", f"在有守则 {guard} 的边的 from 中加上 {petition}")
        back = {s.to.petition for n, steps in walk.steps.items() if n.handoff and n.stage == stage for s in steps if s.to.handoff is None}
        for petition in sorted(back):
            state = parts.roads.petition.states.get(petition)
            if state is not None and state.holder == "bureau" and not any(petition in e.from_ for e in edges):
                yield Defect("remedy-cut", ROADS, ("petition", "states", petition), f"{'复查' if stage == 'review' else '复核'}件退回后，在 {petition} 不能再送", f"在有守则 {guard} 的边的 from 中加上 {petition}")


def _rights(parts: Parts, name: MachineName) -> Iterator[Defect]:
    """An act of the holder's must not take from him what he could still do, while the same clocks run on."""
    states = parts.machine(name).states
    single = {c for c in parts.clocks.clocks if sum(c in state.clocks for state in states.values()) == 1}
    for key, state in parts.waiting(name):
        own = [(e, t) for e, t in parts.away(name, key) if e.writer == state.holder]
        for edge, target in own:
            after = states.get(target)
            if after is None or after.end or after.holder not in (state.holder, "party") or set(state.clocks) - set(after.clocks) - single:
                continue
            later, goals = _alone(parts, name, target, str(state.holder))
            for other, goal in own:
                if goal != target and other.message not in later and goal not in goals:
                    yield Defect("right-lost", ROADS, (name, "states", target), f"“{act_zh(edge.message)}”之后，在“{after.zh}”（{target}）就不能再“{act_zh(other.message)}”（{other.message}）",
                                 f"在边 {other.message} 的 from 中加上 {target}")


def _alone(parts: Parts, name: MachineName, start: str, writer: str) -> tuple[set[str], set[str]]:
    """Acts that this writer can still take, and states he can still come to, by acts of his own."""
    seen, todo, acts = {start}, [start], set[str]()
    while todo:
        for edge, target in parts.away(name, todo.pop()):
            if edge.writer != writer:
                continue
            acts.add(edge.message)
            if target not in seen:
                seen.add(target)
                todo.append(target)
    return acts, seen
