"""The bodies: whoever ends an escalation, decides a dispute or reviews an answer is there, can be reached, and is not the one complained of."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from config.bodies import Body
from rules.ladder import arbiter_for, conference_for, shuns
from rules.proof.defect import BODIES, Defect, Note
from rules.proof.parts import CONFERENCE, DESK, Parts
from rules.remedies import higher

# Kinds that receive no petition: they hand over, decide, or hold the end of the ladder.
_NO_RECEIVERS = frozenset({"bureau", "joint_conference"})
# Whose own answers belong to 信访程序 (art 31(6)), so that 复查 and 复核 may be asked.
_ANSWERS = frozenset({"agency", "police", "government"})


class People:
    """The checks over bodies.yaml; `pairs` counts the disputes that were tried, `notes` is filled by `defects`."""

    def __init__(self, parts: Parts) -> None:
        self.parts, self.bodies = parts, parts.bodies
        self.pairs = 0
        self.notes: list[Note] = []
        self._at = {body.code: i for i, body in enumerate(parts.bodies)}

    def cheap(self) -> Iterator[Defect]:
        """What may not be missing at a start."""
        code = self.parts.bureau
        if code not in self.bodies or self.bodies.get(code).kind != "bureau" or not self.bodies.get(code).lasts:
            yield Defect("no-bureau", BODIES, ("bodies",), f"信访部门 {code} 不在机关目录中，或不是现存的信访部门", "补上该部门，或改正 TONGLU_BUREAU")
        elif self.bodies.find(CONFERENCE, self.bodies.get(code).division) is None:
            yield Defect("no-conference", BODIES, ("bodies",), f"{self.bodies.get(code).name}没有联席会议，逐级督办没有终点", "补写该区划的 joint_conference")
        for body in self.bodies:
            for n, way in enumerate(body.ways):
                if way.kind != DESK and way.kind not in self.parts.kinds:
                    known = "、".join(sorted({DESK, *self.parts.kinds}))
                    where = ("connector",) if n == 0 else ("fallbacks", n - 1)
                    named = "连接方式" if n == 0 else f"备用通道 {n} 的连接方式"
                    yield Defect("no-connector", BODIES, self._where(body, *where), f"{body.name}的{named} {way.kind} 不存在，送不到", f"改用以下之一：{known}")

    def defects(self) -> Iterator[Defect]:
        found = list(self.cheap())
        yield from found
        if any(d.code in ("no-bureau", "no-conference") for d in found):
            return
        self.notes.clear()
        yield from self._own_cases()
        yield from self._arbiters()
        self._reviewers()
        self._heirless()

    def _where(self, body: Body, *more: str | int) -> tuple[str | int, ...]:
        return ("bodies", self._at[body.code], *more)

    @property
    def own(self) -> str:
        return self.bodies.get(self.parts.bureau).division

    def territory(self) -> list[Body]:
        """Bodies at or below the bureau's own division."""
        return [body for body in self.bodies if any(place.code == self.own for place in self.bodies.lineage(body.division))]

    def _own_cases(self) -> Iterator[Defect]:
        """Nobody is asked at the end of the ladder about a complaint against himself."""
        near = {body.code for body in self.territory()}
        far = 0
        for body in self.bodies:
            facts = {"complained_of": body.code}
            if not shuns(facts, conference_for(facts, self.bodies, self.own), self.bodies):
                continue
            if body.code in near:
                yield Defect("judge-in-own-case", BODIES, self._where(body), f"反映{body.name}的事项，逐级督办的终点仍在其一方：目录中没有可以回避到的联席会议或信访部门",
                             "补写上一级的 joint_conference，或上一级的 bureau")
            else:
                far += 1
        if far:
            self.notes.append(Note("top-complained-of", f"反映上级 {far} 个机关的事项，目录中没有更高的联席会议", "由本信访部门继续持有并重复提醒，不再让新的单位知悉；须由人报请更高一级"))

    def _arbiters(self) -> Iterator[Defect]:
        by_place: dict[str, list[Body]] = {}
        for body in self.territory():
            if body.kind not in _NO_RECEIVERS and body.lasts:
                by_place.setdefault(body.division, []).append(body)
        for division, here in by_place.items():
            above = [place.code for place in self.bodies.lineage(division)[1:2]]
            others = [body for code in above for body in by_place.get(code, [])]
            for one, two in (*combinations(here, 2), *((one, two) for one in here for two in others)):
                self.pairs += 1
                arbiter = arbiter_for((one.code, two.code), {}, self.bodies, self.own)
                if arbiter not in self.bodies or arbiter in (one.code, two.code) or not self.bodies.get(arbiter).holds():
                    yield Defect("no-arbiter", BODIES, self._where(one), f"{one.name}与{two.name}争议时，没有可以协调、指定的机关", "写明共同上级，或补写联席会议")

    def _reviewers(self) -> None:
        alone = [body for body in self.territory() if body.kind in _ANSWERS and body.lasts and not higher(body.code, self.bodies)]
        if alone:
            self.notes.append(Note("no-reviewer", f"{len(alone)} 个机关在目录中没有上一级，例如{alone[0].name}：对其答复不能在系统内提出复查（条例第三十五条）",
                                   "申请复查时说明缺少上一级机关，事项不丢失；补写 superior 或本级 government 后即可送出"))
        last = {code for body in self.territory() if body.kind in _ANSWERS and body.lasts for code in higher(body.code, self.bodies)[:1] if not higher(code, self.bodies)}
        if last:
            self.notes.append(Note("no-rereviewer", f"{len(last)} 个复查机关在目录中没有上一级，例如{self.bodies.get(min(last)).name}：复核送不出去（条例第三十六条）",
                                   "申请复核时说明缺少上一级机关，事项不丢失"))

    def _heirless(self) -> None:
        lost = [body for body in self.bodies if not body.lasts and self.bodies.current(body.code) is None]
        nobody = [body for body in lost if self.bodies.designator(body.code) is None]
        if lost:
            self.notes.append(Note("heirless", f"{len(lost)} 个机关已撤销而没有承继机关，例如{lost[0].name}（条例第二十四条第二款）",
                                   "归其管辖的事项交经办人，由本级党委、政府或者其指定的机关受理" + (f"；其中 {len(nobody)} 个在目录中找不到本级政府" if nobody else "")))
