"""What can be wrong with bodies.yaml, each fault with its line and its cure, in Chinese for the operator."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from config.body import LEVEL_ZH, LEVELS, BodiesFile, Body, Level, Place
from config.source import Located, Problem
from config.ways_faults import ways_faults

_UNDER: dict[Level, tuple[Level, ...]] = {
    "nation": (),
    "province": ("nation",),
    "city": ("province",),
    "district": ("city", "province"),  # districts of a municipality, and counties a province leads itself
    "township": ("district", "city"),  # some cities have no districts
}
_SHARED: dict[tuple[Level, Level], int] = {
    ("city", "province"): 2,
    ("district", "province"): 2,
    ("district", "city"): 4,
    ("township", "district"): 6,
    ("township", "city"): 6,
}
"""How many leading digits a division shares with the one above it (GB/T 2260; townships GB/T 10114)."""


def faults(file: BodiesFile, located: Located) -> Iterator[Problem]:
    """Every fault of the file as a whole; that each entry is well formed was found out before."""
    places = {place.code: place for place in file.divisions}
    known = {body.code: body for body in file.bodies}
    yield from _repeated([p.code for p in file.divisions], located, "divisions", "行政区划")
    yield from _repeated([b.code for b in file.bodies], located, "bodies", "机关代码")
    yield from _names(file.bodies, located)
    for i, place in enumerate(file.divisions):
        yield from _place_faults(place, i, places, located)
    for i, body in enumerate(file.bodies):
        yield from _body_faults(body, i, places, located)
        yield from _line_faults(body, i, known, located)
        yield from _succession_faults(body, i, known, located)
        yield from ways_faults(body, i, located)
        if body.rate is not None and body.connector.kind == "desk" and not body.fallbacks:
            what = f"{body.code} 由本系统经办，不经网络投递，投递速率不起作用"
            yield located.problem(what, "删除 rate", "bodies", i, "rate")
    yield from _cycles(file.bodies, known, located)
    yield from _missing(file, located)


# -- divisions ------------------------------------------------------------------------------------------------------------------


def _place_faults(place: Place, i: int, places: dict[str, Place], located: Located) -> Iterator[Problem]:
    at = ("divisions", i)
    if (shape := _shape(place)) is not None:
        yield located.problem(f"{place.name}的代码 {place.code} 不像{LEVEL_ZH[place.level]}区划", shape, *at, "code")
    if place.superior is None:
        if place.level in ("city", "district", "township"):
            what = f"{place.name}（{LEVEL_ZH[place.level]}）没有写上级区划"
            yield located.problem(what, "补写 superior，管理权限和上级机关由它确定", *at)
        return
    above = places.get(place.superior)
    if above is None:
        yield located.problem(f"上级区划 {place.superior} 不存在", "补写该区划，或改正代码", *at, "superior")
    elif LEVELS.index(above.level) >= LEVELS.index(place.level):
        what = f"上级区划 {place.superior} 的层级不高于 {place.code}"
        yield located.problem(what, "改正 superior 或 level", *at, "superior")
    elif above.level not in _UNDER[place.level]:
        what = f"{place.name}（{LEVEL_ZH[place.level]}）不能直接隶属于{above.name}（{LEVEL_ZH[above.level]}）"
        allowed = "或".join(LEVEL_ZH[level] for level in _UNDER[place.level])
        yield located.problem(what, f"superior 写{allowed}区划的代码，或改正 level", *at, "superior")
    elif place.code[: (n := _SHARED.get((place.level, above.level), 0))] != above.code[:n]:
        what = f"{place.name}的代码 {place.code} 与上级区划 {above.code} 的前{n}位不同"
        yield located.problem(what, "改正 code 或 superior", *at, "code")


def _shape(place: Place) -> str | None:
    """What the code should look like, when it cannot be of the level."""
    code, level = place.code, place.level
    if (len(code) == 9) != (level == "township"):
        return "写九位：所属县区的六位代码加三位" if level == "township" else "写六位数字"
    if level == "nation":
        return None if code == "000000" else "写 000000"
    if level == "province":
        return None if code[:2] != "00" and code[2:] == "0000" else "写前两位，后加 0000"
    if level == "city":
        return None if code[2:4] != "00" and code[4:] == "00" else "写前四位，后加 00"
    if level == "district":
        return None if code[4:] != "00" else "末两位不能是 00"
    return None if code[6:] != "000" else "末三位不能是 000"


def _missing(file: BodiesFile, located: Located) -> Iterator[Problem]:
    """Every division above the townships has a bureau, and every bureau that lasts has a joint conference: people with whom all ladders end."""
    lasting = {(b.kind, b.division) for b in file.bodies if b.lasts}
    followed = {b.division for b in file.bodies if b.kind == "bureau" and b.successor is not None}
    for i, place in enumerate(file.divisions):
        if place.level != "township" and ("bureau", place.code) not in lasting and place.code not in followed:
            yield located.problem(f"{place.name}没有信访部门", f"补写 bureau-{place.code}", "divisions", i)
    for i, body in enumerate(file.bodies):
        if body.kind == "bureau" and body.lasts and ("joint_conference", body.division) not in lasting:
            what = f"{body.name}所在区划没有信访工作联席会议"
            yield located.problem(what, f"补写 joint_conference-{body.division}", "bodies", i)


# -- bodies ---------------------------------------------------------------------------------------------------------------------


def _names(bodies: Sequence[Body], located: Located) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for i, body in enumerate(bodies):
        for name in (body.name, *body.aliases):
            if name in first:
                what = f"名称“{name}”已用于 {bodies[first[name]].code}"
                yield located.problem(what, "改用另一个名称或别名", "bodies", i, "name")
            first.setdefault(name, i)


def _body_faults(body: Body, i: int, places: dict[str, Place], located: Located) -> Iterator[Problem]:
    expected = "-".join(part for part in (body.kind, body.sector, body.division) if part)
    if body.code != expected:
        what = f"代码 {body.code} 与 kind、sector、division 不一致"
        yield located.problem(what, f"改为 {expected}，或改正这三项", "bodies", i, "code")
    if (body.kind == "agency") != (body.sector is not None):
        what = f"{body.code} 缺少领域" if body.kind == "agency" else f"{body.code} 不应写领域"
        cure = "补写 sector" if body.kind == "agency" else "删除 sector"
        yield located.problem(what, cure, "bodies", i, "sector")
    place = places.get(body.division)
    if place is None:
        what = f"{body.code} 的区划 {body.division} 不存在"
        yield located.problem(what, "在 divisions 中补写该区划，或改正代码", "bodies", i, "division")
    elif place.level != body.level:
        what = f"{body.code} 的层级 {body.level} 与区划的层级 {place.level} 不一致"
        yield located.problem(what, f"改为 {place.level}", "bodies", i, "level")
    if body.kind == "bureau" and body.level == "township":
        what = f"{body.code} 是乡镇级的信访部门，而信访编号只容六位区划"
        yield located.problem(what, "乡镇不设 bureau：由县区的信访部门登记，乡镇人民政府写作 government", "bodies", i, "kind")


def _line_faults(body: Body, i: int, known: dict[str, Body], located: Located) -> Iterator[Problem]:
    at = ("bodies", i)
    lines: list[tuple[str, str, str, tuple[str | int, ...]]] = []
    if body.superior is not None:
        lines.append((body.superior, "上级", "superior", (*at, "superior")))
    lines += [(leader, "领导机关", "led_by", (*at, "led_by", j)) for j, leader in enumerate(body.led_by)]
    for code, role, field, where in lines:
        if code not in known:
            yield located.problem(f"{body.code} 的{role} {code} 不存在", f"补写该机关，或改正 {field}", *where)
        elif LEVELS.index(known[code].level) > LEVELS.index(body.level):
            what = f"{body.code} 的{role} {code} 层级低于它"
            yield located.problem(what, f"改正 {field}：写同级或上级的机关", *where)
        elif _outlives(body, known[code]) and (heir := known[code].successor) is not None and heir not in (body.code, *body.leaders):
            # unseen from below, the heir could be sent what accuses it by way of a body it leads
            what = f"{body.code} 的{role} {code} 的职权归 {heir}，而它没有写在上级或领导机关中"
            yield located.problem(what, f"把 {field} 中的 {code} 改为 {heir}；承继之日未到的，先把 {heir} 加入 led_by", *where)
    if len(set(body.leaders)) < len(body.leaders):
        yield located.problem(f"{body.code} 的同一领导机关写了两次", "从 led_by 中删除重复的一处", *at, "led_by")


def _outlives(body: Body, leader: Body) -> bool:
    """Whether the body is still there when the leader's powers pass on."""
    return body.lasts or body.until is None or leader.until is None or leader.until < body.until


def _succession_faults(body: Body, i: int, known: dict[str, Body], located: Located) -> Iterator[Problem]:
    at = ("bodies", i)
    if body.successor is not None and body.successor not in known:
        what = f"{body.code} 的职权承继机关 {body.successor} 不存在"
        yield located.problem(what, "补写该机关，或改正 successor", *at, "successor")
    if body.successor is not None and body.abolished is not None:
        what = f"{body.code} 同时写了承继机关和撤销日期"
        yield located.problem(what, "有承继机关的只写 successor 和 since；没有的只写 abolished", *at, "abolished")
    if body.successor is not None and body.since is None:
        what = f"{body.code} 写了承继机关而没有写承继之日"
        yield located.problem(what, "补写 since: 2025-07-01 这样的日期；该日之前职权仍属原机关", *at, "successor")
    if body.successor is None and body.since is not None:
        what = f"{body.code} 写了承继之日而没有承继机关"
        yield located.problem(what, "补写 successor；没有承继机关的改写 abolished", *at, "since")
    heir = known.get(body.successor or "")
    if heir is not None and body.since is not None and heir.until is not None and heir.until < body.since:
        what = f"{body.code} 的职权承继机关 {heir.code} 在 {body.since} 已不存在（{heir.until} 起）"
        yield located.problem(what, "写承继之日仍存在的机关，或改正日期", *at, "successor")


# -- circles and repetitions ----------------------------------------------------------------------------------------------------


def _cycles(bodies: Sequence[Body], known: dict[str, Body], located: Located) -> Iterator[Problem]:
    led = _in_circles({body.code: body.leaders for body in known.values() if body.leaders})
    taken = _in_circles({body.code: (body.successor,) for body in known.values() if body.successor is not None})
    if not (led or taken):
        return
    for i, body in enumerate(bodies):
        if body.code in led:
            what = f"{body.code} 的上级关系成环"
            yield located.problem(what, "改正 superior 或 led_by，使其最终到顶", "bodies", i, "superior")
        if body.code in taken:
            what = f"{body.code} 的职权承继关系成环"
            yield located.problem(what, "改正 successor，使其最终到现存机关", "bodies", i, "successor")


def _in_circles(steps: Mapping[str, Collection[str]]) -> set[str]:
    """Codes from which the steps lead back to themselves, and those caught between two circles: what is left when both ends are worn away.

    A target that has no steps of its own is an end.
    """
    left = {code: {target for target in targets if target in steps} for code, targets in steps.items()}
    for turned in (False, True):
        if turned:
            left = _turned(left)
        back = _turned(left)
        done = [code for code, targets in left.items() if not targets]
        while done:
            code = done.pop()
            del left[code]
            for origin in back[code]:
                left[origin].discard(code)
                if not left[origin]:
                    done.append(origin)
    return set(left)


def _turned(steps: dict[str, set[str]]) -> dict[str, set[str]]:
    back: dict[str, set[str]] = {code: set() for code in steps}
    for code, targets in steps.items():
        for target in targets:
            back[target].add(code)
    return back


def _repeated(codes: list[str], located: Located, part: str, what: str) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for i, code in enumerate(codes):
        if code in first:
            line = located.of(part, first[code], "code")
            yield located.problem(f"{what} {code} 重复（第 {line} 行已写过）", "删除其中一处", part, i, "code")
        first.setdefault(code, i)
