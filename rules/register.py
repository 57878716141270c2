"""What rests on no text that somebody has read: every such limit, duty, routing row, register row and gap, until an operator confirms it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from config.confirmed import Confirmed, clock_cases
from config.gaps import Gaps
from config.roadmap import Case, ClocksFile
from config.routing import RoutingTable
from config.statutes import Register, Statute
from rules.limits import parse_limit

VERIFIED_ZH = {"yes": "已核对条文", "quote": "据转引", "memory": "凭记忆", "inference": "我方理解", "internal": "内部时限"}
"""How well a basis is known, as an operator reads it."""
OPEN = frozenset({"memory", "inference", "internal"})
"""What an operator has to confirm."""
_GAP = "法律空白"


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """One open point. `where`: its id, to be written in confirmed.yaml; `what`, `verified`, `meanwhile` are Chinese, for the operator.

    `meanwhile`: what the product does until somebody confirms it.
    """

    where: str
    what: str
    verified: str
    meanwhile: str


def unconfirmed(clocks: ClocksFile, table: RoutingTable, register: Register, gaps: Gaps, confirmed: Confirmed) -> list[Unconfirmed]:
    """Every open point of this configuration that nobody has confirmed: clocks and rungs, duties, routing rows, register rows, gaps, in this order."""
    done = confirmed.ids
    return [
        point for part in (_clocks(clocks), _duties(clocks), _routing(table), _register(register), _gaps(gaps)) for point in part if point.where not in done
    ]


def whom(case: Case) -> str:
    """For whom a case is, in a few words: `court、B3.1a`; `其余` for everybody else."""
    return "、".join((*case.profile, *case.branch, *case.track, *case.stage, *case.flag, *case.division)) or "其余"


def _clocks(clocks: ClocksFile) -> Iterator[Unconfirmed]:
    named = {**clocks.clocks, **clocks.rungs}
    for name, key, case in clock_cases(clocks):
        if case.verified in OPEN:
            label = "内部时限" if case.verified == "internal" else "法定（待确认）"
            extra = f"，可延长{parse_limit(case.extension).zh}" if case.extension else ""
            yield Unconfirmed(name, f"{named[key].zh}（{whom(case)}）{parse_limit(case.limit).zh}{extra}，{case.basis}", VERIFIED_ZH[case.verified], f"照此计时，到期日旁标“{label}”")


def _duties(clocks: ClocksFile) -> Iterator[Unconfirmed]:
    for kind, duty in clocks.duties.items():
        if duty.verified in OPEN:
            yield Unconfirmed(f"duties.{kind}", f"{duty.zh} {parse_limit(duty.limit).zh}" + (f"，{duty.basis}" if duty.basis else ""), VERIFIED_ZH[duty.verified],
                              "照此给经办人期限，届满提请联席会议")


def _routing(table: RoutingTable) -> Iterator[Unconfirmed]:
    for row in table.rows:
        if row.verified in OPEN:
            yield Unconfirmed(f"routing.{row.id}", f"{row.label}，{'；'.join(row.basis)}", VERIFIED_ZH[row.verified],
                              "照此转送，依据待确认" if row.to else "照此交经办人，依据待确认")


def _register(register: Register) -> Iterator[Unconfirmed]:
    for key, row in register.rows.items():
        if row.verified in OPEN:
            yield Unconfirmed(f"statutes.{key}", f"{row.actor}：{row.act}" + (f"（{'、'.join(parse_limit(limit).zh for limit in row.limit)}）" if row.limit else "") + f"，{row.article}",
                              VERIFIED_ZH[row.verified], _kept(row))


def _kept(row: Statute) -> str:
    if not row.seen:
        return f"不计时：{row.why}"
    return "由" + "、".join(f"{name} {value} " for kept in row.kept for name, value in (("期限", kept.clock), ("待办", kept.duty), ("守则", kept.guard), ("边", kept.edge))
                           if value).rstrip() + " 保证"


def _gaps(gaps: Gaps) -> Iterator[Unconfirmed]:
    for key, gap in gaps.gaps.items():
        yield Unconfirmed(f"gaps.{key}", f"{gap.question}，{gap.article}", _GAP, gap.meanwhile + (f"（{gap.setting}）" if gap.setting else ""))
