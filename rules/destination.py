"""From a routing row's destination and a petition's facts to one seated body."""

from __future__ import annotations

from dataclasses import dataclass

from config.bodies import Bodies, Body, Level, Place
from config.facts import Facts
from config.routing import Destination

_LEVEL: dict[Level, str] = {"province": "省级", "city": "市级", "district": "区级"}


@dataclass(frozen=True, slots=True)
class Seat:
    """The body a destination means, and why it is that one (Chinese)."""

    body: Body
    why: tuple[str, ...]


def resolve(to: Destination, facts: Facts, bodies: Bodies) -> Seat | str:
    """The body that a destination means for these facts, or a Chinese clause that says what is missing."""
    if to.body is not None:
        return _named(facts.decided_by, bodies)
    kind = facts.organ if to.kind == "$organ" else to.kind
    if kind is None:
        return "不知应由法院、检察院还是公安机关办理"
    sector = facts.sector if to.sector == "$sector" else to.sector
    if to.sector is not None and sector is None:
        return "不知主管领域"
    place = _place(to, facts, bodies)
    if isinstance(place, str):
        return place
    for at in bodies.lineage(place.code):
        body = bodies.find(kind, at.code, sector)
        if body is not None:
            why = [f"属地与层级：{place.name}（{_LEVEL[place.level]}）"]
            if at.code != place.code:
                why.append(f"{place.name}没有相应机关，由{at.name}的机关办理")
            return Seat(body, tuple(why))
        if to.missing == "clerk":
            break
    return f"{place.name}及其上级没有相应机关" if to.missing == "climb" else f"{place.name}没有相应机关"


def _named(code: str | None, bodies: Bodies) -> Seat | str:
    if code is None:
        return "不知作出原决定的机关"
    if code not in bodies:
        return f"作出原决定的机关 {code} 不在机关目录中"
    body = bodies.current(code)
    why = [f"作出原决定的机关：{bodies.get(code).name}"]
    if body.code != code:
        why.append(f"其职权由{body.name}承继")
    return Seat(body, tuple(why))


def _place(to: Destination, facts: Facts, bodies: Bodies) -> Place | str:
    if to.level == "above_accused":
        return _above_accused(facts, bodies)
    place = _matter(facts, bodies)
    if isinstance(place, str) or to.level == "matter":
        return place
    higher = bodies.lineage(place.code)[1:]
    return higher[0] if higher else f"{place.name}之上没有更高一级"


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
    return f"事项属{_LEVEL[level]}，而只知属地为{lineage[0].name}，须确定具体区划"


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
    elif facts.accused_level == "township":
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
