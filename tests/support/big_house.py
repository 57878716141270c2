"""An invented country of any size, written as a configuration folder: for measuring, and for proofs over many bodies.

The sample's own divisions come first, so that its petitions can be routed in it. What sits in a division is what sits in the sample's divisions of that level. Names are numbers: no such place can exist.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import config
from config.bodies import LEVELS, Bodies, Level, load_bodies

BUREAU = "bureau-990100"
SMALLEST = 120
PROVINCES = [str(n) for n in (*range(99, 90, -1), *range(89, 83, -1), *range(79, 71, -1))]  # no real province has these
CITIES, DISTRICTS, TOWNSHIPS = 8, 6, 8

_LEADS = ("court", "procuratorate", "discipline", "organisation", "bureau", "joint_conference", "government")
_DESKS = ("bureau", "joint_conference", "government", "mediation")
_ALONE = ("mediation", "commercial_arbitration")
_ZH = {
    "bureau": "信访局", "joint_conference": "信访工作联席会议", "government": "人民政府", "court": "人民法院", "procuratorate": "人民检察院",
    "discipline": "纪委监委", "organisation": "组织部", "police": "公安局", "labour_arbitration": "劳动仲裁委", "land_arbitration": "土地仲裁委",
    "commercial_arbitration": "仲裁委员会", "mediation": "人民调解委员会", "reconsideration": "行政复议局", "agency": "局",
}  # fmt: skip
_SUFFIX: dict[Level, str] = {"nation": "国", "province": "省", "city": "市", "district": "区", "township": "镇"}


@dataclass(frozen=True, slots=True)
class _Division:
    code: str
    level: Level
    above: tuple[str, ...]
    """Codes of the divisions above it, nearest first."""

    @property
    def name(self) -> str:
        return f"数{self.code}{_SUFFIX[self.level]}"


Seat = tuple[str, str | None]


def write_big_house(folder: Path, bodies: int, seed: int = 1) -> str:
    """Write `bodies.yaml` with exactly so many bodies into `folder`, beside copies of the sample's other files; returns the bureau's code.

    The same numbers give the same file. About one district agency in fifty was merged into another, one in two hundred abolished.
    Raises ValueError for fewer than `SMALLEST`.
    """
    if bodies < SMALLEST:
        raise ValueError(f"a country has at least {SMALLEST} bodies, so that every row of the routing table leads somewhere; asked for {bodies}")
    source = Path(config.__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    for path in source.rglob("*.yaml"):
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    (folder / "bodies.yaml").write_text("".join(_lines(bodies, random.Random(seed), load_bodies(source / "bodies.yaml"))), encoding="utf-8")  # noqa: S311
    return BUREAU


def _lines(wanted: int, chance: random.Random, sample: Bodies) -> Iterator[str]:
    divisions, seats = _country(wanted, sample)
    yield "# An invented country, made by a program.\n\ndivisions:\n"
    for one in divisions:
        above = f', superior: "{one.above[0]}"' if one.above else ""
        yield f'  - {{code: "{one.code}", name: {one.name}, level: {one.level}{above}}}\n'
    yield "\nbodies:\n"
    taken = {(kind, sector, one.code) for one in divisions for kind, sector in seats[one.code]}
    for one in divisions:
        fates = _fates(one, seats[one.code], chance) if sample.place(one.code) is None else {}
        for kind, sector in seats[one.code]:
            yield _entry(kind, sector, one, taken) + fates.get(sector, "")


def _fates(one: _Division, seats: list[Seat], chance: random.Random) -> dict[str | None, str]:
    """What became of a district's agencies, by sector: a few were merged into one that lasts, fewer abolished."""
    agencies = [sector for kind, sector in seats if kind == "agency"] if one.level == "district" else []
    draws = {sector: chance.random() for sector in agencies}
    lasting = [sector for sector in agencies if draws[sector] >= 0.025]
    fates: dict[str | None, str] = {}
    for sector in agencies:
        day = f"{chance.randint(2010, 2025)}-07-01"
        if lasting and draws[sector] < 0.02:
            fates[sector] = f"    successor: agency-{chance.choice(lasting)}-{one.code}\n    since: {day}\n"
        elif draws[sector] < 0.025:
            fates[sector] = f"    abolished: {day}\n"
    return fates


def _country(wanted: int, sample: Bodies) -> tuple[list[_Division], dict[str, list[Seat]]]:
    """Divisions, and who sits in each, until there are enough; where the next district would not fit, townships fill up what is left."""
    usual: dict[str, list[Seat]] = {level: [] for level in LEVELS}
    for body in sample:
        if body.lasts and (body.kind, body.sector) not in usual[body.level]:
            usual[body.level].append((body.kind, body.sector))
    seats: dict[str, list[Seat]] = {}
    divisions: list[_Division] = []
    left = wanted
    for one in _order(sample):
        here = usual[one.level]
        if one.level != "township" and len(here) > left:
            break
        divisions.append(one)
        seats[one.code] = here[:left]
        left -= len(seats[one.code])
    more = ((f"{one.code}{number:03d}", one) for number in range(900, 999) for one in divisions if one.level == "district")
    while left:
        code, district = next(more)
        divisions.append(_Division(code, "township", (district.code, *district.above)))
        seats[code] = usual["township"][:left]
        left -= len(seats[code])
    return divisions, seats


def _order(sample: Bodies) -> Iterator[_Division]:
    """The sample's own divisions, then the others, each after the one above it."""
    own = [_Division(place.code, place.level, tuple(above.code for above in sample.lineage(place.code)[1:])) for place in sample.places]
    yield from own
    known = {one.code for one in own}
    yield from (one for one in _others(own[0].code) if one.code not in known)


def _others(nation: str) -> Iterator[_Division]:
    for p in PROVINCES:
        province = f"{p}0000"
        yield _Division(province, "province", (nation,))
        for c in range(1, CITIES + 1):
            city = f"{p}{c:02d}00"
            yield _Division(city, "city", (province, nation))
            for d in range(2, DISTRICTS + 2):
                district = f"{p}{c:02d}{d:02d}"
                yield _Division(district, "district", (city, province, nation))
                for t in range(1, TOWNSHIPS + 1):
                    yield _Division(f"{district}{t:03d}", "township", (district, city, province, nation))


def _entry(kind: str, sector: str | None, at: _Division, taken: set[tuple[str, str | None, str]]) -> str:
    code = _code(kind, sector, at.code)
    own = next((_code(kind, sector, above) for above in at.above if (kind, sector, above) in taken), None)
    government = f"government-{at.code}" if ("government", None, at.code) in taken and kind != "government" else None
    superior = None if kind in _ALONE else own if kind in _LEADS else government
    also = [government] if kind == "bureau" else [own] if kind in ("police", "agency") else []
    led_by = [leader for leader in also if leader is not None and leader != superior]
    profile = "agency" if kind == "government" else kind
    name = f"{at.name}{(sector or '').replace('_', '')}{_ZH[kind]}"
    lines = [f"  - code: {code}", f"    name: {name}", f"    kind: {kind}"]
    lines += [f"    sector: {sector}"] if sector else []
    lines += [f"    level: {at.level}", f'    division: "{at.code}"', f"    superior: {superior or 'null'}"]
    lines += [f"    led_by: [{', '.join(led_by)}]"] if led_by else []
    way = "{kind: desk}" if kind in _DESKS else f'{{kind: http, options: {{url: "{{sandbox}}/{code}"}}}}'
    lines += [f"    profile: {profile}", f"    connector: {way}"]
    return "\n".join(lines) + "\n"


def _code(kind: str, sector: str | None, division: str) -> str:
    return "-".join(part for part in (kind, sector, division) if part)
