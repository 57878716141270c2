"""Damage to clocks.yaml: clocks, cases, rungs, duties."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.rules.mutations.oracle import shifted
from tests.rules.mutations.world import Change, Data, Mutation, World, clocks_of, shipped

OWES = ("bureau", "partner", "party", "joint_conference", "arbiter")
# Duties that the product's own code opens; those that an edge names stand in roadmap.yaml.
OPENED = frozenset({"quarantine", "difference", "undelivered", "security", "conference", "supervise", "report.grave", "proposal.feedback", "conference.up"})


def mutations() -> Iterator[Mutation]:
    whole = shipped()
    rungs = list(whole.clocks["rungs"])
    for part, key, clock in clocks_of(whole):
        yield from _clock(part, key, clock, rungs)
        for i, case in enumerate(clock["cases"]):
            yield from _case(part, key, i, case, len(clock["cases"]))
    named = {edge["duty"]["kind"] for edge in whole.edges("handoff") if edge.get("duty")}
    for kind in whole.clocks["duties"]:
        yield Mutation("duty without limit", f"duties without {kind}", ("clocks",), _drop("duties", kind), kind in OPENED | named, "the product opens it and could set no date")
    yield from _ladders()


def _clock(part: str, key: str, clock: Data, rungs: list[str]) -> Iterator[Mutation]:
    at, name = (part, key), f"{part} {key}"
    yield Mutation("clock gone", f"drop {name}", ("clocks",), _drop(*at), True, "states or steps name it")
    if len(key) % 4 == 0:
        yield Mutation("words", f"{name}: another name", ("clocks",), _set(*at, "zh", value="另一个名称"), False, "a word for people")
    if part == "clocks":
        for owes in OWES:
            if owes != clock["owes"] and (len(key) + len(owes)) % 2:
                yield Mutation("owed by another", f"{name}: owed by {owes}", ("clocks",), _set(*at, "owes", value=owes), True, "it binds somebody who does not have the case")
        yield Mutation("clock optional", f"{name}: optional, nobody left over", ("clocks",), _optional(at), True if key == "total" else None, "asked of the second opinion, but the ceiling must be over every case")
        holding = [s for s, state in shipped().states("handoff").items() if key in state.get("clocks", ())]
        for state in holding:
            if state not in clock.get("pauses_in", ()):
                yield Mutation("clock stands still", f"{name}: pauses in {state}", ("clocks",), _append(at, "pauses_in", state), None, "asked of the second opinion")
    else:
        yield Mutation("rung", f"{name}: owed by the conference without its being asked", ("clocks",), _unasked(key), True if key != "conference" else None, "the conference holds it and its list shows nothing")
        if key == "conference":
            for owes in OWES:
                if owes != "joint_conference":
                    yield Mutation("rung", f"{name}: owed by {owes}", ("clocks",), _set(*at, "owes", value=owes), True, "no people at the end")
        yield Mutation("rung", f"{name}: for courts only", ("clocks",), _courts_only(at), True, "for everybody else the ladder breaks off")
    if clock["on_expiry"].get("next"):
        yield Mutation("ladder cut", f"{name}: nothing follows", ("clocks",), _drop(*at, "on_expiry", "next"), True if key == "total" else None, "asked of the second opinion, but the ceiling over the whole must lead to people")
        yield Mutation("ladder cut", f"{name}: a rung that is not there follows", ("clocks",), _set(*at, "on_expiry", "next", value="attic"), True, "the door cannot open it")
        for rung in rungs:
            if rung != clock["on_expiry"]["next"]:
                unasked = rung == "conference" and clock["on_expiry"].get("duty", {}).get("holder") != "joint_conference"
                left = sum(c["on_expiry"].get("next") == clock["on_expiry"]["next"] for _, _, c in clocks_of(shipped())) == 1
                yield Mutation("ladder turned", f"{name}: {rung} follows", ("clocks",), _set(*at, "on_expiry", "next", value=rung), True if unasked or left else None,
                               "the conference holds it and its list shows nothing" if unasked else "a step of the ladder is never taken" if left else "asked of the second opinion")
    for told in ("urge", "duty"):
        if clock["on_expiry"].get(told):
            yield Mutation("nobody told", f"{name}: without {told}", ("clocks",), _drop(*at, "on_expiry", told),
                           True if clock["owes"] in ("partner", "party") or clock.get("repeats") else None,
                           "a body lets its time run out and nobody says so")
    if clock.get("warn"):
        yield Mutation("no warning", f"{name}: without warnings", ("clocks",), _drop(*at, "warn"), True, "nobody is reminded before the time is up")
    if clock.get("repeats"):
        yield Mutation("ladder ends", f"{name}: asks once", ("clocks",), _drop(*at, "repeats"), True, "after that nobody is asked")
    if clock["on_expiry"].get("flag") and len(key) % 2 == 0:
        yield Mutation("words", f"{name}: without flag", ("clocks",), _drop(*at, "on_expiry", "flag"), False, "a mark for people to see; dates and duties are not changed by it")


def _case(part: str, key: str, i: int, case: Data, count: int) -> Iterator[Mutation]:
    at, name = (part, key, "cases", i), f"{part} {key} case {case.get('id') or '+'.join(case.get('row', ())) or i}"
    last = i == count - 1
    moved = shifted(shipped().clocks[part][key], i)
    others = [row for j, other in enumerate(shipped().clocks[part][key]["cases"]) if j != i for row in other.get("row", ())]
    unkept = [row for row in case.get("row", ()) if row not in others]
    lawful = bool(unkept) or (case["verified"] != "internal" and moved is not None)
    yield Mutation("case dropped", f"drop {name}", ("clocks",), lambda w: w.clocks[part][key]["cases"].pop(i) and None, True if lawful or last else None,
                   f"a limit of the law is not kept any more: {unkept or moved}" if lawful else "nobody is left over for the rest" if last else "asked of the second opinion")
    if i % 6 == 0:
        yield Mutation("article removed", f"{name}: without article", ("clocks",), _bare(at), True, "a limit of the law without its article")
    if not case.get("deemed") and i % 8 == 0 and part == "clocks":
        yield Mutation("deemed elsewhere", f"{name}: deemed accepted", ("clocks",), _set(*at, "deemed", value="acceptance.deemed"), True, "the law presumes it at reconsideration alone")
    if case.get("deemed"):
        yield Mutation("deemed dropped", f"{name}: not deemed", ("clocks",), _drop(*at, "deemed"), True, "FY 30 presumes acceptance")
        yield Mutation("deemed elsewhere", f"{name}: deemed for all", ("clocks",), _drop(*at, "profile"), True, "the law presumes it at reconsideration alone")
    if i % 10 == 0:
        yield Mutation("limit broken", f"{name}: no limit", ("clocks",), _set(*at, "limit", value="0d"), True, "no date can be set")
    open_end = not any(shipped().clocks[part][key]["cases"][-1].get(name) for name in ("profile", "branch", "track", "stage", "flag", "division"))
    if count > 1 and not last and i % 6 == 0 and open_end:
        yield Mutation("case hidden", f"{name}: behind everybody", ("clocks",), _behind(part, key, i), True, "it is never used")


def _ladders() -> Iterator[Mutation]:
    def circle(w: World) -> None:
        w.clocks["rungs"]["supervised"]["on_expiry"]["next"] = "urged"
        w.clocks["rungs"]["bureau_late"]["on_expiry"]["next"] = "bureau_late"
        w.clocks["rungs"]["bureau_late"]["repeats"] = True

    def nobody(w: World) -> None:
        for _, _, clock in clocks_of(w):
            clock["on_expiry"].pop("duty", None)

    def all_optional(w: World) -> None:
        for clock in w.clocks["clocks"].values():
            clock["optional"] = True
            clock["stage"] = ["rereview"]

    def self_loop(w: World) -> None:
        w.clocks["rungs"]["urged"]["on_expiry"]["next"] = "urged"
        w.clocks["rungs"]["urged"]["repeats"] = True

    def no_conference_rung(w: World) -> None:
        del w.clocks["rungs"]["conference"]
        for _, _, clock in clocks_of(w):
            if clock["on_expiry"].get("next") == "conference":
                clock["on_expiry"].pop("next")

    yield Mutation("ladder turned", "all ladders in circles", ("clocks",), circle, True, "nobody at the end")
    yield Mutation("nobody told", "no ladder opens a duty", ("clocks",), nobody, True, "nobody's list shows it")
    yield Mutation("clock optional", "every clock for re-review only", ("clocks",), all_optional, True, "nothing runs for handling")
    yield Mutation("ladder turned", "urged for ever", ("clocks",), self_loop, True, "the body is urged and nobody else ever hears of it")
    yield Mutation("ladder cut", "no conference", ("clocks",), no_conference_rung, True, "no people at the end")


def _node(world: World, path: tuple[str | int, ...]) -> Any:
    node: Any = world.clocks
    for part in path:
        node = node[part]
    return node


def _set(*path: str | int, value: object) -> Change:
    def change(world: World) -> None:
        _node(world, path[:-1])[path[-1]] = value

    return change


def _drop(*path: str | int) -> Change:
    return lambda world: _node(world, path[:-1]).pop(path[-1]) and None


def _append(at: tuple[str | int, ...], key: str, value: str) -> Change:
    def change(world: World) -> None:
        node = _node(world, at)
        node[key] = [*node.get(key, ()), value]

    return change


def _optional(at: tuple[str | int, ...]) -> Change:
    """The case for everybody else goes; what is left runs for few."""

    def change(world: World) -> None:
        clock = _node(world, at)
        clock["optional"] = True
        clock["cases"] = clock["cases"][:-1] or [{**clock["cases"][0], "profile": ["court"]}]

    return change


def _courts_only(at: tuple[str | int, ...]) -> Change:
    def change(world: World) -> None:
        clock = _node(world, at)
        clock["optional"] = True
        for case in clock["cases"]:
            case["profile"] = ["court"]

    return change


def _unasked(key: str) -> Change:
    def change(world: World) -> None:
        for _, _, clock in clocks_of(world):
            if clock["on_expiry"].get("next") == key and clock["on_expiry"].get("duty", {}).get("holder") == "joint_conference":
                del clock["on_expiry"]["duty"]
        world.clocks["rungs"][key]["owes"] = "joint_conference"

    return change


def _bare(at: tuple[str | int, ...]) -> Change:
    def change(world: World) -> None:
        case = _node(world, at)
        case["basis"] = ""
        case["verified"] = "yes"

    return change


def _behind(part: str, key: str, i: int) -> Change:
    def change(world: World) -> None:
        cases = world.clocks[part][key]["cases"]
        cases.append(cases.pop(i))

    return change
