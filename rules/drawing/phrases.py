"""Parts of the configuration as Chinese phrases: a destination, a case of a clock, its limit, what follows when it runs out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from config.areas import Areas
from config.bodies import LEVEL_ZH
from config.confirmed import case_id
from config.facts import NAMES, shown
from config.roadmap import Case, Clock, RoadMapFile
from config.rows import ABSENT, KNOWN, Destination, Remedy, Row, Scalar
from rules.drawing.words import FLAG_ZH, HOLDER_ZH, KIND_ZH, LEVEL_RULE_ZH, VERIFIED_ZH
from rules.house import House
from rules.limits import parse_limit
from rules.words import STAGE_ZH

_OWN = re.compile(r"handoff-protocol [0-9.]+( W[0-9]+)?|statutes §[0-9()]+")


def approval(by: str, told: str) -> tuple[str, str]:
    """`负责人批准`, `告知信访人`: the configuration may have written the verbs or left them out."""
    return f"{by.removesuffix('批准')}批准" if by else "", f"告知{told.removeprefix('告知')}" if told else ""


@dataclass(frozen=True)
class Phrases:
    """How one house's configuration is said in Chinese."""

    house: House
    areas: Areas

    @property
    def roads(self) -> RoadMapFile:
        return self.house.roads.file

    @cached_property
    def _statutes(self) -> Mapping[str, str]:
        return {key: re.split("[（；]", name)[0] for key, name in self.house.register.instruments.items()}

    @cached_property
    def _code(self) -> re.Pattern[str]:
        codes = sorted((re.escape(key) for key in self._statutes if key.isascii()), key=len, reverse=True)
        return re.compile(rf"(?<![A-Za-z-])({'|'.join(codes)})(?= |\b)")

    def basis(self, text: str) -> str:
        """`XF 22(1), 30; FY 62` with the statutes' Chinese names; what is no statute is the product's own rule and says so."""
        named = self._code.sub(lambda found: self._statutes[found[1]], text) if self._statutes else text
        return _OWN.sub("本系统规则", named).replace("; ", "；").replace(", ", "、")

    def label(self, verified: str, where: str = "") -> str:
        """What a limit or row rests on; `where`: its id in confirmed.yaml."""
        if where in self.house.confirmed.ids:
            return "内部时限（已确认）" if verified == "internal" else "法定（已确认）"
        return VERIFIED_ZH[verified]

    def case_label(self, key: str, case: Case) -> str:
        """What a case of a clock or rung rests on."""
        return self.label(case.verified, case_id(key, case, self.house.roads.is_rung(key)))

    def row_label(self, row: Row) -> str:
        """What a routing row rests on."""
        return self.label(row.verified, f"routing.{row.id}")

    def destination(self, to: Destination) -> str:
        """`人民法院（事项所属层级）`; a sector by its name, what the facts decide as that."""
        if to.body is not None:
            return "作出原决定的机关"
        kind = KIND_ZH.get(to.kind or "", to.kind or "")
        if to.sector is not None:
            kind = "主管该领域的行政机关" if to.sector.startswith("$") else f"{self.areas.sectors.get(to.sector, to.sector)}部门"
        end = "" if to.missing == "climb" else "；没有的交经办人"
        return f"{kind}（{LEVEL_RULE_ZH[to.level]}{end}）"

    def goes(self, row: Row) -> str:
        """Where a row leads: a body, or the clerk with the reason."""
        also = "；并通报" + "、".join(map(self.destination, row.also)) if row.also else ""
        return self.destination(row.to) + also if row.to is not None else f"经办人：{row.clerk}"

    @staticmethod
    def way(row: Row) -> str:
        """`转送（走访的：引导）`."""
        return (row.way or "—") + (f"（走访的：{row.visit.way}）" if row.visit is not None and row.visit.way != row.way else "")

    def track(self, row: Row) -> str:
        """The clock track's name, empty where the row has none."""
        return self.house.table.tracks.get(row.track or "", "")

    def conditions(self, row: Row) -> str:
        """The facts that must hold for a row."""
        return "，".join(f"{NAMES[name]}为{'或'.join(self._value(name, each) for each in row.wants(name))}" for name in row.when)

    def _value(self, name: str, value: Scalar) -> str:
        if value in (ABSENT, KNOWN):
            return shown(value)
        if name == "situation" and value in self.house.table.situations:
            return self.house.table.situations[str(value)].zh
        if name == "sector":
            return self.areas.sectors.get(str(value), str(value))
        return f"第{value}项" if name == "art31" else shown(value)

    def whom(self, case: Case) -> str:
        """For whom a case is: its conditions, or everybody (else)."""
        places = [(self.house.bodies.place(code), code) for code in case.division]
        parts = ["、".join(f"{place.name}（{LEVEL_ZH[place.level]}）" if place else f"区划 {code}" for place, code in places),
                 "、".join(KIND_ZH.get(each, each) for each in case.profile), "、".join(f"分支 {each}" for each in case.branch),
                 "、".join(self.house.table.tracks.get(each, each) for each in case.track), "、".join(STAGE_ZH[each] for each in case.stage),
                 "、".join(FLAG_ZH.get(each, each) for each in case.flag)]
        return "；".join(part for part in parts if part) or "其他各种情形"

    @staticmethod
    def limit(case: Case) -> str:
        """`60日，可延长一次 30日（负责人批准，告知信访人）`."""
        more = "，".join(each for each in approval(case.extended_by, case.extended_told) if each)
        longer = f"，可延长一次 {parse_limit(case.extension).zh}" + (f"（{more}）" if more else "") if case.extension else ""
        start = "（自送达起算）" if case.counts_from == "delivery" else ""
        return parse_limit(case.limit).zh + start + longer + ("；届满依法视为受理" if case.deemed else "")

    def after(self, clock: Clock) -> str:
        """What happens when nobody acts in time, one sentence."""
        follow = clock.on_expiry
        steps = ["自动催办" if follow.urge else "", f"{HOLDER_ZH[follow.duty.holder]}待办“{follow.duty.zh}”" if follow.duty else ""]
        if follow.next is not None:
            rung = self.house.roads.clock(follow.next)
            again = "再次：" if clock.repeats else "转入："
            steps.append(f"{again}{rung.zh}（{HOLDER_ZH[rung.owes]}，{'、'.join(parse_limit(case.limit).zh for case in rung.cases)}）")
        if follow.flag and not any(steps):
            steps.append("只作标记，不推定任何结果")
        return "；".join(step for step in steps if step) or "—"

    def ladder(self, clock: Clock) -> str:
        """The rungs after a clock, to the end: `催办后答复 → 督办后答复 → 联席会议协调（反复提请）`."""
        names: list[str] = []
        follow, seen = clock.on_expiry.next, set[str]()
        while follow is not None and follow not in seen:
            seen.add(follow)
            rung = self.house.roads.clock(follow)
            names.append(rung.zh + ("（反复提请）" if rung.repeats else ""))
            follow = rung.on_expiry.next
        return " → ".join(names) or "不升级"

    def remedy(self, remedy: Remedy) -> str:
        """`申请行政复议（自知道行政行为之日起六十日内；行政复议法第二十条）`."""
        return f"{remedy.zh}（{'；'.join(each for each in (remedy.limit or '', self.basis(remedy.basis)) if each)}）"
