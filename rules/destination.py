"""From a routing row's destination and a petition's facts to one seated body."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from config.bodies import LEVEL_ZH, LEVELS, Bodies, Body, Level, Place
from config.facts import Facts
from config.routing import Destination

HEIRLESS = "信访工作条例第二十四条第二款"


@dataclass(frozen=True, slots=True)
class Seat:
    """The body a destination means, and why it is that one (Chinese)."""

    body: Body
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Gone:
    """The destination's body left its powers to nobody: who it was, and who now says which body takes over (None: nobody in the directory)."""

    body: Body
    designator: Body | None


def resolve(to: Destination, facts: Facts, bodies: Bodies, on: date | None = None) -> Seat | str:
    """The body that a destination means for these facts, or a Chinese clause that says what is missing.

    `on` is the Beijing day on which it is asked: until the day of a succession the old body still holds its powers, from then on its successor is
    meant. Without a day, everything the directory foresees counts as having happened. A body abolished without a successor gives a clause that
    names 信访工作条例 art 24(2); `designator` then says whom to offer the clerk.
    """
    found = _search(to, facts, bodies, on)
    if not isinstance(found, _Gone):
        return found
    told = f"{found.body.name}已撤销，目录中没有承继其职权的机关，应由{{}}指定的机关受理（{HEIRLESS}）"
    return told.format(found.designator.name if found.designator is not None else "本级党委、政府或者其")


def designator(to: Destination, facts: Facts, bodies: Bodies, on: date | None = None) -> Body | None:
    """Whom art 24(2) lets say which body takes over, where the destination's own left its powers to nobody; None in every other case."""
    found = _search(to, facts, bodies, on)
    return found.designator if isinstance(found, _Gone) else None


def _search(to: Destination, facts: Facts, bodies: Bodies, on: date | None) -> Seat | str | _Gone:
    if to.body is not None:
        return _named(facts.decided_by, bodies, on)
    kind = facts.organ if to.kind == "$organ" else to.kind
    if kind is None:
        return "不知应由法院、检察院还是公安机关办理"
    sector = facts.sector if to.sector == "$sector" else to.sector
    if to.sector is not None and sector is None:
        return "不知主管领域"
    place = _above_accused(facts, bodies) if to.level == "above_accused" else _matter(facts, bodies)
    if isinstance(place, str):
        return place
    why: list[str] = []
    if place.level == "township" and bodies.seat(kind, place.code, sector) is None and (county := bodies.lineage(place.code)[1:2]):
        # a township has few bodies of its own: the county's are its first instance, not a step up
        why.append(f"{place.name}不设相应机关，由{county[0].name}管辖")
        place = county[0]
    if to.level == "above_matter":
        higher = bodies.lineage(place.code)[1:]
        if not higher:
            return f"{place.name}之上没有更高一级"
        place = higher[0]
    why.append(f"属地与层级：{place.name}（{LEVEL_ZH[place.level]}）")
    for at in bodies.lineage(place.code):
        body = bodies.seat(kind, at.code, sector)
        if body is not None:
            if at.code != place.code:
                why.append(f"{place.name}没有相应机关，由{at.name}的机关办理")
            return _held(body, why, bodies, on)
        if to.missing == "clerk":
            break
    return f"{place.name}及其上级没有相应机关" if to.missing == "climb" else f"{place.name}没有相应机关"


def _named(code: str | None, bodies: Bodies, on: date | None) -> Seat | str | _Gone:
    if code is None:
        return "不知作出原决定的机关"
    if code not in bodies:
        return f"作出原决定的机关 {code} 不在机关目录中"
    return _held(bodies.get(code), [f"作出原决定的机关：{bodies.get(code).name}"], bodies, on)


def _held(body: Body, why: list[str], bodies: Bodies, on: date | None) -> Seat | _Gone:
    """The body itself, or who holds its powers on that day."""
    holder = bodies.current(body.code, on)
    if holder is None:
        last = _last(body, bodies)
        return _Gone(last, bodies.designator(last.code, on))
    if holder.code != body.code:
        why.append(f"{body.name}的职权由{holder.name}承继（{HEIRLESS}）")
    return Seat(holder, tuple(why))


def _last(body: Body, bodies: Bodies) -> Body:
    """The end of a chain of successors, whatever the day."""
    seen = {body.code}
    while body.successor is not None and body.successor not in seen:
        seen.add(body.successor)
        body = bodies.get(body.successor)
    return body


def _matter(facts: Facts, bodies: Bodies) -> Place | str:
    if facts.division is None:
        return "不知属地（行政区划）"
    lineage = bodies.lineage(facts.division)
    if not lineage:
        return f"行政区划 {facts.division} 不在目录中"
    if facts.level is None:
        return lineage[0]
    return _at(facts.level, lineage)


def _at(level: Level, lineage: tuple[Place, ...]) -> Place | str:
    for place in lineage:
        if place.level == level:
            return place
    if LEVELS.index(level) < LEVELS.index(lineage[0].level):
        return f"事项属{LEVEL_ZH[level]}，而目录中{lineage[0].name}之上没有{LEVEL_ZH[level]}区划"
    return f"事项属{LEVEL_ZH[level]}，而只知属地为{lineage[0].name}，须确定具体区划"


def _above_accused(facts: Facts, bodies: Bodies) -> Place | str:
    """One level above the accused body's: the cadres who lead a body are managed from above it.

    信访工作条例 arts 22(2), 30(1) say by management authority (管理权限) and leave it there; that this is one level up
    is inference. Too high is mended downward (纪检监察机关处理检举控告工作规则 art 16); too low would be a leak.
    """
    if facts.accused_body is not None:
        if facts.accused_body not in bodies:
            return f"被检举控告单位 {facts.accused_body} 不在机关目录中"
        lineage = bodies.lineage(bodies.get(facts.accused_body).division)
    elif facts.division is None or bodies.place(facts.division) is None:
        return "不知被检举控告的单位，也不知属地，无法确定管理权限"
    elif facts.accused_level == "township" and bodies.lineage(facts.division)[0].level != "township":
        # the township is not named, and need not be: all of a county's are managed from the county
        return _at("district", bodies.lineage(facts.division))
    elif facts.accused_level is not None:
        own = _at(facts.accused_level, bodies.lineage(facts.division))
        if isinstance(own, str):
            return own
        lineage = bodies.lineage(own.code)
    else:
        return "不知被检举控告的单位或其层级，无法确定管理权限"
    if len(lineage) < 2:
        return "被检举控告方属本目录最高层级，其上一级不在目录中"
    return lineage[1]
