"""The register: every period of the law, and what in this product keeps it. Data with its article; `rules.register` asks it.

A limit that runs is written in clocks.yaml. A register row names the clock, duty, guard or edge that keeps it, or says why the product cannot see it;
here both are held together, so that neither can be changed without the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.roadmap import LIMIT, Case, ClocksFile, RoadMapFile
from config.source import Fault, Located, Problem, Strict, load_located, raise_if

FILE = "statutes.yaml"
RowId = Annotated[str, Field(pattern=r"^[A-Z][0-9]{2}[a-z]?$")]
Period = Annotated[str, Field(pattern=LIMIT)]
Said = Annotated[str, Field(min_length=2)]


class Kept(Strict):
    """What keeps a row: a `clock` with a case that names it, a `duty`, a `guard`, an `edge`; or `seen: no` with the reason (`why`)."""

    clock: str | None = None
    duty: str | None = None
    guard: str | None = None
    edge: str | None = None
    seen: Literal["no"] | None = None
    why: Said | None = None

    @model_validator(mode="after")
    def _one(self) -> Kept:
        if sum(value is not None for value in (self.clock, self.duty, self.guard, self.edge, self.seen)) != 1:
            raise Fault("kept 的每一项只写 clock、duty、guard、edge、seen 之一", "拆成几项，或删去多余的")
        if (self.seen is None) != (self.why is None):
            raise Fault("seen: no 须写明理由 why，其他各项不写 why", "补写或删去 why")
        return self


class Statute(Strict):
    """One row: who owes what after which event, within what time, by which article.

    Attributes:
        limit: the periods in the order in which `act` names them; empty where the law gives no number.
        extension, extended_by, extended_told: by how much, once; who approves; who is told. `leave`: an approver is named and no number.
        suspension, deemed: what stops the period, what the law presumes after it, in words.
        verified: how well the article was read.
    """

    trigger: Said
    actor: Said
    act: Said
    limit: tuple[Period, ...] = ()
    extension: Period | None = None
    extended_by: str = ""
    extended_told: str = ""
    leave: bool = False
    suspension: str = ""
    deemed: str = ""
    article: Said
    consequence: str = ""
    verified: Literal["yes", "quote", "memory", "inference"]
    kept: Annotated[tuple[Kept, ...], Field(min_length=1)]
    note: str = ""

    @model_validator(mode="after")
    def _sound(self) -> Statute:
        if (self.extension is not None or self.leave) and not self.extended_by:
            raise Fault("可以延长而没有写明由谁批准", "补写 extended_by")
        if any(kept.seen for kept in self.kept) and len(self.kept) > 1:
            raise Fault("既写 seen: no 又写由什么保证", "只留一种", ("kept",))
        return self

    @property
    def seen(self) -> bool:
        """Whether the product keeps it at all."""
        return self.kept[0].seen is None

    @property
    def why(self) -> str:
        """Why the product cannot see it; empty for a row that is kept."""
        return self.kept[0].why or ""


class Register(Strict):
    """The content of statutes.yaml. `instruments`: the key that every article begins with → the law's Chinese name and version."""

    instruments: Mapping[str, Said]
    rows: Annotated[Mapping[RowId, Statute], Field(min_length=1)]

    @model_validator(mode="after")
    def _articles(self) -> Register:
        for key, row in self.rows.items():
            for part in row.article.split(";"):
                if part.split()[0] not in self.instruments:
                    raise Fault(f"登记行 {key} 的条文“{part.strip()}”不以 instruments 中的简称开头", "补写该法的简称，或改正", ("rows", key, "article"))
        return self


def load_statutes(folder: Path, roads: RoadMapFile, clocks: ClocksFile, guards: Collection[str]) -> Register:
    """The register of a configuration folder, held against its road map and clocks.

    Raises:
        ConfigError: every fault: of the register itself; a clock's case that names no row, or differs from it; a row whose clock, duty, guard or edge does
            not keep it.
    """
    register, located = load_located(folder / FILE, Register)
    faults = [*_row_faults(register, located, roads, clocks, guards)]
    if any(_case_disagrees(register, key, case) for _, key, _, case in _cases(clocks)) or any(row not in register.rows for d in clocks.duties.values() for row in d.row):
        # Only now is it worth knowing on which lines the clocks stand.
        faults += _clock_faults(register, clocks, load_located(folder / "clocks.yaml", ClocksFile)[1])
    raise_if(faults)
    return register


def track_faults(folder: Path, clocks: ClocksFile, tracks: Collection[str]) -> list[Problem]:
    """Cases of clocks.yaml that wish for a track which routing.yaml does not declare."""
    if all(track in tracks for _, _, _, case in _cases(clocks) for track in case.track):
        return []
    at = load_located(folder / "clocks.yaml", ClocksFile)[1]
    return [
        at.problem(f"期限 {key} 写了路由表没有的轨道 {track}", "用 routing.yaml 的 tracks 中已有的名称", part, key, "cases", i)
        for part, key, i, case in _cases(clocks) for track in case.track if track not in tracks
    ]


def _cases(clocks: ClocksFile) -> Iterator[tuple[str, str, int, Case]]:
    for part, table in (("clocks", clocks.clocks), ("rungs", clocks.rungs)):
        for key, clock in table.items():
            for i, case in enumerate(clock.cases):
                yield part, key, i, case


def _case_disagrees(register: Register, key: str, case: Case) -> tuple[str, str] | None:
    """What is wrong between a case and the rows it names, and the cure; None when they agree."""
    for name in case.row:
        if name not in register.rows:
            return f"期限 {key} 写了登记表中没有的行 {name}", "改正 row，或在 statutes.yaml 中补写该行"
        if not any(kept.clock == key for kept in register.rows[name].kept):
            return f"期限 {key} 写明保证 {name}，而登记表的 {name} 没有写 {{clock: {key}}}", "在 statutes.yaml 该行的 kept 中补上，或删去 row"
    rows = [register.rows[name] for name in case.row]
    stated = [row for row in rows if row.limit]
    if case.verified in ("yes", "quote") and not any(case.limit in row.limit for row in stated):
        said = "、".join(limit for row in stated for limit in row.limit)
        return (f"期限 {key} 的 {case.limit} 写作法定，而所保证的行{'写的是 ' + said if said else '没有这个数字'}",
                "改正 limit 或 row；法律没有数字的写 verified: internal")
    # An internal limit may be tighter than the law's, a local one above all; memory and readings must still be somebody's number.
    if case.verified in ("memory", "inference") and stated and not any(case.limit in row.limit for row in stated):
        return f"期限 {key} 的 {case.limit} 与登记行 {'、'.join(case.row)} 写的都不同", "改正 limit 或登记行；自定的期限写 verified: internal"
    if case.extension is not None and rows and not any(case.extension == row.extension or row.leave for row in rows):
        return f"期限 {key} 可延长 {case.extension}，而登记行 {'、'.join(case.row)} 没有这样的延长", "改正 extension 或登记行"
    if case.extension is None and case.verified in ("yes", "quote") and any(row.extension and row.limit == (case.limit,) for row in stated):
        return f"期限 {key} 没有写延长，而登记行 {'、'.join(case.row)} 可以延长", "补写 extension、extended_by"
    if case.extension is not None and not case.extended_by:
        return f"期限 {key} 可以延长而没有写明由谁批准", "补写 extended_by"
    return None


def _clock_faults(register: Register, clocks: ClocksFile, at: Located) -> Iterator[Problem]:
    for part, key, i, case in _cases(clocks):
        if (fault := _case_disagrees(register, key, case)) is not None:
            yield at.problem(*fault, part, key, "cases", i)
    for kind, duty in clocks.duties.items():
        for name in duty.row:
            if name not in register.rows:
                yield at.problem(f"待办 {kind} 写了登记表中没有的行 {name}", "改正 row，或在 statutes.yaml 中补写该行", "duties", kind)


def _row_faults(register: Register, at: Located, roads: RoadMapFile, clocks: ClocksFile, guards: Collection[str]) -> Iterator[Problem]:
    keeps = {(key, name) for _, key, _, case in _cases(clocks) for name in case.row}
    edges = {edge.message for machine in (roads.petition, roads.handoff) for edge in machine.edges}
    used = {guard for machine in (roads.petition, roads.handoff) for edge in machine.edges for guard in edge.guards}
    for key, row in register.rows.items():
        for i, kept in enumerate(row.kept):
            here = ("rows", key, "kept", i)
            if kept.clock is not None and (kept.clock, key) not in keeps:
                yield at.problem(f"登记行 {key} 由期限 {kept.clock} 保证，而该期限没有一行写 row: [{key}]", "在 clocks.yaml 中补上，或改正 kept", *here)
            if kept.duty is not None and (kept.duty not in clocks.duties or key not in clocks.duties[kept.duty].row):
                yield at.problem(f"登记行 {key} 由待办 {kept.duty} 保证，而该待办没有写 row: [{key}]", "在 clocks.yaml 的 duties 中补上，或改正 kept", *here)
            if kept.guard is not None and (kept.guard not in guards or kept.guard not in used):
                yield at.problem(f"登记行 {key} 由守则 {kept.guard} 保证，而路线图没有用它", "改正 kept，或在 roadmap.yaml 的边上写这条守则", *here)
            if kept.edge is not None and kept.edge not in edges:
                yield at.problem(f"登记行 {key} 由边 {kept.edge} 保证，而路线图没有这条边", "改正 kept，或在 roadmap.yaml 中补上", *here)
