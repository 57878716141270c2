"""Schemas of roadmap.yaml and clocks.yaml, and what must hold between the two before the product may start."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field

from config.bodies import Profile
from config.facts import Branch
from config.source import Located, Problem, Strict, load_located, raise_if

Writer = Literal["bureau", "partner", "system", "arbiter"]
Holder = Literal["bureau", "partner", "party", "joint_conference", "arbiter", "handoff"]
Stage = Literal["handling", "review", "rereview"]
CountsFrom = Literal["state", "delivery", "acceptance"]
Verified = Literal["yes", "quote", "memory", "inference", "internal"]
LIMIT = r"^[1-9][0-9]*(wd|d|mo|h|min)$"
SAME = "same"
# Duties that the product opens by itself, wherever the map stands.
NEEDED_DUTIES = frozenset({"quarantine", "difference", "undelivered", "security", "conference"})
_PROFILES = frozenset(get_args(Profile))
_BRANCHES = frozenset(get_args(Branch))


class DutySpec(Strict):
    """A thing a person must do: kind (a word of the code) and zh (what the clerk reads)."""

    kind: str
    zh: str


class EdgeDuty(DutySpec):
    """A duty that an act brings: always, only where the message says so (`when`: field to value), or unless it says a thing (`unless`: a field)."""

    when: dict[str, str] = Field(default_factory=dict)
    unless: str | None = None

    def follows(self, said: Mapping[str, object]) -> bool:
        """Whether a message with these fields brings the duty."""
        return all(said.get(name) == value for name, value in self.when.items()) and not (self.unless and said.get(self.unless))


class RungDuty(DutySpec):
    holder: Literal["bureau", "joint_conference"]


class State(Strict):
    zh: str
    holder: Holder | None = None
    clocks: tuple[str, ...] = ()
    duty: DutySpec | None = None
    end: bool = False
    fhir: str | None = None
    petition: str | None = None
    petition_by_stage: dict[Stage, str] = Field(default_factory=dict)
    looped: str | None = None


class Edge(Strict):
    """One way out of a state (or, to `same`, an act that leaves the state as it is). `stage`: of the hand-off that it opens.

    `restarts`: a clock that begins anew with it, where the clock's case says so.
    """

    message: str
    from_: tuple[str, ...] = Field(alias="from", min_length=1)
    to: str
    writer: Writer
    basis: str
    guards: tuple[str, ...] = ()
    sends: str | None = None
    petition: str | None = None
    flag: str | None = None
    extends: str | None = None
    duty: EdgeDuty | None = None
    implied_receipt: bool = False
    stage: Stage = "handling"
    by_hand: bool = False
    restarts: str | None = None


class Machine(Strict):
    start: str
    states: dict[str, State]
    edges: tuple[Edge, ...]


class RoadMapFile(Strict):
    petition: Machine
    handoff: Machine


@dataclass(frozen=True, slots=True)
class ClockContext:
    """What decides how long a clock runs for one hand-off: of the body, of the petition, of the road it takes.

    `division` is the body's (six or nine digits); `flags` those of the hand-off; `track` the clock track its routing row names, or "".
    """

    profile: str
    branch: str
    track: str = ""
    stage: Stage = "handling"
    flags: frozenset[str] = frozenset()
    division: str = ""


class Case(Strict):
    """One limit of a clock, and for whom. Conditions are joined by and, the values of one by or; none at all means everybody else.

    Attributes:
        division: prefixes of division codes: a province's tighter rule holds in all of it.
        extension, extended_by, extended_told: by how much it may be lengthened, once; who approves; who must be told.
        deemed: the edge that the system takes when the time is up (行政复议法 art 30, and nothing else).
        pauses_in: states that stop this case beside those that stop the whole clock (信访工作条例 art 36(2): hearings, at 复核 only).
        runs_in: states that stop the whole clock but not this case (信访工作条例 art 34 knows no suspension).
        restarts: whether an act that `restarts` the clock begins it anew here (登记立案规定 art 7, 行政复议法 art 31).
        row: ids of the rows of statutes.yaml that it keeps.
        counts_from: what the law counts from, where that is not what the whole clock counts from.
        id: what tells it from the other cases of its clock where its rows do not (see `name`).
    """

    limit: str = Field(pattern=LIMIT)
    basis: str
    verified: Verified
    row: tuple[str, ...] = ()
    profile: tuple[str, ...] = ()
    branch: tuple[str, ...] = ()
    track: tuple[str, ...] = ()
    stage: tuple[Stage, ...] = ()
    flag: tuple[str, ...] = ()
    division: tuple[str, ...] = ()
    extension: str | None = Field(None, pattern=LIMIT)
    extended_by: str = ""
    extended_told: str = ""
    deemed: str | None = None
    pauses_in: tuple[str, ...] = ()
    runs_in: tuple[str, ...] = ()
    restarts: bool = False
    counts_from: CountsFrom | None = None
    id: str = Field("", pattern=r"^[a-z0-9-]*$")

    @property
    def name(self) -> str:
        """Its stable name within its clock: its id, or the rows it keeps, or `rest`. An operator confirms `clocks.<clock>#<name>`."""
        return self.id or "+".join(self.row) or "rest"

    @property
    def open_to_all(self) -> bool:
        """Whether it fits every hand-off."""
        return not (self.profile or self.branch or self.track or self.stage or self.flag or self.division)

    def fits(self, at: ClockContext) -> bool:
        """Whether this case is the one for that hand-off, if none before it is."""
        return (
            (not self.profile or at.profile in self.profile) and (not self.branch or at.branch in self.branch)
            and (not self.track or at.track in self.track) and (not self.stage or at.stage in self.stage)
            and (not self.flag or not at.flags.isdisjoint(self.flag)) and (not self.division or at.division.startswith(self.division))
        )


class OnExpiry(Strict):
    flag: str | None = None
    urge: bool = False
    duty: RungDuty | None = None
    next: str | None = None


class Clock(Strict):
    """A limit that runs in the states that name it. `trigger`: what starts it, for readers; `stage`: the only stages in which it runs (none: all).

    `counts_from`: its first day is that of the `state` that starts it, of the hand-off's `delivery`, or of its `acceptance`; a case may say otherwise.
    A clock without a case for everybody must say `optional`: it then does not run where no case fits, and no state may rest on it alone.
    """

    zh: str
    owes: Literal["bureau", "partner", "party", "joint_conference", "arbiter"]
    cases: tuple[Case, ...] = Field(min_length=1)
    on_expiry: OnExpiry
    warn: tuple[float, ...] = ()
    pauses_in: tuple[str, ...] = ()
    repeats: bool = False
    trigger: str = ""
    stage: tuple[Stage, ...] = ()
    counts_from: CountsFrom = "state"
    optional: bool = False


class DutyLimit(Strict):
    zh: str
    limit: str = Field(pattern=LIMIT)
    basis: str = ""
    verified: Verified = "internal"
    row: tuple[str, ...] = ()
    holder: Literal["bureau", "joint_conference", "addressee"] = "bureau"


class ClocksFile(Strict):
    clocks: dict[str, Clock]
    rungs: dict[str, Clock]
    duties: dict[str, DutyLimit]


def load_roadmap(folder: Path, guards: Collection[str]) -> tuple[RoadMapFile, ClocksFile]:
    """Road map and clocks of a configuration folder, checked one against the other. `guards`: the names that edges may use.

    Raises:
        ConfigError: every fault found, each with file, line and cure.
    """
    roads, road_at = load_located(folder / "roadmap.yaml", RoadMapFile)
    clocks, clock_at = load_located(folder / "clocks.yaml", ClocksFile)
    petition_states = roads.petition.states.keys()
    raise_if([*_machine_faults("petition", roads.petition, clocks, road_at, guards, petition_states),
              *_machine_faults("handoff", roads.handoff, clocks, road_at, guards, petition_states), *_clock_faults(roads, clocks, clock_at)])
    return roads, clocks


def _machine_faults(
    name: str, machine: Machine, clocks: ClocksFile, at: Located, guards: Collection[str], petition_states: Collection[str],
) -> Iterator[Problem]:
    states = machine.states
    if machine.start not in states:
        yield at.problem(f"起始状态 {machine.start} 不存在", "写一个 states 中已有的状态", name, "start")
    for key, state in states.items():
        here = (name, "states", key)
        if state.end and (state.clocks or state.holder):
            yield at.problem(f"终结状态 {key} 不应再有持有者或期限", "删去 holder 和 clocks，或删去 end", *here)
        if not state.end and state.holder is None:
            yield at.problem(f"状态 {key} 没有持有者", "写明 holder：谁必须采取下一步", *here)
        if not state.end and state.holder != "handoff" and not state.clocks:
            yield at.problem(f"等待状态 {key} 没有期限", "在 clocks 中写明至少一个期限（见 clocks.yaml）", *here)
        for follow in filter(None, (state.petition, state.looped, *state.petition_by_stage.values())):
            if follow not in petition_states:
                yield at.problem(f"状态 {key} 使信访事项进入不存在的状态 {follow}", "写一个 petition.states 中已有的状态", *here, "petition")
        for clock in state.clocks:
            if clock not in clocks.clocks:
                yield at.problem(f"状态 {key} 的期限 {clock} 在 clocks.yaml 中不存在", "改正名称，或在 clocks.yaml 中补上该期限", *here, "clocks")
    writers: dict[tuple[str, str], tuple[int, str]] = {}
    for i, edge in enumerate(machine.edges):
        here_edge = (name, "edges", i)
        for state_name in (*edge.from_, *(() if edge.to == SAME else (edge.to,))):
            if state_name not in states:
                yield at.problem(f"边 {edge.message} 指向不存在的状态 {state_name}", "写一个 states 中已有的状态", *here_edge)
        for start in edge.from_:
            before = writers.setdefault((start, edge.message), (i, edge.writer))
            if before[0] != i:
                both = f"{before[1]}、{edge.writer}" if before[1] != edge.writer else edge.writer
                yield at.problem(f"从 {start} 出发的边 {edge.message} 写了两次（书写者：{both}）", "每条边只能有一个书写者：保留一条", *here_edge)
        if edge.petition is not None and edge.petition not in petition_states:
            yield at.problem(f"边 {edge.message} 使信访事项进入不存在的状态 {edge.petition}", "写一个 petition.states 中已有的状态", *here_edge, "petition")
        for guard in edge.guards:
            if guard not in guards:
                yield at.problem(f"边 {edge.message} 的守则 {guard} 不存在", f"用以下之一：{'、'.join(sorted(guards))}", *here_edge, "guards")
        if edge.restarts and edge.restarts not in clocks.clocks:
            yield at.problem(f"边 {edge.message} 重起的期限 {edge.restarts} 不存在", "改正名称", *here_edge, "restarts")
        if edge.extends and edge.extends not in clocks.clocks:
            yield at.problem(f"边 {edge.message} 延长的期限 {edge.extends} 不存在", "改正名称", *here_edge, "extends")
        if edge.duty and edge.duty.kind not in clocks.duties:
            yield at.problem(f"边 {edge.message} 的待办 {edge.duty.kind} 在 clocks.yaml 的 duties 中没有期限", "补上该待办的期限", *here_edge, "duty")
    for key in states:
        if states[key].holder == "handoff":
            continue  # left by what becomes of the hand-off
        if not states[key].end and not any(key in edge.from_ and edge.to not in (SAME, key) for edge in machine.edges):
            yield at.problem(f"状态 {key} 没有出路", "补上离开该状态的边，或标为 end", name, "states", key)


def _case_faults(part: str, key: str, clock: Clock, at: Located) -> Iterator[Problem]:
    names: set[str] = set()
    for i, case in enumerate(clock.cases):
        here = (part, key, "cases", i)
        if case.name in names:
            yield at.problem(f"期限 {key} 有两行都叫 {case.name}，确认时分不清", "给其中一行写上不同的 id", *here)
        names.add(case.name)
        for name in set(case.profile) - _PROFILES:
            yield at.problem(f"期限 {key} 写了不存在的机关类别 {name}", f"用以下之一：{'、'.join(sorted(_PROFILES))}", *here)
        for name in set(case.branch) - _BRANCHES:
            yield at.problem(f"期限 {key} 写了不存在的分支 {name}", f"用以下之一：{'、'.join(sorted(_BRANCHES))}", *here)
        if case.open_to_all and i < len(clock.cases) - 1:
            yield at.problem(f"期限 {key} 的兜底一行之后还有 {len(clock.cases) - 1 - i} 行，永远用不到", "把不写任何条件的一行移到最后", *here)


def _clock_faults(roads: RoadMapFile, clocks: ClocksFile, at: Located) -> Iterator[Problem]:
    for part, table in (("clocks", clocks.clocks), ("rungs", clocks.rungs)):
        for key, clock in table.items():
            yield from _case_faults(part, key, clock, at)
            if list(clock.warn) != sorted(set(clock.warn)) or not all(0 < share < 1 for share in clock.warn):
                yield at.problem(f"期限 {key} 的 warn 应为 0 与 1 之间由小到大的小数", "例如 [0.5, 0.8]", part, key, "warn")
            if not clock.cases[-1].open_to_all and not clock.optional:
                yield at.problem(f"期限 {key} 没有兜底的一行", "最后一行 cases 不写任何条件，或写明 optional: true", part, key, "cases")
            follow = clock.on_expiry.next
            if follow is not None and follow not in clocks.rungs:
                yield at.problem(f"期限 {key} 届满后的下一级 {follow} 不存在", "写一个 rungs 中已有的名称", part, key, "on_expiry")
            if clock.on_expiry.duty and clock.on_expiry.duty.kind not in clocks.duties:
                yield at.problem(f"期限 {key} 届满后的待办 {clock.on_expiry.duty.kind} 没有期限", "在 duties 中补上", part, key, "on_expiry")
            if follow == key and not clock.repeats:
                yield at.problem(f"期限 {key} 自我重复而未写明 repeats", "写明 repeats: true", part, key)
            for state in (*clock.pauses_in, *(name for case in clock.cases for name in (*case.pauses_in, *case.runs_in))):
                if state not in roads.handoff.states:
                    yield at.problem(f"期限 {key} 的 pauses_in 写了不存在的状态 {state}", "改正状态名", part, key, "pauses_in")
            for case in clock.cases:
                if case.deemed and not any(edge.message == case.deemed and edge.writer == "system" for edge in roads.handoff.edges):
                    yield at.problem(f"期限 {key} 届满视为 {case.deemed}，而路线图中没有由系统书写的这条边", "改正名称，或在 roadmap.yaml 中补上", part, key, "cases")
    for kind in NEEDED_DUTIES - clocks.duties.keys():
        yield at.problem(f"待办 {kind} 没有期限，而产品会开立这种待办", "在 duties 中补上", "duties")
    used = {c for m in (roads.petition, roads.handoff) for s in m.states.values() for c in s.clocks}
    for key in clocks.clocks.keys() - used:
        yield at.problem(f"期限 {key} 没有任何状态使用", "在 roadmap.yaml 中使用它，或删去", "clocks", key)
