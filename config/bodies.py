"""The bodies that send, receive and answer: who they are, who leads them, how they are reached."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field

from config.source import Located, Problem, Strict, load_located, raise_if

Level = Literal["province", "city", "district"]
Kind = Literal[
    "bureau",
    "court",
    "procuratorate",
    "discipline",
    "police",
    "labour_arbitration",
    "land_arbitration",
    "agency",
    "reconsideration",
    "organisation",
    "joint_conference",
    "government",
]
Profile = Literal[
    "bureau",
    "court",
    "procuratorate",
    "discipline",
    "police",
    "labour_arbitration",
    "land_arbitration",
    "agency",
    "reconsideration",
    "organisation",
    "joint_conference",
]
Code = Annotated[str, Field(pattern=r"^[a-z]+(_[a-z]+)*(-[a-z]+(_[a-z]+)*)?-[0-9]{6}$")]
Division = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z]+(_[a-z]+)*$")]
Name = Annotated[str, Field(min_length=2, max_length=60)]

LEVELS: tuple[Level, ...] = get_args(Level)
"""Highest first."""
ConnectorKind = Literal["desk", "http"]
HTTP_OPTIONS = ("url", "connect_timeout", "read_timeout", "signed_receipts", "ca_file", "max_answer_bytes", "page_limit")
"""What may stand under `options` of an `http` body; connectors/http/options.py holds their limits."""
SANDBOX = "{sandbox}"


class Connector(Strict):
    """How a body is reached: the kind of connector and that kind's own options."""

    kind: ConnectorKind
    options: dict[str, str | int | bool] = Field(default_factory=dict)


class Place(Strict):
    """An administrative division (six digits, GB/T 2260 style) and the one above it."""

    code: Division
    name: Name
    level: Level
    superior: Division | None = None


class Body(Strict):
    """One body (机关、单位).

    `superior` leads it in its own line; `led_by` names bodies that lead it as well (双重领导, e.g. the local
    government of a police branch). `successor` holds its powers since a merger (信访工作条例 art 24(2)).
    """

    code: Code
    name: Name
    kind: Kind
    sector: Slug | None = None
    level: Level
    division: Division
    superior: Code | None = None
    led_by: tuple[Code, ...] = ()
    profile: Profile
    connector: Connector
    aliases: tuple[Name, ...] = ()
    successor: Code | None = None

    @property
    def urn(self) -> str:
        """The body's name on the wire, e.g. `urn:xf:agency:housing:990102`."""
        return "urn:xf:" + self.code.replace("-", ":")


class BodiesFile(Strict):
    """The content of bodies.yaml."""

    divisions: Annotated[list[Place], Field(min_length=1)]
    bodies: Annotated[list[Body], Field(min_length=1)]


class Bodies:
    """All bodies, to look up. Build it with `load_bodies`, which proves the file sound."""

    def __init__(self, places: Iterable[Place], bodies: Iterable[Body]) -> None:
        self._places = {place.code: place for place in places}
        self._bodies = {body.code: body for body in bodies}
        self._by_seat: dict[tuple[str, str | None, str], Body] = {}
        for body in self._bodies.values():
            if body.successor is None:
                self._by_seat.setdefault((body.kind, body.sector, body.division), body)
        self._above: dict[str, frozenset[str]] = {}

    def __iter__(self) -> Iterator[Body]:
        return iter(self._bodies.values())

    def __len__(self) -> int:
        return len(self._bodies)

    def __contains__(self, code: object) -> bool:
        return code in self._bodies

    def get(self, code: str) -> Body:
        """The body of this code. Raises `KeyError` for one that bodies.yaml does not hold."""
        return self._bodies[code]

    def find(self, kind: str, division: str, sector: str | None = None) -> Body | None:
        """The body of this kind (and sector) seated in exactly this division, or None; merged ones are passed over."""
        return self._by_seat.get((kind, sector, division))

    def current(self, code: str) -> Body:
        """Who holds this body's powers now: itself, or the end of its chain of successors. Raises `KeyError`."""
        body, seen = self._bodies[code], {code}
        while body.successor is not None and body.successor not in seen:
            seen.add(body.successor)
            body = self._bodies[body.successor]
        return body

    def above(self, code: str) -> frozenset[str]:
        """Codes of every body that leads this one, directly or not, in either line. Raises `KeyError`."""
        if code not in self._above:
            found: set[str] = set()
            todo = [code]
            while todo:
                body = self._bodies[todo.pop()]
                leaders = {*body.led_by, *([body.superior] if body.superior else [])} - found
                found |= leaders
                todo.extend(leaders)
            self._above[code] = frozenset(found)
        return self._above[code]

    def below(self, code: str) -> frozenset[str]:
        """Codes of every body that this one leads, directly or not."""
        return frozenset(other for other in self._bodies if code in self.above(other))

    def place(self, division: str) -> Place | None:
        """The division of these six digits, or None."""
        return self._places.get(division)

    def lineage(self, division: str) -> tuple[Place, ...]:
        """The division and those above it, nearest first; empty for an unknown division."""
        found: list[Place] = []
        place = self._places.get(division)
        while place is not None and place not in found:
            found.append(place)
            place = self._places.get(place.superior) if place.superior else None
        return tuple(found)


def load_bodies(path: Path) -> Bodies:
    """Bodies from a YAML file. Raises `ConfigError` with every fault of the file."""
    file, located = load_located(path, BodiesFile)
    raise_if(list(_faults(file, located)))
    return Bodies(file.divisions, file.bodies)


def _faults(file: BodiesFile, located: Located) -> Iterator[Problem]:
    places = {place.code: place for place in file.divisions}
    known = {body.code: body for body in file.bodies}
    yield from _repeated([p.code for p in file.divisions], located, "divisions", "行政区划")
    yield from _repeated([b.code for b in file.bodies], located, "bodies", "机关代码")
    names = [(n, i) for i, b in enumerate(file.bodies) for n in (b.name, *b.aliases)]
    first: dict[str, int] = {}
    for name, i in names:
        if name in first:
            what = f"名称“{name}”已用于 {file.bodies[first[name]].code}"
            yield located.problem(what, "改用另一个名称或别名", "bodies", i, "name")
        first.setdefault(name, i)
    for i, place in enumerate(file.divisions):
        if place.superior is not None and place.superior not in places:
            yield located.problem(f"上级区划 {place.superior} 不存在", "补写该区划，或改正代码", "divisions", i, "superior")
        elif place.superior is not None and LEVELS.index(places[place.superior].level) >= LEVELS.index(place.level):
            what = f"上级区划 {place.superior} 的层级不高于 {place.code}"
            yield located.problem(what, "改正 superior 或 level", "divisions", i, "superior")
    for i, body in enumerate(file.bodies):
        yield from _body_faults(body, i, known, places, located)
    yield from _cycles(file.bodies, known, located)
    seats = {(b.kind, b.division) for b in file.bodies if b.successor is None}
    for i, place in enumerate(file.divisions):
        if ("bureau", place.code) not in seats:
            yield located.problem(f"{place.name}没有信访部门", f"补写 bureau-{place.code}", "divisions", i)
    for i, body in enumerate(file.bodies):
        if body.kind == "bureau" and ("joint_conference", body.division) not in seats:
            what = f"{body.name}所在区划没有信访工作联席会议"
            yield located.problem(what, f"补写 joint_conference-{body.division}", "bodies", i)


def _body_faults(body: Body, i: int, known: dict[str, Body], places: dict[str, Place], located: Located) -> Iterator[Problem]:
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
    if body.superior is not None and body.superior not in known:
        what = f"{body.code} 的上级 {body.superior} 不存在"
        yield located.problem(what, "补写该机关，或改正 superior", "bodies", i, "superior")
    for j, leader in enumerate(body.led_by):
        if leader not in known:
            what = f"{body.code} 的领导机关 {leader} 不存在"
            yield located.problem(what, "补写该机关，或改正 led_by", "bodies", i, "led_by", j)
    if body.successor is not None and body.successor not in known:
        what = f"{body.code} 的职权承继机关 {body.successor} 不存在"
        yield located.problem(what, "补写该机关，或改正 successor", "bodies", i, "successor")
    if body.connector.kind == "http":
        yield from _http_faults(body, i, located)


def _http_faults(body: Body, i: int, located: Located) -> Iterator[Problem]:
    at, options = ("bodies", i, "connector"), body.connector.options
    for name in sorted(options.keys() - set(HTTP_OPTIONS)):
        near = difflib.get_close_matches(name, HTTP_OPTIONS, n=1)
        cure = f"是否想写 {near[0]}？" if near else ""
        yield located.problem(f"{body.code} 的连接选项 {name} 不存在", f"{cure}可用的有：{'、'.join(HTTP_OPTIONS)}", *at)
    url = str(options.get("url", "")).strip()
    if not url:
        yield located.problem(f"{body.code} 的连接方式 http 缺少网址", f'写 options: {{url: "{SANDBOX}/{body.code}"}}', *at)
    elif not _whole(url.replace(SANDBOX, "http://sandbox", 1) if url.startswith(SANDBOX) else url):
        # The address is not shown: somebody may have written a password into it.
        what = f"{body.code} 的网址不完整，或带有用户名、密码、“?”或“#”"
        yield located.problem(what, "写成 https://court.example/xf 这样的地址；密钥用 tonglu keys 管理，不写在网址里", *at)


def _whole(url: str) -> bool:
    try:
        parts = urlsplit(url)
        usable = parts.port is None or parts.port > 0
    except ValueError:
        return False
    extra = parts.query or parts.fragment or parts.username or parts.password
    return parts.scheme in ("http", "https") and bool(parts.hostname) and usable and not extra


def _cycles(bodies: Sequence[Body], known: dict[str, Body], located: Located) -> Iterator[Problem]:
    directory = Bodies((), (b for b in known.values() if {b.superior, *b.led_by} - {None} <= known.keys()))
    whole = len(directory) == len(known)
    for i, body in enumerate(bodies):
        if whole and body.code in directory.above(body.code):
            what = f"{body.code} 的上级关系成环"
            yield located.problem(what, "改正 superior 或 led_by，使其最终到顶", "bodies", i, "superior")
        seen, at = {body.code}, body
        while at.successor in known:
            at = known[at.successor]
            if at.code in seen:
                what = f"{body.code} 的职权承继关系成环"
                yield located.problem(what, "改正 successor，使其最终到现存机关", "bodies", i, "successor")
                break
            seen.add(at.code)


def _repeated(codes: list[str], located: Located, part: str, what: str) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for i, code in enumerate(codes):
        if code in first:
            line = located.of(part, first[code], "code")
            yield located.problem(f"{what} {code} 重复（第 {line} 行已写过）", "删除其中一处", part, i, "code")
        first.setdefault(code, i)
