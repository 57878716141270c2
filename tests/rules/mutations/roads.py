"""Damage to roadmap.yaml: edges, states, holders, writers, guards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.rules.mutations.world import Change, Data, Mutation, World, shipped

MACHINES = ("petition", "handoff")
HOLDERS = ("bureau", "partner", "party", "joint_conference", "arbiter", "handoff")
WRITERS = ("bureau", "partner", "system", "arbiter")
# No law names it and no part of the product takes it by itself: a draft that is not sent is withdrawn by taking it back.
SPARE_ACTS = frozenset({"handoff.cancel"})
# What a clerk must write down beside an act of the bureau's or arbiter's own: good practice, and nothing turns on it but the journal.
SPARE_GUARDS = frozenset({"reasons_given"})
REASONED = frozenset({"handoff.objected", "objection.rejected", "result.rework", "handoff.suspended"})
# Where an act that changes no state is needed in every state of a kind.
EVERYWHERE = frozenset({"petition.note", "petition.recuse", "handoff.urge", "handoff.supervise", "handoff.supplement", "handoff.extended", "handoff.on_paper", "petition.conference_up"})


def mutations() -> Iterator[Mutation]:
    for machine in MACHINES:
        edges = shipped().edges(machine)
        for i, edge in enumerate(edges):
            yield from _edge(machine, i, edge, sum(other["message"] == edge["message"] for other in edges) > 1)
        for key, state in shipped().states(machine).items():
            yield from _state(machine, key, state)
        yield Mutation("starts", f"{machine} starts at its end", ("roadmap",), _set(machine, "start", value="CLOSED"), True, "nothing can ever begin")
        yield Mutation("starts", f"{machine} starts nowhere", ("roadmap",), _set(machine, "start", value="ATTIC"), True, "nothing can ever begin")
    yield from _whole()


def _label(machine: str, i: int, edge: Data) -> str:
    return f"{machine} {edge['message']} from {'+'.join(edge['from'])}"


def _edge(machine: str, i: int, edge: Data, doubled: bool) -> Iterator[Mutation]:
    name, at = _label(machine, i, edge), (machine, "edges", i)
    gone = edge["message"] not in SPARE_ACTS and (not doubled or "only_deemed" in edge.get("guards", ()))
    yield Mutation("edge dropped", f"drop {name}", ("roadmap",), lambda w: w.roadmap[machine]["edges"].pop(i) and None, True if gone else None,
                   "nobody can take this act any more" if gone else "another edge, or nobody, has the act")
    if len(edge["from"]) > 1:
        for start in edge["from"]:
            why = _needed_at(edge, start)
            yield Mutation("start dropped", f"{name}: not from {start}", ("roadmap",), _without(at, "from", start), True if why else None, why or "asked of the second opinion")
    other = WRITERS[(WRITERS.index(edge["writer"]) + 1 + i % 3) % 4]
    yield Mutation("writer swapped", f"{name}: written by {other}", ("roadmap",), _set(*at, "writer", value=other), True, "whoever has to take the act is refused at the door")
    if edge["to"] != "same":
        decides = edge["message"] not in {"handoff.progress", *SPARE_ACTS}
        yield Mutation("edge turned", f"{name}: leads away no more", ("roadmap",), _set(*at, "to", value="same"), True if decides else None,
                       "what was decided changes nothing" if decides else "asked of the second opinion")
        if i % 4 == 0:
            yield Mutation("edge turned", f"{name}: leads to no state", ("roadmap",), _set(*at, "to", value="ATTIC"), True, "the case would be in no state")
        astray = _next_state(machine, edge)
        yield Mutation("edge turned", f"{name}: leads to {astray}", ("roadmap",), _set(*at, "to", value=astray), True if edge.get("by_hand") else None,
                       "paper would not deliver" if edge.get("by_hand") else "asked of the second opinion")
        back = edge["from"][0]
        if i % 4 == 2:
            yield Mutation("edge turned", f"{name}: leads back to {back}", ("roadmap",), _set(*at, "to", value=back), True if decides else None, "what was decided changes nothing")
    if i % 3 == 0:
        yield Mutation("two writers", f"{name}: written twice", ("roadmap",), _twice(machine, i), True, "two edges, two writers, one act")
    for guard in edge.get("guards", ()):
        spare = guard in SPARE_GUARDS and edge["message"] not in REASONED
        yield Mutation("guard dropped", f"{name}: without {guard}", ("roadmap",), _without(at, "guards", guard), not spare,
                       "only the journal is poorer" if spare else "the law, or the door itself, asks for it")
    if i % 6 == 0:
        yield Mutation("guard unknown", f"{name}: guard nobody wrote", ("roadmap",), _append(at, "guards", "moonlight"), True, "the door cannot ask it")
    if i % 4 == 1:
        yield Mutation("article removed", f"{name}: without basis", ("roadmap",), _set(*at, "basis", value=""), True, "an edge without a reason")
    for key in ("sends", "flag", "extends", "duty", "by_hand", "petition", "implied_receipt", "stage"):
        if edge.get(key):
            yield Mutation("edge loses a part", f"{name}: without {key}", ("roadmap",), _drop(*at, key), True, f"what follows the act ({key}) does not follow")


def _needed_at(edge: Data, start: str) -> str | None:
    """Why an act must be possible in just this state; None where the second opinion has to say."""
    if edge["message"] in EVERYWHERE and edge["to"] == "same":
        return "this act must be possible in every such state"
    if edge["message"] == "petition.classify" and start == "WITH_CLERK":
        return "a clerk could not correct what is known"
    if edge["message"] in ("petition.review", "petition.rereview"):
        return "arts 35, 36 give it where the answer was given, and again where it came back"
    if edge["message"] == "petition.reopen":
        return "art 36(3): new facts open it again, whatever ended it"
    if edge["message"] == "acceptance.deemed":
        return "FY 30 presumes acceptance wherever the time to accept runs out"
    if start == "ISSUED" and edge["writer"] == "partner":
        return "a body that answers before its receipt came would be refused"
    return None


def _next_state(machine: str, edge: Data) -> str:
    """Some state that the edge does not lead to, nor from."""
    states = sorted(shipped().states(machine))
    after = states[states.index(edge["to"]) + 1:] + states
    return next(s for s in after if s != edge["to"] and s not in edge["from"])


def _state(machine: str, key: str, state: Data) -> Iterator[Mutation]:
    at, name = (machine, "states", key), f"{machine} {key}"
    if len(key) % 4 == 0:
        yield Mutation("words", f"{name}: another name", ("roadmap",), _set(*at, "zh", value="另一个名称"), False, "a word for people")
    if state.get("fhir") and len(key) % 3 == 0:
        yield Mutation("words", f"{name}: without fhir", ("roadmap",), _drop(*at, "fhir"), False, "a code for other systems")
    if state.get("end"):
        yield Mutation("end opened", f"{name}: no end any more", ("roadmap",), _drop(*at, "end"), True, "a waiting state with no holder and no date")
        for part in ("petition", "petition_by_stage", "looped"):
            if state.get(part):
                yield Mutation("end unsaid", f"{name}: without {part}", ("roadmap",), _drop(*at, part), True if part != "looped" else None,
                               "what becomes of the petition is not said" if part != "looped" else "the clerk can still call the arbiter")
        return
    yield Mutation("holder dropped", f"{name}: held by nobody", ("roadmap",), _drop(*at, "holder"), True, "nobody has the case")
    for holder in HOLDERS:
        if holder != state["holder"] and not (machine == "handoff" and holder == "handoff"):
            yield Mutation("holder changed", f"{name}: held by {holder}", ("roadmap",), _set(*at, "holder", value=holder), None, "asked of the second opinion")
    for clock in state.get("clocks", ()):
        yield Mutation("clock dropped", f"{name}: without clock {clock}", ("roadmap",), _without(at, "clocks", clock), None, "asked of the second opinion")
    if state.get("duty"):
        yield Mutation("duty dropped", f"{name}: without duty", ("roadmap",), _drop(*at, "duty"), True, "somebody holds it and nobody's list shows it")
    yield Mutation("state ended", f"{name}: declared an end", ("roadmap",), _ended(at), True, "the case would stop here for ever")
    yield Mutation("clock unknown", f"{name}: a clock nobody wrote", ("roadmap",), _append(at, "clocks", "moon"), True, "the door cannot start it")
    yield Mutation("state dropped", f"drop {name}", ("roadmap",), lambda w: w.roadmap[machine]["states"].pop(key) and None, True, "edges lead into nothing")


def _whole() -> Iterator[Mutation]:
    for machine in MACHINES:
        twin = "SIGNED" if machine == "handoff" else "WITH_CLERK"
        yield Mutation("state unreachable", f"{machine}: a state nobody comes to", ("roadmap",), _twin(machine, twin), True, "law that is never applied")

    def no_total(w: World) -> None:
        for state in w.roadmap["petition"]["states"].values():
            state["clocks"] = [c for c in state.get("clocks", ()) if c != "total"]
        del w.clocks["clocks"]["total"]

    yield Mutation("ceiling removed", "no clock over the whole petition", ("roadmap", "clocks"), no_total, True, "withdrawing and sending again has no bound")

    def no_ceiling_no_guard(w: World) -> None:
        no_total(w)
        for edge in w.roadmap["petition"]["edges"]:
            edge["guards"] = [g for g in edge.get("guards", ()) if g != "not_a_loop"]

    yield Mutation("ceiling removed", "neither total nor not_a_loop", ("roadmap", "clocks"), no_ceiling_no_guard, True, "it goes round for ever")

    def endless_rework(w: World) -> None:
        for key in ("REPORTED", "IN_PROGRESS", "ACCEPTED"):
            w.roadmap["handoff"]["states"][key]["clocks"] = ["hearing"] if key != "REPORTED" else ["review_result"]

    yield Mutation("clock dropped", "no clock over rework", ("roadmap",), endless_rework, True, "reported and done again with the clock started anew each time")


def _at(world: World, path: tuple[str | int, ...]) -> Any:
    node: Any = world.roadmap
    for part in path:
        node = node[part]
    return node


def _set(*path: str | int, value: object) -> Change:
    def change(world: World) -> None:
        _at(world, path[:-1])[path[-1]] = value

    return change


def _drop(*path: str | int) -> Change:
    return lambda world: _at(world, path[:-1]).pop(path[-1]) and None


def _without(at: tuple[str | int, ...], key: str, value: str) -> Change:
    def change(world: World) -> None:
        node = _at(world, at)
        node[key] = [each for each in node[key] if each != value]

    return change


def _append(at: tuple[str | int, ...], key: str, value: str) -> Change:
    def change(world: World) -> None:
        node = _at(world, at)
        node[key] = [*node.get(key, ()), value]

    return change


def _twice(machine: str, i: int) -> Change:
    def change(world: World) -> None:
        edges = world.roadmap[machine]["edges"]
        edges.append({**edges[i], "writer": WRITERS[(WRITERS.index(edges[i]["writer"]) + 1) % 4]})

    return change


def _ended(at: tuple[str | int, ...]) -> Change:
    def change(world: World) -> None:
        node = _at(world, at)
        for key in ("holder", "clocks", "duty"):
            node.pop(key, None)
        node["end"] = True

    return change


def _twin(machine: str, key: str) -> Change:
    def change(world: World) -> None:
        part = world.roadmap[machine]
        part["states"]["ATTIC"] = dict(part["states"][key])
        part["edges"].append({"message": "attic.leave", "from": ["ATTIC"], "to": key, "writer": "bureau", "basis": "XF 1"})

    return change
