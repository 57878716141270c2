"""Every combination of class, branch, situation, level and division has a row that speaks, and its destination a body that can be reached or a clerk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, get_args

from config.bodies import LEVELS, Body
from config.facts import Branch, Channel, Facts, Organ
from config.routing import ABSENT, KNOWN, Destination, Row, Scalar
from rules.destination import Seat, resolve
from rules.proof.defect import ROUTING, Defect, Note
from rules.proof.parts import DESK, Parts
from rules.routing import Routed, route

_TEST_NUMBER = "XF" + "0" * 20
# A visitor may be told where to go instead of being sent on; every other channel is treated alike.
_CHANNELS: tuple[Channel, ...] = ("letter", "visit")
Axes = Mapping[str, tuple[Any, ...]]


def _values(fact: str) -> tuple[Any, ...]:
    """The values that a closed fact may have, from its type."""
    return tuple(v for arm in get_args(Facts.model_fields[fact].annotation) for v in get_args(arm) if v is not type(None))


class Routes:
    """The checks over routing.yaml. `asked`, `seated`, `to_clerk` count what was tried, `notes` is filled by `defects`."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.asked = self.seated = self.to_clerk = 0
        self.notes: list[Note] = []
        self._rows = {row.id: i for i, row in enumerate(parts.table.rows)}
        self._home = parts.bodies.get(parts.bureau).division if parts.bureau in parts.bodies else ""
        self._sectors = tuple(sorted({body.sector for body in parts.bodies if body.sector and body.lasts}))
        self._places = tuple(place.code for place in parts.bodies.places)
        self._near = frozenset(code for code in self._places if any(p.code == self._home for p in parts.bodies.lineage(code)))

    def defects(self) -> Iterator[Defect]:
        yield from self._branches()
        yield from self._holes()
        yield from self._shadowed()
        yield from self._destinations()

    def _where(self, row: Row) -> tuple[str | int, ...]:
        return ("rows", self._rows[row.id])

    # -- does any row speak? ---------------------------------------------------------------------------------------------------

    def _branches(self) -> Iterator[Defect]:
        there = {row.branch for row in self.parts.table.rows}
        for branch in get_args(Branch):
            if not any(has.startswith(branch) for has in there):
                yield Defect("branch-without-row", ROUTING, ("rows",), f"分支 {branch} 没有任何一行", "补写该分支的行，或由经办人处理的行（clerk）")

    def combinations(self) -> Iterator[dict[str, Any]]:
        """What a clerk may have established, for every branch and every named situation, in every way the law tells them apart."""
        organs, sector = get_args(Organ), self._sectors or (None,)
        some = self._some_body()
        kinds: list[tuple[dict[str, Any], Axes]] = [
            ({"klass": "suggestion"}, {"organ": organs}),
            ({"klass": "suggestion"}, {"sector": sector}),
            ({"klass": "accusation"}, {"accusation": ("discipline", "cadre"), "accused_level": LEVELS, "grave": (None, True)}),
            ({"klass": "accusation"}, {"accusation": _values("accusation"), "appeal": _values("appeal"), "accused_level": LEVELS}),
            ({"klass": "accusation", "accusation": "law"}, {"organ": ("procuratorate", "police")}),
            ({"klass": "accusation", "accusation": "law"}, {"sector": sector}),
            ({"klass": "claim", "art31": 1}, {"organ": organs, "in_litigation": (None, False, True)}),
            ({"klass": "claim", "in_litigation": True}, {"organ": (None, *organs)}),
            ({"klass": "claim", "art31": 1, "organ": "court"}, {"stage": _values("stage"), "in_litigation": (None, False, True)}),
            ({"klass": "claim", "art31": 2}, {"arbitration": _values("arbitration"), "expropriation": (None, False)}),
            ({"klass": "claim", "art31": 2, "arbitration": "land", "expropriation": True}, {}),
            ({"klass": "claim", "art31": 3}, {"appeal": _values("appeal"), "decided_by": (None, some)}),
            ({"klass": "claim", "art31": 3, "decided_by": some}, {}),
            ({"klass": "claim", "art31": 4}, {"procedure": (None, *_values("procedure")), "sector": sector}),
            ({"klass": "claim", "art31": 4, "organ": "police"}, {"procedure": (None, *_values("procedure"))}),
            ({"klass": "claim", "art31": 5}, {"duty": (None, *_values("duty")), "sector": sector}),
            ({"klass": "claim", "art31": 5, "organ": "police"}, {"duty": (None, *_values("duty"))}),
            ({"klass": "claim"}, {"art31": (None, 6), "organ": ("police",), "important": (None, False, True)}),
            ({"klass": "claim"}, {"art31": (None, 6), "sector": sector, "important": (None, False, True)}),
            ({"klass": "claim", "art31": 6, "simple": True, "first_time": True}, {"sector": sector}),
        ]
        for art31 in range(1, 7):
            # what must not be sent on, whatever else is known
            kinds += [({"klass": "claim", "art31": art31, name: value}, {"organ": (None, *organs[:1]) if art31 == 1 else (None,)})
                      for name, value in (("grave", True), ("several_bodies", True), ("reviewed", True), ("concluded", True), ("in_litigation", True),
                                          ("pending_elsewhere", _TEST_NUMBER), ("accusation", "discipline"), ("accused_body", some))]
        for name, value in (("grave", True), ("several_bodies", True), ("pending_elsewhere", _TEST_NUMBER), ("accusation", "law"), ("accused_body", some)):
            kinds.append(({"klass": "suggestion", name: value}, {}))
        for name, situation in self.parts.table.situations.items():
            asks: dict[str, tuple[Any, ...]] = {"organ": organs, "sector": sector, "decided_by": (None, some), "accused_body": (some,)}
            told: dict[str, tuple[Any, ...]] = {ask: asks[ask] for ask in situation.asks}
            kinds.append(({"situation": name, "accused_level": "district"} if situation.branch.startswith("B2") and "accused_body" not in told else {"situation": name}, told))
        for base, axes in kinds:
            for values in product(*axes.values()):
                yield base | {k: v for k, v in zip(axes, values, strict=True) if v is not None}

    def _some_body(self) -> str | None:
        return next((body.code for body in self.parts.bodies if body.division in self._near and body.lasts and body.code != self.parts.bureau), None)

    def _holes(self) -> Iterator[Defect]:
        told: set[str] = set()
        for combination in self.combinations():
            for channel in _CHANNELS:
                facts = Facts.model_validate({**combination, "division": self._home, "channel": channel})
                self.asked += 1
                answer = route(facts, self.parts.table, self.parts.bodies, self.parts.bureau)
                if isinstance(answer, Routed) or answer.row is not None or answer.rows:
                    continue
                shown = " ".join(f"{k}={v}" for k, v in combination.items() if v != _TEST_NUMBER)
                if shown not in told:
                    told.add(shown)
                    yield Defect("routing-hole", ROUTING, ("rows",), f"没有一行适用于 {shown}（{answer.reason}）", "补写一行，或写由经办人处理的行（clerk）")

    # -- is any row never reached? ----------------------------------------------------------------------------------------------

    def _shadowed(self) -> Iterator[Defect]:
        situations = self.parts.table.situations
        cells = {row.id: list(_cells(row, situations)) for row in self.parts.table.rows}
        ranked = sorted(self.parts.table.rows, key=lambda row: row.rank)
        for n, row in enumerate(ranked):
            stronger = [other for other in ranked[:n] if other.rank < row.rank]
            hidden = [next((o for o in stronger for wide in cells[o.id] if _within(cell, wide)), None) for cell in cells[row.id]]
            if hidden and all(hidden):
                by = "、".join(dict.fromkeys(o.id for o in hidden if o))
                yield Defect("row-unreachable", ROUTING, self._where(row), f"行 {row.id}（{row.label}）永不适用：次序更前的 {by} 先适用", "改小该行的 rank，或收窄前面的行，或删去该行")

    # -- does it lead to somebody? ----------------------------------------------------------------------------------------------

    def _destinations(self) -> Iterator[Defect]:
        known: dict[tuple[Destination, str | None], tuple[bool, list[str]]] = {}
        for row in self.parts.table.rows:
            if row.to is None:
                continue
            wanted = row.when.get("sector")
            sector = wanted if isinstance(wanted, str) and wanted in self._sectors else None
            if (row.to, sector) not in known:
                known[row.to, sector] = self._try(row.to, sector)
            anybody, bare = known[row.to, sector]
            if not anybody:
                yield Defect("row-to-nobody", ROUTING, (*self._where(row), "to"), f"“{row.label}”（{row.id}）在任何区划都找不到去向", "改正去向，或在 bodies.yaml 中补写该机关")
            elif bare and row.to.missing == "climb":
                yield Defect("no-destination", ROUTING, (*self._where(row), "to"), f"“{row.label}”（{row.id}）在本辖区有 {len(bare)} 种情形找不到机关，例如 {bare[0]}",
                             "在 bodies.yaml 中补写本级或上级的机关，或写 missing: clerk")
        left = sum(len(bare) for _, bare in known.values())
        if left:
            self.notes.append(Note("clerk-decides", f"{left} 种区划、层级与去向的组合没有相应机关", "交经办人，说明缺少哪一级的哪个机关"))

    def _try(self, to: Destination, sector: str | None) -> tuple[bool, list[str]]:
        """Whether this destination means anybody anywhere, and for which facts inside the bureau's territory it means nobody."""
        if to.body is not None:
            self.seated += len(self.parts.bodies)
            return any(self._reached(body) for body in self.parts.bodies), []
        organs: tuple[str | None, ...] = get_args(Organ) if to.kind == "$organ" else (None,)
        sectors: tuple[str | None, ...] = ((sector,) if sector else self._sectors) if to.sector == "$sector" else (None,)
        levels: tuple[str | None, ...] = LEVELS if to.level == "above_accused" else (None,)
        anybody, bare = False, []
        for division, organ, field, level in product(self._places, organs, sectors, levels):
            told: dict[str, Any] = {"division": division, "organ": organ, "sector": field, "accused_level": level}
            seat = resolve(to, Facts.model_construct(**told), self.parts.bodies)
            if isinstance(seat, Seat) and self._reached(seat.body):
                self.seated += 1
                anybody = True
            else:
                self.to_clerk += 1
                # Above the bureau's own level the directory need not reach: the clerk reports it up.
                beyond = to.level == "above_accused" or (to.level == "above_matter" and division == self._home)
                if division in self._near and not beyond and not (isinstance(seat, str) and "已撤销" in seat):
                    bare.append(" ".join(str(v) for v in told.values() if v is not None))
        return anybody, bare

    def _reached(self, body: Body) -> bool:
        return body.code != self.parts.bureau and (body.connector.kind == DESK or body.connector.kind in self.parts.kinds)


def _cells(row: Row, situations: Mapping[str, Any]) -> Iterator[dict[str, frozenset[Scalar]]]:
    """What the row accepts of each fact, once for every situation it names, with what that situation implies."""
    base = {name: frozenset(row.wants(name)) for name in row.when}
    named = [str(v) for v in row.wants("situation") if str(v) in situations]
    if not named:
        yield base
    for name in named:
        implied = {fact: frozenset({value}) for fact, value in situations[name].facts.items()}
        yield {**implied, **base, "situation": frozenset({name})}


def _within(narrow: Mapping[str, frozenset[Scalar]], wide: Mapping[str, frozenset[Scalar]]) -> bool:
    """Whether every petition of the narrow cell is one of the wide one."""
    for name, accepted in wide.items():
        has = narrow.get(name)
        if has is None:
            return False
        for value in has:
            if not ((value != ABSENT and KNOWN in accepted) or value in accepted):
                return False
    return True
