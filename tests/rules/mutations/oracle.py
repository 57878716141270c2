"""A second opinion: does this road map strand a case? Plays it through on plain data; knows nothing of the proof and imports nothing of the product.

A case is played as the door would: (petition, hand-off, stage). What is looked for: a place from which no end can be played; a holder without an act;
a place in which time alone does not bring the case to the joint conference; something that a party could bring about on the shipped map and cannot
any more; a limit that begins later than on the shipped map, or begins anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import product
from typing import Any

Data = dict[str, Any]
Place = tuple[str, str | None, str]
ACTORS = {"bureau": ("bureau",), "partner": ("partner",), "party": ("partner", "bureau"), "arbiter": ("arbiter",), "joint_conference": ("arbiter",), "handoff": ()}
KINDS = ("court", "procuratorate", "police", "discipline", "reconsideration", "agency", "labour_arbitration", "land_arbitration", "commercial_arbitration",
         "mediation", "organisation")
HOSTS = (*((kind, "B3.6") for kind in KINDS), ("agency", "B1"), ("agency", "B3.4"), ("police", "B2b"), ("court", "B3.1a"))


class Play:
    def __init__(self, roads: Data, clocks: Data) -> None:
        self.roads, self.clocks = roads, clocks
        self.deemed = {case["deemed"] for clock in clocks["clocks"].values() for case in clock["cases"] if case.get("deemed")}
        self.flags = {edge.get("flag") for machine in ("petition", "handoff") for edge in roads[machine]["edges"]}
        self.moves: dict[Place, list[tuple[Data, Place]]] = {}
        start: Place = (str(roads["petition"]["start"]), None, "handling")
        todo = deque([start])
        while todo:
            place = todo.popleft()
            if place not in self.moves:
                self.moves[place] = list(self._moves(place))
                todo.extend(after for _, after in self.moves[place])

    def live(self, edge: Data) -> bool:
        guards = edge.get("guards", ())
        if edge["writer"] == "system":
            return edge["message"] == "receipt" or edge["message"] in self.deemed
        if "supervised_in_vain" in guards and "supervision-given" not in self.flags:
            return False
        return not (("only_deemed" in guards and "deemed-accepted" not in self.flags) or ("withdraw_was_asked" in guards and "withdraw-asked" not in self.flags))

    def _moves(self, place: Place) -> Iterator[tuple[Data, Place]]:
        petition, handoff, stage = place
        states = self.roads["petition"]["states"]
        if handoff is None:
            for edge in self.roads["petition"]["edges"]:
                guards = edge.get("guards", ())
                asked = ("handling", "review") if states[petition].get("end") else ("review", "rereview")
                shut = (("not_under_review" in guards and stage != "handling") or ("review_open" in guards and stage != asked[0])
                        or ("rereview_open" in guards and stage != asked[1]))
                if petition in edge["from"] and edge["to"] != "same" and not shut and self.live(edge):
                    held = states[edge["to"]].get("holder") == "handoff"
                    fresh = "handling" if "new_facts_given" in guards else stage
                    yield edge, (edge["to"], self.roads["handoff"]["start"], edge.get("stage", "handling")) if held else (edge["to"], None, fresh)
            return
        for edge in self.roads["handoff"]["edges"]:
            if handoff not in edge["from"] or edge["to"] == "same" or not self.live(edge):
                continue
            after = self.roads["handoff"]["states"][edge["to"]]
            if not after.get("end"):
                yield edge, (petition, edge["to"], stage)
                continue
            yield edge, (edge.get("petition") or after.get("petition_by_stage", {}).get(stage) or after.get("petition") or "WITH_CLERK", None, stage)
            if after.get("looped") and edge["writer"] != "arbiter":
                yield edge, (after["looped"], None, stage)

    def state(self, place: Place) -> Data:
        petition, handoff, _ = place
        return dict(self.roads["petition"]["states"][petition] if handoff is None else self.roads["handoff"]["states"][handoff])


def harm(roads: Data, clocks: Data, before: Play) -> str | None:
    """How this road map strands a case or takes something away; None when it does not. `before`: the shipped one, played. May raise KeyError where
    the data name what is not there: such data load refuses, and it matters."""
    play = Play(roads, clocks)
    return _stuck(play) or _mute(play) or _untold(play) or _silent(play) or _lost(play, before) or _late(play, before) or _anew(play)


def _untold(play: Play) -> str | None:
    for place, moves in play.moves.items():
        for edge, after in moves:
            ended = after[1] is None and play.state(after).get("end") and not (place[1] is None and play.state(place).get("end"))
            if ended and not {"petitioner_told", "filing_named", "parts_given"} & set(edge.get("guards", ())):
                return f"{edge['message']} ends the petition and nobody is told"
    return None


def _stuck(play: Play) -> str | None:
    back: dict[Place, set[Place]] = {}
    for place, moves in play.moves.items():
        for _, after in moves:
            back.setdefault(after, set()).add(place)
    good = {p for p in play.moves if p[1] is None and play.state(p).get("end")}
    todo = list(good)
    while todo:
        for place in back.get(todo.pop(), ()):
            if place not in good:
                good.add(place)
                todo.append(place)
    stuck = [p for p in play.moves if p not in good]
    return f"no end from {stuck[0]}" if stuck else None


def _mute(play: Play) -> str | None:
    for place, moves in play.moves.items():
        state = play.state(place)
        if state.get("end"):
            continue
        if state.get("holder") == "handoff" and place[1] is None:
            return f"{place} is held by a hand-off that is not there"
        if not any(edge["writer"] in ACTORS[state["holder"]] for edge, after in moves if after != place):
            return f"{state['holder']} holds {place} and can do nothing"
    return None


def _case(clock: Data, host: tuple[str, str], stage: str) -> Data | None:
    if clock.get("stage") and stage not in clock["stage"]:
        return None
    told = {"profile": host[0], "stage": stage, "branch": host[1]}
    for case in clock["cases"]:
        asked = {name: case[name] for name in ("profile", "branch", "track", "stage", "flag", "division") if case.get(name)}
        if all(name in told and told[name] in values for name, values in asked.items()):
            return dict(case)
    return None


def _silent(play: Play) -> str | None:
    """Nobody does anything: does time bring the case to the conference, with a duty, again and again?"""
    overlaid = {c for s in play.roads["petition"]["states"].values() if s.get("holder") == "handoff" for c in s.get("clocks", ())}
    for place in play.moves:
        state = play.state(place)
        if state.get("end") or state.get("holder") == "handoff":
            continue
        for host in HOSTS:
            running = []
            for key in state.get("clocks", ()):
                clock = play.clocks["clocks"][key]
                case = _case(clock, host, place[2])
                name = place[1] or place[0]
                if key not in overlaid and case is not None and name not in clock.get("pauses_in", ()) and name not in case.get("pauses_in", ()):
                    running.append(clock)
            if not any(clock["owes"] == state["holder"] for clock in running):
                return f"no clock of the holder's runs in {place} for a {host}"
            if not any(_brings_to_people(clock, play, host, place[2]) for clock in running if clock["owes"] == state["holder"]):
                return f"time runs out in {place} for a {host} and nobody is asked"
    return None


def _brings_to_people(clock: Data, play: Play, host: tuple[str, str], stage: str) -> bool:
    asked, at = False, clock
    rungs = play.clocks["rungs"]
    for _ in range(12):
        follow = at["on_expiry"]
        asked = asked or follow.get("duty", {}).get("holder") == "joint_conference"
        if not follow.get("next") or _case(rungs[follow["next"]], host, stage) is None:
            return False
        if at["owes"] in ("partner", "party") and not follow.get("urge") and not follow.get("duty"):
            return False
        here = asked
        at = rungs[follow["next"]]
        if at["owes"] == "joint_conference" and not here:
            return False
    return bool(asked and at["owes"] == "joint_conference" and at.get("repeats") and rungs[at["on_expiry"]["next"]] is at)


def _reach(play: Play, place: Place, writers: tuple[str, ...]) -> set[Place]:
    seen, todo = {place}, [place]
    while todo:
        for edge, after in play.moves.get(todo.pop(), ()):
            # The receipt comes by itself; acceptance is presumed at reconsideration alone, so nobody may count on it.
            if (edge["writer"] in writers or edge["message"] == "receipt") and after not in seen:
                seen.add(after)
                todo.append(after)
    return seen


_REACHED: dict[int, dict[tuple[Place, tuple[str, ...]], set[Place]]] = {}
SIDES = (("partner",), ("bureau",), ("arbiter",))


def _lost(play: Play, before: Play) -> str | None:
    known = _REACHED.setdefault(id(before), {})
    for place in before.moves:
        for side in SIDES:
            if (place, side) not in known:
                known[place, side] = _reach(before, place, side)
            gone = known[place, side] - _reach(play, place, side)
            if gone:
                return f"from {place} the {side[0]} cannot come to {min(map(str, gone))} any more"
    return None


def _late(play: Play, before: Play) -> str | None:
    for machine in ("petition", "handoff"):
        was, now = before.roads[machine], play.roads[machine]
        for key, state in was["states"].items():
            entered = {c for c in state.get("clocks", ()) if _begins(was, key, c)}
            lost = entered - set(now["states"].get(key, {}).get("clocks", ()))
            if lost and not now["states"].get(key, {}).get("end"):
                return f"{min(lost)} does not begin in {key} any more"
    return None


def _begins(machine: Data, key: str, clock: str) -> bool:
    before = [s for edge in machine["edges"] if edge["to"] == key for s in edge["from"]]
    return key == machine["start"] or any(clock not in machine["states"][s].get("clocks", ()) for s in before)


def _anew(play: Play) -> str | None:
    """Within one machine: a clock that was met begins again although nothing new was decided (an edge with a flag is a new title)."""
    for machine in ("petition", "handoff"):
        part = play.roads[machine]
        shared = [c for c in play.clocks["clocks"] if sum(c in s.get("clocks", ()) for s in part["states"].values()) > 1]
        for clock in shared:
            seen = {(str(part["start"]), False)}
            todo = deque(seen)
            while todo:
                at, ran = todo.popleft()
                here = clock in part["states"][at].get("clocks", ())
                for edge in part["edges"]:
                    if at not in edge["from"] or edge["to"] == "same" or not play.live(edge):
                        continue
                    after = part["states"][edge["to"]]
                    there = clock in after.get("clocks", ())
                    if there and not here and ran and not edge.get("flag"):
                        return f"{clock} begins anew by {edge['message']} from {at}"
                    # A petition that has ended and is opened again is another matter.
                    step = (edge["to"], False if after.get("end") else ran or here)
                    if step not in seen:
                        seen.add(step)
                        todo.append(step)
    return None


def shifted(clock: Data, i: int) -> str | None:
    """Whose limit becomes another when this case of the clock is taken away; None for nobody."""
    case, rest = clock["cases"][i], {**clock, "cases": clock["cases"][:i] + clock["cases"][i + 1:]}
    names = [name for name in ("profile", "branch", "track", "stage", "flag", "division") if case.get(name)]
    for values in product(*(case[name] for name in names)):
        told = {"profile": "~", "branch": "~", "stage": (clock.get("stage") or ["handling"])[0], **dict(zip(names, values, strict=True))}
        was, now = _first(clock, told), _first(rest, told)
        if was is None:
            continue
        if now is None or any(was.get(key) != now.get(key) for key in ("limit", "extension", "deemed", "pauses_in")):
            return f"{told}: {was['limit']} becomes {now and now['limit']}"
    return None


def _first(clock: Data, told: Data) -> Data | None:
    for case in clock["cases"]:
        if all(told.get(name) in case[name] for name in ("profile", "branch", "track", "stage", "flag", "division") if case.get(name)):
            return dict(case)
    return None
