"""Acts that must be possible wherever they may be needed: not once somewhere on the road, but in every state of a kind."""

from __future__ import annotations

from collections.abc import Iterator

from config.roadmap import State
from rules.proof.defect import ROADS, Defect
from rules.proof.parts import FALLS_TO, Parts
from rules.roadmap import MachineName
from rules.words import act_zh

# While a body, or a party, is awaited.
_TO_BODY = ("handoff.urge", "handoff.supervise", "handoff.supplement", "handoff.on_paper")
# A body that never answers must not keep the case for ever, wherever it stands with it.
_FROM_BODY = ("ruling.reassign",)
# In every state of a petition that has not ended: art 28(3) knows no exception, a clerk's note is never out of place, and the conference can be silent in any.
_ALWAYS = ("petition.note", "petition.recuse", "petition.conference_up")
# Where the clerk decides what becomes of a petition.
_CLERK = ("petition.route", "petition.close", "petition.classify", "petition.link", "petition.split", "petition.guide", "petition.report_up", "petition.dispute")


def wherever_defects(parts: Parts) -> Iterator[Defect]:
    for name, state in parts.waiting("handoff"):
        if state.holder in ("partner", "party"):
            yield from _missing(parts, "handoff", name, state, _TO_BODY, "bureau-cut-off")
            yield from _missing(parts, "handoff", name, state, _FROM_BODY, "silent-body")
    for name, state in parts.roads.petition.states.items():
        if not state.end:
            yield from _missing(parts, "petition", name, state, _ALWAYS, "act-not-everywhere")
        if name == FALLS_TO:
            yield from _missing(parts, "petition", name, state, _CLERK, "act-not-everywhere")
    yield from _extensions(parts)
    yield from _rulings(parts)
    yield from _reopenings(parts)


def _missing(parts: Parts, machine: MachineName, name: str, state: State, acts: tuple[str, ...], code: str) -> Iterator[Defect]:
    for act in acts:
        if not parts.has(machine, name, act):
            yield Defect(code, ROADS, (machine, "states", name), f"在“{state.zh}”（{name}）不能“{act_zh(act)}”（{act}）", f"在边 {act} 的 from 中加上 {name}")


def _extensions(parts: Parts) -> Iterator[Defect]:
    """A limit that may be lengthened (art 34) may be lengthened as long as it runs."""
    for edge in parts.roads.handoff.edges:
        clock = parts.clocks.clocks.get(edge.extends or "")
        if clock is None:
            continue
        for name, state in parts.waiting("handoff"):
            runs = edge.extends in state.clocks and state.holder == clock.owes and name not in clock.pauses_in
            if runs and not parts.has("handoff", name, edge.message):
                yield Defect("act-not-everywhere", ROADS, ("handoff", "states", name),
                             f"“{clock.zh}”在“{state.zh}”（{name}）仍在走，却不能“{act_zh(edge.message)}”（{edge.message}）", f"在边 {edge.message} 的 from 中加上 {name}")


def _rulings(parts: Parts) -> Iterator[Defect]:
    """An arbiter who takes a case from one body can give it to another, wherever the petition then stands (art 24)."""
    ended = {(edge.petition or parts.roads.handoff.states[edge.to].petition or FALLS_TO) for edge in parts.roads.handoff.edges
             if edge.writer == "arbiter" and edge.to in parts.roads.handoff.states and parts.roads.handoff.states[edge.to].end}
    for name in sorted(ended & parts.roads.petition.states.keys()):
        yield from _missing(parts, "petition", name, parts.roads.petition.states[name], ("petition.designate",), "act-not-everywhere")


def _reopenings(parts: Parts) -> Iterator[Defect]:
    """New facts open a petition again, whatever ended it (art 36(3)), unless its parts live on as petitions of their own."""
    for name, state in parts.roads.petition.states.items():
        split = [edge for edge in parts.roads.petition.edges if edge.to == name]
        lives_on = bool(split) and all("parts_given" in edge.guards for edge in split)
        opened = any(name in edge.from_ and "new_facts_given" in edge.guards for edge in parts.roads.petition.edges)
        if state.end and not lives_on and not opened:
            yield Defect("act-not-everywhere", ROADS, ("petition", "states", name), f"以“{state.zh}”（{name}）终结的事项，有新的事实也不能再提（条例第三十六条第三款）",
                         f"在边 petition.reopen 的 from 中加上 {name}")
